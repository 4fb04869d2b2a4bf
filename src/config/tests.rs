//! The settings as an operator meets them: what is refused with which words, and what holds when it is not.

mod documentation;
mod files;
mod good;
mod proxy_headers;
mod recipes;
mod refused;
mod warned;
mod weaker;

use super::{Config, Problem, load_with_default_file};
use std::ffi::OsString;
use std::path::Path;

/// Two secrets that nothing is wrong with.
const KEY: &str = "q8m2Zt7yVb4Kx1Rw9Lp6Ns3Jd5Hf0GcA";
const SALT: &str = "uT5wEr8yQi1oPa4s";

type Variables<'a> = &'a [(&'a str, &'a str)];

/// Loads from these variables (names without prefix) and no file.
fn from_environment(variables: Variables) -> Result<Config, Vec<Problem>> {
    let nowhere = tempfile::tempdir().unwrap();
    load_with_default_file(None, &nowhere.path().join("samehand.toml"), prefixed(variables))
}

/// Loads from these variables (names without prefix) and a settings file with this text.
fn from_both(variables: Variables, toml: &str) -> Result<Config, Vec<Problem>> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("given.toml");
    std::fs::write(&file, toml).unwrap();
    load_with_default_file(Some(&file), Path::new("/nonexistent/default.toml"), prefixed(variables))
}

fn prefixed(variables: Variables) -> Vec<(OsString, OsString)> {
    variables.iter().map(|(name, value)| (format!("SAMEHAND_{name}").into(), value.into())).collect()
}

#[track_caller]
fn accepted(loaded: Result<Config, Vec<Problem>>) -> Config {
    match loaded {
        Ok(config) => config,
        Err(problems) => panic!("refused: {problems:#?}"),
    }
}

#[track_caller]
fn problems(loaded: Result<Config, Vec<Problem>>) -> Vec<Problem> {
    match loaded {
        Ok(_) => panic!("accepted"),
        Err(problems) => problems,
    }
}

/// Exactly one problem, with this setting (without prefix), whose message contains the fragment.
#[track_caller]
fn only_problem(loaded: Result<Config, Vec<Problem>>, setting: &str, fragment: &str) {
    let problems = problems(loaded);
    let [problem] = problems.as_slice() else { panic!("not one problem: {problems:#?}") };
    assert_eq!(problem.setting, format!("SAMEHAND_{setting}"));
    assert!(problem.message.contains(fragment), "{:?} does not say {fragment:?}", problem.message);
}

#[track_caller]
fn reported<'a>(config: &'a Config, name: &str) -> (&'a str, &'a str) {
    let name = format!("SAMEHAND_{name}");
    let line = config.report.iter().find(|line| line.name == name).unwrap();
    (&line.value, &line.origin)
}
