//! The tables of the simulation in Markdown. Every number is a quotient of whole numbers, rounded half up in whole numbers.

use super::{
    chance::SEED,
    figures::{ROWS, SOURCES},
    life::Kind,
    network::{DAY, HOUR},
    recipes::Recipe,
    run::{Outcome, Outcomes, THIEVES},
};
use std::fmt::Write as _;

/// `total / count` with one digit behind the point.
fn quotient(total: u64, count: u64) -> String {
    let tenths = (20 * total + count) / (2 * count);
    format!("{}.{}", tenths / 10, tenths % 10)
}

fn total(clients: &[&Outcome], of_one: impl Fn(&Outcome) -> u32) -> u64 {
    clients.iter().map(|client| u64::from(of_one(client))).sum()
}

/// One row: a name and the mean of each recipe.
fn row(name: &str, clients: &[&Outcome], of_one: impl Fn(&Outcome, Recipe) -> u32) -> String {
    let count = clients.len() as u64;
    let cells = Recipe::ALL.map(|recipe| quotient(total(clients, |client| of_one(client, recipe)), count));
    format!("| {name} | {} |\n", cells.join(" | "))
}

fn header(first: &str) -> String {
    let names = Recipe::ALL.map(Recipe::name).join(" | ");
    format!("| {first} | {names} |\n|---|{}\n", "---|".repeat(Recipe::ALL.len()))
}

pub(crate) fn figures() -> String {
    let mut text = String::from("| figure | low | middle | high | where it comes from |\n|---|---|---|---|---|\n");
    for row in &ROWS {
        let [low, middle, high] = row.values;
        let _ = writeln!(text, "| {} | {low} | {middle} | {high} | {} |", row.what, row.source);
    }
    text.push('\n');
    for (name, source) in &SOURCES {
        let _ = writeln!(text, "* [{name}]: {source}");
    }
    text
}

pub(crate) fn lockouts(outcomes: &Outcomes) -> String {
    let all: Vec<&Outcome> = outcomes.clients.iter().collect();
    let count = all.len() as u64;
    let mut text = header("lock-outs per client and month");
    let lockouts = |client: &Outcome, recipe: Recipe| client.lockouts[recipe as usize];
    for kind in Kind::ALL {
        let of_kind: Vec<&Outcome> = outcomes.clients.iter().filter(|client| client.kind == kind).collect();
        text.push_str(&row(&format!("{}, {} % of clients", kind.name(), kind.share()), &of_kind, lockouts));
    }
    text.push_str(&row("**all**", &all, lockouts));
    let cells = |of_recipe: &dyn Fn(Recipe) -> String| Recipe::ALL.map(of_recipe).join(" | ");
    let _ = writeln!(
        text,
        "| the sum behind that, of {count} clients | {} |",
        cells(&|recipe| total(&all, |client| lockouts(client, recipe)).to_string())
    );
    let never = |recipe: Recipe| all.iter().filter(|client| lockouts(client, recipe) == 0).count() as u64;
    let _ = writeln!(
        text,
        "| clients that were never locked out, % | {} |",
        cells(&|recipe| quotient(100 * never(recipe), count))
    );
    text.push_str(&row(
        "visits, of up to 240, with a change that was reported and let pass",
        &all,
        |client, recipe| client.reported[recipe as usize],
    ));
    let homes = total(&all, |client| client.addresses_at_home);
    let _ = write!(
        text,
        "\nSeed {SEED}. {} requests that differed from the one before in their visit or began one; {} comparisons were made \
         a second time with a real claim, and the library said the same each time. A line at home had {} IPv4 addresses \
         in the month ({homes} / {count}).",
        total(&all, |client| client.requests),
        outcomes.audited,
        quotient(homes, count),
    );
    text
}

pub(crate) fn levels(outcomes: &[Outcomes; 3]) -> String {
    let mut text = header("every figure at its value");
    for (name, outcomes) in ["low", "middle", "high"].into_iter().zip(outcomes) {
        let all: Vec<&Outcome> = outcomes.clients.iter().collect();
        text.push_str(&row(name, &all, |client, recipe| client.lockouts[recipe as usize]));
    }
    text
}

pub(crate) fn sensitivity(middle: &Outcomes, others: &[(&str, Outcomes, Outcomes)]) -> String {
    let mut text = String::from(
        "| figure | exact IP, low | exact IP, high | *default*, low | *default*, high |\n|---|---|---|---|---|\n",
    );
    let mean = |outcomes: &Outcomes, recipe: Recipe| {
        let all: Vec<&Outcome> = outcomes.clients.iter().collect();
        quotient(total(&all, |client| client.lockouts[recipe as usize]), all.len() as u64)
    };
    let recipes = [Recipe::ExactIp, Recipe::Default];
    let of_middle = recipes.map(|recipe| mean(middle, recipe));
    let _ = writeln!(text, "| none | {0} | {0} | {1} | {1} |", of_middle[0], of_middle[1]);
    for (what, low, high) in others {
        let cells = recipes.map(|recipe| format!("{} | {}", mean(low, recipe), mean(high, recipe)));
        let _ = writeln!(text, "| {what} | {} |", cells.join(" | "));
    }
    text
}

pub(crate) fn windows(outcomes: &Outcomes) -> String {
    let mut text = String::from(
        "| recipe | token and `User-Agent`, elsewhere | the same, in the same network | whole cookie jar, elsewhere | the same, in the same network |\n|---|---|---|---|---|\n",
    );
    for recipe in Recipe::ALL {
        let cells: [String; THIEVES.len()] = std::array::from_fn(|thief| {
            cell(outcomes.clients.iter().map(|client| client.windows[recipe as usize][thief]).collect())
        });
        let _ = writeln!(text, "| {} | {} |", recipe.name(), cells.join(" | "));
    }
    text
}

/// In how many thefts the token works at all, and how long then: the median, without renewing it and with.
fn cell(mut windows: Vec<(u32, u32)>) -> String {
    let count = windows.len() as u64;
    windows.retain(|(_, renewed)| *renewed > 0);
    if windows.is_empty() {
        return "never".to_owned();
    }
    let share = quotient(100 * windows.len() as u64, count);
    let median = |of_one: fn(&(u32, u32)) -> u32| {
        let mut minutes: Vec<u32> = windows.iter().map(of_one).collect();
        minutes.sort_unstable();
        u64::from(minutes[minutes.len() / 2])
    };
    let (plain, renewed) = (median(|window| window.0), median(|window| window.1));
    format!("{share} %: {} h, renewed {} d", quotient(plain, u64::from(HOUR)), quotient(renewed, u64::from(DAY)))
}

#[test]
fn quotients_are_rounded_half_up() {
    for (total, count, expected) in
        [(0, 3, "0.0"), (1, 3, "0.3"), (2, 3, "0.7"), (1, 20, "0.1"), (1, 21, "0.0"), (61, 10, "6.1")]
    {
        assert_eq!(quotient(total, count), expected);
    }
}
