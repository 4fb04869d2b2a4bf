//! Properties of the family over values nobody has thought of.

use super::family;
use super::near_misses::CHROME;
use proptest::prelude::*;
use samehand::check::user_agent::UserAgent;

/// A value that uses everything the rules know, in any order.
fn agents() -> impl Strategy<Value = Vec<u8>> {
    let part = prop::sample::select(vec![
        "Mozilla/5.0",
        " ",
        "\t",
        "(",
        ")",
        "[",
        "]",
        ";",
        ",",
        "/",
        ".",
        "0",
        "7",
        "10_15_7",
        "v",
        "AppleWebKit/537.36",
        "Gecko",
        "(KHTML, like Gecko)",
        "Chrome/1.0",
        "Safari/1",
        "Version/4.0",
        "Mobile",
        "Edg/1",
        "wv",
        "Windows NT 10.0",
        "Linux",
        "Android 9",
        "compatible",
        "curl",
        "\u{e9}",
        "\0",
        "+",
        "-",
        "_",
    ]);
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        prop::collection::vec(part, 0..40).prop_map(|parts| parts.concat().into_bytes()),
    ]
}

proptest! {
    #[test]
    fn no_value_makes_it_panic_or_grow(agent in agents()) {
        let user_agent = UserAgent::from_bytes(Some(&agent));
        let mut out = Vec::new();
        user_agent.family(&mut out);
        prop_assert!(!out.is_empty() && out.len() <= agent.len() + 64);
        prop_assert!(user_agent.in_words().bytes().all(|byte| matches!(byte, b' '..=b'~')));
    }

    #[test]
    fn surrounding_blanks_never_count(agent in agents(), before in "[ \t]{0,3}", after in "[ \t]{0,3}") {
        let padded = [before.as_bytes(), &agent, after.as_bytes()].concat();
        prop_assert_eq!(family(&agent), family(&padded));
    }

    #[test]
    fn the_version_of_a_named_agent_never_counts(
        name in "[A-Za-z][A-Za-z_-]{0,15}",
        versions in prop::array::uniform2("[0-9]{1,6}(\\.[0-9]{1,6}){0,4}"),
        rest in "( \\([a-z; ]{0,20}\\))?",
    ) {
        let [one, other] = versions.map(|version| family(format!("{name}/{version}{rest}").as_bytes()));
        prop_assert_eq!(one, other);
    }

    #[test]
    fn the_name_of_an_agent_always_counts(names in prop::array::uniform2("[A-Za-z][A-Za-z_-]{0,15}"), version in "[0-9]{1,3}\\.[0-9]{1,3}") {
        let [one, other] = names.each_ref().map(|name| family(format!("{name}/{version}").as_bytes()));
        prop_assert_eq!(one == other, names[0] == names[1]);
    }

    #[test]
    fn an_added_product_always_counts(name in "[A-Za-z][A-Za-z_-]{0,15}", version in "[0-9]{1,3}\\.[0-9]{1,3}") {
        prop_assume!(!["AppleWebKit", "Gecko", "Safari", "Version", "Mobile", "Chrome"].contains(&name.as_str()));
        prop_assert_ne!(family(CHROME.as_bytes()), family(format!("{CHROME} {name}/{version}").as_bytes()));
    }

    #[test]
    fn version_numbers_of_a_browser_never_count(chrome in "[0-9]{1,3}(\\.[0-9]{1,4}){0,3}", safari in "[0-9]{3}\\.[0-9]{1,2}", windows in "[0-9]{1,2}\\.[0-9]") {
        let agent = CHROME.replace("126.0.0.0", &chrome).replace("537.36", &safari).replace("10.0", &windows);
        prop_assert_eq!(family(CHROME.as_bytes()), family(agent.as_bytes()));
    }

    #[test]
    fn the_family_of_another_agent_is_its_own_family(agent in agents()) {
        let first = family(&agent);
        if let [3, text @ ..] = first.as_slice() {
            prop_assert_eq!(&family(text), &first);
        }
    }
}
