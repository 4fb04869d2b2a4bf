//! Headers as proxies send them, and what is none of that.

use super::*;
use actix_web::http::header::HeaderValue;

const RFC_8705: &str = include_str!("../../../tests/data/certificates/rfc8705.pem");
const RFC_9440: &str = include_str!("../../../tests/data/certificates/rfc9440.pem");
/// RFC 8705, appendix A, figure 5.
const OF_RFC_8705: &str = "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0";
const NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

static NAME: HeaderName = HeaderName::from_static("x-client-cert");

fn base64(pem: &str) -> String {
    pem.lines().filter(|line| !line.starts_with('-')).collect()
}

fn der(pem: &str) -> Vec<u8> {
    STANDARD.decode(base64(pem)).unwrap()
}

/// As nginx does it: everything but letters, digits and `-._~`.
fn escaped(pem: &str) -> String {
    pem.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

fn hash() -> String {
    hex::encode(Thumbprint::of(&der(RFC_8705)).as_bytes())
}

fn lines(values: &[&[u8]]) -> Result<Option<Thumbprint>, CertificateError> {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append(NAME.clone(), HeaderValue::from_bytes(value).unwrap());
    }
    read(&headers, &NAME)
}

fn line(value: &str) -> Result<Option<Thumbprint>, CertificateError> {
    lines(&[value.as_bytes()])
}

#[track_caller]
fn is_that_of_rfc_8705(value: &str) {
    assert_eq!(line(value).map(|read| read.map(|thumbprint| thumbprint.to_string())), Ok(Some(OF_RFC_8705.into())));
}

#[test]
fn the_example_of_rfc_8705_is_read_in_every_form() {
    let (base64, escaped, hash) = (base64(RFC_8705), escaped(RFC_8705), hash());
    is_that_of_rfc_8705(&format!(":{base64}:"));
    is_that_of_rfc_8705(&escaped);
    // The older form of `$ssl_client_escaped_cert`s elsewhere leaves what a header may hold.
    is_that_of_rfc_8705(&RFC_8705.trim_end().replace(' ', "%20").replace('\n', "%0A"));
    is_that_of_rfc_8705(&base64);
    is_that_of_rfc_8705(&format!(" {base64}\t"));
    is_that_of_rfc_8705(&format!("{base64},{}", self::base64(RFC_9440)));
    is_that_of_rfc_8705(&format!("Hash={hash}"));
    is_that_of_rfc_8705(&format!("hash={}", hash.to_uppercase()));
    is_that_of_rfc_8705(&format!("Cert=\"{escaped}\""));
    is_that_of_rfc_8705(&format!(
        "By=spiffe://example.com/proxy;Hash={hash};Cert=\"{escaped}\";Chain=\"{escaped}\";\
         Subject=\"CN=a\\\"b, O=one; Hash=two\\\\\";URI=spiffe://example.com/me;URI=urn:two;DNS=a.example.com"
    ));
    assert_eq!(from_pem(RFC_8705).unwrap().to_string(), OF_RFC_8705);
    assert_eq!(from_pem(&format!("subject=CN = mtls\n{RFC_8705}")).unwrap().to_string(), OF_RFC_8705);
    assert_eq!(from_pem(&RFC_8705.replace('\n', "\r\n")).unwrap().to_string(), OF_RFC_8705);
}

#[test]
fn the_header_of_rfc_9440_is_read() {
    // Figure 2, in one line as it is sent.
    let sent = ":MIIBqDCCAU6gAwIBAgIBBzAKBggqhkjOPQQDAjA6MRswGQYDVQQKDBJMZXQncyBBdXRoZW50aWNhdGUxGzAZBgNVBAMMEkxBIEludGVybWVkaWF0ZSBDQTAeFw0yMDAxMTQyMjU1MzNaFw0yMTAxMjMyMjU1MzNaMA0xCzAJBgNVBAMMAkJDMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE8YnXXfaUgmnMtOXU/IncWalRhebrXmckC8vdgJ1p5Be5F/3YC8OthxM4+k1M6aEAEFcGzkJiNy6J84y7uzo9M6NyMHAwCQYDVR0TBAIwADAfBgNVHSMEGDAWgBRm3WjLa38lbEYCuiCPct0ZaSED2DAOBgNVHQ8BAf8EBAMCBsAwEwYDVR0lBAwwCgYIKwYBBQUHAwIwHQYDVR0RAQH/BBMwEYEPYmRjQGV4YW1wbGUuY29tMAoGCCqGSM49BAMCA0gAMEUCIBHda/r1vaL6G3VliL4/Di6YK0Q6bMjeSkC3dFCOOB8TAiEAx/kHSB4urmiZ0NX5r5XarmPk0wmuydBVoU4hBVZ1yhk=:";
    assert_eq!(line(sent), Ok(Some(from_pem(RFC_9440).unwrap())));
}

#[test]
fn no_certificate_is_none() {
    assert_eq!(lines(&[]), Ok(None));
    for nothing in ["", " \t", "::", &format!("Hash={NOTHING}"), &format!("By=urn:proxy;Hash={NOTHING};URI=")] {
        assert_eq!(line(nothing), Ok(None), "{nothing:?}");
    }
}

#[test]
fn two_lines_are_refused_even_when_they_are_equal_or_empty() {
    let base64 = base64(RFC_8705);
    for pair in [[base64.as_str(), base64.as_str()], ["", base64.as_str()], [base64.as_str(), ""], ["", ""]] {
        assert_eq!(lines(&pair.map(str::as_bytes)), Err(CertificateError::Ambiguous), "{pair:?}");
    }
}

#[test]
fn what_no_proxy_sends_is_refused_and_never_read_otherwise() {
    use CertificateError::{Contradictory, NotFilledIn, NotOneCertificate, SeveralElements, Unreadable};
    let (one, other, escaped_pem, hash) = (base64(RFC_8705), base64(RFC_9440), escaped(RFC_8705), hash());
    let both = escaped(&format!("{RFC_8705}{RFC_9440}"));
    let key = escaped(&RFC_8705.replace("CERTIFICATE", "PUBLIC KEY"));
    let rows: [(String, CertificateError); 32] = [
        // What was to be filled in.
        ("{http.request.tls.client.certificate_der_base64}".into(), NotFilledIn),
        ("$ssl_client_escaped_cert".into(), NotFilledIn),
        ("%[ssl_c_der,base64]".into(), NotFilledIn),
        ("(null)".into(), NotFilledIn),
        // Two elements: one of them came from elsewhere.
        (format!("Hash={hash},Hash={hash}"), SeveralElements),
        (format!("Hash={NOTHING},Hash={hash}"), SeveralElements),
        (format!("Hash={hash},"), SeveralElements),
        // Envoy's header, contradictory or broken.
        (format!("Hash={NOTHING};Cert=\"{escaped_pem}\""), Contradictory),
        (format!("Hash={hash};Cert=\"{}\"", escaped(RFC_9440)), Contradictory),
        (format!("Hash={hash};Hash={hash}"), Unreadable),
        (format!("Hash={hash};Subject=\"CN=a\";Hash={NOTHING}"), Unreadable),
        (format!("Hash={hash};Cert={escaped_pem}"), Unreadable),
        (format!("Hash={hash};Subject=\"CN=never closed"), Unreadable),
        (format!("Hash={}", &hash[1..]), Unreadable),
        (format!("Hash={hash}00"), Unreadable),
        (format!("Hash=\"{hash}\""), Unreadable),
        (format!("Hash={hash};"), Unreadable),
        ("Hash=".into(), Unreadable),
        ("Subject=\"CN=mtls\"".into(), Unreadable),
        // A byte sequence, and not quite.
        (format!(":{one}"), Unreadable),
        (format!(":{one}:;a=1"), Unreadable),
        (format!(":{one}:, :{one}:"), Unreadable),
        // Base64, and not quite.
        (one.trim_end_matches('=').into(), Unreadable),
        (one.replace('+', "-").replace('/', "_"), Unreadable),
        (one.replace('+', "%2B"), Unreadable),
        (format!("{one} {other}"), Unreadable),
        // PEM, and not quite.
        (format!("{escaped_pem}%"), Unreadable),
        (format!("{escaped_pem}%G0"), Unreadable),
        (both, NotOneCertificate),
        (key, Unreadable),
        // Neither.
        (hash.clone(), Unreadable),
        ("FORGED".into(), Unreadable),
    ];
    for (value, expected) in rows {
        assert_eq!(line(&value), Err(expected), "{value}");
    }
    assert_eq!(lines(&[b"\xff"]), Err(Unreadable));
    assert_eq!(line(&"M".repeat(MAX_VALUE + 1)), Err(CertificateError::TooLong));
    assert_eq!(from_pem(&format!("{RFC_8705}{RFC_9440}")), Err(NotOneCertificate));
    assert_eq!(from_pem(""), Err(NotOneCertificate));
    assert_eq!(from_pem(&RFC_8705.replace("CERTIFICATE", "PUBLIC KEY")), Err(NotOneCertificate));
}

#[test]
fn only_the_bytes_of_one_certificate_have_a_thumbprint() {
    let der = der(RFC_8705);
    let is = |bytes: &[u8]| line(&format!(":{}:", STANDARD.encode(bytes))).is_ok();
    assert!(is(&der));
    for end in 1..der.len() {
        assert!(!is(&der[..end]), "the first {end} bytes");
    }
    let mut longer = der.clone();
    longer.push(0);
    assert!(!is(&longer), "a byte behind the end");
    // 0x30 0x82 and a length: the tag, then the three longer ways to write that length.
    for first in 0..=255 {
        let mut other = der.clone();
        other[0] = first;
        assert_eq!(is(&other), first == 0x30, "the tag {first:#x}");
        other = der.clone();
        other[1] = first;
        assert_eq!(is(&other), first == 0x82, "the length of the length {first:#x}");
    }
    let contents = &der[4..];
    for head in [&[0x30, 0x83, 0, 1, 6][..], &[0x30, 0x84, 0, 0, 1, 6], &[0x30, 0x80]] {
        assert!(!is(&[head, contents].concat()), "{head:x?}");
    }
    // Three short elements are a certificate's outer form, and anything else is not.
    assert!(is(&[0x30, 6, 0x30, 0, 0x30, 0, 0x03, 0]));
    for other in [
        &[0x30, 0][..],
        &[0x30, 4, 0x30, 0, 0x30, 0],
        &[0x30, 4, 0x30, 0, 0x03, 0],
        &[0x30, 8, 0x30, 0, 0x30, 0, 0x03, 0, 0x03, 0],
        &[0x30, 0x81, 6, 0x30, 0, 0x30, 0, 0x03, 0],
    ] {
        assert!(!is(other), "{other:x?}");
    }
}

proptest::proptest! {
    #[test]
    fn whatever_comes_is_read_or_refused(value in "[ -~]{0,200}") {
        // Nothing in so few characters is a certificate but Envoy's hash and the shortest outer forms.
        if let Ok(Some(_)) = line(&value) {
            proptest::prop_assert!(envoy::begins(value.trim()) || value.contains('M'), "{}", value);
        }
    }
}
