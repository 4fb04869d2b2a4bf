//! What the recipes of binding are worth, in numbers: `docs/efficacy.md` is written by these tests (`make efficacy`) and
//! held to them by every other run.

#[path = "../support/mod.rs"]
mod support;

mod agents;
mod day;
mod document;
mod ladder;
