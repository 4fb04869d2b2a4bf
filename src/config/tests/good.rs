//! What holds: defaults, every way of writing a value, which source wins, and the report of it.

use super::super::secret_strength::{Weakness, weakness};
use super::super::{Config, ListenAddress, LogFormat, load_with_default_file};
use super::{KEY, SALT, accepted, from_both, from_environment, prefixed, reported};
use crate::check::parts::{Part, Parts};
use crate::check::policy::{Enforce, Format, Formats, TokenFrom, UserAgentMatch};
use base64::Engine;
use proptest::prelude::{ProptestConfig, prop_assert_eq, proptest};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

#[test]
fn without_any_setting_the_documented_defaults_hold() {
    let config = accepted(from_environment(&[]));
    assert_eq!(config.listen, [ListenAddress::Tcp("127.0.0.1:9180".parse().unwrap())]);
    assert_eq!(config.admin_listen, [ListenAddress::Tcp("127.0.0.1:9181".parse().unwrap())]);
    assert_eq!(config.socket_mode, 0o660);
    assert_eq!(config.socket_group, None);
    assert_eq!(config.keys.data, Path::new("./samehand-data"));
    assert_eq!(config.store.to_string(), "./samehand-data/samehand.sqlite");
    assert!(config.keys.secret.is_none() && config.keys.salt.is_none() && config.admin_token.is_none());
    assert!(config.keys.signing_keys.is_empty());
    assert_eq!((config.token_ttl, config.keys.max_lifetime), (8 * 3600, 30 * 86_400));
    assert_eq!(config.policy.issuer, "samehand");
    assert_eq!(config.policy.audience, None);
    assert_eq!(config.policy.token_from, TokenFrom { authorization: true, cookie: true });
    assert_eq!(config.policy.formats, Formats { minted: Format::Keyed, also: None });
    assert_eq!(config.policy.require_same, Parts::from_iter([Part::Ip, Part::UserAgent]));
    assert_eq!(config.policy.watch, Parts::NONE);
    assert_eq!((config.policy.recipe.ipv4_prefix, config.policy.recipe.ipv6_prefix), (32, 64));
    assert_eq!(config.policy.recipe.user_agent, UserAgentMatch::Family);
    assert_eq!(config.policy.enforce, Enforce::On);
    assert_eq!(config.policy.cookie_name, "__Host-samehand");
    assert!(config.policy.trusted_proxies.contains("127.0.0.1".parse().unwrap()));
    assert!(config.policy.trusted_proxies.contains("::1".parse().unwrap()));
    assert!(!config.policy.trusted_proxies.contains("127.0.0.2".parse().unwrap()));
    assert!(config.workers >= 1);
    assert_eq!((config.log.as_str(), config.log_format), ("info", LogFormat::Text));
    assert_eq!(config.warnings, Vec::<String>::new());
}

#[test]
fn every_value_can_be_written_in_the_environment() {
    let config = accepted(from_environment(&[
        ("LISTEN", " 0.0.0.0:0 , [::1]:0, unix:/run/samehand/auth.sock,"),
        ("SOCKET_MODE", "600"),
        ("SOCKET_GROUP", "www-data"),
        ("ADMIN_LISTEN", "off"),
        ("ADMIN_TOKEN", "Nx4$kTq8mZt7yVb2Kw1Rw9Lp6Ns3Jd5H"),
        ("DATA", "/var/lib/samehand"),
        ("STORE", "sqlite"),
        ("SECRET", KEY),
        ("SALT", SALT),
        ("ALGORITHM", "HS256"),
        ("ISSUER", "https://auth.example.com"),
        ("AUDIENCE", "intranet"),
        ("TOKEN_TTL", "15m"),
        ("SESSION_TTL", "365d"),
        ("TOKEN_FROM", "cookie"),
        ("TRUSTED_PROXIES", "::ffff:10.0.0.9, 2001:db8::/64"),
        ("FINGERPRINT", "keyed,article"),
        ("REQUIRE_SAME", "user-agent"),
        ("WATCH", "ip"),
        ("IPV4_PREFIX", "24"),
        ("IPV6_PREFIX", "/48"),
        ("USER_AGENT_MATCH", "exact"),
        ("ENFORCE", "report"),
        ("COOKIE_NAME", "sid"),
        ("WORKERS", "3"),
        ("LOG", "warn,samehand::http=DEBUG"),
        ("LOG_FORMAT", "json"),
    ]));
    assert_eq!(config.listen.len(), 3);
    assert_eq!(config.listen[2], ListenAddress::Unix(PathBuf::from("/run/samehand/auth.sock")));
    assert_eq!((config.socket_mode, config.socket_group.as_deref()), (0o600, Some("www-data")));
    assert!(config.admin_listen.is_empty());
    assert_eq!(config.admin_token.unwrap().expose(), b"Nx4$kTq8mZt7yVb2Kw1Rw9Lp6Ns3Jd5H");
    assert_eq!(config.keys.secret.unwrap().expose(), KEY.as_bytes());
    assert_eq!(config.keys.salt.unwrap().expose(), SALT.as_bytes());
    assert_eq!(config.store.to_string(), "/var/lib/samehand/samehand.sqlite");
    assert_eq!(config.policy.issuer, "https://auth.example.com");
    assert_eq!(config.policy.audience.as_deref(), Some("intranet"));
    assert_eq!((config.token_ttl, config.keys.max_lifetime), (900, 365 * 86_400));
    assert_eq!(config.policy.token_from, TokenFrom { authorization: false, cookie: true });
    assert!(config.policy.trusted_proxies.contains("10.0.0.9".parse().unwrap()));
    assert_eq!(config.policy.formats, Formats { minted: Format::Keyed, also: Some(Format::Article) });
    assert_eq!(config.policy.require_same, Parts::NONE.with(Part::UserAgent));
    assert_eq!(config.policy.watch, Parts::NONE.with(Part::Ip));
    assert_eq!((config.policy.recipe.ipv4_prefix, config.policy.recipe.ipv6_prefix), (24, 48));
    assert_eq!(config.policy.recipe.user_agent, UserAgentMatch::Exact);
    assert_eq!(config.policy.enforce, Enforce::Report);
    assert_eq!(config.policy.cookie_name, "sid");
    assert_eq!((config.workers, config.log_format), (3, LogFormat::Json));
    assert_eq!(config.log, "warn,samehand::http=DEBUG");
}

#[test]
fn the_file_takes_texts_numbers_and_lists() {
    let toml = "listen = ['127.0.0.1:1', 'unix:/run/s.sock']\nipv4_prefix = 24\n\
                workers = 2\nrequire_same = 'ip'\nwatch = ['user-agent']";
    let config = accepted(from_both(&[], toml));
    assert_eq!(config.listen.len(), 2);
    assert_eq!((config.policy.recipe.ipv4_prefix, config.workers), (24, 2));
    assert_eq!(config.policy.watch, Parts::NONE.with(Part::UserAgent));
    let (value, origin) = reported(&config, "LISTEN");
    assert_eq!(value, "127.0.0.1:1,unix:/run/s.sock");
    assert!(origin.starts_with("file /") && origin.ends_with("given.toml"), "{origin}");
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_default() {
    let config = accepted(from_both(&[("LOG", "debug")], "log = 'warn'\nissuer = 'mine'"));
    assert_eq!((config.log.as_str(), config.policy.issuer.as_str()), ("debug", "mine"));
    assert_eq!(reported(&config, "LOG"), ("debug", "environment"));
    assert_eq!(reported(&config, "AUDIENCE"), ("", "default"));
    assert_eq!(reported(&config, "LOG_FORMAT"), ("text", "default"));
}

#[test]
fn an_empty_value_counts_as_unset() {
    let variables =
        [("LISTEN", ""), ("WORKERS", " "), ("SECRET", ""), ("SECRET_FILE", ""), ("SIGN_IN_URL", ""), ("LOG", "")];
    let config = accepted(from_both(&variables, "log = 'warn'\nsalt = ''"));
    assert_eq!((config.listen.len(), config.log.as_str()), (1, "warn"));
    assert!(config.keys.secret.is_none() && config.keys.salt.is_none());
}

#[test]
fn what_kubernetes_injects_is_ignored() {
    accepted(from_environment(&[
        ("PORT", "tcp://10.0.0.1:9180"),
        ("PORT_9180_TCP_ADDR", "10.0.0.1"),
        ("SERVICE_HOST", "10.0.0.1"),
        ("SERVICE_PORT_HTTP", "9180"),
    ]));
}

#[test]
fn variables_of_others_are_not_looked_at() {
    use std::os::unix::ffi::OsStringExt;
    let foreign = vec![
        (OsString::from_vec(b"LANG\xff".to_vec()), OsString::from_vec(b"\xfe".to_vec())),
        ("LISTEN".into(), "nonsense".into()),
        ("samehand_listen".into(), "nonsense".into()),
    ];
    accepted(load_with_default_file(None, Path::new("/nonexistent/samehand.toml"), foreign));
}

#[test]
fn data_goes_where_systemd_says_unless_it_is_set() {
    let load = |data: &[(&str, &str)]| {
        let mut variables = prefixed(data);
        variables.push(("STATE_DIRECTORY".into(), "/var/lib/one:/var/lib/two".into()));
        accepted(load_with_default_file(None, Path::new("/nonexistent/samehand.toml"), variables))
    };
    let config = load(&[]);
    assert_eq!(config.keys.data, Path::new("/var/lib/one"));
    assert_eq!(reported(&config, "DATA"), ("/var/lib/one", "default"));
    assert_eq!(load(&[("DATA", "elsewhere")]).keys.data, Path::new("elsewhere"));
}

#[test]
fn the_report_has_every_setting_once_in_the_documented_order() {
    let config = accepted(from_environment(&[("SECRET", KEY)]));
    let names: Vec<_> = config.report.iter().map(|line| line.name).collect();
    let expected: Vec<_> = super::super::settings::SETTINGS.iter().map(|setting| setting.full_name).collect();
    assert_eq!(names, expected);
    assert_eq!(reported(&config, "SECRET"), ("set", "environment"));
    assert_eq!(reported(&config, "SALT"), ("generated in DATA", "default"));
    assert_eq!(reported(&config, "SALT_PREVIOUS"), ("", "default"));
    assert_eq!(reported(&config, "ALGORITHM"), ("HS256", "default"));
    assert_eq!(reported(&config, "WORKERS"), (config.workers.to_string().as_str(), "default"));
}

#[track_caller]
fn cookie(variables: &[(&str, &str)], expected_name: &str, expected_domain: &str) {
    let config: Config = accepted(from_environment(variables));
    assert_eq!(config.policy.cookie_name, expected_name);
    assert_eq!(reported(&config, "COOKIE_DOMAIN").0, expected_domain);
    assert_eq!(reported(&config, "COOKIE_NAME").0, expected_name);
}

#[test]
fn browsers_sign_in_at_our_page_or_at_the_operators() {
    for (settings, expected) in [
        (&[][..], None),
        (&[("PUBLIC_URL", "https://auth.example.com")], Some("https://auth.example.com/login")),
        (&[("PUBLIC_URL", "https://Auth.Example.com./")], Some("https://auth.example.com/login")),
        (&[("PUBLIC_URL", "https://example.com/sso/")], Some("https://example.com/sso/login")),
        (&[("SIGN_IN_URL", "https://example.com/in?from=samehand")], Some("https://example.com/in?from=samehand")),
        (
            &[("PUBLIC_URL", "https://auth.example.com"), ("SIGN_IN_URL", "https://example.com/in")],
            Some("https://example.com/in"),
        ),
    ] {
        let config = accepted(from_environment(settings));
        assert_eq!(config.sign_in.as_ref().map(|sign_in| sign_in.url.as_str()), expected, "{settings:?}");
        assert_eq!(reported(&config, "SIGN_IN_URL").0, expected.unwrap_or_default(), "{settings:?}");
    }
}

#[test]
fn the_cookie_follows_the_public_url() {
    let url = |url| [("PUBLIC_URL", url)];
    cookie(&url("https://auth.example.com"), "__Secure-samehand", "example.com");
    cookie(&url("HTTPS://Auth.Example.com.:8443/sso/"), "__Secure-samehand", "example.com");
    cookie(&url("https://auth.team.example.co.uk"), "__Secure-samehand", "team.example.co.uk");
    cookie(&url("https://example.co.uk"), "__Secure-samehand", "example.co.uk");
    cookie(&url("https://me.github.io"), "__Secure-samehand", "me.github.io");
    cookie(&url("https://auth.home"), "__Secure-samehand", "auth.home");
    cookie(&url("https://auth"), "__Host-samehand", "host");
    cookie(&url("https://github.io"), "__Host-samehand", "host");
    cookie(&url("https://192.0.2.1"), "__Host-samehand", "host");
    cookie(&url("https://[2001:db8::1]:8443"), "__Host-samehand", "host");
    cookie(&url("http://localhost:8080"), "samehand", "host");
    cookie(&url("http://auth.localhost:8080"), "samehand", "auth.localhost");
    let host = [("PUBLIC_URL", "https://auth.example.com"), ("COOKIE_DOMAIN", "host")];
    cookie(&host, "__Host-samehand", "host");
    let itself = [("PUBLIC_URL", "https://example.com"), ("COOKIE_DOMAIN", ".Example.COM")];
    cookie(&itself, "__Secure-samehand", "example.com");
    cookie(&[("COOKIE_DOMAIN", "example.com")], "__Secure-samehand", "example.com");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_the_remedy_generates_is_never_called_weak(first: [u8; 24], second: [u8; 24]) {
        let bytes = [first, second].concat();
        let base64 = base64::engine::general_purpose::STANDARD.encode(&bytes);
        for (secret, minimum) in [(base64, 32), (hex::encode(&bytes[..32]), 32), (hex::encode(&bytes[..16]), 16)] {
            let found = weakness(secret.as_bytes(), minimum);
            prop_assert_eq!(found, Weakness { short: false, repetitive: false, well_known: false, guessable: false });
        }
    }
}
