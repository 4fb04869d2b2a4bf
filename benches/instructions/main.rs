//! How many instructions a decision takes, as a ratio to a handler that answers the same bytes and decides nothing, counted
//! by valgrind in the same run. Whatever else the machine does, the ratio is the same to a hundredth or two.
//!
//! `cargo run --release --example instructions` counts every row of `figures.txt` and fails when a ratio is more than 5 % above the
//! figure there. One that is as much below it is told too: write it there, so that it stays.
//!
//! Time is nothing that is counted here: valgrind's processor has no instructions for SHA-256, so rows in
//! which something is hashed or verified look dearer than they are.

#![expect(clippy::unwrap_used, reason = "a check that cannot run says so and stops")]

mod counted;
mod wire;

use counted::{COUNTED, Case};
use std::path::Path;
use std::process::{Command, ExitCode};

/// So much may a ratio rise.
const TOLERANCE: f64 = 1.05;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, command, directory, case] = arguments.as_slice()
        && command == "run"
    {
        counted::run(Path::new(directory), Case::named(case));
        return ExitCode::SUCCESS;
    }
    assert!(arguments.len() == 1, "this takes no arguments: {arguments:?}");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/instructions/figures.txt");
    let figures = std::fs::read_to_string(&path).unwrap();
    println!("| case | instructions | empty handler | ratio | figure |\n|---|---|---|---|---|");
    let mut verdict = ExitCode::SUCCESS;
    for (name, figure) in rows(&figures) {
        let case = Case::named(name);
        let (counted, nothing) = (instructions(case), instructions(case.without_decision()));
        let ratio = counted / nothing;
        println!("| {name} | {counted:.0} | {nothing:.0} | {ratio:.2} | {figure:.2} |");
        if ratio > figure * TOLERANCE {
            eprintln!("{name}: {ratio:.2} is more than 5 % above {figure:.2}. What made the decision dearer?");
            verdict = ExitCode::FAILURE;
        } else if ratio < figure / TOLERANCE {
            eprintln!("{name}: {ratio:.2} is more than 5 % below {figure:.2}. Write it into {}", path.display());
        }
    }
    verdict
}

/// Name and figure of each row.
fn rows(figures: &str) -> impl Iterator<Item = (&str, f64)> {
    let lines = figures.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| {
        let (name, figure) = line.rsplit_once(' ').unwrap();
        (name.trim(), figure.parse().unwrap())
    })
}

/// Of one question of this case.
fn instructions(case: Case) -> f64 {
    let directory = tempfile::tempdir().unwrap();
    counted::prepare(directory.path(), case);
    let dumps = directory.path().join("callgrind.out");
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", &format!("--dump-before={}", wire::MARK)]);
    valgrind.arg(format!("--callgrind-out-file={}", dumps.display())).arg(std::env::current_exe().unwrap());
    let output = valgrind
        .arg("run")
        .arg(directory.path())
        .arg(case.name())
        .output()
        .unwrap_or_else(|error| panic!("valgrind: {error}; scripts/install-test-tools.sh valgrind installs it"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // A dump ends at each mark, numbered from 1, and a last one without a number at the end of the program.
    let ended = (1..).map_while(|number| std::fs::read_to_string(format!("{}.{number}", dumps.display())).ok());
    let counted = ended.last().expect("a dump before the last mark");
    let total = counted.lines().find_map(|line| line.strip_prefix("totals: ")).expect("a total");
    total.trim().parse::<f64>().unwrap() / f64::from(u32::try_from(COUNTED).unwrap())
}
