//! How often one may try to sign in: per user, per network of clients, and overall, counted in the store that replicas
//! share.
//!
//! An attempt is taken before a password is hashed, so that guesses which come at the same time all count, and put back
//! when the password was right. Putting back what was taken, rather than filling up, keeps somebody with an account of
//! his own from wiping out his guesses at others by signing in now and then.
//!
//! **Networks.** A subscriber of IPv6 has a /56 or a /48, a provider a /32, and many small networks in it: whoever has one
//! must not use up what everybody has together. So each length has attempts of its own, and a wide one not many times those
//! of a narrow one. When what everybody has is used up all the same, by many networks together, each provider's network
//! has a few attempts out of a reserve: those who have tried little go on. It takes some 50 of such networks, a botnet, to
//! use up the reserve; then new clients wait, and those at known addresses do not.
//!
//! **Known addresses.** At an address from which anybody has signed in before, each user has attempts that nobody elsewhere
//! can use up: not who guesses from everywhere, nor the neighbour in its network. So strangers keep a user out of new clients
//! at most, and for as long as they keep guessing. It must not show who has signed in there: whoever shares the address
//! would read it off the number of guesses. So there are as many for every name there, whether somebody has it or not and
//! whether he has come from there or not, in buckets of the same size and filled at the same pace. For a user who has not
//! come from there they are also taken out of what all such addresses have for him together, lest somebody with an account
//! of his own gets them anew at each address at which he signs in. One address alone never finds that one empty.
//!
//! It never sees a password and does not know who exists: a name that nobody has is counted like any other. What the
//! store is given are digests, but names and addresses can be tried until one fits: they are no secret from who reads it.

mod local;
pub mod rebinding;
pub mod renewing;

use crate::check::client_ip::ClientIp;
use crate::check::names::UserName;
use crate::check::revocation::ID_BYTES;
use crate::store::{Bucket, Store, StoreError};
use local::LocalCount;
use log::{info, warn};
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

const SECOND_MS: u64 = 1000;
const MINUTE_MS: u64 = 60 * SECOND_MS;

/// So many attempts at once, and one more after each interval.
struct Limit {
    burst: u32,
    interval_ms: u64,
}

/// All strangers together, for one user: 20 attempts and 80 a day, which is at most 100 in any day. NIST SP 800-63B allows
/// 100 failures in a row; whoever mistypes a few times never notices.
const USER: Limit = Limit { burst: 20, interval_ms: 18 * MINUTE_MS };

/// A user at an address from which somebody has signed in: 50 attempts and 48 a day. The burst is larger than that of
/// strangers because attempts under way count too, and some scripts sign in dozens of times at once.
const AT_KNOWN_ADDRESS: Limit = Limit { burst: 50, interval_ms: 30 * MINUTE_MS };

/// All addresses together from which somebody has signed in but not this user. The same numbers, so that one address alone
/// never notices it.
const AT_OTHERS_ADDRESSES: Limit = AT_KNOWN_ADDRESS;

/// One address, or a /64. An office of 500 behind one address, where each tenth mistypes in the morning, needs half of it
/// on the first day.
const ADDRESS: Limit = Limit { burst: 100, interval_ms: 30 * SECOND_MS };

/// The networks around an address, each counted by itself.
const NETWORKS_V4: [(u8, Limit); 2] =
    [(24, Limit { burst: 200, interval_ms: 15 * SECOND_MS }), (16, Limit { burst: 400, interval_ms: 8 * SECOND_MS })];
const NETWORKS_V6: [(u8, Limit); 3] = [
    (56, Limit { burst: 150, interval_ms: 20 * SECOND_MS }),
    (48, Limit { burst: 200, interval_ms: 15 * SECOND_MS }),
    (32, Limit { burst: 400, interval_ms: 8 * SECOND_MS }),
];

/// Everybody together, but at known addresses. 100,000 people who all sign in for the first time within two hours, each tenth
/// of them with one failure, need 10,000 of the 15,400 there are.
const OVERALL: Limit = Limit { burst: 1000, interval_ms: SECOND_MS / 2 };

/// The same, for when that is used up: for those whose widest network has some of its share left.
const RESERVE: Limit = OVERALL;

/// What a /16 or an IPv6 /32 has out of the reserve.
const SHARE: Limit = Limit { burst: 20, interval_ms: MINUTE_MS };

/// How long a client is known after a sign-in, in seconds: 90 days.
const KNOWN_FOR: u64 = 90 * 24 * 60 * 60;

/// A store that takes longer to count does not count: what is left of the time is for reading the user.
const PATIENCE: Duration = Duration::from_secs(1);

/// So many attempts may ask the store at a time: more than the queue before hashing takes, and few enough that a flood
/// does not make other calls wait.
const ASKING: usize = 256;

type Key = [u8; ID_BYTES];

/// Counts attempts to sign in.
pub struct Throttle {
    asking: Semaphore,
    local: Mutex<LocalCount>,
    /// Whether it was said that the store does not count.
    counts_alone: AtomicBool,
}

/// An attempt that may be made. One that is dropped stays taken: its password was wrong, or whoever made it went away
/// before we knew.
#[must_use]
#[derive(Debug)]
pub struct Attempt {
    buckets: Vec<Bucket>,
    is_in_store: bool,
    /// The user at this address, if what was typed is a name.
    client: Option<Key>,
    address: Key,
}

/// Why an attempt may not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There were too many.
    TooOften {
        /// When there is another one, in seconds; at least one.
        retry_after: u64,
    },
    /// Too many ask at this moment; nothing was counted.
    Busy,
}

impl Default for Throttle {
    fn default() -> Self {
        Self {
            asking: Semaphore::new(ASKING),
            local: Mutex::new(LocalCount::default()),
            counts_alone: AtomicBool::new(false),
        }
    }
}

impl Throttle {
    /// Takes an attempt for what somebody typed as a name. Where the store cannot count it this process does, more
    /// strictly.
    ///
    /// # Errors
    /// [`Refused`]; it costs no hash, so it can be answered at once.
    pub async fn take(&self, store: &dyn Store, typed: &str, ip: ClientIp) -> Result<Attempt, Refused> {
        let _place = self.asking.try_acquire().map_err(|_| Refused::Busy)?;
        // What is no name has no attempts of its own: such names are endless, and nobody's.
        let user = UserName::typed(typed).ok();
        let (client, address) = (user.as_ref().map(|user| client_key(user, ip)), address_key(ip));
        let mut choices = of_strangers(user.as_ref(), ip).to_vec();
        let in_store = tokio::time::timeout(PATIENCE, async {
            if let (Some(user), Some(client)) = (&user, client)
                && store.remembers(address).await?
            {
                let has_come = store.remembers(client).await?;
                // Its own ones first; what every stranger has when they are used up.
                choices.insert(0, at_known_address(user, ip, has_come));
            }
            take_one_of(store, &choices).await
        });
        let too_long = |_| StoreError::Away { place: store.place(), problem: "it takes its time".into() };
        let counted = in_store.await.map_err(too_long).flatten();
        self.note(counted.as_ref().err());
        let is_in_store = counted.is_ok();
        match counted.unwrap_or_else(|_| self.local().take_one_of(&choices)) {
            Ok(buckets) => Ok(Attempt { buckets, is_in_store, client, address }),
            Err(wait_ms) => Err(Refused::TooOften { retry_after: wait_ms.div_ceil(SECOND_MS).max(1) }),
        }
    }

    /// The password was right: puts the attempt back, and knows the client from now on. A store that cannot do this is no
    /// reason to refuse.
    pub async fn was_right(&self, store: &dyn Store, attempt: Attempt) {
        for key in attempt.client.into_iter().chain([attempt.address]) {
            if let Err(error) = store.remember(key, KNOWN_FOR).await {
                warn!("an address that a user signed in from is not remembered: {error}");
            }
        }
        self.give_back(store, attempt).await;
    }

    /// Puts back an attempt at which no password was tried.
    pub async fn give_back(&self, store: &dyn Store, attempt: Attempt) {
        if !attempt.is_in_store {
            self.local().give_back(&attempt.buckets);
        } else if let Err(error) = store.give_attempt_back(&attempt.buckets).await {
            warn!("an attempt to sign in counts although it should not: {error}");
        }
    }

    /// Says once that the store does not count, and once that it does again.
    fn note(&self, problem: Option<&StoreError>) {
        match (problem, self.counts_alone.swap(problem.is_some(), Ordering::Relaxed)) {
            (Some(problem), false) => {
                warn!(
                    "attempts to sign in cannot be counted in the store, this process counts its own and allows a \
                     quarter of them: {problem}"
                );
            }
            (None, true) => info!("attempts to sign in are counted in the store again"),
            (Some(_), true) | (None, false) => {}
        }
    }

    fn local(&self) -> MutexGuard<'_, LocalCount> {
        self.local.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets the attempts that strangers, and known clients after their own ones, have used up for a user.
///
/// # Errors
/// [`StoreError`] when the store does not answer.
pub async fn unlock(store: &dyn Store, user: &UserName) -> Result<(), StoreError> {
    store.forget_attempts(&[user_key(user), key(&["others", user.as_str()])]).await
}

/// The buckets that an attempt of a stranger is taken out of, all of them; and those when everybody's is empty.
fn of_strangers(user: Option<&UserName>, ip: ClientIp) -> [Vec<Bucket>; 2] {
    let networks: &[(u8, Limit)] = match ip.address() {
        IpAddr::V4(_) => &NETWORKS_V4,
        IpAddr::V6(_) => &NETWORKS_V6,
    };
    let of_user = user.map(|user| USER.bucket(user_key(user)));
    let of_address = ADDRESS.bucket(key(&["guesses", &address(ip)]));
    let name = |bits| ip.within(bits).to_string();
    let of_networks = networks.iter().map(|(bits, limit)| limit.bucket(key(&["network", &name(*bits)])));
    let own: Vec<Bucket> = of_user.into_iter().chain([of_address]).chain(of_networks).collect();
    let widest = networks.last().map(|(bits, _)| SHARE.bucket(key(&["share", &name(*bits)])));
    let reserve = own.iter().copied().chain(widest).chain([RESERVE.bucket(key(&["reserve"]))]).collect();
    [own.into_iter().chain([OVERALL.bucket(key(&["all"]))]).collect(), reserve]
}

/// The buckets for a user at an address from which somebody has signed in. What happens in other networks is not among them.
fn at_known_address(user: &UserName, ip: ClientIp, has_come: bool) -> Vec<Bucket> {
    let own = AT_KNOWN_ADDRESS.bucket(key(&["tries", user.as_str(), &address(ip)]));
    let of_address = ADDRESS.bucket(key(&["guesses", &address(ip)]));
    let of_others = AT_OTHERS_ADDRESSES.bucket(key(&["others", user.as_str()]));
    [own, of_address].into_iter().chain((!has_come).then_some(of_others)).collect()
}

/// Takes an attempt out of the first group that has one; else the shortest time until there is one.
async fn take_one_of(store: &dyn Store, choices: &[Vec<Bucket>]) -> Result<Result<Vec<Bucket>, u64>, StoreError> {
    let mut shortest = u64::MAX;
    for buckets in choices {
        match store.take_attempt(buckets).await? {
            None => return Ok(Ok(buckets.clone())),
            Some(wait_ms) => shortest = shortest.min(wait_ms),
        }
    }
    Ok(Err(shortest))
}

impl Limit {
    fn bucket(&self, key: Key) -> Bucket {
        Bucket { key, burst: self.burst, interval_ms: self.interval_ms }
    }
}

fn user_key(user: &UserName) -> Key {
    key(&["user", user.as_str()])
}

/// That a user has signed in from this address.
fn client_key(user: &UserName, ip: ClientIp) -> Key {
    key(&["client", user.as_str(), &address(ip)])
}

/// That somebody has.
fn address_key(ip: ClientIp) -> Key {
    key(&["address", &address(ip)])
}

/// An IPv4 address, or an IPv6 network, whose devices change their addresses every day. Not the whole IPv4 network: whoever has
/// an address in it would use up what is meant for the user.
fn address(ip: ClientIp) -> String {
    match ip.address() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(_) => ip.network().to_string(),
    }
}

/// No part holds the byte that ends it: names, addresses and identifiers are visible ASCII.
fn key(parts: &[&str]) -> Key {
    let mut digest = Sha256::new_with_prefix(b"samehand attempts\0");
    for part in parts {
        digest.update(part);
        digest.update([0]);
    }
    let mut key = [0; ID_BYTES];
    key.copy_from_slice(&digest.finalize()[..ID_BYTES]);
    key
}

#[cfg(test)]
mod tests;
