//! Reads the files that settings point to. Never writes one, and never puts a file's content into a message.

use crate::ownership;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use zeroize::Zeroizing;

/// Larger than any of these files, small enough that a path to an endless device does no harm.
const LARGEST: u64 = 1024 * 1024;

/// Permission bits that let every user of the machine read or write.
const OTHERS: u32 = 0o006;

/// The one of them that lets them write.
const WRITABLE_BY_OTHERS: u32 = 0o002;

/// The content of a file and who else can see it.
pub(super) struct ValueFile {
    /// All bytes.
    pub(super) content: Zeroizing<Vec<u8>>,
    /// Whether every user of the machine may read or write it.
    pub(super) open_to_others: bool,
}

/// Reads a whole file; the error names the path and the remedy.
pub(super) fn read(path: &Path) -> Result<ValueFile, String> {
    let shown = path.display();
    let unreadable = |error: std::io::Error| {
        format!("cannot read {shown}: {error}; write the path of a file that exists and that this user may read")
    };
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    ownership::of(path, &metadata)?;
    let mode = metadata.permissions().mode();
    if metadata.is_file() && mode & WRITABLE_BY_OTHERS != 0 {
        return Err(format!(
            "every user of this machine can write {shown}; run `chmod o= {shown}`, and look at what is in it"
        ));
    }
    let mut content = Zeroizing::new(Vec::new());
    file.take(LARGEST + 1).read_to_end(&mut content).map_err(unreadable)?;
    if content.len() as u64 > LARGEST {
        return Err(format!("{shown} is larger than 1 MiB; write the path of the right file"));
    }
    Ok(ValueFile { content, open_to_others: mode & OTHERS != 0 })
}

/// The warning about a file that every user of the machine may read or write.
pub(super) fn openness_warning(path: &Path) -> String {
    let path = path.display();
    format!("other users of this machine can read or write {path}; run `chmod o= {path}`")
}

/// What is wrong with a file that says nothing.
pub(super) fn emptiness(path: &Path) -> String {
    format!("{} is empty; write the value into it", path.display())
}

/// The value in a `*_FILE`: UTF-8 text without one trailing newline.
pub(super) fn value(path: &Path, mut content: Zeroizing<Vec<u8>>) -> Result<String, String> {
    if content.ends_with(b"\n") {
        content.pop();
        if content.ends_with(b"\r") {
            content.pop();
        }
    }
    if content.is_empty() {
        return Err(emptiness(path));
    }
    String::from_utf8(std::mem::take(&mut *content))
        .map_err(|_| format!("{} is not UTF-8 text; write the value as text into it", path.display()))
}

/// What is wrong with a value that came with more than itself: in a secret every byte counts, and whoever takes the same
/// value from elsewhere has it without.
pub(super) fn wrapping(value: &str) -> Option<&'static str> {
    if value.starts_with('\u{feff}') {
        return Some(
            "the value begins with a byte order mark, which counts as a part of it; save it as UTF-8 without that mark",
        );
    }
    let is_quoted = [('"', '"'), ('\'', '\''), ('\u{201c}', '\u{201d}'), ('\u{2018}', '\u{2019}')]
        .into_iter()
        .any(|(first, last)| value.strip_prefix(first).is_some_and(|rest| rest.ends_with(last)));
    is_quoted.then_some("the value stands in quotes, which count as a part of it; write it without them")
}
