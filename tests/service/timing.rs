//! The time of a refused sign-in does not tell whether the user exists.

use std::{
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use crate::support::{
    client::{Connection, Request},
    samehand::{PASSWORD, Samehand},
};
use crate::{FIREFOX, sign_in_as};

/// Rounds of one refusal of each kind, in turn, so that whatever else the machine does weighs on all of them.
const ROUNDS: usize = 100;
/// After so many of them nobody is asked for as often as to be told to wait: another client goes on, with the failures of
/// the users forgotten and another name that nobody has.
const TURN: usize = 10;

#[test]
fn unknown_wrong_and_disabled_take_the_same_time() {
    take_the_same_time(|_, name, password| sign_in_as(name, password));
}

#[test]
fn so_they_do_for_the_form_of_the_sign_in_page() {
    take_the_same_time(|connection, name, password| {
        let page = connection.ask(&Request::get("/login").header("User-Agent", FIREFOX));
        let page = String::from_utf8_lossy(&page.body).into_owned();
        let form =
            page.split_once("name=\"form\" value=\"").and_then(|(_, rest)| rest.split_once('"')).expect("a form").0;
        let body = format!("username={name}&password={}&form={form}", password.replace(' ', "+"));
        let request = Request::post("/login", body).header("User-Agent", FIREFOX);
        request.header("Content-Type", "application/x-www-form-urlencoded")
    });
}

/// The request is made anew for each attempt, outside of what is timed.
#[track_caller]
fn take_the_same_time(request: impl Fn(&mut Connection, &str, &str) -> Request) {
    let samehand = Samehand::start(&[("PUBLIC_URL", "https://auth.example.com")]);
    samehand.add_user("alice", &[]);
    samehand.add_user("dora", &[]);
    samehand.succeed(&["user", "disable", "dora"], "");
    let kinds = ["unknown", "wrong", "disabled"];
    let password = |kind: &str| if kind == "disabled" { PASSWORD } else { "seven lighthouses count aloud" };
    let name = |kind: &str, turn: usize| match kind {
        "wrong" => "alice".to_owned(),
        "disabled" => "dora".to_owned(),
        _ => format!("nobody-{turn}"),
    };
    let timed = |connection: &mut Connection, kind: &str, name: &str| {
        let request = request(connection, name, password(kind));
        let started = Instant::now();
        let reply = connection.ask(&request);
        assert_eq!(reply.status, 401, "{kind}: {reply:?}");
        started.elapsed()
    };
    let mut times: [Vec<Duration>; 3] = Default::default();
    for turn in 0..ROUNDS / TURN {
        for user in ["alice", "dora"] {
            samehand.succeed(&["user", "unlock", user], "");
        }
        let client = Ipv4Addr::new(127, 0, u8::try_from(turn).expect("a few"), 7);
        let mut connection = Connection::open(client, &samehand.tcp);
        for kind in kinds {
            timed(&mut connection, kind, &name(kind, turn));
        }
        for round in 0..TURN {
            // Whoever comes first in a round is another one each time.
            for place in 0..3 {
                let which = (round + place) % 3;
                times[which].push(timed(&mut connection, kinds[which], &name(kinds[which], turn)));
            }
        }
    }
    for (one, other) in [(0, 1), (0, 2), (1, 2)] {
        let (names, times) = ((kinds[one], kinds[other]), (&times[one], &times[other]));
        let (first, second) = (usual(times.0), usual(times.1));
        // With one hash too many for one of them it takes nearly twice as long.
        let ratio = first / second;
        assert!((0.7..1.43).contains(&ratio), "{names:?}: {first:.4} s and {second:.4} s");
        // One of a pair is the faster one about half the time: with 100 rounds five standard deviations are 25.
        let faster = times.0.iter().zip(times.1).filter(|(one, other)| one < other).count();
        assert!((25..=75).contains(&faster), "{names:?}: the first is faster in {faster} of {ROUNDS} rounds");
    }
}

/// The mean in seconds, without the tenth that took longest and the one that took shortest. A median would be of no use: answers
/// come at multiples of 50 ms, and where half of them take one step and half of them two, it is either by chance.
fn usual(times: &[Duration]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort();
    let tenth = sorted.len() / 10;
    let kept = &sorted[tenth..sorted.len() - tenth];
    kept.iter().map(Duration::as_secs_f64).sum::<f64>() / kept.iter().map(|_| 1.0).sum::<f64>()
}
