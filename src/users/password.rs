//! Hashes of passwords: argon2id is written, argon2id and bcrypt are read.
//!
//! Verifying takes tens of milliseconds and megabytes on purpose. A server does it through [`crate::users::hasher`],
//! never on a worker.

use super::rules::{LONGEST, NewPassword};
use crate::store::StoredPassword;
use argon2::password_hash::phc;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use std::fmt;
use subtle::ConstantTimeEq;

/// Memory of one hash in KiB; OWASP's minimum for argon2id, like the two below.
const MEMORY: u32 = 19_456;
/// Passes over the memory.
const PASSES: u32 = 2;
/// Lanes of the memory.
const LANES: u32 = 1;
/// Room for at least so many blocks is asked for: 33 MiB, of which only what a hash uses takes memory. glibc asks the system
/// for each piece of more than 32 MiB, and gives it back when it is freed. Smaller ones it keeps after the first, for the
/// thread that freed them: 19 MiB for each of the arenas in which hashes were ever computed.
const MAPPED: usize = 33 * 1024 * 1024 / Block::SIZE;
const SALT_LENGTH: usize = 16;
const OUTPUT_LENGTH: usize = 32;

/// What a hash from elsewhere may cost, because everybody who can reach the sign-in page can cause that cost:
/// 256 MiB, 1 GiB written in all passes together, and about a second of bcrypt.
const MOST_MEMORY: u32 = 262_144;
const MOST_WORK: u64 = 1_048_576;
const MOST_LANES: u32 = 16;
const HIGHEST_BCRYPT_COST: u32 = 14;
const LOWEST_BCRYPT_COST: u32 = 4;
/// bcrypt does not see what stands behind the 72nd byte of a password.
const BCRYPT_SEES: usize = 72;

/// The hash of a password, of a kind and a cost that samehand accepts. Has no `Debug` and no `Display`.
#[derive(Clone)]
pub struct PasswordHash {
    text: String,
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    Argon2id { parameters: Params, salt: phc::Salt, output: phc::Output },
    Bcrypt { cost: u32 },
}

impl PasswordHash {
    /// Reads an argon2id PHC string, or a bcrypt hash as `htpasswd -B` writes it.
    pub fn read(text: &str) -> Result<Self, HashError> {
        let kind = if text.starts_with("$2a$") || text.starts_with("$2b$") || text.starts_with("$2y$") {
            read_bcrypt(text)?
        } else if text.starts_with("$argon2id$") {
            read_argon2id(text)?
        } else {
            return Err(HashError::OtherKind);
        };
        Ok(Self { text: text.to_owned(), kind })
    }

    /// Hashes a new password with argon2id and a salt of its own.
    pub fn of(password: &NewPassword) -> Result<Self, HashingFailed> {
        Self::of_bytes(password.expose())
    }

    /// Another hash of a password that was just verified, when this one is bcrypt, weaker than what is written now, or of
    /// another spelling than the prepared one. Nothing is returned where the password may be longer than what this hash saw
    /// of it.
    pub fn renewed(&self, verified: &[u8], prepared: &[u8]) -> Option<Result<Self, HashingFailed>> {
        let outdated = match &self.kind {
            Kind::Argon2id { parameters, salt, output } => {
                parameters.m_cost() < MEMORY
                    || parameters.t_cost() < PASSES
                    || salt.len() < SALT_LENGTH
                    || output.len() < OUTPUT_LENGTH
                    || verified != prepared
            }
            Kind::Bcrypt { .. } => verified.len() <= BCRYPT_SEES,
        };
        (outdated && prepared.len() <= LONGEST).then(|| Self::of_bytes(prepared))
    }

    /// Whether this is the hash of the password. Takes the same time whatever the password is; one that is empty or
    /// longer than any password can be set never matches.
    #[must_use]
    pub fn verify(&self, password: &[u8]) -> bool {
        let acceptable = (1..=LONGEST).contains(&password.len());
        let hashed = if acceptable { password } else { &[] };
        acceptable & self.matches(hashed)
    }

    /// A hash that costs as much to verify as those of this scheme, and matches no password anybody knows.
    pub fn decoy(scheme: &str) -> Result<Self, HashError> {
        let rest = if scheme.starts_with("$argon2id$") {
            "ZGVjb3kgb2Ygc2FtZWhhbmQ$ZGVjb3kgb2Ygc2FtZWhhbmQsIG5vIHBhc3N3b3JkLi4"
        } else {
            "DecoyOfSamehandNoPassuwordHasEverBeenHashedToThisTex."
        };
        Self::read(&format!("{scheme}{rest}"))
    }

    /// The algorithm and its parameters, as they stand at the beginning of a hash.
    #[must_use]
    pub fn scheme(&self) -> String {
        match &self.kind {
            Kind::Argon2id { parameters, .. } => argon2id_scheme(parameters),
            // `2a`, `2b` and `2y` name the same algorithm.
            Kind::Bcrypt { cost } => format!("$2b${cost:02}$"),
        }
    }

    /// The scheme of the hashes that are written now.
    #[must_use]
    pub fn current_scheme() -> String {
        format!("$argon2id$v=19$m={MEMORY},t={PASSES},p={LANES}$")
    }

    /// The hash as text: a secret, in that passwords can be tried against it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What the store keeps of it.
    #[must_use]
    pub fn stored(&self) -> StoredPassword {
        StoredPassword::new(self.text.clone(), self.scheme())
    }

    fn of_bytes(password: &[u8]) -> Result<Self, HashingFailed> {
        let mut salt = [0; SALT_LENGTH];
        getrandom::fill(&mut salt).map_err(|_| HashingFailed)?;
        let parameters = Params::new(MEMORY, PASSES, LANES, Some(OUTPUT_LENGTH)).map_err(|_| HashingFailed)?;
        let mut output = [0; OUTPUT_LENGTH];
        hash_into(&parameters, password, &salt, &mut output)?;
        let salt = phc::Salt::new(&salt).map_err(|_| HashingFailed)?;
        let output = phc::Output::new(&output).map_err(|_| HashingFailed)?;
        let text = format!("{}{salt}${output}", argon2id_scheme(&parameters));
        Ok(Self { text, kind: Kind::Argon2id { parameters, salt, output } })
    }

    /// A failure to compute, such as no memory, is no match.
    fn matches(&self, password: &[u8]) -> bool {
        match &self.kind {
            Kind::Argon2id { parameters, salt, output } => {
                let mut computed = [0; phc::Output::MAX_LENGTH];
                let computed = &mut computed[..output.len()];
                let hashed = hash_into(parameters, password, salt, computed);
                hashed.is_ok() & bool::from(computed.ct_eq(output.as_bytes()))
            }
            // bcrypt repeats the password with a zero byte after it: `a` and `a\0a` have one hash.
            Kind::Bcrypt { .. } => {
                let verified = bcrypt::verify(password, &self.text);
                matches!(verified, Ok(true)) & !password.contains(&0)
            }
        }
    }
}

/// Computes argon2id in memory that goes back to the system as soon as the hash is done.
fn hash_into(parameters: &Params, password: &[u8], salt: &[u8], output: &mut [u8]) -> Result<(), HashingFailed> {
    let argon2id = Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters.clone());
    let blocks = parameters.block_count();
    let mut memory: Vec<Block> = Vec::new();
    memory.try_reserve_exact(blocks.max(MAPPED)).map_err(|_| HashingFailed)?;
    memory.resize(blocks, Block::new());
    argon2id.hash_password_into_with_memory(password, salt, output, &mut memory).map_err(|_| HashingFailed)
}

fn argon2id_scheme(parameters: &Params) -> String {
    let (memory, passes, lanes) = (parameters.m_cost(), parameters.t_cost(), parameters.p_cost());
    format!("$argon2id$v=19$m={memory},t={passes},p={lanes}$")
}

fn read_bcrypt(text: &str) -> Result<Kind, HashError> {
    let parts: bcrypt::HashParts = text.parse().map_err(|_| HashError::Unreadable("bcrypt"))?;
    let cost = parts.get_cost();
    if !(LOWEST_BCRYPT_COST..=HIGHEST_BCRYPT_COST).contains(&cost) {
        return Err(HashError::Cost);
    }
    Ok(Kind::Bcrypt { cost })
}

fn read_argon2id(text: &str) -> Result<Kind, HashError> {
    const UNREADABLE: HashError = HashError::Unreadable("argon2id");
    let hash = phc::PasswordHash::new(text).map_err(|_| UNREADABLE)?;
    let parameter = |name: &str| hash.params.get_decimal(name).ok_or(UNREADABLE);
    let (memory, passes, lanes) = (parameter("m")?, parameter("t")?, parameter("p")?);
    let (Some(salt), Some(output)) = (hash.salt, hash.hash) else {
        return Err(UNREADABLE);
    };
    // Neither a key nor associated data, nor the version of 2015.
    if hash.version != Some(u32::from(Version::V0x13)) || hash.params.iter().count() != 3 {
        return Err(UNREADABLE);
    }
    if memory > MOST_MEMORY || lanes > MOST_LANES || u64::from(memory) * u64::from(passes) > MOST_WORK {
        return Err(HashError::Cost);
    }
    if salt.len() < argon2::MIN_SALT_LEN || output.len() < SALT_LENGTH {
        return Err(UNREADABLE);
    }
    let parameters = Params::new(memory, passes, lanes, Some(output.len())).map_err(|_| UNREADABLE)?;
    Ok(Kind::Argon2id { parameters, salt, output })
}

/// Why a text is not a hash that samehand accepts. Never shows the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashError {
    /// Neither argon2id nor bcrypt.
    OtherKind,
    /// It begins like a hash of the named kind and is not one.
    Unreadable(&'static str),
    /// Verifying it would cost more than a sign-in may, or so little that it protects nothing.
    Cost,
}

impl fmt::Display for HashError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherKind => formatter.write_str(
                "it is neither an argon2id hash ($argon2id$...) nor a bcrypt hash ($2y$..., $2b$..., $2a$...)",
            ),
            Self::Unreadable(kind) => {
                write!(formatter, "it begins like a hash of {kind}, but is not a whole and valid one")
            }
            Self::Cost => write!(
                formatter,
                "its cost is out of bounds: argon2id may use up to m={MOST_MEMORY}, p={MOST_LANES} and \
                 m*t={MOST_WORK}, bcrypt a cost of {LOWEST_BCRYPT_COST} to {HIGHEST_BCRYPT_COST}"
            ),
        }
    }
}

impl std::error::Error for HashError {}

/// The system gave neither random bytes nor the memory for a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashingFailed;

impl fmt::Display for HashingFailed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the password could not be hashed: it takes {} MiB of memory and random bytes", MEMORY / 1024)
    }
}

impl std::error::Error for HashingFailed {}

#[cfg(test)]
mod tests;
