//! Decides and touches nothing: no clock, no file, no log, no HTTP answer; everything a check needs, it is given.
//!
//! The steps of a decision, in the order that is the security property — a bad proxy is found out before a missing
//! token, and nothing of a token is believed before its signature holds:
//!
//! 1. [`client_ip::Peer::is_trusted`]: does the question come from a proxy that we believe?
//! 2. [`forwarded`]: what did the client ask the proxy for?
//! 3. [`client_ip`]: where is the client, right to left through trusted proxies?
//! 4. [`user_agent`]: one `User-Agent` line, or none; likewise each header of the proxy that tells of a part.
//! 5. [`credential`]: exactly one token.
//! 6. [`token`]: is it ours, and valid at this time? ([`key_ring`]; its JSON is read by `claims`)
//! 7. [`revocation`]: was it taken back?
//! 8. [`proofs`] ([`dpop`], [`certificate`]), [`fingerprint`] and [`binding`]: is it in the hand it was given to?
//! 9. [`identity`]: who is that, in words that are safe in headers? ([`names`])
//! 10. [`once`]: with a DPoP proof all of this holds only if the proof was not used before.
//!
//! What 6 and 8 found out about a token and its client may be remembered by whoever asks, in a [`memory`] that it gives to
//! [`decide_remembering`]; nothing is decided from it that would be decided otherwise without it.
//!
//! Each step returns a type with a private constructor that the next one consumes, so a forgotten step does not compile.
//! Every refusal is a [`Denial`], and [`decision`] says what follows from it.

pub mod binding;
pub mod certificate;
mod claims;
pub mod client_ip;
pub mod continuing;
pub mod credential;
pub mod decision;
pub mod dpop;
pub mod fingerprint;
pub mod form_token;
pub mod forwarded;
pub mod hosts;
pub mod identifiers;
pub mod identity;
pub mod key_ring;
pub mod memory;
pub mod names;
pub mod observed;
pub mod once;
pub mod page_request;
pub mod parts;
pub mod policy;
mod presented;
pub mod proofs;
mod provisional;
pub mod refusal_body;
pub mod renewal;
pub mod return_url;
pub mod revocation;
pub mod room;
mod seen;
pub mod sign_in;
pub mod thumbprint;
pub mod token;
pub mod user_agent;
pub mod vouched;

pub use provisional::{IfSessionLives, Provisional, decide_if_session_lives};
pub use seen::Seen;

use actix_web::http::header::HeaderMap;
use binding::{BindingError, BoundToken};
use client_ip::{ClientIp, ClientIpError, Peer};
use decision::{Decision, Denial, Reason};
use dpop::{NonceKeys, Target};
use fingerprint::FingerprintKeys;
use forwarded::{ForwardedError, Proxy};
use identity::Identity;
use key_ring::KeyRing;
use memory::{Edition, Memory};
use observed::ObservedClient;
use once::UnlessReplayed;
use policy::{Enforce, Policy};
use proofs::ProofError;
use revocation::Knowledge;
use std::sync::Arc;
use token::{Expiry, VerifiedToken};
use user_agent::UserAgent;

/// What every decision is measured against.
pub struct Gate {
    /// What the operator chose.
    pub policy: Policy,
    /// The keys that may have signed a token.
    pub ring: KeyRing,
    /// The keys of fingerprints.
    pub fingerprints: FingerprintKeys,
    /// The keys of nonces.
    pub nonces: NonceKeys,
    /// What is remembered of decisions holds for all of these together only.
    edition: Edition,
}

impl Gate {
    /// Puts together what decisions are measured against.
    #[must_use]
    pub fn new(policy: Policy, ring: KeyRing, fingerprints: FingerprintKeys, nonces: NonceKeys) -> Self {
        Self { policy, ring, fingerprints, nonces, edition: Edition::default() }
    }
}

/// When a decision is made, and what is known then.
#[derive(Clone, Copy)]
pub struct Moment<'a> {
    /// In seconds since 1970.
    pub now: u64,
    /// What was taken back.
    pub revocations: Knowledge<'a>,
}

/// A proxy's question about one request.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The kind of proxy, from the route.
    pub proxy: Proxy,
    /// Who opened the connection.
    pub peer: Peer,
    /// The headers of the subrequest.
    pub headers: &'a HeaderMap,
}

/// A decision, and what was seen on the way to it.
#[derive(Debug)]
pub struct Judgement<'a> {
    /// What follows from the policy.
    pub decision: Decision,
    /// Why.
    pub reason: Reason,
    /// Set where `ENFORCE` lets the refusal pass: the answer is 200 with this identity.
    pub passed: Option<Identity>,
    /// The token, where the decision is to allow.
    pub bound: Option<BoundToken>,
    /// What the steps found out; in memory of its own, because a decision passes through many hands.
    pub seen: Box<Seen<'a>>,
}

/// Decides about one request.
pub fn decide<'a>(question: &Question<'a>, gate: &Gate, moment: Moment<'_>) -> UnlessReplayed<Judgement<'a>> {
    decide_remembering(question, gate, moment, &mut Memory::default())
}

/// Decides about one request, in the same way and with less work when its token and its client are known.
#[inline]
pub fn decide_remembering<'a>(
    question: &Question<'a>,
    gate: &Gate,
    moment: Moment<'_>,
    memory: &mut Memory,
) -> UnlessReplayed<Judgement<'a>> {
    Judge { gate, moment, expiry: Expiry::Checked, memory }.judge(question)
}

/// What the steps of one decision have in common.
struct Judge<'j> {
    gate: &'j Gate,
    moment: Moment<'j>,
    expiry: Expiry,
    memory: &'j mut Memory,
}

impl Judge<'_> {
    #[inline]
    fn judge<'a>(&mut self, question: &Question<'a>) -> UnlessReplayed<Judgement<'a>> {
        let mut seen = Box::<Seen<'a>>::default();
        let denial = match self.steps(question, &mut seen) {
            Ok(recognised) => {
                return recognised.map(|Recognised { identity, bound }| Judgement {
                    decision: Decision::Allow(identity),
                    reason: Reason::Ok,
                    passed: None,
                    bound: Some(bound),
                    seen,
                });
            }
            Err(denial) => denial,
        };
        if let Denial::HeaderPart(part) = denial {
            seen.ambiguous_part = Some(part);
        }
        let (decision, reason) = (denial.decision(), denial.reason());
        let passed = passes(denial, self.gate.policy.enforce, &seen);
        passed.map(|passed| Judgement { decision, reason, passed, bound: None, seen })
    }

    #[inline]
    fn steps<'a>(
        &mut self,
        question: &Question<'a>,
        seen: &mut Seen<'a>,
    ) -> Result<UnlessReplayed<Recognised>, Denial> {
        let policy = &self.gate.policy;
        let trusted = &policy.trusted_proxies;
        if !question.peer.is_trusted(trusted) {
            return Err(Denial::ProxyUntrusted);
        }
        let ip = client_ip::behind_proxy(question.headers, trusted);
        let request = match ip {
            // Said first, like every header that is missing; an address that cannot be read, after the others.
            Err(ClientIpError::Missing) => Err(ForwardedError::Missing(forwarded::FORWARDED_FOR.as_str())),
            Ok(_) | Err(ClientIpError::Unreadable) => forwarded::read(question.headers),
        };
        let request = request.map_err(|error| {
            seen.forwarded_error = Some(error);
            Denial::Forwarded(error)
        })?;
        let target = Target::of_request(&request, policy.dpop_nonce);
        seen.request = Some(request);
        let ip = ip.map_err(Denial::ClientIp)?;
        seen.client_ip = Some(ip);
        self.recognise(&Caller { headers: question.headers, ip, is_proxied: true, target }, seen)
    }

    #[inline]
    fn recognise<'a>(
        &mut self,
        caller: &Caller<'a>,
        seen: &mut Seen<'a>,
    ) -> Result<UnlessReplayed<Recognised>, Denial> {
        let Gate { policy, fingerprints, .. } = self.gate;
        let user_agent = UserAgent::read(caller.headers).map_err(Denial::UserAgent)?;
        seen.user_agent = Some(user_agent);
        check_header_parts(caller, policy)?;
        let token = self.presented_token(caller.headers, seen)?;
        let format = token.format();
        let key = proofs::of_key(caller, &token, seen.carrier, self.gate, self.moment.now);
        (seen.proof, seen.proof_error) = (key.ok().flatten(), key.err());
        let proofs = proofs::read(caller, &token, seen.carrier, seen.proof.as_ref(), self.gate).map_err(|error| {
            seen.certificate_error = Some(error);
            Denial::Proof(ProofError::Invalid, format)
        })?;
        let client = ObservedClient::new(caller.ip, user_agent).with_proofs(proofs);
        seen.client = Some(client);
        let confirmation = *token.confirmation();
        let token =
            revocation::check(token, self.moment.revocations).map_err(|error| Denial::Revoked(error, format))?;
        if let Err(error) = key {
            return Err(Denial::Proof(ProofError::Key(error), format));
        }
        proofs::confirm(&confirmation, &proofs).map_err(|error| Denial::Proof(error, format))?;
        let bound = binding::bind_remembering(token, &client, policy, fingerprints, self.memory).map_err(|error| {
            if let BindingError::ClientChanged(changed) = &error {
                seen.changed = changed.changed();
            }
            Denial::Binding(error, format)
        })?;
        seen.changed = bound.changed();
        let identity = Identity::of(&bound).map_err(|error| Denial::Identity(error, format))?;
        Ok(UnlessReplayed::new(Recognised { identity, bound }, seen.proof))
    }

    #[inline]
    fn presented_token(&mut self, headers: &HeaderMap, seen: &mut Seen<'_>) -> Result<VerifiedToken, Denial> {
        let policy = &self.gate.policy;
        let presented =
            credential::read(headers, policy).map_err(|error| Denial::Credential(error, policy.formats.minted))?;
        let token = self.verify(presented, seen)?;
        seen.token = Some(Arc::clone(token.content()));
        Ok(token)
    }
}

/// A caller whose address is known.
#[derive(Clone, Debug)]
pub struct Caller<'a> {
    /// The headers of its request, as they arrived.
    pub headers: &'a HeaderMap,
    /// Its address.
    pub ip: ClientIp,
    /// Whether a trusted proxy passed the request on, so that what only a proxy may say is believed.
    pub is_proxied: bool,
    /// What a proof that it sends has to be about.
    pub target: Target<'a>,
}

impl<'a> Caller<'a> {
    /// The headers in which what the proxy says is believed.
    #[must_use]
    pub fn proxy_headers(&self) -> Option<&'a HeaderMap> {
        self.is_proxied.then_some(self.headers)
    }
}

/// A caller whose token is valid and in the right hand.
#[derive(Debug)]
pub struct Recognised {
    /// What may be said about the caller.
    pub identity: Identity,
    /// The token.
    pub bound: BoundToken,
}

/// The steps from the `User-Agent` on, for a caller whose address is known: samehand's own endpoints start here.
///
/// # Errors
/// The denial of the step that refused.
pub fn recognise<'a>(
    caller: &Caller<'a>,
    gate: &Gate,
    moment: Moment<'_>,
    expiry: Expiry,
    seen: &mut Seen<'a>,
) -> Result<UnlessReplayed<Recognised>, Denial> {
    Judge { gate, moment, expiry, memory: &mut Memory::default() }.recognise(caller, seen)
}

/// One line of each header in which the proxy tells a part of the client, or none.
///
/// # Errors
/// Names the part whose header stands on several lines: only one of them is the proxy's.
pub fn check_header_parts(caller: &Caller<'_>, policy: &Policy) -> Result<(), Denial> {
    let ambiguous = caller.proxy_headers().and_then(|headers| policy.header_parts.ambiguous(headers));
    ambiguous.map_or(Ok(()), |part| Err(Denial::HeaderPart(part)))
}

/// The one token that a request carries, verified and nothing more: whoever only ends a session needs no more.
///
/// # Errors
/// The denial of the step that refused.
pub fn verified_token(
    headers: &HeaderMap,
    gate: &Gate,
    moment: Moment<'_>,
    expiry: Expiry,
    seen: &mut Seen<'_>,
) -> Result<VerifiedToken, Denial> {
    Judge { gate, moment, expiry, memory: &mut Memory::default() }.presented_token(headers, seen)
}

/// What `ENFORCE` makes of a refusal: `report` lets a changed client pass as itself, `observe` lets every readable
/// question of a trusted proxy pass as nobody.
fn passes(denial: Denial, enforce: Enforce, seen: &Seen<'_>) -> UnlessReplayed<Option<Identity>> {
    let nobody = match (enforce, denial) {
        (Enforce::On, _) => None,
        (Enforce::Report, denial) => match pass_changed_client(denial, enforce, seen) {
            Ok(bound) => return bound.map(|bound| Identity::of(&bound).ok()),
            Err(_) => None,
        },
        (
            Enforce::Observe,
            Denial::ProxyUntrusted
            | Denial::Forwarded(_)
            | Denial::ClientIp(_)
            | Denial::UserAgent(_)
            | Denial::HeaderPart(_),
        ) => None,
        (
            Enforce::Observe,
            Denial::Credential(..)
            | Denial::Token(_)
            | Denial::Revoked(..)
            | Denial::Proof(..)
            | Denial::Binding(..)
            | Denial::Identity(..),
        ) => Some(Identity::nobody()),
    };
    UnlessReplayed::new(nobody, None)
}

/// Under `ENFORCE=report` a token that is valid but for its client passes.
///
/// # Errors
/// The denial, unchanged, in every other case.
pub fn pass_changed_client(
    denial: Denial,
    enforce: Enforce,
    seen: &Seen<'_>,
) -> Result<UnlessReplayed<BoundToken>, Denial> {
    match (enforce, denial) {
        (Enforce::Report, Denial::Binding(BindingError::ClientChanged(changed), _)) => {
            Ok(UnlessReplayed::new(changed.danger_pass(), seen.proof))
        }
        (Enforce::On | Enforce::Report | Enforce::Observe, denial) => Err(denial),
    }
}
