//! `make bench`: what samehand costs, measured in one run with others that check tokens, each against the same server
//! without a check. Writes `target/bench/report.json` and `report.md`; what limits the figures stands in docs/performance.md.
//!
//! Nothing here judges a token: every row first has to let the good client in and to refuse the others, or it is void.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot start says so and stops")]

mod in_process;
mod load;
mod machine;
mod options;
mod peers;
mod report;
mod servers;
mod statistics;
#[path = "../../tests/support/mod.rs"]
mod support;
mod tables;

use clap::Parser as _;
use options::Options;
use report::Report;
use std::fs;
use std::path::Path;

fn main() {
    let options = Options::parse();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let place = root.join("target/bench");
    fs::create_dir_all(&place).unwrap();
    let mut report = Report { machine: machine::describe(), tables: Vec::new() };
    let tables = [
        tables::path::measure,
        tables::end_to_end::measure,
        tables::latency::measure,
        tables::cost::measure,
        tables::growth::measure,
        tables::scale::measure,
        tables::soak::measure,
    ];
    for table in tables {
        let Some(table) = table(&options) else { continue };
        report.put(table);
        // After each, so that an interrupted run leaves what it has measured.
        fs::write(place.join("report.json"), json(&report)).unwrap();
        fs::write(place.join("report.md"), report.markdown()).unwrap();
    }
    println!("{}", report.markdown());
    if options.publish {
        publish(&root.join("docs"), report);
    }
}

/// Puts what was measured in the place of what `docs/` has.
fn publish(docs: &Path, measured: Report) {
    let (page, data) = (docs.join("performance.md"), docs.join("performance.json"));
    let mut published = Report { machine: measured.machine, tables: Vec::new() };
    if let Ok(known) = fs::read(&data) {
        published.tables = serde_json::from_slice::<Report>(&known).unwrap().tables;
    }
    for table in measured.tables {
        published.put(table);
    }
    let text = fs::read_to_string(&page).unwrap();
    let text =
        report::with_measured(&text, &published.markdown()).expect("docs/performance.md marks where tables stand");
    fs::write(page, text).unwrap();
    fs::write(data, json(&published)).unwrap();
}

fn json(report: &Report) -> String {
    serde_json::to_string_pretty(report).unwrap() + "\n"
}
