//! Whose files samehand believes: those of the user it runs as, and root's. Whoever owns a file may rewrite it, whatever its
//! mode says today. That this process may read a file says nothing: root may read everybody's.
//!
//! Never changes an owner or a mode: what was open to others may be known to them, and only a person can judge that.

use nix::unistd::{AccessFlags, Gid, Uid, User, access};
use std::fs::Metadata;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

/// Permission bits that let the group, and every user, write.
const GROUP_WRITES: u32 = 0o020;
const OTHERS_WRITE: u32 = 0o002;

/// Refuses what belongs to somebody else.
///
/// # Errors
/// Whose it is and what to do.
pub fn of(path: &Path, metadata: &Metadata) -> Result<(), String> {
    refuse_stranger(path, metadata.uid(), Uid::effective())
}

/// Refuses a directory in which somebody else can put a file in the place of ours. A directory that is not there is no
/// problem. A group that is this process's own, or root's, may write: the volumes of containers come like that.
///
/// # Errors
/// Whose it is, or who may write there, and what to do.
pub fn of_directory(path: &Path) -> Result<(), String> {
    let Ok(metadata) = std::fs::metadata(path) else { return Ok(()) };
    of(path, &metadata)?;
    let mode = metadata.permissions().mode() & 0o7777;
    let is_known_group = [Gid::effective().as_raw(), 0].contains(&metadata.gid());
    if mode & OTHERS_WRITE != 0 || (mode & GROUP_WRITES != 0 && !is_known_group) {
        let shown = path.display();
        return Err(format!(
            "others may write into {shown} (mode {mode:04o}), and put files of theirs in the place of keys and users; run \
             `chmod 700 {shown}`, and look at what is in it"
        ));
    }
    Ok(())
}

/// Refuses a directory that this process could not make, or write into. Makes nothing.
///
/// # Errors
/// Which directory it is, and what to do.
pub fn refuse_unwritable(directory: &Path) -> Result<(), String> {
    let exists = |path: &&Path| !path.as_os_str().is_empty() && path.symlink_metadata().is_ok();
    let nearest = directory.ancestors().find(exists).unwrap_or(Path::new("."));
    let remedy = || {
        let own = named(Uid::effective());
        format!(
            "make it as a directory that {own} may write into, such as `install -d -m 700 -o {own} {}`",
            directory.display()
        )
    };
    if !nearest.is_dir() {
        return Err(format!("{} is no directory; {}", nearest.display(), remedy()));
    }
    access(nearest, AccessFlags::W_OK | AccessFlags::X_OK)
        .map_err(|error| format!("{} cannot be written: {}; {}", nearest.display(), error.desc(), remedy()))
}

fn refuse_stranger(path: &Path, owner: u32, own: Uid) -> Result<(), String> {
    if owner == own.as_raw() || owner == 0 {
        return Ok(());
    }
    let (shown, owner, own) = (path.display(), named(Uid::from_raw(owner)), named(own));
    Err(format!(
        "{shown} belongs to {owner}, who can rewrite it, and samehand runs as {own}; run `chown {own} {shown}` if you know \
         what is in it"
    ))
}

/// The user's name, or its number where there is none.
fn named(user: Uid) -> String {
    match User::from_uid(user) {
        Ok(Some(known)) => known.name,
        Ok(None) | Err(_) => user.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;

    #[test]
    fn files_are_ours_or_roots() {
        let judge = |owner, own| refuse_stranger(Path::new("/data/keys.json"), owner, Uid::from_raw(own));
        assert_eq!((judge(4_000_001, 4_000_001), judge(0, 4_000_001), judge(0, 0)), (Ok(()), Ok(()), Ok(())));
        for own in [0, 4_000_002] {
            let problem = judge(4_000_001, own).unwrap_err();
            assert!(problem.contains("/data/keys.json belongs to 4000001"), "{problem}");
        }
        assert!(judge(4_000_001, 0).unwrap_err().contains("`chown root /data/keys.json`"));
    }

    #[test]
    fn a_directory_in_which_everybody_writes_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let judge = |mode| {
            std::fs::set_permissions(directory.path(), Permissions::from_mode(mode)).unwrap();
            of_directory(directory.path())
        };
        for mode in [0o700, 0o755, 0o750, 0o770, 0o2775] {
            assert_eq!(judge(mode), Ok(()), "{mode:o}: our own group is a container's");
        }
        for mode in [0o777, 0o1777, 0o702] {
            assert!(judge(mode).unwrap_err().contains("chmod 700"), "{mode:o}");
        }
        assert_eq!(of_directory(&directory.path().join("none")), Ok(()));
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_refused_and_none_is_made() {
        let directory = tempfile::tempdir().unwrap();
        let wanted = directory.path().join("one/two");
        assert_eq!(refuse_unwritable(&wanted), Ok(()));
        assert!(!directory.path().join("one").exists());
        std::fs::write(directory.path().join("one"), "").unwrap();
        assert!(refuse_unwritable(&wanted).unwrap_err().contains("/one is no directory"));
        // Root may write whatever the mode says.
        if !Uid::effective().is_root() {
            let closed = directory.path().join("closed");
            std::fs::create_dir(&closed).unwrap();
            std::fs::set_permissions(&closed, Permissions::from_mode(0o500)).unwrap();
            assert!(refuse_unwritable(&closed.join("data")).unwrap_err().contains("closed cannot be written"));
        }
    }
}
