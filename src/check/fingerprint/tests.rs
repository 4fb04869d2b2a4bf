//! The recipe as published: every vector, and what must and must not change a fingerprint.

use super::*;
use crate::check::client_ip::ClientIp;
use crate::check::observed::{CookieProof, Proofs};
use crate::check::parts::HeaderPart;
use crate::check::thumbprint::Thumbprint;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

fn client<'a>(address: &str, user_agent: &'a [u8]) -> ObservedClient<'a> {
    let address: IpAddr = address.parse().unwrap();
    ObservedClient::new(ClientIp::vouched(address), UserAgent::from_bytes(Some(user_agent)))
}

fn key() -> FingerprintKey {
    FingerprintKey::from_salt(Secret::new(b"a salt of the published test vectors".to_vec()))
}

const RECORD: &str = "!ip:32:64,!user-agent:family";
const CONTEXT: TokenContext<'static> =
    TokenContext { issuer: "samehand", jti: "0123456789abcdefghijkl", session: Some("session-1") };
const COOKIE: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

fn record(text: &str) -> Record {
    Record::parse(text).unwrap_or_else(|| panic!("{text}"))
}

fn names() -> HeaderParts {
    let part = |name: &str, header| HeaderPart { name: name.into(), header: HeaderName::from_static(header) };
    HeaderParts::new(vec![part("ja4", "x-ja4"), part("country", "x-country")]).unwrap()
}

fn claim(client: &ObservedClient<'_>, record_text: &str, context: TokenContext<'_>) -> KeyedFingerprint {
    let text = key().keyed(client, &record(record_text), &names(), context, None);
    KeyedFingerprint::parse(&text).unwrap_or_else(|| panic!("{text}"))
}

fn changed(claim: &KeyedFingerprint, client: &ObservedClient<'_>) -> String {
    names().names(key().changed(claim, client, &names(), CONTEXT))
}

/// Changes of the construction would log everybody out at an update. The vectors are published in
/// `docs/fingerprint.md`, and were computed by the program there, which shares no code with this one.
#[test]
fn the_published_vectors_hold() {
    let table = include_str!("../../../tests/data/fingerprint_vectors.tsv");
    let mut rows = 0;
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [salt, recorded, issuer, jti, sid, address, agent, cookie, key, certificate, ja4, claim] = fields[..]
        else {
            panic!("{line}")
        };
        let made_with = FingerprintKey::from_salt(Secret::new(salt.as_bytes().to_vec()));
        let agent = hex::decode(agent).unwrap();
        let mut headers = HeaderMap::new();
        if !ja4.is_empty() {
            headers.insert(HeaderName::from_static("x-ja4"), HeaderValue::from_str(ja4).unwrap());
        }
        let proofs = Proofs {
            cookie: match cookie {
                "" => CookieProof::None,
                "session" => CookieProof::Session,
                secret => CookieProof::Secret(secret),
            },
            key: Thumbprint::read(key),
            certificate: Thumbprint::read(certificate),
            proxy_headers: Some(&headers),
        };
        let seen = client(address, &agent).with_proofs(proofs);
        let context = TokenContext { issuer, jti, session: Some(sid).filter(|sid| !sid.is_empty()) };
        assert_eq!(made_with.keyed(&seen, &record(recorded), &names(), context, None), claim, "{line}");
        rows += 1;
    }
    assert!(rows >= 20, "{rows} vectors");
}

#[test]
fn a_change_is_named_by_its_part() {
    let firefox = b"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".as_slice();
    let newer = b"Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0".as_slice();
    let claim = claim(&client("192.0.2.1", firefox), RECORD, CONTEXT);
    let changed = |address, agent| changed(&claim, &client(address, agent));
    assert_eq!(changed("192.0.2.1", firefox), "");
    assert_eq!(changed("192.0.2.1", newer), "");
    assert_eq!(changed("192.0.2.2", firefox), "ip");
    assert_eq!(changed("192.0.2.1", b"curl/8.0"), "user-agent");
    assert_eq!(changed("2001:db8::1", b"curl/8.0"), "ip,user-agent");
}

#[test]
fn a_proof_that_is_not_shown_is_a_change_and_so_is_another() {
    let (one, other) = (Thumbprint::of(b"one"), Thumbprint::of(b"other"));
    let mut headers = HeaderMap::new();
    headers.insert(HeaderName::from_static("x-ja4"), HeaderValue::from_static("t13d1516h2"));
    let plain = client("192.0.2.1", b"curl/8.0");
    let all = Proofs {
        cookie: CookieProof::Secret(COOKIE),
        key: Some(one),
        certificate: Some(one),
        proxy_headers: Some(&headers),
    };
    let claim =
        claim(&plain.with_proofs(all), "!ip:32:64,!user-agent:family,!cookie,!dpop,!mtls,country,!ja4", CONTEXT);
    let changed = |proofs| changed(&claim, &plain.with_proofs(proofs));
    assert_eq!(changed(all), "");
    assert_eq!(changed(Proofs::default()), "cookie,dpop,mtls,ja4");
    assert_eq!(changed(Proofs { cookie: CookieProof::Session, ..all }), "cookie");
    assert_eq!(changed(Proofs { cookie: CookieProof::Secret("AA"), ..all }), "cookie");
    assert_eq!(changed(Proofs { key: Some(other), ..all }), "dpop");
    assert_eq!(changed(Proofs { certificate: Some(other), ..all }), "mtls");
    let mut elsewhere = headers.clone();
    elsewhere.insert(HeaderName::from_static("x-country"), HeaderValue::from_static("NL"));
    assert_eq!(changed(Proofs { proxy_headers: Some(&elsewhere), ..all }), "country");
    assert!(key().has_cookie(&claim, COOKIE, CONTEXT));
    assert!(!key().has_cookie(&claim, "AA", CONTEXT));
}

#[test]
fn a_claim_cannot_be_moved_and_links_no_two_sessions() {
    let seen = client("192.0.2.1", b"curl/8.0");
    let other = TokenContext { jti: "another-jti", session: Some("session-2"), ..CONTEXT };
    let text = |context| key().keyed(&seen, &record(RECORD), &names(), context, None);
    let moved = key().changed(&claim(&seen, RECORD, CONTEXT), &seen, &names(), other);
    assert_eq!(names().names(moved), "ip,user-agent");
    let (one, again) = (text(CONTEXT), text(other));
    let digests = |claim: &str| claim.split('.').skip(3).filter(|field| *field != "-").map(str::to_owned).collect();
    let (one, again): (Vec<String>, Vec<String>) = (digests(&one), digests(&again));
    assert_eq!(one.len(), 3);
    assert!(one.iter().all(|digest| !again.contains(digest)));
}

#[test]
fn a_renewed_claim_knows_the_addresses_of_both_families() {
    let four = claim(&client("192.0.2.1", b"x"), RECORD, CONTEXT);
    let next = TokenContext { jti: "the-next-one", ..CONTEXT };
    let renew = |address: &str, recorded: &str, context, before: &KeyedFingerprint| {
        let text = key().keyed(&client(address, b"x"), &record(recorded), &names(), context, Some(before));
        KeyedFingerprint::parse(&text).unwrap()
    };
    let changed = |claim: &KeyedFingerprint, address, context| {
        names().names(key().changed(claim, &client(address, b"x"), &names(), context))
    };
    let both = renew("2001:db8::1", RECORD, next, &four);
    for (address, what) in [("2001:db8::2", ""), ("192.0.2.1", ""), ("192.0.2.2", "ip"), ("2001:db8:0:1::1", "ip")] {
        assert_eq!(changed(&both, address, next), what, "{address}");
    }
    // The next address of a family takes the place of the last one.
    let moved = renew("192.0.2.9", RECORD, next, &both);
    assert_eq!(changed(&moved, "192.0.2.1", next), "ip");
    assert_eq!(changed(&moved, "2001:db8::1", next), "");
    // What was made another way, or for another session, says nothing.
    let other = renew("2001:db8::1", "!ip:24:64,!user-agent:family", next, &four);
    assert!(!other.knows_family_of("192.0.2.1".parse().unwrap()));
    let session = TokenContext { session: Some("session-2"), ..next };
    assert_eq!(changed(&renew("2001:db8::1", RECORD, session, &four), "192.0.2.1", session), "ip");
}

#[test]
fn a_prefix_counts_as_much_of_an_address_as_it_says() {
    let changed = |one, other| {
        let claim = claim(&client(one, b"x"), "!ip:24:56,!user-agent:family", CONTEXT);
        !key().changed(&claim, &client(other, b"x"), &names(), CONTEXT).is_empty()
    };
    assert!(!changed("192.0.2.1", "192.0.2.200"));
    assert!(changed("192.0.2.1", "192.0.3.1"));
    assert!(!changed("2001:db8:0:1::1", "2001:db8:0:ff::2"));
    assert!(changed("2001:db8:0:1::1", "2001:db8:0:100::1"));
    assert!(!changed("192.0.2.1", "::ffff:192.0.2.7"));
}

#[test]
fn a_claim_has_one_spelling() {
    let good = key().keyed(&client("192.0.2.1", b"x"), &record(RECORD), &names(), CONTEXT, None);
    assert!(KeyedFingerprint::parse(&good).is_some());
    for bad in [
        good.replace("v1.", "v2."),
        good.replace("ip:32:64", "ip:032:64"),
        good.replace("ip:32:64", "ip:+32:64"),
        good.replace("ip:32:64", "ip:33:64"),
        good.replace("ip:32:64", "ip:32:129"),
        good.replace("family", "Family"),
        good.replace(",!user-agent:family", ""),
        good.replace("family", "family,cookie"),
        good.replace(".-.", ".."),
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
fn a_record_has_one_spelling() {
    for good in [
        RECORD,
        "ip:8:128,user-agent:exact",
        "ip:32:64,!user-agent:family,!cookie:session",
        "ip:32:64,!user-agent:family,!cookie,!dpop,!mtls,asn,!ja4",
    ] {
        assert_eq!(record(good).as_str(), good);
    }
    for bad in [
        "",
        "ip:32:64",
        "user-agent:family,ip:32:64",
        "ip:32:64,user-agent:family,",
        "ip:32:64,user-agent:family,dpop,cookie",
        "ip:32:64,user-agent:family,cookie,cookie:session",
        "ip:32:64,user-agent:family,ja4,asn",
        "ip:32:64,user-agent:family,dpop:x",
        "ip:32:64,user-agent:family,!!dpop",
        "ip:32:64,user-agent:family,dpop,dpop",
        "ip:32:64, user-agent:family",
        "ip,user-agent:family",
        "ip:32,user-agent:family",
    ] {
        assert!(Record::parse(bad).is_none(), "{bad}");
    }
}

#[test]
fn what_is_recorded_follows_from_policy_and_proofs() {
    let mut policy = crate::check::policy::tests::usual();
    policy.header_parts = names();
    let named = |list: &[&str]| -> Parts { list.iter().map(|name| names().named(name).unwrap()).collect() };
    let shown = Proofs { cookie: CookieProof::Session, key: Some(Thumbprint::of(b"key")), ..Proofs::default() };
    let plain = client("192.0.2.1", b"x");
    let mut recorded = |same: &[&str], watch: &[&str], proofs| {
        (policy.require_same, policy.watch) = (named(same), named(watch));
        Record::of(&plain.with_proofs(proofs), &policy).as_str().to_owned()
    };
    let keyless = Proofs { key: None, ..shown };
    assert_eq!(recorded(&["ip", "user-agent"], &[], keyless), RECORD);
    assert_eq!(recorded(&[], &["ip"], keyless), "ip:32:64,user-agent:family");
    // A key that the client has shown is confirmed, also where it would do without: it was shown to be bound to.
    assert_eq!(recorded(&["ip", "user-agent"], &[], shown), format!("{RECORD},!dpop"));
    assert_eq!(recorded(&["user-agent"], &["dpop"], shown), "ip:32:64,!user-agent:family,!dpop");
    assert_eq!(recorded(&["user-agent"], &["dpop"], Proofs::default()), "ip:32:64,!user-agent:family");
    assert_eq!(
        recorded(&["cookie", "ja4"], &["country"], keyless),
        "ip:32:64,user-agent:family,!cookie:session,country,!ja4"
    );
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
