//! What samehand takes: processor time, memory, the time until it is ready, its size. The release build with its default
//! settings, as a process of its own.

use super::{Draft, Values, float, spread_column};
use crate::in_process::{self, Asking, Service, bearer, show_each, signing_with};
use crate::load::wrk::{self, CONNECTIONS};
use crate::options::Options;
use crate::peers::{self, Over, Peer, SALT, SECRET, Samehand};
use crate::report::Table;
use crate::servers::Memory;
use crate::statistics::spread;
use crate::support::installation::Installation;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// Tokens of as many sessions.
const TOKENS: usize = 100_000;
const MEGABYTE: f64 = 1e6;

pub(crate) fn measure(options: &Options) -> Option<Table> {
    let reading = "The release build as a process of its own with its default settings. Memory of its own is what it does not \
        share with the program file (RssAnon). Ready is the first 200 of `/readyz`, from when the process was made.";
    let columns = [spread_column("value", "measured", 1)];
    let title = ("cost", "What samehand takes");
    let mut draft = Draft::begin(options, title, reading, options.seconds.into(), &columns);
    let direct = |settings: &[(&str, &str)]| processor_time(settings, None, options);
    let million = |how: &str| format!("processor seconds for a million decisions, {how}");
    draft.measure(&million("asked directly over TCP"), || direct(&[]));
    draft.measure(&million("asked directly over TCP, `LOG=debug`"), || direct(&[("LOG", "debug")]));
    draft.measure(&million("behind nginx over TCP"), || processor_time(&[], Some(Over::Tcp), options));
    draft.measure(&million("behind nginx over a Unix socket"), || processor_time(&[], Some(Over::Unix), options));
    memory(&mut draft, options);
    draft.measure("first start until ready, ms: makes the store and the keys", || first_starts(options.rounds));
    draft.measure("later start until ready, ms", || later_starts(options.rounds));
    draft.measure("program file, MB", || {
        let program = std::fs::metadata(env!("CARGO_BIN_EXE_samehand")).map_err(|error| error.to_string())?;
        Ok(Values::default().once("value", float(program.len()) / MEGABYTE))
    });
    draft.end()
}

fn processor_time(settings: &[(&str, &str)], over: Option<Over>, options: &Options) -> Result<Values, String> {
    let samehand = Samehand::start(settings)?;
    let token = samehand.credentials().good;
    let (peer, headers) = match over {
        None => (direct(&samehand), wrk::question(&token)),
        Some(over) => (peers::with_samehand(&samehand, over)?, vec![format!("Authorization: Bearer {token}")]),
    };
    // Without an answer of a known length there is nothing to compare with; that all are 2xx counts.
    let ask = |seconds| wrk::ask(&peer, &headers, CONNECTIONS, seconds, None);
    ask(1)?;
    let mut each = Vec::new();
    for _ in 0..options.rounds {
        let before = samehand.server.processor_time();
        let round = ask(options.seconds)?;
        each.push((samehand.server.processor_time() - before).as_secs_f64() * 1e6 / float(round.answers));
    }
    Ok(Values::default().with("value", spread(&each)))
}

/// samehand itself, asked as a proxy asks.
pub(super) fn direct(samehand: &Samehand) -> Peer {
    Peer { address: samehand.tcp, path: "/auth/nginx", servers: vec![Arc::clone(&samehand.server)] }
}

/// Rows come in pairs, resident and its own: of one process at one time.
fn memory(draft: &mut Draft<'_>, options: &Options) {
    let names = |what: &str| [format!("memory {what}, MB resident"), format!("memory {what}, MB of its own")];
    let mut measure = |what: &str, measure: &dyn Fn() -> Result<Memory, String>| {
        let names = names(what);
        if names.iter().any(|name| draft.wants(name)) {
            let memory = measure();
            let value = |bytes: u64| Values::default().once("value", float(bytes) / MEGABYTE);
            draft.row(&names[0], memory.clone().map(|memory| value(memory.resident)));
            draft.row(&names[1], memory.map(|memory| value(memory.anonymous)));
        }
    };
    measure("idle", &|| Ok(Samehand::start(&[])?.server.memory()));
    measure("with 64 connections at full speed", &|| {
        let samehand = Samehand::start(&[])?;
        let headers = wrk::question(&samehand.credentials().good);
        under_load(&direct(&samehand), &headers, CONNECTIONS, options.seconds).map(|(_, memory)| memory)
    });
    for algorithm in ["HS256", "ES256"] {
        measure(&format!("with 100,000 live {algorithm} tokens"), &|| with_tokens(algorithm));
    }
}

/// A round of wrk, and the most memory that the first server had meanwhile.
pub(super) fn under_load(
    peer: &Peer,
    headers: &[String],
    connections: u32,
    seconds: u32,
) -> Result<(wrk::Round, Memory), String> {
    thread::scope(|scope| {
        let asking = scope.spawn(|| wrk::ask(peer, headers, connections, seconds, None));
        let mut most = Memory::default();
        while !asking.is_finished() {
            most = most.or_more(peer.servers[0].memory());
            thread::sleep(Duration::from_millis(50));
        }
        asking.join().map_err(|_| "it panicked".to_owned())?.map(|round| (round, most))
    })
}

fn with_tokens(algorithm: &str) -> Result<Memory, String> {
    let key = signing_with(algorithm);
    let settings: Vec<(&str, &str)> = key.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let samehand = Samehand::start(&settings)?;
    // Has the same keys.
    let directory = peers::temporary();
    let shared = [("SECRET", SECRET.to_owned()), ("SALT", SALT.to_owned())];
    let minting = Service::start(directory.path(), &[&shared[..], &key].concat(), &[]);
    let shown: Vec<String> = (0..TOKENS).map(|_| bearer(&minting.mint())).collect();
    drop(minting);
    let client = in_process::CLIENT;
    show_each(&Asking { address: samehand.tcp, path: "/auth/nginx", shown: &shown, client, status: 200 })?;
    Ok(samehand.server.memory())
}

fn first_starts(rounds: usize) -> Result<Values, String> {
    let each: Result<Vec<f64>, String> = (0..rounds).map(|_| start(installation()).map(|(took, _)| took)).collect();
    Ok(Values::default().with("value", spread(&each?)))
}

fn later_starts(rounds: usize) -> Result<Values, String> {
    let (_, mut samehand) = start(installation())?;
    let mut each = Vec::new();
    for _ in 0..rounds {
        let Samehand { server, installation, .. } = samehand;
        drop(server);
        let (took, again) = start(installation)?;
        each.push(took);
        samehand = again;
    }
    Ok(Values::default().with("value", spread(&each)))
}

/// With generated secrets, as samehand is without any setting.
fn installation() -> Installation {
    Installation::new(&[])
}

fn start(installation: Installation) -> Result<(f64, Samehand), String> {
    let started = Instant::now();
    let samehand = Samehand::serve(installation)?;
    Ok((started.elapsed().as_secs_f64() * 1000.0, samehand))
}
