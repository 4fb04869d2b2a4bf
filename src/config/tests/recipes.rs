//! The recipes of `docs/binding.md`, as the files that people copy: each is accepted, does what it is called, and is not
//! warned about.

use super::super::Config;
use super::{KEY, SALT, accepted, from_both};
use crate::check::parts::{Part, Parts};
use crate::check::policy::{Enforce, Format, Formats};

/// The settings of a recipe, in a service with secrets.
#[track_caller]
fn recipe(text: &str) -> Config {
    let config = accepted(from_both(&[("SECRET", KEY), ("SALT", SALT)], text));
    assert_eq!(config.warnings, Vec::<String>::new());
    assert_eq!(config.policy.enforce, Enforce::On);
    config
}

#[test]
fn article() {
    let policy = recipe(include_str!("../../../examples/recipes/article.toml")).policy;
    assert_eq!(policy.formats, Formats { minted: Format::Article, also: None });
}

#[test]
fn default() {
    let (policy, plain) =
        (recipe(include_str!("../../../examples/recipes/default.toml")).policy, recipe("issuer = 'samehand'").policy);
    assert_eq!((policy.require_same, policy.watch), (plain.require_same, plain.watch));
    assert_eq!((policy.recipe, policy.formats, policy.token_from), (plain.recipe, plain.formats, plain.token_from));
}

#[test]
fn roam() {
    let policy = recipe(include_str!("../../../examples/recipes/roam.toml")).policy;
    assert_eq!(policy.require_same, Parts::from_iter([Part::UserAgent, Part::Cookie]));
    assert_eq!(policy.watch, Parts::NONE.with(Part::Ip));
    assert!(policy.token_from.authorization && !policy.token_from.cookie);
}

#[test]
fn proof() {
    let policy = recipe(include_str!("../../../examples/recipes/proof.toml")).policy;
    assert_eq!(policy.require_same, Parts::NONE.with(Part::Dpop));
    assert_eq!(policy.watch, Parts::from_iter([Part::Ip, Part::UserAgent]));
    assert!(policy.token_from.authorization && !policy.token_from.cookie);
}
