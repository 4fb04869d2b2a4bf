//! The clients of `examples/dpop` for services, in Node and in Python: real processes that sign in at a real samehand and
//! ask an application through a real proxy. Every scenario is played by both.

#[path = "../support/mod.rs"]
mod support;

mod programs;

use std::{
    fs,
    time::{Duration, Instant},
};

use programs::{LANGUAGES, Program, Start};
use serde_json::{Value, json};
use support::{
    THIEF,
    authority::Authority,
    backend::Backend,
    caddy,
    client::{Address, Request, ask},
    nginx,
    samehand::{PASSWORD, Samehand},
    shipped::{self, Kind, Place, Proxy},
    traefik,
    waiting::until,
};

/// The key and the program have to be the same, the address need not.
const BOUND: &[(&str, &str)] = &[("REQUIRE_SAME", "user-agent,dpop")];
const PATIENCE: Duration = Duration::from_secs(120);

/// A samehand with the user `reports`, an application, and a proxy before them.
struct World {
    samehand: Samehand,
    application: Backend,
    proxy: Proxy,
    /// Where a client reaches the proxy.
    origin: String,
    authority: Option<Authority>,
}

impl World {
    /// Behind nginx, over http.
    #[track_caller]
    fn start(settings: &[(&str, &str)]) -> Self {
        let (samehand, application) = (samehand_with_reports(settings), Backend::start());
        let proxy = nginx::start(Place::Edge, &samehand.unix, application.address);
        let origin = format!("http://{}", shipped::tcp(&proxy.address));
        Self { samehand, application, proxy, origin, authority: None }
    }

    /// Behind this proxy, over https.
    #[track_caller]
    fn start_https(kind: Kind, settings: &[(&str, &str)]) -> Self {
        let authority = Authority::new("IP:127.0.0.1,DNS:app.example.com");
        let (samehand, application) = (samehand_with_reports(settings), Backend::start());
        let (tcp, behind) = (&samehand.tcp, application.address);
        let proxy = match kind {
            Kind::Nginx => nginx::start_https(&authority, &samehand.unix, behind),
            Kind::Traefik => traefik::start_https(&authority, tcp, behind),
            Kind::Caddy => caddy::start_https(&authority, tcp, behind),
        };
        let origin = format!("https://{}", shipped::tcp(&proxy.address));
        Self { samehand, application, proxy, origin, authority: Some(authority) }
    }

    /// How a program of this world is started.
    fn program(&self) -> Start<'_> {
        let start = Start::new(&self.origin, "reports", PASSWORD);
        match &self.authority {
            Some(authority) => start.trusting(authority.certificate()),
            None => start,
        }
    }

    fn count(&self, message: &str) -> usize {
        self.samehand.process.log().matches(&format!("msg={message} ")).count()
            + self.samehand.process.log().matches(&format!("msg=\"{message}\" ")).count()
    }
}

#[track_caller]
fn samehand_with_reports(settings: &[(&str, &str)]) -> Samehand {
    let samehand = Samehand::start(settings);
    samehand.add_user("reports", &[]);
    samehand
}

/// What the application says about a request.
#[track_caller]
fn raw(answer: &Value) -> Value {
    assert_eq!(answer["status"], 200, "{answer}");
    serde_json::from_str(answer["body"].as_str().expect("a body")).expect("JSON")
}

#[track_caller]
fn refused(program: &mut Program) -> String {
    let answer = program.ask(json!({ "path": "/raw" }));
    answer["error"].as_str().unwrap_or_else(|| panic!("it was answered: {answer}")).to_owned()
}

#[test]
fn a_service_signs_in_and_asks_through_each_proxy() {
    for kind in [Kind::Nginx, Kind::Traefik, Kind::Caddy] {
        let world = World::start_https(kind, BOUND);
        for language in LANGUAGES {
            let mut program = world.program().start(language);
            let seen = raw(&program.ask(json!({ "path": "/raw?from=here&to=%2F" })));
            let headers = seen["headers"].as_array().expect("headers");
            assert!(headers.contains(&json!(["Remote-User", "reports"])), "{language:?} behind {kind:?}: {seen}");
            let post = json!({ "path": "/raw", "method": "POST", "body": "12345", "headers": { "X-Own": "kept" } });
            let seen = raw(&program.ask(post));
            assert_eq!((&seen["method"], &seen["body_length"]), (&json!("POST"), &json!(5)));
            assert!(seen.to_string().to_lowercase().contains(r#"["x-own","kept"]"#), "{seen}");
            for path in ["/a%20b/%C3%BC/~c", "/", "", "/x/"] {
                assert_eq!(program.ask(json!({ "path": path }))["status"], 200, "{language:?} behind {kind:?}: {path}");
            }
        }
        assert_eq!(world.count("login"), 2, "once for each program");
    }
}

#[test]
fn many_requests_at_once_sign_in_once() {
    for language in LANGUAGES {
        let world = World::start(BOUND);
        let mut program = world.program().start(language);
        let answers = program.ask_at_once(&vec![json!({ "path": "/raw", "method": "POST", "body": "x" }); 30]);
        assert!(answers.iter().all(|answer| answer["status"] == 200), "{language:?}: {answers:?}");
        assert_eq!(world.count("login"), 1, "{language:?}");
        assert_eq!(world.application.seen().requests, 30, "{language:?}: none of them twice");
    }
}

#[test]
fn what_the_application_got_is_worth_nothing_to_it() {
    let world = World::start(BOUND);
    for language in LANGUAGES {
        let mut program = world.program().start(language);
        assert_eq!(program.ask(json!({ "path": "/raw" }))["status"], 200);
        let seen = world.application.seen();
        let copy = |name: &str| seen.all(name)[0].to_owned();
        let (authorization, proof, agent) = (copy("Authorization"), copy("DPoP"), copy("User-Agent"));
        let token = authorization.strip_prefix("DPoP ").expect("the scheme").to_owned();
        let host = world.origin.strip_prefix("http://").expect("an origin");
        let as_it_was = |method: &str, path: &str| {
            Request::new(method, path).host(host).header("User-Agent", agent.as_str()).header("DPoP", proof.as_str())
        };
        for request in [
            as_it_was("GET", "/raw").header("Authorization", authorization.as_str()),
            as_it_was("GET", "/other").header("Authorization", authorization.as_str()),
            as_it_was("DELETE", "/raw").header("Authorization", authorization.as_str()),
            as_it_was("GET", "/raw").bearer(&token),
            Request::get("/raw").host(host).header("User-Agent", agent.as_str()).bearer(&token),
        ] {
            let reply = ask(THIEF, &world.proxy.address, &request);
            assert_eq!(reply.status, 401, "{language:?}: {}: {reply:?}", String::from_utf8_lossy(&request.bytes()));
        }
        assert_eq!(program.ask(json!({ "path": "/raw" }))["status"], 200, "{language:?}");
    }
}

#[test]
fn a_clock_that_is_wrong_by_minutes_is_set_right() {
    let world = World::start(BOUND);
    for language in LANGUAGES {
        let clock = world.samehand.path("clock");
        fs::write(&clock, "-7m").expect("a temporary file");
        let mut program = world.program().with_clock_of(&clock).start(language);
        for ahead in ["-7m", "+7m", "-400d", "+0s"] {
            fs::write(&clock, ahead).expect("a temporary file");
            for _ in 0..2 {
                let answer = program.ask(json!({ "path": "/raw" }));
                assert_eq!(answer["status"], 200, "{language:?} {ahead}: {answer}");
            }
        }
    }
}

#[test]
fn a_token_is_renewed_before_it_ends() {
    for language in LANGUAGES {
        let world = World::start(&[BOUND, &[("TOKEN_TTL", "8h")]].concat());
        let clock = world.samehand.path("clock");
        // To the program so much time has passed; to samehand none, so that the token would do.
        for (ahead, renewals) in [("+0s", 0), ("+5h", 0), ("+7h", 1)] {
            fs::write(&clock, "+0s").expect("a temporary file");
            let mut program = world.program().with_clock_of(&clock).start(language);
            assert_eq!(program.ask(json!({ "path": "/raw" }))["status"], 200, "{language:?}");
            fs::write(&clock, ahead).expect("a temporary file");
            assert_eq!(program.ask(json!({ "path": "/raw" }))["status"], 200, "{language:?}");
            assert_eq!(world.count("token renewed"), renewals, "{language:?} {ahead}");
        }
    }
}

#[test]
fn a_token_that_lives_for_a_moment_is_renewed_and_no_request_is_refused() {
    for language in LANGUAGES {
        let world = World::start(&[BOUND, &[("TOKEN_TTL", "6s")]].concat());
        let mut program = world.program().start(language);
        until(Instant::now(), PATIENCE, "the token is renewed", || {
            let answer = program.ask(json!({ "path": "/raw" }));
            assert_eq!(answer["status"], 200, "{language:?}: {answer}");
            world.count("token renewed") == 1
        });
        assert_eq!(program.ask(json!({ "path": "/raw" }))["status"], 200, "{language:?}");
        assert_eq!(world.count("login"), 1, "{language:?}");
    }
}

#[test]
fn a_service_whose_session_was_taken_back_signs_in_again() {
    for language in LANGUAGES {
        let world = World::start(BOUND);
        let mut program = world.program().start(language);
        assert_eq!(program.ask(json!({ "path": "/raw" }))["status"], 200);
        world.samehand.succeed(&["token", "revoke", "--user", "reports"], "");
        until(Instant::now(), PATIENCE, "it signs in again", || {
            let answer = program.ask(json!({ "path": "/raw" }));
            assert_eq!(answer["status"], 200, "{language:?}: {answer}");
            world.count("login") == 2
        });
    }
}

#[test]
fn a_service_that_is_not_let_in_is_told_why() {
    let world = World::start(BOUND);
    for language in LANGUAGES {
        let mut program = Start::new(&world.origin, "reports", "not this one, surely").start(language);
        let error = refused(&mut program);
        assert!(error.contains("AnswerError: the user name or password is not right"), "{language:?}: {error}");
    }
}

#[test]
fn no_other_origin_is_given_the_token() {
    let world = World::start(BOUND);
    for language in LANGUAGES {
        let mut program = world.program().start(language);
        let error = program.ask(json!({ "url": "https://app.example.com/raw" }))["error"].to_string();
        assert!(error.contains("https://app.example.com is not one of the origins of this client"), "{error}");
    }
}

#[test]
fn without_nonces_and_with_a_key_of_ones_own_it_is_the_same() {
    let world = World::start(&[BOUND, &[("DPOP_NONCE", "off")]].concat());
    let key = world.samehand.path("service.pem");
    let made = std::process::Command::new("openssl")
        .args(["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out"])
        .arg(&key)
        .output();
    assert!(made.expect("openssl is installed").status.success());
    for language in LANGUAGES {
        let mut program = world.program().with_key(&key).start(language);
        assert_eq!(program.ask(json!({ "path": "/raw" }))["status"], 200, "{language:?}");
    }
}

#[test]
fn a_token_that_is_bound_to_no_key_is_not_kept() {
    // Tokens of this kind have no room for a key.
    let world = World::start(&[("FINGERPRINT", "article")]);
    for language in LANGUAGES {
        let error = refused(&mut world.program().start(language));
        assert!(error.contains("the token is not bound to the key"), "{language:?}: {error}");
    }
}

#[test]
fn a_samehand_that_is_away_is_told_and_found_again() {
    let mut world = World::start(BOUND);
    let Address::Unix(socket) = world.samehand.unix.clone() else { panic!("a Unix socket") };
    let listen = format!("127.0.0.1:0,unix:{}", socket.display());
    let mut programs = LANGUAGES.map(|language| world.program().start(language));
    for program in &mut programs {
        assert_eq!(program.ask(json!({ "path": "/raw" }))["status"], 200);
    }
    let installation = world.samehand.stop();
    for program in &mut programs {
        assert_eq!(program.ask(json!({ "path": "/raw" }))["status"], 503);
    }
    let mut installation = installation;
    installation.set(&[("LISTEN", &listen)]);
    world.samehand = Samehand::serve(installation);
    for program in &mut programs {
        assert_eq!(program.ask(json!({ "path": "/raw" }))["status"], 200);
    }
}
