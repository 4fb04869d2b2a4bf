//! What is decided about an expired token, as far as that can be said without the store: whether its session lives is not
//! known here, and nothing is allowed before it is.

use super::binding::BoundToken;
use super::decision::{Decision, Reason};
use super::memory::Memory;
use super::names::{DisplayName, Email, Groups};
use super::observed::ObservedClient;
use super::token::Expiry;
use super::{Gate, Judge, Judgement, Moment, Question};

/// What is decided about an expired token whose session lives, which only the store can say.
pub struct Provisional<'a> {
    judgement: Judgement<'a>,
    bound: BoundToken,
    client: ObservedClient<'a>,
}

impl<'a> Provisional<'a> {
    /// The token, whose session has to be asked about.
    #[must_use]
    pub fn bound(&self) -> &BoundToken {
        &self.bound
    }

    /// Who holds it.
    #[must_use]
    pub fn client(&self) -> &ObservedClient<'a> {
        &self.client
    }

    /// The decision, once the store has said that the session lives, and what it says of the user now.
    #[must_use]
    pub fn danger_session_lives(
        self,
        groups: &Groups,
        name: Option<&DisplayName>,
        email: Option<&Email>,
    ) -> Judgement<'a> {
        let decision = match self.judgement.decision {
            Decision::Allow(identity) => Decision::Allow(identity.with_details(groups, name, email)),
            other @ (Decision::Challenge(_) | Decision::Forbid | Decision::Reject(_) | Decision::Undecided) => other,
        };
        Judgement { decision, bound: Some(self.bound), ..self.judgement }
    }
}

/// What is decided about a request whose token has expired, as far as that can be said without the store.
pub enum IfSessionLives<'a> {
    /// Signature, claims, revocations and client hold: it may be renewed on the way.
    Renewable(Box<Provisional<'a>>),
    /// It has a session, and whether that was taken back is not known.
    Undecided,
    /// An expired token is all it is.
    Expired,
}

/// Looks again at a request whose token has expired.
pub fn decide_if_session_lives<'a>(question: &Question<'a>, gate: &Gate, moment: Moment<'_>) -> IfSessionLives<'a> {
    let mut judge = Judge { gate, moment, expiry: Expiry::Ignored, memory: &mut Memory::default() };
    // A token that is bound to a key is in no cookie, and nothing else is renewed on the way.
    let Ok(mut judgement) = judge.judge(question).without_proof() else { return IfSessionLives::Expired };
    let has_session = judgement.seen.session().is_some();
    match (judgement.bound.take(), judgement.seen.client) {
        (Some(bound), Some(client)) if bound.token().is_expired() && has_session => {
            IfSessionLives::Renewable(Box::new(Provisional { judgement, bound, client }))
        }
        (None, _) if judgement.reason == Reason::StoreStale && has_session => IfSessionLives::Undecided,
        (Some(_) | None, _) => IfSessionLives::Expired,
    }
}
