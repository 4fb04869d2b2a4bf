//! The recipe as published: every vector, and what must and must not change a fingerprint.

use super::*;
use std::net::IpAddr;

fn client<'a>(address: &str, user_agent: &'a [u8]) -> ObservedClient<'a> {
    let address: IpAddr = address.parse().unwrap();
    ObservedClient { ip: ClientIp::vouched(address), user_agent: UserAgent::from_bytes(Some(user_agent)) }
}

fn key() -> FingerprintKey {
    FingerprintKey::from_salt(Secret::new(b"a salt of the published test vectors".to_vec()))
}

const RECIPE: Recipe = Recipe { ipv4_prefix: 32, ipv6_prefix: 64, user_agent: UserAgentMatch::Family };
const CONTEXT: TokenContext<'static> = TokenContext { issuer: "samehand", jti: "0123456789abcdefghijkl" };

/// Changes of the construction would log everybody out at an update. The vectors are published in
/// `docs/fingerprint.md`, and were computed by the program there, which shares no code with this one.
#[test]
fn the_published_vectors_hold() {
    let table = include_str!("../../../tests/data/fingerprint_vectors.tsv");
    let mut rows = 0;
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [salt, recipe, issuer, jti, address, agent, claim] = fields[..] else { panic!("{line}") };
        let key = FingerprintKey::from_salt(Secret::new(salt.as_bytes().to_vec()));
        let agent = hex::decode(agent).unwrap();
        let seen = client(address, &agent);
        let context = TokenContext { issuer, jti };
        assert_eq!(key.keyed(&seen, parse_recipe(recipe).unwrap(), context), claim, "{line}");
        rows += 1;
    }
    assert!(rows >= 8, "{rows} vectors");
}

#[test]
fn a_change_is_named_by_its_part() {
    let key = key();
    let firefox = b"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".as_slice();
    let newer = b"Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0".as_slice();
    let claim = KeyedFingerprint::parse(&key.keyed(&client("192.0.2.1", firefox), RECIPE, CONTEXT)).unwrap();
    let changed = |address, agent| key.changed(&claim, &client(address, agent), CONTEXT).to_string();
    assert_eq!(changed("192.0.2.1", firefox), "");
    assert_eq!(changed("192.0.2.1", newer), "");
    assert_eq!(changed("192.0.2.2", firefox), "ip");
    assert_eq!(changed("192.0.2.1", b"curl/8.0"), "user-agent");
    assert_eq!(changed("2001:db8::1", b"curl/8.0"), "ip,user-agent");
}

#[test]
fn a_claim_cannot_be_moved_and_links_no_two_tokens() {
    let key = key();
    let seen = client("192.0.2.1", b"curl/8.0");
    let other = TokenContext { jti: "another-jti", ..CONTEXT };
    let claim = key.keyed(&seen, RECIPE, CONTEXT);
    let parsed = KeyedFingerprint::parse(&claim).unwrap();
    assert_eq!(key.changed(&parsed, &seen, other).to_string(), "ip,user-agent");
    let again = key.keyed(&seen, RECIPE, other);
    let digests = |claim: &str| claim.split('.').skip(3).map(str::to_owned).collect::<Vec<_>>();
    assert!(digests(&claim).iter().all(|digest| !digests(&again).contains(digest)));
}

#[test]
fn a_prefix_counts_as_much_of_an_address_as_it_says() {
    let key = key();
    let recipe = Recipe { ipv4_prefix: 24, ipv6_prefix: 56, ..RECIPE };
    let changed = |one, other| {
        let claim = KeyedFingerprint::parse(&key.keyed(&client(one, b"x"), recipe, CONTEXT)).unwrap();
        !key.changed(&claim, &client(other, b"x"), CONTEXT).is_empty()
    };
    assert!(!changed("192.0.2.1", "192.0.2.200"));
    assert!(changed("192.0.2.1", "192.0.3.1"));
    assert!(!changed("2001:db8:0:1::1", "2001:db8:0:ff::2"));
    assert!(changed("2001:db8:0:1::1", "2001:db8:0:100::1"));
    assert!(!changed("192.0.2.1", "::ffff:192.0.2.7"));
}

#[test]
fn a_claim_has_one_spelling() {
    let good = key().keyed(&client("192.0.2.1", b"x"), RECIPE, CONTEXT);
    assert!(KeyedFingerprint::parse(&good).is_some());
    for bad in [
        good.replace("v1.", "v2."),
        good.replace("32-64-family", "032-64-family"),
        good.replace("32-64-family", "+32-64-family"),
        good.replace("32-64-family", "33-64-family"),
        good.replace("32-64-family", "32-129-family"),
        good.replace("32-64-family", "32-64-Family"),
        good.replace("32-64-family", "32-64"),
        good[..good.len() - 1].to_owned(),
        format!("{good}A"),
        format!("{good}=="),
        format!("{good}.AAAAAAAAAAAAAAAAAAAAAA"),
        String::new(),
    ] {
        assert!(KeyedFingerprint::parse(&bad).is_none(), "{bad}");
    }
}

#[test]
fn the_article_hashes_what_node_hashes() {
    let key = FingerprintKey::from_salt(Secret::new(b"3d4bd49fadee0613cec5a145a0173876".to_vec()));
    let sha = |text: &str| hex::encode(Sha256::digest(text.as_bytes()));
    let agent = |bytes: Option<&'static [u8]>| UserAgent::from_bytes(bytes);
    let salt = "3d4bd49fadee0613cec5a145a0173876";
    assert_eq!(key.article("127.0.0.1", agent(Some(b"curl/8.0"))), sha(&format!("{salt}127.0.0.1curl/8.0")));
    assert_eq!(key.article("127.0.0.1", agent(None)), sha(&format!("{salt}127.0.0.1undefined")));
    assert_eq!(key.article("127.0.0.1", agent(Some(b""))), sha(&format!("{salt}127.0.0.1")));
    // Node reads the bytes C3 A9 as the two Latin-1 characters Ã and ©, and hashes those as UTF-8.
    assert_eq!(key.article("::1", agent(Some(b"caf\xc3\xa9"))), sha(&format!("{salt}::1caf\u{c3}\u{a9}")));
}
