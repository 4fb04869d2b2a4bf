//! Digests that are remembered for a time. The server does not forget them by itself: its clock may be wrong.

use super::link::{Link, Question};
use super::{rows, scripts};
use crate::check::revocation::ID_BYTES;
use crate::store::{Noted, StoreError};

/// Nothing is remembered longer, in seconds: a hundred years.
const LONGEST: u64 = 100 * 365 * 24 * 60 * 60;

pub(super) async fn remember(link: &Link, digest: [u8; ID_BYTES], seconds: u64) -> Result<bool, StoreError> {
    let (keys, arguments) = (keys(), arguments(digest, rows::number(seconds.min(LONGEST) * 1000)));
    link.change(Question::Script { script: &scripts::REMEMBER, keys: &keys, arguments: &arguments }).await
}

pub(super) async fn remembers(link: &Link, digest: [u8; ID_BYTES]) -> Result<bool, StoreError> {
    let (keys, arguments) = (keys(), arguments(digest, Vec::new()));
    let question = Question::Script { script: &scripts::REMEMBER, keys: &keys, arguments: &arguments };
    Ok(!link.read::<bool>(question).await?)
}

fn keys() -> [Vec<u8>; 2] {
    [scripts::REMEMBERED, scripts::CLOCK].map(|key| key.as_bytes().to_vec())
}

/// Without milliseconds the script only looks.
fn arguments(digest: [u8; ID_BYTES], milliseconds: Vec<u8>) -> [Vec<u8>; 3] {
    [digest.into(), milliseconds, rows::number(Noted::BELIEVED_AHEAD_MS)]
}
