//! A sign-in opens a session, which the store knows and the token names.

use crate::support::{CLIENT, THIEF, token::Token};
use crate::{decided, mint, question, sessions, sid, signed_in, start, time};
use samehand::store::SignedInBy;
use serde_json::json;

#[test]
fn each_sign_in_opens_a_session_that_its_token_names() {
    let samehand = start(&[]);
    assert!(sessions(&samehand).is_empty());
    let (first, second) = (signed_in(&samehand), signed_in(&samehand));
    assert_ne!(sid(&first), sid(&second));
    assert_eq!(sid(&first).len(), 22, "128 bits");
    let open = sessions(&samehand);
    assert_eq!(open.len(), 2);
    let session = open.iter().find(|session| session.id.as_str() == sid(&first)).expect("the session of the token");
    let issued_at = time(&first, "iat");
    assert_eq!((session.user.as_str(), session.signed_in_by), ("alice", SignedInBy::Password));
    assert_eq!((session.created_at, session.ends_at), (issued_at, issued_at + 30 * 24 * 60 * 60));
    assert_eq!((session.device.as_str(), session.network.as_str()), ("Firefox on Linux", "127.0.0.0/24"));
    let (reply, decision) = decided(&samehand, question().bearer(&first));
    assert_eq!((reply.status, decision.field("sid")), (200, sid(&first).as_str()));
}

#[test]
fn a_back_end_opens_one_too_and_the_command_line_does_not() {
    let samehand = start(&[]);
    let token = mint(&samehand, &json!({ "sub": "customer-7", "ip": THIEF.to_string() }));
    let open = sessions(&samehand);
    let [session] = &open[..] else { panic!("{open:?}") };
    assert_eq!((session.id.as_str(), session.user.as_str()), (sid(&token).as_str(), "customer-7"));
    assert_eq!(session.signed_in_by, SignedInBy::BackEnd);
    let by_hand = samehand.mint("alice", CLIENT, crate::FIREFOX);
    assert!(Token::parse(&by_hand).claims.get("sid").is_none(), "{by_hand}");
    assert_eq!(sessions(&samehand).len(), 1);
}

#[test]
fn identifiers_are_long_and_never_the_same() {
    let samehand = start(&[]);
    let tokens: Vec<_> = (0..20).map(|_| Token::parse(&mint(&samehand, &json!({}))).claims).collect();
    for claim in ["jti", "sid"] {
        let mut values: Vec<_> = tokens.iter().map(|claims| claims[claim].as_str().expect(claim)).collect();
        values.sort_unstable();
        values.dedup();
        assert_eq!(values.len(), 20, "{claim}");
    }
}

#[test]
fn article_tokens_have_no_sessions() {
    let samehand = start(&[("FINGERPRINT", "article")]);
    signed_in(&samehand);
    assert!(sessions(&samehand).is_empty());
}
