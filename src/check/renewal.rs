//! Should a browser get a fresh cookie with the answer? Decided after the decision, and changes nothing about it.

use super::credential::Carrier;
use super::decision::Reason;
use super::page_request::is_page_request;
use super::token::VerifiedToken;
use super::{Judgement, Question};

/// Whether the token of a session is to be renewed on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// No.
    No,
    /// It is good, and near its end.
    Due,
    /// It has expired, and a page is asked for: if its session lives, the page is served.
    Overdue,
}

/// In the last third of its life a token is near its end.
const SHARE: u64 = 3;

/// Looks at a decision that was made at `now`, in seconds since 1970. Only a cookie can be renewed on the way: who sends
/// `Authorization` would not see the new token.
#[must_use]
pub fn wanted(question: &Question<'_>, judgement: &Judgement<'_>, now: u64) -> Renewal {
    let seen = &judgement.seen;
    if seen.carrier != Some(Carrier::Cookie) {
        return Renewal::No;
    }
    if let Some(bound) = &judgement.bound {
        return if is_due(bound.token(), now) { Renewal::Due } else { Renewal::No };
    }
    let asks_for_page =
        seen.request.as_ref().is_some_and(|request| is_page_request(request.method(), question.headers));
    if judgement.reason == Reason::TokenExpired && asks_for_page { Renewal::Overdue } else { Renewal::No }
}

fn is_due(token: &VerifiedToken, now: u64) -> bool {
    let lifetime = token.expires_at().saturating_sub(token.issued_at());
    let left = token.expires_at().saturating_sub(now);
    token.session().is_some() && left.saturating_mul(SHARE) <= lifetime
}
