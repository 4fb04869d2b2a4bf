//! wrk: as many answers as there can be.

use crate::in_process::USER_AGENT;
use crate::peers::Peer;
use crate::servers::tool;
use std::process::Command;
use std::time::Duration;

/// Connections where a row says nothing else.
pub(crate) const CONNECTIONS: u32 = 64;

/// What a proxy says about the client, for rows that ask samehand itself.
pub(crate) fn question(token: &str) -> Vec<String> {
    let forwarded = ["For: 127.0.0.1", "Method: GET", "Proto: http", "Host: app.example.com", "Uri: /"];
    let bearer = format!("Authorization: Bearer {token}");
    forwarded.into_iter().map(|line| format!("X-Forwarded-{line}")).chain([bearer]).collect()
}

/// One round of wrk.
pub(crate) struct Round {
    pub(crate) answers: u64,
    pub(crate) per_second: f64,
    /// Processor time of all servers that had a part in it.
    pub(crate) server: Duration,
}

/// Asks one thing for some seconds. `Err`: there was an error, or answers do not have this length.
pub(crate) fn ask(
    peer: &Peer,
    headers: &[String],
    connections: u32,
    seconds: u32,
    length: Option<usize>,
) -> Result<Round, String> {
    let mut command = Command::new(tool("wrk"));
    command.args(["-t1", "-c", &connections.to_string(), "-d", &format!("{seconds}s"), "--timeout", "10s", "-s"]);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/suite/load/wrk.lua"));
    for header in headers.iter().chain([&format!("User-Agent: {USER_AGENT}")]) {
        command.args(["-H", header]);
    }
    command.arg(format!("http://{}{}", peer.address, peer.path));
    let time = || peer.servers.iter().map(|server| server.processor_time()).sum::<Duration>();
    let before = time();
    let output = command.output().map_err(|error| format!("wrk does not start: {error}"))?;
    let server = time() - before;
    let said = String::from_utf8_lossy(&output.stdout);
    let counted = said.lines().find_map(|line| line.strip_prefix("counted ")).ok_or("wrk says nothing")?;
    let numbers: Vec<u64> = counted.split(' ').filter_map(|number| number.parse().ok()).collect();
    let [answers, microseconds, bytes, broken, late, refused] = numbers[..] else { return Err(counted.to_owned()) };
    if broken + late + refused > 0 || answers == 0 {
        return Err(format!(
            "of {answers} answers {refused} were no 2xx or 3xx; {broken} connections broke, {late} were late"
        ));
    }
    // wrk counts 3xx as good, and the bytes of answers that are under way: all must be as long as the one that was looked at.
    if let Some(length) = length {
        let expected = answers * length as u64;
        if bytes.abs_diff(expected) > expected / 50 + u64::from(connections) * length as u64 {
            return Err(format!("answers have {} bytes, and the good one had {length}", bytes / answers));
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "some millions")]
    let per_second = answers as f64 * 1e6 / microseconds as f64;
    Ok(Round { answers, per_second, server })
}
