//! What the browser does with the session cookie: whether it stores it, for whom, and when it sends it.

use serde_json::json;

use crate::{
    support::{CLIENT, THIEF},
    world::{HTTPS, World},
};

#[test]
fn a_cookie_of_the_domain_lets_this_browser_in_at_this_address_only() {
    World::each(HTTPS, |world| {
        let window = world.window();
        let tab = window.tab();
        tab.open("https://app.example.com/");
        assert_eq!(tab.title(), "Sign in to app.example.com");
        let user_agent = tab.run("navigator.userAgent");
        let token = world.samehand.mint("alice", CLIENT, user_agent.as_str().expect("a text"));
        window.has_cookie(json!({
            "name": "__Secure-samehand", "value": token, "domain": ".example.com", "path": "/", "secure": true,
        }));
        assert_eq!(tab.open("https://app.example.com/"), 200);
        tab.says("Hello, alice.");
        world.road.move_to(THIEF);
        tab.reload();
        assert_eq!(tab.title(), "Sign in to app.example.com", "another address");
        world.road.move_to(CLIENT);
        assert_eq!(tab.open("https://app.example.com/"), 200);
    });
}
