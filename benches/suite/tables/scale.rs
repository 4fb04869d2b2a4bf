//! samehand with one worker and with two, and with up to ten thousand connections.

use super::cost::{direct, under_load};
use super::{Draft, Values, column, float, spread_column};
use crate::load::wrk;
use crate::options::Options;
use crate::peers::Samehand;
use crate::report::Table;
use crate::statistics::{ratios, spread};

/// The row that the others are compared with.
const USUAL: (u32, u32) = (2, 64);
/// Workers and connections.
const SIZES: [(u32, u32); 6] = [USUAL, (1, 64), (2, 10), (2, 100), (2, 1_000), (2, 10_000)];

pub(crate) fn measure(options: &Options) -> Option<Table> {
    let reading = "The release build asked directly over TCP by wrk, which needs a core of its own: on a machine with two, a \
        second worker adds little. Memory is the most while the connections were open.";
    let columns = [
        column("per_second", "decisions/s", -2),
        spread_column("speed", "speed, of 2 workers and 64 connections", 2),
        column("microseconds", "processor µs each", 1),
        column("memory", "MB of its own", 1),
    ];
    let title = ("growth-connections", "With more workers and connections");
    let mut draft = Draft::begin(options, title, reading, options.seconds.into(), &columns);
    let name = |(workers, connections): (u32, u32)| match (workers, connections) {
        (1, many) => format!("1 worker, {many} connections"),
        (workers, 1_000..) => format!("{workers} workers, {},000 connections", connections / 1_000),
        (workers, few) => format!("{workers} workers, {few} connections"),
    };
    if !SIZES.into_iter().any(|size| draft.wants(&name(size))) {
        return None;
    }
    let sizes: Vec<(u32, u32)> = SIZES.into_iter().filter(|size| *size == USUAL || draft.wants(&name(*size))).collect();
    let mut rows: Vec<Result<Running, String>> = sizes.iter().map(|size| Running::start(*size)).collect();
    // The first round warms up.
    for round in 0..=options.rounds {
        for row in &mut rows {
            if let Ok(running) = row
                && let Err(reason) = running.round(options.seconds, round > 0)
            {
                *row = Err(reason);
            }
        }
    }
    let usual = rows[0].as_ref().ok();
    for (size, own) in sizes.iter().zip(&rows) {
        draft.row(&name(*size), own.as_ref().map_err(Clone::clone).map(|own| own.values(usual)));
    }
    draft.end()
}

/// A samehand of its own for each row: memory that was used once is not always given back.
struct Running {
    samehand: Samehand,
    headers: Vec<String>,
    connections: u32,
    per_second: Vec<f64>,
    microseconds: Vec<f64>,
    megabytes: Vec<f64>,
}

impl Running {
    fn start((workers, connections): (u32, u32)) -> Result<Self, String> {
        let samehand = Samehand::start(&[("WORKERS", &workers.to_string())])?;
        let headers = wrk::question(&samehand.credentials().good);
        let [per_second, microseconds, megabytes] = [const { Vec::new() }; 3];
        Ok(Self { samehand, headers, connections, per_second, microseconds, megabytes })
    }

    fn round(&mut self, seconds: u32, counts: bool) -> Result<(), String> {
        // So many take a while to be made.
        let seconds = if self.connections < 10_000 { seconds } else { seconds * 4 };
        let (round, memory) = under_load(&direct(&self.samehand), &self.headers, self.connections, seconds)?;
        if counts {
            self.per_second.push(round.per_second);
            self.microseconds.push(round.server.as_secs_f64() * 1e6 / float(round.answers));
            self.megabytes.push(float(memory.anonymous) / 1e6);
        }
        Ok(())
    }

    fn values(&self, usual: Option<&Self>) -> Values {
        let values = Values::default()
            .with("per_second", spread(&self.per_second))
            .with("microseconds", spread(&self.microseconds))
            .with("memory", spread(&self.megabytes));
        match usual {
            Some(usual) => values.with("speed", ratios(&self.per_second, &usual.per_second)),
            None => values,
        }
    }
}
