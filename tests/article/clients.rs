//! The clients of the tests: an address as the proxy writes it and a `User-Agent` as it stands on the wire.

use std::fmt;

use crate::support::client::Request;

pub(crate) const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";

/// One client behind the proxy.
#[derive(Clone, Copy)]
pub(crate) struct Client {
    /// `X-Forwarded-For`, as the proxy writes it.
    pub(crate) forwarded_for: &'static str,
    /// The value of `User-Agent`, byte for byte; nothing for a client that sends none.
    pub(crate) user_agent: Option<&'static [u8]>,
}

/// A browser on IPv4.
pub(crate) const ON_IPV4: Client = Client { forwarded_for: "192.0.2.7", user_agent: Some(BROWSER.as_bytes()) };
/// The same browser on IPv6.
pub(crate) const ON_IPV6: Client = Client { forwarded_for: "2001:db8::7", ..ON_IPV4 };
/// The first one, as a proxy on a dual-stack socket writes it.
pub(crate) const ON_MAPPED: Client = Client { forwarded_for: "::ffff:192.0.2.7", ..ON_IPV4 };

/// Everything that a `User-Agent` has been seen to be, and more.
pub(crate) const USER_AGENTS: [Option<&[u8]>; 13] = [
    Some(BROWSER.as_bytes()),
    Some(b"x"),
    Some(b"caf\xe9/1.0 (Z\xfcrich)"),
    Some("café/1.0 (Zürich)".as_bytes()),
    Some("ブラウザ/1.0 😀".as_bytes()),
    Some(b"\x80\x9f\xa0\xff cut UTF-8 \xc3"),
    Some(b"a\tb  c"),
    Some(b"undefined"),
    Some(b"  \t curl/8.5.0 \t "),
    Some(b"\xa0no-break blanks stay\xa0"),
    Some(b" \t "),
    Some(b""),
    None,
];

impl Client {
    pub(crate) const fn with_user_agent(self, user_agent: Option<&'static [u8]>) -> Self {
        Self { user_agent, ..self }
    }

    pub(crate) const fn with_address(self, forwarded_for: &'static str) -> Self {
        Self { forwarded_for, ..self }
    }

    /// Adds to a request what the proxy says about this client and passes on from it.
    pub(crate) fn describe(&self, request: Request) -> Request {
        let request = request.header("X-Forwarded-For", self.forwarded_for);
        self.user_agent.into_iter().fold(request, |request, value| request.header("User-Agent", value))
    }

    /// The `User-Agent` as Node holds it in a string: one character a byte, without surrounding blanks.
    pub(crate) fn user_agent_in_node(&self) -> Option<String> {
        let text: String = self.user_agent?.iter().map(|byte| char::from(*byte)).collect();
        Some(text.trim_matches([' ', '\t']).to_owned())
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} with ", self.forwarded_for)?;
        match self.user_agent {
            Some(value) => write!(formatter, "\"{}\"", value.escape_ascii()),
            None => formatter.write_str("no User-Agent"),
        }
    }
}
