//! What is said to be weaker after the settings were read again.

use super::super::weaker;
use super::{KEY, SALT, accepted, from_environment};

type Variables = &'static [(&'static str, &'static str)];

/// Setting, the settings before and after, and what is said of it: old value, new value, a part of the sentence.
type Row = (&'static str, Variables, Variables, &'static str, &'static str, &'static str);

const TOKEN: &str = "Nx4$kTq8mZt7yVb2Kw1Rw9Lp6Ns3Jd5H";
const MTLS: Variables = &[("CLIENT_CERT_HEADER", "x-client-cert"), ("REQUIRE_SAME", "ip,user-agent,mtls")];
const PARTS: Variables = &[("HEADER_PARTS", "ja4:x-ja4,asn:x-asn"), ("REQUIRE_SAME", "ip,asn"), ("WATCH", "ja4")];
const FEWER: Variables = &[("HEADER_PARTS", "asn:x-asn"), ("REQUIRE_SAME", "ip,asn")];
const MOVED: Variables = &[("HEADER_PARTS", "ja4:x-ja4,asn:x-other"), ("REQUIRE_SAME", "ip,asn"), ("WATCH", "ja4")];
const WIDE: &str = "127.0.0.1,::1,10.0.0.0/24";

const ROWS: [Row; 35] = [
    ("REQUIRE_SAME", MTLS, &[("CLIENT_CERT_HEADER", "x-client-cert")], "ip,user-agent,mtls", "ip,user-agent", "`mtls`"),
    ("REQUIRE_SAME", &[], &[("REQUIRE_SAME", "none")], "ip,user-agent", "none", "`ip`, `user-agent`"),
    (
        "REQUIRE_SAME",
        &[],
        &[("REQUIRE_SAME", "user-agent"), ("WATCH", "ip")],
        "ip,user-agent",
        "user-agent",
        "only reported",
    ),
    ("REQUIRE_SAME", PARTS, &[("REQUIRE_SAME", "ip")], "ip,asn", "ip", "`asn`"),
    (
        "WATCH",
        &[("REQUIRE_SAME", "ip"), ("WATCH", "user-agent")],
        &[("REQUIRE_SAME", "ip")],
        "user-agent",
        "none",
        "`user-agent`",
    ),
    ("WATCH", PARTS, FEWER, "ja4", "none", "`ja4`"),
    ("HEADER_PARTS", PARTS, FEWER, "ja4:x-ja4,asn:x-asn", "asn:x-asn", "`ja4` is no longer read"),
    ("HEADER_PARTS", PARTS, MOVED, "ja4:x-ja4,asn:x-asn", "ja4:x-ja4,asn:x-other", "`asn` is read from another header"),
    ("CLIENT_CERT_HEADER", MTLS, &[], "x-client-cert", "unset", "no longer read"),
    ("CLIENT_CERT_HEADER", MTLS, &[("CLIENT_CERT_HEADER", "x-cert")], "x-client-cert", "x-cert", "another header"),
    ("ENFORCE", &[], &[("ENFORCE", "report")], "on", "report", "a client that changed"),
    ("ENFORCE", &[], &[("ENFORCE", "observe")], "on", "observe", "nobody"),
    ("ENFORCE", &[("ENFORCE", "report")], &[("ENFORCE", "observe")], "report", "observe", "nobody"),
    ("TRUSTED_PROXIES", &[], &[("TRUSTED_PROXIES", WIDE)], "127.0.0.1,::1", WIDE, "from 10.0.0.0/24 may"),
    ("TRUSTED_PROXIES", &[], &[("TRUSTED_PROXIES", "192.0.2.1")], "127.0.0.1,::1", "192.0.2.1", "from 192.0.2.1 may"),
    ("IPV4_PREFIX", &[], &[("IPV4_PREFIX", "24")], "32", "24", "/24, before /32"),
    ("IPV6_PREFIX", &[], &[("IPV6_PREFIX", "48")], "64", "48", "/48, before /64"),
    ("USER_AGENT_MATCH", &[("USER_AGENT_MATCH", "exact")], &[], "exact", "family", "version"),
    ("DPOP_NONCE", &[], &[("DPOP_NONCE", "off")], "required", "off", "no nonce"),
    (
        "FINGERPRINT",
        &[],
        &[("FINGERPRINT", "keyed,article")],
        "keyed",
        "keyed,article",
        "`article` tokens are accepted",
    ),
    ("FINGERPRINT", &[], &[("FINGERPRINT", "article")], "keyed", "article", "bound to address and User-Agent only"),
    ("TOKEN_FROM", &[("TOKEN_FROM", "cookie")], &[], "cookie", "authorization,cookie", "one more place"),
    ("AUDIENCE", &[("AUDIENCE", "shop")], &[], "shop", "unset", "any audience"),
    ("TOKEN_TTL", &[("TOKEN_TTL", "1h")], &[], "1h", "8h", "28800 seconds, before 3600"),
    ("SESSION_TTL", &[], &[("SESSION_TTL", "60d")], "30d", "60d", "5184000 seconds, before 2592000"),
    ("SESSION_IDLE", &[("SESSION_IDLE", "1h")], &[("SESSION_IDLE", "2h")], "1h", "2h", "7200 seconds, before 3600"),
    ("SESSION_IDLE", &[("SESSION_IDLE", "1h")], &[], "1h", "unset", "not used"),
    ("STORE_MAX_STALE", &[], &[("STORE_MAX_STALE", "1h")], "5m", "1h", "3600 seconds, before 300"),
    ("AUDIT_TTL", &[], &[("AUDIT_TTL", "1d")], "90d", "1d", "86400 seconds, before 7776000"),
    ("ADMIN_TOKEN", &[], &[("ADMIN_TOKEN", TOKEN)], "unset", "set", "whoever knows the token"),
    ("COOKIE_DOMAIN", &[], &[("COOKIE_DOMAIN", "example.com")], "host", "example.com", "every host of example.com"),
    (
        "COOKIE_DOMAIN",
        &[("COOKIE_DOMAIN", "a.example.com")],
        &[("COOKIE_DOMAIN", "example.com")],
        "a.example.com",
        "example.com",
        "every host of example.com",
    ),
    (
        "COOKIE_DOMAIN",
        &[("COOKIE_DOMAIN", "a.example")],
        &[("COOKIE_DOMAIN", "b.a.example2.com")],
        "a.example",
        "b.a.example2.com",
        "every host",
    ),
    ("COOKIE_NAME", &[("COOKIE_NAME", "__Secure-a")], &[("COOKIE_NAME", "a")], "__Secure-a", "a", "promises less"),
    (
        "PUBLIC_URL",
        &[("PUBLIC_URL", "https://localhost")],
        &[("PUBLIC_URL", "http://localhost")],
        "https://localhost",
        "http://localhost",
        "plain http",
    ),
];

#[test]
fn what_protects_less_is_said_with_both_values_and_in_the_other_direction_nothing() {
    for (setting, before, after, old, new, sentence) in ROWS {
        let full_name = format!("SAMEHAND_{setting}");
        let (before, after) = (accepted(from_environment(before)), accepted(from_environment(after)));
        let said = weaker(&before, &after);
        let Some(found) = said.iter().find(|weaker| weaker.setting == full_name) else {
            panic!("{setting} {old} -> {new}: {said:?}");
        };
        assert_eq!((found.old.as_str(), found.new.as_str()), (old, new), "{setting}");
        assert!(found.what.contains(sentence), "{setting}: {:?} does not say {sentence:?}", found.what);
        assert_eq!(weaker(&before, &before), [], "{setting}: nothing changed");
    }
}

#[test]
fn what_protects_as_much_or_more_is_not_said() {
    let rows: [(Variables, Variables); 12] = [
        (&[], &[("REQUIRE_SAME", "ip,user-agent,cookie")]),
        (&[("REQUIRE_SAME", "ip"), ("WATCH", "user-agent")], &[]),
        (&[("ENFORCE", "observe")], &[("ENFORCE", "report")]),
        (&[("ENFORCE", "report")], &[]),
        (&[("TRUSTED_PROXIES", "10.0.0.0/24")], &[("TRUSTED_PROXIES", "10.0.0.9,::ffff:10.0.0.128/121")]),
        (&[("TRUSTED_PROXIES", "10.0.0.0/25,10.0.0.128/25")], &[("TRUSTED_PROXIES", "10.0.0.0/24")]),
        (&[("IPV4_PREFIX", "24"), ("IPV6_PREFIX", "48")], &[("USER_AGENT_MATCH", "exact")]),
        (&[("FINGERPRINT", "keyed,article")], &[]),
        (&[], &[("TOKEN_TTL", "1h"), ("SESSION_TTL", "1d"), ("SESSION_IDLE", "1h"), ("STORE_MAX_STALE", "1m")]),
        (&[("COOKIE_DOMAIN", "example.com")], &[("COOKIE_DOMAIN", "a.example.com")]),
        (&[("ADMIN_TOKEN", TOKEN)], &[("AUDIENCE", "shop"), ("ISSUER", "another"), ("AUDIT_TTL", "100d")]),
        (&[("SECRET", SALT_AND_MORE), ("SALT", SALT)], &[("SECRET", KEY), ("TOKEN_FROM", "cookie")]),
    ];
    for (before, after) in rows {
        let said = weaker(&accepted(from_environment(before)), &accepted(from_environment(after)));
        assert_eq!(said, [], "{before:?} -> {after:?}");
    }
}

const SALT_AND_MORE: &str = "Lw3mZ9xB6vT1yR8kQ4nH7jD2pF5sG0cE";
