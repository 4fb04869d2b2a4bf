//! Reads the documentation and holds that it is true where that can be read off: snippets stand in the files they come
//! from, links lead somewhere, tests that are named exist, and every reason, metric and attack is listed.

#[path = "../benches/suite/report.rs"]
#[allow(dead_code, reason = "the benchmark fills in what is only rendered here")]
mod report;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use samehand::{
    check::parts::{HeaderParts, Part, Parts},
    metrics::{DecisionLabels, Metrics},
};

use report::Report;

/// Languages that are configuration for a proxy: what people copy has to come from a file that the tests run.
const CONFIGURATION: [&str; 4] = ["nginx", "yaml", "yml", "caddyfile"];
/// Rows of attacks that `docs/known-attacks.md` has to have.
const ATTACKS: usize = 50;

#[test]
fn every_snippet_stands_in_the_file_it_comes_from() {
    let mut held = 0;
    for page in pages() {
        for block in blocks(&page) {
            let place = format!("{}, line {}", page.name(), block.line);
            match &block.from {
                Some(from) => {
                    let file = read(&root().join(from));
                    assert!(is_excerpt(&block.lines, &file), "{place}: this does not stand in {from}");
                    held += 1;
                }
                None => assert!(
                    !CONFIGURATION.contains(&block.language.as_str()),
                    "{place}: say where it comes from, <!-- from: path --> before the block"
                ),
            }
        }
    }
    assert!(held >= 2, "README.md shows nginx and Traefik");
}

#[test]
fn every_link_to_a_file_leads_somewhere() {
    for page in pages() {
        let folder = page.path.parent().expect("a page stands in a folder");
        for target in links(&page.text) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let path = if file.is_empty() { page.path.clone() } else { folder.join(file) };
            assert!(path.exists(), "{}: {target} does not exist", page.name());
            let is_heading = || read(&path).lines().any(|line| line.starts_with('#') && slug(line) == anchor);
            assert!(anchor.is_empty() || is_heading(), "{}: {target} has no such heading", page.name());
        }
    }
}

#[test]
fn every_test_that_is_named_exists() {
    let page = page("docs/known-attacks.md");
    let tests = functions();
    let named: Vec<&str> = code_words(&page.text).filter(|word| is_test_name(word)).collect();
    assert!(named.len() > ATTACKS, "only {} tests are named", named.len());
    for name in named {
        assert!(tests.contains(name), "docs/known-attacks.md names the test {name}, and there is none");
    }
}

#[test]
fn every_known_attack_has_a_test_or_a_word_why_not() {
    let page = page("docs/known-attacks.md");
    let mut numbers = BTreeSet::new();
    for row in page.text.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let Ok(number) = cells[0].parse::<usize>() else { continue };
        assert!(numbers.insert(number), "attack {number} is there twice");
        assert_eq!(cells.len(), 4, "attack {number}: {row}");
        let shown_by = cells[3];
        let is_shown = code_words(shown_by).any(is_test_name);
        assert!(is_shown || shown_by.starts_with("not applicable yet: "), "attack {number}: {shown_by}");
    }
    assert_eq!(numbers, (1..=ATTACKS).collect(), "left: docs/known-attacks.md");
}

#[test]
fn every_reason_is_explained() {
    let source = read(&root().join("src/check/decision.rs"));
    let reasons = source.split("impl Reason").nth(1).and_then(|rest| rest.split("impl ").next()).expect("impl Reason");
    let reasons: Vec<&str> = reasons.split('"').skip(1).step_by(2).filter(|text| !text.contains(' ')).collect();
    assert!(reasons.contains(&"client-changed"), "src/check/decision.rs has changed its shape: {reasons:?}");
    let page = page("docs/troubleshooting.md");
    let explained: BTreeSet<&str> = code_words(&page.text).collect();
    for reason in reasons {
        assert!(explained.contains(reason), "docs/troubleshooting.md does not explain {reason}");
    }
}

#[test]
fn every_metric_is_listed_and_no_other() {
    let metrics = Metrics::new();
    // A count with labels appears when it has counted something.
    let labels = DecisionLabels { decision: "forbid", reason: "client-changed", proxy: "nginx", enforced: "yes" };
    metrics.decision(&labels, Parts::NONE.with(Part::Ip), &HeaderParts::default(), Duration::from_micros(20));
    metrics.login("ok");
    let encoded = metrics.encode().expect("text");
    let kinds = encoded.lines().filter_map(|line| line.strip_prefix("# TYPE ")).filter_map(|line| line.split_once(' '));
    let registered: BTreeSet<String> = kinds
        .map(|(name, kind)| match kind {
            "counter" => format!("{name}_total"),
            "info" => format!("{name}_info"),
            _ => name.to_owned(),
        })
        .collect();
    let page = page("docs/logs-and-metrics.md");
    let listed: BTreeSet<String> = code_words(&page.text)
        .filter_map(|word| word.split('{').next())
        .filter(|word| word.starts_with("samehand_"))
        .map(str::to_owned)
        .collect();
    assert_eq!(registered, listed, "left: the program, right: docs/logs-and-metrics.md");
}

#[test]
fn the_measurements_shown_are_those_that_were_taken() {
    let page = page("docs/performance.md");
    let measured: Report = serde_json::from_str(&read(&root().join("docs/performance.json"))).expect("a report");
    assert!(!measured.tables.is_empty(), "nothing was measured");
    let rendered = report::with_measured(&page.text, &measured.markdown()).expect("a place for the measurements");
    assert!(rendered == page.text, "docs/performance.md shows something else: `make bench PUBLISH=yes` writes both");
}

#[test]
fn numbers_are_written_for_people() {
    let shown = [(62_340.0, -2), (999.96, 1), (0.954, 2), (-12.4, 0), (1_234_567.0, 0), (-0.2, 0)]
        .map(|(value, digits)| report::number(value, digits));
    assert_eq!(shown, ["62,300", "1,000.0", "0.95", "-12", "1,234,567", "0"]);
}

#[test]
fn every_field_of_a_decision_is_listed() {
    let source = read(&root().join("src/audit.rs"));
    let line = source.split("log!(").nth(1).and_then(|rest| rest.split(';').next()).expect("the log line");
    let fields = line.lines().filter_map(|line| line.trim().split_once(" = ")).map(|(name, _)| name);
    let fields: Vec<&str> =
        fields.filter(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')).collect();
    assert!(fields.contains(&"decision") && fields.len() > 10, "src/audit.rs has changed its shape: {fields:?}");
    let page = page("docs/logs-and-metrics.md");
    let listed: BTreeSet<&str> = code_words(&page.text).collect();
    for field in fields {
        assert!(listed.contains(field), "docs/logs-and-metrics.md does not say what {field} is");
    }
}

/// A page of the documentation.
struct Page {
    path: PathBuf,
    text: String,
}

impl Page {
    fn name(&self) -> String {
        self.path.strip_prefix(root()).unwrap_or(&self.path).display().to_string()
    }
}

fn page(name: &str) -> Page {
    let path = root().join(name);
    Page { text: read(&path), path }
}

/// The pages at the root and in `docs/`.
fn pages() -> Vec<Page> {
    let mut pages = Vec::new();
    for folder in [root(), root().join("docs")] {
        let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let paths = entries.map(|entry| entry.expect("an entry of the folder").path());
        let markdown = paths.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
        pages.extend(markdown.map(|path| Page { text: read(&path), path }));
    }
    assert!(pages.iter().any(|page| page.name() == "README.md"), "README.md is gone");
    pages
}

/// A fenced block of code.
struct Block {
    line: usize,
    language: String,
    from: Option<String>,
    lines: Vec<String>,
}

fn blocks(page: &Page) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let (mut open, mut from) = (false, None);
    for (index, line) in page.text.lines().enumerate() {
        let text = line.trim_start();
        match text.strip_prefix("```") {
            Some(language) if !open => {
                let language = language.trim().to_lowercase();
                blocks.push(Block { line: index + 1, language, from: from.take(), lines: Vec::new() });
                open = true;
            }
            Some(_) => open = false,
            None if open => blocks.last_mut().expect("an open block").lines.push(line.to_owned()),
            None => {
                let marker = text.strip_prefix("<!-- from: ").and_then(|rest| rest.strip_suffix(" -->"));
                // Only an empty line may stand between the marker and its block.
                from = marker.map(str::to_owned).or(from.take().filter(|_| text.is_empty()));
            }
        }
    }
    assert!(!open, "{}: a block of code does not end", page.name());
    blocks
}

/// Whether the lines stand in the file one after the other, all of them with the same indentation in front.
fn is_excerpt(lines: &[String], file: &str) -> bool {
    let file: Vec<&str> = file.lines().collect();
    let Some(first) = lines.first() else { return false };
    file.windows(lines.len()).any(|window| {
        let Some(indentation) = window[0].strip_suffix(first.as_str()).filter(|text| text.trim().is_empty()) else {
            return false;
        };
        let same = |(line, original): (&String, &&str)| {
            **original == format!("{indentation}{line}") || (line.is_empty() && original.is_empty())
        };
        lines.iter().zip(window).all(same)
    })
}

/// Targets of `[text](target)` and `src="target"`, outside of code.
fn links(text: &str) -> Vec<String> {
    let mut prose = String::new();
    for (index, part) in without_blocks(text).split('`').enumerate() {
        // Between two backticks stands code, which is no link; its text may be the text of one.
        prose.push_str(if index % 2 == 0 { part } else { "code" });
    }
    let ends = [("](", ')'), ("src=\"", '"')];
    let found = ends.iter().flat_map(|(start, end)| {
        prose.split(start).skip(1).filter_map(|rest| rest.split(*end).next()).map(str::to_owned).collect::<Vec<_>>()
    });
    found.collect()
}

fn without_blocks(text: &str) -> String {
    let mut open = false;
    let outside = text.lines().filter(|line| {
        let fence = line.trim_start().starts_with("```");
        open ^= fence;
        !open && !fence
    });
    outside.collect::<Vec<_>>().join("\n")
}

/// What stands in backticks, outside of blocks.
fn code_words(text: &str) -> impl Iterator<Item = &str> {
    let mut open = false;
    let outside = text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        open ^= fence;
        !open && !fence
    });
    outside.flat_map(|line| line.split('`').skip(1).step_by(2))
}

/// Names of tests are sentences.
fn is_test_name(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        && word.bytes().filter(|byte| *byte == b'_').count() >= 2
}

/// The anchor of a heading, as GitHub makes it.
fn slug(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|character| character.is_alphanumeric() || matches!(character, ' ' | '-' | '_'));
    kept.map(|character| if character == ' ' { '-' } else { character }).collect()
}

/// The name of every function in `src` and `tests`.
fn functions() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in ["src", "tests"].iter().flat_map(|folder| rust_files(&root().join(folder))) {
        for line in read(&file).lines() {
            let line = line.trim_start();
            let line = line.strip_prefix("pub(crate) ").or(line.strip_prefix("pub ")).unwrap_or(line);
            let name = line.strip_prefix("fn ").and_then(|rest| rest.split(['(', '<']).next());
            found.extend(name.map(str::to_owned));
        }
    }
    found
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.map(|entry| entry.expect("an entry of the folder").path());
    let all = paths.flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] });
    all.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
