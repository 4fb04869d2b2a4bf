//! Outcomes, reasons, and which reason leads to which outcome.

use super::binding::BindingError;
use super::client_ip::ClientIpError;
use super::credential::CredentialError;
use super::dpop;
use super::forwarded::ForwardedError;
use super::identity::{Identity, UnusableIdentity};
use super::parts::Part;
use super::policy::Format;
use super::proofs::ProofError;
use super::revocation::RevocationError;
use super::token::{TokenError, TokenRefused};
use super::user_agent::UserAgentAmbiguous;

/// What samehand has decided about one question.
#[must_use]
#[derive(Debug)]
pub enum Decision {
    /// Go on, as this caller.
    Allow(Identity),
    /// Sign in first.
    Challenge(Challenge),
    /// Not with this token.
    Forbid,
    /// The question itself is not acceptable.
    Reject(Reject),
    /// It cannot be said; nobody is signed out by it.
    Undecided,
}

impl Decision {
    /// The name in logs, metrics and `explain`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Allow(_) => "allow",
            Self::Challenge(_) => "challenge",
            Self::Forbid => "forbid",
            Self::Reject(_) => "reject",
            Self::Undecided => "undecided",
        }
    }
}

/// What a challenge says (RFC 6750 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// No token: no error code.
    NoToken,
    /// `error="invalid_token"`.
    InvalidToken,
    /// `error="invalid_dpop_proof"` (RFC 9449 section 7.1).
    InvalidProof,
    /// `error="use_dpop_nonce"`: once more, with the nonce that comes along (RFC 9449 section 9).
    UseNonce,
}

/// Why a question is not acceptable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reject {
    /// It does not come from a trusted proxy.
    Untrusted,
    /// The proxy's description of the request cannot be used.
    BadQuestion,
}

/// Any refusal, as the step that refused put it.
#[derive(Debug)]
pub enum Denial {
    /// The peer is not a trusted proxy.
    ProxyUntrusted,
    /// A forwarded header.
    Forwarded(ForwardedError),
    /// The caller's address.
    ClientIp(ClientIpError),
    /// Two `User-Agent` lines.
    UserAgent(UserAgentAmbiguous),
    /// Two lines of the header in which the proxy tells this part.
    HeaderPart(Part),
    /// No token, or more than one; with the kind of token that is minted here.
    Credential(CredentialError, Format),
    /// The token.
    Token(TokenRefused),
    /// The token was taken back, or whether it was is not known; with the kind of token.
    Revoked(RevocationError, Format),
    /// The proof that the token is confirmed by; with the kind of token.
    Proof(ProofError, Format),
    /// Another client; with the kind of token.
    Binding(BindingError, Format),
    /// The token's identity cannot be passed on; with the kind of token.
    Identity(UnusableIdentity, Format),
}

/// Why, as one word of a closed list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Allowed.
    Ok,
    /// No token was presented.
    TokenMissing,
    /// Two tokens were presented.
    TokenAmbiguous,
    /// Not a token of ours in form.
    TokenMalformed,
    /// `exp` has come.
    TokenExpired,
    /// `nbf` or `iat` lies in the future.
    TokenNotYetValid,
    /// Issuer, audience, lifetime, or a missing or unusable claim.
    TokenClaims,
    /// The signature does not hold.
    SignatureInvalid,
    /// No key of ours has the token's `kid`, or no salt its fingerprint's.
    KeyUnknown,
    /// The token was taken back.
    TokenRevoked,
    /// The session has ended.
    SessionEnded,
    /// Another client.
    ClientChanged,
    /// Minted when the policy asked for less.
    PolicyOutdated,
    /// The proof that the token is bound to was not shown.
    ProofMissing,
    /// The proof that was shown does not hold, or is not the token's.
    ProofInvalid,
    /// The proof was used before.
    ProofReplayed,
    /// The proof lacks a nonce, or has an old one.
    NonceRequired,
    /// Not from a trusted proxy.
    ProxyUntrusted,
    /// A forwarded header is missing or empty.
    ForwardedMissing,
    /// A forwarded header stands on several lines.
    ForwardedAmbiguous,
    /// A forwarded header has not its shape.
    ForwardedUnreadable,
    /// The caller's address cannot be read.
    ClientIpUnreadable,
    /// Two `User-Agent` lines.
    UserAgentAmbiguous,
    /// The store was away for too long.
    StoreStale,
}

impl Reason {
    /// The word in logs, metrics and `explain`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::TokenMissing => "token-missing",
            Self::TokenAmbiguous => "token-ambiguous",
            Self::TokenMalformed => "token-malformed",
            Self::TokenExpired => "token-expired",
            Self::TokenNotYetValid => "token-not-yet-valid",
            Self::TokenClaims => "token-claims",
            Self::SignatureInvalid => "signature-invalid",
            Self::KeyUnknown => "key-unknown",
            Self::TokenRevoked => "token-revoked",
            Self::SessionEnded => "session-ended",
            Self::ClientChanged => "client-changed",
            Self::PolicyOutdated => "policy-outdated",
            Self::ProofMissing => "proof-missing",
            Self::ProofInvalid => "proof-invalid",
            Self::ProofReplayed => "proof-replayed",
            Self::NonceRequired => "nonce-required",
            Self::ProxyUntrusted => "proxy-untrusted",
            Self::ForwardedMissing => "forwarded-missing",
            Self::ForwardedAmbiguous => "forwarded-ambiguous",
            Self::ForwardedUnreadable => "forwarded-unreadable",
            Self::ClientIpUnreadable => "client-ip-unreadable",
            Self::UserAgentAmbiguous => "user-agent-ambiguous",
            Self::StoreStale => "store-stale",
        }
    }
}

impl Denial {
    /// The reason, as one word.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::ProxyUntrusted => Reason::ProxyUntrusted,
            Self::Forwarded(ForwardedError::Missing(_) | ForwardedError::Empty(_))
            | Self::ClientIp(ClientIpError::Missing) => Reason::ForwardedMissing,
            Self::Forwarded(ForwardedError::Ambiguous(_)) | Self::HeaderPart(_) => Reason::ForwardedAmbiguous,
            Self::Forwarded(ForwardedError::Unreadable(_)) => Reason::ForwardedUnreadable,
            Self::ClientIp(ClientIpError::Unreadable) => Reason::ClientIpUnreadable,
            Self::UserAgent(UserAgentAmbiguous) => Reason::UserAgentAmbiguous,
            Self::Credential(CredentialError::Missing, _) => Reason::TokenMissing,
            Self::Credential(CredentialError::Ambiguous, _) => Reason::TokenAmbiguous,
            Self::Credential(CredentialError::Malformed, _) => Reason::TokenMalformed,
            Self::Token(refused) => refused.error.reason(),
            Self::Revoked(error, _) => error.reason(),
            Self::Proof(error, _) => error.reason(),
            Self::Binding(BindingError::KeyUnknown, _) => Reason::KeyUnknown,
            Self::Binding(BindingError::PolicyOutdated, _) => Reason::PolicyOutdated,
            Self::Binding(BindingError::ClientChanged(_), _) => Reason::ClientChanged,
            Self::Identity(UnusableIdentity, _) => Reason::TokenClaims,
        }
    }

    /// What follows from it. The article's services answer 401 to a missing token and 403 to every other refusal.
    pub fn decision(&self) -> Decision {
        match self {
            Self::ProxyUntrusted => Decision::Reject(Reject::Untrusted),
            Self::Forwarded(_) | Self::ClientIp(_) | Self::UserAgent(_) | Self::HeaderPart(_) => {
                Decision::Reject(Reject::BadQuestion)
            }
            Self::Credential(CredentialError::Missing, _) => Decision::Challenge(Challenge::NoToken),
            Self::Token(TokenRefused { error: TokenError::KeysAwaited, .. })
            | Self::Revoked(RevocationError::StoreStale, _)
            | Self::Proof(ProofError::Unremembered, _) => Decision::Undecided,
            Self::Proof(error, Format::Keyed) => Decision::Challenge(error.challenge()),
            Self::Credential(CredentialError::Ambiguous | CredentialError::Malformed, format)
            | Self::Token(TokenRefused { format, .. })
            | Self::Revoked(RevocationError::TokenRevoked | RevocationError::SessionEnded, format)
            | Self::Binding(BindingError::KeyUnknown | BindingError::PolicyOutdated, format)
            | Self::Identity(UnusableIdentity, format) => match format {
                Format::Keyed => Decision::Challenge(Challenge::InvalidToken),
                Format::Article => Decision::Forbid,
            },
            Self::Binding(BindingError::ClientChanged(_), _) | Self::Proof(_, Format::Article) => Decision::Forbid,
        }
    }
}

impl TokenError {
    /// The reason, as one word.
    #[must_use]
    pub fn reason(self) -> Reason {
        match self {
            Self::Malformed => Reason::TokenMalformed,
            Self::KeysAwaited => Reason::StoreStale,
            Self::KeyUnknown => Reason::KeyUnknown,
            Self::SignatureInvalid => Reason::SignatureInvalid,
            Self::Claims => Reason::TokenClaims,
            Self::Expired => Reason::TokenExpired,
            Self::NotYetValid => Reason::TokenNotYetValid,
        }
    }
}

impl ProofError {
    /// The reason, as one word.
    #[must_use]
    pub fn reason(self) -> Reason {
        match self {
            Self::Missing | Self::Key(dpop::ProofError::Missing) => Reason::ProofMissing,
            Self::Invalid | Self::Key(dpop::ProofError::Invalid(_)) => Reason::ProofInvalid,
            Self::Key(dpop::ProofError::NonceRequired) => Reason::NonceRequired,
            Self::Replayed => Reason::ProofReplayed,
            Self::Unremembered => Reason::StoreStale,
        }
    }

    /// What the caller is told.
    fn challenge(self) -> Challenge {
        match self {
            Self::Key(dpop::ProofError::Invalid(flaw)) if flaw.is_of_token() => Challenge::InvalidToken,
            Self::Key(dpop::ProofError::Missing | dpop::ProofError::Invalid(_)) | Self::Replayed => {
                Challenge::InvalidProof
            }
            Self::Key(dpop::ProofError::NonceRequired) => Challenge::UseNonce,
            Self::Missing | Self::Invalid | Self::Unremembered => Challenge::InvalidToken,
        }
    }
}

impl RevocationError {
    /// The reason, as one word.
    #[must_use]
    pub fn reason(self) -> Reason {
        match self {
            Self::TokenRevoked => Reason::TokenRevoked,
            Self::SessionEnded => Reason::SessionEnded,
            Self::StoreStale => Reason::StoreStale,
        }
    }
}
