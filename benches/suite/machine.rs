//! What machine this is, and how busy others keep it.

use crate::report::Machine;
use crate::servers::tool;
use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;

/// What its own files and programs say.
pub(crate) fn describe() -> Machine {
    let cpu = read("/proc/cpuinfo");
    let field = |text: &str, name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.trim_matches([' ', '\t', ':', '=', '"']).to_owned()
    };
    let kibibytes: u64 = field(&read("/proc/meminfo"), "MemTotal:").trim_end_matches(" kB").parse().unwrap_or_default();
    Machine {
        processor: field(&cpu, "model name"),
        cores: thread::available_parallelism().map_or(1, Into::into),
        memory_gib: kibibytes.div_ceil(1024 * 1024),
        system: field(&read("/etc/os-release"), "PRETTY_NAME="),
        kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
        programs: programs(),
    }
}

fn programs() -> BTreeMap<String, String> {
    let asked = [
        ("nginx", "nginx", "-v"),
        ("HAProxy", "haproxy", "-v"),
        ("Envoy", "envoy", "--version"),
        ("Traefik", "traefik", "version"),
        ("Caddy", "caddy", "version"),
        ("Node.js", "node", "--version"),
        ("wrk", "wrk", "-v"),
    ];
    let own = [("samehand".to_owned(), commit()), ("actix-web".to_owned(), actix_web())];
    let found = asked.into_iter().filter_map(|(name, program, argument)| {
        let output = Command::new(tool(program)).arg(argument).output().ok()?;
        let said = [output.stdout, output.stderr].concat();
        Some((name.to_owned(), version_in(&String::from_utf8_lossy(&said))?))
    });
    found.chain(own).collect()
}

/// The first thing that looks like a version: digits with a point between them.
fn version_in(said: &str) -> Option<String> {
    said.split(|letter: char| !letter.is_ascii_digit() && letter != '.')
        .find(|word| word.trim_matches('.').contains('.'))
        .map(|word| word.trim_matches('.').to_owned())
}

fn commit() -> String {
    let output = Command::new("git").args(["describe", "--always", "--dirty"]).output();
    let said = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
    format!("{} {said}", env!("CARGO_PKG_VERSION")).trim_end().to_owned()
}

/// The version that is built in.
fn actix_web() -> String {
    let lock = read(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.lock"));
    let rest = lock.split_once("name = \"actix-web\"\nversion = \"").map(|(_, rest)| rest).unwrap_or_default();
    rest.split('"').next().unwrap_or_default().to_owned()
}

/// How much of the processors was used within one second, in percent. Called when nothing of ours does anything.
pub(crate) fn busy() -> f64 {
    let (before, ()) = (times(), thread::sleep(Duration::from_secs(1)));
    let after = times();
    let all = after.0 - before.0;
    if all > 0.0 { 100.0 * (1.0 - (after.1 - before.1) / all) } else { 0.0 }
}

/// Ticks of all processors in all, and idle.
fn times() -> (f64, f64) {
    let stat = read("/proc/stat");
    let numbers: Vec<f64> = stat.lines().next().unwrap_or_default().split(' ').filter_map(|n| n.parse().ok()).collect();
    // user, nice, system, idle, iowait, irq, softirq, steal; guests are in the first two.
    (numbers.iter().take(8).sum(), numbers.iter().skip(3).take(2).sum())
}

/// Now, in UTC.
pub(crate) fn time() -> String {
    let output = Command::new("date").args(["-u", "+%Y-%m-%dT%H:%MZ"]).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}
