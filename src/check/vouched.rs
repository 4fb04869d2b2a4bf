//! What a proxy would say of a client, when somebody else vouches for it: an administrator, or a back end that mints.

use super::parts::{HeaderParts, Part, Parts};
use super::policy::{Format, Policy};
use super::thumbprint::Thumbprint;
use actix_web::http::header::{HeaderMap, HeaderValue};
use std::fmt;

/// Why it cannot be taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VouchedError {
    /// No setting has a part of this name.
    Unknown(String),
    /// It was given twice.
    Repeated(String),
    /// No header can carry the value.
    Unsendable(String),
    /// No new token would be bound to the certificate that was given.
    CertificateUnused,
    /// Nothing was said about it: a token could never be used by a client for whom the proxy says something.
    Unsaid(String),
}

impl fmt::Display for VouchedError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name) => write!(formatter, "SAMEHAND_HEADER_PARTS has no part {name:?}"),
            Self::Repeated(name) => write!(formatter, "{name:?} is given twice"),
            Self::Unsendable(name) => write!(formatter, "no header can carry the value of {name:?}"),
            Self::CertificateUnused => formatter.write_str(
                "it would count for nothing: SAMEHAND_REQUIRE_SAME and SAMEHAND_WATCH have no `mtls`, or article tokens are minted",
            ),
            Self::Unsaid(name) => {
                write!(formatter, "say what the proxy sends as {name:?} of this client, or that it sends nothing")
            }
        }
    }
}

impl std::error::Error for VouchedError {}

/// The headers that the proxy would send of a client. `None` stands for a header that it does not send. Of the parts in
/// `compared` every one has to be said.
///
/// # Errors
/// See [`VouchedError`].
pub fn headers<'a>(
    names: &HeaderParts,
    compared: Parts,
    said: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
) -> Result<HeaderMap, VouchedError> {
    let (mut headers, mut known) = (HeaderMap::new(), Parts::NONE);
    for (name, value) in said {
        let own = names.iter().find(|(_, part)| part.name == name);
        let (part, header) = own.ok_or_else(|| VouchedError::Unknown(name.to_owned()))?;
        if known.contains(part) {
            return Err(VouchedError::Repeated(name.to_owned()));
        }
        known = known.with(part);
        if let Some(value) = value {
            let value = HeaderValue::from_bytes(value.as_bytes());
            headers.insert(header.header.clone(), value.map_err(|_| VouchedError::Unsendable(name.to_owned()))?);
        }
    }
    let mut unsaid = names.iter().filter(|(part, _)| compared.contains(*part) && !known.contains(*part));
    match unsaid.next() {
        Some((_, part)) => Err(VouchedError::Unsaid(part.name.clone())),
        None => Ok(headers),
    }
}

/// The certificate that the client shows, if a token can be bound to it.
///
/// # Errors
/// [`VouchedError::CertificateUnused`].
pub fn certificate(policy: &Policy, said: Option<Thumbprint>) -> Result<Option<Thumbprint>, VouchedError> {
    let is_compared = policy.require_same.union(policy.watch).contains(Part::Mtls);
    let is_bound = is_compared && policy.formats.minted == Format::Keyed;
    if said.is_some() && !is_bound { Err(VouchedError::CertificateUnused) } else { Ok(said) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::parts::HeaderPart;
    use crate::check::policy::{self, Formats};
    use actix_web::http::header::HeaderName;

    #[test]
    fn a_certificate_that_would_count_for_nothing_is_refused() {
        let shown = Some(Thumbprint::of(b"a certificate"));
        let usual = policy::tests::usual();
        assert_eq!(certificate(&usual, shown), Err(VouchedError::CertificateUnused));
        assert_eq!(certificate(&usual, None), Ok(None));
        let watching = Policy { watch: Parts::NONE.with(Part::Mtls), ..usual };
        assert_eq!(certificate(&watching, shown), Ok(shown));
        let formats = Formats { minted: Format::Article, also: Some(Format::Keyed) };
        assert_eq!(certificate(&Policy { formats, ..watching }, shown), Err(VouchedError::CertificateUnused));
    }

    #[test]
    fn every_part_that_is_compared_has_to_be_said() {
        let part = |name: &str, header| HeaderPart { name: name.into(), header: HeaderName::from_static(header) };
        let names = HeaderParts::new(vec![part("ja4", "x-ja4"), part("country", "x-country")]).unwrap();
        let compared = Parts::NONE.with(names.named("ja4").unwrap());
        let vouched = |said: &[(&'static str, Option<&'static str>)]| {
            headers(&names, compared, said.iter().copied())
                .map(|headers| headers.iter().map(|(name, value)| format!("{name}: {value:?}")).collect::<Vec<_>>())
        };
        assert_eq!(vouched(&[("ja4", Some("t13d"))]), Ok(vec![String::from(r#"x-ja4: "t13d""#)]));
        assert_eq!(vouched(&[("ja4", None)]), Ok(vec![]));
        assert_eq!(vouched(&[]), Err(VouchedError::Unsaid("ja4".into())));
        assert_eq!(vouched(&[("country", Some("eo"))]), Err(VouchedError::Unsaid("ja4".into())));
        assert_eq!(vouched(&[("asn", Some("1"))]), Err(VouchedError::Unknown("asn".into())));
        assert_eq!(vouched(&[("ip", Some("1"))]), Err(VouchedError::Unknown("ip".into())));
        assert_eq!(vouched(&[("ja4", None), ("ja4", Some("a"))]), Err(VouchedError::Repeated("ja4".into())));
        assert_eq!(vouched(&[("ja4", Some("a\nb"))]), Err(VouchedError::Unsendable("ja4".into())));
    }
}
