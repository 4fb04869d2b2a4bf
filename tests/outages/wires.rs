//! The way to the store is cut, slow, or swallows everything, for one replica of two: what the other one revokes meanwhile
//! is found when the way is good again, and nothing is believed for longer than was allowed.

use crate::support::waiting::as_promised;
use crate::support::{samehand::Samehand, store_server::StoreServer, wire::Wire};
use crate::{PROMISED, assert_undecided, mint, readiness, replica, revoke, status, times_said, turn};
use serde_json::json;
use std::time::{Duration, Instant};

const MAX_STALE: Duration = Duration::from_secs(3);

/// A store, a replica right beside it, and one at the end of a wire.
struct World {
    wire: Wire,
    near: Samehand,
    far: Samehand,
    server: StoreServer,
}

impl World {
    #[track_caller]
    fn new(server: StoreServer) -> Self {
        let wire = Wire::to(server.address());
        let stale = format!("{}s", MAX_STALE.as_secs());
        let far_url = server.url_by_way_of(wire.address());
        let (near, far) = (replica(&server.url(), &[]), replica(&far_url, &[("STORE_MAX_STALE", &stale)]));
        assert_eq!(readiness(&far).0, 200);
        Self { wire, near, far, server }
    }

    #[track_caller]
    fn mint(&self) -> String {
        let token = mint(&self.near, "alice");
        assert_eq!(status(&self.far, &token), 200);
        token
    }

    #[track_caller]
    fn revoke(&self, token: &str) {
        revoke(&self.near, &json!({ "token": token }));
    }
}

#[track_caller]
fn each(test: impl Fn(&World)) {
    for server in [StoreServer::postgres(), StoreServer::valkey()] {
        test(&World::new(server));
    }
}

#[test]
fn what_was_revoked_while_the_connection_was_cut_is_found_on_reconnecting() {
    let _turn = turn();
    each(|world| {
        let (missed, good) = (world.mint(), world.mint());
        world.wire.cut();
        world.far.process.wait_for("that the store is away", |line| line.contains("nobody can sign in").then_some(()));
        world.revoke(&missed);
        assert_eq!((status(&world.far, &missed), status(&world.far, &good)), (200, 200), "it cannot know, and goes on");
        world.wire.mend();
        let found =
            as_promised(Instant::now(), PROMISED, "the missed one is found", || status(&world.far, &missed) == 401);
        println!("found after {found:.1?}");
        assert_eq!(status(&world.far, &good), 200);
        // News come by themselves again.
        world.revoke(&good);
        as_promised(Instant::now(), PROMISED, "news come again", || status(&world.far, &good) == 401);
    });
}

/// Whoever is revoked while the news are under way is refused in time, cut or not, again and again.
#[test]
fn a_connection_that_is_cut_in_the_very_moment_hides_nothing() {
    let _turn = turn();
    each(|world| {
        for _ in 0..10 {
            let token = world.mint();
            world.wire.cut_once();
            world.revoke(&token);
            as_promised(Instant::now(), PROMISED, "it is refused", || status(&world.far, &token) == 401);
        }
    });
}

#[test]
fn a_slow_way_delays_and_loses_nothing() {
    let _turn = turn();
    each(|world| {
        // As far as across a continent.
        world.wire.delay(Duration::from_millis(20));
        let delays: Vec<_> = (0..10)
            .map(|_| {
                let token = world.mint();
                world.revoke(&token);
                as_promised(Instant::now(), PROMISED, "it is refused", || status(&world.far, &token) == 401)
            })
            .collect();
        println!("20 ms each way: {delays:.0?}");
        let (code, body) = readiness(&world.far);
        assert_eq!(
            (code, &body["status"], &body["store"]["clock_is_off"]),
            (200, &"ready".into(), &false.into()),
            "{body}"
        );
    });
}

#[test]
fn a_way_that_swallows_everything_is_noticed_and_the_bound_is_kept() {
    let _turn = turn();
    each(|world| {
        let (missed, good) = (world.mint(), world.mint());
        world.wire.swallow();
        let silent_since = Instant::now();
        world.revoke(&missed);
        let undecided = loop {
            // When it was asked: the answers may take a moment.
            let since = silent_since.elapsed();
            match (status(&world.far, &missed), status(&world.far, &good)) {
                (200 | 503, 503) => break since,
                (200, 200) => assert!(since < MAX_STALE + Duration::from_millis(200), "still believed after {since:?}"),
                other => panic!("after {since:?}: {other:?}"),
            }
        };
        println!("undecided after {undecided:.1?}");
        assert_undecided(&world.far, &missed);
        assert_undecided(&world.far, &good);
        world
            .far
            .process
            .wait_for("that it is too long", |line| line.contains("SAMEHAND_STORE_MAX_STALE").then_some(()));
        world.wire.mend();
        let mended_at = Instant::now();
        let back = as_promised(mended_at, PROMISED, "it is back by itself", || {
            assert_ne!(status(&world.far, &missed), 200, "a revoked token is believed after the outage");
            status(&world.far, &good) == 200
        });
        println!("back after {back:.1?}");
        assert_eq!(status(&world.far, &missed), 401);
        assert_eq!(times_said(&world.far, "nobody can sign in or renew"), 1);
    });
}

/// The order that [`follow`](../../src/server/follow.rs) promises: it listens before it reads. What is revoked in between
/// is in what it reads; in the other order it would be in neither, and be believed until the next look a second later.
#[test]
fn it_subscribes_before_it_reads_everything() {
    let _turn = turn();
    for (server, subscribes, reads) in [
        (StoreServer::postgres(), "LISTEN samehand", "FROM samehand.latest_revision UNION ALL"),
        (StoreServer::valkey(), "\r\nSUBSCRIBE\r\n", "\r\nZRANGE"),
    ] {
        let world = World::new(server);
        for _ in 0..5 {
            let token = world.mint();
            let answered = times_said(&world.far, "the store answers");
            world.wire.hold_back(subscribes);
            world.wire.cut_once();
            let asked = world.wire.wait_until_it_holds();
            assert!(!asked.contains(reads), "it has read before it listens: {asked}");
            world.revoke(&token);
            world.wire.let_go();
            let is_back = || times_said(&world.far, "the store answers") > answered;
            as_promised(Instant::now(), PROMISED, "it has subscribed and read", is_back);
            assert_eq!(status(&world.far, &token), 401, "what was revoked in between is in neither");
        }
        drop(world.server);
    }
}

/// A table that is locked keeps a replica from writing what it writes by itself, and not from hearing of revocations.
#[test]
fn a_replica_that_cannot_write_just_now_hears_all_the_same() {
    let _turn = turn();
    let server = StoreServer::postgres();
    let StoreServer::Postgres(postgres, database) = &server else { panic!("it is PostgreSQL") };
    let near = replica(&server.url(), &[]);
    let mut lock = postgres.hold(database, "LOCK TABLE samehand.replicas");
    // What it does first is to say that it is there.
    let far = replica(&server.url(), &[]);
    let (locked_at, mut slowest, mut tries) = (Instant::now(), Duration::ZERO, 0);
    while locked_at.elapsed() < Duration::from_secs(6) {
        let token = mint(&near, "alice");
        assert_eq!(status(&far, &token), 200);
        revoke(&near, &json!({ "token": token }));
        let refused = || status(&far, &token) == 401;
        slowest = slowest.max(as_promised(Instant::now(), PROMISED, "it is refused", refused));
        tries += 1;
    }
    far.process
        .wait_for("that it cannot write", |line| line.contains("signing in and revoking may fail").then_some(()));
    assert!(lock.is_alive(), "all of that was while the table was locked: {}", lock.log());
    drop(lock);
    println!("slowest of {tries}: {slowest:.1?}");
    assert_eq!(times_said(&far, "the store answers"), 1, "a table that is locked is no outage");
    let writes_again = |line: &str| line.contains("the store can be written again").then_some(());
    far.process.wait_for("that it can write again", writes_again);
}
