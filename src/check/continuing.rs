//! May somebody who signs in go on with the session that the browser has a token of?
//!
//! Only in one case: it is the same client over an address family that it has not come by, so that one token knows both and
//! a browser that takes the one and the other is not asked again. In every other case a sign-in begins a new session, and
//! nothing of a token that came along is looked at any further.

use super::binding::{self, BoundToken};
use super::names::UserName;
use super::observed::ObservedClient;
use super::parts::Part;
use super::policy::Format;
use super::token::Expiry;
use super::{Caller, Gate, Moment, Seen, proofs, revocation, verified_token};

/// The token of the session that a client may go on with who has just shown to be this user: it verifies, was not taken
/// back, is of this user, and its client is this one but for an address of a family that it does not know. `exp` may have
/// passed, as for a renewal. Whether the session lives is for the store to say.
#[must_use]
pub fn token_of_session(
    caller: &Caller<'_>,
    next: &ObservedClient<'_>,
    user: &UserName,
    gate: &Gate,
    moment: Moment<'_>,
) -> Option<BoundToken> {
    let (policy, keys) = (&gate.policy, &gate.fingerprints);
    if policy.formats.minted != Format::Keyed || !policy.require_same.contains(Part::Ip) {
        return None;
    }
    let mut seen = Seen::default();
    let token = verified_token(caller.headers, gate, moment, Expiry::Ignored, &mut seen).ok()?;
    if token.subject() != user.as_str() {
        return None;
    }
    // A token that is bound to a key needs a proof of its own, and the one that came is the sign-in's: a new session begins.
    let proofs = proofs::read(caller, &token, seen.carrier, None, gate).ok()?;
    proofs::confirm(token.confirmation(), &proofs).ok()?;
    let client = ObservedClient::new(caller.ip, next.user_agent).with_proofs(proofs);
    let token = revocation::check(token, moment.revocations).ok()?;
    binding::danger_another_family(token, &client, next, policy, keys)
}
