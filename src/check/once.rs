//! What is decided where a proof was shown: it holds if the proof was not used before, and only a memory can say that.
//!
//! Nothing comes out of here but by way of that memory ([`replays`](crate::replays)), so asking it cannot be forgotten.

use super::Judgement;
use super::decision::Denial;
use super::dpop::VerifiedProof;
use super::identity::Identity;
use super::policy::{Enforce, Format};
use super::proofs::ProofError;

/// A decision, and the proof that it rests on, if it rests on one.
#[must_use]
#[derive(Debug)]
pub struct UnlessReplayed<T> {
    decided: T,
    proof: Option<VerifiedProof>,
}

/// Why a decision does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replay {
    /// The proof was used before.
    Again,
    /// It cannot be remembered that it is used now.
    Unremembered,
}

impl Replay {
    /// As the refusal that it is. Only keyed tokens are bound to a key.
    #[must_use]
    pub fn denial(self) -> Denial {
        let error = match self {
            Self::Again => ProofError::Replayed,
            Self::Unremembered => ProofError::Unremembered,
        };
        Denial::Proof(error, Format::Keyed)
    }
}

impl<T> UnlessReplayed<T> {
    #[inline]
    pub(super) fn new(decided: T, proof: Option<VerifiedProof>) -> Self {
        Self { decided, proof }
    }

    /// The proof that must not have been used before.
    #[must_use]
    pub fn proof(&self) -> Option<&VerifiedProof> {
        self.proof.as_ref()
    }

    /// The decision, where it rests on no proof.
    ///
    /// # Errors
    /// Itself, where it rests on one.
    #[inline]
    pub fn without_proof(self) -> Result<T, Self> {
        match self.proof {
            None => Ok(self.decided),
            Some(_) => Err(self),
        }
    }

    /// The decision, once the memory has said that the proof is used for the first time.
    #[must_use]
    pub fn danger_first_use(self) -> T {
        self.decided
    }

    /// The same about something that the decision leads to.
    #[inline]
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> UnlessReplayed<U> {
        UnlessReplayed { decided: change(self.decided), proof: self.proof }
    }
}

impl UnlessReplayed<VerifiedProof> {
    /// A proof alone, which is to be used now.
    pub fn of_proof(proof: VerifiedProof) -> Self {
        Self { decided: proof, proof: Some(proof) }
    }
}

impl<'a> UnlessReplayed<Judgement<'a>> {
    /// What is decided in its place where the proof was used before. That is no change of the client, so `ENFORCE=report`
    /// does not let it pass.
    #[must_use]
    pub fn refused(self, why: Replay, enforce: Enforce) -> Judgement<'a> {
        let denial = why.denial();
        let passed = match enforce {
            Enforce::On | Enforce::Report => None,
            Enforce::Observe => Some(Identity::nobody()),
        };
        let (decision, reason) = (denial.decision(), denial.reason());
        Judgement { decision, reason, passed, bound: None, seen: self.decided.seen }
    }
}
