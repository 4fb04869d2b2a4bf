//! A password as somebody typed it, and as it is hashed: one text for each way in which systems write the same letters.
//!
//! macOS may send `é` as an `e` and an accent, other systems as one character; a no-break space looks like a space. RFC 8265
//! section 4.2 (OpaqueString) makes one text of them. Nothing is folded, trimmed, shortened or refused here.

use crate::secret::Secret;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::is_nfc;

/// What is tried at a sign-in.
pub(super) struct TypedPassword {
    prepared: Secret,
    /// Where it is another text: hashes that are older than the preparing, or come from elsewhere, are of it.
    as_typed: Option<Secret>,
}

impl TypedPassword {
    pub(super) fn new(typed: Secret) -> Self {
        let prepared = prepare(&typed);
        if prepared.equals(typed.expose()) {
            return Self { prepared, as_typed: None };
        }
        Self { prepared, as_typed: Some(typed) }
    }

    /// The text that new hashes are of.
    pub(super) fn prepared(&self) -> &[u8] {
        self.prepared.expose()
    }

    /// The texts to try, the prepared one first. How many there are says something about the text, and nothing about users.
    pub(super) fn spellings(&self) -> impl Iterator<Item = &[u8]> {
        [Some(&self.prepared), self.as_typed.as_ref()].into_iter().flatten().map(Secret::expose)
    }
}

/// Spaces of every kind as U+0020, then Unicode's normalisation form C. What is no UTF-8 is left as it is.
pub(super) fn prepare(typed: &Secret) -> Secret {
    let Ok(text) = std::str::from_utf8(typed.expose()) else { return typed.clone() };
    if text.is_ascii() || (!text.contains(is_other_space) && is_nfc(text)) {
        return typed.clone();
    }
    // In form C a text has at most three times its bytes: it is never moved, which would leave a copy behind.
    let mut prepared = String::with_capacity(text.len() * 3);
    prepared.extend(text.chars().map(|character| if is_other_space(character) { ' ' } else { character }).nfc());
    Secret::new(prepared.into_bytes())
}

/// Category Zs of Unicode but U+0020.
fn is_other_space(character: char) -> bool {
    matches!(character, '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn is_tried_as(typed: &str, spellings: &[&str]) {
        let password = TypedPassword::new(Secret::new(typed.as_bytes().to_vec()));
        let tried: Vec<&str> = password.spellings().map(|text| std::str::from_utf8(text).unwrap()).collect();
        assert_eq!(tried, spellings, "{typed:?}");
    }

    #[test]
    fn what_looks_the_same_is_the_same() {
        is_tried_as("gr\u{fc}n", &["gr\u{fc}n"]);
        is_tried_as("gru\u{308}n", &["gr\u{fc}n", "gru\u{308}n"]);
        is_tried_as("\u{1112}\u{1161}\u{11ab}", &["\u{d55c}", "\u{1112}\u{1161}\u{11ab}"]);
        is_tried_as("a\u{a0}b\u{3000}c", &["a b c", "a\u{a0}b\u{3000}c"]);
        is_tried_as("\u{212b}", &["\u{c5}", "\u{212b}"]);
    }

    #[test]
    fn what_is_different_stays_different() {
        for text in
            ["plain ascii", "", " blanks at both ends ", "Case", "\u{fb01}", "\u{ff21}", "a\tb\n", "\u{200b}", "\0"]
        {
            is_tried_as(text, &[text]);
        }
        let bytes = TypedPassword::new(Secret::new(b"\xff\xc2\xa0".to_vec()));
        assert_eq!(bytes.spellings().collect::<Vec<_>>(), [b"\xff\xc2\xa0"]);
    }
}
