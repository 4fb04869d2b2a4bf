//! Reads the sources of this repository as far as the tests of the architecture need it: names, paths and imports, and no
//! more of the language.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// A source file without its tests.
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    /// Where its items are: `check::token` is `["check", "token"]`.
    pub(crate) module: Vec<String>,
    pub(crate) code: String,
}

impl Source {
    /// Every path that the code names, from the crate it starts in: `super::policy::Part` in `check/token.rs` is
    /// `crate::check::policy::Part`. Groups of `use` are taken apart.
    pub(crate) fn paths(&self) -> impl Iterator<Item = Vec<String>> {
        let mut found = Vec::new();
        let tokens = tokens(&self.code);
        let mut at = 0;
        while at < tokens.len() {
            let starts = is_name(tokens[at]) && (at == 0 || !matches!(tokens[at - 1], "::" | "."));
            if starts && tokens.get(at + 1) == Some(&"::") {
                at = take_path(&tokens, at, &mut Vec::new(), &mut found);
            } else {
                at += 1;
            }
        }
        let own = |name: &str| tokens.windows(3).any(|three| three == ["mod", name, ";"]);
        for path in &mut found {
            if own(&path[0]) {
                path.insert(0, "self".to_owned());
            }
        }
        let module = self.module.clone();
        found.into_iter().map(move |path| from_the_crate(&module, path))
    }
}

/// Reads the path at `at` below `prefix` into `found`; returns where it ends.
fn take_path(tokens: &[&str], mut at: usize, prefix: &mut Vec<String>, found: &mut Vec<Vec<String>>) -> usize {
    let depth = prefix.len();
    while let Some(token) = tokens.get(at) {
        if *token == "{" {
            at += 1;
            while tokens.get(at).is_some_and(|token| *token != "}") {
                // What is no name stands between names: a comma, or the `as` of another name for one.
                at = if is_name(tokens[at]) { take_path(tokens, at, prefix, found) } else { at + 1 };
            }
            prefix.truncate(depth);
            return at + 1;
        }
        if !is_name(token) && *token != "*" {
            break;
        }
        prefix.push((*token).to_owned());
        at += 1;
        if tokens.get(at) != Some(&"::") {
            break;
        }
        at += 1;
    }
    found.push(prefix.clone());
    prefix.truncate(depth);
    at
}

fn from_the_crate(module: &[String], path: Vec<String>) -> Vec<String> {
    let ups = path.iter().take_while(|name| *name == "super").count();
    let base = match path[0].as_str() {
        "super" => &module[..module.len().saturating_sub(ups)],
        "self" => module,
        _ => return path,
    };
    let rest = path.iter().skip(ups.max(1)).cloned();
    std::iter::once("crate".to_owned()).chain(base.iter().cloned()).chain(rest).collect()
}

/// The line of `IMPORTS` that a module belongs to.
pub(crate) fn room(module: &[String]) -> String {
    match module {
        [first, ..] => first.clone(),
        [] => "lib".to_owned(),
    }
}

/// The sources below a folder, tests left out.
pub(crate) fn sources(folder: &str) -> Vec<Source> {
    let source = root().join("src");
    let is_test = |path: &PathBuf| {
        path.iter().any(|part| part == "tests")
            || path.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with("tests"))
    };
    let read_source = |path: PathBuf| {
        let module = path.strip_prefix(&source).expect("a file of src").with_extension("");
        let mut module: Vec<String> = module.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        module.pop_if(|last| last == "mod");
        Source { module, code: without_tests(&without_comments(&read(&path))), path }
    };
    let all = files(&root().join(folder)).into_iter().filter(|path| !is_test(path));
    all.map(read_source).collect()
}

/// Names of `[dependencies]`, as the code spells them.
pub(crate) fn dependencies() -> BTreeSet<String> {
    let manifest = read(&root().join("Cargo.toml"));
    let section =
        manifest.split("\n[").find_map(|section| section.strip_prefix("dependencies]")).expect("dependencies");
    let names = section.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(" ="));
    names.map(|(name, _)| name.replace('-', "_")).collect()
}

/// The code with comments gone and every string and character empty.
fn without_comments(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let after_name = code.ends_with(|last: char| last.is_alphanumeric() || last == '_');
        let raw = rest
            .trim_start_matches('b')
            .strip_prefix('r')
            .map(|raw| (raw, raw.len() - raw.trim_start_matches('#').len()));
        let skipped = match (first, raw) {
            ('/', _) if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            ('/', _) if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            ('b' | 'r', Some((raw, hashes))) if !after_name && raw[hashes..].starts_with('"') => {
                let body = rest.len() - raw.len() + hashes + 1;
                let end = format!("\"{}", "#".repeat(hashes));
                rest[body..].find(&end).map_or(rest.len(), |at| body + at + end.len())
            }
            ('"', _) => quoted(rest, '"').unwrap_or(rest.len()),
            // A lifetime has no closing quote right after its first character.
            ('\'', _) => match rest[1..].chars().next() {
                Some('\\') => quoted(rest, '\'').unwrap_or(1),
                Some(character) if rest[1 + character.len_utf8()..].starts_with('\'') => character.len_utf8() + 2,
                Some(_) | None => 1,
            },
            _ => 0,
        };
        if skipped == 0 {
            code.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            code.push(' ');
            rest = &rest[skipped..];
        }
    }
    code
}

/// The length of the quoted text at the start, quotes included.
fn quoted(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    let end = text.char_indices().skip(1).find(|(_, character)| {
        let closes = *character == quote && !escaped;
        escaped = *character == '\\' && !escaped;
        closes
    });
    end.map(|(at, _)| at + 1)
}

/// Leaves out every item under `#[cfg(test)]`.
fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let Some((before, after)) = code.split_once(MARK) else { return code.to_owned() };
    let mut depth = 0_usize;
    let end = after.char_indices().find(|(_, character)| match character {
        '{' => {
            depth += 1;
            false
        }
        '}' => {
            depth = depth.saturating_sub(1);
            depth == 0
        }
        ';' => depth == 0,
        _ => false,
    });
    let rest = end.map_or("", |(at, _)| &after[at + 1..]);
    format!("{before}{}", without_tests(rest))
}

/// Names, `::`, and every other character that is no blank.
fn tokens(code: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let in_name = |character: char| character.is_alphanumeric() || character == '_';
        let length = match first {
            _ if in_name(first) => rest.find(|character| !in_name(character)).unwrap_or(rest.len()),
            ':' if rest.starts_with("::") => 2,
            _ => first.len_utf8(),
        };
        tokens.push(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    tokens
}

pub(crate) fn words(code: &str) -> impl Iterator<Item = &str> {
    tokens(code).into_iter().filter(|token| is_name(token))
}

fn is_name(token: &str) -> bool {
    token.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// Every Rust file below a folder, in order.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry of the folder").path())
        .filter(|path| path.file_name().is_none_or(|name| name != "node_modules"))
        .flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect();
    found.sort();
    found
}

pub(crate) fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
