//! Users, sessions and revocations as the bytes that the server keeps, in both directions. What is read is checked.
//!
//! A user is the scheme of the password, the end of a line, and the rest as JSON; a session is when it was last seen in
//! sixteen digits, the user, the end of a line, and the rest as JSON: what scripts have to see stands in front.

use super::scripts;
use crate::check::identifiers::Revision;
use crate::check::names::UserName;
use crate::check::revocation::{Entry, Forgotten, ID_BYTES, LONGEST_LIFETIME, Reach, RevokedId};
use crate::store::session::SessionRow;
use crate::store::user::UserRow;
use crate::store::{Bucket, Noted, Revocation, Revoked, Session, User};
use serde_json::json;

/// Scripts and scores count in doubles, which know every whole number up to here: milliseconds for 285,000 years.
const LARGEST: u64 = (1 << 53) - 1;

/// No interval of a bucket is longer, in milliseconds: ten years.
const LONGEST_INTERVAL: u64 = 10 * 365 * 24 * 60 * 60 * 1000;

/// A number as scripts read it.
pub(super) fn number(number: u64) -> Vec<u8> {
    number.min(LARGEST).to_string().into_bytes()
}

/// The lower bound of names after this one.
pub(super) fn bound(after: Option<&str>) -> Vec<u8> {
    after.map_or(b"-".to_vec(), |name| format!("({name}").into_bytes())
}

/// A key that ends in a digest.
pub(super) fn key(kind: &[u8], digest: &[u8; ID_BYTES]) -> Vec<u8> {
    [kind, digest].concat()
}

/// A time as a session's row begins with it: in sixteen digits, so that its order is that of the texts.
pub(super) fn seen(at: u64) -> Vec<u8> {
    format!("{:016}", at.min(LARGEST)).into_bytes()
}

pub(super) fn user(user: &User) -> Vec<u8> {
    let row = UserRow::of(user);
    let rest = json!([
        row.display_name,
        row.email,
        row.group_names,
        row.password_hash,
        row.disabled,
        row.created_at,
        row.updated_at
    ]);
    format!("{}\n{rest}", row.password_scheme).into_bytes()
}

pub(super) fn read_user(name: &str, bytes: &[u8]) -> Result<User, String> {
    type Rest = (Option<String>, Option<String>, String, String, bool, i64, i64);
    let problem = |error: &dyn std::fmt::Display| format!("the row of the user {name:?}: {error}");
    let text = std::str::from_utf8(bytes).map_err(|error| problem(&error))?;
    let (scheme, rest) = text.split_once('\n').ok_or_else(|| problem(&"it is none of samehand's"))?;
    let (display_name, email, group_names, password_hash, disabled, created_at, updated_at): Rest =
        serde_json::from_str(rest).map_err(|error| problem(&error))?;
    let row = UserRow {
        name: name.to_owned(),
        display_name,
        email,
        group_names,
        password_hash,
        password_scheme: scheme.to_owned(),
        disabled,
        created_at,
        updated_at,
    };
    row.check()
}

/// What a script is given about a session: name, row, user, end.
pub(super) fn session(session: &Session) -> [Vec<u8>; 4] {
    let row = SessionRow::of(session);
    let rest = json!([row.signed_in_by, row.created_at, row.ends_at, row.device, row.network]);
    let mut bytes = seen(session.last_seen_at);
    bytes.extend_from_slice(format!(" {}\n{rest}", row.user_name).as_bytes());
    [row.id.into_bytes(), bytes, row.user_name.into_bytes(), number(session.ends_at)]
}

pub(super) fn read_session(id: &str, bytes: &[u8]) -> Result<Session, String> {
    type Rest = (String, i64, i64, String, String);
    let problem = |error: &dyn std::fmt::Display| format!("the row of the session {id:?}: {error}");
    let text = std::str::from_utf8(bytes).map_err(|error| problem(&error))?;
    let parts = text.split_once(' ').and_then(|(seen, rest)| Some((seen, rest.split_once('\n')?)));
    let (seen, (user_name, rest)) = parts.ok_or_else(|| problem(&"it is none of samehand's"))?;
    let last_seen_at = seen.parse().map_err(|error| problem(&error))?;
    let (signed_in_by, created_at, ends_at, device, network): Rest =
        serde_json::from_str(rest).map_err(|error| problem(&error))?;
    let user_name = user_name.to_owned();
    SessionRow { id: id.to_owned(), user_name, signed_in_by, created_at, last_seen_at, ends_at, device, network }
        .check()
}

/// What a script is given about a revocation: kind, name in the set, expiry, name of the session or user.
pub(super) fn revocation(revocation: &Revocation) -> [Vec<u8>; 4] {
    let (kind, id, expires_at, name) = match revocation {
        Revocation::Token { id, expires_at } => ("token", *id, *expires_at, ""),
        Revocation::Session(sid) => ("session", RevokedId::session(sid), 0, sid.as_str()),
        Revocation::User(name) => ("user", RevokedId::user(name), 0, name.as_str()),
        Revocation::Everything => ("everything", RevokedId::EVERYTHING, 0, ""),
    };
    [kind.into(), id.bytes().into(), number(expires_at), name.into()]
}

pub(super) fn user_revocation(name: &UserName) -> Vec<Vec<u8>> {
    revocation(&Revocation::User(name.clone())).into()
}

/// The longest lifetime, as scripts read it.
pub(super) fn longest() -> Vec<u8> {
    number(LONGEST_LIFETIME)
}

/// What a script says it did about these.
pub(super) fn read_revoked(revocations: &[Revocation], answer: &[u64]) -> Result<Revoked, String> {
    let (sessions, pairs) = answer.split_first().ok_or("a script did not say what it did")?;
    let (pairs, rest) = pairs.as_chunks::<2>();
    if pairs.len() != revocations.len() || !rest.is_empty() {
        return Err("a script did something else than it was asked to".into());
    }
    let entry = |(revocation, [revision, expires_at]): (&Revocation, &[u64; 2])| Entry {
        expires_at: *expires_at,
        ..revocation.entry(Revision::new(*revision), None)
    };
    Ok(Revoked { entries: revocations.iter().zip(pairs).map(entry).collect(), sessions: *sessions })
}

/// What a script is given about an entry: name, how far it reaches, expiry.
pub(super) fn entry(entry: &Entry) -> [Vec<u8>; 3] {
    let reach = match entry.reach {
        Reach::Itself => Vec::new(),
        Reach::Earlier(than) => number(than.number()),
    };
    [entry.id.bytes().into(), reach, number(entry.expires_at)]
}

/// A member of the order of revocations, and its score.
pub(super) fn read_entry(member: &[u8], revision: u64) -> Result<Entry, String> {
    let parts = member.split_first_chunk::<ID_BYTES>().and_then(|(id, numbers)| match numbers.as_chunks::<8>() {
        ([expires_at], []) => Some((id, expires_at, Reach::Itself)),
        ([expires_at, than], []) => Some((id, expires_at, Reach::Earlier(Revision::new(u64::from_be_bytes(*than))))),
        (_, _) => None,
    });
    let (id, expires_at, reach) = parts.ok_or_else(|| format!("a revocation has {} bytes", member.len()))?;
    Ok(Entry {
        id: RevokedId::from_bytes(*id),
        reach,
        revision: Revision::new(revision),
        expires_at: u64::from_be_bytes(*expires_at),
    })
}

/// What is noted about time, as the fields stand in the hash: nothing where nobody has noted it yet.
pub(super) fn read_noted(fields: &[Option<u64>]) -> Noted {
    let number = |at: usize| fields.get(at).copied().flatten().unwrap_or_default();
    let forgotten = Forgotten { until: number(3), under: Revision::new(number(4)) };
    Noted { mark_ms: number(0), said_ms: number(1), said_by: number(2), forgotten }
}

pub(super) fn attempts(buckets: &[Bucket]) -> Vec<Vec<u8>> {
    buckets.iter().map(|bucket| key(scripts::ATTEMPTS, &bucket.key)).collect()
}

pub(super) fn interval(bucket: &Bucket) -> Vec<u8> {
    number(bucket.interval_ms.min(LONGEST_INTERVAL))
}
