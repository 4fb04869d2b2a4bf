//! Should a browser get a fresh cookie with the answer? Decided after the decision, and changes nothing about it.
//!
//! A cookie never rides on what a cache keeps for many people (RFC 9111 section 3 lets a shared cache keep `Set-Cookie`): a
//! page's scripts, styles, images and the like are often `public`. One of the next requests is none of these.

use super::credential::Carrier;
use super::decision::Reason;
use super::forwarded::Proxy;
use super::page_request::is_page_request;
use super::token::VerifiedToken;
use super::{Judgement, Question};
use actix_web::http::header::{ACCEPT, HeaderMap, HeaderName};

static SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");
static SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
static SEC_WEBSOCKET_VERSION: HeaderName = HeaderName::from_static("sec-websocket-version");
static FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Whether the token of a session is to be renewed on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// No.
    No,
    /// It is good, and near its end.
    Due,
    /// It has expired, and a page is asked for: if its session lives, the page is served.
    Overdue,
}

/// In the last third of its life a token is near its end.
const SHARE: u64 = 3;

/// Looks at a decision that was made at `now`, in seconds since 1970. Only a cookie can be renewed on the way: who sends
/// `Authorization` would not see the new token.
#[must_use]
pub fn wanted(question: &Question<'_>, judgement: &Judgement<'_>, now: u64) -> Renewal {
    let seen = &judgement.seen;
    if seen.carrier != Some(Carrier::Cookie) {
        return Renewal::No;
    }
    if let Some(bound) = &judgement.bound {
        let is_wanted = is_due(bound.token(), now) && !is_asset(question.headers) && !is_lost(question);
        return if is_wanted { Renewal::Due } else { Renewal::No };
    }
    let asks_for_page =
        seen.request.as_ref().is_some_and(|request| is_page_request(request.method(), question.headers));
    if judgement.reason == Reason::TokenExpired && asks_for_page { Renewal::Overdue } else { Renewal::No }
}

fn is_due(token: &VerifiedToken, now: u64) -> bool {
    let lifetime = token.expires_at().saturating_sub(token.issued_at());
    let left = token.expires_at().saturating_sub(now);
    token.session().is_some() && left.saturating_mul(SHARE) <= lifetime
}

/// Whether the answer would lose a cookie on the way. Traefik puts none on the answer to a WebSocket handshake, and who then
/// believes that it was delivered gives no other for a while.
fn is_lost(question: &Question<'_>) -> bool {
    match question.proxy {
        Proxy::Traefik => is_web_socket(question.headers),
        Proxy::Nginx | Proxy::Caddy => false,
    }
}

/// Traefik takes `Upgrade` out of its questions. What is left is the version (RFC 6455 section 4.1), what some browsers say
/// of themselves, and the scheme, where Traefik believes forwarded headers.
fn is_web_socket(headers: &HeaderMap) -> bool {
    let says = |name, values: &[&[u8]]| headers.get(name).is_some_and(|value| values.contains(&value.as_bytes()));
    headers.contains_key(&SEC_WEBSOCKET_VERSION)
        || says(&SEC_FETCH_MODE, &[b"websocket"])
        || says(&FORWARDED_PROTO, &[b"ws", b"wss"])
}

/// Whether the answer is a part of a page that caches may keep for everybody. Documents and what scripts ask for are not;
/// what a browser names otherwise, and what it may name one day, is. Where it does not name it (`Sec-Fetch-Dest`, Fetch
/// Metadata), it is told by what elements of a page send: `no-cors`, or an `Accept` that begins with their own type.
fn is_asset(headers: &HeaderMap) -> bool {
    if let Some(destination) = headers.get(&SEC_FETCH_DEST) {
        return !matches!(destination.as_bytes(), b"document" | b"iframe" | b"frame" | b"empty" | b"websocket");
    }
    if headers.get(&SEC_FETCH_MODE).is_some_and(|mode| mode.as_bytes() == b"no-cors") {
        return true;
    }
    let accept = headers.get(ACCEPT).map(|line| line.as_bytes().to_ascii_lowercase()).unwrap_or_default();
    [&b"image/"[..], b"text/css", b"font/", b"audio/", b"video/"].iter().any(|kind| accept.starts_with(kind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    #[track_caller]
    fn asset(expected: bool, lines: &[(&'static str, &'static str)]) {
        let lines = lines.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        assert_eq!(is_asset(&lines.clone().collect()), expected, "{:?}", lines.collect::<Vec<_>>());
    }

    #[test]
    fn what_a_shared_cache_may_keep_is_an_asset() {
        for destination in ["document", "iframe", "frame", "empty", "websocket"] {
            asset(false, &[("sec-fetch-dest", destination), ("accept", "image/png")]);
        }
        for destination in [
            "script",
            "style",
            "image",
            "font",
            "audio",
            "video",
            "track",
            "manifest",
            "worker",
            "sharedworker",
            "serviceworker",
            "audioworklet",
            "paintworklet",
            "xslt",
            "json",
            "embed",
            "object",
            "report",
            "of-tomorrow",
            "",
        ] {
            asset(true, &[("sec-fetch-dest", destination), ("sec-fetch-mode", "cors")]);
        }
        asset(false, &[]);
        asset(false, &[("accept", "text/html,image/webp")]);
        asset(false, &[("sec-fetch-mode", "cors"), ("accept", "*/*")]);
        asset(true, &[("sec-fetch-mode", "no-cors"), ("accept", "*/*")]);
        asset(true, &[("accept", "Image/avif,image/webp,*/*;q=0.8")]);
        asset(true, &[("accept", "text/css,*/*;q=0.1")]);
    }

    #[test]
    fn a_web_socket_shows_in_each_of_three_ways() {
        for (expected, name, value) in [
            (true, "sec-websocket-version", "13"),
            (true, "sec-fetch-mode", "websocket"),
            (true, "x-forwarded-proto", "wss"),
            (false, "x-forwarded-proto", "https"),
            (false, "sec-fetch-mode", "cors"),
        ] {
            let line = (HeaderName::from_static(name), HeaderValue::from_static(value));
            assert_eq!(is_web_socket(&[line].into_iter().collect()), expected, "{name}: {value}");
        }
    }
}
