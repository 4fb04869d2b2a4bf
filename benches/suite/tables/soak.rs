//! Whether memory goes back: one samehand under a mixed load, and what it has resident in the course of it.

use super::{Draft, Values, column, float};
use crate::in_process::USER_AGENT;
use crate::options::Options;
use crate::peers::Samehand;
use crate::report::Table;
use crate::support::client::{Address, Connection, Reply, Request};
use crate::support::samehand::PASSWORD;
use serde_json::json;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Browsers that sign in all the time.
const BROWSERS: u8 = 4;
/// When they have signed in so often, memory is looked at.
const SIGN_INS: [u64; 4] = [100, 250, 500, 1_000];
/// Connections of a crowd.
const CROWD: usize = 9_000;
/// How long after a crowd memory is looked at. What nobody uses goes back within seconds.
const AFTERWARDS: Duration = Duration::from_secs(5);
const ADMIN_TOKEN: &str = "4hT9sQe2mW8xLr6bV1kZ7pYc3nJ5dGfA";

pub(crate) fn measure(options: &Options) -> Option<Table> {
    let reading = "One process with its default settings. Four browsers sign in, renew their token, ask, and sign out or are \
        revoked, as fast as they can. Beside them one asks for decisions, and the settings are read again each second. Then come \
        crowds of 9,000 connections. Counts are from the start; memory is what it is at that time.";
    let columns = [
        column("seconds", "seconds", 0),
        column("sign_ins", "sign-ins", 0),
        column("renewals", "renewals", 0),
        column("sign_outs", "sign-outs", 0),
        column("revocations", "revocations", 0),
        column("reloads", "reloads", 0),
        column("decisions", "decisions", -2),
        column("resident", "MB resident", 1),
        column("own", "MB of its own", 1),
    ];
    let mut draft = Draft::begin(options, ("soak", "What goes back"), reading, 0.0, &columns);
    // Each row stands on those before it.
    if !draft.wants("soak") {
        return None;
    }
    if let Err(reason) = soak(&mut draft) {
        draft.row("the rest", Err(reason));
    }
    draft.end()
}

fn soak(draft: &mut Draft<'_>) -> Result<(), String> {
    let samehand = Samehand::start(&[("ADMIN_TOKEN", ADMIN_TOKEN)])?;
    samehand.installation.add_user("alice", &[]);
    let token = samehand.credentials().good;
    let soak = Soak { samehand, started: Instant::now(), counts: Counts::default(), ends: AtomicBool::new(false) };
    let soak = &soak;
    draft.row("idle", Ok(soak.now()));
    thread::scope(|scope| {
        let browsers = (0..BROWSERS).map(|number| scope.spawn(move || soak.browse(number))).collect::<Vec<_>>();
        let others = [scope.spawn(|| soak.ask(&token)), scope.spawn(|| soak.reload())];
        for count in SIGN_INS {
            let gave_up = || browsers.iter().any(|one| one.is_finished());
            while soak.counts.sign_ins.load(Ordering::Relaxed) < count && !gave_up() {
                thread::sleep(Duration::from_millis(5));
            }
            if gave_up() {
                break;
            }
            draft.row(&format!("under way, sign-in {count}"), Ok(soak.now()));
        }
        soak.ends.store(true, Ordering::Relaxed);
        browsers.into_iter().chain(others).try_for_each(|one| one.join().map_err(|_| "it panicked".to_owned())?)
    })?;
    thread::sleep(AFTERWARDS);
    draft.row("5 s after the last sign-in", Ok(soak.now()));
    for which in ["first", "second"] {
        soak.crowd(&token)?;
        thread::sleep(AFTERWARDS);
        draft.row(&format!("5 s after the {which} crowd"), Ok(soak.now()));
    }
    Ok(())
}

struct Soak {
    samehand: Samehand,
    started: Instant,
    counts: Counts,
    ends: AtomicBool,
}

/// What has been done.
#[derive(Default)]
struct Counts {
    sign_ins: AtomicU64,
    renewals: AtomicU64,
    sign_outs: AtomicU64,
    revocations: AtomicU64,
    reloads: AtomicU64,
    decisions: AtomicU64,
}

impl Soak {
    fn now(&self) -> Values {
        let (memory, counts) = (self.samehand.server.memory(), &self.counts);
        let each = [
            ("sign_ins", &counts.sign_ins),
            ("renewals", &counts.renewals),
            ("sign_outs", &counts.sign_outs),
            ("revocations", &counts.revocations),
            ("reloads", &counts.reloads),
            ("decisions", &counts.decisions),
        ];
        each.into_iter()
            .fold(Values::default(), |values, (key, count)| values.once(key, float(count.load(Ordering::Relaxed))))
            .once("seconds", self.started.elapsed().as_secs_f64())
            .once("resident", float(memory.resident) / 1e6)
            .once("own", float(memory.anonymous) / 1e6)
    }

    fn goes_on(&self) -> bool {
        !self.ends.load(Ordering::Relaxed)
    }

    /// What one browser does, from an address of its own.
    fn browse(&self, number: u8) -> Result<(), String> {
        let client = Ipv4Addr::new(127, 0, 1, number);
        let counts = &self.counts;
        let mut service = Connection::open(client, &Address::Tcp(self.samehand.tcp));
        let mut proxy = Connection::open(Ipv4Addr::LOCALHOST, &Address::Tcp(self.samehand.tcp));
        let mut administration = Connection::open(Ipv4Addr::LOCALHOST, &Address::Tcp(self.samehand.admin));
        let name_and_password = json!({ "username": "alice", "password": PASSWORD }).to_string();
        let json = |path: &str, body: String| Request::post(path, body).header("Content-Type", "application/json");
        let sign_in = json("/login", name_and_password).header("User-Agent", USER_AGENT);
        for round in 0.. {
            if !self.goes_on() {
                break;
            }
            let token = token_of(&good(&mut service, &sign_in, 200, &counts.sign_ins)?)?;
            let with_token =
                |path: &str, token: &str| Request::post(path, "").header("User-Agent", USER_AGENT).bearer(token);
            let token = token_of(&good(&mut service, &with_token("/renew", &token), 200, &counts.renewals)?)?;
            let question = Request::about_page(client, USER_AGENT).bearer(&token);
            good(&mut proxy, &question, 200, &counts.decisions)?;
            if round % 2 == 0 {
                good(&mut service, &with_token("/logout", &token), 204, &counts.sign_outs)?;
            } else {
                let revoke = json("/revoke", json!({ "token": token }).to_string()).bearer(ADMIN_TOKEN);
                good(&mut administration, &revoke, 204, &counts.revocations)?;
            }
        }
        Ok(())
    }

    /// Decisions over one connection, with a short break after each: the browsers need the processors too.
    fn ask(&self, token: &str) -> Result<(), String> {
        let mut connection = Connection::open(Ipv4Addr::LOCALHOST, &Address::Tcp(self.samehand.tcp));
        let question = Request::about_page("127.0.0.1", USER_AGENT).bearer(token);
        while self.goes_on() {
            good(&mut connection, &question, 200, &self.counts.decisions)?;
            thread::sleep(Duration::from_micros(200));
        }
        Ok(())
    }

    /// As many connections at once as there may be, with a decision over each.
    fn crowd(&self, token: &str) -> Result<(), String> {
        let question = Request::about_page("127.0.0.1", USER_AGENT).bearer(token);
        let address = Address::Tcp(self.samehand.tcp);
        let mut connections = Vec::with_capacity(CROWD);
        for _ in 0..CROWD {
            let mut connection = Connection::open(Ipv4Addr::LOCALHOST, &address);
            good(&mut connection, &question, 200, &self.counts.decisions)?;
            connections.push(connection);
        }
        Ok(())
    }

    /// Settings and files of keys are read again.
    fn reload(&self) -> Result<(), String> {
        let mut last = Instant::now();
        while self.goes_on() {
            thread::sleep(Duration::from_millis(20));
            if last.elapsed() >= Duration::from_secs(1) {
                last = Instant::now();
                self.samehand.server.reload()?;
                self.counts.reloads.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(())
    }
}

/// An answer of this status, counted.
fn good(connection: &mut Connection, request: &Request, status: u16, count: &AtomicU64) -> Result<Reply, String> {
    let reply = connection.try_ask(request).map_err(|error| error.to_string())?;
    if reply.status != status {
        return Err(format!("{status} was expected: {reply:?}").replace(['\n', '|'], " "));
    }
    count.fetch_add(1, Ordering::Relaxed);
    Ok(reply)
}

fn token_of(reply: &Reply) -> Result<String, String> {
    reply.json()["token"].as_str().map(str::to_owned).ok_or_else(|| "an answer without a token".to_owned())
}
