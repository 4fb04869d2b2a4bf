//! The key ring: which keys sign, which are still accepted, and where each of them came from.
//!
//! [`assemble`] puts it together from the settings and, for what they leave open, from a [`GeneratedRing`], which
//! [`KeyFile`] keeps in `DATA`, or [`key_store`](crate::key_store) in the store; `check` only ever sees the result. A setting wins over a generated key: with `SAMEHAND_SECRET` set, generated keys are not accepted.

mod file;
mod generated;
pub mod pem;
pub mod sealed;

pub use file::KeyFile;
pub use generated::{GeneratedKey, GeneratedRing, KeyState};

use crate::check::dpop::{NonceKey, NonceKeys};
use crate::check::fingerprint::{FingerprintKey, FingerprintKeys};
use crate::check::key_ring::{ArticleKey, KeyRing, VerifyingKey, algorithm_name};
use crate::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hkdf::Hkdf;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use sha2::Sha256;
use std::fmt;
use std::path::PathBuf;

/// Everything that signs and verifies.
pub struct Keys {
    /// What verifies.
    pub ring: KeyRing,
    /// What makes and compares fingerprints.
    pub fingerprints: FingerprintKeys,
    /// What makes and checks nonces.
    pub nonces: NonceKeys,
    /// What signs new keyed tokens; nothing while the ring is awaited.
    pub signer: Option<Signer>,
    /// What signs new article tokens; likewise.
    pub article_signer: Option<Signer>,
    /// The public keys, for applications that verify tokens themselves.
    pub published: JwkSet,
    /// Every key, for `keys list`.
    pub listed: Vec<ListedKey>,
}

/// A key that signs new tokens.
#[derive(Clone)]
pub struct Signer {
    /// The one algorithm of this key.
    pub algorithm: Algorithm,
    /// The encoded header of its tokens.
    pub header: String,
    key: EncodingKey,
}

impl Signer {
    /// The signature over `message`, in base64url.
    ///
    /// # Errors
    /// When the cryptographic library refuses; a key that was loaded has signed before.
    pub fn sign(&self, message: &str) -> Result<String, jsonwebtoken::errors::Error> {
        jsonwebtoken::crypto::sign(message.as_bytes(), &self.key, self.algorithm)
    }
}

/// One line of `keys list`.
pub struct ListedKey {
    /// The key's name in tokens.
    pub kid: String,
    /// `alg` of its tokens.
    pub algorithm: String,
    /// Its part in the ring.
    pub state: KeyState,
    /// The setting it comes from, or nothing for a generated one.
    pub setting: Option<&'static str>,
    /// When it was made, if that is known, in seconds since 1970.
    pub created: Option<u64>,
    /// From when on no token of an old key can be valid any more, if that is known.
    pub safe_to_retire: Option<u64>,
}

/// Whether a missing key file is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Made at this time, in seconds since 1970: `serve`, `token mint`.
    Create(u64),
    /// An error: every other command.
    Refuse,
}

/// Why there is no key ring.
#[derive(Debug)]
pub enum KeysError {
    /// There is no key file at this path.
    Absent(PathBuf),
    /// The file or directory cannot be used.
    Unusable(PathBuf, String),
    /// This key cannot be retired, for this reason.
    NotRetirable(String, String),
    /// The ring in the store cannot be used, for this reason.
    Sealed(String),
    /// The system gives no random bytes.
    NoRandomness(String),
}

impl fmt::Display for KeysError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent(path) => write!(
                formatter,
                "there are no keys at {}; start the service once, or point SAMEHAND_DATA at its directory",
                path.display()
            ),
            Self::Unusable(path, problem) => write!(formatter, "{} cannot be used: {problem}", path.display()),
            Self::NotRetirable(kid, why) => write!(formatter, "key {kid} cannot be retired: {why}"),
            Self::Sealed(problem) => write!(formatter, "the key ring in the store cannot be used: {problem}"),
            Self::NoRandomness(problem) => write!(formatter, "the system gives no random bytes: {problem}"),
        }
    }
}

impl std::error::Error for KeysError {}

/// What the settings say about keys.
pub struct KeySettings {
    /// Directory of the key file.
    pub data: PathBuf,
    /// What the ring in the store is encrypted with; the ring is in the file where there is none.
    pub store_key: Option<Secret>,
    /// HMAC signing key, when set.
    pub secret: Option<Secret>,
    /// Still accepted, never used for new tokens.
    pub secret_previous: Option<Secret>,
    /// Secret of the fingerprint, when set.
    pub salt: Option<Secret>,
    /// Still accepted, never used for new tokens.
    pub salt_previous: Option<Secret>,
    /// Keys of `SIGNING_KEY_FILE`; the first signs.
    pub signing_keys: Vec<pem::PemKey>,
    /// Whether article tokens are accepted, which an HMAC key signs whatever signs the others.
    pub accept_article: bool,
    /// Longest lifetime of any token, in seconds: so long an old key is needed.
    pub max_lifetime: u64,
}

impl KeySettings {
    /// Whether they leave a secret open, so that a generated ring is needed.
    #[must_use]
    pub fn need_ring(&self) -> bool {
        self.salt.is_none() || self.need_generated_secret()
    }

    /// Whether that ring is the key file.
    #[must_use]
    pub fn need_file(&self) -> bool {
        self.need_ring() && self.store_key.is_none()
    }

    /// What the ring in the store is encrypted with, if that ring is needed.
    #[must_use]
    pub fn ring_in_store(&self) -> Option<&Secret> {
        self.store_key.as_ref().filter(|_| self.need_ring())
    }

    /// Generated HMAC keys are accepted exactly where one has to sign, whatever else the file is read for.
    fn need_generated_secret(&self) -> bool {
        self.secret.is_none() && (self.signing_keys.is_empty() || self.accept_article)
    }
}

/// Puts the ring together with the one in the key file, if that is needed.
///
/// # Errors
/// [`KeysError`] when the key file is needed and cannot be had.
pub fn load(settings: &KeySettings, missing: Missing) -> Result<Keys, KeysError> {
    let ring = match (settings.need_file(), missing) {
        (false, _) => None,
        (true, Missing::Create(now)) => Some(KeyFile::open_or_create(&settings.data, now)?),
        (true, Missing::Refuse) => Some(KeyFile::open(&settings.data)?),
    };
    Ok(assemble(settings, ring.as_ref()))
}

/// The ring that is put into a store which has none: the one of the key file where that is in use already, so that its
/// tokens stay good; else a new one, made at `now`, in seconds since 1970.
///
/// # Errors
/// [`KeysError`].
pub fn first_ring(settings: &KeySettings, now: u64) -> Result<GeneratedRing, KeysError> {
    match KeyFile::open(&settings.data) {
        Err(KeysError::Absent(_)) => GeneratedRing::new(now),
        outcome => outcome,
    }
}

/// Puts the ring together. Without a generated ring where one is needed, it is awaited: nothing can be signed, and of a
/// token cannot be said whether it is one of ours.
#[must_use]
pub fn assemble(settings: &KeySettings, generated: Option<&GeneratedRing>) -> Keys {
    let mut ring = Assembly::new(settings.max_lifetime);
    for key in &settings.signing_keys {
        ring.pem(key);
    }
    if let Some(secret) = &settings.secret {
        ring.hmac(secret, KeyState::Active, Some("SAMEHAND_SECRET"), None);
    } else if let Some(generated) = generated.filter(|_| settings.need_generated_secret()) {
        for key in generated.keys() {
            ring.hmac(&key.secret(), key.state, None, Some(key));
        }
    }
    if let Some(previous) = &settings.secret_previous {
        ring.hmac(previous, KeyState::Old, Some("SAMEHAND_SECRET_PREVIOUS"), None);
    }
    let is_awaited = settings.need_ring() && generated.is_none();
    let salt = settings.salt.clone().or_else(|| generated.map(GeneratedRing::salt));
    let salts: Vec<Secret> = salt.into_iter().chain(settings.salt_previous.clone()).collect();
    let signer = ring.signer.or_else(|| ring.article_signer.clone()).filter(|_| !is_awaited);
    let article_signer = ring.article_signer.filter(|_| !is_awaited).map(Signer::for_article);
    Keys {
        ring: if is_awaited { KeyRing::awaited() } else { KeyRing::new(ring.keyed, ring.article) },
        nonces: NonceKeys::new(salts.iter().map(NonceKey::from_salt)),
        fingerprints: FingerprintKeys::new(salts.into_iter().map(FingerprintKey::from_salt)),
        signer,
        article_signer,
        published: JwkSet { keys: settings.signing_keys.iter().map(|key| key.jwk.clone()).collect() },
        listed: ring.listed,
    }
}

impl Signer {
    /// The same key with the article's header, which has no `kid`.
    fn for_article(self) -> Self {
        Self { header: URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#), ..self }
    }
}

/// The ring while it is put together.
struct Assembly {
    max_lifetime: u64,
    keyed: Vec<VerifyingKey>,
    article: Vec<ArticleKey>,
    signer: Option<Signer>,
    article_signer: Option<Signer>,
    listed: Vec<ListedKey>,
}

impl Assembly {
    fn new(max_lifetime: u64) -> Self {
        let (keyed, article, listed) = (Vec::new(), Vec::new(), Vec::new());
        Self { max_lifetime, keyed, article, signer: None, article_signer: None, listed }
    }

    /// The first private key signs, the others are accepted.
    fn pem(&mut self, key: &pem::PemKey) {
        let verifying = VerifyingKey::new(key.kid().to_owned(), key.algorithm, key.verifying.clone());
        let mut state = KeyState::Old;
        if let (None, Some(signing)) = (&self.signer, &key.signing) {
            state = KeyState::Active;
            let header = verifying.header().to_owned();
            self.signer = Some(Signer { algorithm: key.algorithm, header, key: signing.clone() });
        }
        self.list(&verifying, state, Some("SAMEHAND_SIGNING_KEY_FILE"), None);
        self.keyed.push(verifying);
    }

    fn hmac(
        &mut self,
        secret: &Secret,
        state: KeyState,
        setting: Option<&'static str>,
        generated: Option<&GeneratedKey>,
    ) {
        let key = DecodingKey::from_secret(secret.expose());
        let verifying = VerifyingKey::new(hmac_kid(secret), Algorithm::HS256, key);
        if state == KeyState::Active {
            let header = verifying.header().to_owned();
            let key = EncodingKey::from_secret(secret.expose());
            self.article_signer = Some(Signer { algorithm: Algorithm::HS256, header, key });
        }
        // A private key of SIGNING_KEY_FILE signs in place of the secret, which is then only accepted.
        let state = if self.signer.is_some() { KeyState::Old } else { state };
        self.list(&verifying, state, setting, generated);
        self.article.push(ArticleKey::new(secret.expose()));
        self.keyed.push(verifying);
    }

    fn list(
        &mut self,
        key: &VerifyingKey,
        state: KeyState,
        setting: Option<&'static str>,
        generated: Option<&GeneratedKey>,
    ) {
        self.listed.push(ListedKey {
            kid: key.kid().to_owned(),
            algorithm: algorithm_name(key.algorithm()),
            state,
            setting,
            created: generated.map(|key| key.created),
            safe_to_retire: generated.and_then(|key| key.replaced).map(|at| at.saturating_add(self.max_lifetime)),
        });
    }
}

/// The name of an HS256 key in tokens: derived from the key, so that two replicas with one secret agree, and telling
/// nothing about it.
fn hmac_kid(secret: &Secret) -> String {
    let mut name = [0; 6];
    // HKDF-SHA256 fails only beyond 255 * 32 bytes of output.
    let fits = Hkdf::<Sha256>::new(None, secret.expose()).expand(b"samehand/key-id/v1", &mut name);
    debug_assert!(fits.is_ok());
    URL_SAFE_NO_PAD.encode(name)
}
