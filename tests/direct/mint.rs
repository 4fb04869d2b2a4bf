//! Minting for a back end that has its own login: who may, and what is never minted.

use std::net::Ipv4Addr;

use super::{BROWSER, FORWARDED, PROXY};
use crate::support::{
    client::{Reply, Request, ask},
    samehand::Samehand,
};

const ADMIN_TOKEN: &str = "q8m2Zt7yVb4Kx1Rw9Lp6Ns3Jd5Hf0GcA";

fn start() -> Samehand {
    Samehand::start(&[("TRUSTED_PROXIES", "127.0.0.9"), ("ADMIN_TOKEN", ADMIN_TOKEN)])
}

fn mint(samehand: &Samehand, body: &str) -> Reply {
    let request = Request::post("/mint", body).header("Content-Type", "application/json").bearer(ADMIN_TOKEN);
    ask(Ipv4Addr::LOCALHOST, &samehand.admin, &request)
}

/// What the back end of these tests asks for, with these claims.
fn with_claims(claims: &str) -> String {
    format!(r#"{{"sub":"bob","ip":"127.0.0.7","user_agent":"{BROWSER}","claims":{claims}}}"#)
}

#[test]
fn what_is_minted_is_accepted() {
    let samehand = start();
    let most: Vec<String> = (0..121).map(|number| format!(r#""claim-{number}":1"#)).collect();
    for claims in ["{}", r#"{"role":["admin"],"level":{"of":3}}"#, &format!("{{{}}}", most.join(","))] {
        let minted = mint(&samehand, &with_claims(claims));
        assert_eq!(minted.status, 200, "{claims}: {minted:?}");
        let token = minted.json()["token"].as_str().expect("a token").to_owned();
        let question = Request::get("/auth/nginx").header("User-Agent", BROWSER).bearer(&token);
        let question = FORWARDED.iter().fold(question, |question, (name, value)| question.header(name, *value));
        let reply = ask(PROXY, &samehand.tcp, &question);
        assert_eq!((reply.status, reply.header("Remote-User")), (200, Some("bob")), "{claims}: {reply:?}");
    }
}

/// The zone names a link of the machine that wrote it: the proxy's `eth0` may be the `%12` of somebody else.
#[test]
fn a_link_local_address_is_the_same_with_and_without_its_zone() {
    let trusted = ("TRUSTED_PROXIES", "127.0.0.9,fe80::1%eth0");
    let samehand = Samehand::start(&[trusted, ("ADMIN_TOKEN", ADMIN_TOKEN)]);
    let body = format!(r#"{{"sub":"bob","ip":"fe80::7%eth0","user_agent":"{BROWSER}"}}"#);
    let by_back_end = mint(&samehand, &body).json()["token"].as_str().expect("a token").to_owned();
    let arguments = ["token", "mint", "--user", "bob", "--ip", "fe80::7%br-lan", "--user-agent", BROWSER];
    let by_hand = samehand.succeed(&arguments, "");
    for token in [by_back_end.as_str(), by_hand.trim()] {
        for (sent, status) in [
            ("fe80::7", 200),
            ("fe80::7%eth1", 200),
            ("[fe80::7%25eth0]:51234", 200),
            ("fe80::7%eth0, fe80::1%eth0", 200),
            ("fe81::7%eth0", 403),
            ("fe80::7%", 403),
        ] {
            let reply = ask(PROXY, &samehand.tcp, &Request::about_page(sent, BROWSER).bearer(token));
            assert_eq!(reply.status, status, "{sent}: {reply:?}");
        }
    }
    let body = format!(r#"{{"sub":"bob","ip":"fe80::1%eth9","user_agent":"{BROWSER}"}}"#);
    assert_eq!(mint(&samehand, &body).status, 400, "a trusted proxy, whatever its link is called");
}

#[test]
fn what_would_not_be_accepted_is_not_minted() {
    let samehand = start();
    let many: Vec<String> = (0..130).map(|number| format!(r#""c{number}":1"#)).collect();
    for claims in [
        &format!("{{{}}}", many.join(",")),
        r#"{"role":"a","role":"b"}"#,
        r#"{"jti":"mine"}"#,
        r#"{"userId":1}"#,
        r#"{"groups":["a b"]}"#,
    ] {
        let reply = mint(&samehand, &with_claims(claims));
        assert_eq!(
            (reply.status, reply.json()["error"].as_str()),
            (400, Some("invalid_request")),
            "{claims}: {reply:?}"
        );
    }
}

#[test]
fn only_the_administration_token_mints() {
    let samehand = start();
    let wrong = format!("{ADMIN_TOKEN}x");
    let asks = |lines: &[String]| {
        let request = Request::post("/mint", with_claims("{}")).header("Content-Type", "application/json");
        let request = lines.iter().fold(request, |request, line| request.header("Authorization", line.as_str()));
        (ask(Ipv4Addr::LOCALHOST, &samehand.admin, &request).status, ask(PROXY, &samehand.tcp, &request).status)
    };
    let right = format!("Bearer {ADMIN_TOKEN}");
    assert_eq!(asks(&[]), (401, 404));
    assert_eq!(asks(&[format!("Bearer {wrong}")]), (401, 404));
    assert_eq!(asks(&[format!("Basic {ADMIN_TOKEN}")]), (401, 404));
    assert_eq!(asks(&[right.clone(), right.clone()]), (401, 404));
    assert_eq!(asks(&[right]), (200, 404));
}

#[test]
fn a_proxy_is_no_client() {
    let samehand = start();
    for ip in ["127.0.0.9", "::ffff:127.0.0.9", "127.0.0.7:80", "localhost", ""] {
        let reply = mint(&samehand, &with_claims("{}").replace("127.0.0.7", ip));
        assert_eq!(reply.status, 400, "{ip}: {reply:?}");
    }
}
