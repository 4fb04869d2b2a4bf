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
    for limit in [USER, AT_KNOWN_ADDRESS, AT_OTHERS_ADDRESSES] {
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
        let of_network = NETWORKS_V4[0].1.burst;
        assert!((of_network..=of_network + 1).contains(&taken), "{taken}");
        drop(world.take("bob", "192.0.3.1").await.unwrap());
        assert_eq!(world.wrong_until_refused("no name", "2001:db8::1").await, ADDRESS.burst);
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
        assert_eq!(world.wrong_until_refused("no name", "192.0.2.2").await, ADDRESS.burst);
        assert!(world.take("alice", "192.0.2.2").await.is_err(), "the neighbour is not known");
        assert_eq!(world.wrong_until_refused("alice", "192.0.2.1").await, AT_KNOWN_ADDRESS.burst);
        assert_eq!(world.wrong_until_refused("alice", "2001:db8::2").await, AT_KNOWN_ADDRESS.burst);
        unlock(&*world.store, &name("alice")).await.unwrap();
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
        assert_eq!(world.wrong_until_refused("no name", "192.0.2.1").await, ADDRESS.burst);
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

#[test]
fn an_address_does_not_tell_who_has_signed_in_from_it() {
    on_a_runtime(async {
        // How often one may guess at an address, and how long one waits then, in the hands of who also guesses elsewhere or
        // at other names there.
        for (elsewhere, at_others) in [(false, 0), (true, 0), (false, 70), (true, 70), (true, ADDRESS.burst)] {
            let mut outcomes = Vec::new();
            for name in ["alice", "bob", "nobody"] {
                let world = World::new();
                world.sign_in("alice", "192.0.2.1").await;
                world.sign_in("bob", "198.51.100.1").await;
                if elsewhere {
                    assert_eq!(world.wrong_until_refused(name, "203.0.113.1").await, USER.burst);
                }
                for number in 0..at_others {
                    drop(world.take(&format!("user-{number}"), "192.0.2.1").await.unwrap());
                }
                let tried = world.wrong_until_refused(name, "192.0.2.1").await;
                let refused = world.take(name, "192.0.2.1").await.unwrap_err();
                let Refused::TooOften { retry_after } = refused else { panic!("{name}: {refused:?}") };
                outcomes.push((tried, retry_after));
            }
            let (tried, retry_after) = outcomes[0];
            let is_same = |other: &(u32, u64)| other.0 == tried && other.1.abs_diff(retry_after) <= 5;
            assert!(outcomes.iter().all(is_same), "{elsewhere} {at_others}: {outcomes:?}");
        }
    });
}

#[test]
fn who_has_an_account_gets_no_new_attempts_at_others_with_each_address() {
    on_a_runtime(async {
        let world = World::new();
        world.sign_in("alice", "192.0.2.1").await;
        let mut tried = 0;
        for number in 1..=5 {
            let address = format!("198.51.{number}.1");
            world.sign_in("mallory", &address).await;
            tried += world.wrong_until_refused("alice", &address).await;
        }
        assert_eq!(tried, AT_OTHERS_ADDRESSES.burst + USER.burst);
        world.sign_in("alice", "192.0.2.1").await;
    });
}

/// New networks, of which each brings one attempt: how many are let through.
async fn new_networks_let_through(world: &World, round: u32) -> usize {
    let mut passed = 0;
    for number in 0..10 {
        let from = match number % 2 {
            0 => format!("2a01:{round}:{number}::1"),
            _ => format!("{}.{number}.2.1", 100 + round),
        };
        if let Ok(attempt) = world.take(&format!("new-{round}-{number}"), &from).await {
            world.throttle.was_right(&*world.store, attempt).await;
            passed += 1;
        }
    }
    passed
}

#[test]
fn no_network_uses_up_what_everybody_has() {
    on_a_runtime(async {
        let world = World::new();
        let mut let_through = 0;
        // One /64, one /56, one /48, one /32, each of them whole.
        for (wide, burst) in [(0, 100), (1, 150), (2, 200), (3, 400)] {
            let before = let_through;
            for number in 0..600 {
                let from = match wide {
                    0 => format!("2001:1:1:1::{number:x}"),
                    1 => format!("2001:2:1:{:x}::1", number % 256),
                    2 => format!("2001:3:1:{number:x}::1"),
                    _ => format!("2001:4:{number:x}::1"),
                };
                let_through += u32::from(world.take("no name", &from).await.is_ok());
            }
            assert!((burst..burst + 5).contains(&(let_through - before)), "{wide}: {}", let_through - before);
            assert_eq!(new_networks_let_through(&world, wide).await, 10, "{wide}");
        }
    });
}

#[test]
fn who_has_tried_little_goes_on_when_many_networks_have_used_up_what_everybody_has() {
    on_a_runtime(async {
        let world = World::new();
        let mut of_each = Vec::new();
        for network in 0..10 {
            let mut tried = 0;
            for number in 0..300 {
                let from = format!("2001:{network}:{number:x}::1");
                tried += u32::from(world.take("no name", &from).await.is_ok());
            }
            of_each.push(tried);
        }
        let (all, most) = (of_each.iter().sum::<u32>(), OVERALL.burst + 10 * SHARE.burst);
        assert!((OVERALL.burst..most + 50).contains(&all), "{of_each:?}");
        for round in 0..3 {
            assert_eq!(new_networks_let_through(&world, round).await, 10, "{round}");
        }
    });
}
