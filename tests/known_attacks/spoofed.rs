//! Headers that claim something: other names for ours, hosts that would end up in an answer, bytes that are no text.

use crate::{
    BROWSER, IDENTITY, KINDS, PROXY, allowed, login, question, question_about, refused,
    support::{
        CLIENT, THIEF,
        client::{Connection, Request, ask},
        samehand::{PASSWORD, Samehand},
    },
};

/// oauth2-proxy CVE-2025-64484, Traefik GHSA-5m6w-wvh7-57vm, Caddy CVE-2026-52845.
#[test]
fn no_alias_stands_in_for_a_header_and_none_changes_one() {
    let samehand = Samehand::start(&[]);
    let token = samehand.mint("alice", CLIENT, BROWSER);
    let inputs = ["For", "Method", "Proto", "Host", "Uri"].map(|name| format!("X-Forwarded-{name}"));
    let good = question("nginx").bearer(&token);
    for input in &inputs {
        for alias in
            [input.replace('-', "_"), input.replace('-', "."), input.replacen('-', "_", 1), format!("{input}_")]
        {
            let value = if input.ends_with("For") { THIEF.to_string() } else { "rubbish".to_owned() };
            allowed(&samehand, &alias, &good.clone().header(&alias, value));
            let described = String::from_utf8(good.bytes()).expect("text");
            let renamed = described.replace(&format!("{input}:"), &format!("{alias}:"));
            assert_ne!(renamed, described, "{input} stands in a good question");
            let reply = {
                let mut connection = Connection::open(PROXY, &samehand.tcp);
                connection.send(renamed.as_bytes());
                connection.reply(false).unwrap_or_else(|error| panic!("{alias}: no answer ({error})"))
            };
            assert_eq!(reply.status, 403, "{alias} in place of {input}: {reply:?}");
        }
    }
    for alias in
        ["Remote_User", "Remote.User", "remote_user", "X-Remote-User", "X-Forwarded-User", "X-Auth-Request-User"]
    {
        refused(&samehand, alias, &question("nginx").header(alias, "alice"), 401);
    }
    for alias in ["Authorization_", "X-Authorization", "Proxy-Authorization", "X-Auth-Token", "X_Authorization"] {
        refused(&samehand, alias, &question("nginx").header(alias, format!("Bearer {token}")), 401);
    }
}

/// Caddy CVE-2026-30851: a 200 that leaves an identity header out leaves the client's own in.
#[test]
fn a_200_for_nobody_carries_every_identity_header_empty() {
    let samehand = Samehand::start(&[("ENFORCE", "observe")]);
    for kind in KINDS {
        let claims = IDENTITY.iter().fold(question(kind), |request, name| request.header(name, "root"));
        let reply = ask(PROXY, &samehand.tcp, &claims);
        assert_eq!(reply.status, 200, "{kind}: {reply:?}");
        for name in IDENTITY {
            assert_eq!(reply.all(name), [""], "{kind}: {reply:?}");
        }
    }
}

/// Traefik CVE-2026-35051, Envoy CVE-2023-27487: the usual headers are rebuilt and a less known one is believed.
#[test]
fn no_less_known_header_changes_the_decision() {
    let samehand = Samehand::start(&[]);
    let token = samehand.mint("alice", CLIENT, BROWSER);
    let names = [
        "X-Forwarded-Prefix",
        "X-Forwarded-Port",
        "X-Forwarded-Server",
        "X-Forwarded-Scheme",
        "X-Forwarded-Path",
        "X-Forwarded-Client-Cert",
        "X-Original-URL",
        "X-Original-URI",
        "X-Original-Host",
        "X-Rewrite-URL",
        "X-Envoy-Original-Path",
        "X-Envoy-External-Address",
        "X-HTTP-Method-Override",
        "X-Real-IP",
        "X-Client-IP",
        "X-Cluster-Client-IP",
        "True-Client-IP",
        "CF-Connecting-IP",
        "Fastly-Client-IP",
        "Forwarded",
        "Via",
        "Client-IP",
        "X-Host",
        "X-Scheme",
    ];
    for name in names {
        for value in ["/public", "127.0.0.7", "127.0.0.8", "for=127.0.0.7", "GET", "https", "127.0.0.7, 127.0.0.8"] {
            let row = format!("{name}: {value}");
            allowed(&samehand, &row, &question("caddy").bearer(&token).header(name, value));
            refused(&samehand, &row, &question("caddy").header(name, value), 401);
            let thief = question_about("caddy", "/page", THIEF).bearer(&token).header(name, value);
            refused(&samehand, &row, &thief, 403);
        }
    }
}

/// caddy-security #269: a host that somebody wrote ends up in a redirect or a cookie.
#[test]
fn no_answer_repeats_what_it_was_told() {
    const EVIL: &str = "evil.example";
    let samehand = Samehand::start(&[]);
    samehand.add_user("alice", &[]);
    let token = samehand.mint("alice", CLIENT, BROWSER);
    let told = |request: Request| {
        ["X-Forwarded-Host", "X-Forwarded-Server", "X-Original-Host", "Forwarded", "Origin", "Referer"]
            .iter()
            .fold(request, |request, name| {
                request.header(name, if *name == "Forwarded" { "host=evil.example" } else { EVIL })
            })
            .header("Accept", "text/html")
            .header("Sec-Fetch-Mode", "navigate")
    };
    let host = |kind: &str| {
        Request::get(&format!("/auth/{kind}?rd=https://evil.example/"))
            .header("X-Forwarded-For", CLIENT.to_string())
            .header("X-Forwarded-Method", "GET")
            .header("X-Forwarded-Proto", "https")
            .header("X-Forwarded-Uri", "//evil.example/?rd=https://evil.example/")
            .header("User-Agent", BROWSER)
    };
    let mut requests: Vec<Request> = KINDS.iter().map(|kind| told(host(kind))).collect();
    requests.extend(KINDS.iter().map(|kind| told(host(kind).bearer(&token))));
    requests.extend([told(login(PASSWORD)), told(login("not the password, but long"))]);
    for path in ["/whoami", "/login", "/logout?rd=//evil.example", "/.well-known/jwks.json", "/nothing/evil.example"] {
        requests
            .push(told(Request::get(path).header("X-Forwarded-For", CLIENT.to_string()).header("User-Agent", BROWSER)));
    }
    for request in requests {
        let row = String::from_utf8_lossy(&request.bytes()).lines().next().unwrap_or_default().to_owned();
        let reply = ask(PROXY, &samehand.tcp, &request);
        let (body, headers) = (String::from_utf8_lossy(&reply.body).into_owned(), format!("{:?}", reply.headers));
        assert!(!body.contains(EVIL) && !headers.contains(EVIL), "{row}: {reply:?}");
        assert!(reply.all("Location").is_empty() && reply.all("Set-Cookie").is_empty(), "{row}: {reply:?}");
        assert!(reply.all("Access-Control-Allow-Origin").is_empty(), "{row}: {reply:?}");
    }
}

/// Authelia CVE-2021-32637: a request URI that cannot be parsed is taken for one that needs no check.
#[test]
fn an_odd_request_uri_needs_a_token_like_any_other() {
    let samehand = Samehand::start(&[]);
    for uri in [
        "/%",
        "/%zz",
        "/%2",
        "/%00",
        "/%c0%af",
        "/%2e%2e/admin",
        "/public/../admin",
        "/public/%2e%2e%2fadmin",
        "//admin",
        "/\\admin",
        "/admin;jsessionid=1",
        "/admin#/public",
        "/admin%23/public",
        "/admin?/public",
        "/admin?p=/public/x",
        "/./.",
        "/{}",
        "/|",
        "/login/../admin",
        "/auth/nginx/../../admin",
        "/authentic",
        "/.well-known/../admin",
        "*",
    ] {
        refused(&samehand, uri, &question_about("traefik", uri, CLIENT), 401);
    }
    for uri in ["http://app.example.com/", "admin", "", "/a b", "app.example.com:443", "?x", "\\admin"] {
        refused(&samehand, uri, &question_about("traefik", uri, CLIENT), 400);
    }
}

/// nforwardauth and caddy-security #275: a byte that is no text brings the process down or the check to an early end.
#[test]
fn odd_bytes_in_any_header_break_nothing() {
    let mut samehand = Samehand::start(&[]);
    let token = samehand.mint("alice", CLIENT, BROWSER);
    let long = vec![b'a'; 64 * 1024];
    let values: [&[u8]; 7] = [b"", b"\xff", b"\x80\x81", b"caf\xc3\xa9", b"\t", b"\"", &long];
    for name in
        ["Cookie", "Accept", "Sec-Fetch-Mode", "X-Requested-With", "X-Request-Id", "Referer", "Range", "X-Anything"]
    {
        for value in values {
            let row = format!("{name}: {:?}", String::from_utf8_lossy(&value[..value.len().min(20)]));
            refused(&samehand, &row, &question("nginx").header(name, value), 401);
            allowed(&samehand, &row, &question("nginx").bearer(&token).header(name, value));
            assert!(samehand.process.is_alive(), "after {row}");
        }
    }
}
