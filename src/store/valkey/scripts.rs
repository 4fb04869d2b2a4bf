//! The keys of the store and the scripts that change several of them in one step.
//!
//! All keys have the hash tag `{samehand}`, so that a cluster keeps them on one node: what is promised to happen whole
//! happens whole there too.

use redis::Script;
use std::sync::LazyLock;

/// What every script is given, in the order that `prelude.lua` names them: format, latest revision; revocations in their
/// order, by expiry, and how far they reach; users, their names in order, how many have which scheme; sessions, their
/// names in order, by user, by end; key ring; replicas; the channel of news; what is noted about time; and digests.
pub(super) const KEYS: [&str; 17] = [
    "{samehand}:format",
    "{samehand}:revision",
    "{samehand}:revocations",
    "{samehand}:revocations:expiry",
    "{samehand}:revocations:reach",
    "{samehand}:users",
    "{samehand}:users:names",
    "{samehand}:users:schemes",
    "{samehand}:sessions",
    "{samehand}:sessions:names",
    "{samehand}:sessions:users",
    "{samehand}:sessions:ends",
    "{samehand}:keys",
    "{samehand}:replicas",
    "{samehand}:news",
    "{samehand}:clock",
    "{samehand}:remembered",
];

pub(super) const FORMAT: &str = KEYS[0];
pub(super) const REVISION: &str = KEYS[1];
pub(super) const REVOCATIONS: &str = KEYS[2];
pub(super) const USERS: &str = KEYS[5];
pub(super) const SCHEMES: &str = KEYS[7];
pub(super) const SESSIONS: &str = KEYS[8];
pub(super) const RING: &str = KEYS[12];
pub(super) const NEWS: &str = KEYS[14];
pub(super) const CLOCK: &str = KEYS[15];
pub(super) const REMEMBERED: &str = KEYS[16];

/// The slot of a cluster that the hash tag of all keys belongs to: CRC16 of `samehand`, modulo 16384.
pub(super) const SLOT: u16 = 11423;

/// What a bucket of attempts is called before its digest; expires by itself.
pub(super) const ATTEMPTS: &[u8] = b"{samehand}:attempts:";

/// The audit trail: its entries by their positions, and the latest position there was.
pub(super) const TRAIL: [&str; 2] = ["{samehand}:trail", "{samehand}:trail:latest"];

/// A script as the server is given it, and its digest, by which the server knows it from then on.
pub(super) struct Known {
    pub(super) code: String,
    pub(super) digest: String,
}

macro_rules! scripts {
    ($($name:ident: $($file:literal)+;)+) => {
        $(pub(super) static $name: LazyLock<Known> = LazyLock::new(|| Known::new(concat!($(include_str!($file)),+)));)+
    };
}

scripts! {
    PREPARE: "prelude.lua" "prepare.lua";
    ADD_USERS: "prelude.lua" "add_users.lua";
    PUT_USERS: "prelude.lua" "put_users.lua";
    CHANGE_USER: "prelude.lua" "change_user.lua";
    USERS_AFTER: "prelude.lua" "users_after.lua";
    PUT_SESSIONS: "prelude.lua" "put_sessions.lua";
    SESSIONS_AFTER: "prelude.lua" "sessions_after.lua";
    NOTE_SEEN: "prelude.lua" "note_seen.lua";
    REVOKE: "prelude.lua" "revoke.lua";
    PUT_REVOCATIONS: "prelude.lua" "put_revocations.lua";
    PUT_KEYS: "prelude.lua" "put_keys.lua";
    ANNOUNCE: "prelude.lua" "announce.lua";
    PURGE: "prelude.lua" "purge.lua";
    NOTE_TIME: "prelude.lua" "note_time.lua";
    PUT_FORGOTTEN: "prelude.lua" "put_forgotten.lua";
    TAKE_ATTEMPT: "take_attempt.lua";
    GIVE_ATTEMPT_BACK: "give_attempt_back.lua";
    REMEMBER: "remember.lua";
    NOTE_TRAIL: "note_trail.lua";
    FORGET_TRAIL: "forget_trail.lua";
}

impl Known {
    fn new(code: &str) -> Self {
        Self { code: code.to_owned(), digest: Script::new(code).get_hash().to_owned() }
    }
}

/// The keys of all scripts.
pub(super) fn keys() -> Vec<Vec<u8>> {
    KEYS.iter().map(|key| key.as_bytes().to_vec()).collect()
}
