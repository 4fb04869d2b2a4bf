//! JSON in and out: strict bodies of bounded size and time, and errors of one shape.

use super::respond::NO_STORE;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER,
};
use actix_web::{HttpResponse, web};
use serde::de::{DeserializeOwned, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;
use std::time::Duration;

/// Largest body in bytes, where nothing else is said.
pub(super) const MAX_BODY: usize = 4096;
/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// An answer with a JSON body.
pub(super) fn ok(body: &serde_json::Value) -> HttpResponse {
    HttpResponse::Ok().insert_header((CACHE_CONTROL, NO_STORE)).json(body)
}

/// A refusal: `{"error", "error_description"}`.
pub(super) fn error(status: StatusCode, code: &str, description: &str) -> HttpResponse {
    let body = serde_json::json!({ "error": code, "error_description": description });
    HttpResponse::build(status).insert_header((CACHE_CONTROL, NO_STORE)).json(body)
}

pub(super) fn invalid_request(description: &str) -> HttpResponse {
    error(StatusCode::BAD_REQUEST, "invalid_request", description)
}

pub(super) fn unavailable() -> HttpResponse {
    let description = "the service cannot do this right now; try again";
    let mut response = error(StatusCode::SERVICE_UNAVAILABLE, "unavailable", description);
    response.headers_mut().insert(RETRY_AFTER, 5.into());
    response
}

/// What a token would say does not fit into one. Asking again does not help, so it is no 503.
pub(super) fn token_too_large() -> HttpResponse {
    let description =
        "the groups and claims of this user do not fit into a token; whoever runs this service has to shorten them";
    error(StatusCode::INTERNAL_SERVER_ERROR, "token_too_large", description)
}

/// 503 with a body of its own.
pub(super) fn not_ready(body: &serde_json::Value) -> HttpResponse {
    HttpResponse::ServiceUnavailable()
        .insert_header((CACHE_CONTROL, NO_STORE))
        .insert_header((RETRY_AFTER, 5))
        .json(body)
}

pub(super) fn slow_down(seconds: u64) -> HttpResponse {
    slow_down_as(seconds, "too many attempts at once; try again later")
}

/// 429 with a description of its own.
pub(super) fn slow_down_as(seconds: u64, description: &str) -> HttpResponse {
    let mut response = error(StatusCode::TOO_MANY_REQUESTS, "slow_down", description);
    response.headers_mut().insert(RETRY_AFTER, seconds.into());
    response
}

pub(super) async fn not_found() -> HttpResponse {
    error(StatusCode::NOT_FOUND, "not_found", "there is nothing here")
}

pub(super) async fn only_get() -> HttpResponse {
    method_not_allowed("GET, HEAD")
}

pub(super) async fn only_post() -> HttpResponse {
    method_not_allowed("POST")
}

fn method_not_allowed(allowed: &'static str) -> HttpResponse {
    let mut response = error(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "this needs another method");
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

/// Reads a JSON object of at most `most` bytes with exactly the members of `T`, none twice.
///
/// # Errors
/// The answer to give: 415 for another media type, 413 over that size, 408 when it does not arrive, 400 for anything else.
pub(super) async fn read<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: web::Payload,
    most: usize,
) -> Result<T, HttpResponse> {
    if !is_json(headers) {
        let description = "send Content-Type: application/json";
        return Err(error(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", description));
    }
    let bytes = bytes(headers, body, most).await?;
    parse(&bytes).map_err(|problem| invalid_request(&problem))
}

/// Reads a body of at most `most` bytes.
///
/// # Errors
/// The answer to give: 413 over that size, 408 when it does not arrive, 400 when it breaks off.
pub(super) async fn bytes(headers: &HeaderMap, body: web::Payload, most: usize) -> Result<web::Bytes, HttpResponse> {
    let too_large = || error(StatusCode::PAYLOAD_TOO_LARGE, "too_large", &format!("a body has at most {most} bytes"));
    if announced_length(headers).is_some_and(|length| length > most as u64) {
        return Err(too_large());
    }
    match tokio::time::timeout(BODY_TIMEOUT, body.to_bytes_limited(most)).await {
        Err(_) => Err(error(StatusCode::REQUEST_TIMEOUT, "invalid_request", "the body did not arrive")),
        Ok(Err(_)) => Err(too_large()),
        Ok(Ok(Err(_))) => Err(invalid_request("the body cannot be read")),
        Ok(Ok(Ok(bytes))) => Ok(bytes),
    }
}

/// Reads an object whose member names are not known beforehand. serde_json would keep the last of two equal ones, and
/// whoever checked the first would have checked nothing.
pub(super) fn no_member_twice<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Map<String, Value>, D::Error> {
    struct Members;
    impl<'de> Visitor<'de> for Members {
        type Value = Map<String, Value>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
            let mut read = Map::new();
            while let Some((name, value)) = members.next_entry::<String, Value>()? {
                if read.insert(name, value).is_some() {
                    return Err(A::Error::custom("a member of `claims` stands there twice"));
                }
            }
            Ok(read)
        }
    }
    deserializer.deserialize_map(Members)
}

/// A body that is announced too large is not waited for.
fn announced_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Derived readers also accept an array in place of an object; we do not.
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err("the body must be one JSON object".into());
    }
    serde_json::from_slice(bytes).map_err(|error| match error.classify() {
        // Says which member; such a message names members and types, never a value that was sent.
        serde_json::error::Category::Data => member_problem(&error.to_string()),
        serde_json::error::Category::Io | serde_json::error::Category::Syntax | serde_json::error::Category::Eof => {
            "the body must be one JSON object".into()
        }
    })
}

/// `invalid type: string "secret", expected …` would echo a value; everything else names members only.
fn member_problem(message: &str) -> String {
    if message.starts_with("invalid type") || message.starts_with("invalid value") {
        return "a member has a value of the wrong type".into();
    }
    message.split(" at line").next().unwrap_or_default().to_owned()
}

/// `application/json`, with or without parameters.
fn is_json(headers: &HeaderMap) -> bool {
    let mut lines = headers.get_all(CONTENT_TYPE);
    let (Some(line), None) = (lines.next(), lines.next()) else { return false };
    let media_type = line.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    media_type.trim().eq_ignore_ascii_case("application/json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only whether it can be read is tested")]
    struct Body {
        username: String,
        password: String,
    }

    #[track_caller]
    fn refused(body: &str) -> String {
        parse::<Body>(body.as_bytes()).unwrap_err()
    }

    #[test]
    fn only_an_object_with_known_members_once_is_read() {
        assert!(parse::<Body>(br#" {"username":"a","password":"b"} "#).is_ok());
        assert_eq!(refused(r#"["a","b"]"#), "the body must be one JSON object");
        assert_eq!(refused("username=a"), "the body must be one JSON object");
        assert_eq!(refused(r#"{"username":"a","password":"b"} x"#), "the body must be one JSON object");
        assert_eq!(
            refused(r#"{"username":"a","password":"b","x":1}"#),
            "unknown field `x`, expected `username` or `password`"
        );
        assert_eq!(refused(r#"{"username":"a","username":"b"}"#), "duplicate field `username`");
        assert_eq!(refused(r#"{"username":"a"}"#), "missing field `password`");
    }

    #[test]
    fn an_error_never_echoes_a_value() {
        assert_eq!(refused(r#"{"username":"a","password":123456789}"#), "a member has a value of the wrong type");
    }
}
