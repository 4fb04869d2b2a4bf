//! Who somebody is, in words that are safe in a header: names of users and groups, e-mail, the name people are called by.
//!
//! Each type has one private field and checks it on the way in; nothing is ever shortened or repaired, except that a
//! name that a person types is folded to lower case. It never looks anybody up.

use std::fmt;

/// Longest name of a user or a group, in bytes.
const NAME_LIMIT: usize = 64;
/// Longest e-mail address, in bytes (RFC 5321 section 4.5.3.1.3, without the angle brackets).
const EMAIL_LIMIT: usize = 254;
/// Longest display name, in characters.
const DISPLAY_NAME_LIMIT: usize = 128;
/// Longest list of groups as one header value, in bytes: proxies allow about 8 KiB for all headers together.
const GROUPS_LIMIT: usize = 2048;

/// The name of a user: 1 to 64 of `A-Za-z0-9._@+-`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserName(String);

impl UserName {
    /// For what a program says: folded to ASCII lower case, so that `Alice` and `alice` are one user.
    pub fn enter(text: &str) -> Result<Self, NameError> {
        check_name(Named::User, text).map(|()| Self(text.to_ascii_lowercase()))
    }

    /// For what a person types as the name to sign in with, as RFC 8265 section 3.3 prepares it: letters of full width, which
    /// keyboards for East Asian scripts write, are plain ones. Blanks around the name do not count, and inside none may be.
    pub fn typed(text: &str) -> Result<Self, NameError> {
        let text = text.trim();
        if text.is_ascii() {
            return Self::enter(text);
        }
        let plain = |character: char| match u32::from(character) {
            code @ 0xff01..=0xff5e => char::from_u32(code - 0xfee0).unwrap_or(character),
            _ => character,
        };
        Self::enter(&text.chars().map(plain).collect::<String>())
    }

    /// For what stands in a token: the same alphabet, verbatim.
    pub fn read(text: &str) -> Result<Self, NameError> {
        check_name(Named::User, text).map(|()| Self(text.to_owned()))
    }

    /// The name; safe as a header value.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

/// The name of a group: 1 to 64 of `A-Za-z0-9._@+-`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupName(String);

impl GroupName {
    /// For what a person types: folded to ASCII lower case.
    pub fn enter(text: &str) -> Result<Self, NameError> {
        check_name(Named::Group, text).map(|()| Self(text.to_ascii_lowercase()))
    }

    /// For what stands in a token: the same alphabet, verbatim.
    pub fn read(text: &str) -> Result<Self, NameError> {
        check_name(Named::Group, text).map(|()| Self(text.to_owned()))
    }

    /// The name; safe as an element of a comma-separated header value.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for GroupName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

/// The groups of a user: in the order in which they were named, each once, together at most 2048 bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Groups(Vec<GroupName>);

impl Groups {
    /// Keeps the first mention of each group.
    pub fn new(names: impl IntoIterator<Item = GroupName>) -> Result<Self, GroupsTooLong> {
        let mut groups = Self::default();
        for name in names {
            if !groups.0.contains(&name) {
                groups.0.push(name);
            }
        }
        let length = groups.joined().len();
        if length > GROUPS_LIMIT {
            return Err(GroupsTooLong { length });
        }
        Ok(groups)
    }

    /// The groups as one header value, separated by commas; empty when there are none.
    #[must_use]
    pub fn joined(&self) -> String {
        self.0.iter().map(GroupName::as_str).collect::<Vec<_>>().join(",")
    }

    /// The groups in their order.
    pub fn iter(&self) -> impl Iterator<Item = &GroupName> {
        self.0.iter()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// An e-mail address: visible ASCII without a comma, with an `@` inside, at most 254 bytes. That it can receive mail
/// is not checked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Email(String);

impl Email {
    /// Takes the address verbatim.
    pub fn read(text: &str) -> Result<Self, EmailError> {
        if text.is_empty() {
            return Err(EmailError::Empty);
        }
        if text.len() > EMAIL_LIMIT {
            return Err(EmailError::TooLong);
        }
        if let Some(character) = text.chars().find(|character| !character.is_ascii_graphic() || *character == ',') {
            return Err(EmailError::Character(character));
        }
        if !text.contains('@') || text.starts_with('@') || text.ends_with('@') {
            return Err(EmailError::NoAt);
        }
        Ok(Self(text.to_owned()))
    }

    /// The address; safe as a header value.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

/// What a person is called: 1 to 128 characters of any script, none of which controls a terminal or the direction of text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DisplayName(String);

impl DisplayName {
    /// For what a person types: without blanks around it, which no header keeps.
    pub fn enter(text: &str) -> Result<Self, DisplayNameError> {
        Self::read(text.trim())
    }

    /// Takes the name verbatim.
    pub fn read(text: &str) -> Result<Self, DisplayNameError> {
        if text.trim().is_empty() {
            return Err(DisplayNameError::Empty);
        }
        if text.chars().count() > DISPLAY_NAME_LIMIT {
            return Err(DisplayNameError::TooLong);
        }
        match text.chars().find(|character| is_control(*character)) {
            Some(character) => Err(DisplayNameError::Character(character)),
            None => Ok(Self(text.to_owned())),
        }
    }

    /// The name as people wrote it. As a header value it is UTF-8, and has no control character.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DisplayName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

/// Control characters, line separators and marks that turn the direction of text: each can make a line of a log or of
/// a terminal show something else than what it says.
fn is_control(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{061c}')
        || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn check_name(named: Named, text: &str) -> Result<(), NameError> {
    let problem = if text.is_empty() {
        NameProblem::Empty
    } else if let Some(character) = text.chars().find(|character| !is_name_character(*character)) {
        NameProblem::Character(character)
    } else if text.len() > NAME_LIMIT {
        NameProblem::TooLong
    } else {
        return Ok(());
    };
    Err(NameError { named, problem })
}

fn is_name_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '@' | '+' | '-')
}

/// Why a text is not the name of a user or a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameError {
    named: Named,
    problem: NameProblem,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Named {
    User,
    Group,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NameProblem {
    Empty,
    TooLong,
    Character(char),
}

impl fmt::Display for NameError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = match self.named {
            Named::User => "a user name",
            Named::Group => "the name of a group",
        };
        match self.problem {
            NameProblem::Empty => write!(formatter, "{named} is empty; ")?,
            NameProblem::TooLong => write!(formatter, "{named} is too long; ")?,
            NameProblem::Character(character) => {
                write!(formatter, "{named} cannot have the character {character:?}; ")?
            }
        }
        write!(formatter, "write 1 to {NAME_LIMIT} of the characters A-Z a-z 0-9 . _ @ + -")
    }
}

impl std::error::Error for NameError {}

/// The groups of one user are more than fit into one header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupsTooLong {
    length: usize,
}

impl fmt::Display for GroupsTooLong {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = self.length;
        write!(
            formatter,
            "the groups of one user, separated by commas, are {length} bytes long; \
             they must fit into {GROUPS_LIMIT}, because they travel in one header: use fewer groups or shorter names"
        )
    }
}

impl std::error::Error for GroupsTooLong {}

/// Why a text is not an e-mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmailError {
    /// Nothing was written.
    Empty,
    /// More than 254 bytes.
    TooLong,
    /// A character that cannot stand in the header.
    Character(char),
    /// No `@` inside.
    NoAt,
}

impl fmt::Display for EmailError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => formatter.write_str("the e-mail address is empty"),
            Self::TooLong => write!(formatter, "the e-mail address is longer than {EMAIL_LIMIT} bytes"),
            Self::Character(character) => write!(
                formatter,
                "an e-mail address cannot have the character {character:?} here; write visible ASCII without a comma"
            ),
            Self::NoAt => formatter.write_str("an e-mail address has an @ between two parts, like alice@example.com"),
        }
    }
}

impl std::error::Error for EmailError {}

/// Why a text is not a display name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisplayNameError {
    /// Nothing, or nothing but blanks.
    Empty,
    /// More than 128 characters.
    TooLong,
    /// A character that controls a terminal or the direction of text.
    Character(char),
}

impl fmt::Display for DisplayNameError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => formatter.write_str("the display name is empty"),
            Self::TooLong => write!(formatter, "the display name is longer than {DISPLAY_NAME_LIMIT} characters"),
            Self::Character(character) => {
                write!(formatter, "a display name cannot have the control character {character:?}")
            }
        }
    }
}

impl std::error::Error for DisplayNameError {}

#[cfg(test)]
mod tests;
