//! Letters beyond ASCII: in an address, as small programs send them, and in what somebody is called. And control characters,
//! which no proxy and no samehand lets through.

use super::world::{CHROME, Outcome, World};
use crate::support::{CLIENT, client::Request};

/// `Jürgen Müller` in UTF-8, one character for each byte, as the application's record has it.
const JUERGEN: &str = "J\u{c3}\u{bc}rgen M\u{c3}\u{bc}ller";

pub(crate) fn an_address_with_raw_letters_is_served(world: &World) {
    for (target, path) in [
        ("/caf\u{e9}", "/caf%C3%A9"),
        ("/\u{6771}\u{4eac}/\u{1f98a}?q=\u{20ac}", "/%E6%9D%B1%E4%BA%AC/%F0%9F%A6%8A"),
        ("/search?q=caf\u{e9}", "/search"),
    ] {
        let outcome = world.ask(CLIENT, world.good(Request::get(target)));
        outcome.reached_the_application_as_alice(target);
        let decision = world.decision(&outcome);
        assert_eq!((decision.field("reason"), decision.field("path")), ("ok", path), "{target}: {decision:?}");

        let outcome = world.ask(CLIENT, Request::get(target).header("User-Agent", CHROME));
        outcome.was_refused(target, &[401]);
    }
}

pub(crate) fn a_control_character_in_an_address_is_not_served(world: &World) {
    for control in ['\0', '\u{1}', '\t', '\u{1b}', '\u{7f}'] {
        for target in [format!("/a{control}b"), format!("/caf\u{e9}?q={control}")] {
            let outcome = world.ask(CLIENT, world.good(Request::get(&target)));
            outcome.was_refused(&format!("{target:?}"), &[400, 403]);
        }
    }
}

pub(crate) fn the_application_learns_every_letter_of_a_name(world: &World) {
    world.samehand.add_user("juergen", &["--display-name", " J\u{fc}rgen M\u{fc}ller "]);
    let token = world.samehand.mint("juergen", CLIENT, CHROME);
    let ask = || -> Outcome { world.ask(CLIENT, Request::get("/").header("User-Agent", CHROME).bearer(&token)) };
    let outcome = ask();
    let seen = outcome.seen.as_ref().unwrap_or_else(|| panic!("refused: {:?}", outcome.reply));
    assert_eq!((seen.all("Remote-User"), seen.all("Remote-Name")), (vec!["juergen"], vec![JUERGEN]));
}
