//! A day in the life, thirty times: 10,000 clients move as published figures say that clients move, and each recipe of
//! binding takes them for themselves or not. The tables go into `docs/efficacy.md`.

mod browsers;
mod chance;
mod figures;
mod life;
mod network;
mod recipes;
mod run;
mod tables;

use super::document;
use browsers::Agents;
use figures::{Level, ROWS, Scenario};
use life::Kind;
use recipes::Recipe;
use run::{Outcomes, run};

const CLIENTS: u32 = 10_000;
/// Where whole runs are compared.
const FEWER_CLIENTS: u32 = 2_500;
/// For the effect of single figures: all else is the same, client by client.
const FEW_CLIENTS: u32 = 500;

#[test]
fn a_month_of_ten_thousand_clients_is_what_the_page_says() {
    let agents = Agents::read();
    let all = |clients, level| run(clients, &Scenario::all(level), &agents);
    let middle = all(CLIENTS, Level::Middle);
    is_what_can_be_reckoned_by_hand(&middle);
    document::hold("figures", &tables::figures());
    document::hold("lockouts", &tables::lockouts(&middle));
    document::hold("windows", &tables::windows(&middle));
    let levels = [all(FEWER_CLIENTS, Level::Low), middle, all(FEWER_CLIENTS, Level::High)];
    document::hold("levels", &tables::levels(&levels));
    let others = ROWS.map(|row| {
        let one = |level| run(FEW_CLIENTS, &Scenario::all(Level::Middle).with(row.figure, level), &agents);
        (row.what, one(Level::Low), one(Level::High))
    });
    document::hold("sensitivity", &tables::sensitivity(&all(FEW_CLIENTS, Level::Middle), &others));
}

/// The three sums under "By hand" in `docs/efficacy.md`, in hundredths of a lock-out per client and month: the run may be
/// a tenth off.
#[track_caller]
fn is_what_can_be_reckoned_by_hand(middle: &Outcomes) {
    let changes_at_home = hundredths(middle, |client| Some(client.addresses_at_home - 1));
    let (flips, temporary) = (2 * 8 * 30 * 2 * 2, 29 * 100);
    // A third of a prefix, each with a way over IPv4 after it; the first way over IPv4; and 2.3 of those ways with another
    // address than before, there and back. Daily: 29 nights, and 8.3 days with a way over IPv4.
    let (stable, changes, daily) = (100 + 2 * 100 * 30 / 90, 2 * 230, 29 * 100 + 830);
    let dual_stack = (60 * stable + 25 * (stable + changes) + 15 * daily) / 100;
    for (kind, recipe, reckoned) in [
        (Kind::OfficeComputer, Recipe::Default, (22 * 8 - 1) * 100 * 3 / 4 / 10),
        (Kind::HomeComputer, Recipe::ExactIp, (changes_at_home + temporary + flips) / 2),
        (Kind::HomeComputer, Recipe::Default, (changes_at_home + dual_stack) / 2),
    ] {
        let run = hundredths(middle, |client| (client.kind == kind).then(|| client.lockouts[recipe as usize]));
        let off = run.abs_diff(reckoned);
        assert!(off * 10 <= reckoned, "{kind:?}, {recipe:?}: {run} hundredths, and {reckoned} by hand");
    }
}

/// The mean over the clients that count.
fn hundredths(outcomes: &Outcomes, of_one: impl Fn(&run::Outcome) -> Option<u32>) -> u64 {
    let counted: Vec<u64> = outcomes.clients.iter().filter_map(|client| of_one(client).map(u64::from)).collect();
    counted.iter().sum::<u64>() * 100 / counted.len() as u64
}
