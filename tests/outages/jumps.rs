//! Clocks that jump: of the store, and of the machine that has a store in a file; ahead and back, and right again; while the
//! service runs and when it starts. Nothing that was revoked comes back, nobody is locked out, and it is said.

use crate::support::waiting::until;
use crate::support::{
    client::{Request, ask},
    installation::{Installation, JumpingClock},
    samehand::Samehand,
    store_server::StoreServer,
    token::Token,
};
use crate::{
    ADMIN_TOKEN, FIREFOX, PATIENCE, PROXY, SALT, decided, mint, readiness, replica, revoke, sign_in, status,
    times_said, token_in, turn,
};
use samehand::app::now;
use samehand::store::{self, Access, StoreAddress};
use serde_json::json;
use std::path::Path;
use std::time::Instant;

const HOUR: i64 = 60 * 60;
const DAY: i64 = 24 * HOUR;
const JUMPS: [i64; 6] = [10 * HOUR, 40 * DAY, 400 * DAY, -10 * HOUR, -40 * DAY, -400 * DAY];

/// Tokens that were revoked in each way, and one that was not.
struct Tokens {
    revoked: Vec<String>,
    good: String,
}

impl Tokens {
    #[track_caller]
    fn of(samehand: &Samehand) -> Self {
        let everybodys = mint(samehand, "alice");
        revoke(samehand, &json!({ "all": true }));
        let [token, session, user] = ["carol", "carol", "dave"].map(|user| mint(samehand, user));
        revoke(samehand, &json!({ "token": token }));
        revoke(samehand, &json!({ "session": Token::parse(&session).claims["sid"] }));
        revoke(samehand, &json!({ "user": "dave" }));
        let tokens = Self { revoked: vec![everybodys, token, session, user], good: mint(samehand, "carol") };
        tokens.assert_refused(samehand, "at first");
        assert_eq!(status(samehand, &tokens.good), 200);
        tokens
    }

    #[track_caller]
    fn assert_refused(&self, samehand: &Samehand, when: &str) {
        for token in &self.revoked {
            assert_eq!(status(samehand, token), 401, "{when}: {:?}", decided(samehand, token));
        }
    }
}

/// The right password signs in at once, and what it gets is good.
#[track_caller]
fn assert_signs_in(samehand: &Samehand, when: &str) {
    let reply = ask(PROXY, &samehand.tcp, &sign_in());
    assert_eq!(reply.status, 200, "{when}: {reply:?}");
    let question = Request::about_page(PROXY, FIREFOX).bearer(&token_in(&reply));
    assert_eq!(ask(PROXY, &samehand.tcp, &question).status, 200, "{when}");
}

/// A wrong one, which counts.
fn mistype(samehand: &Samehand) {
    let body = json!({ "username": "alice", "password": "eight lighthouses count quietly" }).to_string();
    let wrong = Request::post("/login", body).header("Content-Type", "application/json");
    assert_eq!(ask(PROXY, &samehand.tcp, &wrong).status, 401);
}

/// The clock jumps, and the service says so.
#[track_caller]
fn jump(clock: &JumpingClock, seconds: i64, samehand: &Samehand) {
    let before = times_said(samehand, "the store's clock has jumped");
    clock.jump_to(seconds);
    let is_said = || times_said(samehand, "the store's clock has jumped") > before;
    until(Instant::now(), PATIENCE, "the jump is said", is_said);
}

#[track_caller]
fn wait_for_answers(samehand: &Samehand) {
    until(Instant::now(), PATIENCE, "the store answers", || readiness(samehand).1["store"]["answers"] == true);
}

/// What an hour of an even clock would end with: all that has expired by a clock that is 40 days ahead is removed. Then the
/// clock is right again.
#[track_caller]
fn believe_for_a_moment(address: &StoreAddress, samehand: &Samehand, tokens: &Tokens) {
    let unknown = mint(samehand, "carol");
    revoke(samehand, &json!({ "user": "bob" }));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let store = store::open(address, Access::Existing).await.expect("the store is there");
        store.purge(now() + 40 * 24 * 60 * 60).await.expect("it is purged");
    });
    let is_heard = || status(samehand, &unknown) == 401;
    until(Instant::now(), PATIENCE, "what was issued before is not known to be good", is_heard);
    tokens.assert_refused(samehand, "what was revoked is forgotten");
    assert_signs_in(samehand, "after everything was forgotten");
    let later = Tokens::of(samehand);
    later.assert_refused(samehand, "revoked after that");
}

#[test]
fn nothing_revoked_comes_back_when_the_clock_of_a_database_jumps() {
    let _turn = turn();
    let clock = JumpingClock::new();
    for server in [StoreServer::postgres_by(&clock), StoreServer::valkey_by(&clock)] {
        let url = server.url();
        let running = replica(&url, &[]);
        running.add_user("alice", &[]);
        let tokens = Tokens::of(&running);
        for seconds in JUMPS {
            jump(&clock, seconds, &running);
            let started = replica(&url, &[]);
            wait_for_answers(&started);
            for replica in [&running, &started] {
                let when = format!("{seconds} s wrong");
                tokens.assert_refused(replica, &when);
                assert_eq!(status(replica, &tokens.good), 200, "{when}");
            }
            mistype(&started);
            assert_signs_in(&started, "by the wrong clock");
            if seconds > 0 {
                assert_eq!(times_said(&started, "Nothing is removed until it has gone evenly"), 1, "{seconds}");
            } else {
                assert_eq!(times_said(&started, "behind what it has said before"), 1, "{seconds}");
            }
            jump(&clock, 0, &running);
            let started = started.restart(&[]);
            for replica in [&running, &started] {
                let when = format!("right again after {seconds} s");
                tokens.assert_refused(replica, &when);
                assert_eq!(status(replica, &tokens.good), 200, "{when}");
                assert_signs_in(replica, &when);
            }
        }
        let address = StoreAddress::read(&url, Path::new("/nowhere")).expect("an address");
        believe_for_a_moment(&address, &running, &tokens);
    }
}

#[test]
fn nothing_revoked_comes_back_when_the_clock_of_the_machine_jumps() {
    let _turn = turn();
    let clock = JumpingClock::new();
    let mut installation = Installation::new(&[("SALT", SALT), ("ADMIN_TOKEN", ADMIN_TOKEN)]);
    installation.follow_clock(&clock);
    installation.add_user("alice", &[]);
    let mut samehand = Samehand::serve(installation);
    let tokens = Tokens::of(&samehand);
    for seconds in JUMPS {
        jump(&clock, seconds, &samehand);
        tokens.assert_refused(&samehand, "it runs, and the clock is wrong");
        samehand = samehand.restart(&[]);
        let when = format!("{seconds} s wrong");
        tokens.assert_refused(&samehand, &when);
        mistype(&samehand);
        assert_signs_in(&samehand, &when);
        // In the wrong time.
        revoke(&samehand, &json!({ "user": "alice" }));
        assert_signs_in(&samehand, &when);
        jump(&clock, 0, &samehand);
        for when in ["it ran", "it starts"] {
            tokens.assert_refused(&samehand, when);
            assert_eq!(status(&samehand, &tokens.good), 200, "{when}, after {seconds} s");
            assert_signs_in(&samehand, when);
            samehand = samehand.restart(&[]);
        }
    }
    let address = StoreAddress::Sqlite(samehand.data().join("samehand.sqlite"));
    believe_for_a_moment(&address, &samehand, &tokens);
}

#[test]
fn two_services_on_one_file_whose_clocks_are_apart_say_it() {
    let _turn = turn();
    for (seconds, words, others) in [(HOUR, "ahead of", "behind"), (-2 * HOUR, "behind", "ahead of")] {
        let one = Samehand::start(&[("SALT", SALT), ("ADMIN_TOKEN", ADMIN_TOKEN)]);
        let store = format!("sqlite:{}", one.data().join("samehand.sqlite").display());
        let mut installation = Installation::new(&[("STORE", &store), ("SALT", SALT), ("ADMIN_TOKEN", ADMIN_TOKEN)]);
        installation.set_clock(seconds);
        let other = Samehand::serve(installation);
        for (samehand, ahead, direction) in [(&one, -seconds, others), (&other, seconds, words)] {
            let is_told = || {
                let told = readiness(samehand).1;
                let is_near = told["store"]["clock_ahead_seconds"]
                    .as_f64()
                    .is_some_and(|told| (told - ahead as f64).abs() < 60.0);
                is_near && told["store"]["clock_is_off"] == true
            };
            until(Instant::now(), PATIENCE, "it is told on the page of readiness", is_told);
            let line = format!("s {direction} that of another process on the same store");
            assert!(times_said(samehand, &line) >= 1, "{}", samehand.process.log());
        }
    }
}
