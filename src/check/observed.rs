//! The client as samehand sees it: what anybody could copy, and the proofs that nobody else has.

use super::client_ip::ClientIp;
use super::thumbprint::Thumbprint;
use super::user_agent::UserAgent;
use actix_web::http::header::HeaderMap;

/// A client.
#[derive(Clone, Copy, Debug)]
pub struct ObservedClient<'a> {
    /// The derived address.
    pub ip: ClientIp,
    /// The one `User-Agent`, or its absence.
    pub user_agent: UserAgent<'a>,
    /// What it has shown beyond that.
    pub proofs: Proofs<'a>,
}

impl<'a> ObservedClient<'a> {
    /// A client that has shown no proof.
    #[must_use]
    pub fn new(ip: ClientIp, user_agent: UserAgent<'a>) -> Self {
        Self { ip, user_agent, proofs: Proofs::default() }
    }

    /// The same client with the key of a DPoP proof that holds, if it sent one.
    #[must_use]
    pub fn with_key(self, key: Option<Thumbprint>) -> Self {
        self.with_proofs(Proofs { key, ..self.proofs })
    }

    /// The same client with what it has shown.
    #[must_use]
    pub fn with_proofs(self, proofs: Proofs<'a>) -> Self {
        Self { proofs, ..self }
    }
}

/// What a client has shown that only it can show, and what the proxy says of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Proofs<'a> {
    /// The secret of the proof cookie.
    pub cookie: CookieProof<'a>,
    /// The key of a DPoP proof that holds.
    pub key: Option<Thumbprint>,
    /// The certificate that the proxy has verified.
    pub certificate: Option<Thumbprint>,
    /// The headers of a trusted proxy, where the opaque parts stand; nothing for a client that came by itself.
    pub proxy_headers: Option<&'a HeaderMap>,
}

/// What stands in for the secret of the proof cookie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CookieProof<'a> {
    /// Nothing.
    #[default]
    None,
    /// The token itself travels in the session cookie: a second cookie beside it would prove nothing more. A token that
    /// was given out this way is good this way only.
    Session,
    /// The value of the proof cookie: 43 characters of base64url.
    Secret(&'a str),
}
