//! The parts of a client and their keyed digest, by a versioned recipe.
//!
//! # The keyed fingerprint, version 1
//!
//! ```text
//! LP(x)   = u32_be(length of x) || x
//! K       = HKDF-SHA256(salt = "", ikm = SALT, info = "samehand/fingerprint/v1")              32 bytes (RFC 5869)
//! key id  = base64url(HKDF-SHA256(salt = "", ikm = SALT, info = "samehand/fingerprint-key-id/v1")[0..6])
//! recipe  = "<IPv4 prefix>-<IPv6 prefix>-<family|exact>", for example "32-64-family"
//! address = 0x04 || u8(prefix) || the 4 bytes of the address with the host bits cleared
//!         | 0x06 || u8(prefix) || the 16 bytes likewise                       IPv4-mapped IPv6 is IPv4
//! agent   = the bytes of crate::check::user_agent for family or exact
//! D(p, v) = base64url(HMAC-SHA256(K, LP("samehand/fingerprint/v1/" p) || LP(recipe) || LP(iss) || LP(jti) || v)[0..16])
//! claim   = "v1." key-id "." recipe "." D("ip", LP(address)) "." D("user-agent", LP(agent))
//!              "." D("client", LP(address) || LP(agent))
//! ```
//!
//! `jti` is inside, so a claim cannot be moved to another token and two tokens of one client have nothing in common.
//! The recipe is inside, so a token that was minted under a looser one shows it. Length prefixes and the domain string
//! leave no two clients with one message. Without `K` the claim discloses nothing; with it, one digest per part names
//! the part that changed without the address being stored. `D("client", …)` is all that an unchanged client costs.
//!
//! # The article fingerprint
//!
//! Lower-case hex of `SHA-256(salt + address + User-Agent)` exactly as Node computes it from strings, see
//! [`FingerprintKey::article`].

use super::client_ip::ClientIp;
use super::policy::{Part, Parts, Recipe, UserAgentMatch};
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
const CLIENT_DOMAIN: &str = "samehand/fingerprint/v1/client";
/// 128 bits: far beyond guessing, short enough for a cookie.
const DIGEST_BYTES: usize = 16;

/// The client as samehand sees it.
#[derive(Clone, Copy, Debug)]
pub struct ObservedClient<'a> {
    /// The derived address.
    pub ip: ClientIp,
    /// The one `User-Agent`, or its absence.
    pub user_agent: UserAgent<'a>,
}

type PartDigest = [u8; DIGEST_BYTES];

/// The `fingerprint` claim of a keyed token, in form only.
#[derive(Debug)]
pub struct KeyedFingerprint {
    key_id: String,
    recipe: Recipe,
    parts: [PartDigest; Part::ALL.len()],
    client: PartDigest,
}

impl KeyedFingerprint {
    /// Reads `v1.key-id.recipe.ip.user-agent.client`; nothing is compared yet.
    #[must_use]
    pub fn parse(claim: &str) -> Option<Self> {
        let mut fields = claim.split('.');
        if fields.next()? != VERSION {
            return None;
        }
        let parsed = Self {
            key_id: fields.next()?.to_owned(),
            recipe: parse_recipe(fields.next()?)?,
            parts: [parse_digest(fields.next()?)?, parse_digest(fields.next()?)?],
            client: parse_digest(fields.next()?)?,
        };
        fields.next().is_none().then_some(parsed)
    }

    /// Which `SALT` it was made with.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// How precisely the client is described.
    #[must_use]
    pub fn recipe(&self) -> Recipe {
        self.recipe
    }
}

fn parse_digest(text: &str) -> Option<PartDigest> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

fn parse_recipe(text: &str) -> Option<Recipe> {
    let mut fields = text.splitn(3, '-');
    let recipe = Recipe {
        ipv4_prefix: fields.next()?.parse().ok().filter(|bits| *bits <= 32)?,
        ipv6_prefix: fields.next()?.parse().ok().filter(|bits| *bits <= 128)?,
        user_agent: match fields.next()? {
            "family" => UserAgentMatch::Family,
            "exact" => UserAgentMatch::Exact,
            _ => return None,
        },
    };
    // One spelling only: no "+32", no "032".
    (recipe_text(recipe) == text).then_some(recipe)
}

fn recipe_text(recipe: Recipe) -> String {
    let user_agent = match recipe.user_agent {
        UserAgentMatch::Family => "family",
        UserAgentMatch::Exact => "exact",
    };
    format!("{}-{}-{user_agent}", recipe.ipv4_prefix, recipe.ipv6_prefix)
}

/// What a fingerprint belongs to; goes into every digest.
#[derive(Clone, Copy, Debug)]
pub struct TokenContext<'a> {
    /// The token's `iss`.
    pub issuer: &'a str,
    /// The token's `jti`.
    pub jti: &'a str,
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

    /// The `fingerprint` claim of a new keyed token.
    #[must_use]
    pub fn keyed(&self, client: &ObservedClient<'_>, recipe: Recipe, context: TokenContext<'_>) -> String {
        let message = ClientMessage::new(client, recipe);
        let digest = |digest: PartDigest| URL_SAFE_NO_PAD.encode(digest);
        format!(
            "{VERSION}.{}.{}.{}.{}.{}",
            self.id,
            recipe_text(recipe),
            digest(self.part_digest(Part::Ip, &message, context)),
            digest(self.part_digest(Part::UserAgent, &message, context)),
            digest(self.client_digest(&message, context)),
        )
    }

    /// The parts of the client that are not what they were when the claim was made.
    #[must_use]
    pub fn changed(&self, claim: &KeyedFingerprint, client: &ObservedClient<'_>, context: TokenContext<'_>) -> Parts {
        let message = ClientMessage::new(client, claim.recipe);
        if self.client_digest(&message, context).ct_eq(&claim.client).into() {
            return Parts::NONE;
        }
        let differs = |part: &Part| {
            let digest = self.part_digest(*part, &message, context);
            !bool::from(digest.ct_eq(&claim.parts[*part as usize]))
        };
        let changed: Parts = Part::ALL.into_iter().filter(differs).collect();
        // A claim that contradicts itself says nothing about any part.
        if changed.is_empty() { Part::ALL.into_iter().collect() } else { changed }
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

    fn client_digest(&self, message: &ClientMessage, context: TokenContext<'_>) -> PartDigest {
        self.digest(CLIENT_DOMAIN, message, context, &[&message.address, &message.user_agent])
    }

    fn part_digest(&self, part: Part, message: &ClientMessage, context: TokenContext<'_>) -> PartDigest {
        let (domain, value) = match part {
            Part::Ip => ("samehand/fingerprint/v1/ip", &message.address),
            Part::UserAgent => ("samehand/fingerprint/v1/user-agent", &message.user_agent),
        };
        self.digest(domain, message, context, &[value])
    }

    fn digest(
        &self,
        domain: &str,
        message: &ClientMessage,
        context: TokenContext<'_>,
        values: &[&Vec<u8>],
    ) -> PartDigest {
        let mut mac = self.keyed.clone();
        let fields = [domain, &message.recipe, context.issuer, context.jti];
        for field in fields.iter().map(|text| text.as_bytes()).chain(values.iter().map(|value| value.as_slice())) {
            // Header fields are bounded by the server's limit on a request head, far below 4 GiB.
            mac.update(&u32::try_from(field.len()).unwrap_or(u32::MAX).to_be_bytes());
            mac.update(field);
        }
        let full: [u8; 32] = mac.finalize().into_bytes().into();
        let mut digest = [0; DIGEST_BYTES];
        digest.copy_from_slice(&full[..DIGEST_BYTES]);
        digest
    }
}

fn derive<const LENGTH: usize>(salt: &Secret, label: &[u8]) -> [u8; LENGTH] {
    let mut output = [0; LENGTH];
    // HKDF-SHA256 fails only beyond 255 * 32 bytes of output.
    let fits = Hkdf::<Sha256>::new(None, salt.expose()).expand(label, &mut output);
    debug_assert!(fits.is_ok());
    output
}

/// The client in the form that is digested.
#[derive(Debug, PartialEq, Eq)]
pub struct ClientMessage {
    recipe: String,
    address: Vec<u8>,
    user_agent: Vec<u8>,
}

impl ClientMessage {
    /// Describes a client as precisely as the recipe says.
    #[must_use]
    pub fn new(client: &ObservedClient<'_>, recipe: Recipe) -> Self {
        let mut user_agent = Vec::with_capacity(64);
        match recipe.user_agent {
            UserAgentMatch::Family => client.user_agent.family(&mut user_agent),
            UserAgentMatch::Exact => client.user_agent.exact(&mut user_agent),
        }
        Self { recipe: recipe_text(recipe), address: address_bytes(client.ip.address(), recipe), user_agent }
    }
}

fn address_bytes(address: IpAddr, recipe: Recipe) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(18);
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(recipe.ipv4_prefix)).unwrap_or(0);
            bytes.extend([4, recipe.ipv4_prefix]);
            bytes.extend((v4.to_bits() & mask).to_be_bytes());
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(recipe.ipv6_prefix)).unwrap_or(0);
            bytes.extend([6, recipe.ipv6_prefix]);
            bytes.extend((v6.to_bits() & mask).to_be_bytes());
        }
    }
    bytes
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
