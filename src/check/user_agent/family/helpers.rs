//! Programs that ask for somebody under more than one name: a browser whose system plays its videos, a client that says in each
//! request what it was started for. They are one family. What such a name is worth to a thief is no more than the name that it
//! stands for, which everybody can send.

use super::{is_blank, write_without_versions};

/// The family of Safari, for the player of its system that fetches video and sound with Safari's cookie.
pub(super) fn browser_of(agent: &[u8]) -> Option<&'static [u8]> {
    let comment = agent.strip_prefix(b"AppleCoreMedia/")?.split(|byte| *byte == b'(').nth(1)?;
    match comment.split(|byte| *byte == b';').next()? {
        b"iPhone" | b"iPod touch" => Some(b"iOS+mobile Version Safari"),
        b"iPad" => Some(b"iPadOS+mobile Version Safari"),
        b"Macintosh" => Some(b"macOS Version Safari"),
        _ => None,
    }
}

/// Appends the family of an agent that is no browser, without tag.
pub(super) fn write(agent: &[u8], out: &mut Vec<u8>) {
    let first = agent.split(|byte| is_blank(*byte)).next().unwrap_or_default();
    let name = first.split(|byte| *byte == b'/').next().unwrap_or_default();
    let has_version = name.len() < first.len();
    match name {
        // git asks, and has git-lfs ask for large files. Apple's has a number of its own behind it.
        b"git" | b"git-lfs" if has_version => out.extend_from_slice(b"git/0"),
        // Calendars, contacts, reminders and accounts are asked for by services of their own.
        b"iOS" | b"iPadOS" | b"macOS" | b"watchOS" if has_version => {
            out.extend_from_slice(name);
            out.extend_from_slice(b"/0");
        }
        // Each packager marks its own.
        b"rclone" if has_version => out.extend_from_slice(b"rclone/v0"),
        // What they were started for, and with which versions of what, stands behind in JSON.
        b"pip" | b"uv" if has_version => write_without_versions(first, out),
        b"npm" | b"pnpm" | b"yarn" if has_version => {
            for (position, word) in agent.split(|byte| is_blank(*byte)).filter(|word| !is_of_the_run(word)).enumerate()
            {
                if position > 0 {
                    out.push(b' ');
                }
                write_without_versions(word, out);
            }
        }
        _ => write_without_versions(agent, out),
    }
}

/// Whether a word of a package manager tells how it was started.
fn is_of_the_run(word: &[u8]) -> bool {
    word.starts_with(b"workspaces/") || word.starts_with(b"ci/")
}
