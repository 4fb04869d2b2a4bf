//! samehand's pages: what they have in common. Each page stands in the file of its name, its text in `templates/` at the root.
//!
//! They work without scripts, and their policy allows none. Everything from outside goes through askama, which escapes it.
//! There is one style sheet, in the page itself, so that proxies have nothing more to publish.

pub(super) mod account;
mod fields;
pub(super) mod form;
mod loops;
pub(super) mod message;
pub(super) mod refused;
pub(super) mod sign_in;
pub(super) mod sign_out;

use super::respond::NO_STORE;
use crate::app::Pages;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use log::error;
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

/// The style of all pages, as it stands in each of them.
const STYLE: &str = include_str!("../../../templates/style.css");
const CROSS_ORIGIN_OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// The style as a source of a policy: by its digest (CSP Level 3, section 2.3.1).
static STYLE_SOURCE: LazyLock<String> =
    LazyLock::new(|| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(STYLE))));

/// Where the forms of a page may lead. Chromium asks along the whole chain of redirects that answers a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FormsLead {
    /// To samehand's own pages.
    Here,
    /// Wherever the application sends people that have signed in: to a provider of another domain, for instance. The form
    /// itself goes to the page's own address, and nothing on the page can write another one.
    Anywhere,
}

/// A page with the headers that every page has.
pub(super) fn page(status: StatusCode, page: &impl Template, forms_lead: FormsLead) -> HttpResponse {
    let body = match page.render() {
        Ok(body) => body,
        Err(problem) => {
            error!("a page cannot be shown: {problem}");
            return HttpResponse::new(StatusCode::INTERNAL_SERVER_ERROR);
        }
    };
    let targets = match forms_lead {
        FormsLead::Here => "",
        FormsLead::Anywhere => " https: http:",
    };
    let policy = format!(
        "default-src 'none'; style-src {}; form-action 'self'{targets}; base-uri 'none'; frame-ancestors 'none'",
        *STYLE_SOURCE
    );
    let mut response = HttpResponse::build(status).body(body);
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        // Not `no-referrer`: with that browsers send `Origin: null` with our own forms.
        (REFERRER_POLICY, "same-origin"),
        (CROSS_ORIGIN_OPENER_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(CACHE_CONTROL, NO_STORE);
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// Where the browser goes next, by GET whatever it did now; never to be remembered.
pub(super) fn see_other(location: &str) -> HttpResponse {
    let mut response = HttpResponse::new(StatusCode::SEE_OTHER);
    response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
    // A serialised URL is ASCII without blanks.
    if let Ok(location) = HeaderValue::try_from(location) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

impl Pages {
    /// The address of the page of this name.
    pub(super) fn address_of(&self, name: &str) -> String {
        format!("{}/{name}", self.url.as_str().trim_end_matches('/'))
    }

    /// Where a browser goes that was on its way to nowhere else.
    fn default_page(&self) -> String {
        self.address_of("login")
    }
}
