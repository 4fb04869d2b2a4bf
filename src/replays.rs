//! Which DPoP proofs were used (RFC 9449 section 11.1): this process remembers them itself, and the store for all replicas.
//!
//! A proof that was seen here costs no call of the store. While the store does not answer, each process goes on with what
//! it remembers: an outage neither refuses a good proof nor lets one pass twice at one replica. The memory is bounded, and
//! when it is full a new proof is refused: what has been used is never forgotten before its time.
//!
//! One repetition is no theft: a proxy that lost the answer asks once more. The same proof passes a second time within
//! five seconds if the request has the same identifier, which the caller vouches to be the proxy's own.

use crate::check::dpop::proof::{FUTURE, MAX_AGE};
use crate::check::dpop::{ReplayId, VerifiedProof};
use crate::check::once::{Replay, UnlessReplayed};
use crate::store::{Store, StoreError};
use log::{info, warn};
use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// So soon a proxy asks again.
const REPEATED_WITHIN: Duration = Duration::from_secs(5);
/// A proof cannot be good any more after so long, and some seconds for a clock that is set.
const KEPT: Duration = Duration::from_secs(MAX_AGE + FUTURE + 10);
/// So much longer the store remembers, in seconds: for a replica whose clock is behind.
const CLOCKS_APART: u64 = 60;
/// The longest that a request waits for the store.
const PATIENCE: Duration = Duration::from_millis(500);
/// So many proofs one process remembers: more than it can verify in that time on four processors.
const MOST: usize = 1 << 20;
const SHARDS: usize = 16;

/// The memory of one process.
pub struct Replays {
    shards: [Mutex<Shard>; SHARDS],
    most_in_shard: usize,
    hasher: RandomState,
    goes_alone: AtomicBool,
    is_full: AtomicBool,
}

/// What a decision about a proof is made with.
pub struct Asked<'a> {
    /// The memory of all replicas.
    pub store: &'a dyn Store,
    /// Whether the store is worth asking.
    pub store_answers: bool,
    /// The identifier that the proxy itself has given to the request; nothing where a client may have written it.
    pub request: Option<&'a str>,
    /// The time, in seconds since 1970.
    pub now: u64,
}

/// Two generations: what stands in the older one is forgotten with it, and is old enough then.
struct Shard {
    since: Instant,
    newer: HashMap<ReplayId, Used>,
    older: HashMap<ReplayId, Used>,
}

/// The first use of a proof.
struct Used {
    at: Instant,
    /// A hash of the request's identifier; nothing once it was repeated.
    request: Option<u64>,
}

/// What this process knows of a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// Nothing, up to now.
    New,
    /// A proxy repeats its question.
    Repeated,
    /// It was used.
    Used,
    /// There is no room to remember it.
    Full,
}

impl Default for Replays {
    fn default() -> Self {
        Self::with_room_for(MOST)
    }
}

impl Replays {
    fn with_room_for(most: usize) -> Self {
        let shard = || Shard { since: Instant::now(), newer: HashMap::new(), older: HashMap::new() };
        Self {
            shards: std::array::from_fn(|_| Mutex::new(shard())),
            most_in_shard: most / SHARDS,
            hasher: RandomState::new(),
            goes_alone: AtomicBool::new(false),
            is_full: AtomicBool::new(false),
        }
    }

    /// What was decided, if the proof that it rests on was not used before; from now on it was.
    ///
    /// # Errors
    /// The decision, untaken, and why.
    pub async fn settle<T>(
        &self,
        decided: UnlessReplayed<T>,
        asked: Asked<'_>,
    ) -> Result<T, (UnlessReplayed<T>, Replay)> {
        let Some(proof) = decided.proof() else { return Ok(decided.danger_first_use()) };
        match self.note(proof.replay_id(), asked.request, Instant::now()) {
            Known::Repeated => return Ok(decided.danger_first_use()),
            Known::Used => return Err((decided, Replay::Again)),
            Known::Full => {
                if !self.is_full.swap(true, Ordering::Relaxed) {
                    warn!(
                        "no more DPoP proofs can be remembered, and new ones are answered 503 until old ones are over"
                    );
                }
                return Err((decided, Replay::Unremembered));
            }
            Known::New => self.is_full.store(false, Ordering::Relaxed),
        }
        if !asked.store_answers {
            return Ok(decided.danger_first_use());
        }
        let is_new = self.remember(proof, &asked).await;
        if is_new { Ok(decided.danger_first_use()) } else { Err((decided, Replay::Again)) }
    }

    /// Whether no replica has seen it. A store that fails has seen nothing.
    async fn remember(&self, proof: &VerifiedProof, asked: &Asked<'_>) -> bool {
        let seconds = proof.valid_until().saturating_sub(asked.now).saturating_add(CLOCKS_APART);
        let told = timeout(PATIENCE, asked.store.remember(proof.replay_id().bytes(), seconds)).await;
        let late = |_| StoreError::Away { place: asked.store.place(), problem: "it takes its time".into() };
        let told = told.map_err(late).flatten();
        match (&told, self.goes_alone.swap(told.is_err(), Ordering::Relaxed)) {
            (Err(problem), false) => {
                warn!("the store does not remember DPoP proofs, and each replica remembers its own: {problem}");
            }
            (Ok(_), true) => info!("the store remembers DPoP proofs again"),
            (Err(_), true) | (Ok(_), false) => {}
        }
        told.unwrap_or(true)
    }

    fn note(&self, id: ReplayId, request: Option<&str>, now: Instant) -> Known {
        let request = request.map(|request| self.hasher.hash_one(request));
        let mut shard = self.shard(id);
        shard.forget_old(now);
        let Shard { newer, older, .. } = &mut *shard;
        let room = self.most_in_shard.saturating_sub(newer.len() + older.len());
        match newer.get_mut(&id).or_else(|| older.get_mut(&id)) {
            Some(used) => used.again(request, now),
            None if room == 0 => Known::Full,
            None => {
                newer.insert(id, Used { at: now, request });
                Known::New
            }
        }
    }

    fn shard(&self, id: ReplayId) -> MutexGuard<'_, Shard> {
        // By a hash with a key that nobody knows: whoever makes proofs chooses what they are named by.
        let shard = &self.shards[self.hasher.hash_one(id) as usize % SHARDS];
        // Whoever panicked did so between two whole changes.
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shard {
    fn forget_old(&mut self, now: Instant) {
        if now.saturating_duration_since(self.since) < KEPT {
            return;
        }
        // Nobody may have asked for more than one generation.
        let is_long_ago = now.saturating_duration_since(self.since) >= KEPT * 2;
        self.older = std::mem::take(&mut self.newer);
        if is_long_ago {
            self.older = HashMap::new();
        }
        self.since = now;
    }
}

impl Used {
    /// A repetition passes once only.
    fn again(&mut self, request: Option<u64>, now: Instant) -> Known {
        let is_same = self.request.is_some() && self.request == request;
        if !is_same || now.saturating_duration_since(self.at) > REPEATED_WITHIN {
            return Known::Used;
        }
        self.request = None;
        Known::Repeated
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::dpop::{Address, Expected, HttpUrl, NonceKeys, NonceRule, Proof};

    /// Identifiers of proofs that were verified: there are no others.
    fn ids(count: usize) -> Vec<ReplayId> {
        use aws_lc_rs::rand::SystemRandom;
        use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
        use base64::Engine as _;
        let encode = |bytes: &[u8]| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let point = pair.public_key().as_ref();
        let (x, y) = (encode(&point[1..33]), encode(&point[33..]));
        let jwk = format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}"}}"#);
        let header = format!(r#"{{"typ":"dpop+jwt","alg":"ES256","jwk":{jwk}}}"#);
        let urls = [HttpUrl::read("https://h/").unwrap()];
        let expected =
            Expected { method: "GET", address: Address::OneOf(&urls), token: None, nonce: NonceRule::IfPresent };
        let id = |number: usize| {
            let claims = format!(r#"{{"jti":"{number}","htm":"GET","htu":"https://h/","iat":1000}}"#);
            let signed = format!("{}.{}", encode(header.as_bytes()), encode(claims.as_bytes()));
            let signature = pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
            let proof = format!("{signed}.{}", encode(signature.as_ref()));
            Proof::of_line(proof.as_bytes()).verify(&expected, &NonceKeys::new([]), 1000).unwrap().replay_id()
        };
        (0..count).map(id).collect()
    }

    #[test]
    fn a_proof_is_used_once_and_remembered_as_long_as_it_can_be_good() {
        let (replays, start) = (Replays::default(), Instant::now());
        let [id, other] = ids(2)[..] else { panic!("two") };
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(replays.note(id, None, start), Known::New);
        for seconds in [0, 1, 69, 79, 81, 100, 150] {
            assert_eq!(replays.note(id, None, at(seconds)), Known::Used, "{seconds}");
        }
        assert_eq!(replays.note(other, None, at(150)), Known::New);
        for seconds in [151, 200, 225] {
            assert_eq!(replays.note(other, None, at(seconds)), Known::Used, "{seconds}");
        }
        assert_eq!(replays.note(id, None, at(400)), Known::New, "after minutes of silence");
        assert_eq!(replays.note(other, None, at(400)), Known::New);
    }

    #[test]
    fn a_proxy_may_repeat_its_question_once_and_soon() {
        let (replays, start) = (Replays::default(), Instant::now());
        let ids = ids(5);
        let note = |place: usize, request, milliseconds| {
            replays.note(ids[place], request, start + Duration::from_millis(milliseconds))
        };
        for place in 0..5 {
            assert_eq!(note(place, (place < 4).then_some("a"), 0), Known::New);
        }
        assert_eq!(note(0, Some("a"), 5000), Known::Repeated);
        assert_eq!(note(0, Some("a"), 5000), Known::Used, "once");
        assert_eq!(note(1, Some("b"), 1), Known::Used, "another request");
        assert_eq!(note(1, None, 1), Known::Used);
        assert_eq!(note(1, Some("a"), 2), Known::Repeated, "still");
        assert_eq!(note(2, Some("a"), 5001), Known::Used, "too late");
        assert_eq!(note(3, Some("A"), 1), Known::Used);
        assert_eq!((note(4, None, 1), note(4, Some("a"), 1)), (Known::Used, Known::Used), "not the proxy's");
    }

    #[test]
    fn when_it_is_full_what_was_used_stays_and_what_is_new_is_refused() {
        let (replays, start) = (Replays::with_room_for(2 * SHARDS), Instant::now());
        let ids = ids(12 * SHARDS);
        let outcomes: Vec<Known> = ids.iter().map(|id| replays.note(*id, None, start)).collect();
        let taken = outcomes.iter().filter(|known| **known == Known::New).count();
        assert_eq!(taken, 2 * SHARDS, "every shard is full");
        for (id, first) in ids.iter().zip(outcomes) {
            let expected = if first == Known::New { Known::Used } else { Known::Full };
            assert_eq!(replays.note(*id, None, start), expected);
        }
        assert_eq!(replays.note(ids[ids.len() - 1], None, start + KEPT * 2), Known::New, "there is room again");
    }
}
