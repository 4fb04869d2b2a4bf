//! Nonces that grow old, and secrets that are changed: with replicas whose clocks are some minutes apart. libfaketime gives
//! a replica another clock.

use crate::replays::{Asked, given_out};
use crate::support::{installation::Installation, prover::Prover, samehand::Samehand};

const OLD_SALT: &str = "salted with this, 4hGq7sNw1Zk8Xv2Tb6";
const NEW_SALT: &str = "salted with that, 8mRd3xKp5Wn1Qc9Jf2";

/// A service whose clock is so many seconds ahead.
#[track_caller]
fn ahead(seconds: u64, settings: &[(&str, &str)]) -> Samehand {
    let mut installation = Installation::new(settings);
    installation.set_clock(i64::try_from(seconds).expect("some minutes"));
    Samehand::serve(installation)
}

#[test]
fn a_nonce_is_good_for_five_minutes_and_as_many_more_and_the_next_one_comes_in_time() {
    let prover = Prover::new();
    let now = Samehand::start(&[("SALT", OLD_SALT)]);
    let (_, nonce) = given_out(&now, &prover);
    // So far ahead that the nonce is one step of 300 s older, and two, with a minute and more to the ends of the step.
    let next = if samehand::app::now() % 300 < 150 { 300 } else { 200 };
    for (seconds, is_good) in [(next, true), (next + 300, false)] {
        let later = ahead(seconds, &[("SALT", OLD_SALT)]);
        let (token, newest) = given_out(&later, &prover);
        let asked = |id: &str, nonce: &str, ahead: u64| {
            let asked = Asked { prover: &prover, token: &token, nonce };
            let proof = asked.draft(|draft| draft.with("iat", samehand::app::now() + ahead));
            asked.reply(&later, "nginx", id, &proof)
        };
        let reply = asked("old", &nonce, seconds);
        assert_eq!(reply.status, if is_good { 200 } else { 401 }, "{seconds}: {reply:?}");
        assert_eq!(later.decision("old").field("reason"), if is_good { "ok" } else { "nonce-required" });
        let told = reply.header("DPoP-Nonce").expect("a newer one");
        assert_ne!(told, nonce);
        let reply = asked("new", told, seconds);
        assert_eq!((reply.status, reply.header("DPoP-Nonce")), (200, None), "{seconds}: {reply:?}");
        assert_eq!(asked("newest", &newest, seconds).status, 200);
        // By a clock that is so much behind, a proof is too old.
        let reply = asked("behind", told, 0);
        assert_eq!((reply.status, later.decision("behind").field("proof")), (401, "iat"), "{reply:?}");
    }
}

#[test]
fn a_nonce_outlives_the_salt_it_was_made_with_as_tokens_do() {
    let prover = Prover::new();
    let samehand = Samehand::start(&[("SALT", OLD_SALT)]);
    let (token, nonce) = given_out(&samehand, &prover);
    let samehand = samehand.restart(&[("SALT", NEW_SALT), ("SALT_PREVIOUS", OLD_SALT)]);
    let asked = Asked { prover: &prover, token: &token, nonce: &nonce };
    let reply = asked.reply(&samehand, "nginx", "old-nonce", &asked.proof());
    assert_eq!(reply.status, 200, "{reply:?}");
    let told = reply.header("DPoP-Nonce").expect("one of the new salt").to_owned();
    let samehand = samehand.restart(&[("SALT", NEW_SALT), ("SALT_PREVIOUS", "")]);
    let (token, _) = given_out(&samehand, &prover);
    let with = |nonce| Asked { prover: &prover, token: &token, nonce };
    assert_eq!(with(&nonce).status(&samehand, "gone", &with(&nonce).proof()), 401);
    assert_eq!(samehand.decision("gone").field("reason"), "nonce-required");
    assert_eq!(with(&told).status(&samehand, "new", &with(&told).proof()), 200);
}

#[test]
fn without_nonces_a_proof_needs_none_and_one_that_is_there_has_to_be_good() {
    let samehand = Samehand::start(&[("DPOP_NONCE", "off")]);
    let prover = Prover::new();
    let (token, nonce) = given_out(&samehand, &prover);
    let asked = Asked { prover: &prover, token: &token, nonce: &nonce };
    assert_eq!(asked.status(&samehand, "without", &asked.draft(|draft| draft.without("nonce"))), 200);
    assert_eq!(asked.status(&samehand, "with", &asked.proof()), 200);
    assert_eq!(asked.status(&samehand, "bad", &asked.draft(|draft| draft.with("nonce", "made up"))), 401);
    assert_eq!(samehand.decision("bad").field("reason"), "nonce-required");
}
