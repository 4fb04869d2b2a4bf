//! A user of whom so much is kept that a browser drops the cookie without a word: refused where it is given, and told as what it
//! is where it is there already.

use super::{NAME, PASSWORD, cookie_of, ours, send, sign_in, start, text};
use crate::support::{client::Request, samehand::Samehand};

/// Puts alice into so many groups, if they fit.
fn put_into(samehand: &Samehand, groups: usize) -> Result<(), String> {
    let groups: Vec<String> = (0..groups).map(|number| format!("--group=department-{number:04}")).collect();
    let mut arguments = vec!["user", "set", "alice"];
    arguments.extend(groups.iter().map(String::as_str));
    let output = samehand.run(&arguments, "");
    output.status.success().then_some(()).ok_or_else(|| String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn whoever_is_taken_in_can_sign_in_and_a_lasting_error_says_so() {
    let samehand = start();
    let refused = put_into(&samehand, 120).expect_err("more than fits");
    assert!(refused.contains("bytes in a token") && refused.contains("use fewer groups"), "{refused}");
    let most = (1..120).rev().find(|count| put_into(&samehand, *count).is_ok()).expect("some groups");
    assert!(most >= 80, "only {most} groups fit");

    let signed_in = sign_in(&samehand, "https://app.example.com/");
    assert_eq!(signed_in.status, 303, "{signed_in:?}");
    let cookie = cookie_of(&signed_in);
    assert!(cookie.starts_with(NAME) && cookie.len() <= 4096, "{} bytes", cookie.len());

    // The same user after the settings have become longer than they were: nothing that is refused anywhere.
    let (audience, name) = ("a".repeat(620), format!("__Secure-{}", "c".repeat(120)));
    let samehand = samehand.restart(&[("AUDIENCE", &audience), ("COOKIE_NAME", &name)]);
    let page = sign_in(&samehand, "https://app.example.com/");
    assert_eq!((page.status, page.all("Set-Cookie").len(), page.header("Retry-After")), (500, 0, None), "{page:?}");
    let shown = text(&page);
    assert!(shown.contains("more groups than your browser can keep") && !shown.contains("in a moment"), "{shown}");
    samehand.process.wait_for("what the operator has to do", |line| {
        line.contains("shortens groups or names").then(|| assert!(line.contains("samehand user set alice"), "{line}"))
    });
    let body = format!(r#"{{"username":"alice","password":"{PASSWORD}"}}"#);
    let reply = send(&samehand, ours(Request::post("/login", body).header("Content-Type", "application/json")));
    assert_eq!((reply.status, reply.header("Retry-After")), (500, None), "{reply:?}");
    assert_eq!(reply.json()["error"], "token_too_large");

    put_into(&samehand, 3).expect("fewer groups");
    assert_eq!(sign_in(&samehand, "https://app.example.com/").status, 303);
}
