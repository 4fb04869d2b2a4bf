//! Where a browser may be sent after it has signed in or out: to the hosts that get the session cookie, and nowhere else.
//!
//! The address comes from a request that anybody can write. It is read once, by the `url` crate, and what is sent is its
//! serialisation, never the text that came. What two readers could understand differently is refused: userinfo, a
//! backslash, blanks, encoded hosts, another port. The same reading is done when an address is handed out, when it comes
//! back, and at sign-out.

use super::forwarded::ForwardedRequest;
use url::{Host, Url};

/// Longest address in bytes. Encoded in a `Location` it may be three times that, and nginx takes 16 KiB of a head.
const MAX_RETURN_URL: usize = 2048;

/// The hosts that browsers may be sent to.
#[derive(Clone, Debug)]
pub struct ReturnUrls {
    /// Where the pages are; their host and port are allowed.
    pages: Url,
    /// The domain of the cookie; without one it is the host of the pages only.
    domain: Option<String>,
}

/// An address that a browser may be sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnUrl(Url);

/// Why a browser is not sent to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReturnUrlError {
    /// The host gets no cookie.
    OtherSite,
    /// The cookie does not travel over plain http there.
    PlainHttp,
    /// It can be understood in more than one way, is too long, or names another port.
    Doubtful,
}

impl ReturnUrls {
    /// The hosts of a cookie with this domain, which pages at this address set.
    #[must_use]
    pub fn new(pages: Url, domain: Option<String>) -> Self {
        Self { pages, domain }
    }

    /// The address of the pages.
    #[must_use]
    pub fn pages(&self) -> &Url {
        &self.pages
    }

    /// The address that was asked for. Not every proxy tells the port: it is that of the pages.
    ///
    /// # Errors
    /// See [`ReturnUrlError`].
    pub fn of_request(&self, request: &ForwardedRequest<'_>) -> Result<ReturnUrl, ReturnUrlError> {
        let scheme = request.scheme().name();
        let port = match self.pages.port().filter(|_| self.pages.scheme() == scheme) {
            Some(port) => format!(":{port}"),
            None => String::new(),
        };
        self.read(&format!("{scheme}://{}{port}{}", request.host(), request.uri()))
    }

    /// Reads an address that came back.
    ///
    /// # Errors
    /// See [`ReturnUrlError`].
    pub fn read(&self, text: &str) -> Result<ReturnUrl, ReturnUrlError> {
        let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
        if text.len() > MAX_RETURN_URL || !text.bytes().all(is_plain) {
            return Err(ReturnUrlError::Doubtful);
        }
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let rest = rest.ok_or(ReturnUrlError::Doubtful)?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.is_empty() || authority.ends_with(':') || authority.contains(['@', '%']) {
            return Err(ReturnUrlError::Doubtful);
        }
        let mut url = Url::parse(text).map_err(|_| ReturnUrlError::Doubtful)?;
        let host = url.host().ok_or(ReturnUrlError::Doubtful)?;
        if !self.covers(&host) {
            return Err(ReturnUrlError::OtherSite);
        }
        if url.scheme() != "https" && !is_localhost(&host) {
            return Err(ReturnUrlError::PlainHttp);
        }
        let expected = self.pages.port().filter(|_| self.pages.scheme() == url.scheme());
        if url.port() != expected {
            return Err(ReturnUrlError::Doubtful);
        }
        // The browser carries the fragment along by itself, where the address has none.
        url.set_fragment(None);
        if url.as_str().len() > MAX_RETURN_URL { Err(ReturnUrlError::Doubtful) } else { Ok(ReturnUrl(url)) }
    }

    /// The hosts of forms and of what follows them, as sources of a Content-Security-Policy; the host itself is `'self'`.
    #[must_use]
    pub fn sources(&self) -> Vec<String> {
        let Some(domain) = &self.domain else { return vec![self.pages.origin().ascii_serialization()] };
        let scheme = if is_localhost_name(domain) { self.pages.scheme() } else { "https" };
        let port = self.pages.port().map_or_else(String::new, |port| format!(":{port}"));
        vec![format!("{scheme}://{domain}{port}"), format!("{scheme}://*.{domain}{port}")]
    }

    /// Exactly the host of the pages, or a host in the domain, label by label.
    fn covers(&self, host: &Host<&str>) -> bool {
        if self.pages.host().as_ref() == Some(host) {
            return true;
        }
        let (Host::Domain(name), Some(domain)) = (host, &self.domain) else { return false };
        let is_within = *name == domain || name.strip_suffix(domain.as_str()).is_some_and(|rest| rest.ends_with('.'));
        is_within && name.split('.').all(|label| !label.is_empty())
    }
}

fn is_localhost(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => is_localhost_name(name),
        Host::Ipv4(_) | Host::Ipv6(_) => false,
    }
}

fn is_localhost_name(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

impl ReturnUrl {
    /// As it is sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The host, as browsers show it to careful readers: names that are not ASCII in punycode.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
