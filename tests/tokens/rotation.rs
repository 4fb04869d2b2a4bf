//! Tokens over the life of keys: a restart, a rotation with overlap, a changed secret and a changed salt.
#![expect(clippy::unwrap_used, reason = "a key ring that cannot be used fails its test")]

use super::craft::parts;
use super::world::{NOW, SALT, SECRET, Signing, World};
use samehand::keys::{KeyFile, KeyState};
use std::path::Path;

/// An installation that leaves every secret to `DATA`.
fn generated(data: &Path) -> World {
    World::with(Signing::Hs256, &[("DATA", data.to_str().unwrap()), ("SECRET", ""), ("SALT", "")])
}

#[test]
fn a_token_survives_a_restart_with_generated_keys() {
    let data = tempfile::tempdir().unwrap();
    let token = generated(data.path()).mint();
    assert_eq!(generated(data.path()).ask_with(&token), "ok 200");
    let elsewhere = tempfile::tempdir().unwrap();
    assert_eq!(generated(elsewhere.path()).ask_with(&token), "key-unknown 401");
}

#[test]
fn a_token_survives_rotations_until_its_key_is_retired() {
    let data = tempfile::tempdir().unwrap();
    let before = generated(data.path());
    let token = before.mint();
    let old = before.keys.listed.iter().find(|key| key.state == KeyState::Active).unwrap().kid.clone();

    let active = KeyFile::change(data.path(), |ring| ring.rotate(*NOW)).unwrap();
    let after = generated(data.path());
    let newer = after.mint();
    assert_ne!(active, old);
    assert_ne!(parts(&token)[0], parts(&newer)[0], "the new key signs");
    assert_eq!(after.ask_with(&token), "ok 200");
    assert_eq!(after.ask_with(&newer), "ok 200");
    assert_eq!(before.ask_with(&newer), "ok 200", "the next key was accepted before it signed");

    KeyFile::change(data.path(), |ring| ring.rotate(*NOW)).unwrap();
    assert_eq!(generated(data.path()).ask_with(&token), "ok 200", "rotated twice");

    KeyFile::change(data.path(), |ring| ring.retire(&old)).unwrap();
    let retired = generated(data.path());
    assert_eq!(retired.ask_with(&token), "key-unknown 401");
    assert_eq!(retired.ask_with(&newer), "ok 200");
}

#[test]
fn a_token_survives_a_changed_secret_only_while_the_previous_one_is_named() {
    let with = |current, previous| World::with(Signing::Hs256, &[("SECRET", current), ("SECRET_PREVIOUS", previous)]);
    let other = "Kq8ZtW3xY7nRb5VhLc2MfD9sGp4JaE6u";
    let token = with(SECRET, "").mint();
    let overlap = with(other, SECRET);
    assert_eq!(overlap.ask_with(&token), "ok 200");
    assert_ne!(parts(&overlap.mint())[0], parts(&token)[0], "the previous secret signs nothing");
    assert_eq!(with(other, "").ask_with(&token), "key-unknown 401");
}

#[test]
fn a_fingerprint_survives_a_changed_salt_only_while_the_previous_one_is_named() {
    let with = |current, previous| World::with(Signing::Hs256, &[("SALT", current), ("SALT_PREVIOUS", previous)]);
    let other = "Zr6NwQ2kXt9BvM4y";
    let token = with(SALT, "").mint();
    let overlap = with(other, SALT);
    assert_eq!(overlap.ask_with(&token), "ok 200");
    let bearer = format!("Bearer {token}");
    let moved: [(&str, &[u8]); 2] = [("authorization", bearer.as_bytes()), ("x-forwarded-for", b"192.0.2.8")];
    assert_eq!(overlap.ask(&moved), "client-changed 403", "under the previous salt too");
    assert_eq!(with(other, "").ask_with(&token), "key-unknown 401");
}

#[test]
fn a_token_survives_the_change_from_a_secret_to_a_private_key() {
    let token = World::new(Signing::Hs256).mint();
    let world = World::with(Signing::EdDsa, &[("SECRET_PREVIOUS", SECRET)]);
    assert_eq!(world.ask_with(&token), "ok 200");
    assert_eq!(world.ask_with(&world.mint()), "ok 200");
    assert_eq!(World::new(Signing::EdDsa).ask_with(&token), "key-unknown 401");
}
