//! Reads the sources and holds what the compiler does not: that the decision stays pure, that imports go one way, that
//! each outside library has its home, and that no file grows beyond what can be read at once.
//!
//! Test code counts for nothing but the length of its file. Comments and strings count for nothing at all.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// The longest a file of `src` may be.
const MOST_LINES: usize = 400;

/// Which module may import which, one line for each module of `lib.rs`: callers first, and nobody a caller of theirs.
const IMPORTS: [(&str, &[&str]); 17] = [
    ("main", &["cli"]),
    ("cli", &["server", "http", "app", "logging", "issue", "users", "keys", "config", "store", "check", "secret"]),
    ("server", &["http", "app", "users", "keys", "config", "store"]),
    ("http", &["app", "audit", "metrics", "issue", "users", "config", "check", "secret"]),
    ("app", &["audit", "issue", "users", "keys", "config", "store", "check", "secret"]),
    ("audit", &["advice", "metrics", "check"]),
    ("advice", &["check"]),
    ("metrics", &["check"]),
    ("logging", &["config"]),
    ("issue", &["keys", "check"]),
    ("config", &["keys", "check", "secret"]),
    ("keys", &["check", "secret"]),
    ("users", &["store", "check", "secret"]),
    ("store", &["check"]),
    ("check", &["secret"]),
    ("secret", &[]),
    ("lib", &[]),
];

/// Where each dependency of `Cargo.toml` is used; a folder stands for everything in it.
const HOMES: [(&str, &[&str]); 35] = [
    // The decision reads the web server's header map, which is checked more closely below, and `explain` fills one.
    ("actix_web", &["http", "server", "check", "cli/explain"]),
    ("actix_http", &["server/http1", "http/authorize"]),
    ("actix_server", &["server/http1"]),
    ("actix_service", &["server/http1"]),
    ("actix_rt", &["server", "cli/serve"]),
    ("tokio", &["server", "users/hasher", "throttle", "http/json", "http/login"]),
    ("jsonwebtoken", &["check/key_ring", "keys", "config/signing"]),
    ("sha2", &["check/fingerprint", "keys", "throttle"]),
    ("hmac", &["check/fingerprint"]),
    ("hkdf", &["check/fingerprint", "keys"]),
    ("hex", &["check/fingerprint", "http/request_id"]),
    ("base64", &["check", "keys", "issue"]),
    ("subtle", &["check", "secret", "users/password"]),
    ("getrandom", &["keys", "issue", "users/password", "http/request_id"]),
    ("zeroize", &["secret", "config"]),
    ("argon2", &["users/password"]),
    ("bcrypt", &["users"]),
    ("zxcvbn", &["users/rules"]),
    ("serde", &["config", "http", "keys", "check"]),
    ("serde_json", &["check", "http", "keys", "issue", "app", "cli", "logging"]),
    ("envy", &["config/raw"]),
    ("toml", &["config/toml_file"]),
    ("ipnet", &["config/proxies", "check/policy"]),
    ("url", &["config"]),
    ("psl", &["config/cookie"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli/completions"]),
    ("rpassword", &["cli/console"]),
    ("log", &["server", "http", "audit", "logging", "throttle", "users"]),
    ("env_logger", &["logging"]),
    ("prometheus_client", &["metrics"]),
    ("arc_swap", &["app"]),
    ("pem", &["keys", "config/signing"]),
    ("rusqlite", &["store"]),
    ("nix", &["server/socket"]),
];

/// What the decision may take from the standard library: shapes and texts, and nothing that reaches outside.
const PURE_STD: [&str; 16] = [
    "std::borrow",
    "std::cmp",
    "std::collections",
    "std::convert",
    "std::error",
    "std::fmt",
    "std::hash",
    "std::iter",
    "std::mem",
    "std::net::IpAddr",
    "std::net::Ipv4Addr",
    "std::net::Ipv6Addr",
    "std::net::SocketAddr",
    "std::ops",
    "std::str",
    "std::sync::Arc",
];

/// What the decision may not name, however it came by it.
const IMPURE: [&str; 21] = [
    "async",
    "await",
    "Instant",
    "SystemTime",
    "now_utc",
    "File",
    "OpenOptions",
    "TcpStream",
    "UdpSocket",
    "UnixStream",
    "print",
    "println",
    "eprint",
    "eprintln",
    "env",
    "option_env",
    "thread_local",
    "HttpRequest",
    "HttpResponse",
    "StatusCode",
    "Responder",
];

#[test]
fn the_decision_touches_nothing() {
    let mut seen = 0;
    for source in sources("src/check") {
        seen += 1;
        let path = source.path.display();
        for word in words(&source.code) {
            assert!(!IMPURE.contains(&word), "{path} says `{word}`; the decision is given what it needs");
        }
        for library in ["log", "tokio", "actix_rt", "getrandom", "arc_swap", "rusqlite"] {
            assert!(
                !source.paths().any(|path| path[0] == library),
                "{path} uses {library}; the decision touches nothing"
            );
        }
        for used in source.paths() {
            let name = used.join("::");
            let is_under = |allowed: &&str| name == **allowed || name.starts_with(&format!("{allowed}::"));
            match used[0].as_str() {
                "std" => assert!(PURE_STD.iter().any(is_under), "{path} uses {name}"),
                "actix_web" => assert!(is_under(&"actix_web::http::header"), "{path} uses {name}, not just headers"),
                _ => {}
            }
        }
    }
    assert!(seen > 10, "src/check has moved, and this test has to follow");
}

#[test]
fn imports_go_one_way() {
    let allowed: BTreeMap<&str, &[&str]> = IMPORTS.into();
    let mut used = BTreeSet::new();
    for source in sources("src") {
        let from = room(&source.module);
        let may =
            allowed.get(from.as_str()).unwrap_or_else(|| panic!("{from} is new: say in IMPORTS what it may import"));
        for path in source.paths() {
            let to = match path[0].as_str() {
                "crate" | "samehand" if path.len() > 1 => room(&path[1..]),
                _ => continue,
            };
            assert!(
                to == from || may.contains(&to.as_str()),
                "{} imports {to}; {from} may import {may:?}",
                source.path.display()
            );
            used.insert((from.clone(), to));
        }
    }
    let edges = IMPORTS.iter().flat_map(|(from, may)| may.iter().map(move |to| (from.to_string(), to.to_string())));
    let gone: Vec<_> = edges.filter(|edge| !used.contains(edge)).collect();
    assert!(gone.is_empty(), "these imports are no more, take them out of IMPORTS: {gone:?}");
    // Nobody imports, by any number of steps, whoever imports it.
    let order: Vec<&str> = IMPORTS.iter().map(|(from, _)| *from).collect();
    for (place, (from, may)) in IMPORTS.iter().enumerate() {
        for to in *may {
            let target =
                order.iter().position(|name| name == to).unwrap_or_else(|| panic!("{to} has no line in IMPORTS"));
            assert!(target > place, "{from} imports {to}, which stands above it");
        }
    }
}

#[test]
fn each_outside_library_has_its_home() {
    let homes: BTreeMap<&str, &[&str]> = HOMES.into();
    let named: BTreeSet<String> = dependencies();
    let known: BTreeSet<String> = homes.keys().map(|name| (*name).to_owned()).collect();
    assert_eq!(named, known, "left: Cargo.toml, right: HOMES");
    let (mut lived_in, mut strangers) = (BTreeSet::new(), Vec::new());
    for source in sources("src") {
        let place = source.module.join("/");
        for path in source.paths() {
            let Some((library, homes)) = homes.get_key_value(path[0].as_str()) else { continue };
            let home = homes.iter().find(|home| place == **home || place.starts_with(&format!("{home}/")));
            let file = source.path.display();
            match home {
                Some(home) => _ = lived_in.insert((*library, *home)),
                None => strangers.push(format!("{file} uses {library}, whose home is {homes:?}")),
            }
        }
    }
    assert!(strangers.is_empty(), "{}", strangers.join("\n"));
    let all = HOMES.iter().flat_map(|(library, homes)| homes.iter().map(move |home| (*library, *home)));
    let left: Vec<_> = all.filter(|home| !lived_in.contains(home)).collect();
    assert!(left.is_empty(), "these homes are left, take them out of HOMES: {left:?}");
}

#[test]
fn no_file_of_src_is_longer_than_can_be_read() {
    for file in files(&root().join("src")) {
        let lines = read(&file).lines().count();
        assert!(lines <= MOST_LINES, "{} has {lines} lines; the most is {MOST_LINES}", file.display());
    }
}

#[test]
fn every_file_opens_with_what_it_is() {
    let all = ["src", "tests", "examples"].into_iter().flat_map(|folder| files(&root().join(folder)));
    let silent: Vec<_> = all.filter(|file| !read(file).starts_with("//! ")).collect();
    assert!(silent.is_empty(), "these do not say what they are: {silent:?}");
}

/// A source file without its tests.
struct Source {
    path: PathBuf,
    /// Where its items are: `check::token` is `["check", "token"]`.
    module: Vec<String>,
    code: String,
}

impl Source {
    /// Every path that the code names, from the crate it starts in: `super::policy::Part` in `check/token.rs` is
    /// `crate::check::policy::Part`. Groups of `use` are taken apart.
    fn paths(&self) -> impl Iterator<Item = Vec<String>> {
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
fn room(module: &[String]) -> String {
    match module {
        [first, ..] => first.clone(),
        [] => "lib".to_owned(),
    }
}

/// The sources below a folder, tests left out.
fn sources(folder: &str) -> Vec<Source> {
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
fn dependencies() -> BTreeSet<String> {
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

fn words(code: &str) -> impl Iterator<Item = &str> {
    tokens(code).into_iter().filter(|token| is_name(token))
}

fn is_name(token: &str) -> bool {
    token.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// Every Rust file below a folder, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
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

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
