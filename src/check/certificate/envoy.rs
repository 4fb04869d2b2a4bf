//! `X-Forwarded-Client-Cert` as Envoy writes it: elements separated by commas, in them pairs `key=value` separated by
//! semicolons; keys without regard to case, values with these characters in double quotes, and a quote in them as `\"`
//! (Envoy's documentation of HTTP header manipulation, x-forwarded-client-cert). Only `Hash` and `Cert` are read.

use super::{CertificateError, of_escaped_pem};
use crate::check::thumbprint::Thumbprint;
use sha2::{Digest, Sha256};

/// Every key that Envoy writes.
const KEYS: [&str; 7] = ["by", "hash", "cert", "chain", "subject", "uri", "dns"];

/// Whether the value begins with one of the keys.
pub(super) fn begins(value: &str) -> bool {
    value.split_once('=').is_some_and(|(key, _)| KEYS.contains(&key.to_ascii_lowercase().as_str()))
}

/// Reads the only element. `None`: the client has no certificate.
///
/// # Errors
/// When there are several elements, of which all but one came from elsewhere, or the one cannot be read.
pub(super) fn read(value: &str) -> Result<Option<Thumbprint>, CertificateError> {
    let elements = split(value, ',').ok_or(CertificateError::Unreadable)?;
    let [element] = elements[..] else { return Err(CertificateError::SeveralElements) };
    let (mut hash, mut certificate) = (None, None);
    for pair in split(element, ';').ok_or(CertificateError::Unreadable)? {
        let (key, value) = pair.split_once('=').ok_or(CertificateError::Unreadable)?;
        let earlier = match key.to_ascii_lowercase().as_str() {
            "hash" => hash.replace(value),
            "cert" => certificate.replace(value),
            // The other names and the chain; an earlier one of them is none of ours.
            _ => None,
        };
        if earlier.is_some() {
            return Err(CertificateError::Unreadable);
        }
    }
    let hash = hash.map(read_hash).transpose()?;
    let certificate = certificate.map(read_certificate).transpose()?;
    match (hash, certificate) {
        (Some(hash), Some(certificate)) if hash != certificate => Err(CertificateError::Contradictory),
        (Some(hash), None) if hash.as_bytes()[..] == Sha256::digest(b"")[..] => Ok(None),
        (_, Some(only)) | (Some(only), None) => Ok(Some(only)),
        (None, None) => Err(CertificateError::Unreadable),
    }
}

fn read_hash(text: &str) -> Result<Thumbprint, CertificateError> {
    let mut sha256 = [0; 32];
    hex::decode_to_slice(text, &mut sha256).map_err(|_| CertificateError::Unreadable)?;
    Ok(Thumbprint::from_sha256(sha256))
}

fn read_certificate(text: &str) -> Result<Thumbprint, CertificateError> {
    let quoted = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    of_escaped_pem(quoted.ok_or(CertificateError::Unreadable)?)
}

/// The pieces between separators that stand outside of quotes. `None`: a quote is not closed.
fn split(text: &str, separator: char) -> Option<Vec<&str>> {
    let (mut pieces, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (place, character) in text.char_indices() {
        if character == separator && !quoted {
            pieces.push(&text[start..place]);
            start = place + separator.len_utf8();
        }
        quoted ^= character == '"' && !escaped;
        escaped = character == '\\' && quoted && !escaped;
    }
    pieces.push(&text[start..]);
    (!quoted).then_some(pieces)
}
