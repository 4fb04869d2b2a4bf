//! How large tokens may be, and whether what is kept of a user fits into each token that will be made of it.
//!
//! A browser keeps a cookie whose name and value have 4,096 bytes together, and drops a longer one without a word (RFC 6265
//! section 6.1). So a user has to fit whatever the token says besides: with the longest signature that there is, both kinds of
//! address, and every proof. Nothing is signed or looked up here.

use super::names::{DisplayName, Email, Groups, UserName};
use super::policy::Policy;
use super::token::{JKT, MAX_TOKEN, X5T_S256};
use serde_json::json;
use std::fmt;

/// Most that browsers keep of a cookie, name and value together, in bytes.
const MAX_COOKIE: usize = 4096;
/// RS256 and PS256 with the longest key that is accepted, in base64url.
const LONGEST_SIGNATURE: usize = (4096_usize / 8 * 4).div_ceil(3);
/// A token that is renewed says more than the first one: the other kind of address, a proof that was shown later. So much is
/// left for it, in bytes.
const GROWTH: usize = 192;
/// What has to be left for users, in bytes: the longest name, e-mail address and display name, and some groups.
const LEAST: usize = 1024;

/// Most bytes of a token. A renewed one may have them all.
#[must_use]
pub fn of_token(policy: &Policy, is_renewed: bool) -> usize {
    let most = match policy.token_from.cookie {
        true => MAX_TOKEN.min(MAX_COOKIE.saturating_sub(policy.cookie_name.len() + "=".len())),
        false => MAX_TOKEN,
    };
    if is_renewed { most } else { most.saturating_sub(GROWTH) }
}

/// Room for what is kept of a user, in bytes of JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room(usize);

impl Room {
    /// What the settings leave.
    #[must_use]
    pub fn under(policy: &Policy) -> Self {
        let header = json!({ "alg": "RS256", "kid": letters(43), "typ": "samehand+jwt" }).to_string();
        let around = base64url(header.len()) + "..".len() + LONGEST_SIGNATURE;
        let payload = of_token(policy, true).saturating_sub(around) / 4 * 3;
        Self(payload.saturating_sub(others(policy)))
    }

    /// Whether the settings leave so much that nobody is locked out for a long name.
    ///
    /// # Errors
    /// What to shorten.
    pub fn is_enough(self) -> Result<(), String> {
        let Self(bytes) = self;
        if bytes >= LEAST {
            return Ok(());
        }
        Err(format!(
            "the issuer, SAMEHAND_AUDIENCE, SAMEHAND_COOKIE_NAME and SAMEHAND_HEADER_PARTS leave {bytes} bytes of a token for \
             users; at least {LEAST} are needed, because a cookie has at most {MAX_COOKIE} bytes with its name. Write shorter ones"
        ))
    }

    /// Whether a user fits.
    ///
    /// # Errors
    /// [`TooMuch`].
    pub fn fits(
        self,
        user: &UserName,
        groups: &Groups,
        name: Option<&DisplayName>,
        email: Option<&Email>,
    ) -> Result<(), TooMuch> {
        let groups: Vec<&str> = groups.iter().map(|group| group.as_str()).collect();
        let said = json!({
            "sub": user.as_str(), "groups": groups, "name": name.map(DisplayName::as_str), "email": email.map(Email::as_str),
        });
        let bytes = said.to_string().len();
        if bytes <= self.0 { Ok(()) } else { Err(TooMuch { bytes, room: self.0 }) }
    }
}

/// What else the largest payload says, in bytes.
fn others(policy: &Policy) -> usize {
    let named = policy.require_same.union(policy.watch);
    let parts: Vec<&str> = policy
        .header_parts
        .iter()
        .filter(|(part, _)| named.contains(*part))
        .map(|(_, part)| part.name.as_str())
        .collect();
    let names: usize = parts.iter().map(|name| ",!".len() + name.len()).sum();
    let record = "!ip:32:128,!user-agent:family,!cookie:session,!dpop,!mtls".len() + names;
    // Both addresses, the browser, three proofs, each further part, and the client.
    let digests = (7 + parts.len()) * (".".len() + 22);
    let fingerprint = letters("v1.".len() + 8 + ".".len() + record + digests);
    let seconds = 99_999_999_999_u64;
    let claims = json!({
        "iss": policy.issuer, "aud": policy.audience, "iat": seconds, "exp": seconds, "jti": letters(32), "sid": letters(22),
        "fingerprint": fingerprint, "cnf": { JKT: letters(43), X5T_S256: letters(43) },
    });
    claims.to_string().len()
}

fn letters(count: usize) -> String {
    "x".repeat(count)
}

fn base64url(bytes: usize) -> usize {
    (bytes * 4).div_ceil(3)
}

/// What is kept of a user does not fit into a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMuch {
    bytes: usize,
    room: usize,
}

impl fmt::Display for TooMuch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bytes, room } = self;
        write!(
            formatter,
            "name, groups, display name and e-mail address take {bytes} bytes in a token, and {room} fit, because a browser \
             keeps a cookie of at most {MAX_COOKIE} bytes; use fewer groups or shorter names"
        )
    }
}

impl std::error::Error for TooMuch {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::names::GroupName;
    use crate::check::policy::tests::usual;

    #[test]
    fn the_longest_names_fit_beside_some_groups_under_the_defaults() {
        let room = Room::under(&usual());
        let groups = |count: usize| {
            Groups::new((0..count).map(|number| GroupName::enter(&format!("group-{number:03}")).unwrap()))
        };
        let user = UserName::enter(&"u".repeat(64)).unwrap();
        let name = DisplayName::read(&"\u{1f98a}".repeat(128)).unwrap();
        let email = Email::read(&format!("{}@example.com", "e".repeat(242))).unwrap();
        let fits = |count| room.fits(&user, &groups(count).unwrap(), Some(&name), Some(&email));
        assert_eq!(fits(60), Ok(()));
        let refused = fits(160).unwrap_err().to_string();
        assert!(refused.contains("fewer groups") && refused.contains("4096"), "{refused}");
    }

    #[test]
    fn settings_that_leave_too_little_are_told_so() {
        assert_eq!(Room::under(&usual()).is_enough(), Ok(()));
        let long = Policy { audience: Some("a".repeat(1500)), ..usual() };
        assert!(Room::under(&long).is_enough().unwrap_err().contains("SAMEHAND_AUDIENCE"));
        let long = Policy { cookie_name: "c".repeat(5000), ..usual() };
        assert_eq!(Room::under(&long), Room(0));
    }
}
