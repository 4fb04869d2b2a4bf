//! The identifier that ties an answer to its log line: the proxy's own `X-Request-Id` when it is well-formed, else new.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// The header, in requests and answers.
pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const LONGEST: usize = 64;

/// The identifier of this request, as a header value; always ASCII.
pub(super) fn of(headers: &HeaderMap) -> HeaderValue {
    line(headers).cloned().unwrap_or_else(new)
}

/// The identifier that came with this request, if it is well-formed.
pub(super) fn given(headers: &HeaderMap) -> Option<&str> {
    line(headers)?.to_str().ok()
}

fn line(headers: &HeaderMap) -> Option<&HeaderValue> {
    let mut lines = headers.get_all(X_REQUEST_ID);
    match (lines.next(), lines.next()) {
        (Some(given), None) if is_well_formed(given.as_bytes()) => Some(given),
        _ => None,
    }
}

/// Puts the identifier on the answers of samehand's own endpoints.
pub(super) async fn tag(
    mut request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let identifier = of(request.headers());
    // What is noted about the request names it as its answer does.
    request.headers_mut().insert(X_REQUEST_ID, identifier.clone());
    let mut answer = next.call(request).await?;
    answer.headers_mut().insert(X_REQUEST_ID, identifier);
    Ok(answer)
}

fn is_well_formed(value: &[u8]) -> bool {
    (1..=LONGEST).contains(&value.len())
        && value.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Unique over all processes (by a random prefix) and within one (by a count). It names a request and proves nothing,
/// so it need not be hard to guess.
fn new() -> HeaderValue {
    static PREFIX: LazyLock<[u8; 17]> = LazyLock::new(|| {
        let mut random = [0; 8];
        if getrandom::fill(&mut random).is_err() {
            random = u64::from(std::process::id()).to_be_bytes();
        }
        let mut prefix = [b'-'; 17];
        write_hex(u64::from_be_bytes(random), &mut prefix[..16]);
        prefix
    });
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let digits = (16 - count.leading_zeros() as usize / 4).max(1);
    let mut text = [0; 17 + 16];
    text[..17].copy_from_slice(&*PREFIX);
    write_hex(count, &mut text[17..17 + digits]);
    HeaderValue::from_bytes(&text[..17 + digits]).unwrap_or(HeaderValue::from_static("unknown"))
}

/// The last digits of a number, as many as there is room for.
fn write_hex(mut number: u64, room: &mut [u8]) {
    for place in room.iter_mut().rev() {
        *place = b"0123456789abcdef"[(number & 15) as usize];
        number >>= 4;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_well_formed_identifier_is_kept_and_any_other_replaced() {
        for (sent, kept) in [
            (&["abc-DEF_123"][..], true),
            (&["a", "b"], false),
            (&["has blank"], false),
            (&["<script>"], false),
            (&[""], false),
            (&["0123456789012345678901234567890123456789012345678901234567890123"], true),
            (&["01234567890123456789012345678901234567890123456789012345678901234"], false),
        ] {
            let mut headers = HeaderMap::new();
            for line in sent {
                headers.append(X_REQUEST_ID, HeaderValue::from_str(line).unwrap());
            }
            let identifier = of(&headers);
            assert_eq!(identifier.to_str().unwrap() == sent[0], kept, "{sent:?}");
            assert!(is_well_formed(identifier.as_bytes()));
        }
        assert_ne!(of(&HeaderMap::new()), of(&HeaderMap::new()));
        assert_eq!(of(&HeaderMap::new()).as_bytes()[16], b'-');
        let mut room = [0; 5];
        write_hex(0x90ab_cdef, &mut room);
        assert_eq!(&room, b"bcdef");
    }
}
