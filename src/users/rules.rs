//! Which passwords may be set: long, and not among the first that somebody would try.
//!
//! The rules hold when a password is chosen, never when somebody signs in. It is prepared as at a sign-in (RFC 8265), and
//! nothing is folded, trimmed or shortened.

use super::typed::prepare;
use crate::check::names::{DisplayName, Email, UserName};
use crate::secret::Secret;
use std::fmt;
use zxcvbn::{Score, zxcvbn};

/// Fewest characters of a password that is the only factor (NIST SP 800-63B-4 section 3.1.1.2).
const FEWEST_CHARACTERS: usize = 15;

/// Most bytes of a password, so that nobody makes us hash megabytes.
pub(crate) const LONGEST: usize = 1024;

/// Below this an online attacker comes far: fewer than a million guesses. Length, the bounded queue and a slow hash do the
/// rest, and a rule that refused what merely looks weak would teach people to write passwords down.
const LEAST_SCORE: Score = Score::Two;

/// A password that may be set.
pub struct NewPassword(Secret);

impl NewPassword {
    /// Takes a password that keeps the rules. What is known about the person counts as guessed first.
    pub fn choose(password: Secret, person: &Person<'_>) -> Result<Self, PasswordRefused> {
        if password.expose().len() > LONGEST {
            return Err(PasswordRefused::TooLong);
        }
        let password = prepare(&password);
        let text = std::str::from_utf8(password.expose()).map_err(|_| PasswordRefused::NotText)?;
        if text.len() > LONGEST {
            return Err(PasswordRefused::TooLong);
        }
        if text.chars().count() < FEWEST_CHARACTERS {
            return Err(PasswordRefused::TooShort);
        }
        refuse_guessable(text, person)?;
        Ok(Self(password))
    }

    pub(super) fn expose(&self) -> &[u8] {
        self.0.expose()
    }
}

/// What is known about whoever chooses a password.
#[derive(Clone, Copy, Default)]
pub struct Person<'a> {
    /// The name to sign in with.
    pub name: Option<&'a UserName>,
    /// The e-mail address.
    pub email: Option<&'a Email>,
    /// What the person is called.
    pub display_name: Option<&'a DisplayName>,
}

fn refuse_guessable(password: &str, person: &Person<'_>) -> Result<(), PasswordRefused> {
    let known = person.known();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let squeezed = squeeze(password);
    for seen in [password, squeezed.as_str()] {
        let estimate = zxcvbn(seen, &known);
        if estimate.score() < LEAST_SCORE {
            let warning = estimate.feedback().and_then(|feedback| feedback.warning());
            return Err(PasswordRefused::Guessable(warning.map(|warning| warning.to_string())));
        }
    }
    Ok(())
}

/// The password without separators, and with three or more of the same character in a row as one:
/// `1111-2222-3333-4444` is a guess like `1234`, which the estimate does not see.
fn squeeze(password: &str) -> String {
    let is_separator = |character: &char| character.is_whitespace() || matches!(character, '-' | '_' | '.');
    let characters: Vec<char> = password.chars().filter(|character| !is_separator(character)).collect();
    let runs = characters.chunk_by(|left, right| left == right);
    runs.flat_map(|run| if run.len() >= 3 { &run[..1] } else { run }).collect()
}

impl Person<'_> {
    /// Everything known, in the spellings in which a password would have it.
    fn known(&self) -> Vec<String> {
        let name = self.name.map(UserName::as_str);
        let email = self.email.map(Email::as_str);
        let display_name = self.display_name.map(DisplayName::as_str);
        let mut known = vec!["samehand".to_owned()];
        for text in [name, email, display_name].into_iter().flatten() {
            // As it is, as squeezing leaves it, and word by word; one or two letters are in every password.
            let words = text.split(|character: char| !character.is_alphanumeric());
            known.extend(words.filter(|word| word.chars().count() > 2).map(str::to_owned));
            known.push(squeeze(text));
            known.push(text.to_owned());
        }
        known
    }
}

/// Why a password cannot be set. Never shows the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasswordRefused {
    /// Not UTF-8.
    NotText,
    /// Fewer than 15 characters.
    TooShort,
    /// More than 1024 bytes.
    TooLong,
    /// Few guesses are needed; with what makes it so, where that is known.
    Guessable(Option<String>),
}

impl fmt::Display for PasswordRefused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        const ADVICE: &str = "Use four or more words that have nothing to do with each other or with the person";
        match self {
            Self::NotText => formatter.write_str("the password is not UTF-8 text"),
            Self::TooShort => write!(formatter, "the password has fewer than {FEWEST_CHARACTERS} characters. {ADVICE}"),
            Self::TooLong => write!(formatter, "the password has more than {LONGEST} bytes. Use a shorter one"),
            Self::Guessable(Some(warning)) => write!(formatter, "the password is easily guessed: {warning} {ADVICE}"),
            Self::Guessable(None) => write!(formatter, "the password is easily guessed. {ADVICE}"),
        }
    }
}

impl std::error::Error for PasswordRefused {}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(password: &str) -> Result<NewPassword, PasswordRefused> {
        let name = UserName::enter("magdalena").unwrap();
        let email = Email::read("lena.fuchs@weingut-adler.example").unwrap();
        let display_name = DisplayName::read("Magdalena Fuchs").unwrap();
        let person = Person { name: Some(&name), email: Some(&email), display_name: Some(&display_name) };
        NewPassword::choose(Secret::new(password.as_bytes().to_vec()), &person)
    }

    #[track_caller]
    fn may_be_set(password: &str) {
        let chosen = choose(password).unwrap_or_else(|refused| panic!("{password:?}: {refused}"));
        assert_eq!(chosen.expose(), password.as_bytes(), "nothing is folded, trimmed or shortened");
    }

    #[track_caller]
    fn is_refused(password: &str, said: &str) {
        let message = choose(password).map(|_| ()).unwrap_err().to_string();
        assert!(message.contains(said), "{password:?}: {message}");
        assert!(!message.contains(password), "{message}");
    }

    #[test]
    fn long_and_unrelated_is_all_that_is_asked_for() {
        may_be_set("trousers marmalade lighthouse");
        may_be_set("trousers-marmalade-9");
        may_be_set("739105628401937");
        may_be_set("kD8!xv%Qp2&mZr#5");
        may_be_set("$^%#&!*@)(~`+=?/>,<");
        may_be_set("  blanks at both ends count  ");
        may_be_set("grüner Wecker, nasser Igel");
        may_be_set("山田電機東京馬車道猫背中港町雨");
        may_be_set("a zero \0 and a line\nend are text too");
        may_be_set("🦊🌧🎻🧦🪴🚂🥨🪁🧭🐌🎩🧊🪞🕯🛶");
    }

    #[test]
    fn characters_count_at_the_short_end_and_bytes_at_the_long_one() {
        is_refused("kD8!xv%Qp2&mZr", "fewer than 15");
        // Fifteen code points, of which an accent is no character of its own.
        is_refused("kD8!xv%Qp2&me\u{301}r", "fewer than 15");
        // Fourteen characters in 42 bytes.
        is_refused("山田電機東京馬車道猫背中港町", "fewer than 15");
        assert_eq!(choose("").map(|_| ()), Err(PasswordRefused::TooShort));
        let long = "trousers marmalade lighthouse ".repeat(35);
        assert_eq!(choose(&long[..1025]).map(|_| ()), Err(PasswordRefused::TooLong));
        let unique: String = (0..200).map(|number| format!("{:04x} ", number * 331 % 65_521)).collect();
        may_be_set(&format!("{unique:x<1024}"));
    }

    #[test]
    fn what_is_set_is_what_any_keyboard_writes() {
        let of = |text: &str| choose(text).unwrap_or_else(|refused| panic!("{text:?}: {refused}"));
        let composed = of("gr\u{fc}ner Wecker, nasser Igel");
        for typed in ["gru\u{308}ner Wecker, nasser Igel", "gr\u{fc}ner\u{a0}Wecker,\u{3000}nasser Igel"] {
            assert_eq!(of(typed).expose(), composed.expose(), "{typed:?}");
        }
    }

    #[test]
    fn repeats_sequences_and_favourites_are_refused() {
        is_refused("aaaaaaaaaaaaaaaaaaaa", "easily guessed");
        is_refused("山山山山山山山山山山山山山山山", "easily guessed");
        is_refused("abcabcabcabcabcabc", "easily guessed");
        is_refused("abcdefghijklmnopqrstuvwxyz", "easily guessed");
        is_refused("123456789012345678", "easily guessed");
        is_refused("1111-2222-3333-4444", "easily guessed");
        is_refused("aaaaabbbbbcccccddddd", "easily guessed");
        is_refused("qwertyuiopasdfghjkl", "easily guessed");
        is_refused("passwordpassword", "easily guessed");
        is_refused("P@ssw0rdP@ssw0rd", "easily guessed");
        is_refused("Summer2026Summer2026!", "easily guessed");
        is_refused("samehandsamehand", "easily guessed");
        is_refused("0123456789abcdef0123456789abcdef", "easily guessed");
        is_refused("- - - - - _ _ _ _ . . . .", "easily guessed");
    }

    #[test]
    fn what_is_known_about_the_person_is_guessed_first() {
        is_refused("magdalena-magdalena", "easily guessed");
        is_refused("Magdalena.Fuchs1", "easily guessed");
        is_refused("lena.fuchs@weingut-adler.example", "easily guessed");
    }

    #[test]
    fn a_password_is_text() {
        let bytes = Secret::new(b"\xfftrousers marmalade lighthouse".to_vec());
        let refused = NewPassword::choose(bytes, &Person::default()).map(|_| ());
        assert_eq!(refused, Err(PasswordRefused::NotText));
    }
}
