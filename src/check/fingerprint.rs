//! The parts of a client and their keyed digest, by a versioned recipe.
//!
//! # The keyed fingerprint, version 1
//!
//! ```text
//! LP(x)   = u32_be(length of x) || x
//! K       = HKDF-SHA256(salt = "", ikm = SALT, info = "samehand/fingerprint/v1")              32 bytes (RFC 5869)
//! key id  = base64url(HKDF-SHA256(salt = "", ikm = SALT, info = "samehand/fingerprint-key-id/v1")[0..6])
//! record  = the parts, and the policy that the token was minted under, see crate::check::fingerprint::Record;
//!           for example "!ip:32:64,!user-agent:family"
//! V(ip)              = 0x04 || u8(prefix) || the 4 bytes of the address with the host bits cleared
//!                    | 0x06 || u8(prefix) || the 16 bytes likewise            IPv4-mapped IPv6 is IPv4
//! V(user-agent)      = the bytes of crate::check::user_agent for family or exact
//! V(cookie)          = the 43 characters of the proof cookie's secret
//! V(cookie:session)  = 0x01 when the token itself travels in the session cookie
//! V(dpop), V(mtls)   = the SHA-256 that names the key (RFC 7638) or the certificate (RFC 8705)
//! V(other name)      = 0x01 || the header's bytes without blanks around them | 0x00 when it is absent or empty
//! D(p, s, v) = base64url(HMAC-SHA256(K, LP("samehand/fingerprint/v1/" p) || LP(record) || LP(iss) || LP(s) || v)[0..16])
//! claim   = "v1." key-id "." record "." D("ip4", scope, LP(V)) "." D("ip6", scope, LP(V)) "." D("user-agent", jti, LP(V))
//!              for each further part of the record: "." D(its name, jti, LP(V))
//!              "." D("client", jti, LP(V) of every part of the record)
//! ```
//!
//! `jti` is inside, so a claim cannot be moved to another token and tokens of one client have nothing in common. The
//! record is inside, so a token that was minted under a looser policy shows it. Length prefixes and the domain string
//! leave no two clients with one message. Without `K` the claim discloses nothing; with it, one digest per part names
//! the part that changed without the address being stored. `D("client", …)` is all that an unchanged client costs. A name
//! of the operator's stands in its domain as `header/` and the name.
//!
//! There is one digest per address family, and `-` for a family that the client has not come by yet: a client with both
//! is not another one because the next connection takes the other. These two have the session (`sid`; without one the
//! `jti`) as their scope, so that a renewal takes over what it cannot compute anew.
//!
//! # The article fingerprint
//!
//! Lower-case hex of `SHA-256(salt + address + User-Agent)` exactly as Node computes it from strings, see
//! [`FingerprintKey::article`].

mod message;
mod record;

pub use record::Record;

use self::record::Kind;
use super::observed::ObservedClient;
use super::parts::{HeaderParts, Part, Parts};
use super::user_agent::UserAgent;
use crate::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use subtle::ConstantTimeEq;

const VERSION: &str = "v1";
const KEY_LABEL: &[u8] = b"samehand/fingerprint/v1";
const KEY_ID_LABEL: &[u8] = b"samehand/fingerprint-key-id/v1";
const DOMAIN: &str = "samehand/fingerprint/v1/";
/// 128 bits: far beyond guessing, short enough for a cookie.
const DIGEST_BYTES: usize = 16;
/// In place of the digest of an address family that the client has not come by.
const NO_ADDRESS: &str = "-";

type PartDigest = [u8; DIGEST_BYTES];

/// The `fingerprint` claim of a keyed token, in form only.
#[derive(Clone, Debug)]
pub struct KeyedFingerprint {
    key_id: String,
    record: Record,
    /// By family: IPv4, IPv6.
    addresses: [Option<PartDigest>; 2],
    /// Of every part of the record but the address.
    parts: Vec<PartDigest>,
    client: PartDigest,
}

impl KeyedFingerprint {
    /// Reads `v1.key-id.record.ip4.ip6.user-agent…client`; nothing is compared yet.
    #[must_use]
    pub fn parse(claim: &str) -> Option<Self> {
        let mut fields = claim.split('.');
        if fields.next()? != VERSION {
            return None;
        }
        let key_id = fields.next()?.to_owned();
        let record = Record::parse(fields.next()?)?;
        let addresses = [parse_address(fields.next()?)?, parse_address(fields.next()?)?];
        let others = record.entries().len() - 1;
        let parts: Vec<PartDigest> = fields.by_ref().take(others).map_while(parse_digest).collect();
        let client = parse_digest(fields.next()?)?;
        let is_whole = parts.len() == others && fields.next().is_none() && addresses != [None; 2];
        is_whole.then_some(Self { key_id, record, addresses, parts, client })
    }

    /// Which `SALT` it was made with.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// What it was made of.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// Whether a new one that this key makes of this record takes over the other family's address.
    #[must_use]
    pub fn is_made_alike(&self, key: &FingerprintKey, record: &Record) -> bool {
        self.key_id == key.id && self.record == *record
    }

    /// Whether the client has come by this address's family before, so that a change can be told.
    #[must_use]
    pub fn knows_family_of(&self, address: IpAddr) -> bool {
        self.addresses[family(address)].is_some()
    }
}

fn family(address: IpAddr) -> usize {
    match address {
        IpAddr::V4(_) => 0,
        IpAddr::V6(_) => 1,
    }
}

fn parse_digest(text: &str) -> Option<PartDigest> {
    let mut digest = [0; DIGEST_BYTES];
    let length = URL_SAFE_NO_PAD.decode_slice(text, &mut digest).ok()?;
    (length == DIGEST_BYTES).then_some(digest)
}

fn parse_address(text: &str) -> Option<Option<PartDigest>> {
    if text == NO_ADDRESS { Some(None) } else { parse_digest(text).map(Some) }
}

/// What a fingerprint belongs to; goes into every digest.
#[derive(Clone, Copy, Debug)]
pub struct TokenContext<'a> {
    /// The token's `iss`.
    pub issuer: &'a str,
    /// The token's `jti`.
    pub jti: &'a str,
    /// The token's `sid`, if it has one.
    pub session: Option<&'a str>,
}

/// What one `SALT` makes: the key of keyed fingerprints, and the salt of article fingerprints.
#[derive(Clone)]
pub struct FingerprintKey {
    id: String,
    keyed: Hmac<Sha256>,
    salt: Secret,
}

impl FingerprintKey {
    /// Derives the key from a salt's bytes.
    #[must_use]
    pub fn from_salt(salt: Secret) -> Self {
        // HMAC pads a key with zeros to the block of the hash (RFC 2104 section 2).
        let mut block = [0; 64];
        block[..32].copy_from_slice(&derive::<32>(&salt, KEY_LABEL));
        Self { id: URL_SAFE_NO_PAD.encode(derive::<6>(&salt, KEY_ID_LABEL)), keyed: Hmac::new(&block.into()), salt }
    }

    /// The name of this key in claims.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The `fingerprint` claim of a new keyed token. Of an earlier one of the same session that was made alike, `before`,
    /// it takes over the address of the other family.
    #[must_use]
    pub fn keyed(
        &self,
        client: &ObservedClient<'_>,
        record: &Record,
        names: &HeaderParts,
        context: TokenContext<'_>,
        before: Option<&KeyedFingerprint>,
    ) -> String {
        let digester = Digester { key: self, record, names, context };
        let before = before.filter(|before| before.is_made_alike(self, record));
        let mut addresses = before.map_or([None; 2], |before| before.addresses);
        addresses[family(client.ip.address())] = Some(digester.part(&Kind::Ip, client));
        let mut claim = format!("{VERSION}.{}.{}", self.id, record.as_str());
        let mut push = |field: &str| {
            claim.push('.');
            claim.push_str(field);
        };
        for address in addresses {
            push(&address.map_or_else(|| NO_ADDRESS.to_owned(), |digest| URL_SAFE_NO_PAD.encode(digest)));
        }
        for entry in &record.entries()[1..] {
            push(&URL_SAFE_NO_PAD.encode(digester.part(&entry.kind, client)));
        }
        push(&URL_SAFE_NO_PAD.encode(digester.client(client)));
        claim
    }

    /// The parts of the client that are not what they were when the claim was made. A part that has no name any more is
    /// left out.
    #[must_use]
    pub fn changed(
        &self,
        claim: &KeyedFingerprint,
        client: &ObservedClient<'_>,
        names: &HeaderParts,
        context: TokenContext<'_>,
    ) -> Parts {
        let digester = Digester { key: self, record: &claim.record, names, context };
        if digester.client(client).ct_eq(&claim.client).into() {
            return Parts::NONE;
        }
        let is_same_address = claim.addresses[family(client.ip.address())]
            .is_some_and(|digest| digester.part(&Kind::Ip, client).ct_eq(&digest).into());
        let address = (!is_same_address).then_some(Part::Ip);
        let others = claim.record.entries()[1..].iter().zip(&claim.parts);
        let others = others.filter(|(entry, digest)| !bool::from(digester.part(&entry.kind, client).ct_eq(*digest)));
        let changed: Parts =
            address.into_iter().chain(others.filter_map(|(entry, _)| entry.kind.part(names))).collect();
        // That of the client was made with the address of one family; the other's may have been taken over. A claim that
        // contradicts itself says nothing about any part.
        let is_of_both = claim.addresses.iter().all(Option::is_some);
        if changed.is_empty() && !is_of_both { claim.record.parts(names) } else { changed }
    }

    /// Whether the claim is bound to this secret of a proof cookie.
    #[must_use]
    pub fn has_cookie(&self, claim: &KeyedFingerprint, secret: &str, context: TokenContext<'_>) -> bool {
        let digester = Digester { key: self, record: &claim.record, names: &HeaderParts::default(), context };
        let others = claim.record.entries()[1..].iter().zip(&claim.parts);
        let mut cookies = others.filter(|(entry, _)| entry.kind == Kind::Cookie);
        cookies.any(|(entry, digest)| digester.digest(&entry.kind, None, secret.as_bytes()).ct_eq(digest).into())
    }

    /// The article's fingerprint: SHA-256 over salt, address and `User-Agent` as Node concatenates them. Node reads
    /// each header byte as Latin-1 and writes it as UTF-8; blanks around a header value are trimmed; an absent header
    /// is the text `undefined`.
    #[must_use]
    pub fn article(&self, address: &str, user_agent: UserAgent<'_>) -> String {
        let mut hash = Sha256::new();
        hash.update(self.salt.expose());
        hash.update(address.as_bytes());
        match user_agent.present() {
            Some(bytes) => hash.update(bytes.iter().map(|byte| char::from(*byte)).collect::<String>().as_bytes()),
            None => hash.update(b"undefined"),
        }
        hex::encode(hash.finalize())
    }
}

/// Digests of one claim.
struct Digester<'a> {
    key: &'a FingerprintKey,
    record: &'a Record,
    names: &'a HeaderParts,
    context: TokenContext<'a>,
}

impl Digester<'_> {
    fn client(&self, client: &ObservedClient<'_>) -> PartDigest {
        let mut mac = self.begin(&["client"], self.context.jti);
        let mut value = Vec::with_capacity(64);
        for entry in self.record.entries() {
            value.clear();
            message::append(&mut value, &entry.kind, client, self.record.recipe(), self.names);
            add(&mut mac, std::iter::once(value.as_slice()));
        }
        finish(mac)
    }

    fn part(&self, kind: &Kind, client: &ObservedClient<'_>) -> PartDigest {
        let mut value = Vec::with_capacity(64);
        message::append(&mut value, kind, client, self.record.recipe(), self.names);
        self.digest(kind, Some(client.ip.address()), &value)
    }

    fn digest(&self, kind: &Kind, address: Option<IpAddr>, value: &[u8]) -> PartDigest {
        let jti = self.context.jti;
        let mut mac = match kind {
            Kind::Ip => {
                let name = ["ip4", "ip6"][address.map_or(0, family)];
                self.begin(&[name], self.context.session.unwrap_or(jti))
            }
            Kind::UserAgent => self.begin(&["user-agent"], jti),
            Kind::Cookie => self.begin(&["cookie"], jti),
            Kind::SessionCookie => self.begin(&["cookie:session"], jti),
            Kind::Dpop => self.begin(&["dpop"], jti),
            Kind::Mtls => self.begin(&["mtls"], jti),
            Kind::Header(name) => self.begin(&["header/", name], jti),
        };
        add(&mut mac, std::iter::once(value));
        finish(mac)
    }

    fn begin(&self, name: &[&str], scope: &str) -> Hmac<Sha256> {
        let mut mac = self.key.keyed.clone();
        add(&mut mac, std::iter::once(DOMAIN).chain(name.iter().copied()).map(str::as_bytes));
        for field in [self.record.as_str(), self.context.issuer, scope] {
            add(&mut mac, std::iter::once(field.as_bytes()));
        }
        mac
    }
}

/// One field, which may come in pieces.
fn add<'a>(mac: &mut Hmac<Sha256>, pieces: impl Iterator<Item = &'a [u8]> + Clone) {
    let length: usize = pieces.clone().map(<[u8]>::len).sum();
    // Header fields are bounded by the server's limit on a request head, far below 4 GiB.
    mac.update(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    pieces.for_each(|piece| mac.update(piece));
}

fn finish(mac: Hmac<Sha256>) -> PartDigest {
    let full: [u8; 32] = mac.finalize().into_bytes().into();
    let mut digest = [0; DIGEST_BYTES];
    digest.copy_from_slice(&full[..DIGEST_BYTES]);
    digest
}

fn derive<const LENGTH: usize>(salt: &Secret, label: &[u8]) -> [u8; LENGTH] {
    let mut output = [0; LENGTH];
    // HKDF-SHA256 fails only beyond 255 * 32 bytes of output.
    let fits = Hkdf::<Sha256>::new(None, salt.expose()).expand(label, &mut output);
    debug_assert!(fits.is_ok());
    output
}

/// The keys of all salts: the first makes new fingerprints, all are accepted.
#[derive(Clone)]
pub struct FingerprintKeys(Vec<FingerprintKey>);

impl FingerprintKeys {
    /// The current salt's key, then those still accepted.
    #[must_use]
    pub fn new(keys: impl IntoIterator<Item = FingerprintKey>) -> Self {
        Self(keys.into_iter().collect())
    }

    /// The key for new tokens; nothing while the key ring is awaited.
    #[must_use]
    pub fn current(&self) -> Option<&FingerprintKey> {
        self.0.first()
    }

    /// The key that a claim names.
    #[must_use]
    pub fn by_id(&self, id: &str) -> Option<&FingerprintKey> {
        self.0.iter().find(|key| key.id == id)
    }

    /// Every key, the current one first.
    pub fn iter(&self) -> impl Iterator<Item = &FingerprintKey> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests;
