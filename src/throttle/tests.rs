//! What [`super`] counts against what, on a store of its own. It starts no process.

use super::*;
use crate::store::{self, Access, StoreAddress};
use std::sync::Arc;
use tempfile::TempDir;

const DAY_MS: u64 = 24 * 60 * MINUTE_MS;

fn client(address: &str) -> ClientIp {
    ClientIp::vouched(address.parse().unwrap())
}

fn name(text: &str) -> UserName {
    UserName::enter(text).unwrap()
}

struct World {
    throttle: Throttle,
    store: Arc<dyn Store>,
    _directory: TempDir,
}

impl World {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let address = StoreAddress::Sqlite(directory.path().join("samehand.db"));
        let store = store::at(&address, Access::Create).unwrap();
        Self { throttle: Throttle::default(), store, _directory: directory }
    }

    async fn take(&self, user: &str, from: &str) -> Result<Attempt, Refused> {
        self.throttle.take(&*self.store, user, client(from)).await
    }

    /// Wrong passwords until there are no more attempts: how many there were.
    async fn wrong_until_refused(&self, user: &str, from: &str) -> u32 {
        for count in 0.. {
            match self.take(user, from).await {
                Ok(wrong) => drop(wrong),
                Err(Refused::TooOften { .. }) => return count,
                Err(Refused::Busy) => panic!("nobody else asks"),
            }
        }
        unreachable!("some limit is reached")
    }

    async fn sign_in(&self, user: &str, from: &str) {
        let attempt = self.take(user, from).await.unwrap();
        self.throttle.was_right(&*self.store, attempt).await;
    }
}

fn on_a_runtime<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

#[test]
fn strangers_have_at_most_a_hundred_attempts_at_a_user_in_any_day() {
    for limit in [USER, KNOWN_CLIENT] {
        assert!(u64::from(limit.burst) + DAY_MS / limit.interval_ms <= 100);
    }
}

#[test]
fn a_user_a_network_and_all_together_are_counted_each_by_itself() {
    on_a_runtime(async {
        let world = World::new();
        assert_eq!(world.wrong_until_refused("alice", "192.0.2.1").await, USER.burst);
        for (user, from) in [("Alice", "192.0.2.1"), ("ALICE", "198.51.100.1"), ("alice", "2001:db8::1")] {
            let refused = world.take(user, from).await.unwrap_err();
            let Refused::TooOften { retry_after } = refused else { panic!("{user}: {refused:?}") };
            assert!((17 * 60..=18 * 60).contains(&retry_after), "{user}: {retry_after}");
        }
        let mut taken = USER.burst;
        for number in 0.. {
            // A blank makes it no name, which nobody has.
            let user = if number % 2 == 0 { format!("user-{number}") } else { format!("no name {number}") };
            let Ok(wrong) = world.take(&user, &format!("192.0.2.{}", number % 256)).await else { break };
            drop(wrong);
            taken += 1;
        }
        assert!((NETWORK.burst..=NETWORK.burst + 1).contains(&taken), "{taken}");
        drop(world.take("bob", "192.0.3.1").await.unwrap());
        assert_eq!(world.wrong_until_refused("no name", "2001:db8::1").await, NETWORK.burst);
        assert!(world.take("bob", "2001:db8::ffff").await.is_err(), "one network of IPv6 is a /64");
        drop(world.take("bob", "2001:db8:0:1::1").await.unwrap());
    });
}

#[test]
fn a_known_client_has_its_own_attempts_and_then_those_of_strangers() {
    on_a_runtime(async {
        let world = World::new();
        world.sign_in("alice", "192.0.2.1").await;
        world.sign_in("alice", "2001:db8::1").await;
        assert_eq!(world.wrong_until_refused("alice", "198.51.100.1").await, USER.burst);
        assert_eq!(world.wrong_until_refused("no name", "192.0.2.2").await, NETWORK.burst);
        assert!(world.take("alice", "192.0.2.2").await.is_err(), "the neighbour is not known");
        assert_eq!(world.wrong_until_refused("alice", "192.0.2.1").await, KNOWN_CLIENT.burst);
        assert_eq!(world.wrong_until_refused("alice", "2001:db8::2").await, KNOWN_CLIENT.burst);
        unlock(&*world.store, &name("alice")).await.unwrap();
        assert!(world.take("alice", "192.0.2.1").await.is_err(), "its network is still full of guesses");
        assert_eq!(world.wrong_until_refused("alice", "2001:db8::1").await, USER.burst);
    });
}

#[test]
fn a_right_password_puts_back_its_own_attempt_and_no_other() {
    on_a_runtime(async {
        let world = World::new();
        for number in 1..USER.burst {
            drop(world.take("alice", &format!("198.51.100.{number}")).await.unwrap());
        }
        for number in 0..50 {
            world.sign_in("alice", &format!("192.0.2.{number}")).await;
        }
        let not_tried = world.take("alice", "203.0.113.1").await.unwrap();
        world.throttle.give_back(&*world.store, not_tried).await;
        assert_eq!(world.wrong_until_refused("alice", "203.0.113.1").await, 1);
        assert_eq!(world.wrong_until_refused("no name", "192.0.2.1").await, NETWORK.burst);
    });
}

#[test]
fn digests_differ_wherever_what_they_are_of_does() {
    let of = |user: &str, from: &str| client_key(&name(user), client(from));
    let keys = [
        of("alice", "192.0.2.1"),
        of("alice", "192.0.2.2"),
        of("alice1", "92.0.2.1"),
        user_key(&name("alice")),
        key(&["network", "alice"]),
        key(&["all"]),
    ];
    for (place, key) in keys.iter().enumerate() {
        assert!(!keys[..place].contains(key), "{place}");
    }
    assert_eq!(of("Alice", "::ffff:192.0.2.1"), keys[0]);
}

#[test]
fn one_who_asks_too_many_at_a_time_is_told_so() {
    on_a_runtime(async {
        let world = World::new();
        let places = world.throttle.asking.try_acquire_many(u32::try_from(ASKING).unwrap()).unwrap();
        assert_eq!(world.take("alice", "192.0.2.1").await.unwrap_err(), Refused::Busy);
        drop(places);
        world.sign_in("alice", "192.0.2.1").await;
    });
}
