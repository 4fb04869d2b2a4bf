//! Files that settings name: the settings file itself, `*_FILE`, the signing key.

use super::super::{Config, Problem, load_with_default_file};
use super::{KEY, SALT, accepted, only_problem, prefixed, reported};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A directory in which files can be put, and settings loaded that name them.
struct Directory(TempDir);

impl Directory {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>, mode: u32) -> String {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Loads with `default.toml` of this directory as the default settings file.
    fn load(&self, file: Option<&str>, variables: &[(&str, &str)]) -> Result<Config, Vec<Problem>> {
        load_with_default_file(file.map(Path::new), &self.path("default.toml"), prefixed(variables))
    }
}

#[test]
fn the_named_file_wins_over_the_variable_and_the_variable_over_the_default() {
    let directory = Directory::new();
    let by_option = directory.write("option.toml", "issuer = 'option'", 0o600);
    let by_variable = directory.write("variable.toml", "issuer = 'variable'", 0o600);
    directory.write("default.toml", "issuer = 'default'", 0o600);
    let issuer = |file, variables: &[(&str, &str)]| accepted(directory.load(file, variables)).policy.issuer;
    assert_eq!(issuer(Some(&by_option), &[("CONFIG", &by_variable)]), "option");
    assert_eq!(issuer(None, &[("CONFIG", &by_variable)]), "variable");
    assert_eq!(issuer(None, &[("CONFIG", "")]), "default");
    std::fs::remove_file(directory.path("default.toml")).unwrap();
    assert_eq!(issuer(None, &[]), "samehand");
}

#[test]
fn a_file_that_was_asked_for_must_be_readable() {
    let directory = Directory::new();
    let missing = directory.path("missing").to_str().unwrap().to_owned();
    only_problem(directory.load(Some(&missing), &[]), "CONFIG", &missing);
    only_problem(directory.load(None, &[("CONFIG", &missing)]), "CONFIG", "write the path of a file that exists");
    only_problem(directory.load(None, &[("SECRET_FILE", &missing)]), "SECRET_FILE", &missing);
    only_problem(directory.load(None, &[("STORE_FILE", &missing)]), "STORE_FILE", &missing);
    only_problem(directory.load(None, &[("SIGNING_KEY_FILE", &missing)]), "SIGNING_KEY_FILE", &missing);
    let itself = directory.path(".").to_str().unwrap().to_owned();
    only_problem(directory.load(None, &[("SALT_FILE", &itself)]), "SALT_FILE", "cannot read");
    let binary = directory.write("binary", b"\xff\xfe", 0o600);
    only_problem(directory.load(Some(&binary), &[]), "CONFIG", "UTF-8");
    only_problem(directory.load(None, &[("ADMIN_TOKEN_FILE", &binary)]), "ADMIN_TOKEN_FILE", "UTF-8");
    let empty = directory.write("empty", "\n", 0o600);
    only_problem(directory.load(None, &[("SECRET_FILE", &empty)]), "SECRET_FILE", "is empty");
    let blank = directory.write("blank", " \t\n", 0o600);
    only_problem(directory.load(None, &[("STORE_FILE", &blank)]), "STORE_FILE", "is empty");
    only_problem(directory.load(None, &[("SALT_FILE", "/dev/zero")]), "SALT_FILE", "larger than 1 MiB");
}

#[test]
fn a_settings_file_without_a_setting_is_warned_about_whoever_named_it() {
    let directory = Directory::new();
    for (content, said) in [
        ("", "is empty"),
        (" \n\t\n", "is empty"),
        ("# require_same = 'ip'\n", "only comments"),
        ("issuer = ''\n", "only comments or empty values"),
    ] {
        let path = directory.write("default.toml", content, 0o600);
        for loaded in [
            directory.load(Some(&path), &[]),
            directory.load(None, &[("CONFIG", &path)]),
            directory.load(None, &[("ISSUER", "mine")]),
        ] {
            let warnings = accepted(loaded).warnings;
            assert!(
                warnings.iter().any(|warning| warning.contains("SAMEHAND_CONFIG") && warning.contains(said)),
                "{content:?}: {warnings:?}"
            );
        }
    }
    // What is wrong is said once.
    directory.write("default.toml", "isuer = 'mine'\n", 0o600);
    only_problem(directory.load(None, &[]), "ISUER", "issuer");
    std::fs::remove_file(directory.path("default.toml")).unwrap();
    std::os::unix::fs::symlink(directory.path("nowhere"), directory.path("default.toml")).unwrap();
    only_problem(directory.load(None, &[]), "CONFIG", "cannot read");
}

#[test]
fn a_file_that_is_gone_or_says_nothing_any_more_is_missed_when_the_settings_are_read_again() {
    let directory = Directory::new();
    let without = accepted(directory.load(None, &[]));
    let path = directory.write("default.toml", "issuer = 'mine'", 0o600);
    let with = accepted(directory.load(None, &[]));
    directory.write("default.toml", "# issuer = 'mine'", 0o600);
    let empty = accepted(directory.load(None, &[]));
    assert_eq!(with.settings_file, Some(PathBuf::from(&path)));
    assert_eq!(without.settings_file, None);
    for (new, said) in [(&without, "put it back"), (&empty, "write them into it again")] {
        let Some(problem) = new.lost_file(&with) else { panic!("not missed: {said}") };
        assert_eq!(problem.setting, "SAMEHAND_CONFIG");
        assert!(problem.message.contains(&path) && problem.message.contains(said), "{}", problem.message);
    }
    // What a service was started with it may go on with.
    for (new, old) in [(&with, &with), (&with, &without), (&without, &without), (&empty, &empty), (&without, &empty)] {
        assert_eq!(new.lost_file(old), None);
    }
}

#[test]
fn a_value_that_is_not_utf8_is_a_problem_of_its_setting() {
    use std::os::unix::ffi::OsStringExt;
    let variables = vec![("SAMEHAND_ISSUER".into(), std::ffi::OsString::from_vec(b"\xff".to_vec()))];
    let loaded = load_with_default_file(None, Path::new("/nonexistent/samehand.toml"), variables);
    only_problem(loaded, "ISSUER", "UTF-8");
}

#[test]
fn one_trailing_newline_of_a_value_file_is_dropped() {
    let directory = Directory::new();
    for (content, expected) in [
        (KEY.to_owned(), KEY.to_owned()),
        (format!("{KEY}\n"), KEY.to_owned()),
        (format!("{KEY}\r\n"), KEY.to_owned()),
        (format!("{KEY}\n\n"), format!("{KEY}\n")),
        (format!(" {KEY} \n"), format!(" {KEY} ")),
    ] {
        let path = directory.write("secret", content, 0o600);
        let config = accepted(directory.load(None, &[("SECRET_FILE", &path)]));
        assert_eq!(config.keys.secret.unwrap().expose(), expected.as_bytes());
    }
}

#[test]
fn every_secret_and_the_store_have_a_file_form() {
    let directory = Directory::new();
    let values = [
        ("ADMIN_TOKEN", "Nx4$kTq8mZt7yVb2Kw1Rw9Lp6Ns3Jd5H"),
        ("STORE", "sqlite"),
        ("SECRET", KEY),
        ("SALT", SALT),
        ("SECRET_PREVIOUS", "Lw3mZ9xB6vT1yR8kQ4nH7jD2pF5sG0cE"),
        ("SALT_PREVIOUS", "oK9dWq2uYb7tMv5z"),
    ];
    let named = values.map(|(name, value)| (format!("{name}_FILE"), directory.write(name, value, 0o640)));
    let variables: Vec<_> = named.iter().map(|(name, path)| (name.as_str(), path.as_str())).collect();
    let config = accepted(directory.load(None, &variables));
    assert_eq!(config.warnings, Vec::<String>::new());
    for ((name, value), (file_form, path)) in values.iter().zip(&named) {
        let shown = if *name == "STORE" { *value } else { "set" };
        assert_eq!(reported(&config, name), (shown, format!("environment (SAMEHAND_{file_form}) {path}").as_str()));
    }
    let secrets = [
        config.admin_token,
        config.keys.secret,
        config.keys.salt,
        config.keys.secret_previous,
        config.keys.salt_previous,
    ];
    assert!(secrets.iter().all(Option::is_some));
}

#[test]
fn both_forms_in_one_place_contradict_each_other() {
    let directory = Directory::new();
    let path = directory.write("secret", KEY, 0o600);
    let both = [("SECRET", KEY), ("SECRET_FILE", path.as_str())];
    only_problem(directory.load(None, &both), "SECRET", "both SAMEHAND_SECRET and SAMEHAND_SECRET_FILE are set");
    let file = directory.write("both.toml", format!("salt = '{SALT}'\nsalt_file = '{path}'"), 0o600);
    only_problem(directory.load(Some(&file), &[]), "SALT", "both salt and salt_file are set");
}

#[test]
fn either_form_in_the_environment_wins_over_either_form_in_the_file() {
    let directory = Directory::new();
    let path = directory.write("secret", KEY, 0o600);
    let other = "Lw3mZ9xB6vT1yR8kQ4nH7jD2pF5sG0cE";
    let direct = directory.write("direct.toml", format!("secret = '{other}'"), 0o600);
    let by_file = directory.write("by_file.toml", format!("secret_file = '{path}'"), 0o600);
    let secret = |file: &str, variables: &[(&str, &str)]| {
        accepted(directory.load(Some(file), variables)).keys.secret.unwrap().expose().to_vec()
    };
    assert_eq!(secret(&direct, &[("SECRET_FILE", &path)]), KEY.as_bytes());
    assert_eq!(secret(&by_file, &[("SECRET", other)]), other.as_bytes());
    assert_eq!(secret(&by_file, &[]), KEY.as_bytes());
}

#[test]
fn files_that_everybody_can_read_are_warned_about() {
    let directory = Directory::new();
    let open = directory.write("open", KEY, 0o644);
    let warnings = accepted(directory.load(None, &[("SECRET_FILE", &open)])).warnings;
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].starts_with("SAMEHAND_SECRET_FILE: ") && warnings[0].contains(&format!("chmod o= {open}")));
    let with_secret = directory.write("secret.toml", format!("secret = '{KEY}'"), 0o644);
    let warnings = accepted(directory.load(Some(&with_secret), &[])).warnings;
    assert!(warnings.len() == 1 && warnings[0].starts_with("SAMEHAND_CONFIG: "), "{warnings:?}");
    let without_secret = directory.write("plain.toml", "log = 'info'", 0o644);
    assert_eq!(accepted(directory.load(Some(&without_secret), &[])).warnings, Vec::<String>::new());
}

#[test]
fn files_that_somebody_else_can_rewrite_are_refused() {
    let directory = Directory::new();
    let open = directory.write("open", KEY, 0o602);
    only_problem(directory.load(None, &[("SECRET_FILE", &open)]), "SECRET_FILE", &format!("chmod o= {open}"));
    // Only root can give a file away, and root is who may read everybody's.
    let foreign = directory.write("foreign", KEY, 0o644);
    if std::os::unix::fs::chown(&foreign, Some(4_000_001), None).is_ok() {
        let problem = format!("{foreign} belongs to 4000001");
        only_problem(directory.load(None, &[("SECRET_FILE", &foreign)]), "SECRET_FILE", &problem);
        only_problem(directory.load(None, &[("SIGNING_KEY_FILE", &foreign)]), "SIGNING_KEY_FILE", &problem);
        only_problem(directory.load(Some(&foreign), &[]), "CONFIG", &problem);
    }
}

#[test]
fn a_signing_key_that_cannot_be_used_is_a_problem_of_its_file() {
    let directory = Directory::new();
    let path = directory.write("key.pem", "not a key", 0o600);
    only_problem(directory.load(None, &[("SIGNING_KEY_FILE", &path)]), "SIGNING_KEY_FILE", &path);
    let hmac = [("SIGNING_KEY_FILE", path.as_str()), ("ALGORITHM", "HS256")];
    only_problem(directory.load(None, &hmac), "ALGORITHM", "remove one of the two");
}

/// Made for this test with `openssl genpkey -algorithm ed25519`.
const ED25519: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINgc02dNBBr4kEYACbrYQG6R9H/MzuVVkSVVThpsJa47
-----END PRIVATE KEY-----
";

#[test]
fn a_signing_key_decides_the_algorithm_and_no_secret_is_generated() {
    let directory = Directory::new();
    let path = directory.write("key.pem", ED25519, 0o600);
    let config = accepted(directory.load(None, &[("SIGNING_KEY_FILE", &path)]));
    assert_eq!(config.keys.signing_keys.len(), 1);
    assert_eq!(reported(&config, "SIGNING_KEY_FILE"), (path.as_str(), "environment"));
    assert_eq!(reported(&config, "ALGORITHM"), ("EdDSA", "default"));
    assert_eq!(reported(&config, "SECRET"), ("", "default"));
    assert_eq!(config.warnings, Vec::<String>::new());
    let migrating = [("SIGNING_KEY_FILE", path.as_str()), ("FINGERPRINT", "keyed,article")];
    let config = accepted(directory.load(None, &migrating));
    assert_eq!(reported(&config, "SECRET"), ("generated in DATA", "default"));
}

#[test]
fn a_signing_key_has_the_algorithm_asked_for_and_is_not_open_to_everybody() {
    let directory = Directory::new();
    let path = directory.write("key.pem", ED25519, 0o644);
    let other = [("SIGNING_KEY_FILE", path.as_str()), ("ALGORITHM", "ES256")];
    only_problem(directory.load(None, &other), "SIGNING_KEY_FILE", "ES256");
    let same = [("SIGNING_KEY_FILE", path.as_str()), ("ALGORITHM", "EdDSA")];
    let warnings = accepted(directory.load(None, &same)).warnings;
    assert!(warnings.len() == 1 && warnings[0].starts_with("SAMEHAND_SIGNING_KEY_FILE: "), "{warnings:?}");
}
