//! The audit trail in a sorted set: a member is its position, when it was noted, and the entry as JSON.

use super::link::{Link, Question};
use super::{BATCH, rows, scripts};
use crate::store::trail::MOST;
use crate::store::{StoreError, TrailEntry, TrailRow};
use redis::cmd;

fn keys() -> Vec<Vec<u8>> {
    scripts::TRAIL.iter().map(|key| key.as_bytes().to_vec()).collect()
}

pub(super) async fn note(link: &Link, entries: &[TrailEntry]) -> Result<(), StoreError> {
    for batch in entries.chunks(BATCH) {
        let texts = batch.iter().map(|entry| format!("{} {}", entry.time, entry.to_json()).into_bytes());
        let arguments: Vec<_> = std::iter::once(rows::number(MOST)).chain(texts).collect();
        let (script, keys) = (&*scripts::NOTE_TRAIL, &*keys());
        link.change_for_good::<()>(Question::Script { script, keys, arguments: &arguments }).await?;
    }
    Ok(())
}

pub(super) async fn latest(link: &Link) -> Result<u64, StoreError> {
    let get = cmd("GET").arg(scripts::TRAIL[1]).to_owned();
    Ok(link.read::<Option<u64>>(Question::Command(&get)).await?.unwrap_or_default())
}

pub(super) async fn after(link: &Link, position: u64, limit: usize) -> Result<Vec<TrailRow>, StoreError> {
    let mut range = cmd("ZRANGEBYSCORE");
    range.arg(scripts::TRAIL[0]).arg(format!("({position}")).arg("+inf").arg("LIMIT").arg(0);
    range.arg(rows::number(limit as u64));
    let members: Vec<String> = link.read(Question::Command(&range)).await?;
    let read = members.iter().map(|member| read(member));
    read.collect::<Result<_, _>>().map_err(|problem| link.place().damaged(problem))
}

pub(super) async fn forget(link: &Link, before: u64) -> Result<(), StoreError> {
    let arguments = [rows::number(before), rows::number(BATCH as u64)];
    let (script, keys) = (&*scripts::FORGET_TRAIL, &*keys());
    while link.change(Question::Script { script, keys, arguments: &arguments }).await? {}
    Ok(())
}

fn read(member: &str) -> Result<TrailRow, String> {
    let mut parts = member.splitn(3, ' ');
    let position = parts.next().and_then(|position| position.parse().ok());
    match (position, parts.next(), parts.next()) {
        (Some(position), Some(_), Some(text)) => TrailRow::read(position, text),
        (_, _, _) => Err("an entry of the audit trail is none of samehand's".into()),
    }
}
