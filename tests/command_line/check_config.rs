//! `check-config`: every setting with value and origin, secrets as `set`; or every problem at once.

use crate::{Installation, SECRET, refused, run};

/// The line about this setting.
#[track_caller]
fn line<'a>(results: &'a str, setting: &str) -> &'a str {
    let found = results.lines().find(|line| line.split(' ').next() == Some(setting));
    found.unwrap_or_else(|| panic!("nothing about {setting} in {results}"))
}

#[test]
fn every_setting_is_shown_with_its_value_and_origin_and_no_secret() {
    let mut installation = Installation::new(&[("SECRET", SECRET), ("TOKEN_TTL", "15m"), ("WORKERS", "")]);
    let salt = installation.write("salt", "a salt of the tests, Jd83kLq0\n");
    let file = installation.write("samehand.toml", "require_same = \"ip\"\ntoken_ttl = \"2h\"\n");
    installation.set(&[("SALT_FILE", &salt), ("CONFIG", &file)]);
    let ended = run(&installation, &["check-config"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for (setting, value, origin) in [
        ("SAMEHAND_SECRET", "set", "environment"),
        ("SAMEHAND_SALT", "set", "salt"),
        ("SAMEHAND_TOKEN_TTL", "15m", "environment"),
        ("SAMEHAND_REQUIRE_SAME", "ip", "samehand.toml"),
        ("SAMEHAND_LISTEN", "127.0.0.1:9180", "default"),
        ("SAMEHAND_ADMIN_TOKEN", "(unset)", "default"),
        ("SAMEHAND_SECRET_PREVIOUS", "(unset)", "default"),
        ("SAMEHAND_WORKERS", "", "default"),
    ] {
        let line = line(&ended.results, setting);
        assert!(line.contains(value) && line.contains(origin), "{line}");
    }
    for name in ["AUDIENCE", "COOKIE_NAME", "ENFORCE", "IPV6_PREFIX", "LOG_FORMAT", "STORE", "TRUSTED_PROXIES", "WATCH"]
    {
        line(&ended.results, &format!("SAMEHAND_{name}"));
    }
    let store = installation.data().join("samehand.sqlite").display().to_string();
    assert!(ended.results.contains(&store), "{ended:?}");
    let everything = format!("{}{}", ended.results, ended.notes);
    assert!(!everything.contains("8dJ2mQxv0Lr5") && !everything.contains("Jd83kLq0"), "{everything}");
    assert!(!installation.data().exists(), "looking has created something");
}

#[test]
fn all_problems_are_told_at_once_each_with_its_name_and_no_secret() {
    let installation = Installation::new(&[
        ("SECRET", "too-short-Q7x"),
        ("SALT", "3d4bd49fadee0613cec5a145a0173876"),
        ("BIND", "127.0.0.1:1"),
        ("TRUSTED_PROXYS", "127.0.0.1"),
        ("TRUSTED_PROXIES", "0.0.0.0/0"),
        ("TOKEN_TTL", "8"),
        ("WATCH", "ip"),
        ("ENFORCE", "off"),
        ("STORE", "mysql://root:s3cret-Wm4@db"),
        ("REQUIRE_SAME", "ip,user_agent"),
        ("IPV4_PREFIX", "33"),
        ("LISTEN", "localhost:9180"),
        ("COOKIE_DOMAIN", "co.uk"),
        ("ADMIN_TOKEN", "short-Zk3"),
    ]);
    let ended = run(&installation, &["check-config"]);
    assert_eq!((ended.code, ended.results.as_str()), (Some(78), ""), "{ended:?}");
    for (setting, remedy) in [
        ("SAMEHAND_SECRET", "openssl rand"),
        ("SAMEHAND_SALT", "openssl rand"),
        ("SAMEHAND_BIND", "LISTEN"),
        ("SAMEHAND_BIND", "REQUIRE_SAME"),
        ("SAMEHAND_TRUSTED_PROXYS", "TRUSTED_PROXIES"),
        ("SAMEHAND_TRUSTED_PROXIES", "0.0.0.0/0"),
        ("SAMEHAND_TOKEN_TTL", "8h"),
        ("SAMEHAND_ENFORCE", "observe"),
        ("SAMEHAND_STORE", "postgres://USER"),
        ("SAMEHAND_REQUIRE_SAME", "the nearest is `user-agent`"),
        ("SAMEHAND_IPV4_PREFIX", "32"),
        ("SAMEHAND_LISTEN", "localhost"),
        ("SAMEHAND_COOKIE_DOMAIN", "co.uk"),
        ("SAMEHAND_ADMIN_TOKEN", "openssl rand"),
    ] {
        let told = ended.notes.lines().any(|line| line.starts_with(&format!("{setting}: ")) && line.contains(remedy));
        assert!(told, "{setting} is not told with {remedy:?}: {}", ended.notes);
    }
    for secret in ["too-short-Q7x", "3d4bd49f", "short-Zk3", "s3cret-Wm4"] {
        assert!(!ended.notes.contains(secret), "{secret} is shown: {}", ended.notes);
    }
    let both = Installation::new(&[("WATCH", "ip"), ("REQUIRE_SAME", "ip")]);
    refused(&both, &["check-config"], "", 78, &["SAMEHAND_WATCH", "ip"]);
}

#[test]
fn what_is_allowed_but_unwise_is_a_warning() {
    let installation = Installation::new(&[("ENFORCE", "observe"), ("TRUSTED_PROXIES", "10.0.0.0/16,127.0.0.1")]);
    let ended = run(&installation, &["check-config"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for setting in ["SAMEHAND_ENFORCE", "SAMEHAND_TRUSTED_PROXIES"] {
        let warned = ended.results.lines().any(|line| line.starts_with("warning: ") && line.contains(setting));
        assert!(warned, "no warning about {setting}: {ended:?}");
    }
}

#[test]
fn the_file_is_named_on_the_command_line_before_the_environment() {
    let mut installation = Installation::new(&[]);
    let one = installation.write("one.toml", "issuer = \"one\"\n");
    let two = installation.write("two.toml", "issuer = \"two\"\n");
    installation.set(&[("CONFIG", &one)]);
    let issuer = |arguments: &[&str]| {
        let ended = run(&installation, arguments);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let line = line(&ended.results, "SAMEHAND_ISSUER").to_owned();
        line.split_whitespace().nth(1).map(str::to_owned)
    };
    assert_eq!(issuer(&["check-config"]).as_deref(), Some("one"));
    assert_eq!(issuer(&["check-config", "--config", &two]).as_deref(), Some("two"));
    assert_eq!(issuer(&["--config", &two, "check-config"]).as_deref(), Some("two"));
    let missing = installation.path("three.toml").display().to_string();
    refused(&installation, &["check-config", "--config", &missing], "", 78, &[&missing]);
}

#[test]
fn what_the_service_could_not_use_at_its_start_is_a_problem_now() {
    use std::os::unix::fs::{PermissionsExt, chown};
    let installation = Installation::new(&[]);
    let data = installation.data();
    std::fs::write(&data, "").expect("our own directory");
    refused(&installation, &["check-config"], "", 78, &["SAMEHAND_DATA", "Not a directory"]);
    std::fs::remove_file(&data).expect("our own file");
    std::fs::create_dir(&data).expect("our own directory");
    let keys = data.join("keys.json");
    std::fs::write(&keys, "").expect("our own directory");
    std::fs::set_permissions(&keys, std::fs::Permissions::from_mode(0o600)).expect("our own file");
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o777)).expect("our own directory");
    refused(&installation, &["check-config"], "", 78, &["SAMEHAND_DATA", "others may write into", "chmod 700"]);
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o700)).expect("our own directory");
    // Only root can give files away.
    if chown(&keys, Some(4_000_001), None).is_ok() {
        let wanted = ["SAMEHAND_DATA", "keys.json belongs to 4000001", "chown root"];
        refused(&installation, &["check-config"], "", 78, &wanted);
        refused(&installation, &["serve"], "", 78, &wanted[1..]);
        std::fs::remove_file(&keys).expect("our own directory");
        let store = data.join("samehand.sqlite");
        std::fs::write(&store, "").expect("our own directory");
        std::fs::set_permissions(&store, std::fs::Permissions::from_mode(0o600)).expect("our own file");
        chown(&store, Some(4_000_001), None).expect("root may");
        refused(&installation, &["check-config"], "", 78, &["samehand.sqlite belongs to 4000001"]);
        refused(&installation, &["user", "list"], "", 1, &["samehand.sqlite belongs to 4000001"]);
    }
}
