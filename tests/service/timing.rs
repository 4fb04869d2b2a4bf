//! The time of a refused sign-in does not tell whether the user exists.

use std::time::{Duration, Instant};

use crate::sign_in_as;
use crate::support::{
    CLIENT,
    client::Connection,
    samehand::{PASSWORD, Samehand},
};

/// Rounds of one refusal of each kind, in turn, so that whatever else the machine does weighs on all of them.
const ROUNDS: usize = 100;

#[test]
fn unknown_wrong_and_disabled_take_the_same_time() {
    let samehand = Samehand::start(&[]);
    samehand.add_user("alice", &[]);
    samehand.add_user("dora", &[]);
    samehand.succeed(&["user", "disable", "dora"], "");
    let kinds = [("unknown", "nobody"), ("wrong", "alice"), ("disabled", "dora")];
    let password = |kind: &str| if kind == "disabled" { PASSWORD } else { "seven lighthouses count aloud" };
    let mut connection = Connection::open(CLIENT, &samehand.tcp);
    let mut timed = |kind: &str, name: &str| {
        let request = sign_in_as(name, password(kind));
        let started = Instant::now();
        let reply = connection.ask(&request);
        assert_eq!(reply.status, 401, "{kind}: {reply:?}");
        started.elapsed()
    };
    for (kind, name) in kinds {
        timed(kind, name);
    }
    let mut times: [Vec<Duration>; 3] = Default::default();
    for round in 0..ROUNDS {
        // Whoever comes first in a round is another one each time.
        for turn in 0..3 {
            let which = (round + turn) % 3;
            times[which].push(timed(kinds[which].0, kinds[which].1));
        }
    }
    for (one, other) in [(0, 1), (0, 2), (1, 2)] {
        let (names, times) = ((kinds[one].0, kinds[other].0), (&times[one], &times[other]));
        let (first, second) = (median(times.0), median(times.1));
        // One hash too many for one of them is a step later, and the medians differ by a factor.
        let ratio = first.as_secs_f64() / second.as_secs_f64();
        assert!((0.8..1.25).contains(&ratio), "{names:?}: {first:?} and {second:?}");
        // One of a pair is the faster one about half the time: with 100 rounds five standard deviations are 25.
        let faster = times.0.iter().zip(times.1).filter(|(one, other)| one < other).count();
        assert!((25..=75).contains(&faster), "{names:?}: the first is faster in {faster} of {ROUNDS} rounds");
    }
}

fn median(times: &[Duration]) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort();
    sorted[sorted.len() / 2]
}
