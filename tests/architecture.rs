//! Reads the sources and holds what the compiler does not: that the decision stays pure, that imports go one way, that
//! each outside library has its home, and that no file grows beyond what can be read at once.
//!
//! Test code counts for nothing but the length of its file. Comments and strings count for nothing at all.

#[path = "architecture/source.rs"]
mod source;

use source::{dependencies, files, read, room, root, sources, words};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

/// The longest a file may be.
const MOST_LINES: usize = 400;

/// Which module may import which, one line for each module of `lib.rs`: callers first, and nobody a caller of theirs.
const IMPORTS: [(&str, &[&str]); 27] = [
    ("main", &["cli"]),
    (
        "cli",
        &[
            "server",
            "http",
            "app",
            "logging",
            "sessions",
            "issue",
            "throttle",
            "users",
            "key_store",
            "config",
            "keys",
            "ownership",
            "store_copy",
            "revoke",
            "store",
            "check",
            "secret",
        ],
    ),
    ("server", &["http", "app", "trail", "users", "key_store", "config", "keys", "revocations", "store", "check"]),
    (
        "http",
        &[
            "app", "audit", "metrics", "trail", "sessions", "issue", "throttle", "replays", "users", "config",
            "revoke", "store", "check", "secret",
        ],
    ),
    (
        "app",
        &[
            "audit",
            "trail",
            "sessions",
            "issue",
            "throttle",
            "replays",
            "users",
            "config",
            "keys",
            "revocations",
            "activity",
            "store",
            "check",
            "secret",
        ],
    ),
    ("trail", &["store"]),
    ("audit", &["advice", "metrics", "check"]),
    ("advice", &["check"]),
    ("metrics", &["check"]),
    ("logging", &["config"]),
    ("sessions", &["issue", "store", "check"]),
    ("issue", &["keys", "check"]),
    ("throttle", &["store", "check"]),
    ("replays", &["store", "check"]),
    ("users", &["store", "check", "secret"]),
    ("key_store", &["keys", "store", "secret"]),
    ("config", &["keys", "store", "ownership", "check", "secret"]),
    ("keys", &["ownership", "check", "secret"]),
    ("store_copy", &["store", "check"]),
    ("revoke", &["store", "check"]),
    ("revocations", &["check"]),
    ("activity", &["check"]),
    ("store", &["ownership", "check", "secret"]),
    ("check", &["secret"]),
    ("secret", &[]),
    ("ownership", &[]),
    ("lib", &[]),
];

/// Where each dependency of `Cargo.toml` is used; a folder stands for everything in it.
const HOMES: [(&str, &[&str]); 49] = [
    // The decision reads the web server's header map, which is checked more closely below; settings name headers, and two
    // commands fill such a map.
    ("actix_web", &["http", "server", "check", "config/binding", "config/proxy_headers", "cli/explain", "cli/token"]),
    ("actix_http", &["server/http1", "http/authorize"]),
    ("actix_server", &["server/http1"]),
    ("actix_service", &["server/http1"]),
    ("actix_rt", &["server", "cli/serve"]),
    (
        "tokio",
        &[
            "server",
            "sessions",
            "throttle",
            "users",
            "http/json",
            "http/attempt",
            "http/on_the_way",
            "replays",
            "cli",
            "store",
        ],
    ),
    ("aws_lc_rs", &["keys/sealed", "store"]),
    ("async_trait", &["store"]),
    ("jsonwebtoken", &["check/key_ring", "check/dpop", "keys", "config/signing"]),
    ("sha2", &["check", "keys", "throttle", "http/pages"]),
    ("hmac", &["check"]),
    ("hkdf", &["check", "keys"]),
    ("hex", &["check/fingerprint", "check/certificate"]),
    ("base64", &["check", "keys", "issue", "http/pages"]),
    ("foldhash", &["check/memory", "activity"]),
    ("subtle", &["check", "secret", "users/password"]),
    ("getrandom", &["keys", "issue", "users/password", "http/request_id"]),
    ("zeroize", &["secret", "config", "keys", "http/pages"]),
    ("argon2", &["users/password"]),
    ("bcrypt", &["users"]),
    ("zxcvbn", &["users/rules"]),
    ("unicode_normalization", &["users/typed"]),
    ("serde", &["config", "http", "keys", "check"]),
    ("serde_json", &["check", "http", "keys", "issue", "app", "cli", "logging", "store"]),
    ("envy", &["config/raw"]),
    ("toml", &["config/toml_file"]),
    ("ipnet", &["config/proxies", "config/weaker", "check"]),
    // A return address is read in the decision and written in pages.
    ("url", &["config", "store", "check", "http", "app"]),
    ("askama", &["http/pages"]),
    ("psl", &["config/cookie"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli/completions"]),
    ("rpassword", &["cli/console"]),
    ("indicatif", &["cli/store"]),
    ("log", &["server", "http", "audit", "trail", "logging", "throttle", "replays", "users", "cli/serve"]),
    ("env_logger", &["logging"]),
    ("prometheus_client", &["metrics"]),
    ("arc_swap", &["app", "revocations"]),
    ("pem", &["keys", "config/signing", "check/certificate"]),
    ("rusqlite", &["store/sqlite"]),
    ("tokio_postgres", &["store/postgres"]),
    ("deadpool_postgres", &["store/postgres"]),
    ("tokio_postgres_rustls", &["store/postgres"]),
    ("rustls", &["store"]),
    ("rustls_native_certs", &["store/postgres"]),
    ("redis", &["store/valkey"]),
    ("nix", &["server/socket", "config/listeners", "cli/trail", "ownership"]),
    ("listenfd", &["server/passed"]),
    ("rustix", &["server", "users/hasher", "cli"]),
];

/// What the decision may take from the standard library: shapes and texts, and nothing that reaches outside.
const PURE_STD: [&str; 17] = [
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
    "std::sync::OnceLock",
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
fn no_file_is_longer_than_can_be_read() {
    for file in all_files() {
        let lines = read(&file).lines().count();
        assert!(lines <= MOST_LINES, "{} has {lines} lines; the most is {MOST_LINES}", file.display());
    }
}

#[test]
fn every_file_opens_with_what_it_is() {
    let silent: Vec<_> = all_files().filter(|file| !read(file).starts_with("//! ")).collect();
    assert!(silent.is_empty(), "these do not say what they are: {silent:?}");
}

fn all_files() -> impl Iterator<Item = PathBuf> {
    ["src", "tests", "examples", "benches"].into_iter().flat_map(|folder| files(&root().join(folder)))
}
