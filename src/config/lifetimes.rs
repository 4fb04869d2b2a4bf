//! `TOKEN_TTL`, `SESSION_TTL`, `SESSION_IDLE`, `AUDIT_TTL`: how long tokens, sessions and entries of the audit trail live, in seconds from here on.

use super::duration::seconds;
use super::findings::Findings;
use super::raw::Raw;
use super::settings::DEFAULT_TOKEN_TTL;

/// A year; whoever writes more has mistaken a unit.
const LONGEST_SESSION: u64 = 365 * 24 * 60 * 60;

/// When a session was last used is noted every few seconds; a shorter limit would end sessions in use.
const SHORTEST_IDLE: u64 = 10;

/// An audit trail of less than a day is forgotten before anybody looks at it.
const SHORTEST_AUDIT: u64 = 24 * 60 * 60;

/// Ten years.
const LONGEST_AUDIT: u64 = 3650 * 24 * 60 * 60;

/// Lifetimes in seconds.
pub(super) struct Lifetimes {
    pub(super) token: u64,
    pub(super) session: u64,
    pub(super) idle: Option<u64>,
    pub(super) audit: u64,
}

/// Validates the settings of this file.
pub(super) fn check(raw: &Raw, findings: &mut Findings) -> Option<Lifetimes> {
    let session = findings.keep("SESSION_TTL", session(&raw.session_ttl));
    let token = findings.keep("TOKEN_TTL", token(&raw.token_ttl));
    let idle = findings.keep("SESSION_IDLE", raw.session_idle.as_deref().map(idle).transpose());
    let audit = findings.keep("AUDIT_TTL", audit(&raw.audit_ttl));
    let mut lifetimes = Lifetimes { token: token?, session: session?, idle: idle?, audit: audit? };
    if lifetimes.token > lifetimes.session && raw.token_ttl == DEFAULT_TOKEN_TTL {
        // A shorter SESSION_TTL would else need two settings.
        findings.warn("TOKEN_TTL", format!("tokens live {} as sessions do, not {DEFAULT_TOKEN_TTL}", raw.session_ttl));
        lifetimes.token = lifetimes.session;
    } else if lifetimes.token > lifetimes.session {
        let message = format!(
            "{} is longer than SAMEHAND_SESSION_TTL={}; write at most {}",
            raw.token_ttl, raw.session_ttl, raw.session_ttl
        );
        findings.problem("TOKEN_TTL", message);
    }
    Some(lifetimes)
}

fn session(text: &str) -> Result<u64, String> {
    let seconds = seconds(text)?;
    if (1..=LONGEST_SESSION).contains(&seconds) {
        Ok(seconds)
    } else {
        Err(format!("`{text}` does not fit; write from 1s to 365d"))
    }
}

fn idle(text: &str) -> Result<u64, String> {
    let seconds = seconds(text)?;
    if (SHORTEST_IDLE..=LONGEST_SESSION).contains(&seconds) {
        Ok(seconds)
    } else {
        Err(format!("`{text}` does not fit; write from 10s to 365d"))
    }
}

fn audit(text: &str) -> Result<u64, String> {
    let seconds = seconds(text)?;
    if (SHORTEST_AUDIT..=LONGEST_AUDIT).contains(&seconds) {
        Ok(seconds)
    } else {
        Err(format!("`{text}` does not fit; write from 1d to 3650d"))
    }
}

fn token(text: &str) -> Result<u64, String> {
    let seconds = seconds(text)?;
    if seconds > 0 { Ok(seconds) } else { Err(String::from("a token must live; write at least 1s")) }
}
