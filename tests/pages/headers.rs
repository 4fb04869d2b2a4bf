//! What every page tells the browser about itself.

use crate::support::client::Request;
use crate::{AUTH, asked, get, ours, question, raw_form, send, start, text};

#[test]
fn every_page_is_framed_cached_and_scripted_by_nobody() {
    let samehand = start();
    let pages = [
        send(&samehand, get("/login")),
        send(&samehand, get("/login?why=other-site")),
        send(&samehand, get("/logout")),
        send(&samehand, get("/logout?ended=nothing")),
        send(&samehand, ours(raw_form("/login", ""))),
        asked(&samehand, question("caddy", "https", "app.example.net", "/")),
    ];
    for page in pages {
        for (name, value) in [
            ("Cache-Control", "no-store"),
            ("Content-Type", "text/html; charset=utf-8"),
            ("Cross-Origin-Opener-Policy", "same-origin"),
            ("Referrer-Policy", "same-origin"),
            ("X-Content-Type-Options", "nosniff"),
            ("X-Frame-Options", "DENY"),
        ] {
            assert_eq!(page.header(name), Some(value), "{name}: {page:?}");
        }
        let policy = page.header("Content-Security-Policy").expect("a policy");
        for part in [
            "default-src 'none'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            "form-action 'self'",
            "style-src 'sha256-",
        ] {
            assert!(policy.contains(part), "{part}: {policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains("script-src"), "{policy}");
        let text = text(&page);
        assert!(text.starts_with("<!doctype html>\n<html lang=\"en\">") && !text.contains("<script"), "{text}");
        assert!(!text.contains("style=\"") && !text.contains(" src=") && !text.contains("<link"), "{text}");
    }
}

#[test]
fn a_head_says_what_a_get_says() {
    let samehand = start();
    for target in ["/login", "/logout", "/login?rd=https%3A%2F%2Fapp.example.com%2F"] {
        let page = send(&samehand, get(target));
        let head = send(&samehand, Request::new("HEAD", target).host(AUTH).header("Accept", "text/html"));
        assert_eq!((head.status, head.body.len()), (page.status, 0), "{head:?}");
        assert_eq!(head.header("Content-Security-Policy"), page.header("Content-Security-Policy"));
    }
}

#[test]
fn a_sign_in_may_lead_wherever_the_application_sends_people_and_other_forms_stay_here() {
    let samehand = start();
    for (target, expected) in [
        ("/login", "form-action 'self' https: http:"),
        ("/logout", "form-action 'self'"),
        ("/login?why=other-site", "form-action 'self'"),
    ] {
        let policy = send(&samehand, get(target)).header("Content-Security-Policy").expect("a policy").to_owned();
        let targets = policy.split("; ").find(|part| part.starts_with("form-action")).expect("targets");
        assert_eq!(targets, expected, "{target}");
    }
}

#[test]
fn the_root_of_the_pages_leads_to_the_account() {
    let samehand = start();
    let reply = send(&samehand, get("/"));
    assert_eq!((reply.status, reply.header("Location")), (303, Some("https://auth.example.com/account")), "{reply:?}");
}
