//! When sessions were last used, gathered in memory and written to the store a few times a minute; and who has just signed
//! in, which is not written anywhere.
//!
//! Times that lie in the future are of a clock that was ahead, and count as long ago.
//!
//! A decision only looks into a map of its own thread; the map that threads share is locked once for each session, thread
//! and [`grain`]. So a hundred thousand sessions in use are some 1,700 rows a second in the store, whatever they are used for.

use crate::check::identifiers::SessionId;
use crate::check::observed::ObservedClient;
use crate::check::revocation::RevokedId;
use crate::check::sign_in::MOMENT;
use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

/// What was seen and not written yet.
#[derive(Default)]
pub struct Activity {
    seen: Mutex<HashMap<SessionId, u64>>,
    renewed: Mutex<HashMap<RevokedId, u64>>,
    /// For each client where it went, and when it signed in for that.
    signed_in: Mutex<HashMap<u64, (u64, u64)>>,
    /// Shortens what is remembered of a sign-in, differently in each process.
    shortening: RandomState,
}

/// A thread remembers so many sessions; a flood of others makes it ask the shared map more often, and nothing else.
const MOST: usize = 20_000;

thread_local! {
    /// When this thread last told of a session.
    static TOLD: RefCell<HashMap<SessionId, u64, foldhash::fast::RandomState>> = RefCell::default();
}

/// How precisely it is known when a session was last used, in seconds: to a minute, and to a tenth of an idle limit.
#[must_use]
pub fn grain(idle: Option<u64>) -> u64 {
    const LONGEST: u64 = 60;
    idle.map_or(LONGEST, |idle| (idle / 10).clamp(1, LONGEST))
}

impl Activity {
    /// How long a token is not exchanged again on the way, in seconds.
    const RENEWAL_PAUSE: u64 = 10;

    /// A token of this session was accepted at `now`, in seconds since 1970; it is told again after [`grain`].
    pub fn saw(&self, sid: &SessionId, grain: u64, now: u64) {
        let is_told = TOLD.with_borrow_mut(|told| {
            if let Some(at) = told.get_mut(sid) {
                let is_recent = now.abs_diff(*at) < grain;
                *at = if is_recent { *at } else { now };
                return is_recent;
            }
            if told.len() >= MOST {
                told.clear();
            }
            told.insert(sid.clone(), now);
            false
        });
        if !is_told {
            self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(sid.clone(), now);
        }
    }

    /// Whether a token may be exchanged on the way at `now`, in seconds since 1970: many requests of one page come with
    /// it at once, and one new cookie is enough. A browser that has taken the new one comes with another token.
    pub fn may_renew(&self, token: RevokedId, now: u64) -> bool {
        let mut renewed = self.renewed.lock().unwrap_or_else(PoisonError::into_inner);
        if renewed.len() >= MOST {
            renewed.retain(|_, at| now.abs_diff(*at) < Self::RENEWAL_PAUSE);
        }
        match renewed.insert(token, now) {
            Some(before) if now.saturating_sub(before) < Self::RENEWAL_PAUSE => {
                renewed.insert(token, before);
                false
            }
            Some(_) | None => true,
        }
    }

    /// A browser signed in at `now`, in seconds since 1970, on its way to a place.
    pub fn signed_in(&self, client: &ObservedClient<'_>, place: &str, now: u64) {
        let mut signed_in = self.signed_in.lock().unwrap_or_else(PoisonError::into_inner);
        if signed_in.len() >= MOST {
            signed_in.retain(|_, (_, at)| now.abs_diff(*at) < MOMENT);
        }
        if signed_in.len() < MOST {
            signed_in.insert(self.shortened_client(client), (self.shortening.hash_one(place), now));
        }
    }

    /// A browser signed out, and is expected nowhere.
    pub fn signed_out(&self, client: &ObservedClient<'_>) {
        self.signed_in.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.shortened_client(client));
    }

    /// Whether a browser signed in a moment ago on its way to this place. Another replica does not know.
    #[must_use]
    pub fn has_just_signed_in(&self, client: &ObservedClient<'_>, place: &str, now: u64) -> bool {
        let signed_in = self.signed_in.lock().unwrap_or_else(PoisonError::into_inner);
        let last = signed_in.get(&self.shortened_client(client));
        last.is_some_and(|(to, at)| *to == self.shortening.hash_one(place) && now.abs_diff(*at) < MOMENT)
    }

    fn shortened_client(&self, client: &ObservedClient<'_>) -> u64 {
        self.shortening.hash_one((client.ip.address(), client.user_agent.present()))
    }

    /// What was seen since the last call.
    #[must_use]
    pub fn take(&self) -> Vec<(SessionId, u64)> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).drain().collect()
    }

    /// Takes back what could not be written, for the next call.
    pub fn put_back(&self, unwritten: Vec<(SessionId, u64)>) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for (sid, at) in unwritten {
            let known = seen.entry(sid).or_insert(at);
            *known = at.max(*known);
        }
    }

    /// When a session was seen, if that was not written yet.
    #[must_use]
    pub fn seen_at(&self, sid: &SessionId) -> Option<u64> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(sid).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::client_ip::ClientIp;
    use crate::check::user_agent::UserAgent;

    #[test]
    fn a_session_is_told_of_once_for_each_grain() {
        let activity = Activity::default();
        let sid = SessionId::new([1; 16]);
        activity.saw(&sid, 5, 100);
        assert_eq!(activity.seen_at(&sid), Some(100));
        assert_eq!(activity.take(), [(sid.clone(), 100)]);
        activity.saw(&sid, 5, 104);
        assert!(activity.take().is_empty());
        activity.saw(&sid, 5, 105);
        assert_eq!(activity.take(), [(sid, 105)]);
        assert_eq!((grain(None), grain(Some(3600)), grain(Some(100)), grain(Some(10))), (60, 60, 10, 1));
    }

    #[test]
    fn what_could_not_be_written_is_not_forgotten() {
        let activity = Activity::default();
        let sids = [SessionId::new([2; 16]), SessionId::new([3; 16])];
        activity.saw(&sids[0], 5, 100);
        let unwritten = activity.take();
        activity.saw(&sids[0], 5, 200);
        activity.put_back(unwritten);
        activity.put_back(vec![(sids[1].clone(), 150)]);
        assert_eq!((activity.seen_at(&sids[0]), activity.seen_at(&sids[1])), (Some(200), Some(150)));
    }

    #[test]
    fn a_token_is_exchanged_once_and_another_one_of_the_session_too() {
        let activity = Activity::default();
        let (old, new) = (RevokedId::token("old"), RevokedId::token("new"));
        assert!(activity.may_renew(old, 100));
        assert!(!activity.may_renew(old, 109));
        assert!(activity.may_renew(new, 101), "the browser took it, and it is due itself");
        assert!(activity.may_renew(old, 110), "the answer may have been lost");
    }

    #[test]
    fn a_browser_that_signed_in_is_expected_where_it_wanted_to_go() {
        let activity = Activity::default();
        let user_agent = UserAgent::from_bytes(Some(b"a browser"));
        let client = |ip: &str| ObservedClient::new(ClientIp::vouched(ip.parse().unwrap()), user_agent);
        let (one, other) = (client("192.0.2.7"), client("192.0.2.8"));
        activity.signed_in(&one, "https://app.example.com/", 100);
        for (client, place, now, expected) in [
            (&one, "https://app.example.com/", 100, true),
            (&one, "https://app.example.com/", 109, true),
            (&one, "https://app.example.com/", 110, false),
            (&one, "https://app.example.com/other", 100, false),
            (&other, "https://app.example.com/", 100, false),
        ] {
            assert_eq!(activity.has_just_signed_in(client, place, now), expected, "{place} at {now}");
        }
        activity.signed_out(&one);
        assert!(!activity.has_just_signed_in(&one, "https://app.example.com/", 100));
    }
}
