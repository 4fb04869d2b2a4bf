//! `PUBLIC_URL` and `SIGN_IN_URL`: where browsers reach pages. Never keeps a spelling that parsers read differently.

use super::findings::Findings;
use super::raw::Raw;
use url::{Host, Url};

const NAME: &str = "PUBLIC_URL";

/// What the session cookie has to know of the pages' address.
#[derive(Debug)]
pub(super) struct PublicUrl {
    /// Whether browsers come over TLS.
    pub(super) https: bool,
    /// Lower case, without a final dot.
    pub(super) host: Host<String>,
}

/// Validates the settings of this file.
pub(super) fn check(raw: &Raw, findings: &mut Findings) -> Option<PublicUrl> {
    if raw.sign_in_url.is_some() {
        findings.problem("SIGN_IN_URL", "a sign-in page is not in this release; remove the setting");
    }
    let public = findings.keep(NAME, parse(raw.public_url.as_deref()?))?;
    findings.warn(NAME, "the sign-in page is not in this release; browsers get the answers that API clients get");
    if !public.https && !public.is_this_machine() {
        findings.warn(NAME, "over plain http anybody on the way can take the cookie; write https://");
    }
    Some(public)
}

fn parse(text: &str) -> Result<PublicUrl, String> {
    let explain = |what: &str| format!("{what}; write an address such as https://auth.example.com");
    if text.chars().any(|letter| letter.is_whitespace() || letter.is_control() || letter == '\\') {
        return Err(explain("it holds a blank, a control character or a backslash"));
    }
    let lower = text.to_ascii_lowercase();
    if !lower.starts_with("https://") && !lower.starts_with("http://") {
        return Err(explain("it does not begin with https:// or http://"));
    }
    let url = Url::parse(text).map_err(|error| explain(&format!("it is not a URL ({error})")))?;
    if !url.username().is_empty() || url.password().is_some() || text.contains('@') {
        return Err(explain("it holds a user or a password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(explain("it holds a query (?) or a fragment (#)"));
    }
    let host = match url.host().map(|host| host.to_owned()) {
        Some(Host::Domain(name)) => Host::Domain(name.trim_end_matches('.').to_owned()),
        Some(Host::Ipv4(address)) => Host::Ipv4(address),
        Some(Host::Ipv6(address)) => Host::Ipv6(address),
        None => return Err(explain("it names no host")),
    };
    Ok(PublicUrl { https: url.scheme() == "https", host })
}

impl PublicUrl {
    fn is_this_machine(&self) -> bool {
        match &self.host {
            Host::Domain(name) => name == "localhost" || name.ends_with(".localhost"),
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
        }
    }
}
