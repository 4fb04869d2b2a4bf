//! Any `User-Agent` that can stand in a header: Node's fingerprint and ours are the same text.

use proptest::{
    collection::vec,
    prelude::{Strategy, any},
    prop_oneof,
    strategy::ValueTree,
    test_runner::TestRunner,
};
use samehand::{
    check::{fingerprint::FingerprintKey, user_agent::UserAgent},
    secret::Secret,
};

use super::{
    PROXY, SALT, World,
    clients::ON_IPV4,
    node::{sign_in_of, token_of},
    question,
};
use crate::support::{client::ask, token::Token};

/// So many values, each by a sign-in at the same Express service.
const VALUES: usize = 300;

/// A byte that HTTP allows in a header's value (RFC 9110 section 5.5), blanks and the bytes from 0x80 on more often
/// than they would come by themselves.
fn header_byte() -> impl Strategy<Value = u8> {
    prop_oneof![
        3 => 0x21..=0x7e_u8,
        2 => 0x80..=0xff_u8,
        1 => prop_oneof![proptest::strategy::Just(b' '), proptest::strategy::Just(b'\t')],
    ]
}

/// Bytes, or text in UTF-8 without control characters.
fn header_value() -> impl Strategy<Value = Vec<u8>> {
    let text = vec(any::<char>().prop_filter("no control character", |one| !one.is_control()), 0..40);
    prop_oneof![vec(header_byte(), 0..120), text.prop_map(|text| text.into_iter().collect::<String>().into_bytes())]
}

#[test]
fn our_fingerprint_of_any_user_agent_is_that_of_node() {
    let world = World::start("article");
    let key = FingerprintKey::from_salt(Secret::new(SALT.as_bytes().to_vec()));
    let client = ON_IPV4.with_user_agent(None);
    let mut runner = TestRunner::default();
    for _ in 0..VALUES {
        let value = header_value().new_tree(&mut runner).expect("a value").current();
        let row = value.escape_ascii().to_string();
        let request = client.describe(sign_in_of("alice")).header("User-Agent", value.as_slice());
        let token = token_of(&ask(PROXY, &world.service.address, &request));
        let ours = key.article(client.forwarded_for, UserAgent::from_bytes(Some(&value)));
        assert_eq!(Token::parse(&token).claims["fingerprint"], ours.as_str(), "User-Agent: {row}");
        // The same through samehand's own reading of the request.
        let request = question("nginx", &client).header("User-Agent", value.as_slice()).bearer(&token);
        let reply = ask(PROXY, &world.samehand.tcp, &request);
        assert_eq!((reply.status, reply.header("Remote-User")), (200, Some("alice")), "User-Agent: {row}");
    }
}
