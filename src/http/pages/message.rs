//! A page that says one thing.

use super::{FormsLead, page};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, HeaderValue, RETRY_AFTER};
use askama::Template;

#[derive(Template)]
#[template(path = "message.html")]
struct Message<'a> {
    style: &'static str,
    title: &'a str,
    paragraphs: &'a [String],
}

/// Nothing can be said or done now; asking again helps.
pub(in crate::http) fn unavailable() -> HttpResponse {
    let paragraphs = ["This is not possible right now. Please load the page again in a moment.".to_owned()];
    let message = Message { style: super::STYLE, title: "Please try again", paragraphs: &paragraphs };
    let mut response = page(StatusCode::SERVICE_UNAVAILABLE, &message, FormsLead::Here);
    response.headers_mut().insert(RETRY_AFTER, 5.into());
    response
}

/// There are no pages, and a browser asks for one.
pub(in crate::http) fn no_pages() -> HttpResponse {
    let paragraphs = [
        "samehand answers here, and has no page to sign in at.".to_owned(),
        "For whoever runs it: write the address at which browsers reach samehand into SAMEHAND_PUBLIC_URL, such as \
         https://auth.example.com."
            .to_owned(),
    ];
    let message = Message { style: super::STYLE, title: "Nobody can sign in here yet", paragraphs: &paragraphs };
    let mut response = page(StatusCode::METHOD_NOT_ALLOWED, &message, FormsLead::Here);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    response
}

/// The host gets no cookie, so signing in would lead back here for ever. Without its name where it is not known: the address
/// of a page is anybody's to write.
pub(in crate::http) fn other_site(host: Option<&str>) -> HttpResponse {
    let paragraphs = [
        format!(
            "{} is outside of the domain that the session cookie is for, so signing in would not help.",
            host.unwrap_or("The site that you came from")
        ),
        "For whoever runs it: SAMEHAND_COOKIE_DOMAIN has to be a domain that the site and SAMEHAND_PUBLIC_URL are both in. \
         A site of another domain needs a samehand of its own."
            .to_owned(),
    ];
    let title = "The sign-in does not cover this site";
    page(StatusCode::FORBIDDEN, &Message { style: super::STYLE, title, paragraphs: &paragraphs }, FormsLead::Here)
}
