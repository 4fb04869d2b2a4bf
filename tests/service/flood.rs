//! Two hundred sign-ins at once: each is answered, none is forgotten, and decisions go on meanwhile.

use std::{net::Ipv4Addr, thread};

use crate::support::{
    CLIENT,
    client::Connection,
    samehand::{PASSWORD, Samehand},
};
use crate::{FIREFOX, PROXY, question_of_client, sign_in_as};

#[test]
fn two_hundred_sign_ins_at_once_are_answered_and_decisions_go_on() {
    let samehand = Samehand::start(&[]);
    // Everybody is somebody else, from somewhere else: what fills is the queue, and no limit on attempts.
    let hash = samehand.succeed(&["hash"], PASSWORD);
    let people: String = (0..200).step_by(2).map(|number| format!("person-{number}:{hash}\n")).collect();
    samehand.succeed(&["user", "import", &samehand.write("people", &people)], "");
    samehand.add_user("alice", &[]);
    let token = samehand.mint("alice", CLIENT, FIREFOX);
    let mut asked: Vec<Connection> =
        (0..200).map(|number| Connection::open(Ipv4Addr::new(127, 0, number, 7), &samehand.tcp)).collect();
    let attempt = |number: usize| match number % 2 {
        0 => sign_in_as(&format!("person-{number}"), PASSWORD),
        _ => sign_in_as(&format!("nobody-{number}"), PASSWORD),
    };
    for (number, connection) in asked.iter_mut().enumerate() {
        connection.send(&attempt(number).bytes());
    }
    let (answers, decisions) = thread::scope(|scope| {
        let answers = scope.spawn(move || {
            let replies = asked.iter_mut().map(|connection| connection.reply(false).expect("an answer"));
            replies.collect::<Vec<_>>()
        });
        let mut connection = Connection::open(PROXY, &samehand.tcp);
        let mut decisions = 0;
        while !answers.is_finished() {
            let reply = connection.ask(&question_of_client(&token));
            assert_eq!((reply.status, reply.header("Remote-User")), (200, Some("alice")), "{reply:?}");
            decisions += 1;
        }
        (answers.join().expect("every sign-in is answered"), decisions)
    });
    let mut hashed = 0;
    let mut told_to_wait = 0;
    for (number, reply) in answers.iter().enumerate() {
        match (reply.status, number % 2) {
            (200, 0) | (401, 1) => hashed += 1,
            (429, _) => {
                told_to_wait += 1;
                assert_eq!(reply.json()["error"], "slow_down", "{reply:?}");
                let seconds = reply.header("Retry-After").and_then(|seconds| seconds.parse::<u32>().ok());
                assert!(seconds.is_some_and(|seconds| (1..=60).contains(&seconds)), "{reply:?}");
            }
            _ => panic!("sign-in {number}: {reply:?}"),
        }
    }
    assert!(hashed > 0 && told_to_wait > 0, "{hashed} were tried, {told_to_wait} were told to wait");
    // Hashes take all cores meanwhile. Computed on the workers, they would let a decision through now and then only.
    assert!(decisions >= hashed, "{decisions} decisions while {hashed} passwords were hashed");
    let reply = Connection::open(CLIENT, &samehand.tcp).ask(&sign_in_as("alice", PASSWORD));
    assert_eq!(reply.status, 200, "the queue is open again: {reply:?}");
}
