//! Where a token may travel: header, cookie, both, several; and what is not a token's place.

use crate::support::{
    CLIENT,
    client::Request,
    samehand::{SECRET, Samehand},
    token::Token,
};
use crate::{FIREFOX, decided, question};
use serde_json::json;

const COOKIE: &str = "__Host-samehand";

struct World {
    samehand: Samehand,
    /// Two tokens of alice and one of bob, all for this client.
    alice: String,
    again: String,
    bob: String,
    forged: String,
}

impl World {
    #[track_caller]
    fn start(settings: &[(&str, &str)]) -> Self {
        let samehand = Samehand::start(settings);
        let mint = |user: &str| samehand.mint(user, CLIENT, FIREFOX);
        let (alice, again, bob) = (mint("alice"), mint("alice"), mint("bob"));
        let forged = Token::parse(&alice).signed("another secret, which nobody configured");
        Self { samehand, alice, again, bob, forged }
    }

    /// One row: header lines, status, reason, and who it is.
    #[track_caller]
    fn row(&self, lines: &[(&str, &str)], status: u16, reason: &str, user: &str) {
        let question: Request = question(CLIENT, FIREFOX);
        let question = lines.iter().fold(question, |question, (name, value)| question.header(name, *value));
        let (reply, decision) = decided(&self.samehand, question);
        let found = (reply.status, decision.field("reason"), reply.header("Remote-User").unwrap_or_default());
        assert_eq!(found, (status, reason, user), "{lines:?}: {reply:?}");
    }
}

#[test]
fn a_token_travels_in_the_header_or_in_one_cookie_of_our_name() {
    let world = World::start(&[]);
    let (alice, again, bob, forged) = (&world.alice, &world.again, &world.bob, &world.forged);
    let header = |token: &str| format!("Bearer {token}");
    let cookie = |token: &str| format!("{COOKIE}={token}");
    let row = |lines: &[(&str, String)], status: u16, reason: &str, user: &str| {
        let lines: Vec<(&str, &str)> = lines.iter().map(|(name, value)| (*name, value.as_str())).collect();
        world.row(&lines, status, reason, user);
    };
    let (authorization, cookies) = ("Authorization", "Cookie");
    row(&[(authorization, header(alice))], 200, "ok", "alice");
    row(&[(cookies, cookie(alice))], 200, "ok", "alice");
    row(&[(cookies, format!("a=1; {}; b=2", cookie(alice)))], 200, "ok", "alice");
    row(&[(cookies, "a=1".into()), (cookies, cookie(alice))], 200, "ok", "alice");
    row(&[(authorization, header(alice)), (cookies, cookie(alice))], 200, "ok", "alice");
    // A scheme that is the application's own.
    row(&[(authorization, "Basic YWxpY2U6eA==".into()), (cookies, cookie(alice))], 200, "ok", "alice");
    // Two good ones: nobody can say which one is meant.
    row(&[(authorization, header(alice)), (cookies, cookie(bob))], 401, "token-ambiguous", "");
    row(&[(authorization, header(alice)), (cookies, cookie(again))], 401, "token-ambiguous", "");
    row(
        &[(authorization, header(alice)), (cookies, format!("{}; {}", cookie(forged), cookie(bob)))],
        401,
        "token-ambiguous",
        "",
    );
    // What is not good beside it is in nobody's way.
    row(&[(authorization, header(alice)), (cookies, cookie(forged))], 200, "ok", "alice");
    row(
        &[(authorization, header(alice)), (cookies, format!("{}; {}", cookie("x"), cookie(alice)))],
        200,
        "ok",
        "alice",
    );
    // A bad one of ours is refused for its own reason, whatever the cookie says.
    row(&[(authorization, header(forged)), (cookies, cookie(alice))], 401, "signature-invalid", "");
    row(&[(authorization, header(alice)), (authorization, header(alice))], 401, "token-ambiguous", "");
    row(&[(authorization, header(alice)), (authorization, "Basic eA==".into())], 401, "token-ambiguous", "");
    // Of several cookies of our name the one that verifies counts; a subdomain can plant what it likes.
    row(&[(cookies, format!("{}; {}", cookie(forged), cookie(alice)))], 200, "ok", "alice");
    row(&[(cookies, format!("{}; {}", cookie(alice), cookie("rubbish")))], 200, "ok", "alice");
    row(&[(cookies, cookie(forged)), (cookies, cookie(alice))], 200, "ok", "alice");
    row(&[(cookies, format!("{}; {}", cookie(alice), cookie(alice)))], 200, "ok", "alice");
    row(&[(cookies, format!("{}; {}", cookie(alice), cookie(bob)))], 401, "token-ambiguous", "");
    row(&[(cookies, format!("{}; {}", cookie(alice), cookie(again)))], 401, "token-ambiguous", "");
    row(&[(cookies, format!("{}; {}", cookie(forged), cookie("rubbish")))], 401, "signature-invalid", "");
    row(&[(cookies, cookie(""))], 401, "token-missing", "");
    let many: Vec<String> = (0..20).map(|number| cookie(&format!("rubbish-{number}"))).collect();
    row(&[(cookies, many.join("; "))], 401, "token-ambiguous", "");
    // Not our name, however it is spelled.
    for name in [
        "__host-samehand",
        "__Host-samehan",
        "__Host-samehandx",
        "samehand",
        "__Host%2Dsamehand",
        "\u{a0}__Host-samehand",
        "__Secure-samehand",
    ] {
        row(&[(cookies, format!("{name}={alice}"))], 401, "token-missing", "");
    }
    row(&[("X-Token", alice.clone())], 401, "token-missing", "");
    row(&[("Proxy-Authorization", header(alice))], 401, "token-missing", "");
    row(&[(authorization, alice.clone())], 401, "token-missing", "");
}

#[test]
fn beside_a_cookie_of_ours_a_token_that_is_not_of_our_form_is_the_applications() {
    let world = World::start(&[]);
    let (alice, bob) = (&world.alice, &world.bob);
    let cookie = format!("{COOKIE}={alice}");
    let with_header = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut token = Token::parse(bob);
        change(&mut token.header);
        token.signed("the application's own secret")
    };
    let theirs = with_header(&|header| *header = json!({ "alg": "HS256", "typ": "JWT" }));
    let with_a_key =
        with_header(&|header| *header = json!({ "alg": "RS256", "typ": "at+jwt", "kid": "of-the-application" }));
    let encrypted = format!("{theirs}.x.y");
    let long = "a".repeat(8000);
    let others = [
        "Bearer",
        "Bearer null",
        "Bearer undefined",
        "bearer 0123456789abcdef",
        "Bearer a.b",
        "DPoP x",
        "Bearer \t",
        "Bearer e30.e30.e30",
        &format!("Bearer {theirs}"),
        &format!("Bearer {with_a_key}"),
        &format!("DPoP {theirs}"),
        &format!("Bearer {encrypted}"),
        &format!("Bearer {long}"),
        alice,
        "Token x",
        "Basic eDp5",
    ]
    .map(str::to_owned);
    for header in &others {
        world.row(&[("Authorization", header), ("Cookie", &cookie)], 200, "ok", "alice");
        world.row(
            &[("Authorization", header), ("Cookie", &format!("{COOKIE}={}", world.forged))],
            401,
            "signature-invalid",
            "",
        );
    }
    // Without such a cookie everything there is judged.
    for header in ["Bearer", "Bearer null", "DPoP x", &format!("Bearer {theirs}")] {
        world.row(&[("Authorization", header)], 401, "token-malformed", "");
        world.row(&[("Authorization", header), ("Cookie", "other=1")], 401, "token-malformed", "");
    }
    // Ours in form, whoever wrote it: by its type, by one of our keys, by its beginning.
    let typed = with_header(&|header| header["kid"] = "unknown".into());
    let named = with_header(&|header| header["typ"] = "JWT".into());
    for (token, reason) in [(typed, "key-unknown"), (named, "token-malformed"), ("smh_x".to_owned(), "token-malformed")]
    {
        world.row(&[("Authorization", &format!("Bearer {token}")), ("Cookie", &cookie)], 401, reason, "");
    }
}

#[test]
fn where_article_tokens_are_accepted_one_that_we_signed_is_ours() {
    let world = World::start(&[("FINGERPRINT", "keyed,article"), ("SECRET", SECRET)]);
    let cookie = format!("{COOKIE}={}", world.alice);
    let article = |secret: &str| {
        let mut token = Token::parse(&world.bob);
        token.header = json!({ "alg": "HS256", "typ": "JWT" });
        token.signed(secret)
    };
    let (ours, theirs) = (article(SECRET), article("the application's own secret"));
    for form in ["Bearer ", ""] {
        world.row(&[("Authorization", &format!("{form}{theirs}")), ("Cookie", &cookie)], 200, "ok", "alice");
        world.row(&[("Authorization", &format!("{form}{ours}")), ("Cookie", &cookie)], 403, "token-malformed", "");
    }
}

#[test]
fn with_cookies_alone_the_header_belongs_to_the_application() {
    let world = World::start(&[("TOKEN_FROM", "cookie"), ("COOKIE_NAME", "session")]);
    let (alice, bob) = (&world.alice, &world.bob);
    let header = format!("Bearer {bob}");
    let cookie = format!("session={alice}");
    world.row(&[("Cookie", &cookie)], 200, "ok", "alice");
    world.row(&[("Cookie", &cookie), ("Authorization", &header)], 200, "ok", "alice");
    world.row(&[("Cookie", &cookie), ("Authorization", &header), ("Authorization", "x")], 200, "ok", "alice");
    world.row(&[("Authorization", &header)], 401, "token-missing", "");
    world.row(&[("Cookie", &format!("{COOKIE}={alice}"))], 401, "token-missing", "");
}

#[test]
fn with_the_header_alone_cookies_are_not_read() {
    let world = World::start(&[("TOKEN_FROM", "authorization")]);
    let (alice, bob) = (&world.alice, &world.bob);
    let cookie = format!("{COOKIE}={bob}");
    world.row(&[("Cookie", &cookie)], 401, "token-missing", "");
    world.row(&[("Authorization", &format!("Bearer {alice}")), ("Cookie", &cookie)], 200, "ok", "alice");
}
