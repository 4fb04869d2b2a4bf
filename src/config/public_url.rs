//! `PUBLIC_URL` and `SIGN_IN_URL`: where browsers reach pages. Never keeps a spelling that parsers read differently.

use super::ListenAddress;
use super::findings::Findings;
use super::listeners::Listeners;
use super::raw::Raw;
use url::{Host, Url};

const NAME: &str = "PUBLIC_URL";
const SIGN_IN: &str = "SIGN_IN_URL";

/// The addresses of the pages.
#[derive(Debug)]
pub(super) struct PublicUrls {
    /// Where samehand's own pages are, if browsers get them.
    pub(super) pages: Option<PublicUrl>,
    /// Where browsers are sent to sign in: the operator's page, or ours.
    pub(super) sign_in: Option<Url>,
}

/// What the session cookie has to know of the pages' address.
#[derive(Debug)]
pub(super) struct PublicUrl {
    /// Whether browsers come over TLS.
    pub(super) https: bool,
    /// Lower case, without a final dot.
    pub(super) host: Host<String>,
    /// The address without a slash at its end.
    pub(super) url: Url,
}

/// Validates the settings of this file.
pub(super) fn check(raw: &Raw, findings: &mut Findings) -> PublicUrls {
    let mut address = |name: &'static str, text: &Option<String>| {
        let url = findings.keep(name, parse(text.as_deref()?, name))?;
        if !url.https && !url.is_this_machine() {
            findings.warn(
                name,
                "over plain http anybody on the way can take the cookie, and browsers are sent back to localhost names \
                 only; write https://",
            );
        }
        Some(url)
    };
    let pages = address(NAME, &raw.public_url);
    let own = address(SIGN_IN, &raw.sign_in_url).map(|own| own.url);
    let sign_in = own.or_else(|| pages.as_ref().map(|pages| pages.page("login")));
    PublicUrls { pages, sign_in }
}

/// Warns where browsers are sent to a port on which samehand itself listens: it speaks no TLS, and the proxy's answers are
/// asked for there in vain. Who tries the pages on this very machine means it.
pub(super) fn warn_of_own_port(pages: &PublicUrl, listeners: &Listeners, findings: &mut Findings) {
    if pages.is_this_machine() && !pages.https {
        return;
    }
    for (setting, addresses) in [("LISTEN", &listeners.listen), ("ADMIN_LISTEN", &listeners.admin_listen)] {
        let port = addresses.iter().find_map(|address| match address {
            ListenAddress::Tcp(address) => Some(address.port()).filter(|port| pages.url.port() == Some(*port)),
            ListenAddress::Unix(_) => None,
        });
        if let Some(port) = port {
            findings.warn(
                NAME,
                format!(
                    "port {port} is where samehand itself listens (SAMEHAND_{setting}), and browsers come to the proxy; \
                     write the address that the proxy has for browsers, such as https://auth.example.com"
                ),
            );
        }
    }
}

/// The last part of a path that is one of ours: who writes it means the page, and the setting means where pages begin.
fn own_path(path: &str) -> Option<&'static str> {
    let path = path.trim_end_matches('/');
    let pages = ["/login", "/logout", "/account", "/renew", "/whoami"];
    let questions = ["/auth/nginx", "/auth/traefik", "/auth/caddy"];
    pages.into_iter().chain(questions).find(|own| path.ends_with(own))
}

/// A page of the operator's own may need a query; samehand's own pages have theirs.
fn parse(text: &str, name: &str) -> Result<PublicUrl, String> {
    let example = if name == NAME { "https://auth.example.com" } else { "https://example.com/sign-in" };
    let explain = |what: &str| format!("{what}; write an address such as {example}");
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
    if (name == NAME && url.query().is_some()) || url.fragment().is_some() {
        return Err(explain("it holds a query (?) or a fragment (#)"));
    }
    let mut url = url;
    let host = match url.host().map(|host| host.to_owned()) {
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.').to_owned();
            url.set_host(Some(&name)).map_err(|error| explain(&format!("it is not a URL ({error})")))?;
            Host::Domain(name)
        }
        Some(Host::Ipv4(address)) => Host::Ipv4(address),
        Some(Host::Ipv6(address)) => Host::Ipv6(address),
        None => return Err(explain("it names no host")),
    };
    if name == NAME {
        let path = url.path().trim_end_matches('/').to_owned();
        if let Some(own) = own_path(&path) {
            url.set_path(path.strip_suffix(own).unwrap_or_default());
            return Err(format!(
                "it ends in `{own}`, and samehand adds the names of its paths itself; write {}",
                url.as_str().trim_end_matches('/')
            ));
        }
        url.set_path(&path);
    }
    Ok(PublicUrl { https: url.scheme() == "https", host, url })
}

impl PublicUrl {
    /// The address of one of our pages.
    fn page(&self, name: &str) -> Url {
        let mut url = self.url.clone();
        url.set_path(&format!("{}/{name}", self.url.path().trim_end_matches('/')));
        url
    }

    fn is_this_machine(&self) -> bool {
        match &self.host {
            Host::Domain(name) => name == "localhost" || name.ends_with(".localhost"),
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
        }
    }
}
