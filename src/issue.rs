//! Minting: a token for one user in one hand.
//!
//! Everything that would make a token unusable is refused here, where somebody can mend it, and never when the token
//! comes back: names that cannot stand in a header, claims that are samehand's own, lifetimes over the limit, tokens
//! over the size limit.

use crate::check::fingerprint::{FingerprintKey, FingerprintKeys, KeyedFingerprint, Record, TokenContext};
use crate::check::identifiers::{Revision, SessionId, token_id};
use crate::check::names::{DisplayName, Email, Groups, UserName};
use crate::check::observed::{CookieProof, ObservedClient};
use crate::check::parts::Part;
use crate::check::policy::{Format, Policy};
use crate::check::proofs::SECRET_BYTES;
use crate::check::room;
use crate::check::token::{JKT, X5T_S256, are_readable};
use crate::keys::{Keys, Signer};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use std::fmt;

/// Claims that a minter may not set: samehand sets or understands them itself.
const RESERVED: [&str; 10] = ["iss", "sub", "aud", "iat", "nbf", "exp", "jti", "sid", "cnf", "fingerprint"];
/// The article's name for the user.
const ARTICLE_USER: &str = "userId";

/// Who the token is for, and what it says about them.
#[derive(Clone, Debug)]
pub struct Grant {
    /// The user.
    pub subject: UserName,
    /// Their groups.
    pub groups: Groups,
    /// What they are called.
    pub name: Option<DisplayName>,
    /// Their e-mail address.
    pub email: Option<Email>,
    /// Claims of the minter's own.
    pub claims: Map<String, Value>,
}

impl Grant {
    /// A grant that names the user only.
    #[must_use]
    pub fn of(subject: UserName) -> Self {
        Self { subject, groups: Groups::default(), name: None, email: None, claims: Map::new() }
    }

    /// What an earlier token of the same session said, for a new one: all but what samehand sets itself.
    ///
    /// # Errors
    /// [`MintError::Failed`] when the claims, which were verified, cannot be read.
    pub fn again(subject: UserName, payload: &[u8]) -> Result<Self, MintError> {
        let mut claims: Map<String, Value> =
            serde_json::from_slice(payload).map_err(|error| MintError::Failed(error.to_string()))?;
        claims.retain(|name, _| !RESERVED.contains(&name.as_str()) && name != ARTICLE_USER);
        Self::of(subject).with_claims(claims)
    }

    /// Adds claims of the minter's own; `groups`, `name` and `email` among them replace the user's.
    ///
    /// # Errors
    /// [`MintError`] for a reserved claim, or one of those three that could not be passed on.
    pub fn with_claims(mut self, claims: Map<String, Value>) -> Result<Self, MintError> {
        for (claim, value) in claims {
            let unusable = |problem: String| MintError::ClaimUnusable(claim.clone(), problem);
            match (claim.as_str(), value) {
                (name, _) if RESERVED.contains(&name) || name == ARTICLE_USER => {
                    return Err(MintError::ClaimReserved(claim));
                }
                ("groups", value) => self.groups = read_groups(value).map_err(unusable)?,
                ("name", value) => {
                    let text = value.as_str().ok_or_else(|| unusable("it must be a string".into()))?;
                    self.name = Some(DisplayName::read(text).map_err(|error| unusable(error.to_string()))?);
                }
                ("email", value) => {
                    let text = value.as_str().ok_or_else(|| unusable("it must be a string".into()))?;
                    self.email = Some(Email::read(text).map_err(|error| unusable(error.to_string()))?);
                }
                (_, value) => _ = self.claims.insert(claim, value),
            }
        }
        Ok(self)
    }
}

fn read_groups(value: Value) -> Result<Groups, String> {
    use crate::check::names::GroupName;
    let Value::Array(names) = value else { return Err(r#"it must be an array such as ["staff"]"#.into()) };
    let names: Result<Vec<GroupName>, String> = names
        .iter()
        .map(|name| {
            let text = name.as_str().ok_or("it must hold strings only")?;
            GroupName::enter(text).map_err(|error| error.to_string())
        })
        .collect();
    Groups::new(names?).map_err(|error| error.to_string())
}

/// What a token is issued under.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The store's revision before the user was read: what is revoked later covers the token.
    pub issued_under: Revision,
    /// The session it belongs to, with its end, in seconds since 1970: the token does not outlive it.
    pub session: Option<(SessionId, u64)>,
    /// The fingerprint of an earlier token of the session.
    pub before: Option<KeyedFingerprint>,
    /// How long it lives, in seconds, when somebody asked for a time.
    pub ttl: Option<u64>,
    /// The time, in seconds since 1970.
    pub now: u64,
}

/// A new token.
pub struct Minted {
    /// The token.
    pub token: String,
    /// Seconds until it expires.
    pub expires_in: u64,
    /// Whether it is bound to a key, so that it comes with a proof and the scheme `DPoP`.
    pub needs_proof: bool,
    /// The secret that it is bound to, for the proof cookie.
    pub secret: Option<String>,
}

/// Why a token was not minted.
#[derive(Debug, PartialEq, Eq)]
pub enum MintError {
    /// This claim is samehand's own.
    ClaimReserved(String),
    /// This claim cannot be passed on, for this reason.
    ClaimUnusable(String, String),
    /// This part has to be the same, and the client has not shown it.
    ProofMissing(Part),
    /// The lifetime is zero or over the limit, both in seconds.
    Lifetime(u64, u64),
    /// The token would have this many bytes, more than these.
    TooLarge(usize, usize),
    /// There are more claims, or deeper ones, than are read in a token.
    TooComplex,
    /// The system gives no random bytes, or the library does not sign.
    Failed(String),
}

impl fmt::Display for MintError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClaimReserved(claim) => write!(formatter, "the claim {claim:?} is set by samehand itself"),
            Self::ClaimUnusable(claim, problem) => write!(formatter, "the claim {claim:?} cannot be used: {problem}"),
            Self::ProofMissing(part) => {
                let name = part.built_in_name().unwrap_or("a header of the proxy");
                write!(formatter, "the client has not shown the proof that SAMEHAND_REQUIRE_SAME asks for: {name}")
            }
            Self::Lifetime(asked, limit) => {
                write!(formatter, "a lifetime of {asked} s is outside 1 s to {limit} s (SAMEHAND_SESSION_TTL)")
            }
            Self::TooLarge(bytes, most) => write!(
                formatter,
                "the token would have {bytes} bytes, more than the {most} that are read back and kept as a cookie; give it \
                 fewer or shorter groups and claims"
            ),
            Self::TooComplex => formatter
                .write_str("the token would have more claims, or deeper ones, than are read back; give it fewer"),
            Self::Failed(problem) => formatter.write_str(problem),
        }
    }
}

impl MintError {
    /// Whether it will be the same at the next attempt, until somebody changes what the token says.
    #[must_use]
    pub fn is_lasting(&self) -> bool {
        match self {
            Self::ClaimReserved(_) | Self::ClaimUnusable(..) | Self::TooLarge(..) | Self::TooComplex => true,
            Self::ProofMissing(_) | Self::Lifetime(..) | Self::Failed(_) => false,
        }
    }
}

impl std::error::Error for MintError {}

/// Mints tokens; built once from the settings.
pub struct Minter {
    format: Format,
    signer: Option<Signer>,
    fingerprints: FingerprintKeys,
    /// Lifetime of a token in seconds when nobody asks for another.
    pub token_ttl: u64,
}

impl Minter {
    /// A minter with the signing keys.
    #[must_use]
    pub fn new(policy: &Policy, keys: &Keys, token_ttl: u64) -> Self {
        let format = policy.formats.minted;
        let signer = match format {
            Format::Keyed => keys.signer.clone(),
            Format::Article => keys.article_signer.clone(),
        };
        Self { format, signer, fingerprints: keys.fingerprints.clone(), token_ttl }
    }

    /// The part that has to be the same and that the client has not shown, so that no token can be minted for it.
    #[must_use]
    pub fn unshown(&self, client: &ObservedClient<'_>, policy: &Policy) -> Option<Part> {
        match self.format {
            Format::Keyed => unshown(&Record::of(client, policy), policy),
            Format::Article => None,
        }
    }

    /// Mints a token for this client.
    ///
    /// # Errors
    /// See [`MintError`].
    pub fn mint(
        &self,
        grant: Grant,
        client: &ObservedClient<'_>,
        policy: &Policy,
        terms: &Terms,
    ) -> Result<Minted, MintError> {
        let asked = terms.ttl.unwrap_or(self.token_ttl);
        if asked == 0 || asked > policy.max_lifetime {
            return Err(MintError::Lifetime(asked, policy.max_lifetime));
        }
        let mut claims = grant.claims;
        let (issued_at, secret) = match self.format {
            Format::Keyed => {
                let record = self.keyed_claims(&mut claims, grant.subject, client, policy, terms)?;
                (terms.now, secret_in(&record, client))
            }
            Format::Article => {
                self.article_claims(&mut claims, grant.subject, client)?;
                // It tells seconds only, and a revocation covers its whole second: what is issued after it comes later.
                (terms.now.max(terms.issued_under.seconds() + 1), None)
            }
        };
        let left = terms.session.as_ref().map_or(asked, |(_, ends_at)| ends_at.saturating_sub(issued_at));
        let expires_in = asked.min(left).max(1);
        claims.insert("iat".into(), issued_at.into());
        claims.insert("exp".into(), issued_at.saturating_add(expires_in).into());
        if !grant.groups.is_empty() {
            let groups: Vec<&str> = grant.groups.iter().map(|group| group.as_str()).collect();
            claims.insert("groups".into(), groups.into());
        }
        claims.extend(grant.name.map(|name| ("name".into(), name.as_str().into())));
        claims.extend(grant.email.map(|email| ("email".into(), email.as_str().into())));
        let needs_proof = claims.get("cnf").is_some_and(|cnf| cnf.get(JKT).is_some());
        let token = self.sign(&claims)?;
        let most = room::of_token(policy, terms.before.is_some());
        match token.len() {
            bytes if bytes <= most => Ok(Minted { token, expires_in, needs_proof, secret }),
            bytes => Err(MintError::TooLarge(bytes, most)),
        }
    }

    fn keyed_claims(
        &self,
        claims: &mut Map<String, Value>,
        subject: UserName,
        client: &ObservedClient<'_>,
        policy: &Policy,
        terms: &Terms,
    ) -> Result<Record, MintError> {
        let jti = token_id(terms.issued_under, random()?);
        let session = terms.session.as_ref().map(|(sid, _)| sid.as_str());
        let context = TokenContext { issuer: &policy.issuer, jti: &jti, session };
        let (record, names) = (Record::of(client, policy), &policy.header_parts);
        if let Some(part) = unshown(&record, policy) {
            return Err(MintError::ProofMissing(part));
        }
        let before = terms.before.as_ref();
        let fingerprint = self.fingerprint_key()?.keyed(client, &record, names, context, before);
        claims.insert("iss".into(), policy.issuer.as_str().into());
        claims.extend(policy.audience.as_deref().map(|audience| ("aud".into(), audience.into())));
        claims.insert("sub".into(), subject.as_str().into());
        claims.insert("jti".into(), jti.into());
        claims.extend(terms.session.as_ref().map(|(sid, _)| ("sid".into(), sid.as_str().into())));
        claims.insert("fingerprint".into(), fingerprint.into());
        claims.extend(confirmation(client, &record).map(|cnf| ("cnf".into(), cnf)));
        Ok(record)
    }

    /// An IPv4 client is written plain, never as `::ffff:`.
    fn article_claims(
        &self,
        claims: &mut Map<String, Value>,
        subject: UserName,
        client: &ObservedClient<'_>,
    ) -> Result<(), MintError> {
        let address = client.ip.address().to_string();
        let fingerprint = self.fingerprint_key()?.article(&address, client.user_agent);
        claims.insert(ARTICLE_USER.into(), subject.as_str().into());
        claims.insert("fingerprint".into(), fingerprint.into());
        Ok(())
    }

    fn fingerprint_key(&self) -> Result<&FingerprintKey, MintError> {
        self.fingerprints.current().ok_or_else(awaited)
    }

    fn sign(&self, claims: &Map<String, Value>) -> Result<String, MintError> {
        let payload = serde_json::to_vec(claims).map_err(|error| MintError::Failed(error.to_string()))?;
        if !are_readable(&payload) {
            return Err(MintError::TooComplex);
        }
        let signer = self.signer.as_ref().ok_or_else(awaited)?;
        let mut token = format!("{}.{}", signer.header, URL_SAFE_NO_PAD.encode(payload));
        let signature = signer.sign(&token).map_err(|error| MintError::Failed(error.to_string()))?;
        token.push('.');
        token.push_str(&signature);
        Ok(token)
    }
}

fn unshown(record: &Record, policy: &Policy) -> Option<Part> {
    let shown = record.parts(&policy.header_parts);
    policy.require_same.iter().find(|part| !shown.contains(*part))
}

fn secret_in(record: &Record, client: &ObservedClient<'_>) -> Option<String> {
    match client.proofs.cookie {
        CookieProof::Secret(secret) if record.has_secret() => Some(secret.to_owned()),
        CookieProof::Secret(_) | CookieProof::Session | CookieProof::None => None,
    }
}

/// `cnf`: the key and the certificate that the token is bound to (RFC 7800 section 3.1).
fn confirmation(client: &ObservedClient<'_>, record: &Record) -> Option<Value> {
    let held = record.held_proofs();
    let key = client.proofs.key.filter(|_| held.contains(Part::Dpop)).map(|key| (JKT, key));
    let certificate = client.proofs.certificate.filter(|_| held.contains(Part::Mtls)).map(|shown| (X5T_S256, shown));
    let named = key.into_iter().chain(certificate).map(|(name, print)| (name.to_owned(), print.to_string().into()));
    let members: Map<String, Value> = named.collect();
    (!members.is_empty()).then_some(members.into())
}

fn awaited() -> MintError {
    MintError::Failed("the key ring in the store was not read yet".into())
}

/// Names a new session.
///
/// # Errors
/// [`MintError::Failed`] when the system gives no random bytes.
pub fn new_session_id() -> Result<SessionId, MintError> {
    random().map(SessionId::new)
}

/// Makes a secret for a proof cookie.
///
/// # Errors
/// [`MintError::Failed`] when the system gives no random bytes.
pub fn new_secret() -> Result<String, MintError> {
    random::<SECRET_BYTES>().map(|secret| URL_SAFE_NO_PAD.encode(secret))
}

fn random<const LENGTH: usize>() -> Result<[u8; LENGTH], MintError> {
    let mut random = [0; LENGTH];
    getrandom::fill(&mut random).map_err(|error| MintError::Failed(error.to_string()))?;
    Ok(random)
}
