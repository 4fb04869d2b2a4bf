//! `SIGNING_KEY_FILE` and `ALGORITHM`. Reads the file; what stands in it is judged by [`crate::keys::pem`].

use super::choices::one_of;
use super::findings::Findings;
use super::raw::Raw;
use super::value_file;
use crate::keys::pem::{self, PemKey};
use jsonwebtoken::Algorithm;
use std::path::Path;

const KEY_FILE: &str = "SIGNING_KEY_FILE";
const ALGORITHM: &str = "ALGORITHM";

const ALGORITHMS: [(&str, Algorithm); 5] = [
    ("HS256", Algorithm::HS256),
    ("ES256", Algorithm::ES256),
    ("EdDSA", Algorithm::EdDSA),
    ("RS256", Algorithm::RS256),
    ("PS256", Algorithm::PS256),
];

/// The keys of the file, none without one; the first signs.
pub(super) fn check(raw: &Raw, findings: &mut Findings) -> Option<Vec<PemKey>> {
    let algorithm = match &raw.algorithm {
        Some(text) => Some(findings.keep(ALGORITHM, one_of(text, &ALGORITHMS))?),
        None => None,
    };
    let hmac = algorithm.is_none_or(|algorithm| algorithm == Algorithm::HS256);
    match &raw.signing_key_file {
        None if hmac => Some(Vec::new()),
        None => {
            findings.problem(
                ALGORITHM,
                "this algorithm needs a private key; set SAMEHAND_SIGNING_KEY_FILE, or write HS256",
            );
            None
        }
        Some(_) if algorithm == Some(Algorithm::HS256) => {
            let message =
                "HS256 signs with SAMEHAND_SECRET, but SAMEHAND_SIGNING_KEY_FILE is set; remove one of the two";
            findings.problem(ALGORITHM, message);
            None
        }
        Some(path) => read(Path::new(path), algorithm, findings),
    }
}

/// The name of the algorithm that signs.
pub(super) fn algorithm_in_use(keys: &[PemKey]) -> &'static str {
    let algorithm = keys.first().map_or(Algorithm::HS256, |key| key.algorithm);
    ALGORITHMS.into_iter().find(|(_, known)| *known == algorithm).map_or("", |(name, _)| name)
}

fn read(path: &Path, algorithm: Option<Algorithm>, findings: &mut Findings) -> Option<Vec<PemKey>> {
    let file = findings.keep(KEY_FILE, value_file::read(path))?;
    if file.open_to_others {
        findings.warn(KEY_FILE, value_file::openness_warning(path));
    }
    let keys = pem::read(&file.content, algorithm).map_err(|error| format!("{}: {error}", path.display()));
    findings.keep(KEY_FILE, keys)
}
