//! How a secret is weak. Knows shapes and published values; never proves that a secret is strong.
//!
//! An attacker with one token tries published secrets and simple shapes offline, at billions a second.

use super::well_known::WORDS;
use zeroize::Zeroizing;

/// What is weak about a secret; everything false means that nothing was noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Weakness {
    /// Fewer bytes than asked for.
    pub(super) short: bool,
    /// Few different bytes, or a pattern at least three times.
    pub(super) repetitive: bool,
    /// One value that everybody can look up, whatever its letter case, separators, repetition and padding.
    pub(super) well_known: bool,
    /// Put together from such values, a run such as `abcdef`, or a pattern twice. Worth a warning, not a refusal: a
    /// guess about what somebody meant must not keep a service down.
    pub(super) guessable: bool,
}

/// Looks at a secret that should have at least `minimum` bytes.
pub(super) fn weakness(secret: &[u8], minimum: usize) -> Weakness {
    Weakness {
        short: secret.len() < minimum,
        repetitive: is_repetitive(secret, minimum),
        well_known: WORDS.iter().any(|word| is_made_of(secret, &[word])),
        guessable: is_made_of(secret, WORDS)
            || is_a_run(secret)
            || repeats_a_pattern(secret, secret.len() / 2, minimum),
    }
}

fn is_repetitive(secret: &[u8], minimum: usize) -> bool {
    has_few_different_bytes(secret) || repeats_a_pattern(secret, secret.len() / 3, minimum)
}

/// The bounds lie where a random hexadecimal text of that length falls below once in some million.
fn has_few_different_bytes(secret: &[u8]) -> bool {
    let mut seen = [false; 256];
    for byte in secret {
        seen[usize::from(*byte)] = true;
    }
    let different = seen.into_iter().filter(|seen| *seen).count();
    let expected = match secret.len() {
        32.. => 8,
        16..32 => 5,
        0..16 => 3,
    };
    different < expected
}

/// A pattern as long as a good secret may well be repeated: it is as hard to guess as it is alone.
fn repeats_a_pattern(secret: &[u8], longest: usize, minimum: usize) -> bool {
    let longest = longest.min(minimum.saturating_sub(1));
    (1..=longest).any(|period| secret.iter().zip(&secret[period..]).all(|(byte, later)| byte == later))
}

/// `0123456789`, `abcABCdef`, `9876`: three of four bytes are the last one or its neighbour.
fn is_a_run(secret: &[u8]) -> bool {
    let steps = secret.len().saturating_sub(1);
    let neighbours = secret.iter().zip(secret.iter().skip(1));
    let small = neighbours.filter(|(byte, next)| byte.to_ascii_lowercase().abs_diff(next.to_ascii_lowercase()) <= 1);
    steps >= 3 && small.count() * 4 >= steps * 3
}

/// Strikes out the words and judges what is left: at most a quarter of the whole, or padding.
fn is_made_of(secret: &[u8], words: &[&str]) -> bool {
    let letters = secret.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase);
    let letters: Zeroizing<Vec<u8>> = Zeroizing::new(letters.collect());
    let mut struck = vec![false; letters.len()];
    for word in words {
        for start in 0..(letters.len() + 1).saturating_sub(word.len()) {
            if letters[start..].starts_with(word.as_bytes()) {
                struck[start..start + word.len()].fill(true);
            }
        }
    }
    let left = letters.iter().zip(&struck).filter(|(_, struck)| !**struck).map(|(byte, _)| *byte);
    let left: Zeroizing<Vec<u8>> = Zeroizing::new(left.collect());
    let anything_struck = left.len() < letters.len();
    anything_struck && (left.len() * 4 <= letters.len() || has_few_different_bytes(&left))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Weakness = Weakness { short: false, repetitive: false, well_known: false, guessable: false };

    #[track_caller]
    fn is(secret: &str, expected: Weakness) {
        assert_eq!(weakness(secret.as_bytes(), 32), expected, "{secret}");
    }

    #[track_caller]
    fn well_known(secret: &str) {
        assert!(weakness(secret.as_bytes(), 32).well_known, "{secret}");
    }

    #[track_caller]
    fn only_guessable(secret: &str) {
        is(secret, Weakness { guessable: true, ..GOOD });
    }

    #[track_caller]
    fn repetitive(secret: &str) {
        assert!(weakness(secret.as_bytes(), 32).repetitive, "{secret}");
    }

    #[test]
    fn random_text_is_good() {
        is("q8m2Zt7yVb4Kx1Rw9Lp6Ns3Jd5Hf0GcA", GOOD);
        is("f1d97c02b65e8a34907bd2c61fe5a8037c4d9b20e6815fa3", GOOD);
        is("HkXG0e8TqE4z2b3YdC1mFv7uNsRjPwLa+/KpI6xVhQo=", GOOD);
        is("pflaume Zugspitze 47 Regenrinne kaputt Walzer", GOOD);
    }

    #[test]
    fn a_good_secret_may_contain_a_known_word_or_be_doubled() {
        is("secret-q8m2Zt7yVb4Kx1Rw9Lp6Ns3Jd5Hf0GcA", GOOD);
        is("q8m2Zt7yVb4Kx1Rw9Lp6Ns3Jd5Hf0GcAq8m2Zt7yVb4Kx1Rw9Lp6Ns3Jd5Hf0GcA", GOOD);
        is("acceptance-secret-0f9b4c1e7a", Weakness { short: true, ..GOOD });
    }

    #[test]
    fn a_short_secret_is_short_and_no_more() {
        is("vQ7kZp2xW9", Weakness { short: true, ..GOOD });
        is("short-but-unknown", Weakness { short: true, ..GOOD });
    }

    #[test]
    fn published_secrets_are_known_in_any_dress() {
        well_known("6iwMV0Hc6WU0XPMpqugnHsOg3kJqhRTQ");
        well_known("6IWMV0HC6WU0XPMPQUGNHSOG3KJQHRTQ");
        well_known("6iwMV0Hc6WU0XPMpqugnHsOg3kJqhRTQ00000000");
        well_known("3d4bd49fadee0613cec5a145a0173876");
        well_known("3d4bd49fadee0613cec5a145a01738763d4bd49fadee0613cec5a145a0173876");
        well_known("your-256-bit-secret");
        well_known("your-256-bit-secretyour-256-bit-secret");
        well_known("a-string-secret-at-least-256-bits-long");
        well_known("secret");
        well_known("secretsecretsecretsecretsecretsecr");
        well_known("changeme");
        well_known("changeme!changeme!changeme!changeme!");
        well_known("changeme000000000000000000000000");
        well_known("keyboard cat");
        well_known("shhhhh");
        well_known("09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7");
    }

    #[test]
    fn what_looks_put_together_is_only_guessable() {
        only_guessable("my-super-secret-jwt-key-for-production");
        only_guessable("qwertyuiopasdfghjklzxcvbnm123456");
        only_guessable("abcdefghijklmnopqrstuvwxyzABCDEF");
        only_guessable("0123456789abcdef0123456789abcdef");
        only_guessable("test-admin-token-with-32-characters!");
    }

    #[test]
    fn simple_shapes_are_repetitive() {
        repetitive("");
        repetitive("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
        repetitive("abcabdabcabdabcabdabcabdabcabdabcabd");
        repetitive("kT9#kT9#kT9#kT9#kT9#kT9#kT9#kT9#");
        repetitive("x7Qp2mWz5Lx7Qp2mWz5Lx7Qp2mWz5Lx7Qp2m");
        repetitive("0123456789012345678901234567890123456789");
        repetitive("98765432109876543210987654321098");
    }
}
