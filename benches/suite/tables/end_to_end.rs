//! Whole servers with their default settings, asked by wrk: each with its check against the same server without one.

use super::{Draft, Values, column, float, spread_column};
use crate::load::wrk::{self, CONNECTIONS};
use crate::options::Options;
use crate::peers::probes::{Check, Credentials, await_readiness, probe};
use crate::peers::{self, Over, Peer, Samehand};
use crate::report::Table;
use crate::statistics::{ratios, spread};

const KEY: &str = "end-to-end";
/// The row that everybody is compared with.
const OURS: &str = "nginx + samehand, Unix socket";
const NGINX: &str = "nginx without a check";
const HAPROXY: &str = "HAProxy without a check";
const ENVOY: &str = "Envoy without a check";
const TRAEFIK: &str = "Traefik without a check";
const CADDY: &str = "Caddy without a check";

/// A samehand with its tokens.
struct Issuer {
    samehand: Samehand,
    credentials: Credentials,
}

/// Everything that takes part, whichever row it belongs to.
struct World {
    default: Issuer,
    debug: Issuer,
    article: Issuer,
    application: Peer,
}

/// A row, and how its server is started.
struct Row {
    name: &'static str,
    /// The row of the same server without a check.
    bare: Option<&'static str>,
    /// What is refused.
    check: Check,
    /// Whose tokens are shown.
    issuer: fn(&World) -> &Issuer,
    start: fn(&World) -> Result<Peer, String>,
}

/// What one row reached, round by round.
#[derive(Default)]
struct Reached {
    per_second: Vec<f64>,
    microseconds: Vec<f64>,
}

/// In the order of the table.
fn rows() -> Vec<Row> {
    let row = |name, bare, check, issuer, start| Row { name, bare, check, issuer, start };
    let bare = |name, start| row(name, None, Check::Nothing, |world| &world.article, start);
    // A revoked token has to be refused within a second; the cache keeps an answer for two, and remembers for up to three.
    let (whole, cached) = (Check::Revocation(1), Check::Revocation(5));
    vec![
        bare(NGINX, |_| peers::bare()),
        row(
            OURS,
            Some(NGINX),
            whole,
            |world| &world.default,
            |world| peers::with_samehand(&world.default.samehand, Over::Unix),
        ),
        row(
            "nginx + samehand, TCP",
            Some(NGINX),
            whole,
            |world| &world.default,
            |world| peers::with_samehand(&world.default.samehand, Over::Tcp),
        ),
        row(
            "nginx + samehand, Unix socket, `LOG=debug`",
            Some(NGINX),
            whole,
            |world| &world.debug,
            |world| peers::with_samehand(&world.debug.samehand, Over::Unix),
        ),
        row(
            "nginx + samehand, Unix socket, article tokens",
            Some(NGINX),
            whole,
            |world| &world.article,
            |world| peers::with_samehand(&world.article.samehand, Over::Unix),
        ),
        row(
            "nginx + samehand, Unix socket, answers cached for 2 s",
            Some(NGINX),
            cached,
            |world| &world.default,
            |world| peers::with_samehand_and_cache(&world.default.samehand, Over::Unix),
        ),
        row("nginx with Lua and OpenSSL", Some(NGINX), Check::Client, |world| &world.article, |_| peers::lua()),
        row("nginx with njs", Some(NGINX), Check::Client, |world| &world.article, |_| peers::njs()),
        bare(HAPROXY, |_| peers::haproxy(false)),
        row(
            "HAProxy with `jwt_verify`",
            Some(HAPROXY),
            Check::Client,
            |world| &world.article,
            |_| peers::haproxy(true),
        ),
        bare(ENVOY, |_| peers::envoy(false)),
        row("Envoy with `jwt_authn`", Some(ENVOY), Check::Token, |world| &world.article, |_| peers::envoy(true)),
        bare(TRAEFIK, |world| peers::traefik(None, &world.application)),
        row(
            "Traefik + samehand, TCP",
            Some(TRAEFIK),
            whole,
            |world| &world.default,
            |world| peers::traefik(Some(&world.default.samehand), &world.application),
        ),
        bare(CADDY, |world| peers::caddy(None, &world.application)),
        row(
            "Caddy + samehand, Unix socket",
            Some(CADDY),
            whole,
            |world| &world.default,
            |world| peers::caddy(Some(&world.default.samehand), &world.application),
        ),
        row(
            "Express and jsonwebtoken, as in the article",
            None,
            Check::Client,
            |world| &world.article,
            |_| peers::express(),
        ),
    ]
}

pub(crate) fn measure(options: &Options) -> Option<Table> {
    let reading = "wrk with 64 connections and one thread on the same machine, every server with its default number of \
        workers, one HS256 token. Each is compared with the same server without its check, and with nginx + samehand, in the \
        same round. Processor time is that of all servers that have a part in the answer. nginx, HAProxy and Envoy answer by \
        themselves; Traefik and Caddy pass requests on to an nginx. Checked, as shown by bad requests before the row is timed, \
        is: signature and expiry everywhere; the client (address and browser) everywhere but in Envoy; revocation by samehand \
        alone, within a second, with the cache within five.";
    let columns = [
        column("per_second", "requests/s", -2),
        spread_column("of_bare", "speed, of the same without a check", 2),
        spread_column("of_ours", "speed, of nginx + samehand", 2),
        column("microseconds", "processor µs each", 1),
        spread_column("time_of_ours", "processor time, of nginx + samehand", 2),
        column("errors", "errors", 0),
    ];
    let rows = rows();
    let wants = |name: &str| options.wants(KEY, name);
    if !rows.iter().any(|row| wants(row.name)) {
        return None;
    }
    let title = (KEY, "Through a proxy, as fast as it goes");
    let mut draft = Draft::begin(options, title, reading, options.seconds.into(), &columns);
    let is_needed =
        |name: &str| name == OURS || wants(name) || rows.iter().any(|row| row.bare == Some(name) && wants(row.name));
    let rows: Vec<&Row> = rows.iter().filter(|row| is_needed(row.name)).collect();
    let world = World::start();
    let reached = rounds(&rows, &world, options);
    for (row, own) in rows.iter().zip(&reached) {
        let of = |name: &str| {
            let place = rows.iter().position(|row| row.name == name)?;
            reached[place].as_ref().ok()
        };
        draft.row(row.name, own.as_ref().map_err(Clone::clone).map(|own| values(own, row.bare.and_then(of), of(OURS))));
    }
    draft.end()
}

impl World {
    fn start() -> Self {
        Self {
            default: Issuer::start(&[]),
            debug: Issuer::start(&[("LOG", "debug")]),
            article: Issuer::start(&[("FINGERPRINT", "article")]),
            application: peers::application().unwrap(),
        }
    }
}

impl Issuer {
    fn start(settings: &[(&str, &str)]) -> Self {
        let samehand = Samehand::start(settings).unwrap();
        Self { credentials: samehand.credentials(), samehand }
    }
}

/// All rows in turns, forwards and backwards, so that none always comes after the same other. A row that fails is not asked again.
fn rounds(rows: &[&Row], world: &World, options: &Options) -> Vec<Result<Reached, String>> {
    let mut running: Vec<Result<Running, String>> = rows.iter().map(|row| Running::start(row, world)).collect();
    for round in 0..=options.rounds {
        let mut places: Vec<usize> = (0..rows.len()).collect();
        if round % 2 == 1 {
            places.reverse();
        }
        for place in places {
            // The first round warms up.
            let seconds = if round == 0 { 1 } else { options.seconds };
            if let Ok(row) = &mut running[place]
                && let Err(reason) = row.round(seconds, round > 0)
            {
                running[place] = Err(reason);
            }
        }
    }
    running.into_iter().map(|row| row.map(|row| row.reached)).collect()
}

/// A row whose server runs and does what it should.
struct Running {
    peer: Peer,
    headers: Vec<String>,
    /// Of an answer.
    length: usize,
    reached: Reached,
}

impl Running {
    fn start(row: &Row, world: &World) -> Result<Self, String> {
        let issuer = (row.issuer)(world);
        let mut peer = (row.start)(world)?;
        // Traefik listens first and reads its routers later; until then it answers 404.
        let good = &issuer.credentials.good;
        await_readiness(&peer, good)?;
        let length = probe(&peer, row.check, &issuer.credentials, &issuer.samehand.installation)?;
        peer.servers.dedup_by(|one, other| std::sync::Arc::ptr_eq(one, other));
        Ok(Self { peer, headers: vec![format!("Authorization: Bearer {good}")], length, reached: Reached::default() })
    }

    fn round(&mut self, seconds: u32, counts: bool) -> Result<(), String> {
        let round = wrk::ask(&self.peer, &self.headers, CONNECTIONS, seconds, Some(self.length))?;
        if counts {
            self.reached.per_second.push(round.per_second);
            self.reached.microseconds.push(round.server.as_secs_f64() * 1e6 / float(round.answers));
        }
        Ok(())
    }
}

fn values(own: &Reached, bare: Option<&Reached>, ours: Option<&Reached>) -> Values {
    let mut values = Values::default()
        .with("per_second", spread(&own.per_second))
        .with("microseconds", spread(&own.microseconds))
        .once("errors", 0.0);
    if let Some(ours) = ours {
        values = values.with("time_of_ours", ratios(&own.microseconds, &ours.microseconds));
    }
    for (key, other) in [("of_bare", bare), ("of_ours", ours)] {
        if let Some(other) = other {
            values = values.with(key, ratios(&own.per_second, &other.per_second));
        }
    }
    values
}
