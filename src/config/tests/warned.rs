//! What is allowed and warned about, and what passes without a word.

use super::{KEY, SALT, Variables, accepted, from_environment};

/// Exactly one warning, which names the setting (without prefix) and contains the fragment.
#[track_caller]
fn only_warning(variables: Variables, setting: &str, fragment: &str) {
    let warnings = accepted(from_environment(variables)).warnings;
    let [warning] = warnings.as_slice() else { panic!("not one warning: {warnings:#?}") };
    assert!(warning.starts_with(&format!("SAMEHAND_{setting}: ")), "{warning}");
    assert!(warning.contains(fragment), "{warning:?} does not say {fragment:?}");
}

#[track_caller]
fn silent(variables: Variables) {
    assert_eq!(accepted(from_environment(variables)).warnings, Vec::<String>::new());
}

#[test]
fn wide_proxy_networks() {
    only_warning(&[("TRUSTED_PROXIES", "10.0.0.0/23")], "TRUSTED_PROXIES", "10.0.0.0/23 is wide");
    only_warning(&[("TRUSTED_PROXIES", "127.0.0.1,10.0.0.0/8")], "TRUSTED_PROXIES", "any client address");
    only_warning(&[("TRUSTED_PROXIES", "2001:db8::/63")], "TRUSTED_PROXIES", "2001:db8::/63 is wide");
    only_warning(&[("TRUSTED_PROXIES", "2001::/16")], "TRUSTED_PROXIES", "2001::/16 is wide");
    only_warning(&[("TRUSTED_PROXIES", "::ffff:10.0.0.0/104")], "TRUSTED_PROXIES", "10.0.0.0/8 is wide");
    silent(&[("TRUSTED_PROXIES", "10.0.0.0/24,2001:db8::/64,::ffff:10.0.1.0/120")]);
}

#[test]
fn choices_that_protect_little() {
    only_warning(&[("REQUIRE_SAME", "none")], "REQUIRE_SAME", "works anywhere");
    let pages = ("PUBLIC_URL", "https://auth.example.com");
    only_warning(&[("REQUIRE_SAME", "dpop"), pages], "REQUIRE_SAME", "a form brings no proof");
    silent(&[("REQUIRE_SAME", "ip,dpop")]);
    only_warning(&[("DPOP_NONCE", "off")], "DPOP_NONCE", "made in advance");
    only_warning(&[("ENFORCE", "report")], "ENFORCE", "only logged");
    only_warning(&[("ENFORCE", "observe")], "ENFORCE", "OBSERVING ONLY");
    silent(&[("REQUIRE_SAME", "ip"), ("WATCH", "user-agent")]);
}

#[test]
fn bindings_that_whoever_copies_a_token_copies_too() {
    only_warning(&[("REQUIRE_SAME", "user-agent")], "REQUIRE_SAME", "with `user-agent` alone");
    only_warning(
        &[("REQUIRE_SAME", "user-agent"), ("WATCH", "ip")],
        "REQUIRE_SAME",
        "SAMEHAND_WATCH=ip only reports it",
    );
    only_warning(&[("REQUIRE_SAME", "none"), ("WATCH", "ip")], "REQUIRE_SAME", "SAMEHAND_WATCH=ip only reports it");
    only_warning(&[("IPV4_PREFIX", "15")], "IPV4_PREFIX", "as wide as a provider");
    only_warning(&[("IPV6_PREFIX", "/31")], "IPV6_PREFIX", "write at least 32");
    silent(&[("IPV4_PREFIX", "16"), ("IPV6_PREFIX", "32")]);
}

#[test]
fn cookie_proofs_that_add_nothing() {
    let tokens_from = |from, require, watch| [("TOKEN_FROM", from), ("REQUIRE_SAME", require), ("WATCH", watch)];
    silent(&tokens_from("authorization", "user-agent,cookie", "ip"));
    silent(&tokens_from("authorization", "cookie", "ip,user-agent"));
    only_warning(&tokens_from("cookie", "ip,cookie", "none"), "REQUIRE_SAME", "adds nothing");
    let both = tokens_from("authorization,cookie", "user-agent,cookie", "ip");
    only_warning(&both, "REQUIRE_SAME", "bound to `user-agent` alone");
    only_warning(&tokens_from("authorization,cookie", "cookie", "ip"), "REQUIRE_SAME", "bound to nothing");
    only_warning(&tokens_from("authorization", "ip", "cookie"), "WATCH", "only watched proves nothing");
    // However wide the prefix is, the cookie protects.
    silent(&[("TOKEN_FROM", "authorization"), ("REQUIRE_SAME", "ip,cookie"), ("IPV4_PREFIX", "8")]);
}

#[test]
fn article_tokens_beside_a_stricter_policy() {
    let stricter = [("TOKEN_FROM", "authorization"), ("REQUIRE_SAME", "user-agent,cookie")];
    let secrets = [("SECRET", KEY), ("SALT", SALT)];
    let migrating = [&[("FINGERPRINT", "keyed,article")], &stricter[..], &secrets].concat();
    only_warning(&migrating, "FINGERPRINT", "does not count for them");
    silent(&[&[("FINGERPRINT", "keyed,article")], &secrets[..]].concat());
}

#[test]
fn an_administration_that_others_can_reach() {
    only_warning(&[("ADMIN_LISTEN", "0.0.0.0:9181")], "ADMIN_LISTEN", "other machines");
    only_warning(&[("ADMIN_LISTEN", "[2001:db8::1]:9181")], "ADMIN_LISTEN", "other machines");
    silent(&[("ADMIN_LISTEN", "127.0.0.9:1,[::1]:1,[::ffff:127.0.0.1]:1,unix:/run/admin.sock")]);
    silent(&[("LISTEN", "0.0.0.0:9180")]);
}

#[test]
fn pages_over_plain_http() {
    silent(&[("PUBLIC_URL", "https://auth.example.com"), ("SIGN_IN_URL", "https://example.com/in")]);
    silent(&[("PUBLIC_URL", "http://localhost:9180")]);
    only_warning(&[("PUBLIC_URL", "http://auth.example.com")], "PUBLIC_URL", "plain http");
    only_warning(&[("SIGN_IN_URL", "http://example.com/in")], "SIGN_IN_URL", "plain http");
}

#[test]
fn pages_at_the_port_of_the_service_itself() {
    only_warning(&[("PUBLIC_URL", "https://auth.example.com:9180")], "PUBLIC_URL", "(SAMEHAND_LISTEN)");
    only_warning(&[("PUBLIC_URL", "https://auth.example.com:9181")], "PUBLIC_URL", "(SAMEHAND_ADMIN_LISTEN)");
    only_warning(&[("PUBLIC_URL", "https://auth.localhost:9180")], "PUBLIC_URL", "the address that the proxy has");
    silent(&[("PUBLIC_URL", "https://auth.example.com:9180"), ("LISTEN", "127.0.0.1:8000")]);
    silent(&[("PUBLIC_URL", "https://auth.example.com:9180"), ("LISTEN", "unix:/run/samehand/auth.sock")]);
}

#[test]
fn a_cookie_that_the_applications_beside_the_pages_do_not_get() {
    let at = |url, domain| [("PUBLIC_URL", url), ("COOKIE_DOMAIN", domain)];
    let auth = "https://auth.example.com";
    only_warning(&at(auth, "auth.example.com"), "COOKIE_DOMAIN", "write example.com for all hosts");
    only_warning(&at(auth, ".Auth.Example.com"), "COOKIE_DOMAIN", "or `host`");
    for (url, domain) in [(auth, "example.com"), (auth, "host"), ("https://example.com", "example.com")] {
        silent(&at(url, domain));
    }
    silent(&[("PUBLIC_URL", auth)]);
}

#[test]
fn stores_on_a_network_where_nothing_proves_who_answers() {
    let at = |address| [("STORE", address), ("STORE_KEY", KEY)];
    only_warning(&at("postgres://u:p@db.example/x"), "STORE", "sslmode=verify-full");
    only_warning(&at("redis://cache.example"), "STORE", "rediss://");
    silent(&at("postgres://u:p@127.0.0.1/x"));
    silent(&at("rediss://cache.example"));
}

#[test]
fn secrets_that_were_not_replaced_or_carry_blanks() {
    only_warning(&[("SECRET", KEY), ("SECRET_PREVIOUS", KEY)], "SECRET_PREVIOUS", "nothing was replaced");
    only_warning(&[("SALT", SALT), ("SALT_PREVIOUS", SALT)], "SALT_PREVIOUS", "nothing was replaced");
    let with_line_break = format!("{KEY}\n");
    only_warning(&[("SECRET", &with_line_break)], "SECRET", "line break");
    silent(&[("SECRET", KEY), ("SALT", SALT)]);
}

#[test]
fn short_but_unknown_secrets_in_article_mode() {
    let article = |secret, salt| [("FINGERPRINT", "article"), ("SECRET", secret), ("SALT", salt)];
    only_warning(&article("vQ7kZp2xW9", SALT), "SECRET", "too short: 10 bytes");
    only_warning(&article(KEY, "mXw7"), "SALT", "too short: 4 bytes");
    let migrating = [("FINGERPRINT", "keyed,article"), ("SECRET", "short-but-unknown"), ("SALT", SALT)];
    only_warning(&migrating, "SECRET", "too short");
    silent(&article(KEY, SALT));
}

#[test]
fn article_mode_without_the_other_services_values() {
    let warnings = accepted(from_environment(&[("FINGERPRINT", "article")])).warnings;
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings.iter().all(|warning| warning.contains("the value used there")));
    silent(&[("FINGERPRINT", "article"), ("SECRET", KEY), ("SALT", SALT), ("REQUIRE_SAME", "none")]);
}
