//! Does the caller hold the key that the token was given to? DPoP proofs, RFC 9449: no clock, no store, no answer.
//!
//! A proof is a JWT that the caller signs for one request, with the public key inside. The twelve checks of RFC 9449
//! section 4.3, and where each is made:
//!
//! | # | check | where |
//! |---|---|---|
//! | 1 | one `DPoP` header line | [`Proof::read`] |
//! | 2, 3 | one well-formed JWT with every required claim | [`proof`] |
//! | 4, 5 | `typ` is `dpop+jwt`, `alg` is asymmetric and accepted | [`proof`] |
//! | 6 | the signature holds under the embedded key | [`proof`] |
//! | 7 | the key is public, and of a kind that may be given to a library at all | `jwk` |
//! | 8, 9 | `htm` and `htu` are those of the request | [`proof`], [`url`] |
//! | 10 | `nonce` is one of ours | [`nonce`] |
//! | 11 | `iat` is not long ago | [`proof`] |
//! | 12 | `ath` is the digest of the token, and the key is the one that the token names | [`proof`], and `cnf.jkt` with the binding |
//!
//! That a proof is used once (section 11.1) is what only a memory can say, so what comes out of here is no permission yet.

mod jwk;
pub mod nonce;
pub mod proof;
mod target;
pub mod url;

pub use nonce::{Nonce, NonceKey, NonceKeys};
pub use proof::{Address, Expected, Flaw, NonceRule, Proof, ProofError, ReplayId, VerifiedProof};
pub use target::{Place, Target};
pub use url::HttpUrl;

/// The algorithms of proofs, as `algs` of a challenge lists them (RFC 9449 section 7.1).
pub const ALGORITHMS: &str = "ES256 EdDSA RS256 PS256";

#[cfg(test)]
mod tests;
