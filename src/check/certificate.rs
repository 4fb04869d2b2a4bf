//! The client certificate that a proxy hands over, in the one header that it is configured for.
//!
//! Nothing about the certificate is judged here but that it is one: whether it is valid, and by whom, the proxy has decided
//! in the handshake, and hands over nothing otherwise. It never falls back to another header or another reading: the shape
//! follows from how the value begins, and whatever does not hold to it is refused.
//!
//! | begins with | it is | sent by |
//! |---|---|---|
//! | `:` | the DER as a byte sequence, `:base64:` | RFC 9440 section 2.2 (`Client-Cert`) |
//! | `-----BEGIN%20CERTIFICATE-----` | PEM, percent-encoded | nginx `$ssl_client_escaped_cert` |
//! | `M` | the DER in base64; after a comma what else the client sent in the handshake, which does not count | Traefik `X-Forwarded-Tls-Client-Cert`, Caddy `{http.request.tls.client.certificate_der_base64}`, HAProxy `ssl_c_der,base64` |
//! | a key and `=` | an element of `X-Forwarded-Client-Cert` with `Hash=`, `Cert=` or both | Envoy |
//!
//! An absent or empty header is no certificate, and so is the SHA-256 of nothing, which some proxies send in that case.

mod der;
mod envoy;

use super::thumbprint::Thumbprint;
use actix_web::http::header::{HeaderMap, HeaderName};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt;

/// Longest accepted header, in bytes: several certificates of the largest keys in use.
const MAX_VALUE: usize = 32 * 1024;

/// How PEM begins (RFC 7468 section 5.1), and how it does when it is percent-encoded.
const PEM: &str = "-----BEGIN CERTIFICATE-----";
const ESCAPED_PEM: &str = "-----BEGIN%20CERTIFICATE-----";

/// How a value begins that a proxy was to fill in and did not: Caddy, nginx, HAProxy and Envoy, Apache.
const PLACEHOLDERS: [char; 4] = ['{', '$', '%', '('];

/// Why no certificate could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CertificateError {
    /// There are two lines, and one of them the proxy did not write.
    Ambiguous,
    /// It has more than 32 KiB.
    TooLong,
    /// The proxy sent the name of a value in place of the value.
    NotFilledIn,
    /// None of the shapes above.
    Unreadable,
    /// What it holds is not one certificate.
    NotOneCertificate,
    /// Envoy appended to what came from elsewhere.
    SeveralElements,
    /// `Hash=` and `Cert=` are of different certificates.
    Contradictory,
}

impl fmt::Display for CertificateError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Ambiguous => "there is more than one line of it",
            Self::TooLong => "it is longer than 32 KiB",
            Self::NotFilledIn => "the proxy sent a placeholder in place of the certificate",
            Self::Unreadable => "it is in no form that a proxy sends a certificate in",
            Self::NotOneCertificate => "it does not hold exactly one certificate",
            Self::SeveralElements => {
                "it has more than one element; the proxy has to replace it (SANITIZE_SET in Envoy)"
            }
            Self::Contradictory => "its Hash and its Cert are of different certificates",
        })
    }
}

impl std::error::Error for CertificateError {}

/// Reads the header of this name. The headers have to come from a trusted proxy. `None`: the client has no certificate.
///
/// # Errors
/// What keeps the header from being read. It is no certificate, and nobody is let through for it.
pub fn read(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Thumbprint>, CertificateError> {
    let mut lines = headers.get_all(name);
    let Some(line) = lines.next() else { return Ok(None) };
    if lines.next().is_some() {
        return Err(CertificateError::Ambiguous);
    }
    if line.len() > MAX_VALUE {
        return Err(CertificateError::TooLong);
    }
    read_value(line.to_str().map_err(|_| CertificateError::Unreadable)?.trim())
}

/// The certificate in a PEM text that somebody vouches for, such as a file or a member of JSON. Text around it is no part
/// of it (RFC 7468 section 2).
///
/// # Errors
/// When there is not exactly one.
pub fn from_pem(text: &str) -> Result<Thumbprint, CertificateError> {
    let blocks = pem::parse_many(text).map_err(|_| CertificateError::NotOneCertificate)?;
    match blocks.as_slice() {
        [block] if block.tag() == "CERTIFICATE" => of_der(block.contents()),
        _ => Err(CertificateError::NotOneCertificate),
    }
}

fn read_value(value: &str) -> Result<Option<Thumbprint>, CertificateError> {
    if let Some(rest) = value.strip_prefix(':') {
        return match rest.strip_suffix(':').ok_or(CertificateError::Unreadable)? {
            "" => Ok(None),
            base64 => of_base64(base64).map(Some),
        };
    }
    if value.starts_with(ESCAPED_PEM) {
        return of_escaped_pem(value).map(Some);
    }
    if envoy::begins(value) {
        return envoy::read(value);
    }
    match value.chars().next() {
        None => Ok(None),
        // A SEQUENCE is 0x30, whose first six bits are `M`.
        Some('M') => of_base64(value.split_once(',').map_or(value, |(leaf, _)| leaf)).map(Some),
        Some(first) if PLACEHOLDERS.contains(&first) => Err(CertificateError::NotFilledIn),
        Some(_) => Err(CertificateError::Unreadable),
    }
}

fn of_base64(text: &str) -> Result<Thumbprint, CertificateError> {
    of_der(&STANDARD.decode(text).map_err(|_| CertificateError::Unreadable)?)
}

fn of_escaped_pem(text: &str) -> Result<Thumbprint, CertificateError> {
    let text = unescape(text).ok_or(CertificateError::Unreadable)?;
    if !text.starts_with(PEM) {
        return Err(CertificateError::Unreadable);
    }
    from_pem(&text)
}

fn of_der(der: &[u8]) -> Result<Thumbprint, CertificateError> {
    if !der::is_one_certificate(der) {
        return Err(CertificateError::NotOneCertificate);
    }
    Ok(Thumbprint::of(der))
}

/// Undoes percent-encoding (RFC 3986 section 2.1). `+` is itself: base64 has it, and not every proxy encodes it.
fn unescape(text: &str) -> Option<String> {
    let mut pieces = text.split('%');
    let mut out = pieces.next()?.as_bytes().to_vec();
    for piece in pieces {
        let (digits, rest) = piece.split_at_checked(2)?;
        out.extend(hex::decode(digits).ok()?);
        out.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests;
