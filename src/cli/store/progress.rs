//! How far a copy has come: a bar for a person at a terminal, plain lines for everybody else.

use crate::cli::console::Console;
use crate::store_copy::Progress;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal as _;

/// Shows each step on standard error.
pub(super) fn shown<'a>(console: &'a mut Console<'_>) -> Box<dyn FnMut(Progress) + 'a> {
    if std::io::stderr().is_terminal() {
        let mut bar: Option<(&str, ProgressBar)> = None;
        return Box::new(move |progress| draw(&mut bar, progress, console));
    }
    let mut last = None;
    Box::new(move |progress| {
        let place = place(progress);
        if last != Some(place) {
            last = Some(place);
            console.note(line(progress));
        }
    })
}

/// One bar for each stage, and its last line when it is done. It draws when it is told, and never by itself.
fn draw(bar: &mut Option<(&'static str, ProgressBar)>, progress: Progress, console: &mut Console<'_>) {
    let Progress { stage, done, total } = progress;
    let (_, current) = match bar.take() {
        Some((name, current)) if name == stage => bar.insert((name, current)),
        Some(_) | None => bar.insert((stage, new_bar(stage))),
    };
    current.set_length(total);
    current.set_position(done);
    if done == total {
        current.finish_and_clear();
        *bar = None;
        console.note(line(progress));
    }
}

fn new_bar(stage: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg:22} {wide_bar} {human_pos} of {human_len}");
    let bar = ProgressBar::new(0).with_message(stage);
    style.map_or(bar.clone(), |style| bar.with_style(style))
}

/// A line says something new when the stage is another one, or a tenth further.
fn place(progress: Progress) -> (&'static str, u64, bool) {
    let Progress { stage, done, total } = progress;
    (stage, done.saturating_mul(10) / total.max(1), done == total)
}

fn line(progress: Progress) -> String {
    let Progress { stage, done, total } = progress;
    format!("{stage}: {done} of {total}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_in_tenths() {
        let steps = (0..=40).map(|step| Progress { stage: "users", done: step * 1000, total: 40_000 });
        let mut places: Vec<_> = steps.map(place).collect();
        places.dedup();
        assert_eq!(places.len(), 11);
        let nothing = Progress { stage: "sessions", done: 0, total: 0 };
        assert_eq!((line(nothing).as_str(), place(nothing)), ("sessions: 0 of 0", ("sessions", 0, true)));
    }
}
