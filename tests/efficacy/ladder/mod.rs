//! The tables *Theft* and *Lockout* of `docs/efficacy.md`: every cell is what the real samehand did behind the real nginx with
//! the shipped configuration, and is held to what the recipe promises.

mod honest;
mod lockouts;
mod person;
mod recipe;
mod record;
mod thefts;
mod thief;
mod verdict;
mod world;

use std::{fmt::Write as _, thread};

use super::document;
use honest::Measured;
use recipe::Recipe;
use verdict::Verdict;
use world::World;

/// What was measured in one column, row by row.
struct Column {
    thefts: Vec<Verdict>,
    lockouts: Vec<Measured>,
}

#[test]
fn every_recipe_keeps_what_it_promises() {
    let columns = thread::scope(|scope| {
        // Each has a service of its own.
        let running = Recipe::ALL.map(|recipe| scope.spawn(move || measure(recipe)));
        running.map(|column| column.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    let broken: Vec<String> =
        Recipe::ALL.into_iter().zip(&columns).flat_map(|(recipe, column)| broken(recipe, column)).collect();
    assert!(broken.is_empty(), "promises that are not kept:\n{}", broken.join("\n"));
    document::hold("theft", &theft(&columns));
    document::hold("lockout", &lockout(&columns));
}

/// Thefts come first: what happens to the service later is no thief's doing.
fn measure(recipe: Recipe) -> Column {
    let world = World::start(recipe);
    let thefts = thefts::ROWS.iter().map(|row| thief::measure(&world, row)).collect();
    let lockouts = lockouts::ROWS.iter().map(|row| honest::measure(&world, row)).collect();
    Column { thefts, lockouts }
}

fn broken(recipe: Recipe, column: &Column) -> Vec<String> {
    let (place, recipe) = (recipe as usize, recipe.name());
    let thefts = thefts::ROWS.iter().zip(&column.thefts).filter_map(|(row, measured)| {
        let promised = row.promised[place];
        (*measured != promised)
            .then(|| format!("{} under {recipe}: {}, promised is {}", row.name, measured.name(), promised.name()))
    });
    let lockouts = lockouts::ROWS.iter().zip(&column.lockouts).filter_map(|(row, measured)| {
        let promised = row.promised[place];
        (!measured.keeps(promised))
            .then(|| format!("{} under {recipe}: {}, promised is {promised:?}", row.name, measured.cell()))
    });
    thefts.chain(lockouts).collect()
}

fn header(what: &str) -> String {
    format!(
        "| | {what} | {} |\n|---|---|{}\n",
        Recipe::ALL.map(Recipe::name).join(" | "),
        "---|".repeat(Recipe::ALL.len())
    )
}

fn theft(columns: &[Column; 4]) -> String {
    let mut table = header("theft");
    for (number, row) in thefts::ROWS.iter().enumerate() {
        let cells = columns.each_ref().map(|column| column.thefts[number].name());
        let _ = writeln!(table, "| {} | {} | {} |", row.name, row.what, cells.join(" | "));
    }
    table
}

fn lockout(columns: &[Column; 4]) -> String {
    let mut table = header("what happens to an honest client");
    for (number, row) in lockouts::ROWS.iter().enumerate() {
        let cells = columns.each_ref().map(|column| column.lockouts[number]);
        let changes = cells[0].changes();
        let what = if changes == 1 { row.what.to_owned() } else { format!("{} ({changes} times)", row.what) };
        let _ = writeln!(table, "| {} | {what} | {} |", row.name, cells.map(Measured::cell).join(" | "));
    }
    table
}
