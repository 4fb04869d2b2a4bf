//! The `User-Agent` of a caller: read once, as bytes, and turned into what a fingerprint holds.
//!
//! A value is compared in one of two ways. *Exact* is byte for byte. *Family* survives updates: an ordinary new
//! version of the browser or of its operating system is the same family, another browser, another application or
//! another platform is not. This module never logs, never decides, and never holds a secret; what it makes of a value
//! proves nothing about the caller, who writes that value and can copy anyone's.
//!
//! # Canonical bytes
//!
//! Both ways append one tag byte and then the rest, so that values of different kinds can never be equal:
//!
//! | value | tag | rest |
//! |---|---|---|
//! | absent, or empty once the surrounding SP and HTAB are gone | `0x00` | nothing |
//! | exact | `0x01` | the value without surrounding SP and HTAB |
//! | family of a browser | `0x02` | the text of the first rule below |
//! | family of any other agent | `0x03` | the text of the second rule below |
//!
//! # Family, recipe v1
//!
//! A later recipe takes other tag bytes, so that values of two recipes are never equal by accident. Everything is
//! bytes and case counts; a *blank* is SP or HTAB; a *digit* is `0` to `9`.
//!
//! **Pieces.** A value is cut into pieces: a *comment* from `(` to its matching `)`, a *group* from `[` to the next
//! `]` (both to the end of the value where nothing closes them), and *words*, which end before a blank, `(` or `[`.
//! The *name* of a word is nothing when it starts with a digit, else what stands before its first `/`, else (no `/`)
//! what stands before its first digit.
//!
//! **Browser.** A value is a browser's when it starts with `Mozilla/5.0`, the next piece is a comment, that comment
//! names a known system and has no element `compatible`, and one of the later words is named `AppleWebKit` or `Gecko`.
//! The elements of the comment are separated by `;`, without surrounding blanks.
//!
//! 1. *System*: the first of this list that an element begins with as a whole word (up to the first blank):
//!    `Windows Phone` (the element begins with these bytes), `Xbox`, `Android`, `iPad` (iPadOS), `iPhone` or `iPod`
//!    (iOS), `Windows`, `Macintosh` (macOS), `CrOS` (ChromeOS), `Tizen`, `Linux`, `FreeBSD`, `OpenBSD`, `NetBSD`.
//! 2. *Mobile*: an element is `Mobile`, or a word is named so. *Web view*: an element is `wv`.
//! 3. *Names*, in the order in which they stand. Words give their name, except for an empty one and for `AppleWebKit`,
//!    `Gecko`, `Mobile`. A group gives `[` and what follows up to the first `;` or blank, cut before a `/` that a digit
//!    follows. A comment gives `(` and the first name of its own words that is none of `KHTML`, `like`, `Gecko`,
//!    `compatible`, or nothing; these words are separated by blanks, `;`, `,`, `(` and `)`.
//! 4. `Safari` and `Version` are words that everyone borrows: they count only when no name but these two and `Chrome`
//!    is left.
//!
//! The text is the system's name (without a blank: `WindowsPhone`), `+mobile` and `+webview` where they hold, and every
//! name with one SP before it: `Windows Chrome Safari`, `Android+mobile Chrome EdgA`, `iOS+mobile Version Safari`.
//!
//! **Any other agent.** Every byte counts except for version numbers, each of which becomes one `0`: `curl/8.5.0` is
//! `curl/0`, the very text of version 0. A version number is digits, and further digits after a single `.`, `_`, `-`
//! or `+`. It begins at a digit that does not follow a digit, where it follows `/`, or one SP and before it a letter
//! (`A` to `Z`, `a` to `z`, `0x80` to `0xff`), either with a `v` or `V` between, or where its first digits are followed
//! by `.` and a digit (`go1.22`, `rv:109.0`).
//!
//! A *run* is letters and digits that no letter or digit stands before. Of a version number are also the letters that follow its
//! digits at once, and behind one of its separators or a `~` each run that begins with a digit, the name of a *commit* (seven
//! or more of `0-9a-f`, a digit among them, with or without a `g` in front), and `alpha`, `beta`, `rc`, `pre`, `preview` or `dev`
//! with a number behind it. A build is written as one `0` like a version: a commit that is a run; a run that begins with a digit and
//! is all that a comment holds, as in `(21E219)`; a run behind `Build/`.
//!
//! **Helpers.** Some programs ask under more than one name, and are one family:
//!
//! - `AppleCoreMedia/`, which fetches the videos of Safari, is Safari on the system that its comment begins with: `iPhone`,
//!   `iPod touch`, `iPad` or `Macintosh`. It has the tag of a browser.
//! - A value whose first word is `git/` or `git-lfs/` with a version is `git/0`; with `rclone/`, `rclone/v0`; with `iOS/`,
//!   `iPadOS/`, `macOS/` or `watchOS/`, which services for calendars and accounts begin with, that name and `/0`.
//! - Of `pip/` and `uv/` the first word counts. Of `npm/`, `pnpm/` and `yarn/` the words `workspaces/` and `ci/` do not.
//!
//! # What follows from it
//!
//! - Versions, builds, device models and the reduced values that Chromium and Firefox send are all one family, and
//!   so are 32 and 64 bits of one system.
//! - Edge, Opera, Samsung Internet, Yandex, Vivaldi where it says so, Chrome and Firefox on iOS, headless Chrome, web
//!   views and in-app browsers each name themselves and are families of their own. Brave says exactly what Chrome
//!   says and is Chrome; an application that adds its own product is noticed by that product's name.
//! - "Request desktop site" makes an iPad look like a Mac and an Android phone like Linux: a change of system, hence
//!   another family.
//! - A crawler that says so is never a browser's family: what it adds, or the word `compatible`, sets it apart. One
//!   that copies a browser's value is that browser, as anybody is.

mod family;
mod words;

use actix_web::http::header::{HeaderMap, HeaderValue, USER_AGENT};
use std::fmt;

const ABSENT: u8 = 0;
const EXACT: u8 = 1;

/// The one `User-Agent` of a request without surrounding blanks, or the fact that there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserAgent<'a>(Option<&'a [u8]>);

/// There are two `User-Agent` lines. Proxies differ in which of them they pass on, so neither can be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserAgentAmbiguous;

impl fmt::Display for UserAgentAmbiguous {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the request has more than one User-Agent line")
    }
}

impl std::error::Error for UserAgentAmbiguous {}

/// A value with a line break or another control character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserAgentUnsendable;

impl fmt::Display for UserAgentUnsendable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("it has a control character, so no client can send it")
    }
}

impl std::error::Error for UserAgentUnsendable {}

impl<'a> UserAgent<'a> {
    /// Reads the header.
    ///
    /// # Errors
    /// When there is more than one line of it, even if they are equal.
    pub fn read(headers: &'a HeaderMap) -> Result<Self, UserAgentAmbiguous> {
        let mut lines = headers.get_all(USER_AGENT);
        let first = lines.next();
        if lines.next().is_some() {
            return Err(UserAgentAmbiguous);
        }
        Ok(Self::from_bytes(first.map(|value| value.as_bytes())))
    }

    /// Takes a value that somebody says a client sends, for instance a back end that mints.
    ///
    /// # Errors
    /// When no header can carry it: a token for such a client could never be used.
    pub fn vouched(value: Option<&'a str>) -> Result<Self, UserAgentUnsendable> {
        let value = value.map(str::as_bytes);
        value.map(HeaderValue::from_bytes).transpose().map_err(|_| UserAgentUnsendable)?;
        Ok(Self::from_bytes(value))
    }

    /// Takes a value that came by another way than a request.
    #[must_use]
    pub fn from_bytes(value: Option<&'a [u8]>) -> Self {
        Self(value.map(trim))
    }

    /// The value as it was sent, without surrounding blanks. `Some` of nothing is a header that is there and empty:
    /// article fingerprints tell it from an absent one, everything else does not.
    #[must_use]
    pub fn present(&self) -> Option<&'a [u8]> {
        self.0
    }

    /// Appends canonical bytes that two agents share exactly when they are of one family, as the module describes.
    pub fn family(&self, out: &mut Vec<u8>) {
        match self.told() {
            Some(agent) => family::write(agent, out),
            None => out.push(ABSENT),
        }
    }

    /// Appends canonical bytes that two agents share exactly when every byte of their values is the same.
    pub fn exact(&self, out: &mut Vec<u8>) {
        match self.told() {
            Some(agent) => {
                out.push(EXACT);
                out.extend_from_slice(agent);
            }
            None => out.push(ABSENT),
        }
    }

    /// A few words for people, such as "Firefox on Windows" or "Chrome on Android (mobile)": printable ASCII and
    /// short whatever the value holds, without versions, and never the ground for a decision.
    #[must_use]
    pub fn in_words(&self) -> String {
        self.told().map_or_else(|| "no User-Agent".to_owned(), words::describe)
    }

    /// The value, unless there is nothing in it.
    fn told(&self) -> Option<&'a [u8]> {
        self.0.filter(|agent| !agent.is_empty())
    }
}

/// RFC 9110 leaves SP and HTAB around a field's value to the connection; proxies differ in whether they drop them.
fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[&[u8]]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(USER_AGENT, HeaderValue::from_bytes(line).unwrap());
        }
        headers
    }

    fn family(value: Option<&[u8]>) -> Vec<u8> {
        let mut out = Vec::new();
        UserAgent::from_bytes(value).family(&mut out);
        out
    }

    fn exact(value: Option<&[u8]>) -> Vec<u8> {
        let mut out = Vec::new();
        UserAgent::from_bytes(value).exact(&mut out);
        out
    }

    #[test]
    fn two_lines_are_refused_even_when_they_are_equal_or_empty() {
        for lines in [[b"a", b"b"], [b"a", b"a"]] {
            assert_eq!(UserAgent::read(&headers(&[lines[0], lines[1]])), Err(UserAgentAmbiguous));
        }
        assert_eq!(UserAgent::read(&headers(&[b"", b""])), Err(UserAgentAmbiguous));
        assert_eq!(UserAgent::read(&headers(&[b"a", b"", b"a"])), Err(UserAgentAmbiguous));
    }

    #[track_caller]
    fn reads(expected: Option<&[u8]>, lines: &[&[u8]]) {
        assert_eq!(UserAgent::read(&headers(lines)).unwrap().present(), expected);
    }

    #[test]
    fn the_one_line_is_read_as_bytes_without_surrounding_blanks() {
        reads(None, &[]);
        reads(Some(b""), &[b""]);
        reads(Some(b""), &[b" \t "]);
        reads(Some(b"curl/8.5.0"), &[b"\t curl/8.5.0 \t"]);
        reads(Some(b"a \t b"), &[b"a \t b"]);
        reads(Some(b"caf\xe9 \xff"), &[b"caf\xe9 \xff"]);
    }

    #[test]
    fn only_family_and_exact_take_an_empty_value_for_an_absent_one() {
        assert_eq!(family(None), family(Some(b"")));
        assert_eq!(exact(None), exact(Some(b" \t")));
        assert_eq!(family(None), exact(None));
        assert_ne!(UserAgent::from_bytes(None).present(), UserAgent::from_bytes(Some(b"")).present());
    }

    #[test]
    fn values_of_different_kinds_never_collide() {
        let samples: [&[u8]; 5] = [b"0", b"\0", b"undefined", b"-", b"Windows Chrome Safari"];
        for sample in samples {
            assert_ne!(family(None), family(Some(sample)));
            assert_ne!(exact(None), exact(Some(sample)));
            assert_ne!(family(Some(sample)), exact(Some(sample)));
        }
        let chrome = b"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";
        assert_ne!(family(Some(chrome)), family(Some(b"Windows Chrome Safari")), "a browser's text sent as a value");
    }

    #[test]
    fn exact_means_every_byte() {
        assert_ne!(exact(Some(b"curl/8.5.0")), exact(Some(b"curl/8.5.1")));
        assert_ne!(exact(Some(b"caf\xe9")), exact(Some("caf\u{e9}".as_bytes())));
        assert_eq!(exact(Some(b" caf\xe9\t")), exact(Some(b"caf\xe9")));
    }

    #[test]
    fn canonical_bytes_are_appended_to_what_is_there() {
        let mut out = b"before".to_vec();
        UserAgent::from_bytes(Some(b"curl/8.5.0")).family(&mut out);
        assert_eq!(out, b"before\x03curl/0");
    }
}
