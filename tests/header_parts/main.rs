//! Parts of a client that the proxy tells in a header: which network it is in, told by each real proxy in the way that
//! `examples/header-parts/` shows, and by clients who lie.

#[path = "../support/mod.rs"]
mod support;

use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use support::{
    CLIENT, THIEF,
    backend::Backend,
    caddy,
    client::{Address, Reply, Request, ask},
    nginx,
    samehand::{Decision, PASSWORD, Samehand},
    shipped::Proxy,
    traefik,
};

const BROWSER: &str = "curl/8.5.0";
const ADMIN_TOKEN: &str = "q8m2Zt7yVb4Kx1Rw9Lp6Ns3Jd5Hf0GcA";
const PARTS: (&str, &str) = ("HEADER_PARTS", "network:X-Network");
/// What a client writes to be somewhere else.
const SPELLINGS: [&str; 4] = ["X-Network", "x-network", "X_Network", "X.Network"];

#[test]
fn nginx_tells_it() {
    only_the_proxy_tells_it(|samehand| &samehand.unix, nginx::start_with_parts);
}

#[test]
fn traefik_tells_it() {
    only_the_proxy_tells_it(|samehand| &samehand.tcp, traefik::start_with_parts);
}

#[test]
fn caddy_tells_it() {
    only_the_proxy_tells_it(|samehand| &samehand.tcp, caddy::start_with_parts);
}

/// [`CLIENT`] is in the office, [`THIEF`] is not.
fn only_the_proxy_tells_it(own: impl Fn(&Samehand) -> &Address, start: impl Fn(&Address, SocketAddr) -> Proxy) {
    let (samehand, application) = (start_with(&[("REQUIRE_SAME", "user-agent,network")]), Backend::start());
    let proxy = start(own(&samehand), application.address);
    let asks = Asks { samehand: &samehand, to: &proxy.address, names: AtomicU64::new(0) };

    let office = asks.sign_in(CLIENT, &[]);
    asks.page(CLIENT, &office, &[]).is("in the office", 200, "ok", "");
    asks.page(THIEF, &office, &[]).is("elsewhere", 403, "client-changed", "network");
    for name in SPELLINGS {
        for lines in [&[(name, "office")][..], &[(name, "office"), (name, "office")]] {
            asks.page(THIEF, &office, lines).is(&format!("{lines:?} from elsewhere"), 403, "client-changed", "network");
        }
        let lines = [(name, "elsewhere")];
        asks.page(CLIENT, &office, &lines).is(&format!("{lines:?} from the office"), 200, "ok", "");
        let claimed = asks.sign_in(THIEF, &[(name, "office")]);
        asks.page(CLIENT, &claimed, &[]).is(&format!("{name} at the sign-in"), 403, "client-changed", "network");
        asks.page(THIEF, &claimed, &[]).is(&format!("{name} at the sign-in"), 200, "ok", "");
    }

    let metrics = ask(CLIENT, &samehand.admin, &Request::get("/metrics"));
    let counted = String::from_utf8(metrics.body).expect("text");
    assert!(counted.contains(r#"samehand_client_changes_total{part="network"}"#), "{counted}");
}

#[test]
fn a_watched_part_is_reported_by_its_name() {
    let (samehand, application) =
        (start_with(&[("REQUIRE_SAME", "user-agent"), ("WATCH", "network")]), Backend::start());
    let proxy = nginx::start_with_parts(&samehand.unix, application.address);
    let asks = Asks { samehand: &samehand, to: &proxy.address, names: AtomicU64::new(0) };
    let office = asks.sign_in(CLIENT, &[]);
    asks.page(CLIENT, &office, &[]).is("in the office", 200, "ok", "");
    asks.page(THIEF, &office, &[]).is("elsewhere", 200, "ok", "network");
}

#[test]
fn an_absent_header_is_a_value_and_two_lines_are_a_refusal() {
    let samehand = start_with(&[("REQUIRE_SAME", "user-agent,network")]);
    let asks = Asks { samehand: &samehand, to: &samehand.unix, names: AtomicU64::new(0) };
    let told = asks.sign_in(CLIENT, &[("X-Network", "office")]);
    let nothing = asks.sign_in(CLIENT, &[]);
    for (row, token, lines, status, reason) in [
        ("the same", &told, &["office"][..], 200, "ok"),
        ("blanks around it", &told, &["  office "], 200, "ok"),
        ("other letter case", &told, &["Office"], 403, "client-changed"),
        ("nothing any more", &told, &[], 403, "client-changed"),
        ("empty", &told, &[""], 403, "client-changed"),
        ("nothing, as before", &nothing, &[], 200, "ok"),
        ("empty is absent", &nothing, &[""], 200, "ok"),
        ("something now", &nothing, &["office"], 403, "client-changed"),
        ("two lines", &told, &["office", "office"], 403, "forwarded-ambiguous"),
        ("two lines, one empty", &told, &["office", ""], 403, "forwarded-ambiguous"),
        ("two empty lines", &nothing, &["", ""], 403, "forwarded-ambiguous"),
    ] {
        let lines: Vec<_> = lines.iter().map(|value| ("X-Network", *value)).collect();
        let changed = if reason == "client-changed" { "network" } else { "" };
        asks.question(token, &lines).is(row, status, reason, changed);
    }
    samehand.process.wait_for("which header it is", |line| line.contains("x-network on several lines").then_some(()));
    let reply = asks.try_to_sign_in(CLIENT, &[("X-Network", "office"), ("X-Network", "office")]);
    assert_eq!(reply.status, 400, "{reply:?}");
    let explained = samehand.run(
        &[
            "explain",
            "--proxy",
            "nginx",
            "--peer",
            "unix",
            "--ip",
            "127.0.0.7",
            "--user-agent",
            BROWSER,
            "--token",
            &told,
            "--header",
            "X-Network: a",
            "--header",
            "X-Network: b",
        ],
        "",
    );
    let said = String::from_utf8_lossy(&explained.stdout).into_owned();
    assert!(said.contains("network stands on several lines"), "{said}");

    // Past the proxy nobody says which network it is.
    let request = Request::post("/login", credentials()).header("Content-Type", "application/json");
    let request = request.header("User-Agent", BROWSER).header("X-Network", "office");
    let by_itself = token_of(&ask(THIEF, &samehand.tcp, &request));
    asks.question(&by_itself, &[("X-Network", "office")]).is(
        "written to samehand itself",
        403,
        "client-changed",
        "network",
    );
    asks.question(&by_itself, &[]).is("written to samehand itself", 200, "ok", "");
}

#[test]
fn whoever_vouches_for_a_client_says_what_the_proxy_will_say() {
    let samehand = start_with(&[("REQUIRE_SAME", "user-agent,network")]);
    let asks = Asks { samehand: &samehand, to: &samehand.unix, names: AtomicU64::new(0) };
    let usual = ["token", "mint", "--user", "alice", "--ip", "127.0.0.7", "--user-agent", BROWSER];
    let by_command = |part: &str| samehand.succeed(&[&usual[..], &["--part", part]].concat(), "");
    let mint = |parts: &Value| {
        let body = json!({ "sub": "alice", "ip": "127.0.0.7", "user_agent": BROWSER, "parts": parts });
        let request = Request::post("/mint", body.to_string()).header("Content-Type", "application/json");
        ask(Ipv4Addr::LOCALHOST, &samehand.admin, &request.bearer(ADMIN_TOKEN))
    };
    let office = [by_command("network=office"), token_of(&mint(&json!({ "network": "office" })))];
    let nothing = [by_command("network="), token_of(&mint(&json!({ "network": null })))];
    for (office, nothing) in office.iter().zip(&nothing) {
        asks.question(office, &[("X-Network", "office")]).is("as it was said", 200, "ok", "");
        asks.question(office, &[]).is("otherwise", 403, "client-changed", "network");
        asks.question(nothing, &[]).is("nothing, as it was said", 200, "ok", "");
        asks.question(nothing, &[("X-Network", "office")]).is("otherwise", 403, "client-changed", "network");
    }
    for parts in [json!({}), json!({ "ja4": "t13d" }), json!({ "network": 1 }), json!({ "network": "a\nb" })] {
        let reply = mint(&parts);
        assert_eq!(
            (reply.status, reply.json()["error"].as_str()),
            (400, Some("invalid_request")),
            "{parts}: {reply:?}"
        );
    }
    for options in [&[][..], &["--part", "ja4=t13d", "--part", "network=a"], &["--part", "network"]] {
        let output = samehand.run(&[&usual[..], options].concat(), "");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains("--part"), "{options:?}: {said}");
    }
}

#[track_caller]
fn start_with(settings: &[(&str, &str)]) -> Samehand {
    let samehand = Samehand::start(&[&[PARTS, ("ADMIN_TOKEN", ADMIN_TOKEN)], settings].concat());
    samehand.add_user("alice", &[]);
    samehand
}

fn credentials() -> String {
    json!({ "username": "alice", "password": PASSWORD }).to_string()
}

#[track_caller]
fn token_of(reply: &Reply) -> String {
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()["token"].as_str().expect("a token").to_owned()
}

/// Clients of one samehand, behind a proxy or in its place.
struct Asks<'world> {
    samehand: &'world Samehand,
    to: &'world Address,
    names: AtomicU64,
}

struct Outcome {
    reply: Reply,
    decision: Decision,
}

impl Asks<'_> {
    #[track_caller]
    fn sign_in(&self, from: Ipv4Addr, lines: &[(&str, &str)]) -> String {
        token_of(&self.try_to_sign_in(from, lines))
    }

    #[track_caller]
    fn try_to_sign_in(&self, from: Ipv4Addr, lines: &[(&str, &str)]) -> Reply {
        let request = Request::post("/login", credentials()).header("Content-Type", "application/json");
        // A proxy replaces it; in the place of one it says who the client is.
        let request = request.header("X-Forwarded-For", from.to_string()).header("User-Agent", BROWSER);
        ask(from, self.to, &with(request, lines))
    }

    /// A page of the application.
    #[track_caller]
    fn page(&self, from: Ipv4Addr, token: &str, lines: &[(&str, &str)]) -> Outcome {
        self.outcome(from, Request::get("/page"), token, lines)
    }

    /// In the place of nginx, from [`CLIENT`].
    #[track_caller]
    fn question(&self, token: &str, lines: &[(&str, &str)]) -> Outcome {
        let forwarded = [
            ("X-Forwarded-For", "127.0.0.7"),
            ("X-Forwarded-Method", "GET"),
            ("X-Forwarded-Proto", "http"),
            ("X-Forwarded-Host", "app.example.com"),
            ("X-Forwarded-Uri", "/page"),
        ];
        self.outcome(CLIENT, with(Request::get("/auth/nginx"), &forwarded), token, lines)
    }

    #[track_caller]
    fn outcome(&self, from: Ipv4Addr, request: Request, token: &str, lines: &[(&str, &str)]) -> Outcome {
        let name = format!("request-{}", self.names.fetch_add(1, Ordering::Relaxed));
        let request = request.header("User-Agent", BROWSER).header("X-Request-Id", name.as_str()).bearer(token);
        let reply = ask(from, self.to, &with(request, lines));
        Outcome { reply, decision: self.samehand.decision(&name) }
    }
}

fn with(request: Request, lines: &[(&str, &str)]) -> Request {
    lines.iter().fold(request, |request, (name, value)| request.header(name, *value))
}

impl Outcome {
    #[track_caller]
    fn is(&self, row: &str, status: u16, reason: &str, changed: &str) {
        let found = (self.reply.status, self.decision.field("reason"), self.decision.field("changed"));
        assert_eq!(found, (status, reason, changed), "{row}: {:?}", self.reply);
    }
}
