//! What a 401 of the subrequest says in its body: to a browser that cannot be sent to sign in, and to a program that reads
//! JSON. Shown at an application's address, in a frame too: it holds a link, and nothing that could be clicked by mistake.

use crate::check::forwarded::Proxy;
use crate::check::refusal_body::RefusalBody;
use actix_web::HttpResponse;
use actix_web::body::BoxBody;
use actix_web::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

/// nginx drops the body of a subrequest's answer and keeps its headers: the body once more, on one line.
const SAMEHAND_BODY: HeaderName = HeaderName::from_static("samehand-body");

/// The style on one line, so that the page is one and its digest is that of both copies.
static STYLE: LazyLock<String> = LazyLock::new(|| one_line(super::STYLE));
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let style = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    format!("default-src 'none'; style-src 'sha256-{style}'; form-action 'none'; base-uri 'none'")
});

#[derive(Template)]
#[template(path = "refused.html")]
struct RefusedPage<'a> {
    style: &'a str,
    title: &'static str,
    paragraphs: &'static [&'static str],
    sign_in: Option<&'a str>,
}

const NOTHING_WAS_SENT: &str =
    "Nothing was sent to the application: the session of this browser has ended, or this request came without it.";
const COME_BACK: &str =
    "Sign in in a new tab. Then reload this page, and the browser sends the request again, with what you had typed.";
const NO_PAGE: &str = "This site asks for a sign-in, and there is no page to sign in at.";
const SET_PUBLIC_URL: &str = "For whoever runs this: write the address at which browsers reach samehand into SAMEHAND_PUBLIC_URL, such as \
     https://auth.example.com, and let the proxy publish samehand's pages there. An own page of yours is named in SAMEHAND_SIGN_IN_URL.";
const PROTECTED: &str = "The sign-in page is itself protected by the sign-in, so nobody can reach it.";
const SEE_LOG: &str = "For whoever runs this: the proxy has to show samehand's pages at this address, and does not. The log of samehand says which \
     line is missing.";

/// Puts the body into the answer; `sign_in` is where one signs in.
pub(in crate::http) fn fill(
    response: HttpResponse,
    body: RefusalBody,
    sign_in: Option<&str>,
    proxy: Proxy,
) -> HttpResponse {
    let page = |title, paragraphs, sign_in| RefusedPage { style: &STYLE, title, paragraphs, sign_in }.render().ok();
    let (kind, text) = match body {
        RefusalBody::Nothing => return response,
        RefusalBody::Json => ("application/json", Some(signed_out(sign_in))),
        RefusalBody::SignInElsewhere => {
            let page = page("Your session has ended", &[NOTHING_WAS_SENT, COME_BACK], sign_in);
            ("text/html; charset=utf-8", page)
        }
        RefusalBody::NowhereToSignIn => {
            ("text/html; charset=utf-8", page("Nobody can sign in here yet", &[NO_PAGE, SET_PUBLIC_URL], None))
        }
        RefusalBody::SignInPageItself => {
            ("text/html; charset=utf-8", page("The sign-in page is not published", &[PROTECTED, SEE_LOG], None))
        }
    };
    // The templates are ours, and what stands in them is escaped or a serialised URL.
    let Some(text) = text.map(|text| one_line(&text)) else { return response };
    let mut response = response;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let (false, Ok(policy)) = (body == RefusalBody::Json, HeaderValue::from_str(&POLICY)) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    if let (Proxy::Nginx, Ok(copy)) = (proxy, HeaderValue::from_str(&text)) {
        headers.insert(SAMEHAND_BODY, copy);
    }
    response.set_body(BoxBody::new(text))
}

fn signed_out(sign_in: Option<&str>) -> String {
    let description = match sign_in {
        Some(url) => format!("Sign in at {url} and send the request again."),
        None => "Send a token that is good, and send the request again.".to_owned(),
    };
    json!({ "error": "signed_out", "error_description": description }).to_string()
}

fn one_line(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}
