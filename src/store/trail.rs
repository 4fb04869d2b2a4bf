//! The audit trail: who changed or tried what, from where, with which result. An entry holds names and never a secret.
//!
//! Stores keep entries in the order in which they came, as text, and at most [`MOST`] of them.

use serde_json::{Value, json};

/// So many entries are kept; then the oldest go first, whatever any clock says.
pub const MOST: u64 = 50_000;

/// One thing that was done or tried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrailEntry {
    /// When, in seconds since 1970 by the clock of whoever wrote it.
    pub time: u64,
    /// What, as one word such as `user-add`.
    pub action: String,
    /// Who: `cli:UNIXUSER`, `admin`, `user:NAME`; empty for somebody unknown.
    pub actor: String,
    /// On whom or what; empty where the action says it all.
    pub subject: String,
    /// From where; empty for commands.
    pub remote_ip: String,
    /// `ok`, `failed` or `refused`.
    pub result: String,
    /// The session that it is about, if any.
    pub sid: String,
    /// Of the request, as in its answer; empty for commands.
    pub request_id: String,
    /// For how many tries it stands: 1, or more where many came at once.
    pub count: u64,
}

/// An entry with its place in the order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrailRow {
    /// Grows with every entry.
    pub position: u64,
    /// The entry.
    pub entry: TrailEntry,
}

impl TrailEntry {
    /// As one JSON object.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "time": self.time, "action": self.action, "actor": self.actor, "subject": self.subject,
            "remote_ip": self.remote_ip, "result": self.result, "sid": self.sid, "request_id": self.request_id,
            "count": self.count,
        })
    }

    /// Reads what [`to_json`](Self::to_json) wrote; members that a newer samehand added are passed over.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let value: Value =
            serde_json::from_str(text).map_err(|error| format!("an entry of the audit trail: {error}"))?;
        let number = |name: &str| value[name].as_u64().ok_or_else(|| lacking(name));
        let word = |name: &str| value[name].as_str().map(str::to_owned).ok_or_else(|| lacking(name));
        Ok(Self {
            time: number("time")?,
            action: word("action")?,
            actor: word("actor")?,
            subject: word("subject")?,
            remote_ip: word("remote_ip")?,
            result: word("result")?,
            sid: word("sid")?,
            request_id: word("request_id")?,
            count: number("count")?,
        })
    }
}

fn lacking(name: &str) -> String {
    format!("an entry of the audit trail has no {name:?}")
}

impl TrailRow {
    /// A row as a store keeps it.
    pub(super) fn read(position: u64, text: &str) -> Result<Self, String> {
        TrailEntry::read(text).map(|entry| Self { position, entry })
    }
}
