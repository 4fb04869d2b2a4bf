//! What a running samehand makes of a changed settings file when it gets `SIGHUP`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{BROWSER, FORWARDED, PROXY};
use crate::support::{
    CLIENT,
    client::{Request, ask},
    samehand::Samehand,
};
use tempfile::TempDir;

/// A samehand whose settings are in a file that the test rewrites, with keys of its own.
struct World {
    samehand: Samehand,
    directory: TempDir,
}

impl World {
    fn start() -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        write(directory.path(), "first", "127.0.0.9");
        let file = settings_file(directory.path()).display().to_string();
        // Empty is unset: what counts is the file.
        let samehand = Samehand::start(&[("CONFIG", &file), ("DATA", ""), ("SECRET", "")]);
        Self { samehand, directory }
    }

    /// Sends the signal and waits for what samehand says about it.
    fn reload(&self, said: &str) {
        let id = self.samehand.process.id().to_string();
        assert!(Command::new("kill").args(["-HUP", &id]).status().expect("there is a kill").success());
        self.samehand.process.wait_for(said, |line| line.contains(said).then_some(()));
    }

    fn status(&self, token: &str) -> u16 {
        let question = Request::get("/auth/nginx").header("User-Agent", BROWSER).bearer(token);
        let question = FORWARDED.iter().fold(question, |question, (name, value)| question.header(name, *value));
        ask(PROXY, &self.samehand.tcp, &question).status
    }
}

fn settings_file(directory: &Path) -> PathBuf {
    directory.join("samehand.toml")
}

fn write(directory: &Path, data: &str, proxies: &str) {
    let text = format!("data = {:?}\ntrusted_proxies = {proxies:?}\n", directory.join(data));
    fs::write(settings_file(directory), text).expect("a writable directory");
}

#[test]
fn a_changed_file_counts_and_a_bad_one_does_not() {
    let world = World::start();
    let token = world.samehand.mint("alice", CLIENT, BROWSER);
    assert_eq!(world.status(&token), 200);
    write(world.directory.path(), "first", "127.0.0.10");
    world.reload("settings read again");
    assert_eq!(world.status(&token), 403);
    write(world.directory.path(), "first", "0.0.0.0/0");
    world.reload("the old ones stay");
    assert_eq!(world.status(&token), 403);
}

/// Users stay in the old directory until a restart, so the keys do too.
#[test]
fn another_data_directory_waits_for_a_restart() {
    let world = World::start();
    let token = world.samehand.mint("alice", CLIENT, BROWSER);
    write(world.directory.path(), "second", "127.0.0.9");
    let elsewhere = world.samehand.mint("alice", CLIENT, BROWSER);
    world.reload("settings read again");
    assert_eq!((world.status(&token), world.status(&elsewhere)), (200, 401));
}
