//! The checks of RFC 9449 section 4.3, each of them broken alone; and what sections 7 to 9 say about tokens and nonces.

use serde_json::json;

use crate::support::{
    CLIENT,
    client::{Request, ask},
    prover::Prover,
    shipped::Kind,
    token::Token,
};
use crate::world::{SITE, World};

pub(crate) fn a_good_proof_lets_the_token_through(world: &World) {
    let claims = Token::parse(&world.token).claims;
    assert_eq!(claims["cnf"], json!({ "jkt": world.prover.thumbprint() }));
    world.page_with(|draft| draft).is_allowed("a good proof");
    // The scheme in any case (RFC 9110 section 11.1).
    let path = world.path();
    let proof = world.prover.sign(&world.draft("GET", &format!("{SITE}{path}")));
    let request = Request::get(&path).header("Authorization", format!("dpop {}", world.token));
    world.ask(&path, request.header("dpop", proof)).is_allowed("dpop in lower case");
    let path = world.path();
    let proof = world.prover.sign(&world.draft("POST", &format!("{SITE}{path}")));
    world.ask(&path, Request::post(&path, "a body").dpop(&world.token, &proof)).is_allowed("with a body");
}

pub(crate) fn each_check_refuses_alone(world: &World) {
    let now = samehand::app::now();
    let refused = |row: &str, flaw: &str, change: &dyn Fn(crate::support::prover::Draft) -> _| {
        world.page_with(change).is_refused(row, "proof-invalid", flaw, "invalid_dpop_proof");
    };
    // 1: one header.
    let (path, url) = (world.path(), |path: &str| format!("{SITE}{path}"));
    let proof = || world.prover.sign(&world.draft("GET", &url(&path)));
    let twice = Request::get(&path).dpop(&world.token, &proof()).header("DPoP", proof());
    let outcome = world.ask(&path, twice);
    match (world.proxy.kind, outcome.decision.field("proof")) {
        // Passes the first line on, which is good; from 1.23 on it makes one of both, which is no proof.
        (Kind::Nginx, "") => outcome.is_allowed("the first of two DPoP lines"),
        (Kind::Nginx, _) => outcome.is_refused("two DPoP lines", "proof-invalid", "form", "invalid_dpop_proof"),
        (Kind::Traefik | Kind::Caddy, _) => {
            outcome.is_refused("two DPoP lines", "proof-invalid", "lines", "invalid_dpop_proof");
        }
    }
    let path = world.path();
    let proof = world.prover.sign(&world.draft("GET", &url(&path)));
    let outcome = world.ask(&path, Request::get(&path).dpop(&world.token, "nothing").header("DPoP", proof));
    assert_eq!(outcome.decision.field("reason"), "proof-invalid", "a second DPoP line does not help the first");
    let path = world.path();
    let none = Request::get(&path).header("Authorization", format!("DPoP {}", world.token));
    world.ask(&path, none).is_refused("no proof", "proof-missing", "", "invalid_dpop_proof");
    // 2: a well-formed JWT.
    for (row, text) in [("not a JWT", "proof"), ("a part missing", "eyJ9.eyJ9"), ("too long", &"a".repeat(7000))] {
        let path = world.path();
        let outcome = world.ask(&path, Request::get(&path).dpop(&world.token, text));
        outcome.is_refused(row, "proof-invalid", "form", "invalid_dpop_proof");
    }
    refused("crit", "form", &|draft| draft.with_header("crit", json!(["b64"])));
    // 3: every claim.
    for claim in ["jti", "htm", "htu", "iat"] {
        refused(claim, "claims", &|draft| draft.without(claim));
    }
    refused("iat as text", "claims", &|draft| draft.with("iat", now.to_string()));
    // 4 and 5: typ and alg.
    refused("typ", "typ", &|draft| draft.with_header("typ", "JWT"));
    for algorithm in ["none", "HS256", "ES384"] {
        refused(algorithm, "alg", &|draft| draft.with_header("alg", algorithm));
    }
    // 6: the signature.
    let stranger = Prover::new();
    refused("somebody else's key in the header", "signature", &|draft| draft.with_header("jwk", stranger.jwk()));
    // 7: nothing private, nothing symmetric.
    let with_private = |mut jwk: serde_json::Value| {
        jwk["d"] = "AAAA".into();
        jwk
    };
    refused("a private key", "jwk", &|draft| draft.with_header("jwk", with_private(world.prover.jwk())));
    refused("a secret", "jwk", &|draft| draft.with_header("jwk", json!({ "kty": "oct", "k": "AAAA" })));
    // 8 and 9: method and address.
    refused("htm", "htm", &|draft| draft.with("htm", "POST"));
    refused("htu", "htu", &|draft| draft.with("htu", format!("{SITE}/elsewhere")));
    // 11: time. Seconds pass between the making of a proof and its check, so not to the second.
    refused("iat in the past", "iat", &|draft| draft.with("iat", now - 65));
    refused("iat in the future", "iat", &|draft| draft.with("iat", now + 3600));
    world.page_with(|draft| draft.with("iat", samehand::app::now() - 30)).is_allowed("a clock that is behind");
    world.page_with(|draft| draft.with("iat", samehand::app::now() + 5)).is_allowed("a clock that is ahead");
    // 12: the token, and the key that it names.
    refused("ath", "ath", &|draft| draft.with_token("another token"));
    refused("no ath", "ath", &|draft| draft.without("ath"));
    let path = world.path();
    let draft = stranger.draft("GET", &url(&path)).with_token(&world.token).with("nonce", world.nonce.as_str());
    let outcome = world.ask(&path, Request::get(&path).dpop(&world.token, &stranger.sign(&draft)));
    outcome.is_refused("somebody else's good proof", "proof-invalid", "jkt", "invalid_token");
}

pub(crate) fn a_token_is_used_in_the_way_it_was_given_out_only(world: &World) {
    let token = world.token.as_str();
    let proof = |path: &str| world.prover.sign(&world.draft("GET", &format!("{SITE}{path}")));
    let path = world.path();
    let bearer = Request::get(&path).bearer(token);
    world.ask(&path, bearer).is_refused("as a bearer token", "proof-missing", "", "invalid_dpop_proof");
    let path = world.path();
    let bearer = Request::get(&path).bearer(token).header("DPoP", proof(&path));
    world.ask(&path, bearer).is_refused("with a good proof", "proof-invalid", "scheme", "invalid_token");
    let path = world.path();
    let cookie = Request::get(&path).header("Cookie", format!("__Secure-samehand={token}"));
    let cookie = cookie.header("DPoP", proof(&path));
    world.ask(&path, cookie).is_refused("in the cookie", "proof-invalid", "scheme", "invalid_token");
    // Without any token the caller learns that it has to bring a proof.
    let path = world.path();
    let outcome = world.ask(&path, Request::get(&path));
    assert_eq!(outcome.decision.field("reason"), "token-missing");
    let challenge = r#"DPoP realm="samehand", algs="ES256 EdDSA RS256 PS256""#;
    assert_eq!(outcome.reply.all("WWW-Authenticate"), [challenge]);
    // What was taken back stays so with a proof.
    let proof = world.prover.sign(&world.prover.draft("POST", &format!("{SITE}/login")));
    let (other, nonce) = crate::world::signed_in(&ask(CLIENT, &world.proxy.address, &crate::world::login(&proof)));
    world.samehand.succeed(&["token", "revoke", &other], "");
    crate::support::waiting::until(
        std::time::Instant::now(),
        std::time::Duration::from_secs(120),
        "the token is refused",
        || {
            let path = world.path();
            let draft = world.prover.draft("GET", &format!("{SITE}{path}")).with_token(&other);
            let proof = world.prover.sign(&draft.with("nonce", nonce.as_str()));
            let outcome = world.ask(&path, Request::get(&path).dpop(&other, &proof));
            ["session-ended", "token-revoked"].contains(&outcome.decision.field("reason"))
        },
    );
}

pub(crate) fn a_nonce_is_asked_for_and_told(world: &World) {
    for (row, nonce) in [("none", None), ("made up", Some("made-up"))] {
        let outcome = world.page_with(|draft| match nonce {
            Some(nonce) => draft.with("nonce", nonce),
            None => draft.without("nonce"),
        });
        outcome.is_refused(row, "nonce-required", "", "use_dpop_nonce");
        let told =
            outcome.reply.header("DPoP-Nonce").unwrap_or_else(|| panic!("{row}: {:?}", outcome.reply)).to_owned();
        world.page_with(|draft| draft.with("nonce", told)).is_allowed(&format!("{row}: the one that was told"));
    }
    // Something else wrong is said first, and brings the nonce along.
    let outcome = world.page_with(|draft| draft.without("nonce").with("htm", "PUT"));
    outcome.is_refused("no nonce, another method", "proof-invalid", "htm", "invalid_dpop_proof");
    assert!(outcome.reply.header("DPoP-Nonce").is_some(), "{:?}", outcome.reply);
    // A client's own copy is nobody's nonce.
    let path = world.path();
    let proof = world.prover.sign(&world.draft("GET", &format!("{SITE}{path}")));
    let outcome = world.ask(&path, Request::get(&path).dpop(&world.token, &proof).header("DPoP-Nonce", "mine"));
    outcome.is_allowed("the client's own DPoP-Nonce");
    assert!(!outcome.reply.all("DPoP-Nonce").contains(&"mine"), "{:?}", outcome.reply);
}
