//! `HEADER_PARTS` and `CLIENT_CERT_HEADER`: what may be named, and what has to go together.

use super::{accepted, from_environment, only_problem};

#[track_caller]
fn warned(variables: super::Variables, expected: &[&str]) {
    let warnings = accepted(from_environment(variables)).warnings;
    let told = expected.iter().zip(&warnings).all(|(fragment, warning)| warning.contains(fragment));
    assert!(told && warnings.len() == expected.len(), "{warnings:#?}");
}

#[test]
fn parts_of_headers_are_compared_under_their_names() {
    let config = accepted(from_environment(&[
        ("HEADER_PARTS", "ja4:X-JA4, country : x-country"),
        ("REQUIRE_SAME", "ip,ja4"),
        ("WATCH", "country,user-agent"),
    ]));
    let policy = config.policy;
    assert_eq!(policy.header_parts.names(policy.require_same), "ip,ja4");
    assert_eq!(policy.header_parts.names(policy.watch), "user-agent,country");
    let headers: Vec<_> = policy.header_parts.iter().map(|(_, part)| part.header.as_str()).collect();
    assert_eq!(headers, ["x-ja4", "x-country"]);
    assert_eq!(config.warnings, Vec::<String>::new());
}

#[test]
fn headers_that_something_else_is_read_from_are_refused() {
    let long = "a".repeat(33);
    for (value, fragment) in [
        ("ja4", "write for example ja4:X-JA4"),
        ("ja4:", "is no name of a header"),
        ("ja4:X JA4", "is no name of a header"),
        (":X-JA4", "is no name of a part"),
        ("JA4:X-JA4", "is no name of a part"),
        ("ja_4:X-JA4", "is no name of a part"),
        (&format!("{long}:X-JA4"), "is no name of a part"),
        ("ip:X-JA4", "has a meaning already"),
        ("mtls:X-JA4", "has a meaning already"),
        ("none:X-JA4", "has a meaning already"),
        ("a:X-A,a:X-B", "twice"),
        ("a:X-A,b:x-a", "`a` and `b` are the same header"),
        ("a:A1,b:A2,c:A3,d:A4,e:A5,f:A6,g:A7,h:A8,i:A9", "9 parts are too many; write at most 8"),
        ("a:User-Agent", "is read for something else"),
        ("a:x-forwarded-for", "is read for something else"),
        ("a:Cookie", "is read for something else"),
        ("a:TE", "is read for something else"),
        ("a:Remote-User", "is read for something else"),
    ] {
        only_problem(from_environment(&[("HEADER_PARTS", value)]), "HEADER_PARTS", fragment);
    }
    for (value, fragment) in [
        ("X Client Cert", "is no name of a header"),
        ("Authorization", "is read for something else"),
        ("Connection", "is read for something else"),
        ("X-Forwarded-Uri", "is read for something else"),
    ] {
        only_problem(from_environment(&[("CLIENT_CERT_HEADER", value)]), "CLIENT_CERT_HEADER", fragment);
    }
    let both = [("HEADER_PARTS", "a:X-Client-Cert"), ("CLIENT_CERT_HEADER", "X-Client-Cert"), ("WATCH", "a,mtls")];
    only_problem(from_environment(&both), "CLIENT_CERT_HEADER", "SAMEHAND_HEADER_PARTS has this header as `a`");
}

#[test]
fn a_certificate_that_is_compared_has_to_come_from_somewhere() {
    only_problem(
        from_environment(&[("REQUIRE_SAME", "mtls")]),
        "CLIENT_CERT_HEADER",
        "SAMEHAND_REQUIRE_SAME has `mtls`",
    );
    only_problem(from_environment(&[("WATCH", "mtls")]), "CLIENT_CERT_HEADER", "SAMEHAND_WATCH has `mtls`");
    let watching = [("CLIENT_CERT_HEADER", "X-Client-Cert"), ("WATCH", "mtls")];
    warned(&watching, &["there are tokens that work without `mtls`"]);
    warned(&[("CLIENT_CERT_HEADER", "X-Client-Cert"), ("REQUIRE_SAME", "mtls")], &[]);
    warned(&[("CLIENT_CERT_HEADER", "X-Client-Cert")], &["no new token is bound to the certificate"]);
    warned(&[("HEADER_PARTS", "a:X-A,b:X-B"), ("WATCH", "b")], &["`a` is not compared"]);
}

#[test]
fn a_part_without_a_header_is_unknown() {
    only_problem(from_environment(&[("WATCH", "ja4")]), "WATCH", "`ja4` is not known");
}
