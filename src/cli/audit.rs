//! `samehand audit`: who changed or tried what, from where, with which result. It changes nothing.

use super::console::Console;
use super::opened::Opened;
use super::time::rfc_3339;
use super::{Failure, Outcome, print};
use crate::check::names::UserName;
use crate::config::{Config, duration};
use crate::store::{Access, PAGE, TrailEntry};
use serde_json::Value;

#[derive(clap::Args)]
pub(super) struct Args {
    /// Only what is not older, such as 12h or 7d.
    #[arg(long, value_name = "TIME", value_parser = duration::seconds)]
    since: Option<u64>,
    /// Only what this user did, or what was done to this user.
    #[arg(long, value_name = "NAME", value_parser = UserName::enter)]
    user: Option<UserName>,
    /// One JSON array instead of a table.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, config: &Config, now: u64) -> Outcome {
    let store = Opened::at(&config.store, Access::Existing)?;
    let earliest = now.saturating_sub(args.since.unwrap_or(now));
    let is_wanted = |entry: &TrailEntry| {
        entry.time >= earliest && args.user.as_ref().is_none_or(|name| is_about(entry, name.as_str()))
    };
    let mut entries = Vec::new();
    let mut position = 0;
    loop {
        let page = store.wait(store.trail_after(position, PAGE)).map_err(Failure::failed)?;
        let is_last = page.len() < PAGE;
        position = page.last().map_or(position, |row| row.position);
        entries.extend(page.into_iter().map(|row| row.entry).filter(is_wanted));
        if is_last {
            break;
        }
    }
    entries.sort_by_key(|entry| entry.time);
    Console::of_process(|console| match args.json {
        true => console.result(format_args!("{:#}", Value::from_iter(entries.iter().map(TrailEntry::to_json)))),
        false => table(&entries, console),
    })
}

/// Whether the user did it, or it was done to the user: subjects are names, some with a word before them.
fn is_about(entry: &TrailEntry, name: &str) -> bool {
    entry.actor.strip_prefix("user:") == Some(name) || entry.subject.split(' ').any(|word| word == name)
}

fn table(entries: &[TrailEntry], console: &mut Console<'_>) -> Outcome {
    if entries.is_empty() {
        console.note("the audit trail has no such entry");
        return Ok(());
    }
    let head = ["TIME", "ACTION", "RESULT", "ACTOR", "FROM", "SUBJECT", "SID"].map(str::to_owned);
    let row = |entry: &TrailEntry| {
        let action = match entry.count {
            0 | 1 => entry.action.clone(),
            count => format!("{} ({count} times)", entry.action),
        };
        let texts = [&action, &entry.result, &entry.actor, &entry.remote_ip, &entry.subject, &entry.sid];
        let [action, result, actor, remote_ip, subject, sid] = texts.map(|text| print::safe(text));
        [rfc_3339(entry.time), action, result, actor, remote_ip, subject, sid]
    };
    let rows: Vec<_> = std::iter::once(head).chain(entries.iter().map(row)).collect();
    let widths: [usize; 7] = std::array::from_fn(|column| rows.iter().map(|row| row[column].len()).max().unwrap_or(0));
    for row in rows {
        let cells: Vec<_> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        console.result(cells.join("  ").trim_end())?;
    }
    Ok(())
}
