//! A page that says one thing.

use super::page;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

#[derive(Template)]
#[template(path = "message.html")]
struct Message<'a> {
    style: &'static str,
    title: &'a str,
    paragraphs: &'a [String],
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
    page(StatusCode::FORBIDDEN, &Message { style: super::STYLE, title, paragraphs: &paragraphs }, None)
}
