//! The session cookie of a sign-in, and cookies that somebody else put there first.

use crate::support::{
    CLIENT, THIEF,
    client::{Connection, Request, ask},
    samehand::{PASSWORD, Samehand},
    token::Token,
};
use crate::{
    FIREFOX, NAME, PAGES, PROXY, asked, cookie_of, field, form_token, get, ours, post, question, send, sign_in, start,
    text,
};

const APP: &str = "https://app.example.com/";

#[test]
fn a_sign_in_replaces_a_cookie_and_never_adopts_it() {
    let samehand = start();
    samehand.add_user("mallory", &[]);
    // mallory's own token, and one of an earlier sign-in.
    let page = ask(THIEF, &samehand.tcp, &get("/login").header("User-Agent", FIREFOX));
    let form = field(&page, "form").expect("a form");
    let fields = [("username", "mallory"), ("password", PASSWORD), ("form", form.as_str())];
    let theirs = cookie_of(&ask(THIEF, &samehand.tcp, &ours(post("/login", &fields)).header("User-Agent", FIREFOX)));
    let earlier = cookie_of(&sign_in(&samehand, APP));
    let sid = |cookie: &str| Token::parse(cookie.split_once('=').expect("a value").1).claims["sid"].clone();
    for before in [theirs.as_str(), &earlier, &format!("{NAME}=x"), &format!("{NAME}=")] {
        let form = form_token(&samehand);
        let fields = [("username", "alice"), ("password", PASSWORD), ("form", form.as_str())];
        let reply = send(&samehand, ours(post("/login", &fields)).header("Cookie", before));
        let cookie = cookie_of(&reply);
        assert!(![theirs.as_str(), &earlier].iter().any(|old| sid(old) == sid(&cookie)), "a new session: {reply:?}");
        assert_eq!(Token::parse(cookie.split_once('=').expect("a value").1).claims["sub"], "alice");
        let reply = asked(&samehand, question("caddy", "https", "app.example.com", "/").header("Cookie", cookie));
        assert_eq!((reply.status, reply.header("Remote-User")), (200, Some("alice")), "{reply:?}");
    }
}

#[test]
fn a_token_of_the_form_is_good_in_its_cookie_and_nowhere_else() {
    let samehand = Samehand::start(&[("PUBLIC_URL", PAGES), ("REQUIRE_SAME", "user-agent,cookie")]);
    samehand.add_user("alice", &[]);
    // One cookie: a second one beside it would prove nothing, and would be missing after every link from elsewhere.
    let cookie = cookie_of(&sign_in(&samehand, APP));
    let page = || question("caddy", "https", "app.example.com", "/");
    assert_eq!(asked(&samehand, page().header("Cookie", cookie.as_str())).status, 200);
    let token = cookie.split_once('=').expect("a value").1;
    assert_eq!(asked(&samehand, page().bearer(token)).status, 403);
    let renewed = send(&samehand, ours(post("/renew", &[])).header("Cookie", cookie));
    let renewed = cookie_of(&renewed);
    assert_eq!(asked(&samehand, page().header("Cookie", renewed.as_str())).status, 200);
    assert_eq!(asked(&samehand, page().bearer(renewed.split_once('=').expect("a value").1)).status, 403);
}

#[test]
fn a_browser_that_signs_in_over_the_other_address_family_keeps_its_session() {
    let samehand = start();
    let six = "2001:db8:1:1::7";
    let four = cookie_of(&sign_in(&samehand, APP));
    let through = |request: Request| {
        let request = request.header("X-Forwarded-For", six).header("User-Agent", FIREFOX);
        ask(PROXY, &samehand.tcp, &request.header("Cookie", four.as_str()))
    };
    let shown = through(get("/login?why=network"));
    assert!(text(&shown).contains("name=\"password\""), "{shown:?}");
    let form = field(&shown, "form").expect("a form");
    let fields = [("username", "alice"), ("password", PASSWORD), ("rd", APP), ("form", form.as_str())];
    let reply = through(ours(post("/login", &fields)));
    assert_eq!(reply.status, 303, "{reply:?}");
    let both = cookie_of(&reply);
    let sid = |cookie: &str| Token::parse(cookie.split_once('=').expect("a value").1).claims["sid"].clone();
    assert_eq!(sid(&both), sid(&four));
    // The question as of the client, and the same with the other address.
    let page = question("caddy", "https", "app.example.com", "/").header("Cookie", both.as_str());
    let over_six = String::from_utf8(page.bytes()).expect("text").replace(&CLIENT.to_string(), six);
    assert_eq!(asked(&samehand, page).status, 200);
    let mut connection = Connection::open(PROXY, &samehand.tcp);
    connection.send(over_six.as_bytes());
    assert_eq!(connection.reply(false).expect("an answer").status, 200);
}

#[test]
fn a_cookie_that_a_sibling_site_puts_in_between_signs_nobody_in_as_somebody_else() {
    let samehand = start();
    samehand.add_user("mallory", &[]);
    let cookie = cookie_of(&sign_in(&samehand, APP));
    let theirs = format!("{NAME}={}", samehand.mint("mallory", THIEF, FIREFOX));
    let page = |cookies: String| {
        asked(&samehand, question("caddy", "https", "app.example.com", "/").header("Cookie", cookies))
    };
    for cookies in [format!("{cookie}; {theirs}"), format!("{theirs}; {cookie}")] {
        let reply = page(cookies.clone());
        assert_eq!(reply.status, 303, "{reply:?}");
        let location = reply.header("Location").expect("a way").to_owned();
        assert!(location.contains("why=two-cookies"), "{location}");
        // Signing in did not help a moment ago, so the page says what does.
        assert!(location.ends_with("&again=1"), "{location}");
        let target = location.strip_prefix("https://auth.example.com").expect("our page");
        let text = text(&send(&samehand, get(target).header("Cookie", cookies)));
        assert!(
            text.contains("two cookies of the name __Secure-samehand") && text.contains("SAMEHAND_COOKIE_NAME"),
            "{text}"
        );
    }
    // Rubbish of the same name is in nobody's way.
    for rubbish in ["x", "a.b.c", "%00", "\u{a0}"] {
        assert_eq!(page(format!("{NAME}={rubbish}; {cookie}")).status, 200, "{rubbish}");
    }
    let alone = page(theirs);
    assert_eq!((alone.status, alone.all("Remote-User").len()), (303, 0), "{alone:?}");
}

#[test]
fn name_and_value_stay_small_with_many_groups() {
    let samehand = start();
    let groups: Vec<String> = (0..20).map(|number| format!("department-{number}")).collect();
    let options: Vec<&str> = groups.iter().flat_map(|group| ["--group", group.as_str()]).collect();
    samehand.add_user("bob", &options);
    let form = form_token(&samehand);
    let fields = [("username", "bob"), ("password", PASSWORD), ("form", form.as_str())];
    let cookie = cookie_of(&send(&samehand, ours(post("/login", &fields))));
    assert!(cookie.len() < 2048, "{} bytes", cookie.len());
}
