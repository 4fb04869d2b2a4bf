//! Properties of the keyed fingerprint: no two different clients give one message, and one client gives one
//! fingerprint however its address is written.
#![expect(clippy::unwrap_used, reason = "a token that cannot be minted fails its test")]

use super::world::{SALT, Signing, USER_AGENT, World, observed};
use ipnet::IpNet;
use proptest::prelude::*;
use samehand::check::fingerprint::{FingerprintKey, Record, TokenContext};
use samehand::check::parts::HeaderParts;
use samehand::check::policy::{Recipe, UserAgentMatch};
use samehand::check::user_agent::UserAgent;
use samehand::secret::Secret;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What must decide whether two fingerprints are equal, put together without any encoding.
#[derive(Debug, PartialEq, Eq)]
struct Meaning {
    issuer: String,
    jti: String,
    recipe: (u8, u8, bool),
    network: IpNet,
    user_agent: Option<Vec<u8>>,
}

/// One client of one token.
#[derive(Clone, Debug)]
struct Case {
    issuer: String,
    jti: String,
    recipe: Recipe,
    ip: IpAddr,
    user_agent: Option<Vec<u8>>,
}

impl Case {
    fn claim(&self) -> String {
        let key = FingerprintKey::from_salt(Secret::new(SALT.into()));
        let client = observed(self.ip, self.user_agent.as_deref());
        let context = TokenContext { issuer: &self.issuer, jti: &self.jti, session: None };
        key.keyed(&client, &Record::of_form(self.recipe), &HeaderParts::default(), context, None)
    }

    fn meaning(&self) -> Meaning {
        let ip = self.ip.to_canonical();
        let prefix = if ip.is_ipv4() { self.recipe.ipv4_prefix } else { self.recipe.ipv6_prefix };
        let agent = self.user_agent.as_deref().map(|agent| agent.trim_ascii().to_vec());
        let agent = agent.filter(|agent| !agent.is_empty());
        let family = |agent: &[u8]| {
            let mut out = Vec::new();
            UserAgent::from_bytes(Some(agent)).family(&mut out);
            out
        };
        Meaning {
            issuer: self.issuer.clone(),
            jti: self.jti.clone(),
            recipe: (self.recipe.ipv4_prefix, self.recipe.ipv6_prefix, self.recipe.user_agent == UserAgentMatch::Exact),
            network: IpNet::new(ip, prefix).unwrap().trunc(),
            user_agent: match self.recipe.user_agent {
                UserAgentMatch::Family => agent.as_deref().map(family),
                UserAgentMatch::Exact => agent,
            },
        }
    }
}

/// Addresses that are near each other, so that equal and unequal ones both come up.
fn addresses() -> impl Strategy<Value = IpAddr> {
    let v4 = prop::array::uniform4(prop::sample::select(vec![0, 1, 4, 6, 32, 255]));
    let v6 = prop::array::uniform8(prop::sample::select(vec![0, 1, 0x400, 0x2001, 0xffff]));
    prop_oneof![
        v4.clone().prop_map(|octets| IpAddr::V4(octets.into())),
        v4.prop_map(|octets| IpAddr::V6(Ipv4Addr::from(octets).to_ipv6_mapped())),
        v6.prop_map(|segments| IpAddr::V6(segments.into())),
    ]
}

/// Values that look like pieces of a message.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec!["", "a", "ab", "b", "\0\0\0\x01a", "samehand", "ip:32:64", "v1"])
            .prop_map(str::to_owned),
        "[ab\0\x01.-]{0,6}",
    ]
}

fn agents() -> impl Strategy<Value = Option<Vec<u8>>> {
    let known =
        vec!["", " ", "a", "a/1", "a/2", "a/0", "\0", "\x01", "\x03a/0", USER_AGENT, "Linux Firefox", "undefined"];
    prop_oneof![
        Just(None),
        prop::sample::select(known).prop_map(|agent| Some(agent.as_bytes().to_vec())),
        prop::collection::vec(prop::sample::select(vec![0, 1, 2, 3, b'a', b'/', b'1', 0xff]), 0..6).prop_map(Some),
    ]
}

fn cases() -> impl Strategy<Value = Case> {
    let recipe =
        (prop::sample::select(vec![8_u8, 24, 31, 32]), prop::sample::select(vec![16_u8, 56, 64, 128]), prop::bool::ANY)
            .prop_map(|(ipv4_prefix, ipv6_prefix, exact)| Recipe {
                ipv4_prefix,
                ipv6_prefix,
                user_agent: if exact { UserAgentMatch::Exact } else { UserAgentMatch::Family },
            });
    (texts(), texts(), recipe, addresses(), agents()).prop_map(|(issuer, jti, recipe, ip, user_agent)| Case {
        issuer,
        jti,
        recipe,
        ip,
        user_agent,
    })
}

/// A case and one that differs from it in some of its parts.
fn neighbours() -> impl Strategy<Value = (Case, Case)> {
    (cases(), cases(), prop::array::uniform5(prop::bool::weighted(0.3))).prop_map(|(one, drawn, change)| {
        let mut other = one.clone();
        let [issuer, jti, recipe, ip, user_agent] = change;
        if issuer {
            other.issuer = drawn.issuer;
        }
        if jti {
            other.jti = drawn.jti;
        }
        if recipe {
            other.recipe = drawn.recipe;
        }
        if ip {
            other.ip = drawn.ip;
        }
        if user_agent {
            other.user_agent = drawn.user_agent;
        }
        (one, other)
    })
}

/// Every way to write an address that a proxy could forward.
fn spellings(ip: IpAddr, port: u16) -> Vec<String> {
    match ip.to_canonical() {
        IpAddr::V4(v4) => {
            let mapped = v4.to_ipv6_mapped();
            let [.., high, low] = mapped.segments();
            vec![
                v4.to_string(),
                format!("{v4}:{port}"),
                format!("{mapped}"),
                format!("[{mapped}]"),
                format!("[{mapped}]:{port}"),
                format!("::FFFF:{v4}"),
                format!("::ffff:{high:x}:{low:x}"),
                format!("0:0:0:0:0:ffff:{v4}"),
                format!("0000:0000:0000:0000:0000:ffff:{high:04x}:{low:04x}"),
            ]
        }
        IpAddr::V6(v6) => {
            let full = |v6: Ipv6Addr| v6.segments().map(|segment| format!("{segment:04x}")).join(":");
            let plain = v6.segments().map(|segment| format!("{segment:x}")).join(":");
            vec![
                v6.to_string(),
                v6.to_string().to_ascii_uppercase(),
                full(v6),
                full(v6).to_ascii_uppercase(),
                plain.clone(),
                format!("[{v6}]"),
                format!("[{v6}]:{port}"),
                format!("[{plain}]:{port}"),
            ]
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]

    #[test]
    fn two_fingerprints_are_equal_exactly_when_token_recipe_and_client_are((one, other) in neighbours()) {
        prop_assert_eq!(one.claim() == other.claim(), one.meaning() == other.meaning());
    }
}

proptest! {
    #[test]
    fn a_client_is_itself_however_its_address_is_written(ip in addresses(), port in any::<u16>()) {
        // A client at the proxy's own address is followed further to the left and is another row of another table.
        prop_assume!(ip.to_canonical() != IpAddr::V4(Ipv4Addr::LOCALHOST));
        let world = World::new(Signing::Hs256);
        let token = format!("Bearer {}", world.mint_for(ip, Some(USER_AGENT.as_bytes())));
        for spelling in spellings(ip, port) {
            let headers: [(&str, &[u8]); 2] =
                [("authorization", token.as_bytes()), ("x-forwarded-for", spelling.as_bytes())];
            prop_assert_eq!(world.ask(&headers), "ok 200", "{}", spelling);
        }
    }

    #[test]
    fn a_client_at_another_address_is_another_client(minted in addresses(), asking in addresses()) {
        let world = World::new(Signing::Hs256);
        let recipe = world.gate.policy.recipe;
        let network = |ip: IpAddr| Case { issuer: String::new(), jti: String::new(), recipe, ip, user_agent: None }.meaning().network;
        let token = format!("Bearer {}", world.mint_for(minted, Some(USER_AGENT.as_bytes())));
        let asking_text = asking.to_string();
        let headers: [(&str, &[u8]); 2] =
            [("authorization", token.as_bytes()), ("x-forwarded-for", asking_text.as_bytes())];
        let expected = if network(minted) == network(asking) { "ok 200" } else { "client-changed 403" };
        prop_assert_eq!(world.ask(&headers), expected);
    }
}
