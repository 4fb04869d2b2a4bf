//! What is read of a proxy's description, and what is not.

use super::*;
use actix_web::http::header::HeaderValue;

fn complete() -> HeaderMap {
    [
        (&FORWARDED_METHOD, "GET"),
        (&FORWARDED_PROTO, "https"),
        (&FORWARDED_HOST, "app.example.com"),
        (&FORWARDED_URI, "/a?b=c"),
    ]
    .into_iter()
    .map(|(name, value)| (name.clone(), HeaderValue::from_static(value)))
    .collect()
}

#[track_caller]
fn with(name: &'static HeaderName, value: &[u8]) -> Result<(String, Scheme, String), ForwardedError> {
    let mut headers = complete();
    headers.insert(name.clone(), HeaderValue::from_bytes(value).unwrap());
    read(&headers).map(|request| (request.host().into(), request.scheme(), request.path().into()))
}

#[test]
fn a_complete_description_is_read() {
    let headers = complete();
    let request = read(&headers).unwrap();
    assert_eq!((request.method(), request.scheme()), ("GET", Scheme::Https));
    assert_eq!((request.host(), &*request.path()), ("app.example.com", "/a"));
}

#[test]
fn each_header_is_required_and_not_empty() {
    for name in [&FORWARDED_METHOD, &FORWARDED_PROTO, &FORWARDED_HOST, &FORWARDED_URI] {
        let mut headers = complete();
        headers.remove(name);
        assert_eq!(read(&headers).unwrap_err(), ForwardedError::Missing(name.as_str()));
        for empty in [&b""[..], b" \t "] {
            assert_eq!(with(name, empty).unwrap_err(), ForwardedError::Empty(name.as_str()));
        }
    }
}

#[test]
fn all_but_the_address_list_stand_on_one_line() {
    for name in [&FORWARDED_METHOD, &FORWARDED_PROTO, &FORWARDED_HOST, &FORWARDED_URI] {
        let mut headers = complete();
        let again = headers.get(name).cloned().unwrap();
        headers.append(name.clone(), again);
        assert_eq!(read(&headers).unwrap_err(), ForwardedError::Ambiguous(name.as_str()));
    }
}

#[test]
fn hosts_are_compared_in_lower_case_without_port_and_dot() {
    for (sent, read) in [
        ("App.Example.COM", "app.example.com"),
        ("app.example.com:8443", "app.example.com"),
        ("app.example.com.", "app.example.com"),
        ("_", "_"),
        ("[2001:db8::1]:443", "[2001:db8::1]"),
        ("192.0.2.7:80", "192.0.2.7"),
    ] {
        assert_eq!(with(&FORWARDED_HOST, sent.as_bytes()).unwrap().0, read);
    }
}

#[test]
fn what_has_not_the_shape_of_its_header_is_unreadable() {
    let long = |byte: u8, length: usize| vec![byte; length];
    for (name, value) in [
        (&FORWARDED_METHOD, b"GE T".to_vec()),
        (&FORWARDED_METHOD, b"G\xc3\x89T".to_vec()),
        (&FORWARDED_METHOD, long(b'A', 33)),
        (&FORWARDED_PROTO, b"javascript".to_vec()),
        (&FORWARDED_PROTO, b"https,http".to_vec()),
        (&FORWARDED_PROTO, b"https://".to_vec()),
        (&FORWARDED_HOST, b"evil.example/@app.example.com".to_vec()),
        (&FORWARDED_HOST, b"user@app.example.com".to_vec()),
        (&FORWARDED_HOST, b"a.example,b.example".to_vec()),
        (&FORWARDED_HOST, b"app.example.com:".to_vec()),
        (&FORWARDED_HOST, b"app.example.com:99999".to_vec()),
        (&FORWARDED_HOST, b"app..example.com".to_vec()),
        (&FORWARDED_HOST, b".example.com".to_vec()),
        (&FORWARDED_HOST, b"[::1".to_vec()),
        (&FORWARDED_HOST, b"[[::1]".to_vec()),
        (&FORWARDED_HOST, b"[::1]x".to_vec()),
        (&FORWARDED_HOST, b"[app.example.com]".to_vec()),
        (&FORWARDED_HOST, b"app.ex\xc3\xa4mple".to_vec()),
        (&FORWARDED_HOST, long(b'a', 64 * 1024)),
        (&FORWARDED_URI, b"http://app.example.com/".to_vec()),
        (&FORWARDED_URI, b"admin".to_vec()),
        (&FORWARDED_URI, b"/a b".to_vec()),
        (&FORWARDED_URI, b"caf\xc3\xa9".to_vec()),
        (&FORWARDED_URI, b"\xc3\xa9/".to_vec()),
        (&FORWARDED_URI, b"/caf\xc3\xa9 au lait".to_vec()),
        (&FORWARDED_URI, b"/a\tb".to_vec()),
        (&FORWARDED_URI, long(b'/', 64 * 1024)),
    ] {
        assert_eq!(with(name, &value).unwrap_err(), ForwardedError::Unreadable(name.as_str()), "{name}: {value:?}");
    }
}

/// What `HeaderValue` lets through and a target cannot have is above; what it does not let through never gets here.
#[test]
fn control_characters_are_no_target() {
    for byte in (0..=b' ').chain([0x7f]) {
        assert_eq!(parse_uri(&[b'/', b'a', byte, b'b']), None, "{byte:#04x}");
        assert_eq!(parse_uri(&[b'/', b'\xc3', b'\xa9', byte]), None, "{byte:#04x}");
    }
}

#[test]
fn letters_beyond_ascii_are_read_and_shown_escaped() {
    for (sent, path, uri) in [
        (&b"/caf\xc3\xa9?q=\xe2\x82\xac"[..], "/caf%C3%A9", "/caf%C3%A9?q=%E2%82%AC"),
        (b"/caf\xe9", "/caf%E9", "/caf%E9"),
        // Never a control character of a terminal, however it is spelt.
        (b"/\xc2\x9b31m\x9b\x85", "/%C2%9B31m%9B%85", "/%C2%9B31m%9B%85"),
        (b"/%C3%A9?\xff", "/%C3%A9", "/%C3%A9?%FF"),
    ] {
        let mut headers = complete();
        headers.insert(FORWARDED_URI.clone(), HeaderValue::from_bytes(sent).unwrap());
        let request = read(&headers).unwrap();
        assert_eq!((&*request.path(), &*request.uri()), (path, uri));
        assert_eq!(place(&headers, "/renew").unwrap().target, uri, "the target of a proof");
    }
}

#[test]
fn websockets_and_options_of_the_server_are_read() {
    assert_eq!(with(&FORWARDED_PROTO, b"wss").unwrap().1, Scheme::Https);
    assert_eq!(with(&FORWARDED_PROTO, b"ws").unwrap().1, Scheme::Http);
    assert_eq!(with(&FORWARDED_URI, b"*").unwrap().2, "*");
}
