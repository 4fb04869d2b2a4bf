//! The session cookie, and the proof cookie beside it: set and cleared with the same attributes, so that browsers take one
//! for the other (RFC 6265 section 5.3), and read in [`check`](crate::check::credential).

use crate::app::State;
use crate::check::proofs;
use crate::config::SessionCookie;
use actix_web::http::header::{HeaderMap, HeaderValue, SET_COOKIE};

/// `Set-Cookie` that keeps a token for so many seconds. The session ends, not the token: an expired token is what a fresh
/// one is given for.
pub(super) fn set(cookie: &SessionCookie, token: &str, seconds: u64) -> HeaderValue {
    line(cookie, &cookie.name, token, seconds, "Lax")
}

/// `Set-Cookie` that removes it.
pub(super) fn clear(cookie: &SessionCookie) -> HeaderValue {
    line(cookie, &cookie.name, "", 0, "Lax")
}

/// `Set-Cookie` that keeps the secret of a proof cookie for so many seconds. Only a request of the site's own pages brings it
/// (`SameSite=Strict`): whoever sends the token in `Authorization` is one.
pub(super) fn set_proof(cookie: &SessionCookie, secret: &str, seconds: u64) -> HeaderValue {
    line(cookie, &proofs::cookie_name(&cookie.name), secret, seconds, "Strict")
}

/// Adds the proof cookie that a token is bound to, if it is, to the answer that carries the token.
pub(super) fn add_proof(headers: &mut HeaderMap, state: &State, secret: Option<&str>, seconds: u64) {
    if let Some(secret) = secret {
        headers.append(SET_COOKIE, set_proof(&state.cookie, secret, seconds));
    }
}

/// `Set-Cookie` that removes the proof cookie.
pub(super) fn clear_proof(cookie: &SessionCookie) -> HeaderValue {
    set_proof(cookie, "", 0)
}

fn line(cookie: &SessionCookie, name: &str, value: &str, seconds: u64, same_site: &str) -> HeaderValue {
    let SessionCookie { domain, secure, .. } = cookie;
    let domain = domain.as_ref().map_or_else(String::new, |domain| format!("; Domain={domain}"));
    let secure = if *secure { "; Secure" } else { "" };
    let line = format!("{name}={value}; Path=/; Max-Age={seconds}{domain}{secure}; HttpOnly; SameSite={same_site}");
    // Name, domain, token and secret are of letters that stand in headers.
    HeaderValue::try_from(line).unwrap_or(HeaderValue::from_static(""))
}
