//! What a form may hold, and that every refusal shows it again.

use crate::support::{
    client::Request,
    samehand::{PASSWORD, Samehand},
};
use crate::{encoded, form_token, get, ours, post, raw_form, send, start, text};

#[test]
fn every_refusal_shows_the_form_again_with_the_name_and_never_the_password() {
    let samehand = start();
    let form = form_token(&samehand);
    let wrong = "seven lighthouses count aloud";
    let good = format!("form={form}&username=alice&password={}", encoded(PASSWORD));
    for (what, body, status) in [
        ("a wrong password", format!("form={form}&username=alice&password={}", encoded(wrong)), 401),
        ("an unknown name", format!("form={form}&username=nobody&password={}", encoded(wrong)), 401),
        ("no password", format!("form={form}&username=alice"), 401),
        ("nothing", String::new(), 403),
        ("an unknown field", format!("{good}&admin=1"), 400),
        ("a field that is there twice", format!("{good}&username=bob"), 400),
        ("a name that is not UTF-8", format!("form={form}&username=%ff&password=x"), 400),
        ("too much", format!("{good}&rd={}", "a".repeat(4096)), 413),
    ] {
        let reply = send(&samehand, ours(raw_form("/login", &body)));
        assert_eq!((reply.status, reply.all("Set-Cookie").len()), (status, 0), "{what}: {reply:?}");
        let text = text(&reply);
        assert!(text.contains("role=\"alert\"") && text.contains("name=\"password\""), "{what}: {text}");
        assert!(!text.contains(wrong) && !text.contains(PASSWORD), "{what}: {text}");
        assert_eq!(
            text.contains("value=\"alice\""),
            matches!(what, "a wrong password" | "no password"),
            "{what}: {text}"
        );
    }
}

#[test]
fn unknown_names_and_wrong_passwords_get_the_same_page() {
    let samehand = start();
    samehand.add_user("dora", &[]);
    samehand.succeed(&["user", "disable", "dora"], "");
    let form = form_token(&samehand);
    let page = |name: &str, password: &str| {
        let reply =
            send(&samehand, ours(post("/login", &[("username", name), ("password", password), ("form", &form)])));
        let text = text(&reply);
        let shown = text.split_once("name=\"form\"").expect("a form").0.replace(name, "NAME");
        let mut names: Vec<_> = reply.headers.iter().map(|(name, _)| name.clone()).collect();
        names.sort_unstable();
        (reply.status, shown, names)
    };
    let wrong = page("alice", "seven lighthouses count aloud");
    assert_eq!(wrong.0, 401);
    assert_eq!(page("nobody", "seven lighthouses count aloud"), wrong);
    assert_eq!(page("dora", PASSWORD), wrong);
}

#[test]
fn too_many_attempts_are_told_how_long_to_wait() {
    let samehand = start();
    let form = form_token(&samehand);
    let attempt = || {
        let fields = [("username", "alice"), ("password", "seven lighthouses count aloud"), ("form", form.as_str())];
        send(&samehand, ours(post("/login", &fields)))
    };
    let throttled = (0..200).map(|_| attempt()).find(|reply| reply.status != 401).expect("an end to it");
    assert_eq!(throttled.status, 429, "{throttled:?}");
    let seconds: u64 = throttled.header("Retry-After").and_then(|wait| wait.parse().ok()).expect("seconds");
    let text = text(&throttled);
    assert!(seconds > 0 && text.contains("Please try again in ") && text.contains("value=\"alice\""), "{text}");
}

#[test]
fn without_pages_there_is_no_form() {
    let samehand = Samehand::start(&[]);
    samehand.add_user("alice", &[]);
    for target in ["/login", "/logout"] {
        let page = send(&samehand, get(target));
        assert_eq!((page.status, page.header("Allow")), (405, Some("POST")), "{page:?}");
        assert!(text(&page).contains("SAMEHAND_PUBLIC_URL"), "{page:?}");
        let program = send(&samehand, Request::get(target));
        assert_eq!((program.status, &program.json()["error"]), (405, &"method_not_allowed".into()), "{program:?}");
    }
    let reply = send(&samehand, ours(post("/login", &[("username", "alice"), ("password", PASSWORD)])));
    assert_eq!((reply.status, &reply.json()["error"]), (415, &"unsupported_media_type".into()), "{reply:?}");
}

#[test]
fn json_gets_a_token_and_never_a_cookie() {
    let samehand = start();
    let body = format!(r#"{{"username":"alice","password":"{PASSWORD}"}}"#);
    let reply = send(&samehand, ours(Request::post("/login", body).header("Content-Type", "application/json")));
    assert_eq!((reply.status, reply.all("Set-Cookie").len()), (200, 0), "{reply:?}");
    assert!(reply.json()["token"].is_string());
}
