//! What the rows are put to: keys, a policy and a client, and the question a proxy would ask about them.
#![expect(clippy::unwrap_used, reason = "a world that cannot be built fails its tests")]

use super::craft::Draft;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use jsonwebtoken::Algorithm;
use samehand::check::client_ip::{ClientIp, Peer};
use samehand::check::fingerprint::{Record, TokenContext};
use samehand::check::forwarded::Proxy;
use samehand::check::identifiers::Revision;
use samehand::check::key_ring::algorithm_name;
use samehand::check::memory::Memory;
use samehand::check::names::UserName;
use samehand::check::observed::ObservedClient;
use samehand::check::policy::{Policy, Recipe};
use samehand::check::revocation::{Knowledge, RevocationSet};
use samehand::check::user_agent::UserAgent;
use samehand::check::{Gate, Judgement, Moment, Question, decide, decide_remembering};
use samehand::config::{self, Config};
use samehand::http::status_of;
use samehand::issue::{Grant, Minter, Terms};
use samehand::keys::{Keys, Missing, load};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::SystemTime;

/// The time of every decision: when the tests began, so that a running service agrees.
#[expect(clippy::disallowed_methods, reason = "this is no part of the service, which has one clock of its own")]
pub(crate) static NOW: LazyLock<u64> =
    LazyLock::new(|| SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs());
/// Longest accepted lifetime, by default: 30 days.
pub(crate) const MAX_LIFETIME: u64 = 2_592_000;
pub(crate) const SECRET: &str = "q7Zr2nXw9LkT4vBs8HdFy6GmJc3PaE1u";
pub(crate) const SALT: &str = "m5Vt8YhRk2QwXz7N";
pub(crate) const COOKIE: &str = "__Secure-samehand";
pub(crate) const CLIENT: &str = "192.0.2.7";
pub(crate) const USER_AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";

/// How keyed tokens are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signing {
    Hs256,
    Es256,
    EdDsa,
    Rs256,
    Ps256,
}

impl Signing {
    pub(crate) const ALL: [Self; 5] = [Self::Hs256, Self::Es256, Self::EdDsa, Self::Rs256, Self::Ps256];

    pub(crate) fn algorithm(self) -> Algorithm {
        match self {
            Self::Hs256 => Algorithm::HS256,
            Self::Es256 => Algorithm::ES256,
            Self::EdDsa => Algorithm::EdDSA,
            Self::Rs256 => Algorithm::RS256,
            Self::Ps256 => Algorithm::PS256,
        }
    }

    /// The beginning of the names of the key files; HS256 has none.
    pub(crate) fn file(self) -> Option<&'static str> {
        match self {
            Self::Hs256 => None,
            Self::Es256 => Some("p256"),
            Self::EdDsa => Some("ed25519"),
            Self::Rs256 | Self::Ps256 => Some("rsa"),
        }
    }
}

/// Reads a key from `tests/data/keys`.
pub(crate) fn key_file(name: &str) -> Vec<u8> {
    std::fs::read(key_path(name)).unwrap()
}

fn key_path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/keys").join(name)
}

/// An installation of samehand.
pub(crate) struct World {
    pub(crate) signing: Signing,
    /// Whether it has the usual settings and signs with the secret, as the running service of the tests does.
    pub(crate) is_usual: bool,
    pub(crate) gate: Gate,
    pub(crate) keys: Keys,
    memory: RefCell<Memory>,
    minter: Minter,
}

/// The settings that rows are measured against, with changes; everything else is the default.
pub(crate) fn settings(signing: Signing, changes: &[(&str, &str)]) -> Config {
    let algorithm = algorithm_name(signing.algorithm());
    let key_file = signing.file().map(|file| key_path(&format!("{file}-ours.pem")).display().to_string());
    let mut settings: BTreeMap<&str, &str> =
        BTreeMap::from([("SALT", SALT), ("COOKIE_NAME", COOKIE), ("DATA", "nowhere")]);
    match &key_file {
        None => settings.extend([("SECRET", SECRET)]),
        Some(file) => settings.extend([("SIGNING_KEY_FILE", file.as_str()), ("ALGORITHM", &algorithm)]),
    }
    settings.extend(changes.iter().copied());
    let environment = settings.iter().map(|(name, value)| (format!("SAMEHAND_{name}").into(), (*value).into()));
    // The defaults, so that no file of this machine is read.
    let defaults = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/recipes/default.toml"));
    config::load(Some(defaults), environment).unwrap()
}

impl World {
    /// The usual settings.
    pub(crate) fn new(signing: Signing) -> Self {
        Self::with(signing, &[])
    }

    /// Changed settings; an empty value unsets one.
    pub(crate) fn with(signing: Signing, changes: &[(&str, &str)]) -> Self {
        let config = settings(signing, changes);
        let keys = load(&config.keys, Missing::Create(*NOW)).unwrap();
        let (ring, fingerprints, nonces) = (keys.ring.clone(), keys.fingerprints.clone(), keys.nonces.clone());
        let gate = Gate::new(config.policy.clone(), ring, fingerprints, nonces);
        let minter = Minter::new(&gate.policy, &keys, config.token_ttl);
        let is_usual = signing == Signing::Hs256 && changes.is_empty();
        Self { signing, is_usual, gate, keys, memory: RefCell::default(), minter }
    }

    /// A good token for the usual client.
    pub(crate) fn mint(&self) -> String {
        self.mint_for(CLIENT.parse().unwrap(), Some(USER_AGENT.as_bytes()))
    }

    /// A good token for another client.
    pub(crate) fn mint_for(&self, ip: IpAddr, user_agent: Option<&[u8]>) -> String {
        let client = observed(ip, user_agent);
        let grant = Grant::of(UserName::enter("alice").unwrap());
        let terms = Terms { issued_under: Revision::NONE, session: None, before: None, ttl: None, now: *NOW };
        self.minter.mint(grant, &client, &self.gate.policy, &terms).unwrap().token
    }

    /// The parts of a good token, to be spoilt.
    pub(crate) fn draft(&self) -> Draft {
        Draft::of(&self.mint())
    }

    /// The name of the key that signs.
    pub(crate) fn kid(&self) -> &str {
        &self.keys.listed[0].kid
    }

    /// A fingerprint of the usual client as precise as asked for.
    pub(crate) fn fingerprint(&self, recipe: Recipe, jti: &str) -> String {
        let client = observed(CLIENT.parse().unwrap(), Some(USER_AGENT.as_bytes()));
        let policy = Policy { recipe, ..self.gate.policy.clone() };
        let context = TokenContext { issuer: &policy.issuer, jti, session: None };
        let (key, record) = (self.keys.fingerprints.current().unwrap(), Record::of(&client, &policy));
        key.keyed(&client, &record, &policy.header_parts, context, None)
    }

    /// The reason and the status for an API client with these headers, as a trusted proxy would ask: the same whatever was
    /// asked before, and remembered.
    pub(crate) fn ask(&self, headers: &[(&str, &[u8])]) -> String {
        let mut map = HeaderMap::new();
        for (name, value) in asked(headers) {
            map.append(HeaderName::try_from(name).unwrap(), HeaderValue::from_bytes(value).unwrap());
        }
        let (proxy, peer) = (Proxy::Nginx, Peer::Tcp(Ipv4Addr::LOCALHOST.into()));
        let moment = Moment { now: *NOW, revocations: Knowledge { set: &RevocationSet::default(), is_stale: false } };
        let question = Question { proxy, peer, headers: &map };
        let in_words = |judgement: &Judgement<'_>| {
            format!("{} {}", judgement.reason.name(), status_of(proxy, judgement, None).as_u16())
        };
        let found = in_words(&decide(&question, &self.gate, moment).danger_first_use());
        let mut memory = self.memory.borrow_mut();
        for time in 1..4 {
            let judgement = decide_remembering(&question, &self.gate, moment, &mut memory).danger_first_use();
            assert_eq!(in_words(&judgement), found, "with what is remembered, the {time}. time: {headers:?}");
        }
        found
    }

    /// The same for one token in `Authorization`.
    pub(crate) fn ask_with(&self, token: &str) -> String {
        self.ask(&[("authorization", format!("Bearer {token}").as_bytes())])
    }
}

/// The headers of a question. One given here replaces the usual one of its name.
pub(crate) fn asked<'a>(headers: &'a [(&'a str, &'a [u8])]) -> impl Iterator<Item = (&'a str, &'a [u8])> {
    let usual: [(&str, &[u8]); 6] = [
        ("x-forwarded-for", CLIENT.as_bytes()),
        ("x-forwarded-method", b"GET"),
        ("x-forwarded-proto", b"https"),
        ("x-forwarded-host", b"app.example.com"),
        ("x-forwarded-uri", b"/orders?page=2"),
        ("user-agent", USER_AGENT.as_bytes()),
    ];
    let given = |name: &str| headers.iter().any(|(given, _)| *given == name);
    usual.into_iter().filter(move |(name, _)| !given(name)).chain(headers.iter().copied())
}

/// A client.
pub(crate) fn observed(ip: IpAddr, user_agent: Option<&[u8]>) -> ObservedClient<'_> {
    ObservedClient::new(ClientIp::vouched(ip), UserAgent::from_bytes(user_agent))
}
