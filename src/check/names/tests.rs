//! The tables of [`super`]: which texts are names, and what the refusals say. It tests no lookup.

use super::*;

#[track_caller]
fn is_typed_as(typed: &str, expected: &str) {
    assert_eq!(UserName::enter(typed).map(|name| name.0), Ok(expected.to_owned()));
    assert_eq!(GroupName::enter(typed).map(|name| name.0), Ok(expected.to_owned()));
}

#[track_caller]
fn is_no_name(text: &str, said: &str) {
    for message in [
        UserName::enter(text).unwrap_err().to_string(),
        UserName::read(text).unwrap_err().to_string(),
        GroupName::enter(text).unwrap_err().to_string(),
        GroupName::read(text).unwrap_err().to_string(),
    ] {
        assert!(message.contains(said), "{message}");
        assert!(message.contains("1 to 64"), "{message}");
    }
}

#[test]
fn a_typed_name_is_folded_to_lower_case() {
    is_typed_as("alice", "alice");
    is_typed_as("Alice", "alice");
    is_typed_as("A.B_c@d+e-9", "a.b_c@d+e-9");
    is_typed_as("-", "-");
    is_typed_as(&"X".repeat(64), &"x".repeat(64));
}

#[test]
fn a_name_in_a_token_is_taken_verbatim() {
    assert_eq!(UserName::read("Alice").unwrap().as_str(), "Alice");
    assert_eq!(GroupName::read("Admins").unwrap().as_str(), "Admins");
}

#[test]
fn what_is_no_name_is_refused_and_never_shortened() {
    is_no_name("", "is empty");
    is_no_name(&"x".repeat(65), "is too long");
    is_no_name("a b", "' '");
    is_no_name("a,b", "','");
    is_no_name("a\r\nX: y", "'\\r'");
    is_no_name("a\0", "'\\0'");
    is_no_name("jürgen", "'ü'");
    is_no_name("a/b", "'/'");
    is_no_name("a:b", "':'");
    // The Kelvin sign folds to `k` in Unicode; a typed name must not become another user's that way.
    is_no_name("\u{212a}arl", "'\u{212a}'");
}

#[test]
fn groups_keep_their_order_and_lose_repetitions() {
    let names = ["ops", "admins", "ops", "Admins"].map(|name| GroupName::enter(name).unwrap());
    let groups = Groups::new(names).unwrap();
    assert_eq!(groups.joined(), "ops,admins");
    assert_eq!(groups.iter().count(), 2);
    assert_eq!(Groups::default().joined(), "");
    assert!(Groups::default().is_empty());
}

#[test]
fn groups_that_do_not_fit_into_one_header_are_refused() {
    let names = |count: usize, last: usize| {
        let full = (0..count).map(|number| format!("{number:064}"));
        full.chain((last > 0).then(|| "x".repeat(last))).map(|name| GroupName::enter(&name).unwrap())
    };
    // 31 names of 64 bytes with a comma after each are 2015 bytes.
    assert_eq!(Groups::new(names(31, 33)).unwrap().joined().len(), 2048);
    let refused = Groups::new(names(31, 34)).unwrap_err();
    assert_eq!(refused.length, 2049);
    assert!(refused.to_string().contains("fewer groups"));
}

#[track_caller]
fn is_email(text: &str) {
    assert_eq!(Email::read(text).unwrap().as_str(), text);
}

#[track_caller]
fn is_no_email(text: &str, expected: EmailError) {
    assert_eq!(Email::read(text), Err(expected));
}

#[test]
fn an_email_address_is_visible_ascii_around_an_at() {
    is_email("a@b");
    is_email("Alice+work@Example.COM");
    is_email("\"odd@local\"@example.com");
    is_email(&format!("{}@b", "a".repeat(252)));
    is_no_email("", EmailError::Empty);
    is_no_email(&format!("{}@b", "a".repeat(253)), EmailError::TooLong);
    is_no_email("alice", EmailError::NoAt);
    is_no_email("@example.com", EmailError::NoAt);
    is_no_email("alice@", EmailError::NoAt);
    is_no_email("a@b,c@d", EmailError::Character(','));
    is_no_email("a @b", EmailError::Character(' '));
    is_no_email("a@b\n", EmailError::Character('\n'));
    is_no_email("ä@example.com", EmailError::Character('ä'));
}

#[test]
fn a_name_that_is_typed_has_no_blanks_around_it_and_no_width() {
    for typed in ["alice", "Alice", " alice", "alice ", "\talice\u{a0}", "\u{3000}alice\r\n", "\u{ff21}\u{ff4c}ice"] {
        assert_eq!(UserName::typed(typed).unwrap().as_str(), "alice", "{typed:?}");
    }
    for other in
        ["al ice", "", " ", "al\u{a0}ice", "\u{200b}alice", "\u{430}lice", "\u{e5}lice", "\u{212a}ate", "\u{ff0c}"]
    {
        assert!(UserName::typed(other).is_err(), "{other:?}");
    }
    assert!(UserName::enter("alice ").is_err(), "a back end's `alice ` is somebody else there");
}

#[test]
fn a_display_name_has_letters_of_every_script() {
    for text in ["Alice Example", "O'Brien, Pat; \"PO\"", "Jürgen", "山田太郎", &"山".repeat(128)] {
        assert_eq!(DisplayName::read(text).unwrap().as_str(), text);
    }
    let typed = DisplayName::enter("\u{a0} Jürgen Müller\t").unwrap();
    assert_eq!(typed.as_str(), "Jürgen Müller", "blanks around a name do not count");
}

#[test]
fn a_display_name_controls_neither_terminal_nor_direction() {
    let refused = |text: &str| DisplayName::read(text).unwrap_err();
    assert_eq!(refused(""), DisplayNameError::Empty);
    assert_eq!(refused("  "), DisplayNameError::Empty);
    assert_eq!(refused(&"山".repeat(129)), DisplayNameError::TooLong);
    for character in ['\n', '\r', '\t', '\0', '\u{1b}', '\u{7f}', '\u{85}', '\u{202e}', '\u{2066}', '\u{2028}'] {
        let text = format!("Alice{character}Example");
        assert_eq!(refused(&text), DisplayNameError::Character(character));
        let message = refused(&text).to_string();
        assert!(!message.contains(character), "the message itself must be safe: {message:?}");
    }
}
