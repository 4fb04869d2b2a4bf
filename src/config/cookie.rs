//! `COOKIE_DOMAIN`, `COOKIE_NAME` and `CLEAR_SITE_DATA`. Refuses what browsers drop silently and what would reach strangers' sites.

use super::SessionCookie;
use super::choices::one_of;
use super::findings::Findings;
use super::public_url::PublicUrl;
use super::raw::Raw;
use url::Host;

/// The word for "no `Domain` attribute".
const HOST_ONLY: &str = "host";

/// The session cookie.
pub(super) struct Cookie {
    /// The exact name.
    pub(super) name: String,
    /// `host`, or the domain in whose hosts it is valid.
    pub(super) shown_domain: String,
    /// As it is set.
    pub(super) session: SessionCookie,
}

/// Where browsers send the cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Reach {
    /// To the host that set it.
    Host,
    /// To this domain and every host below it.
    Domain(String),
}

/// When a sign-out tells the browser to forget all cookies.
#[derive(Clone, Copy)]
enum ClearSiteData {
    /// Where the cookie is of one host. A domain has more sites, and what they keep is not ours to throw away.
    Auto,
    Always,
    Never,
}

/// Validates the settings of this file.
pub(super) fn check(raw: &Raw, public: Option<&PublicUrl>, findings: &mut Findings) -> Option<Cookie> {
    let choices = [("auto", ClearSiteData::Auto), ("on", ClearSiteData::Always), ("off", ClearSiteData::Never)];
    let clear_site_data = findings.keep("CLEAR_SITE_DATA", one_of(&raw.clear_site_data, &choices));
    let reach = match &raw.cookie_domain {
        Some(text) => findings.keep("COOKIE_DOMAIN", given_reach(text, public))?,
        None => public.map_or(Reach::Host, default_reach),
    };
    if let (Some(_), Reach::Domain(domain), Some(public)) = (&raw.cookie_domain, &reach, public) {
        warn_of_narrow_domain(domain, public, findings);
    }
    let over_http = public.is_some_and(|public| !public.https);
    let name = match &raw.cookie_name {
        Some(text) => findings.keep("COOKIE_NAME", given_name(text, &reach, over_http))?,
        None => default_name(&reach, over_http).to_owned(),
    };
    let domain = match reach {
        Reach::Host => None,
        Reach::Domain(domain) => Some(domain),
    };
    let shown_domain = domain.clone().unwrap_or_else(|| HOST_ONLY.to_owned());
    let signs_out_everything = match clear_site_data? {
        ClearSiteData::Auto => domain.is_none(),
        ClearSiteData::Always => true,
        ClearSiteData::Never => false,
    };
    let session = SessionCookie { name: name.clone(), domain, secure: !over_http, signs_out_everything };
    Some(Cookie { shown_domain, session, name })
}

/// The host without its first label, so that `auth.example.com` signs in to `app.example.com`; the host itself when
/// the rest belongs to strangers too; this host only when there is no domain that browsers accept.
fn default_reach(public: &PublicUrl) -> Reach {
    let Host::Domain(host) = &public.host else {
        return Reach::Host;
    };
    match host.split_once('.') {
        None => Reach::Host,
        Some((_, rest)) if is_shared(rest) && is_shared(host) => Reach::Host,
        Some((_, rest)) if is_shared(rest) => Reach::Domain(host.clone()),
        Some((_, rest)) => Reach::Domain(rest.to_owned()),
    }
}

/// Whether strangers have hosts below this name: a public suffix, or a single label.
fn is_shared(name: &str) -> bool {
    !name.contains('.') || psl::suffix(name.as_bytes()).is_some_and(|suffix| suffix.as_bytes() == name.as_bytes())
}

fn given_reach(text: &str, public: Option<&PublicUrl>) -> Result<Reach, String> {
    if text == HOST_ONLY {
        return Ok(Reach::Host);
    }
    let domain = domain(text)?;
    if is_shared(&domain) {
        return Err(format!(
            "`{domain}` is a public suffix or a single label, and browsers take no cookie for it; \
             write a domain of yours such as example.com, or `host`"
        ));
    }
    if let Some(public) = public
        && !is_within(&public.host, &domain)
    {
        return Err(format!(
            "SAMEHAND_PUBLIC_URL is at {}, which is not in `{domain}`, so browsers would drop the cookie; \
             write a domain that contains it, or `host`",
            public.host
        ));
    }
    Ok(Reach::Domain(domain))
}

/// The domain of the pages' own host leaves out the applications beside it. Where nothing wider is ours, it is the widest.
fn warn_of_narrow_domain(domain: &str, public: &PublicUrl, findings: &mut Findings) {
    let Some((_, wider)) = domain.split_once('.').filter(|(_, wider)| !is_shared(wider)) else { return };
    if public.host == Host::Domain(domain.to_owned()) {
        findings.warn(
            "COOKIE_DOMAIN",
            format!(
                "`{domain}` is the host of SAMEHAND_PUBLIC_URL: browsers send the cookie to it and to hosts below it, and \
                 to no other application; write {wider} for all hosts of that domain, or `host` if you mean this host only"
            ),
        );
    }
}

fn is_within(host: &Host<String>, domain: &str) -> bool {
    match host {
        Host::Domain(name) => name == domain || name.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.')),
        Host::Ipv4(_) | Host::Ipv6(_) => false,
    }
}

/// A domain name in the form that browsers compare. Addresses are looked for first: the suffix list knows none.
fn domain(text: &str) -> Result<String, String> {
    let remedy = "write a domain such as example.com, or `host` for this host only";
    if text.contains("://") || text.contains('/') {
        return Err(format!("`{text}` is a URL; {remedy}"));
    }
    let address = text.trim_start_matches('[').trim_end_matches(']');
    if address.parse::<std::net::IpAddr>().is_ok() {
        return Err(format!("`{text}` is an address, and cookies have no domain there; write `host`"));
    }
    if text.contains(':') {
        return Err(format!("`{text}` has a port, and cookies know no ports; {remedy}"));
    }
    let name = text.strip_prefix('.').unwrap_or(text);
    match Host::parse(name) {
        Ok(Host::Ipv4(_) | Host::Ipv6(_)) => {
            Err(format!("`{text}` is an address, and cookies have no domain there; write `host`"))
        }
        Ok(Host::Domain(name)) if name.split('.').all(is_label) => Ok(name),
        Ok(Host::Domain(_)) | Err(_) => Err(format!("`{text}` is not a domain; {remedy}")),
    }
}

fn is_label(label: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=63).contains(&label.len()) && label.bytes().all(letter)
}

fn default_name(reach: &Reach, over_http: bool) -> &'static str {
    match reach {
        Reach::Host | Reach::Domain(_) if over_http => "samehand",
        Reach::Host => "__Host-samehand",
        Reach::Domain(_) => "__Secure-samehand",
    }
}

/// The prefixes are promises that browsers enforce: a cookie that breaks one is dropped without a word.
fn given_name(name: &str, reach: &Reach, over_http: bool) -> Result<String, String> {
    if !name.bytes().all(is_token_byte) {
        return Err(format!("`{name}` is not a cookie name; write letters, digits, `-` and `_`"));
    }
    let lower = name.to_ascii_lowercase();
    let promises_host = lower.starts_with("__host-");
    if over_http && (promises_host || lower.starts_with("__secure-")) {
        return Err(format!(
            "browsers drop `{name}` over plain http; write https:// in SAMEHAND_PUBLIC_URL, or a name without `__`"
        ));
    }
    if let Reach::Domain(domain) = reach
        && promises_host
    {
        return Err(format!(
            "browsers drop `{name}` for the domain {domain}; set SAMEHAND_COOKIE_DOMAIN=host, \
             or write a name that begins with `__Secure-`"
        ));
    }
    Ok(name.to_owned())
}

/// `token` of RFC 6265, section 4.1.1 (RFC 2616, section 2.2).
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?={}".contains(&byte)
}
