//! What was found out about tokens before, so that it need not be found out again: given to the decision by whoever asks
//! it, one for each thread, and so without a lock.
//!
//! Two things are remembered, and both hold for one [`Edition`] of keys and policy only; with the next one all is
//! forgotten, so that a retired key or a stricter policy counts at once.
//!
//! - What a token says that verified, by its whole text, which is compared byte for byte: a token that differs in one
//!   byte is another token. With it the client that was found to be the right one, by everything about it that goes into
//!   a fingerprint, compared in full likewise.
//! - Of tokens with a signature that is dear to verify, a keyed digest of the whole text. These are small, and many.
//!
//! Never remembered is what may change from one request to the next: whether the token has expired or was taken back,
//! whether its client and its proofs are the right ones, and that something was refused. Each is asked every time.
//!
//! Both are bounded: the newest and the next older generation are kept, and whatever is asked for again is new again.

use super::observed::{CookieProof, ObservedClient, Proofs};
use super::parts::{HeaderParts, Parts};
use super::thumbprint::Thumbprint;
use super::token::Content;
use foldhash::fast::RandomState;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash};
use std::net::IpAddr;
use std::sync::Arc;
use subtle::ConstantTimeEq;

/// Tokens of one generation; one takes some 1.5 KB.
const TOKENS: usize = 1024;
/// Digests of one generation: as many as a table of 65,536 places holds before it grows, in some 1.2 MB.
const SIGNATURES: usize = 65_536 / 8 * 7;
/// A client whose `User-Agent` and opaque parts are together longer is compared by its digest.
const MOST_OF_A_CLIENT: usize = 1024;

/// One state of keys and policy; only its clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Edition(Arc<()>);

impl Edition {
    /// As long as one of them is held, no other one is the same.
    fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// See the [module](self).
#[derive(Default)]
pub struct Memory {
    edition: Edition,
    tokens: Generations<u128, Known, TOKENS>,
    signatures: Signatures,
}

struct Known {
    content: Arc<Content>,
    client: Option<RightClient>,
}

impl Memory {
    /// Forgets everything unless it was found out under these keys and this policy.
    pub(super) fn enter(&mut self, edition: &Edition) {
        if !self.edition.is(edition) {
            *self = Self { edition: edition.clone(), ..Self::default() };
        }
    }

    /// What a token says that verified before.
    pub(super) fn content(&mut self, token: &[u8]) -> Option<Arc<Content>> {
        let known = self.tokens.get(&end_of(token)?)?;
        (known.content.text().as_bytes() == token).then(|| Arc::clone(&known.content))
    }

    /// Remembers a token that verified.
    pub(super) fn remember(&mut self, content: Arc<Content>) {
        if let Some(end) = end_of(content.text().as_bytes()) {
            self.tokens.insert(end, Known { content, client: None });
        }
    }

    /// The parts in which this client was found to differ when it was let pass with this token, all of them watched and not
    /// required; nothing for a client that is not the last one in every respect.
    pub(super) fn changed(
        &mut self,
        content: &Arc<Content>,
        client: &ObservedClient<'_>,
        names: &HeaderParts,
    ) -> Option<Parts> {
        let right = self.known(content)?.client.as_ref()?;
        right.is(client, names).then_some(right.changed)
    }

    /// Remembers that this client was let pass with this token.
    pub(super) fn let_pass(
        &mut self,
        content: &Arc<Content>,
        client: &ObservedClient<'_>,
        names: &HeaderParts,
        changed: Parts,
    ) {
        if let Some(known) = self.known(content) {
            known.client = RightClient::new(client, names, changed);
        }
    }

    /// Tokens with dear signatures that verified.
    pub(super) fn signatures(&mut self) -> &mut Signatures {
        &mut self.signatures
    }

    fn known(&mut self, content: &Arc<Content>) -> Option<&mut Known> {
        let known = self.tokens.get(&end_of(content.text().as_bytes())?)?;
        Arc::ptr_eq(&known.content, content).then_some(known)
    }
}

/// The last bytes, which are of the signature: evenly spread, and guessed by nobody.
fn end_of(token: &[u8]) -> Option<u128> {
    token.last_chunk().map(|end| u128::from_le_bytes(*end))
}

/// A client that was let pass.
struct RightClient {
    address: IpAddr,
    user_agent: Option<Box<[u8]>>,
    cookie: Cookie,
    key: Option<Thumbprint>,
    certificate: Option<Thumbprint>,
    /// Of every opaque part.
    opaque: Box<[Option<Box<[u8]>>]>,
    changed: Parts,
}

#[derive(PartialEq, Eq)]
enum Cookie {
    None,
    Session,
    Secret(Box<str>),
}

impl RightClient {
    /// Nothing for a client that takes too much room.
    fn new(client: &ObservedClient<'_>, names: &HeaderParts, changed: Parts) -> Option<Self> {
        // Whatever a client shows has to stand here: a part that were left out could change unnoticed.
        let ObservedClient { ip, user_agent, proofs: Proofs { cookie, key, certificate, proxy_headers: _ } } = *client;
        let length = |value: Option<&[u8]>| value.map_or(0, <[u8]>::len);
        let room = length(user_agent.present()) + opaque(client, names).map(length).sum::<usize>();
        let cookie = match cookie {
            CookieProof::None => Cookie::None,
            CookieProof::Session => Cookie::Session,
            CookieProof::Secret(secret) => Cookie::Secret(secret.into()),
        };
        (room <= MOST_OF_A_CLIENT).then(|| Self {
            address: ip.address(),
            user_agent: user_agent.present().map(Box::from),
            cookie,
            key,
            certificate,
            opaque: opaque(client, names).map(|value| value.map(Box::from)).collect(),
            changed,
        })
    }

    fn is(&self, client: &ObservedClient<'_>, names: &HeaderParts) -> bool {
        let ObservedClient { ip, user_agent, proofs: Proofs { cookie, key, certificate, proxy_headers: _ } } = *client;
        let is_cookie = match (&self.cookie, cookie) {
            (Cookie::None, CookieProof::None) | (Cookie::Session, CookieProof::Session) => true,
            (Cookie::Secret(own), CookieProof::Secret(shown)) => own.as_bytes().ct_eq(shown.as_bytes()).into(),
            (
                Cookie::None | Cookie::Session | Cookie::Secret(_),
                CookieProof::None | CookieProof::Session | CookieProof::Secret(_),
            ) => false,
        };
        is_cookie
            && self.address == ip.address()
            && self.user_agent.as_deref() == user_agent.present()
            && self.key == key
            && self.certificate == certificate
            && self.opaque.iter().map(Option::as_deref).eq(opaque(client, names))
    }
}

/// The bytes of every opaque part, as they go into a fingerprint.
fn opaque<'a>(client: &ObservedClient<'a>, names: &'a HeaderParts) -> impl Iterator<Item = Option<&'a [u8]>> {
    let headers = client.proofs.proxy_headers;
    names.iter().map(move |(_, part)| headers?.get(&part.header).map(|value| value.as_bytes()))
}

/// Which tokens with a signature that is dear to verify did verify.
pub(super) struct Signatures {
    verified: Generations<u128, (), SIGNATURES>,
    key: [u8; 16],
}

impl Default for Signatures {
    fn default() -> Self {
        // Random, and told nobody: what has the digest of another token cannot be looked for.
        let random = std::hash::RandomState::new();
        let mut key = [0; 16];
        key[..8].copy_from_slice(&random.hash_one(0).to_be_bytes());
        key[8..].copy_from_slice(&random.hash_one(1).to_be_bytes());
        Self { verified: Generations::default(), key }
    }
}

impl Signatures {
    /// Whether the signature of this token holds, as `verify` says unless it is known.
    pub(super) fn hold(&mut self, token: &[u8], verify: impl FnOnce() -> bool) -> bool {
        let digest = Sha256::new().chain_update(self.key).chain_update(token).finalize();
        let digest = digest.iter().take(16).fold(0, |number, byte| number << 8 | u128::from(*byte));
        if self.verified.get(&digest).is_some() {
            return true;
        }
        let holds = verify();
        if holds {
            self.verified.insert(digest, ());
        }
        holds
    }
}

/// A map that keeps at least the `MOST` entries that were used last, and at most twice as many.
struct Generations<Key, Value, const MOST: usize> {
    new: HashMap<Key, Value, RandomState>,
    old: HashMap<Key, Value, RandomState>,
}

impl<Key, Value, const MOST: usize> Default for Generations<Key, Value, MOST> {
    fn default() -> Self {
        Self { new: HashMap::default(), old: HashMap::default() }
    }
}

impl<Key: Copy + Eq + Hash, Value, const MOST: usize> Generations<Key, Value, MOST> {
    fn get(&mut self, key: &Key) -> Option<&mut Value> {
        if !self.new.contains_key(key) {
            let value = self.old.remove(key)?;
            self.insert(*key, value);
        }
        self.new.get_mut(key)
    }

    fn insert(&mut self, key: Key, value: Value) {
        if self.new.len() >= MOST {
            self.old = std::mem::take(&mut self.new);
        }
        self.new.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::client_ip::ClientIp;
    use crate::check::parts::HeaderPart;
    use crate::check::user_agent::UserAgent;
    use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

    #[test]
    fn a_client_is_the_same_in_everything_that_it_shows_or_not_at_all() {
        let header = |name| HeaderPart { name: format!("part-{name}"), header: HeaderName::from_static(name) };
        let names = HeaderParts::new(vec![header("x-one"), header("x-two")]).unwrap();
        let headers = |one: &'static str, two: Option<&'static str>| {
            let mut map = HeaderMap::new();
            map.insert(HeaderName::from_static("x-one"), HeaderValue::from_static(one));
            two.map(|two| map.insert(HeaderName::from_static("x-two"), HeaderValue::from_static(two)));
            map
        };
        let (own, other_one, other_two) = (headers("1", None), headers("2", None), headers("1", Some("")));
        let thumbprint = |text: &[u8]| Some(Thumbprint::of(text));
        let (ip, agent) = ("192.0.2.1".parse().unwrap(), Some(&b"curl/8"[..]));
        let client = |ip, agent| ObservedClient::new(ClientIp::vouched(ip), UserAgent::from_bytes(agent));
        let secret = CookieProof::Secret("the secret of a proof cookie");
        let proofs =
            Proofs { cookie: secret, key: thumbprint(b"k"), certificate: thumbprint(b"c"), proxy_headers: Some(&own) };
        let right = RightClient::new(&client(ip, agent).with_proofs(proofs), &names, Parts::NONE).unwrap();
        assert!(right.is(&client(ip, agent).with_proofs(proofs), &names));
        for (what, other) in [
            ("address", client("192.0.2.2".parse().unwrap(), agent).with_proofs(proofs)),
            ("family", client("2001:db8::1".parse().unwrap(), agent).with_proofs(proofs)),
            ("agent", client(ip, Some(b"curl/9")).with_proofs(proofs)),
            ("empty agent", client(ip, Some(b"")).with_proofs(proofs)),
            ("no agent", client(ip, None).with_proofs(proofs)),
            ("no proofs", client(ip, agent)),
            ("cookie", client(ip, agent).with_proofs(Proofs { cookie: CookieProof::Secret("another"), ..proofs })),
            ("cookie", client(ip, agent).with_proofs(Proofs { cookie: CookieProof::Session, ..proofs })),
            ("no cookie", client(ip, agent).with_proofs(Proofs { cookie: CookieProof::None, ..proofs })),
            ("key", client(ip, agent).with_proofs(Proofs { key: thumbprint(b"x"), ..proofs })),
            ("no key", client(ip, agent).with_proofs(Proofs { key: None, ..proofs })),
            ("certificate", client(ip, agent).with_proofs(Proofs { certificate: thumbprint(b"x"), ..proofs })),
            ("no certificate", client(ip, agent).with_proofs(Proofs { certificate: None, ..proofs })),
            ("first header", client(ip, agent).with_proofs(Proofs { proxy_headers: Some(&other_one), ..proofs })),
            ("second header", client(ip, agent).with_proofs(Proofs { proxy_headers: Some(&other_two), ..proofs })),
            ("no headers", client(ip, agent).with_proofs(Proofs { proxy_headers: None, ..proofs })),
        ] {
            assert!(!right.is(&other, &names), "{what}");
        }
        let long = vec![b'a'; MOST_OF_A_CLIENT + 1];
        assert!(RightClient::new(&client(ip, Some(&long)), &names, Parts::NONE).is_none(), "it would take much room");
    }

    #[test]
    fn what_is_used_stays_and_what_is_not_goes() {
        let mut generations = Generations::<usize, (), 10>::default();
        for number in 0..1000 {
            generations.insert(number, ());
            assert!(generations.get(&0).is_some(), "after {number}");
            assert!(generations.new.len() + generations.old.len() <= 20);
        }
        assert!(generations.get(&999).is_some() && generations.get(&500).is_none());
    }

    #[test]
    fn a_signature_is_asked_about_once_and_by_the_whole_token() {
        let mut signatures = Signatures::default();
        assert!(!signatures.hold(b"a.b.c", || false));
        assert!(signatures.hold(b"a.b.c", || true), "a refusal is not remembered");
        assert!(signatures.hold(b"a.b.c", || unreachable!()));
        assert!(!signatures.hold(b"a.b.d", || false));
        assert!(!Signatures::default().hold(b"a.b.c", || false));
    }
}
