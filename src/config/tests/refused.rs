//! Every kind of bad configuration, each with the setting that is named and the words that help.

use super::{KEY, SALT, from_both, from_environment, only_problem, problems};

#[track_caller]
fn refused(rows: &[(&str, &str, &str)]) {
    for (setting, value, fragment) in rows {
        only_problem(from_environment(&[(setting, value)]), setting, fragment);
    }
}

#[track_caller]
fn refused_in_file(rows: &[(&str, &str, &str)]) {
    for (toml, setting, fragment) in rows {
        only_problem(from_both(&[], toml), setting, fragment);
    }
}

#[test]
fn addresses_to_listen_on() {
    refused(&[
        ("LISTEN", "9180", "write ip:port or unix:/path"),
        ("LISTEN", ":9180", "write ip:port or unix:/path"),
        ("LISTEN", "127.0.0.1", "write ip:port or unix:/path"),
        ("LISTEN", "localhost:9180", "such as 127.0.0.1:9180"),
        ("LISTEN", "127.0.0.1:65536", "is not an address"),
        ("LISTEN", "::1:9180", "[::1]:9180"),
        ("LISTEN", "off", "is not an address"),
        ("LISTEN", ",", "the list is empty"),
        ("LISTEN", "unix:run/auth.sock", "an absolute path"),
        ("LISTEN", "unix:", "an absolute path"),
        ("LISTEN", "unix:/run/samehand/", "does not name a socket"),
        ("LISTEN", "127.0.0.1:1,127.0.0.1:1", "cannot both be listened on"),
        ("LISTEN", "127.0.0.1:1,0.0.0.0:1", "cannot both be listened on"),
        ("LISTEN", "127.0.0.1:1,[::]:1", "cannot both be listened on"),
        ("LISTEN", "127.0.0.1:1,[::ffff:127.0.0.1]:1", "cannot both be listened on"),
        ("LISTEN", "unix:/run/a.sock,unix:/run//a.sock", "cannot both be listened on"),
        ("LISTEN", "here,there", "`there`"),
        ("ADMIN_LISTEN", "127.0.0.1:9180", "taken by SAMEHAND_LISTEN"),
        ("ADMIN_LISTEN", "on", "write ip:port or unix:/path"),
        ("ADMIN_LISTEN", "off,127.0.0.1:1", "`off` is not an address"),
        ("SOCKET_MODE", "rw", "octal"),
        ("SOCKET_MODE", "0o660", "octal"),
        ("SOCKET_MODE", "0680", "octal"),
        ("SOCKET_MODE", "1660", "octal"),
        ("SOCKET_MODE", "0666", "every user of this machine"),
        ("SOCKET_MODE", "0662", "SAMEHAND_SOCKET_GROUP"),
        ("SOCKET_GROUP", "no-such-group-here", "write the name of the proxy's group"),
    ]);
    let long = format!("unix:/{}", "x".repeat(107));
    refused(&[("LISTEN", &long, "at most 98 bytes")]);
}

#[test]
fn secrets_that_can_be_guessed() {
    refused(&[
        ("SECRET", "vQ7kZp2xW9", "too short: 10 bytes where at least 32 are needed; write the output of `openssl rand"),
        ("SECRET", "6iwMV0Hc6WU0XPMpqugnHsOg3kJqhRTQ", "well-known"),
        ("SECRET", "3d4bd49fadee0613cec5a145a0173876", "well-known"),
        ("SECRET", "your-256-bit-secret", "well-known"),
        ("SECRET", "SECRETsecretSECRETsecretSECRETsecret", "well-known"),
        ("SECRET", "changeme", "well-known"),
        ("SECRET", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "repetitive"),
        ("SECRET", "0123456789012345678901234567890123456789", "repetitive"),
        ("SECRET", "   ", "too short: 3 bytes"),
        ("SECRET_PREVIOUS", "vQ7kZp2xW9", "at least 32"),
        ("SECRET_PREVIOUS", "keyboard cat", "well-known"),
        ("SALT", "vQ7kZp2xW9", "at least 16"),
        ("SALT", "3d4bd49fadee0613cec5a145a0173876", "well-known"),
        ("SALT", "xyxyxyxyxyxyxyxyxyxy", "repetitive"),
        ("SALT_PREVIOUS", "vQ7kZp2xW9", "at least 16"),
        ("ADMIN_TOKEN", "vQ7kZp2xW9", "at least 32"),
        ("ADMIN_TOKEN", "q8m2Zt7y Vb4Kx1Rw9 Lp6Ns3Jd5 Hf0GcA", "a header cannot carry"),
        ("ADMIN_TOKEN", "q8m2Zt7yÜVb4Kx1Rw9Lp6Ns3Jd5Hf0GcA", "a header cannot carry"),
    ]);
}

#[test]
fn values_that_came_with_quotes_or_a_byte_order_mark() {
    for name in ["SECRET", "SECRET_PREVIOUS", "SALT", "SALT_PREVIOUS", "ADMIN_TOKEN", "STORE_KEY", "ISSUER", "DATA"] {
        for quoted in [format!("\"{KEY}\""), format!("'{KEY}'"), format!("\u{201c}{KEY}\u{201d}")] {
            only_problem(from_environment(&[(name, &quoted)]), name, "stands in quotes");
        }
        only_problem(from_environment(&[(name, &format!("\u{feff}{KEY}"))]), name, "byte order mark");
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secret");
    let named = [("SECRET_FILE", path.to_str().unwrap())];
    for (content, fragment) in
        [(format!("\u{feff}{KEY}\r\n"), "byte order mark"), (format!("\"{KEY}\"\n"), "in quotes")]
    {
        std::fs::write(&path, content).unwrap();
        only_problem(from_environment(&named), "SECRET_FILE", fragment);
    }
}

#[test]
fn public_addresses_that_name_one_of_our_paths() {
    refused(&[
        ("PUBLIC_URL", "https://auth.example.com/login", "write https://auth.example.com"),
        ("PUBLIC_URL", "https://auth.example.com/login/", "it ends in `/login`"),
        ("PUBLIC_URL", "https://example.com/sso/logout", "write https://example.com/sso"),
        ("PUBLIC_URL", "https://auth.example.com/account", "it ends in `/account`"),
        ("PUBLIC_URL", "https://auth.example.com/auth/nginx", "it ends in `/auth/nginx`"),
    ]);
}

#[test]
fn secrets_that_are_not_apart() {
    only_problem(from_environment(&[("SECRET", KEY), ("SALT", KEY)]), "SALT", "has the value of SAMEHAND_SECRET;");
    let previous = [("SECRET_PREVIOUS", KEY), ("SALT", KEY)];
    only_problem(from_environment(&previous), "SALT", "SAMEHAND_SECRET_PREVIOUS");
    only_problem(from_environment(&[("SECRET", KEY), ("ADMIN_TOKEN", KEY)]), "ADMIN_TOKEN", "each needs its own");
    only_problem(from_environment(&[("SALT", KEY), ("ADMIN_TOKEN", KEY)]), "ADMIN_TOKEN", "SAMEHAND_SALT");
}

#[test]
fn article_mode_forgives_a_short_secret_but_not_a_known_or_repetitive_one() {
    let article = |setting, value| from_environment(&[("FINGERPRINT", "article"), (setting, value)]);
    only_problem(article("SECRET", "6iwMV0Hc6WU0XPMpqugnHsOg3kJqhRTQ"), "SECRET", "well-known");
    only_problem(article("SALT", "3d4bd49fadee0613cec5a145a0173876"), "SALT", "well-known");
    only_problem(article("SECRET", "secret"), "SECRET", "well-known");
    only_problem(article("SALT", "zzzzzz"), "SALT", "repetitive");
    only_problem(article("ADMIN_TOKEN", "vQ7kZp2xW9"), "ADMIN_TOKEN", "at least 32");
}

#[test]
fn trusted_proxies() {
    refused(&[
        ("TRUSTED_PROXIES", "0.0.0.0/0", "0.0.0.0/0 is wider than /8"),
        ("TRUSTED_PROXIES", "10.0.0.0/7", "10.0.0.0/7 is wider than /8"),
        ("TRUSTED_PROXIES", "::/0", "::/0 is wider than /16"),
        ("TRUSTED_PROXIES", "2000::/15", "wider than /16"),
        ("TRUSTED_PROXIES", "::ffff:0.0.0.0/96", "0.0.0.0/0 is wider than /8"),
        ("TRUSTED_PROXIES", "::ffff:10.0.0.0/103", "10.0.0.0/7 is wider than /8"),
        ("TRUSTED_PROXIES", "nginx", "write the addresses of the proxies"),
        ("TRUSTED_PROXIES", "*", "write the addresses of the proxies"),
        ("TRUSTED_PROXIES", "127.0.0.1,10.0.0.0/33", "`10.0.0.0/33`"),
        ("TRUSTED_PROXIES", "127.0.0.1:80", "is not an address"),
    ]);
}

#[test]
fn what_a_token_is_bound_to() {
    refused(&[
        ("FINGERPRINT", "keyd", "the nearest is `keyed`"),
        ("FINGERPRINT", "keyed,keyed", "twice"),
        ("FINGERPRINT", "none", "write `keyed` or `article`"),
        ("REQUIRE_SAME", "user_agent", "the nearest is `user-agent`"),
        ("REQUIRE_SAME", "IP", "the nearest is `ip`"),
        ("REQUIRE_SAME", "ip,ip", "twice"),
        ("REQUIRE_SAME", "none,ip", "stands alone"),
        ("WATCH", "ipp", "the nearest is `ip`"),
        ("WATCH", "ip", "`ip` is required by SAMEHAND_REQUIRE_SAME=ip,user-agent already"),
        ("DPOP_NONCE", "on", "write `required` or `off`"),
        ("IPV4_PREFIX", "7", "from 8 to 32"),
        ("IPV4_PREFIX", "33", "from 8 to 32"),
        ("IPV4_PREFIX", "24.0", "whole number"),
        ("IPV6_PREFIX", "15", "from 16 to 128"),
        ("IPV6_PREFIX", "129", "from 16 to 128"),
        ("IPV6_PREFIX", "+64", "from 16 to 128"),
        ("USER_AGENT_MATCH", "loose", "write `family` or `exact`"),
        ("ENFORCE", "true", "write `on`, `report` or `observe`"),
        ("ENFORCE", "off", "write `on`, `report` or `observe`"),
        ("CLEAR_SITE_DATA", "yes", "write `auto`, `on` or `off`"),
        ("TOKEN_FROM", "header", "write `authorization` or `cookie`"),
        ("TOKEN_FROM", "cookie,cookie", "twice"),
    ]);
    let both = [("REQUIRE_SAME", "ip"), ("WATCH", "user-agent,ip")];
    only_problem(from_environment(&both), "WATCH", "remove it from one of the two");
}

#[test]
fn lifetimes() {
    refused(&[
        ("TOKEN_TTL", "3600", "30s, 15m, 8h or 7d"),
        ("TOKEN_TTL", "8 hours", "30s, 15m, 8h or 7d"),
        ("TOKEN_TTL", "-8h", "is not a length of time"),
        ("TOKEN_TTL", "0s", "at least 1s"),
        ("TOKEN_TTL", "31d", "longer than SAMEHAND_SESSION_TTL=30d"),
        ("SESSION_TTL", "366d", "from 1s to 365d"),
        ("SESSION_TTL", "1y", "30s, 15m, 8h or 7d"),
        ("SESSION_IDLE", "5s", "from 10s to 365d"),
        ("SESSION_IDLE", "366d", "from 10s to 365d"),
        ("AUDIT_TTL", "23h", "from 1d to 3650d"),
        ("AUDIT_TTL", "3651d", "from 1d to 3650d"),
    ]);
    only_problem(from_environment(&[("SESSION_TTL", "1h"), ("TOKEN_TTL", "2h")]), "TOKEN_TTL", "write at most 1h");
}

#[test]
fn addresses_of_pages_and_the_cookie() {
    refused(&[
        ("PUBLIC_URL", "auth.example.com", "does not begin with https://"),
        ("PUBLIC_URL", "ftp://auth.example.com", "does not begin with https://"),
        ("PUBLIC_URL", "https://", "is not a URL"),
        ("PUBLIC_URL", "https://auth.example.com/?a=b", "a query"),
        ("PUBLIC_URL", "https://auth.example.com/#a", "a fragment"),
        ("PUBLIC_URL", "https://user:word@auth.example.com", "a user or a password"),
        ("PUBLIC_URL", "https://@auth.example.com", "a user or a password"),
        ("PUBLIC_URL", "https://auth.example.com\\@evil.example", "a backslash"),
        ("PUBLIC_URL", "https://auth.exa\tmple.com", "a control character"),
        ("SIGN_IN_URL", "/sign-in", "does not begin with https://"),
        ("SIGN_IN_URL", "https://example.com/in#a", "a fragment"),
        ("SIGN_IN_URL", "https://user@example.com/in", "a user or a password"),
        ("COOKIE_DOMAIN", "co.uk", "public suffix"),
        ("COOKIE_DOMAIN", "github.io", "public suffix"),
        ("COOKIE_DOMAIN", "home", "single label"),
        ("COOKIE_DOMAIN", "192.0.2.1", "is an address"),
        ("COOKIE_DOMAIN", "[2001:db8::1]", "is an address"),
        ("COOKIE_DOMAIN", "2001:db8::1", "is an address"),
        ("COOKIE_DOMAIN", "3221225985", "is an address"),
        ("COOKIE_DOMAIN", "example.com:443", "has a port"),
        ("COOKIE_DOMAIN", "https://example.com", "is a URL"),
        ("COOKIE_DOMAIN", "*.example.com", "is not a domain"),
        ("COOKIE_DOMAIN", "example..com", "is not a domain"),
        ("COOKIE_NAME", "a b", "is not a cookie name"),
        ("COOKIE_NAME", "a=b", "is not a cookie name"),
        ("COOKIE_NAME", "käse", "is not a cookie name"),
    ]);
    let elsewhere = [("PUBLIC_URL", "https://auth.example.com"), ("COOKIE_DOMAIN", "ample.com")];
    only_problem(from_environment(&elsewhere), "COOKIE_DOMAIN", "not in `ample.com`");
    let at_an_address = [("PUBLIC_URL", "https://192.0.2.1"), ("COOKIE_DOMAIN", "example.com")];
    only_problem(from_environment(&at_an_address), "COOKIE_DOMAIN", "or `host`");
    let wide = [("COOKIE_DOMAIN", "example.com"), ("COOKIE_NAME", "__host-mine")];
    only_problem(from_environment(&wide), "COOKIE_NAME", "SAMEHAND_COOKIE_DOMAIN=host");
    let plain = [("PUBLIC_URL", "http://localhost:8080"), ("COOKIE_NAME", "__Secure-mine")];
    only_problem(from_environment(&plain), "COOKIE_NAME", "over plain http");
}

#[test]
fn the_service_itself() {
    refused(&[
        ("STORE", "mysql://samehand@db/samehand", "write sqlite, postgres://USER:PASSWORD@HOST/DATABASE"),
        ("STORE_MAX_STALE", "0s", "from 1s to 24h"),
        ("STORE_MAX_STALE", "2d", "from 1s to 24h"),
        ("STORE_KEY", "short", "at least 32"),
        ("WORKERS", "0", "from 1 to 512"),
        ("WORKERS", "513", "from 1 to 512"),
        ("WORKERS", "auto", "whole number"),
        ("LOG", "verbose", "the nearest is"),
        ("LOG", "info,samehand=loud", "`loud`"),
        ("LOG", "=debug", "is not a target"),
        ("LOG", "info/secret", "`info/secret`"),
        ("LOG", "info,tokio_postgres=debug", "tokio_postgres=info at most"),
        ("LOG", "tokio_postgres::query=TRACE", "tokio_postgres=info at most"),
        ("LOG", "tokio=debug", "tokio_postgres=info at most"),
        ("LOG_FORMAT", "xml", "write `text` or `json`"),
        ("ISSUER", "same\nhand", "control character"),
        ("AUDIENCE", "a\u{7f}b", "control character"),
        ("ALGORITHM", "ES256", "set SAMEHAND_SIGNING_KEY_FILE"),
        ("ALGORITHM", "none", "write `HS256`"),
        ("ALGORITHM", "HS512", "the nearest is `HS256`"),
    ]);
}

#[test]
fn secrets_that_replicas_would_not_have_in_common() {
    let shared = ("STORE", "postgres://samehand@db/samehand");
    let missing = |variables: &[(&str, &str)]| -> Vec<String> {
        problems(from_environment(variables)).into_iter().map(|problem| problem.setting).collect()
    };
    assert_eq!(missing(&[shared]), ["SAMEHAND_SECRET", "SAMEHAND_SALT"]);
    only_problem(from_environment(&[shared, ("SECRET", KEY)]), "SALT", "SAMEHAND_STORE_KEY");
    only_problem(from_environment(&[shared, ("SALT", SALT)]), "SECRET", "SAMEHAND_STORE_KEY");
    super::accepted(from_environment(&[shared, ("SECRET", KEY), ("SALT", SALT)]));
    super::accepted(from_environment(&[shared, ("STORE_KEY", "Nx4$kTq8mZt7yVb2Kw1Rw9Lp6Ns3Jd5H")]));
}

#[test]
fn names_that_do_not_exist() {
    refused(&[
        ("LISEN", "127.0.0.1:1", "SAMEHAND_LISTEN"),
        ("listen", "127.0.0.1:1", "SAMEHAND_LISTEN"),
        ("BIND", "127.0.0.1:1", "SAMEHAND_LISTEN (where to listen) or SAMEHAND_REQUIRE_SAME"),
        ("TRUSTED_PROXY", "127.0.0.1", "SAMEHAND_TRUSTED_PROXIES"),
        ("SECRETFILE", "/run/secret", "SAMEHAND_SECRET_FILE"),
        ("LISTEN_FILE", "/run/listen", "SAMEHAND_LISTEN cannot be given as a file"),
        ("SAMEHAND_LISTEN", "127.0.0.1:1", "no such setting"),
        ("", "x", "no such setting"),
        ("ADMIN_SERVICE_HOST", "10.0.0.1", "enableServiceLinks: false"),
        ("ADMIN_PORT", "tcp://10.0.0.1:9181", "enableServiceLinks: false"),
    ]);
    only_problem(from_environment(&[("LOGFORMAT", "")]), "LOGFORMAT", "SAMEHAND_LOG_FORMAT");
}

#[test]
fn the_settings_file() {
    refused_in_file(&[
        ("lisen = \"127.0.0.1:1\"", "LISEN", "the nearest one is listen"),
        ("LISTEN = \"127.0.0.1:1\"", "LISTEN", "lower case"),
        ("samehand_salt = \"x\"", "SAMEHAND_SALT", "the nearest one is salt "),
        ("bind = \"ip\"", "BIND", "SAMEHAND_REQUIRE_SAME"),
        ("config = \"other.toml\"", "CONFIG", "is not a setting"),
        ("[[rules]]\nhost = \"a\"", "RULES", "not in this release"),
        ("[server]\nlisten = \"127.0.0.1:1\"", "SERVER", "no tables"),
        ("[[users]]\nname = \"ada\"", "USERS", "no tables"),
        ("[listen]\nport = 1", "LISTEN", "in quotes"),
        ("socket_mode = 0o660", "SOCKET_MODE", "in quotes, such as \"0660\""),
        ("token_ttl = 3600", "TOKEN_TTL", "30s, 15m, 8h or 7d"),
        ("token_ttl = 1.5", "TOKEN_TTL", "in quotes"),
        ("token_ttl = [\"8h\"]", "TOKEN_TTL", "in quotes"),
        ("enforce = true", "ENFORCE", "write `on`, `report` or `observe`"),
        ("require_same = []", "REQUIRE_SAME", "empty list"),
        ("require_same = [1]", "REQUIRE_SAME", "list of texts"),
        ("require_same = [\"ip,user-agent\"]", "REQUIRE_SAME", "one value in each"),
        ("watch = [\"ipp\"]", "WATCH", "the nearest is `ip`"),
        ("store = \"mysql://db\"", "STORE", "write sqlite, postgres://"),
        ("\n\nlisten = ", "CONFIG", "not valid TOML near line 3"),
        ("log = \"info\"\nlog = \"warn\"", "CONFIG", "each name once"),
    ]);
}

#[test]
fn every_problem_is_told_at_once() {
    let variables =
        [("LISTEN", "x"), ("SECRET", "short"), ("WATCH", "ipp"), ("TYPO", "1"), ("WORKERS", "0"), ("LOG", "x")];
    let mut named: Vec<_> = problems(from_both(&variables, "token_ttl = 1\n[[rules]]"))
        .into_iter()
        .map(|problem| problem.setting)
        .collect();
    named.sort();
    let expected = ["LISTEN", "LOG", "RULES", "SECRET", "TOKEN_TTL", "TYPO", "WATCH", "WORKERS"];
    assert_eq!(named, expected.map(|name| format!("SAMEHAND_{name}")));
}

#[test]
fn no_message_shows_a_secret() {
    let short = "vQ7kZp2xW9";
    let attempts = [
        from_environment(&[("SECRET", short), ("SALT", "Zp2x"), ("ADMIN_TOKEN", short), ("SECRET_PREVIOUS", short)]),
        from_environment(&[("STORE", "postgres://samehand:vQ7kZp2xW9@db/x")]),
        from_environment(&[("PUBLIC_URL", "https://samehand:vQ7kZp2xW9@auth.example.com")]),
        from_both(&[], "secret = \"vQ7kZp2xW9"),
        from_both(&[], "secret = vQ7kZp2xW9"),
        from_both(&[], "secret = { value = \"vQ7kZp2xW9\" }"),
    ];
    for attempt in attempts {
        for problem in problems(attempt) {
            assert!(!problem.message.contains("Zp2x"), "{problem:?}");
        }
    }
    let config = super::accepted(from_environment(&[
        ("SECRET", KEY),
        ("SALT", SALT),
        ("ADMIN_TOKEN", "Nx4$kTq8mZt7yVb2Kw1Rw9Lp6Ns3Jd5H"),
    ]));
    assert!(config.report.iter().all(|line| !line.value.contains(KEY) && !line.value.contains(SALT)));
}
