//! Writes the family of an agent, recipe v1: exactly the rules that [`super`] describes, in one or two passes over the
//! value and without memory of its own. It never looks a browser up in a list: browsers name themselves.

mod builds;
mod helpers;

const BROWSER: u8 = 2;
const OTHER: u8 = 3;

/// Appends the tag and the family of a value that is not empty.
pub(super) fn write(agent: &[u8], out: &mut Vec<u8>) {
    if let Some(browser) = Browser::recognise(agent) {
        out.push(BROWSER);
        browser.write(out);
    } else if let Some(browser) = helpers::browser_of(agent) {
        out.push(BROWSER);
        out.extend_from_slice(browser);
    } else {
        out.push(OTHER);
        helpers::write(agent, out);
    }
}

/// Systems, in the order in which the first match counts: what is more particular comes first, because a Windows
/// phone also claims Android, and Android also says Linux.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum System {
    WindowsPhone,
    Xbox,
    Android,
    IPadOs,
    Ios,
    Windows,
    MacOs,
    ChromeOs,
    Tizen,
    Linux,
    FreeBsd,
    OpenBsd,
    NetBsd,
}

impl System {
    /// The system that an element of the first comment names.
    fn of(element: &[u8]) -> Option<Self> {
        if element.starts_with(b"Windows Phone") {
            return Some(Self::WindowsPhone);
        }
        let first_word = element.split(|byte| is_blank(*byte)).next()?;
        Some(match first_word {
            b"Xbox" => Self::Xbox,
            b"Android" => Self::Android,
            b"iPad" => Self::IPadOs,
            b"iPhone" | b"iPod" => Self::Ios,
            b"Windows" => Self::Windows,
            b"Macintosh" => Self::MacOs,
            b"CrOS" => Self::ChromeOs,
            b"Tizen" => Self::Tizen,
            b"Linux" => Self::Linux,
            b"FreeBSD" => Self::FreeBsd,
            b"OpenBSD" => Self::OpenBsd,
            b"NetBSD" => Self::NetBsd,
            _ => return None,
        })
    }

    /// The name in the canonical text: part of the recipe, never to be changed, without a blank.
    fn canonical(self) -> &'static str {
        match self {
            Self::WindowsPhone => "WindowsPhone",
            Self::Xbox => "Xbox",
            Self::Android => "Android",
            Self::IPadOs => "iPadOS",
            Self::Ios => "iOS",
            Self::Windows => "Windows",
            Self::MacOs => "macOS",
            Self::ChromeOs => "ChromeOS",
            Self::Tizen => "Tizen",
            Self::Linux => "Linux",
            Self::FreeBsd => "FreeBSD",
            Self::OpenBsd => "OpenBSD",
            Self::NetBsd => "NetBSD",
        }
    }

    /// The name as people write it.
    pub(super) fn name(self) -> &'static str {
        if self == Self::WindowsPhone { "Windows Phone" } else { self.canonical() }
    }
}

/// A value with a browser's shape.
pub(super) struct Browser<'a> {
    pub(super) system: System,
    pub(super) mobile: bool,
    pub(super) webview: bool,
    /// Whether some name is neither `Chrome` nor one of those that everyone borrows.
    own_name: bool,
    after_system: Pieces<'a>,
}

/// Something that counts by its name.
#[derive(Clone, Copy)]
pub(super) enum Name<'a> {
    /// The name of a word, never empty.
    Product(&'a [u8]),
    /// The first element of a `[...]` group.
    Group(&'a [u8]),
    /// The first name in a comment that is not part of every comment.
    Comment(&'a [u8]),
}

impl<'a> Browser<'a> {
    /// Reads a value, unless its shape is another.
    pub(super) fn recognise(agent: &'a [u8]) -> Option<Self> {
        let mut pieces = Pieces(agent.strip_prefix(b"Mozilla/5.0")?);
        let Some(Piece::Comment(comment)) = pieces.next() else {
            return None;
        };
        let elements = || comment.split(|byte| *byte == b';').map(super::trim);
        if elements().any(|element| element == b"compatible") {
            return None;
        }
        let mut browser = Self {
            system: elements().filter_map(System::of).min()?,
            mobile: elements().any(|element| element == b"Mobile"),
            webview: elements().any(|element| element == b"wv"),
            own_name: false,
            after_system: pieces,
        };
        let mut has_engine = false;
        for name in browser.all_names() {
            match name {
                Name::Product(b"AppleWebKit" | b"Gecko") => has_engine = true,
                Name::Product(b"Mobile") => browser.mobile = true,
                Name::Product(b"Chrome" | b"Safari" | b"Version") => {}
                Name::Product(_) | Name::Group(_) | Name::Comment(_) => browser.own_name = true,
            }
        }
        has_engine.then_some(browser)
    }

    /// The names that tell this browser from others, in their order.
    pub(super) fn names(&self) -> impl Iterator<Item = Name<'a>> + use<'a> {
        let own_name = self.own_name;
        self.all_names().filter(move |name| match name {
            Name::Product(b"AppleWebKit" | b"Gecko" | b"Mobile") => false,
            Name::Product(b"Safari" | b"Version") => !own_name,
            Name::Product(_) | Name::Group(_) | Name::Comment(_) => true,
        })
    }

    fn all_names(&self) -> impl Iterator<Item = Name<'a>> + use<'a> {
        self.after_system.clone().filter_map(|piece| match piece {
            Piece::Word(word) => Some(name_of(word)).filter(|name| !name.is_empty()).map(Name::Product),
            Piece::Group(group) => Some(Name::Group(group_name(group))),
            Piece::Comment(comment) => comment_name(comment).map(Name::Comment),
        })
    }

    /// One SP stands before each name, none holds a blank, and only what comes from a group or a comment starts with
    /// `[` or `(`: two different lists of names never give one text.
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.system.canonical().as_bytes());
        if self.mobile {
            out.extend_from_slice(b"+mobile");
        }
        if self.webview {
            out.extend_from_slice(b"+webview");
        }
        for name in self.names() {
            let (mark, name): (&[u8], _) = match name {
                Name::Product(name) => (b" ", name),
                Name::Group(name) => (b" [", name),
                Name::Comment(name) => (b" (", name),
            };
            out.extend_from_slice(mark);
            out.extend_from_slice(name);
        }
    }
}

/// A part of a value, without its brackets.
enum Piece<'a> {
    Word(&'a [u8]),
    Group(&'a [u8]),
    Comment(&'a [u8]),
}

/// What is still to be cut into pieces.
#[derive(Clone)]
struct Pieces<'a>(&'a [u8]);

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        let start = self.0.iter().position(|byte| !is_blank(*byte))?;
        let rest = self.0.get(start..)?;
        let (piece, after) = match rest {
            [b'(', inside @ ..] => {
                let (comment, after) = cut(inside, end_of_comment(inside), 1);
                (Piece::Comment(comment), after)
            }
            [b'[', inside @ ..] => {
                let (group, after) = cut(inside, inside.iter().position(|byte| *byte == b']'), 1);
                (Piece::Group(group), after)
            }
            word => {
                let end = word.iter().position(|byte| is_blank(*byte) || matches!(byte, b'(' | b'['));
                let (word, after) = cut(word, end, 0);
                (Piece::Word(word), after)
            }
        };
        self.0 = after;
        Some(piece)
    }
}

/// The bytes before `end` and those after it and the `closing` bytes there; everything and nothing without an end.
fn cut(bytes: &[u8], end: Option<usize>, closing: usize) -> (&[u8], &[u8]) {
    let end = end.unwrap_or(bytes.len());
    (bytes.get(..end).unwrap_or_default(), bytes.get(end + closing..).unwrap_or_default())
}

/// Where the comment that has just been opened is closed.
fn end_of_comment(inside: &[u8]) -> Option<usize> {
    let mut depth = 1_usize;
    inside.iter().position(|byte| {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        depth == 0
    })
}

/// The name of a word, without its version; empty when the word is a version.
pub(super) fn name_of(word: &[u8]) -> &[u8] {
    if word.first().is_some_and(u8::is_ascii_digit) {
        return &[];
    }
    let slash = word.iter().position(|byte| *byte == b'/');
    cut(word, slash.or_else(|| word.iter().position(u8::is_ascii_digit)), 0).0
}

/// The names of the words of a comment.
pub(super) fn names_in(comment: &[u8]) -> impl Iterator<Item = &[u8]> {
    comment
        .split(|byte| is_blank(*byte) || matches!(byte, b';' | b',' | b'(' | b')'))
        .map(name_of)
        .filter(|name| !name.is_empty())
}

/// Crawlers and some applications introduce themselves in a comment; what follows describes the device and changes.
fn comment_name(comment: &[u8]) -> Option<&[u8]> {
    names_in(comment).find(|name| !matches!(*name, b"KHTML" | b"like" | b"Gecko" | b"compatible"))
}

/// Applications put themselves first into their group, and what they know about the device, the network and the
/// language, which all change, behind.
fn group_name(group: &[u8]) -> &[u8] {
    let first = cut(group, group.iter().position(|byte| is_blank(*byte) || *byte == b';'), 0).0;
    let version = first.windows(2).position(|pair| matches!(pair, [b'/', b'0'..=b'9']));
    cut(first, version, 0).0
}

/// Appends the value with every version number and every build as `0`.
fn write_without_versions(agent: &[u8], out: &mut Vec<u8>) {
    let mut rest = agent;
    while let [first, others @ ..] = rest {
        let before = cut(agent, Some(agent.len() - rest.len()), 0).0;
        if !before.last().is_some_and(u8::is_ascii_alphanumeric)
            && let Some(after) = builds::after_build(before, rest)
        {
            out.push(b'0');
            rest = builds::after_version(after);
            continue;
        }
        if !first.is_ascii_digit() {
            out.push(*first);
            rest = others;
            continue;
        }
        let (digits, after) = cut(rest, Some(digits_at_the_start(rest)), 0);
        if follows_a_name(before) || starts_with_one_of(after, b".") {
            out.push(b'0');
            // What begins with digits is of the version: `5f418d0`.
            let letters = after.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
            rest = builds::after_version(cut(after, Some(letters), 0).1);
        } else {
            out.extend_from_slice(digits);
            rest = after;
        }
    }
}

/// Whether a number behind these bytes is the version of what they end with.
fn follows_a_name(before: &[u8]) -> bool {
    let name = match before {
        [name @ .., b'v' | b'V'] if matches!(name, [.., b'/' | b' ']) => name,
        name => name,
    };
    match name {
        [.., b'/'] => true,
        [.., last, b' '] => last.is_ascii_alphabetic() || !last.is_ascii(),
        _ => false,
    }
}

/// Whether the bytes start with one of the separators and a digit.
fn starts_with_one_of(bytes: &[u8], separators: &[u8]) -> bool {
    matches!(bytes, [separator, b'0'..=b'9', ..] if separators.contains(separator))
}

fn digits_at_the_start(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}
