//! What updates and desktop mode do to a `User-Agent`: the histories in `tests/data`, each step compared by samehand both
//! exactly and by family. Reads files and the library; no service runs here.

use super::document;
use samehand::check::user_agent::UserAgent;
use std::{fmt::Write as _, fs, path::PathBuf};

/// The browsers of the tables: the name of the history, what people call it.
pub(crate) const BROWSERS: [(&str, &str); 8] = [
    ("chrome_windows", "Chrome, Windows"),
    ("chrome_android", "Chrome, Android"),
    ("edge_windows", "Edge, Windows"),
    ("firefox_windows", "Firefox, Windows"),
    ("firefox_android", "Firefox, Android"),
    ("safari_macos", "Safari, macOS"),
    ("safari_iphone", "Safari, iOS"),
    ("samsung_internet", "Samsung Internet"),
];

/// The products whose version is the browser's, what is more particular first.
const PRODUCTS: [&str; 6] = ["EdgA/", "Edg/", "SamsungBrowser/", "Firefox/", "Chrome/", "Version/"];

/// A step in a browser's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Update {
    /// Within a major version.
    Minor,
    /// To another major version.
    Major,
}

/// What a browser sent, oldest first.
pub(crate) fn history(name: &str) -> Vec<String> {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests/data/user_agents", &format!("{name}.txt")].iter().collect();
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
}

/// Each step of a history, with the kind of update that it is.
pub(crate) fn updates(name: &str) -> Vec<(Update, String, String)> {
    let history = history(name);
    let steps = history.windows(2).map(|pair| {
        let kind = if major(&pair[0]) == major(&pair[1]) { Update::Minor } else { Update::Major };
        (kind, pair[0].clone(), pair[1].clone())
    });
    steps.collect()
}

/// What a browser sends, and what it sends in desktop mode, by the name of its history.
pub(crate) fn desktop_mode() -> Vec<(String, String, String)> {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests/data/desktop_mode.tsv"].iter().collect();
    let text = fs::read_to_string(&path).expect("tests/data/desktop_mode.tsv");
    let rows = text.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let fields: Vec<&str> = line.split('\t').collect();
        let [name, mobile, desktop] = fields[..] else { panic!("three fields, not: {line}") };
        (name.to_owned(), mobile.to_owned(), desktop.to_owned())
    });
    rows.collect()
}

/// The major version of the browser.
fn major(agent: &str) -> &str {
    let version = PRODUCTS.iter().find_map(|product| agent.split(product).nth(1));
    let version = version.unwrap_or_else(|| panic!("no version of a browser in {agent}"));
    version.split(|character: char| !character.is_ascii_digit()).next().unwrap_or_default()
}

/// Whether samehand takes two values for one, exactly and by family.
pub(crate) fn same(one: &str, other: &str) -> (bool, bool) {
    let (one, other) = (UserAgent::from_bytes(Some(one.as_bytes())), UserAgent::from_bytes(Some(other.as_bytes())));
    let canonical = |agent: UserAgent<'_>| {
        let (mut exact, mut family) = (Vec::new(), Vec::new());
        agent.exact(&mut exact);
        agent.family(&mut family);
        (exact, family)
    };
    let (one, other) = (canonical(one), canonical(other));
    (one.0 == other.0, one.1 == other.1)
}

#[test]
fn updates_are_seen_exactly_and_never_by_family() {
    let mut table = String::from(
        "| browser | values | minor updates | major updates | noticed by `exact` | noticed by `family` |\n|---|---|---|---|---|---|\n",
    );
    for (name, people_say) in BROWSERS {
        let updates = updates(name);
        let count = |kind| updates.iter().filter(|(update, ..)| *update == kind).count();
        let noticed = |which: fn((bool, bool)) -> bool| {
            updates.iter().filter(|(_, before, after)| !which(same(before, after))).count()
        };
        let (by_exact, by_family) = (noticed(|same| same.0), noticed(|same| same.1));
        assert!(updates.len() >= 11, "{name} has {} updates, not those of twelve versions", updates.len());
        assert_eq!(by_family, 0, "{name}: an update is another family");
        assert_eq!(by_exact, updates.len(), "{name}: a line stands twice");
        let (minor, major) = (count(Update::Minor), count(Update::Major));
        let _ =
            writeln!(table, "| {people_say} | {} | {minor} | {major} | {by_exact} | {by_family} |", updates.len() + 1);
    }
    document::hold("updates", &table);
}

#[test]
fn desktop_mode_is_another_family() {
    let mut table =
        String::from("| browser | becomes | noticed by `exact` | noticed by `family` |\n|---|---|---|---|\n");
    for (name, mobile, desktop) in desktop_mode() {
        assert!(history(&name).iter().any(|line| same(line, &mobile).1), "{name}: {mobile} is none of its family");
        let in_words = |agent: &str| UserAgent::from_bytes(Some(agent.as_bytes())).in_words();
        let said = |same: bool| if same { "no" } else { "yes" };
        let (exact, family) = same(&mobile, &desktop);
        assert!(!family, "{name}: desktop mode is the same family, and docs/efficacy.md says that it is not");
        let _ =
            writeln!(table, "| {} | {} | {} | {} |", in_words(&mobile), in_words(&desktop), said(exact), said(family));
    }
    document::hold("desktop-mode", &table);
}
