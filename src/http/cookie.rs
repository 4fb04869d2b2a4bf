//! The session cookie: set and cleared with the same attributes, so that browsers take one for the other (RFC 6265
//! section 5.3), and read in [`check`](crate::check::credential).

use crate::config::SessionCookie;
use actix_web::http::header::HeaderValue;

/// `Set-Cookie` that keeps a token for so many seconds. The session ends, not the token: an expired token is what a fresh
/// one is given for.
pub(super) fn set(cookie: &SessionCookie, token: &str, seconds: u64) -> HeaderValue {
    line(cookie, token, seconds)
}

/// `Set-Cookie` that removes it.
pub(super) fn clear(cookie: &SessionCookie) -> HeaderValue {
    line(cookie, "", 0)
}

fn line(cookie: &SessionCookie, value: &str, seconds: u64) -> HeaderValue {
    let SessionCookie { name, domain, secure } = cookie;
    let domain = domain.as_ref().map_or_else(String::new, |domain| format!("; Domain={domain}"));
    let secure = if *secure { "; Secure" } else { "" };
    let line = format!("{name}={value}; Path=/; Max-Age={seconds}{domain}{secure}; HttpOnly; SameSite=Lax");
    // Name, domain and token are of letters that stand in headers.
    HeaderValue::try_from(line).unwrap_or(HeaderValue::from_static(""))
}
