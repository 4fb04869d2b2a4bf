//! What the cells of the tables say. What each word means is said to readers in docs/efficacy.md.

use super::world::Outcome;

/// What becomes of whoever is not quite who the token was given to; what is worse for an honest client comes later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// Served, and nothing is said about it.
    NotNoticed,
    /// Served, and samehand's log says what has changed.
    Reported,
    /// Refused once: the session goes on after the password was typed.
    AskedAgain,
    /// Refused: a new session has to begin, or the one there was has ended.
    SignedOut,
    /// Refused, and the session of the token's owner goes on as if nothing had happened.
    Blocked,
}

impl Verdict {
    /// The word in the tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::NotNoticed => "not noticed",
            Self::Reported => "reported",
            Self::AskedAgain => "asked again",
            Self::SignedOut => "signed out",
            Self::Blocked => "blocked",
        }
    }
}

impl Outcome {
    /// How the request was served, if it was.
    pub(crate) fn served(&self) -> Option<Verdict> {
        self.seen.as_ref().map(|_| if self.changed.is_empty() { Verdict::NotNoticed } else { Verdict::Reported })
    }
}
