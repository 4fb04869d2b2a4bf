//! `SECRET`, `SALT`, their predecessors, `STORE_KEY` and `ADMIN_TOKEN`. Never shows a value, not even a part or its digest.

use super::findings::Findings;
use super::raw::Raw;
use super::secret_strength::{Weakness, weakness};
use crate::check::policy::{Format, Formats};
use crate::secret::Secret;

const REMEDY: &str = "write the output of `openssl rand -base64 48`";

/// Least bytes of an HMAC key (RFC 7518, section 3.2) and of a token of the administration side.
const KEY_BYTES: usize = 32;

/// Least bytes of a salt.
const SALT_BYTES: usize = 16;

/// Secrets that are good enough; absent ones are generated or unused.
pub(super) struct Secrets {
    pub(super) admin_token: Option<Secret>,
    pub(super) secret: Option<Secret>,
    pub(super) secret_previous: Option<Secret>,
    pub(super) salt: Option<Secret>,
    pub(super) salt_previous: Option<Secret>,
    pub(super) store_key: Option<Secret>,
}

/// Takes the secrets out of the raw settings and validates them.
pub(super) fn check(raw: &mut Raw, formats: Option<Formats>, findings: &mut Findings) -> Secrets {
    let article = formats.is_some_and(|formats| formats.accept(Format::Article));
    let secrets = Secrets {
        admin_token: raw.admin_token.take(),
        secret: raw.secret.take(),
        secret_previous: raw.secret_previous.take(),
        salt: raw.salt.take(),
        salt_previous: raw.salt_previous.take(),
        store_key: raw.store_key.take(),
    };
    judge("STORE_KEY", secrets.store_key.as_ref(), KEY_BYTES, false, findings);
    judge("ADMIN_TOKEN", secrets.admin_token.as_ref(), KEY_BYTES, false, findings);
    judge("SECRET", secrets.secret.as_ref(), KEY_BYTES, article, findings);
    judge("SECRET_PREVIOUS", secrets.secret_previous.as_ref(), KEY_BYTES, article, findings);
    judge("SALT", secrets.salt.as_ref(), SALT_BYTES, article, findings);
    judge("SALT_PREVIOUS", secrets.salt_previous.as_ref(), SALT_BYTES, article, findings);
    judge_admin_token_spelling(secrets.admin_token.as_ref(), findings);
    compare(&secrets, findings);
    if article {
        for (name, secret) in [("SECRET", &secrets.secret), ("SALT", &secrets.salt)] {
            if secret.is_none() {
                findings.warn(
                    name,
                    "article tokens are shared with another service, but that service cannot know a generated value; \
             set it to the value used there",
                );
            }
        }
    }
    secrets
}

/// With article tokens somebody else chose the secret, so one that is merely short is only warned about.
fn judge(name: &str, secret: Option<&Secret>, minimum: usize, short_only_warns: bool, findings: &mut Findings) {
    let Some(secret) = secret else { return };
    let weakness = weakness(secret.expose(), minimum);
    let Some(message) = describe(weakness, secret.expose().len(), minimum) else {
        if weakness.guessable {
            findings.warn(name, format!("looks put together by a person, and may be guessed; {REMEDY}"));
        }
        warn_of_blanks(name, secret, findings);
        return;
    };
    if short_only_warns && !weakness.repetitive && !weakness.well_known {
        findings.warn(name, message);
    } else {
        findings.problem(name, message);
    }
}

fn describe(weakness: Weakness, length: usize, minimum: usize) -> Option<String> {
    let mut complaints = Vec::new();
    if weakness.well_known {
        complaints.push(String::from("is a well-known value that everybody can look up"));
    }
    if weakness.repetitive {
        complaints.push(String::from("is repetitive and easily guessed"));
    }
    if weakness.short {
        complaints.push(format!("is too short: {length} bytes where at least {minimum} are needed"));
    }
    (!complaints.is_empty()).then(|| format!("{}; {REMEDY}", complaints.join(" and ")))
}

fn warn_of_blanks(name: &str, secret: &Secret, findings: &mut Findings) {
    let bytes = secret.expose();
    if bytes.trim_ascii().len() < bytes.len() {
        findings.warn(name, "the value begins or ends with a blank or a line break, and these count too");
    }
}

/// The token travels in `Authorization: Bearer`, where other bytes cannot be sent reliably.
fn judge_admin_token_spelling(token: Option<&Secret>, findings: &mut Findings) {
    if token.is_some_and(|token| !token.expose().iter().all(u8::is_ascii_graphic)) {
        findings.problem(
            "ADMIN_TOKEN",
            format!("holds a blank or a letter outside ASCII, which a header cannot carry; {REMEDY}"),
        );
    }
}

fn compare(secrets: &Secrets, findings: &mut Findings) {
    let keys = [("SECRET", &secrets.secret), ("SECRET_PREVIOUS", &secrets.secret_previous)];
    let salts = [("SALT", &secrets.salt), ("SALT_PREVIOUS", &secrets.salt_previous)];
    for (salt_name, salt) in salts {
        for (key_name, _) in keys.iter().filter(|(_, key)| equal(salt, key)) {
            findings.problem(salt_name, format!("has the value of SAMEHAND_{key_name}; each needs its own: {REMEDY}"));
        }
    }
    for (name, _) in keys.iter().chain(&salts).filter(|(_, secret)| equal(&secrets.admin_token, secret)) {
        findings.problem("ADMIN_TOKEN", format!("has the value of SAMEHAND_{name}; each needs its own: {REMEDY}"));
    }
    for (name, _) in keys.iter().chain(&salts).filter(|(_, secret)| equal(&secrets.store_key, secret)) {
        findings.problem("STORE_KEY", format!("has the value of SAMEHAND_{name}; each needs its own: {REMEDY}"));
    }
    if equal(&secrets.admin_token, &secrets.store_key) {
        findings.problem("ADMIN_TOKEN", format!("has the value of SAMEHAND_STORE_KEY; each needs its own: {REMEDY}"));
    }
    for [(name, current), (previous_name, previous)] in [keys, salts] {
        if equal(current, previous) {
            findings.warn(
                previous_name,
                format!(
                    "has the value of SAMEHAND_{name}, so nothing was replaced; remove it or change SAMEHAND_{name}"
                ),
            );
        }
    }
}

fn equal(one: &Option<Secret>, other: &Option<Secret>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.equals(other.expose()),
        (Some(_), None) | (None, Some(_)) | (None, None) => false,
    }
}
