//! Headers in which the proxy says what only it knows of a client: `HEADER_PARTS`, `CLIENT_CERT_HEADER`. Refused is every
//! header that a client writes itself, or that something else is read from.

use super::choices::{each, without_repetition};
use super::findings::Findings;
use super::raw::Raw;
use crate::check::parts::{HeaderPart, HeaderParts, MAX_HEADER_PARTS, Part, Parts};
use actix_web::http::header::HeaderName;

/// What samehand, a proxy or the connection reads otherwise. RFC 9110 section 7.6.1 has those of the connection.
const TAKEN: [&str; 40] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "dpop",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "origin",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "referer",
    "remote-email",
    "remote-groups",
    "remote-name",
    "remote-user",
    "sec-fetch-dest",
    "sec-fetch-mode",
    "sec-fetch-site",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-method",
    "x-forwarded-proto",
    "x-forwarded-uri",
    "x-request-id",
    "x-requested-with",
];

/// The longest name of a part.
const MAX_NAME: usize = 32;

/// What the proxy is asked for.
#[derive(Default)]
pub(super) struct ProxyHeaders {
    pub(super) parts: HeaderParts,
    pub(super) certificate: Option<HeaderName>,
}

/// Validates both settings.
pub(super) fn check(raw: &Raw, findings: &mut Findings) -> ProxyHeaders {
    let parts = raw.header_parts.as_deref().map(read_parts);
    let parts = parts.and_then(|parts| findings.keep("HEADER_PARTS", parts)).unwrap_or_default();
    let certificate = raw.client_cert_header.as_deref().map(read_header);
    let certificate = certificate.and_then(|header| findings.keep("CLIENT_CERT_HEADER", header));
    if let Some((_, part)) = parts.iter().find(|(_, part)| Some(&part.header) == certificate.as_ref()) {
        let name = &part.name;
        findings
            .problem("CLIENT_CERT_HEADER", format!("SAMEHAND_HEADER_PARTS has this header as `{name}`; use `mtls`"));
    }
    ProxyHeaders { parts, certificate }
}

/// Whether what is compared can be read, and what is read is compared.
pub(super) fn check_use(
    parts: &HeaderParts,
    certificate: Option<&HeaderName>,
    required: Parts,
    watched: Parts,
    findings: &mut Findings,
) {
    let compared = required.union(watched);
    if compared.contains(Part::Mtls) && certificate.is_none() {
        let setting = if required.contains(Part::Mtls) { "REQUIRE_SAME" } else { "WATCH" };
        let message = format!(
            "SAMEHAND_{setting} has `mtls`, so write the header in which the proxy hands over the certificate: X-Client-Cert \
             for nginx and Caddy, X-Forwarded-Tls-Client-Cert for Traefik (docs/mtls.md)"
        );
        findings.problem("CLIENT_CERT_HEADER", message);
    }
    if !compared.contains(Part::Mtls) && certificate.is_some() {
        let message = "no new token is bound to the certificate; add `mtls` to SAMEHAND_REQUIRE_SAME or SAMEHAND_WATCH";
        findings.warn("CLIENT_CERT_HEADER", message);
    }
    for (part, named) in parts.iter().filter(|(part, _)| !compared.contains(*part)) {
        debug_assert!(!part.is_proof());
        let name = &named.name;
        let message = format!("`{name}` is not compared; add it to SAMEHAND_REQUIRE_SAME or SAMEHAND_WATCH");
        findings.warn("HEADER_PARTS", message);
    }
}

fn read_parts(text: &str) -> Result<HeaderParts, String> {
    let parts = each(text, read_part)?;
    let names = parts.iter().map(|part| part.name.as_str()).collect();
    without_repetition::<&str>(names)?;
    for (place, part) in parts.iter().enumerate() {
        if let Some(other) = parts[..place].iter().find(|other| other.header == part.header) {
            return Err(format!("`{}` and `{}` are the same header; write it once", other.name, part.name));
        }
    }
    let count = parts.len();
    HeaderParts::new(parts).ok_or_else(|| format!("{count} parts are too many; write at most {MAX_HEADER_PARTS}"))
}

fn read_part(text: &str) -> Result<HeaderPart, String> {
    let problem = || format!("`{text}` is not name:Header; write for example ja4:X-JA4");
    let (name, header) = text.split_once(':').ok_or_else(problem)?;
    let (name, header) = (name.trim(), header.trim());
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(is_name) {
        return Err(format!("`{name}` is no name of a part; write 1 to {MAX_NAME} of a-z, 0-9 and -"));
    }
    if name == "none" || Part::BUILT_IN.into_iter().any(|part| part.built_in_name() == Some(name)) {
        return Err(format!("`{name}` has a meaning already; write another name"));
    }
    Ok(HeaderPart { name: name.to_owned(), header: read_header(header)? })
}

fn read_header(text: &str) -> Result<HeaderName, String> {
    let header = HeaderName::try_from(text).map_err(|_| format!("`{text}` is no name of a header"))?;
    if TAKEN.contains(&header.as_str()) {
        return Err(format!(
            "`{text}` is read for something else, or written by the client; let the proxy set another one"
        ));
    }
    Ok(header)
}
