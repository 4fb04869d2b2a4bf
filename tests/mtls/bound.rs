//! A token that was given to a certificate works with that certificate only, through each proxy.

use crate::NAMES;
use crate::support::{
    CLIENT, THIEF,
    client::{Reply, Request, ask},
    samehand::PASSWORD,
    shipped::Kind,
};
use crate::world::{ADMIN_TOKEN, BROWSER, World, base64, confirmed, token_of};
use serde_json::{Value, json};
use std::net::Ipv4Addr;

const WANTED: [(&str, &str); 2] = [("REQUIRE_SAME", "user-agent,mtls"), ("WATCH", "ip")];

#[test]
fn through_nginx() {
    in_the_right_hand_only(Kind::Nginx);
}

#[test]
fn through_traefik() {
    in_the_right_hand_only(Kind::Traefik);
}

#[test]
fn through_caddy() {
    in_the_right_hand_only(Kind::Caddy);
}

fn in_the_right_hand_only(kind: Kind) {
    let world = World::start(kind, &WANTED);
    let alice = world.authority.client("alice");
    let bob = world.authority.client("bob");
    let thumbprint = alice.thumbprint().to_string();

    let token = token_of(&world.sign_in(Some(&alice), &[]));
    assert_eq!(confirmed(&token).as_deref(), Some(thumbprint.as_str()));
    world.page(Some(&alice), &token, &[]).is_alice("the certificate of the sign-in");
    world.page(Some(&bob), &token, &[]).is_refused("another certificate of the authority", "proof-invalid");
    world.page(None, &token, &[]).is_refused("no certificate", "proof-missing");

    // The thief knows the certificate, which is no secret, and has no key of it.
    let claim = base64(&alice);
    for name in NAMES {
        let claims = [(name, claim.as_str())];
        world.page(None, &token, &claims).is_refused(&format!("{name} written by the client"), "proof-missing");
        world.page(Some(&bob), &token, &claims).is_refused(&format!("{name} beside bob's own"), "proof-invalid");
        world.page(Some(&alice), &token, &[(name, &base64(&bob))]).is_alice(&format!("{name}, and alice is herself"));
    }
    let connection = [("Connection", "X-Client-Cert, X-Forwarded-Tls-Client-Cert")];
    world.page(Some(&bob), &token, &connection).is_refused("Connection names the header", "proof-invalid");

    signing_in_needs_a_certificate(&world, &claim);
    renewing_keeps_the_certificate(&world, &token, &thumbprint);
    whoever_vouches_names_the_certificate(&world, &thumbprint);
}

fn signing_in_needs_a_certificate(world: &World, claim: &str) {
    for claims in [vec![], NAMES.map(|name| (name, claim)).to_vec()] {
        let reply = world.sign_in(None, &claims);
        assert_eq!((reply.status, reply.json()["error"].as_str()), (401, Some("proof_missing")), "{reply:?}");
    }
    // Whoever reaches samehand past the proxy has no certificate, whatever they write.
    let body = format!(r#"{{"username":"alice","password":"{PASSWORD}"}}"#);
    let request = Request::post("/login", body).header("Content-Type", "application/json");
    let request = NAMES.iter().fold(request, |request, name| request.header(name, claim));
    let reply = ask(THIEF, &world.samehand.tcp, &request.header("User-Agent", BROWSER));
    assert_eq!((reply.status, reply.json()["error"].as_str()), (401, Some("proof_missing")), "{reply:?}");
}

fn renewing_keeps_the_certificate(world: &World, token: &str, thumbprint: &str) {
    let alice = world.authority.client("alice renews");
    let renew = |client| world.send(client, Request::post("/renew", "").bearer(token));
    let refused = |reply: &Reply| (reply.status, reply.json()["error"].as_str().unwrap_or_default().to_owned());
    // Another certificate of hers is another certificate.
    assert_eq!(refused(&renew(Some(&alice))), (401, "invalid_token".into()));
    assert_eq!(refused(&renew(None)), (401, "invalid_token".into()));
    let own = token_of(&world.sign_in(Some(&alice), &[]));
    let renewed = token_of(&world.send(Some(&alice), Request::post("/renew", "").bearer(&own)));
    assert_eq!(confirmed(&renewed), Some(alice.thumbprint().to_string()));
    assert_ne!(confirmed(&renewed).as_deref(), Some(thumbprint));
    world.page(Some(&alice), &renewed, &[]).is_alice("renewed");
    world.page(None, &renewed, &[]).is_refused("renewed, and no certificate", "proof-missing");
}

/// On the command line, and as a back end.
fn whoever_vouches_names_the_certificate(world: &World, thumbprint: &str) {
    let carol = world.authority.client("carol");
    let path = carol.certificate.display().to_string();
    let (own, ip) = (carol.thumbprint().to_string(), CLIENT.to_string());
    let usual = ["token", "mint", "--user", "alice", "--ip", &ip, "--user-agent", BROWSER];
    for (option, value) in [("--certificate", path.as_str()), ("--certificate-thumbprint", own.as_str())] {
        let token = world.samehand.succeed(&[&usual[..], &[option, value]].concat(), "");
        assert_eq!(confirmed(&token).as_deref(), Some(own.as_str()), "{option}");
        world.page(Some(&carol), &token, &[]).is_alice(option);
        world.page(None, &token, &[]).is_refused(option, "proof-missing");
    }
    for (options, said) in [
        (&[][..], "SAMEHAND_REQUIRE_SAME asks for: mtls"),
        (&["--certificate-thumbprint", "short"], "43 characters of base64url"),
        (&["--certificate", "/nowhere"], "/nowhere"),
    ] {
        let output = world.samehand.run(&[&usual[..], options].concat(), "");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && told.contains(said), "{options:?}: {told}");
    }

    let mint = |body: Value| {
        let request = Request::post("/mint", body.to_string()).header("Content-Type", "application/json");
        ask(Ipv4Addr::LOCALHOST, &world.samehand.admin, &request.bearer(ADMIN_TOKEN))
    };
    let body = json!({ "sub": "alice", "ip": ip, "user_agent": BROWSER, "certificate": carol.pem() });
    let token = token_of(&mint(body));
    assert_eq!(confirmed(&token).as_deref(), Some(own.as_str()));
    world.page(Some(&carol), &token, &[]).is_alice("minted by a back end");
    for certificate in [Value::Null, json!(thumbprint), json!(base64(&carol)), json!("")] {
        let body = json!({ "sub": "alice", "ip": ip, "user_agent": BROWSER, "certificate": certificate });
        let reply = mint(body);
        assert_eq!((reply.status, reply.json()["error"].as_str()), (400, Some("invalid_request")), "{reply:?}");
    }
}

#[test]
fn the_form_binds_the_cookie_to_the_certificate_of_the_browser() {
    const SITE: &str = "https://app.example.com";
    let world = World::start(Kind::Caddy, &[("REQUIRE_SAME", "user-agent,mtls"), ("PUBLIC_URL", SITE)]);
    let (alice, bob) = (world.authority.client("alice"), world.authority.client("bob"));
    let page = |client, target: &str, cookie: &str| {
        let request = Request::get(target).header("Accept", "text/html").header("Sec-Fetch-Mode", "navigate");
        world.send(client, request.header("Cookie", cookie))
    };
    let submit = |client| {
        let shown = page(client, "/login", "");
        let shown = String::from_utf8_lossy(&shown.body).into_owned();
        let (_, form) = shown.split_once(r#"name="form" value=""#).expect("a form");
        let (form, _) = form.split_once('"').expect("the end of its value");
        let password = PASSWORD.replace(' ', "+");
        let body = format!("username=alice&password={password}&form={form}");
        let request = Request::post("/login", body).header("Content-Type", "application/x-www-form-urlencoded");
        world.send(client, request.header("Origin", SITE).header("Sec-Fetch-Site", "same-origin"))
    };
    let refused = submit(None);
    let told = String::from_utf8_lossy(&refused.body).into_owned();
    assert!(refused.status == 401 && told.contains("has shown no certificate"), "{refused:?}");
    assert!(refused.all("Set-Cookie").is_empty(), "{refused:?}");

    let welcome = submit(Some(&alice));
    let cookie = welcome.header("Set-Cookie").and_then(|line| line.split(';').next()).expect("a cookie").to_owned();
    let (_, token) = cookie.split_once('=').expect("a name and a value");
    assert_eq!(confirmed(token), Some(alice.thumbprint().to_string()));
    assert_eq!(page(Some(&alice), "/page", &cookie).status, 200);
    for client in [None, Some(&bob)] {
        let reply = page(client, "/page", &cookie);
        let location = reply.header("Location").unwrap_or_default();
        assert!(reply.status == 303 && location.starts_with("https://app.example.com/login?"), "{reply:?}");
    }
}

#[test]
fn a_certificate_that_is_watched_binds_whoever_has_shown_one() {
    let world = World::start(Kind::Nginx, &[("REQUIRE_SAME", "user-agent"), ("WATCH", "mtls")]);
    let alice = world.authority.client("alice");
    let token = token_of(&world.sign_in(None, &[]));
    assert_eq!(confirmed(&token), None);
    world.page(None, &token, &[]).is_alice("signed in without a certificate");

    let token = token_of(&world.sign_in(Some(&alice), &[]));
    assert_eq!(confirmed(&token), Some(alice.thumbprint().to_string()));
    world.page(Some(&alice), &token, &[]).is_alice("signed in with a certificate");
    world.page(None, &token, &[]).is_refused("and then without", "proof-missing");
}

#[test]
fn a_certificate_that_would_count_for_nothing_is_not_taken() {
    let world = World::start(Kind::Nginx, &[]);
    let carol = world.authority.client("carol");
    let ip = CLIENT.to_string();
    let path = carol.certificate.display().to_string();
    let usual = ["token", "mint", "--user", "alice", "--ip", &ip, "--user-agent", BROWSER, "--certificate", &path];
    let output = world.samehand.run(&usual, "");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && said.contains("count for nothing"), "{said}");
    let body = json!({ "sub": "alice", "ip": ip, "user_agent": BROWSER, "certificate": carol.pem() });
    let request = Request::post("/mint", body.to_string()).header("Content-Type", "application/json");
    let reply = ask(Ipv4Addr::LOCALHOST, &world.samehand.admin, &request.bearer(ADMIN_TOKEN));
    assert_eq!((reply.status, reply.json()["error"].as_str()), (400, Some("invalid_request")), "{reply:?}");
}

#[test]
fn a_token_from_before_certificates_were_asked_for_has_to_be_replaced() {
    let mut world = World::start(Kind::Nginx, &[("REQUIRE_SAME", "user-agent"), ("WATCH", "mtls")]);
    let alice = world.authority.client("alice");
    let token = token_of(&world.sign_in(None, &[]));
    world.samehand = world.samehand.restart(&[("REQUIRE_SAME", "user-agent,mtls"), ("WATCH", "none")]);
    world.page(Some(&alice), &token, &[]).is_refused("minted when less was asked for", "policy-outdated");
}

#[test]
fn a_header_that_cannot_be_read_lets_nobody_through() {
    let world = World::start(Kind::Nginx, &WANTED);
    let alice = world.authority.client("alice");
    let token = token_of(&world.sign_in(Some(&alice), &[]));
    let claim = base64(&alice);
    let question = |name: &str, lines: &[&str]| {
        let request = Request::get("/auth/nginx").header("User-Agent", BROWSER).bearer(&token);
        let forwarded = [
            ("X-Forwarded-For", "127.0.0.7"),
            ("X-Forwarded-Method", "GET"),
            ("X-Forwarded-Proto", "https"),
            ("X-Forwarded-Host", "app.example.com"),
            ("X-Forwarded-Uri", "/page"),
            ("X-Request-Id", name),
        ];
        let request = forwarded.iter().fold(request, |request, (name, value)| request.header(name, *value));
        let request = lines.iter().fold(request, |request, line| request.header("X-Client-Cert", *line));
        let reply = ask(Ipv4Addr::LOCALHOST, &world.samehand.unix, &request);
        (reply.status, world.samehand.decision(name).field("reason").to_owned())
    };
    assert_eq!(question("one", &[&claim]), (200, "ok".into()));
    let unfilled = "{http.request.tls.client.certificate_der_base64}";
    for (name, lines) in [("two", &[claim.as_str(), &claim][..]), ("unfilled", &[unfilled]), ("rubbish", &["x"])] {
        assert_eq!(question(name, lines), (401, "proof-invalid".into()), "{name}");
    }
    for said in ["there is more than one line of it", "a placeholder in place of the certificate", "in no form"] {
        world.samehand.process.wait_for(said, |line| line.contains(said).then_some(()));
    }
}
