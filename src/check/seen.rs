//! What the steps of a decision found out on the way, for logs and explanations. Nothing is decided from it.

use super::certificate::CertificateError;
use super::client_ip::ClientIp;
use super::credential::Carrier;
use super::dpop::{self, VerifiedProof};
use super::forwarded::{ForwardedError, ForwardedRequest};
use super::identifiers::SessionId;
use super::observed::ObservedClient;
use super::parts::{Part, Parts};
use super::policy::Format;
use super::token::Content;
use super::user_agent::UserAgent;
use std::sync::Arc;

/// What the steps found out, as far as they came. For logs and explanations; nothing here may lead to an allow.
#[derive(Debug, Default)]
pub struct Seen<'a> {
    /// The original request.
    pub request: Option<ForwardedRequest<'a>>,
    /// The forwarded header at fault.
    pub forwarded_error: Option<ForwardedError>,
    /// The caller's address.
    pub client_ip: Option<ClientIp>,
    /// The caller's `User-Agent`.
    pub user_agent: Option<UserAgent<'a>>,
    /// The caller, with what it has shown beside a token that verified.
    pub client: Option<ObservedClient<'a>>,
    /// How the token travelled.
    pub carrier: Option<Carrier>,
    /// The kind of token.
    pub format: Option<Format>,
    /// What a token says that verified.
    pub token: Option<Arc<Content>>,
    /// `iat` of a verified token; of several the latest.
    pub issued_at: Option<u64>,
    /// Parts of the client that changed.
    pub changed: Parts,
    /// The part whose header stands on several lines.
    pub ambiguous_part: Option<Part>,
    /// Why the client's certificate cannot be read.
    pub certificate_error: Option<CertificateError>,
    /// The DPoP proof that holds for the request and belongs to the token.
    pub proof: Option<VerifiedProof>,
    /// Why there is no such proof, where the token needs one.
    pub proof_error: Option<dpop::ProofError>,
}

impl Seen<'_> {
    /// The user a verified token names.
    #[must_use]
    pub fn username(&self) -> Option<&str> {
        self.token.as_ref().map(|token| token.subject())
    }

    /// The session a verified token belongs to.
    #[must_use]
    pub fn session(&self) -> Option<&SessionId> {
        self.token.as_ref()?.session()
    }
}
