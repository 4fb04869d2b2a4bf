//! Reading users from a file of lines `name:hash`: what `htpasswd -B` writes, or argon2id PHC strings.
//!
//! All lines are good or none is taken. Other kinds of hashes are refused by name, never guessed at, and
//! no message shows any part of a hash, because what stands there may be a password.

use super::password::{HashError, PasswordHash};
use crate::check::names::{NameError, UserName};
use std::collections::HashMap;
use std::fmt;

/// A user of the file: nothing but a name and a hash.
pub struct ImportedUser {
    /// The name, folded to lower case.
    pub name: UserName,
    /// The hash of the password.
    pub hash: PasswordHash,
}

/// Something wrong with one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineProblem {
    /// Counted from one.
    pub line: usize,
    /// What is wrong with it.
    pub problem: ImportProblem,
}

/// What can be wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportProblem {
    /// No colon.
    NoColon,
    /// What stands before the colon is no user name.
    Name(NameError),
    /// The name stands on an earlier line too.
    Repeated {
        /// That line, counted from one.
        first: usize,
    },
    /// Pieces of a hash: something replaced `$2y`, `$argon2id` and the like as variables.
    DollarsEaten,
    /// Every `$` stands twice, as compose files want it.
    DollarsDoubled,
    /// More fields follow the hash.
    MoreFields,
    /// A kind of hash that samehand does not take.
    Unsupported(&'static str),
    /// No hash at all.
    PlainText,
    /// A hash of a known kind that is not acceptable.
    Hash(HashError),
}

impl fmt::Display for LineProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "line {}: ", self.line)?;
        match &self.problem {
            ImportProblem::NoColon => formatter.write_str("there is no colon; write name:hash"),
            ImportProblem::Name(error) => error.fmt(formatter),
            ImportProblem::Repeated { first } => {
                write!(formatter, "the user stands on line {first} already (upper and lower case are one)")
            }
            ImportProblem::DollarsEaten => formatter.write_str(
                "this looks like compose ate the $, or a shell did: pieces of the hash are missing. \
                 In a compose file write $$ for each $, in a shell use single quotes",
            ),
            ImportProblem::DollarsDoubled => {
                formatter.write_str("every $ stands twice, which only compose files need: write each once")
            }
            ImportProblem::MoreFields => {
                formatter.write_str("something follows the hash after another colon; write name:hash and nothing else")
            }
            ImportProblem::Unsupported(kind) => write!(
                formatter,
                "{kind} is not taken over; make a bcrypt hash with `htpasswd -B`, \
                 or an argon2id hash with `samehand hash`"
            ),
            ImportProblem::PlainText => formatter.write_str(
                "what follows the colon is not a hash but looks like plain text; make a hash with `samehand hash`",
            ),
            ImportProblem::Hash(error) => write!(formatter, "the hash cannot be taken: {error}"),
        }
    }
}

impl std::error::Error for LineProblem {}

/// Reads all lines; blank ones and those that begin with `#` are skipped. Returns every user, or every problem.
pub fn read(text: &str) -> Result<Vec<ImportedUser>, Vec<LineProblem>> {
    let mut users = Vec::new();
    let mut problems = Vec::new();
    let mut first_lines: HashMap<UserName, usize> = HashMap::new();
    // Some editors put a byte order mark before the first line.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (line, content) in (1..).zip(text.lines()) {
        if content.trim().is_empty() || content.starts_with('#') {
            continue;
        }
        let read = read_line(content).and_then(|user| {
            let first = *first_lines.entry(user.name.clone()).or_insert(line);
            if first == line { Ok(user) } else { Err(ImportProblem::Repeated { first }) }
        });
        match read {
            Ok(user) => users.push(user),
            Err(problem) => problems.push(LineProblem { line, problem }),
        }
    }
    if problems.is_empty() { Ok(users) } else { Err(problems) }
}

fn read_line(line: &str) -> Result<ImportedUser, ImportProblem> {
    let (name, hash) = line.split_once(':').ok_or(ImportProblem::NoColon)?;
    let name = UserName::enter(name).map_err(ImportProblem::Name)?;
    let hash = PasswordHash::read(hash).map_err(|error| explain(hash, error))?;
    Ok(ImportedUser { name, hash })
}

/// What is wrong with a text that is no acceptable hash. The order matters: a mangled hash looks like plain text too.
fn explain(hash: &str, error: HashError) -> ImportProblem {
    if hash.starts_with("$$") {
        return ImportProblem::DollarsDoubled;
    }
    if looks_eaten(hash) {
        return ImportProblem::DollarsEaten;
    }
    if let Some(kind) = refused_kind(hash) {
        return ImportProblem::Unsupported(kind);
    }
    match error {
        HashError::Unreadable(_) if hash.contains(':') => ImportProblem::MoreFields,
        HashError::Unreadable(_) | HashError::Cost => ImportProblem::Hash(error),
        HashError::OtherKind => ImportProblem::PlainText,
    }
}

/// Compose and shells replace `$name` by nothing, and a shell `$2` and `$1` too.
fn looks_eaten(hash: &str) -> bool {
    const BCRYPT_LENGTH: usize = 60;
    // The salt after `$2y$10$` began with a letter and went up to the first `.` or `/`.
    let is_short_bcrypt = hash.starts_with("$2") && hash.len() < BCRYPT_LENGTH;
    let rest_of_bcrypt = ["a0", "b0", "y0", "a1", "b1", "y1"].iter().find_map(|rest| hash.strip_prefix(rest));
    let is_piece_of_bcrypt = rest_of_bcrypt.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '/']));
    // `$argon2id$v=19$m=19456,t=2,p=1$salt$hash` without `$argon2id`, and without `$v`, `$m` and the rest.
    let is_piece_of_argon2id = hash.starts_with("=19=") || hash.starts_with("$v=19");
    hash.is_empty() || is_short_bcrypt || is_piece_of_bcrypt || is_piece_of_argon2id
}

/// Kinds of hashes that are known and not accepted.
fn refused_kind(hash: &str) -> Option<&'static str> {
    const KINDS: &[(&str, &str)] = &[
        ("{SHA}", "SHA-1 ({SHA}, `htpasswd -s`)"),
        ("{SSHA}", "salted SHA-1 ({SSHA})"),
        ("$apr1$", "MD5 ($apr1$, what htpasswd writes without -B)"),
        ("$1$", "MD5 crypt ($1$)"),
        ("$5$", "SHA-256 crypt ($5$)"),
        ("$6$", "SHA-512 crypt ($6$)"),
        ("$2x$", "bcrypt with the error of 2011 ($2x$)"),
        ("$argon2i$", "argon2i"),
        ("$argon2d$", "argon2d"),
        ("$", "this kind of hash"),
        ("{", "this kind of hash"),
    ];
    const DES_LENGTH: usize = 13;
    let is_crypt_character = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/');
    if hash.len() == DES_LENGTH && hash.bytes().all(is_crypt_character) {
        return Some("DES crypt (`htpasswd -d`), or plain text that looks like it,");
    }
    // A hash that begins like an accepted kind has an error of its own.
    if hash.starts_with("$2a$")
        || hash.starts_with("$2b$")
        || hash.starts_with("$2y$")
        || hash.starts_with("$argon2id$")
    {
        return None;
    }
    KINDS.iter().find(|(prefix, _)| hash.starts_with(prefix)).map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BCRYPT: &str = "$2y$05$abcdefghijklmnopqrstuuXYxWC.PI2GcFhDApbEEHDz/d8fr1muG";
    const ARGON2ID: &str = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";

    fn names(text: &str) -> Vec<String> {
        let users = read(text).unwrap_or_else(|problems| panic!("{problems:?}"));
        users.into_iter().map(|user| user.name.to_string()).collect()
    }

    #[track_caller]
    fn is_refused(hash: &str, said: &str) {
        let text = format!("bob:{BCRYPT}\nalice:{hash}\n");
        let problems = read(&text).err().unwrap();
        assert_eq!(problems.len(), 1);
        let message = problems[0].to_string();
        assert!(message.starts_with("line 2: ") && message.contains(said), "{hash}: {message}");
        assert!(hash.len() < 4 || !message.contains(hash), "{message}");
    }

    #[test]
    fn bcrypt_and_argon2id_are_taken() {
        let text = format!("# staff\nAlice:{BCRYPT}\n\nbob@example.com:{ARGON2ID}\r\n   \nc:{BCRYPT}");
        assert_eq!(names(&text), ["alice", "bob@example.com", "c"]);
        let users = read(&text).unwrap_or_default();
        assert_eq!(users[0].hash.as_str(), BCRYPT);
        assert_eq!(users[1].hash.as_str(), ARGON2ID);
        assert_eq!(names(&format!("\u{feff}alice:{BCRYPT}")), ["alice"]);
        assert!(names("").is_empty());
    }

    #[test]
    fn other_kinds_are_refused_by_name() {
        is_refused("{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "SHA-1");
        is_refused("{SSHA}W6ph5Mm5Pz8GgiULbPgzG37mj9gAAAA=", "salted SHA-1");
        is_refused("$apr1$lZL6V/ci$eIMz/iKDkbtys/uU7LEK00", "htpasswd -B");
        is_refused("$1$lZL6V/ci$eIMz/iKDkbtys/uU7LEK00", "MD5 crypt");
        is_refused("$5$saltsalt$hash", "SHA-256 crypt");
        is_refused("$6$saltsalt$hash", "SHA-512 crypt");
        is_refused("$7$saltsalt$hash", "this kind of hash");
        is_refused("{PBKDF2}saltsalt", "this kind of hash");
        is_refused("rqXexS6ZhobKA", "DES crypt");
        is_refused(&BCRYPT.replace("$2y$", "$2x$"), "$2x$");
        is_refused(&ARGON2ID.replace("argon2id", "argon2i"), "argon2i is not taken");
    }

    #[test]
    fn plain_text_is_refused() {
        is_refused("hunter2", "plain text");
        is_refused("trousers marmalade lighthouse", "plain text");
        is_refused("y0urPassword", "plain text");
        is_refused("=hunter2", "plain text");
    }

    #[test]
    fn dollars_that_were_eaten_are_recognised() {
        const SAID: &str = "compose ate the $";
        is_refused("", SAID);
        is_refused("$2y$05$", SAID);
        is_refused("$2y$05$.PI2GcFhDApbEEHDz/d8fr1muG", SAID);
        is_refused("$2y", SAID);
        is_refused("y0.PI2GcFhDApbEEHDz/d8fr1muG", SAID);
        is_refused("y0", SAID);
        is_refused("=19=65536,t=2,p=1", SAID);
        is_refused("$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", SAID);
        is_refused(&BCRYPT.replace('$', "$$"), "stands twice");
        is_refused(&ARGON2ID.replace('$', "$$"), "stands twice");
    }

    #[test]
    fn what_is_nearly_right_says_what_is_wrong() {
        is_refused(&format!("{BCRYPT}:JBSWY3DPEHPK3PXP"), "another colon");
        is_refused(&format!("{ARGON2ID}:JBSWY3DPEHPK3PXP"), "another colon");
        is_refused(&BCRYPT.replace("$05$", "$31$"), "out of bounds");
        is_refused(&ARGON2ID.replace("m=65536", "m=4194304"), "out of bounds");
        is_refused(&ARGON2ID[..60], "not a whole and valid one");
        is_refused(&format!("{BCRYPT} "), "not a whole and valid one");
    }

    #[test]
    fn every_problem_is_reported_with_its_line_and_nothing_is_taken() {
        let text = format!("alice:{BCRYPT}\nno colon\nbad name:{BCRYPT}\nALICE:{ARGON2ID}\nbob:hunter2\n");
        let problems = read(&text).err().unwrap();
        let lines: Vec<_> = problems.iter().map(|problem| problem.line).collect();
        assert_eq!(lines, [2, 3, 4, 5]);
        assert_eq!(problems[0].problem, ImportProblem::NoColon);
        assert!(problems[1].to_string().contains("' '"), "{}", problems[1]);
        assert_eq!(problems[2].problem, ImportProblem::Repeated { first: 1 });
        assert_eq!(problems[3].problem, ImportProblem::PlainText);
    }
}
