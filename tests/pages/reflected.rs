//! Whatever comes from outside is text on a page, and never a part of it.

use crate::{asked, encoded, field, form_token, get, ours, post, question, send, start, text};

const MARKUP: [&str; 5] = [
    "\"><script>alert(1)</script>",
    "'><img src=x onerror=alert(1)>",
    "</title></style><script>alert(1)</script>",
    "{{1234*4321}}${1234*4321}",
    "javascript:alert(1)",
];

#[test]
fn markup_in_a_value_is_shown_as_it_was_typed() {
    let samehand = start();
    let form = form_token(&samehand);
    for value in MARKUP {
        let query = format!("rd={0}&why={0}&again={0}&ended={0}", encoded(value));
        let deep = encoded(&format!("https://app.example.com/{}", value.replace(' ', "%20")));
        let fields = [("username", value), ("password", value), ("rd", value), ("form", form.as_str())];
        for (what, page) in [
            ("the query of the sign-in page", send(&samehand, get(&format!("/login?{query}")))),
            ("the query of the sign-out page", send(&samehand, get(&format!("/logout?{query}")))),
            ("a path", send(&samehand, get(&format!("/login?rd={deep}")))),
            ("a path, at sign-out", send(&samehand, get(&format!("/logout?rd={deep}")))),
            ("the fields of the form", send(&samehand, ours(post("/login", &fields)))),
            ("a form token", send(&samehand, ours(post("/login", &[("username", value), ("form", value)])))),
        ] {
            let text = text(&page);
            for part in ["<script", "<img", "onerror=alert(1)>", "5332114", "href=\"javascript", "value=\"\"><"] {
                assert!(!text.split_once("</style>").expect("a style").1.contains(part), "{what}, {value}: {text}");
            }
        }
        let reply = send(&samehand, ours(post("/login", &fields)));
        assert!(text(&reply).contains("name=\"username\" value=\""), "the name is kept: {reply:?}");
    }
}

#[test]
fn a_name_comes_back_letter_by_letter() {
    let samehand = start();
    let form = form_token(&samehand);
    let name = "a<b>&\"c'd";
    let reply = send(&samehand, ours(post("/login", &[("username", name), ("password", "x"), ("form", &form)])));
    let shown = field(&reply, "username").expect("a name");
    let letters = [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")];
    assert_eq!(letters.iter().fold(shown, |text, (from, to)| text.replace(from, to)), name);
}

#[test]
fn a_host_that_gets_no_cookie_is_named_and_no_more() {
    let samehand = start();
    let reply = asked(&samehand, question("traefik", "https", "evil.example.net", "/<script>"));
    assert_eq!((reply.status, reply.header("Location")), (403, None), "{reply:?}");
    let text = text(&reply);
    assert!(
        text.contains("evil.example.net is outside") && !text.contains("<script") && !text.contains("href"),
        "{text}"
    );
    let reply = asked(&samehand, question("traefik", "https", "evil.example.net\"><b>", "/"));
    assert_eq!(reply.status, 400, "such a host is none: {reply:?}");
}
