//! Is the token in the hand it was given to? Compares the client inside the token with the observed one, part by part,
//! under the policy.

use super::fingerprint::{FingerprintKeys, KeyedFingerprint, Record, TokenContext};
use super::identifiers::SessionId;
use super::memory::Memory;
use super::observed::ObservedClient;
use super::parts::{Part, Parts};
use super::policy::{Policy, Recipe};
use super::revocation::LiveToken;
use super::token::{Fingerprint, VerifiedToken};
use std::net::IpAddr;
use subtle::ConstantTimeEq;

/// A live token in the right hand, or in one that the policy lets pass.
#[derive(Debug)]
pub struct BoundToken {
    token: VerifiedToken,
    changed: Parts,
}

impl BoundToken {
    /// The token.
    #[must_use]
    pub fn token(&self) -> &VerifiedToken {
        &self.token
    }

    /// The parts that changed and are watched, not required.
    #[must_use]
    pub fn changed(&self) -> Parts {
        self.changed
    }
}

/// Why a token is not in the right hand.
#[derive(Debug)]
pub enum BindingError {
    /// It was made with a `SALT` that is not accepted any more.
    KeyUnknown,
    /// It was made when the policy asked for less: what must be the same now was not recorded precisely enough.
    PolicyOutdated,
    /// Parts that must be the same are not. Carries the token, which is valid in every other respect.
    ClientChanged(Box<ClientChanged>),
}

/// Another client than the one that the token was given to.
#[derive(Debug)]
pub struct ClientChanged {
    token: VerifiedToken,
    changed: Parts,
}

impl ClientChanged {
    /// The parts that changed, watched ones included. Empty for an article token, whose one hash cannot tell.
    #[must_use]
    pub fn changed(&self) -> Parts {
        self.changed
    }

    /// The token.
    #[must_use]
    pub fn token(&self) -> &VerifiedToken {
        &self.token
    }

    /// Lets the token pass all the same: `ENFORCE=report` asks for it.
    pub(super) fn danger_pass(self) -> BoundToken {
        BoundToken { token: self.token, changed: self.changed }
    }
}

/// [`bind`], which does not compute again what it has found out about the very same client.
pub(super) fn bind_remembering(
    token: LiveToken,
    client: &ObservedClient<'_>,
    policy: &Policy,
    keys: &FingerprintKeys,
    memory: &mut Memory,
) -> Result<BoundToken, BindingError> {
    if let Some(changed) = memory.changed(token.token().content(), client, &policy.header_parts) {
        return Ok(BoundToken { token: token.into_token(), changed });
    }
    let bound = bind(token, client, policy, keys)?;
    memory.let_pass(bound.token.content(), client, &policy.header_parts, bound.changed);
    Ok(bound)
}

/// Compares the client inside the token with the observed one.
///
/// # Errors
/// See [`BindingError`].
pub fn bind(
    token: LiveToken,
    client: &ObservedClient<'_>,
    policy: &Policy,
    keys: &FingerprintKeys,
) -> Result<BoundToken, BindingError> {
    let token = token.into_token();
    let (claim, jti) = match &token.fingerprint {
        Fingerprint::Keyed { claim, jti } => (claim, jti),
        Fingerprint::Article { claim, .. } => {
            return match is_article_client(claim, client, keys) {
                true => Ok(BoundToken { token, changed: Parts::NONE }),
                false => Err(BindingError::ClientChanged(Box::new(ClientChanged { token, changed: Parts::NONE }))),
            };
        }
    };
    let key = keys.by_id(claim.key_id()).ok_or(BindingError::KeyUnknown)?;
    if is_weaker(claim, policy) {
        return Err(BindingError::PolicyOutdated);
    }
    let session = token.session().map(SessionId::as_str);
    let context = TokenContext { issuer: &policy.issuer, jti, session };
    let changed = key.changed(claim, client, &policy.header_parts, context);
    // A token that was given out with a proof needs it as long as it lives.
    let required = policy.require_same.union(claim.record().held_proofs());
    let reported = changed.intersection(required.union(policy.watch));
    if changed.intersection(required).is_empty() {
        return Ok(BoundToken { token, changed: reported });
    }
    Err(BindingError::ClientChanged(Box::new(ClientChanged { token, changed: reported })))
}

/// A token whose client is the same in everything but its address, which is of a family that the token does not know: IPv6
/// for somebody who has come over IPv4 only. Nothing else may differ, be it required or not, and a new token for `next`,
/// the same client as it signs in, has to be able to take the other family over.
///
/// That it is the same client is not proved by this: whoever has just shown the password may go on with the session.
#[must_use]
pub fn danger_another_family(
    token: LiveToken,
    client: &ObservedClient<'_>,
    next: &ObservedClient<'_>,
    policy: &Policy,
    keys: &FingerprintKeys,
) -> Option<BoundToken> {
    let token = token.into_token();
    let Fingerprint::Keyed { claim, jti } = &token.fingerprint else { return None };
    let key = keys.current().filter(|key| claim.is_made_alike(key, &Record::of(next, policy)))?;
    if is_weaker(claim, policy) || claim.knows_family_of(client.ip.address()) {
        return None;
    }
    let context = TokenContext { issuer: &policy.issuer, jti, session: Some(token.session()?.as_str()) };
    let changed = key.changed(claim, client, &policy.header_parts, context);
    (changed == Parts::NONE.with(Part::Ip)).then_some(BoundToken { token, changed })
}

/// An IPv4 client also matches its IPv4-mapped spelling: that is how Node names it on a dual-stack socket.
fn is_article_client(claim: &str, client: &ObservedClient<'_>, keys: &FingerprintKeys) -> bool {
    let address = client.ip.address();
    let matches = |address: &str| {
        keys.iter().any(|key| key.article(address, client.user_agent).as_bytes().ct_eq(claim.as_bytes()).into())
    };
    matches(&address.to_string())
        || match address {
            IpAddr::V4(v4) => matches(&format!("::ffff:{v4}")),
            IpAddr::V6(_) => false,
        }
}

/// Whether a part that must be the same was not recorded, or less precisely than the policy now asks for.
fn is_weaker(claim: &KeyedFingerprint, policy: &Policy) -> bool {
    let (recorded, asked): (Recipe, Recipe) = (claim.record().recipe(), policy.recipe);
    let parts = claim.record().parts(&policy.header_parts);
    policy.require_same.iter().any(|part| match part {
        Part::Ip => recorded.ipv4_prefix < asked.ipv4_prefix || recorded.ipv6_prefix < asked.ipv6_prefix,
        Part::UserAgent => recorded.user_agent < asked.user_agent,
        Part::Cookie | Part::Dpop | Part::Mtls | Part::Header(_) => !parts.contains(part),
    })
}
