//! Where a browser may be sent after it has signed in or out: to the hosts that get the session cookie, and nowhere else.
//!
//! The address comes from a request that anybody can write. It is read once, by the `url` crate, and what is sent is its
//! serialisation, never the text that came. What two readers could understand differently is refused: userinfo, a
//! backslash before the query, blanks, encoded hosts. So is another port than that of the pages: it is somebody else's, maybe. The same reading is done when an address is handed out, when it comes
//! back, and at sign-out.

use super::forwarded::ForwardedRequest;
use super::hosts;
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
    /// It can be understood in more than one way, names another port, or a page where one signs in or out.
    Doubtful,
    /// It is longer than what can be carried along.
    TooLong,
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

    /// The address that was asked for, with the port that was told; and whether it had to be shortened: to the path, then to
    /// the host.
    ///
    /// # Errors
    /// See [`ReturnUrlError`].
    pub fn of_request(&self, request: &ForwardedRequest<'_>) -> Result<(ReturnUrl, bool), ReturnUrlError> {
        let scheme = request.scheme().name();
        let port = request.port().map_or_else(String::new, |port| format!(":{port}"));
        let origin = format!("{scheme}://{}{port}", request.host());
        let read = |target: &str| self.read(&format!("{origin}{target}"));
        match read(&request.uri()) {
            Err(ReturnUrlError::TooLong) => {}
            read => return read.map(|whole| (whole, false)),
        }
        match read(&request.path()) {
            Err(ReturnUrlError::TooLong) => read("/").map(|host| (host, true)),
            read => read.map(|path| (path, true)),
        }
    }

    /// Reads an address that came back.
    ///
    /// # Errors
    /// See [`ReturnUrlError`].
    pub fn read(&self, text: &str) -> Result<ReturnUrl, ReturnUrlError> {
        let (place, _query) = text.split_at(text.find(['?', '#']).unwrap_or(text.len()));
        // After the question mark a backslash is a letter like any other (URL standard, query state).
        if place.contains('\\') || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(ReturnUrlError::Doubtful);
        }
        let (scheme, rest) = place.split_once("://").ok_or(ReturnUrlError::Doubtful)?;
        if !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("http") {
            return Err(ReturnUrlError::Doubtful);
        }
        let authority = rest.split('/').next().unwrap_or_default();
        if authority.is_empty() || authority.ends_with(':') || authority.contains(['@', '%']) {
            return Err(ReturnUrlError::Doubtful);
        }
        let mut url = Url::parse(text).map_err(|_| ReturnUrlError::Doubtful)?;
        let host = url.host().ok_or(ReturnUrlError::Doubtful)?;
        if matches!(host, Host::Domain(name) if !hosts::is_name(name)) {
            return Err(ReturnUrlError::Doubtful);
        }
        if !self.covers(&host) {
            return Err(ReturnUrlError::OtherSite);
        }
        if url.scheme() != "https" && !is_localhost(&host) {
            return Err(ReturnUrlError::PlainHttp);
        }
        let expected = self.pages.port().filter(|_| self.pages.scheme() == url.scheme());
        if url.port() != expected || self.is_for_signing(&url) {
            return Err(ReturnUrlError::Doubtful);
        }
        // The browser carries the fragment along by itself, where the address has none.
        url.set_fragment(None);
        if url.as_str().len() > MAX_RETURN_URL { Err(ReturnUrlError::TooLong) } else { Ok(ReturnUrl(url)) }
    }

    /// Whether a sign-in begins or ends there: nobody is sent from one to the next. Spellings that a proxy may take for the
    /// same path are the same.
    fn is_for_signing(&self, url: &Url) -> bool {
        let spelt = |url: &Url| {
            let decoded = decoded(url.path()).to_ascii_lowercase();
            decoded.split('/').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
        };
        let (base, path) = (spelt(&self.pages), spelt(url));
        let below = path.strip_prefix(&base).map(|rest| rest.trim_start_matches('/'));
        url.host() == self.pages.host() && matches!(below, Some("login" | "logout"))
    }

    /// Exactly the host of the pages, or a host in the domain, label by label.
    fn covers(&self, host: &Host<&str>) -> bool {
        if self.pages.host().as_ref() == Some(host) {
            return true;
        }
        let (Host::Domain(name), Some(domain)) = (host, &self.domain) else { return false };
        hosts::is_within(name, domain)
    }
}

/// Escapes of a path undone; what is no text is of no interest here.
fn decoded(path: &str) -> String {
    // A form's reading has a blank for `+`, and ends at `&` and `=`.
    let escaped = path.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    let parsed = url::form_urlencoded::parse(escaped.as_bytes()).next();
    parsed.map(|(text, _)| text.into_owned()).unwrap_or_default()
}

fn is_localhost(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => hosts::is_localhost_name(name),
        Host::Ipv4(_) | Host::Ipv6(_) => false,
    }
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
