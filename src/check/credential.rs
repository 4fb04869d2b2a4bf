//! What is presented as a token, in `Authorization` or in the session cookie, read as bytes. Which of several counts is
//! said in `presented`.
//!
//! Two `Authorization` lines are ambiguous and refused (RFC 6750 section 3.1). Cookies are split by hand: percent-decoding
//! names or trimming Unicode blanks, as cookie libraries do, would let a subdomain smuggle in a `__Host-` cookie. A token is
//! never taken from a query string.

use super::policy::{Format, Policy};
use actix_web::http::header::{AUTHORIZATION, COOKIE, HeaderMap};

/// So many different cookies of our name are looked at; more are ambiguous. A browser sends one or two.
const MAX_COOKIES: usize = 8;

/// A token as it was presented; nothing about it is verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BearerToken<'a> {
    bytes: &'a [u8],
    carrier: Carrier,
}

impl<'a> BearerToken<'a> {
    /// A token that an administrator typed.
    #[must_use]
    pub fn typed(bytes: &'a [u8]) -> Self {
        Self { bytes, carrier: Carrier::Authorization }
    }

    /// The token's bytes.
    #[must_use]
    pub fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// How it travelled.
    #[must_use]
    pub fn carrier(self) -> Carrier {
        self.carrier
    }
}

/// How a token travelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// `Authorization: Bearer T`.
    Authorization,
    /// `Authorization: DPoP T` (RFC 9449 section 7.1).
    Dpop,
    /// `Authorization: T`, as the article sends it.
    Bare,
    /// The session cookie.
    Cookie,
}

/// What was presented.
#[derive(Debug, PartialEq, Eq)]
pub enum Presented<'a> {
    /// One token.
    One(BearerToken<'a>),
    /// Different session cookies, in the order sent; at least two.
    Cookies(Vec<BearerToken<'a>>),
    /// Something in `Authorization`, ours or the application's, and session cookies that say something else; at least one.
    Beside(BearerToken<'a>, Vec<BearerToken<'a>>),
}

/// Why there is no token to verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialError {
    /// None was presented.
    Missing,
    /// More than one was presented.
    Ambiguous,
    /// `Bearer` or `DPoP` without a token.
    Malformed,
}

/// Finds the token.
///
/// # Errors
/// See [`CredentialError`].
pub fn read<'a>(headers: &'a HeaderMap, policy: &Policy) -> Result<Presented<'a>, CredentialError> {
    let header = if policy.token_from.authorization { from_authorization(headers, policy)? } else { InHeader::Nothing };
    let cookies = if policy.token_from.cookie { from_cookies(headers, &policy.cookie_name)? } else { Vec::new() };
    match (header, cookies.as_slice()) {
        (InHeader::Token(token), cookies) if cookies.iter().all(|cookie| cookie.bytes == token.bytes) => {
            Ok(Presented::One(token))
        }
        (InHeader::Token(token), _) => Ok(Presented::Beside(token, cookies)),
        (InHeader::Nothing, []) => Err(CredentialError::Missing),
        (InHeader::Malformed, []) => Err(CredentialError::Malformed),
        // An application's scripts send `Bearer` with nothing behind it, too.
        (InHeader::Nothing | InHeader::Malformed, [cookie]) => Ok(Presented::One(*cookie)),
        (InHeader::Nothing | InHeader::Malformed, _) => Ok(Presented::Cookies(cookies)),
    }
}

/// What stands in `Authorization`.
enum InHeader<'a> {
    /// Nothing that could be a token.
    Nothing,
    /// `Bearer` or `DPoP` without a token.
    Malformed,
    /// A token, of whomever.
    Token(BearerToken<'a>),
}

fn from_authorization<'a>(headers: &'a HeaderMap, policy: &Policy) -> Result<InHeader<'a>, CredentialError> {
    let mut lines = headers.get_all(AUTHORIZATION);
    let Some(line) = lines.next() else { return Ok(InHeader::Nothing) };
    if lines.next().is_some() {
        return Err(CredentialError::Ambiguous);
    }
    let value = line.as_bytes().trim_ascii();
    let (scheme, rest) = match value.iter().position(|byte| matches!(byte, b' ' | b'\t')) {
        Some(blank) => value.split_at(blank),
        None => (value, &b""[..]),
    };
    let schemes = [(&b"bearer"[..], Carrier::Authorization), (b"dpop", Carrier::Dpop)];
    if let Some((_, carrier)) = schemes.into_iter().find(|(name, _)| scheme.eq_ignore_ascii_case(name)) {
        // RFC 9110 section 11.4: blanks, not tabs, between scheme and token.
        let bytes = rest.trim_ascii_start();
        if bytes.is_empty() || rest[..rest.len() - bytes.len()].contains(&b'\t') {
            return Ok(InHeader::Malformed);
        }
        return Ok(InHeader::Token(BearerToken { bytes, carrier }));
    }
    let bare = rest.is_empty() && !scheme.is_empty() && policy.formats.accept(Format::Article);
    let token = BearerToken { bytes: scheme, carrier: Carrier::Bare };
    Ok(if bare { InHeader::Token(token) } else { InHeader::Nothing })
}

fn from_cookies<'a>(headers: &'a HeaderMap, name: &str) -> Result<Vec<BearerToken<'a>>, CredentialError> {
    let mut found: Vec<BearerToken<'a>> = Vec::new();
    for bytes in cookies_named(headers, name) {
        if bytes.is_empty() || found.iter().any(|cookie| cookie.bytes == bytes) {
            continue;
        }
        if found.len() == MAX_COOKIES {
            return Err(CredentialError::Ambiguous);
        }
        found.push(BearerToken { bytes, carrier: Carrier::Cookie });
    }
    Ok(found)
}

/// The values of all cookies of exactly this name, in the order sent.
pub(super) fn cookies_named<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a [u8]> {
    let pairs = headers.get_all(COOKIE).flat_map(|line| pairs(line.as_bytes()));
    pairs.filter_map(move |pair| value_of(pair, name))
}

/// What stands between semicolons.
fn pairs(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let line = rest?;
        let end = semicolon(line);
        let (pair, after) = line.split_at(end.unwrap_or(line.len()));
        rest = end.and(after.get(1..));
        Some(pair)
    })
}

/// Where the first semicolon is. Most of such a line is a token: many bytes are looked at at once.
fn semicolon(bytes: &[u8]) -> Option<usize> {
    const AT_ONCE: usize = 32;
    let has_one = |chunk: &[u8]| chunk.iter().fold(false, |any, byte| any | (*byte == b';'));
    let number = bytes.chunks(AT_ONCE).position(has_one)?;
    let start = number * AT_ONCE;
    bytes[start..].iter().position(|byte| *byte == b';').map(|place| start + place)
}

/// The value of a `name=value` pair if the name is exactly ours; only blanks and tabs around the pair are dropped.
fn value_of<'a>(mut pair: &'a [u8], name: &str) -> Option<&'a [u8]> {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = pair {
        pair = rest;
    }
    pair.strip_prefix(name.as_bytes())?.strip_prefix(b"=")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_at_every_semicolon() {
        for length in 0..200 {
            for step in [1, 2, 31, 32, 33, 64, 1000] {
                let line: Vec<u8> =
                    (0..length).map(|place| if place % step == step - 1 { b';' } else { b'x' }).collect();
                let expected: Vec<&[u8]> = line.split(|byte| *byte == b';').collect();
                assert_eq!(pairs(&line).collect::<Vec<_>>(), expected, "{length} by {step}");
            }
        }
    }
}
