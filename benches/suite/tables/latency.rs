//! How long an answer takes when the machine is not saturated: with samehand and without, at fixed rates.

use super::{Draft, Values, float, spread_column};
use crate::in_process::{Asking, CLIENT, Service, USER_AGENT, bearer};
use crate::load::rate;
use crate::options::Options;
use crate::peers::{self, Over, Peer, Samehand};
use crate::report::Table;
use crate::statistics::{differences, quantile, spread};
use std::net::SocketAddr;
use std::time::Duration;

/// Requests per second.
const RATES: [u32; 3] = [1_000, 5_000, 20_000];
const SHARES: [(&str, f64); 3] = [("p50", 0.5), ("p99", 0.99), ("p999", 0.999)];

/// One thing that is asked for at a rate.
struct Asked<'a> {
    address: SocketAddr,
    request: &'a [u8],
}

pub(crate) fn measure(options: &Options) -> Option<Table> {
    let time = Duration::from_secs(options.seconds.into()) * 2;
    let reading = "Each request is due at its own time and is timed from then on, also when those before it are late: no \
        coordinated omission. Microseconds of the answer with samehand, and in how much they differ from the answer without, \
        in the same round; the median round, and the lowest and highest. On a machine with two cores the client, the proxy \
        and samehand share them.";
    let mut columns = Vec::new();
    for (share, words) in [("p50", "p50"), ("p99", "p99"), ("p999", "p99.9")] {
        columns.push(super::column(&format!("{share}_with"), &format!("{words}, µs"), 0));
        columns.push(spread_column(&format!("{share}_added"), &format!("{words}, added µs"), 0));
    }
    let title = ("latency", "Time of an answer at fixed rates");
    let mut draft = Draft::begin(options, title, reading, time.as_secs_f64(), &columns);
    let through =
        |rate: u32| format!("nginx + samehand, Unix socket, against nginx without a check: {rate} requests/s");
    let direct = |rate: u32| format!("/auth/nginx against an empty handler: {rate} requests/s");
    if RATES.into_iter().any(|rate| draft.wants(&through(rate))) {
        let samehand = Samehand::start(&[]).unwrap();
        let token = samehand.credentials().good;
        let (with, without) = (peers::with_samehand(&samehand, Over::Unix).unwrap(), peers::bare().unwrap());
        let [to_with, to_without] = [&with, &without].map(|peer| request(peer, &token));
        let with = Asked { address: with.address, request: &to_with };
        let without = Asked { address: without.address, request: &to_without };
        for rate in RATES {
            draft.measure(&through(rate), || compare(&with, &without, rate, options.rounds, time));
        }
    }
    if RATES.into_iter().any(|rate| draft.wants(&direct(rate))) {
        let directory = tempfile::tempdir().unwrap();
        let service = Service::start(directory.path(), &[], &[]);
        let shown = [bearer(&service.mint())];
        let address = service.address;
        let asking = Asking { address, path: "/auth/nginx", shown: &shown, client: CLIENT, status: 200 };
        service.imitate(&asking);
        let (mut to_real, mut to_empty) = (Vec::new(), Vec::new());
        asking.write(0, &mut to_real);
        asking.at("/nothing").write(0, &mut to_empty);
        let [real, empty] = [&to_real, &to_empty].map(|request| Asked { address, request });
        for rate in RATES {
            draft.measure(&direct(rate), || compare(&real, &empty, rate, options.rounds, time));
        }
    }
    draft.end()
}

fn request(peer: &Peer, token: &str) -> Vec<u8> {
    let (path, address) = (peer.path, peer.address);
    format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: {USER_AGENT}\r\nAuthorization: Bearer {token}\r\n\r\n"
    )
    .into_bytes()
}

fn compare(with: &Asked<'_>, without: &Asked<'_>, rate: u32, rounds: usize, time: Duration) -> Result<Values, String> {
    let ask = |asked: &Asked<'_>, time| rate::ask(asked.address, asked.request, 200, rate, time);
    let warm = Duration::from_secs(1);
    ask(with, warm)?;
    ask(without, warm)?;
    let mut took: [[Vec<f64>; 2]; 3] = Default::default();
    for _ in 0..rounds {
        for (place, asked) in [with, without].into_iter().enumerate() {
            let sorted = ask(asked, time)?;
            for ((_, share), took) in SHARES.iter().zip(&mut took) {
                took[place].push(float(quantile(&sorted, *share)) / 1000.0);
            }
        }
    }
    let mut values = Values::default();
    for ((name, _), [with, without]) in SHARES.iter().zip(&took) {
        values = values
            .with(&format!("{name}_with"), spread(with))
            .with(&format!("{name}_without"), spread(without))
            .with(&format!("{name}_added"), differences(with, without));
    }
    Ok(values)
}
