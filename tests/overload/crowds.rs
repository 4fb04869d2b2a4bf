//! Thousands of connections that do nothing, or next to nothing, while a good client asks.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::{
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use super::{FLOOD, PROXY, assert_good, question, service};
use crate::support::{client::Connection, samehand::Samehand};

/// What the good client is promised at the median.
const PROMISED: Duration = Duration::from_millis(100);
/// Idle connections that it is promised among.
const IDLE: usize = 10_000;
/// Connections that send a byte now and then.
const SLOW: usize = 2_000;
/// Answers that the median is of.
const ASKED: usize = 101;

#[test]
fn a_good_client_is_answered_among_ten_thousand_idle_connections() {
    raise_limit_of_files();
    let (samehand, token) = service(&[], &[]);
    let bytes = question(&token).bytes();
    let mut idle: Vec<Connection> = Vec::new();
    while idle.len() < IDLE {
        let mut some: Vec<_> = (0..500).map(|_| Connection::open(FLOOD, &samehand.tcp)).collect();
        some.iter_mut().for_each(|connection| connection.send(&bytes));
        for connection in &mut some {
            assert_eq!(connection.reply(false).expect("an answer").status, 200);
        }
        idle.extend(some);
    }
    assert_promise(&samehand, &token);
    // They were there all the time, and every one of them still gets an answer.
    idle.iter_mut().for_each(|connection| connection.send(&bytes));
    for connection in &mut idle {
        assert_eq!(connection.reply(false).expect("it was kept").status, 200);
    }
}

#[test]
fn a_good_client_is_answered_among_slow_ones_and_these_are_cut_off() {
    raise_limit_of_files();
    let (samehand, token) = service(&[], &[]);
    let mut slow: Vec<_> = (0..SLOW).map(|_| slow_one(&samehand)).collect();
    let mut first = slow.remove(0);
    let (say, told) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(move || {
            assert_eq!(first.reply(false).expect("an answer").status, 408);
            say.send(()).expect("the flood goes on until then");
        });
        let flood = scope.spawn(move || {
            // A byte now and then for all of them, until one is told that it is too slow; the others follow.
            while told.recv_timeout(Duration::from_millis(100)) == Err(RecvTimeoutError::Timeout) {
                slow.iter_mut().for_each(|connection| connection.send(b"x"));
            }
            for connection in &mut slow {
                assert_eq!(connection.reply(false).expect("an answer").status, 408);
            }
        });
        let mut rounds = 0;
        while !flood.is_finished() {
            assert_promise(&samehand, &token);
            rounds += 1;
        }
        flood.join().expect("all of them are cut off");
        assert!(rounds > 0, "nobody asked meanwhile");
    });
}

#[test]
fn with_few_files_the_longest_idle_ones_make_room_for_new_ones() {
    // 600 files, of which 512 are for other things: 88 connections.
    let (samehand, token) = service(&["sh", "-c", "ulimit -n 600 && exec \"$0\" \"$@\""], &[("WORKERS", "1")]);
    let mut idle = Vec::new();
    for _ in 0..300 {
        let mut connection = Connection::open(FLOOD, &samehand.tcp);
        assert_good(&mut connection, &token);
        idle.push(connection);
    }
    // Each was answered in its time, and the first have gone since.
    assert!(idle[0].rest().is_empty());
    assert_good(&mut idle[299], &token);
    assert_good(&mut Connection::open(PROXY, &samehand.tcp), &token);
}

/// A connection on which a head has begun.
#[track_caller]
fn slow_one(samehand: &Samehand) -> Connection {
    let mut connection = Connection::open(FLOOD, &samehand.tcp);
    connection.send(b"GET /auth/nginx HTTP/1.1\r\nX: ");
    connection
}

/// The median of many answers is within what is promised, on a connection that is kept and on new ones.
#[track_caller]
fn assert_promise(samehand: &Samehand, token: &str) {
    let mut kept = Connection::open(PROXY, &samehand.tcp);
    let mut took: Vec<_> = (0..ASKED)
        .map(|number| {
            let started = Instant::now();
            match number % 2 {
                0 => assert_good(&mut kept, token),
                _ => assert_good(&mut Connection::open(PROXY, &samehand.tcp), token),
            }
            started.elapsed()
        })
        .collect();
    took.sort_unstable();
    let median = took[ASKED / 2];
    println!("median {median:.1?}, longest {:.1?}", took[ASKED - 1]);
    assert!(median < PROMISED, "the median is {median:.1?}, the longest {:.1?}", took[ASKED - 1]);
}

/// Every connection of a test is an open file, and both tests may run at once.
#[track_caller]
fn raise_limit_of_files() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let needed = u64::try_from(IDLE + SLOW + 1000).expect("a small number");
    let raised = maximum.unwrap_or(needed);
    assert!(raised >= needed, "these tests open {needed} files and may open {raised}; raise `ulimit -Hn`");
    setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum }).expect("up to the hard limit");
}
