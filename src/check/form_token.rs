//! What shows that a form was filled in where it was handed out: a fingerprint of the client, under the time.
//!
//! It needs no cookie and no memory, so parallel tabs do not disturb each other, every replica knows it, and a browser
//! that keeps no cookie learns so from the sign-in and not from its form. A site that wants to sign its visitors in as
//! somebody else (login cross-site request forgery) cannot get one for their browser and network; that browsers name
//! the `Origin` of such a form as well is looked at first, and not here.

use super::fingerprint::{FingerprintKeys, KeyedFingerprint, Record, TokenContext};
use super::observed::ObservedClient;
use super::parts::{HeaderParts, Part, Parts};
use super::policy::Recipe;

/// How long a form may stand open, in seconds: a working day.
pub const FORM_LIFETIME: u64 = 12 * 60 * 60;
/// Clocks of replicas differ by so much, in seconds.
const LEEWAY: u64 = 30;
/// In place of the issuer of a token. A blank cannot stand there by accident.
const PURPOSE: &str = "samehand form v1";

/// A new one; nothing while the keys are awaited.
#[must_use]
pub fn issue(client: &ObservedClient<'_>, keys: &FingerprintKeys, recipe: Recipe, now: u64) -> Option<String> {
    let time = now.to_string();
    let (context, record) = (context(&time), Record::of_form(recipe));
    let claim = keys.current()?.keyed(client, &record, &HeaderParts::default(), context, None);
    Some(format!("{time}.{claim}"))
}

/// Whether it was handed out to this client, not too long ago. What may change between two requests of one session may
/// change here.
#[must_use]
pub fn is_good(
    token: &str,
    client: &ObservedClient<'_>,
    keys: &FingerprintKeys,
    require_same: Parts,
    now: u64,
) -> bool {
    let Some((time, claim)) = token.split_once('.') else { return false };
    let Ok(issued_at) = time.parse::<u64>() else { return false };
    let Some(claim) = KeyedFingerprint::parse(claim) else { return false };
    let Some(key) = keys.by_id(claim.key_id()) else { return false };
    let is_recent = issued_at <= now + LEEWAY && now < issued_at.saturating_add(FORM_LIFETIME);
    // At least one part has to hold, else anybody could write a token.
    let recorded = claim.record().parts(&HeaderParts::default());
    let same = require_same.intersection(recorded);
    let same = if same.is_empty() { Parts::NONE.with(Part::UserAgent) } else { same };
    let changed = key.changed(&claim, client, &HeaderParts::default(), context(time));
    is_recent && changed.intersection(same).is_empty()
}

fn context(time: &str) -> TokenContext<'_> {
    TokenContext { issuer: PURPOSE, jti: time, session: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::client_ip::ClientIp;
    use crate::check::fingerprint::FingerprintKey;
    use crate::check::policy::UserAgentMatch;
    use crate::check::user_agent::UserAgent;
    use crate::secret::Secret;

    const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";

    fn keys(salt: &str) -> FingerprintKeys {
        FingerprintKeys::new([FingerprintKey::from_salt(Secret::new(salt.into()))])
    }

    fn client<'a>(ip: &str, user_agent: &'a str) -> ObservedClient<'a> {
        let user_agent = UserAgent::vouched(Some(user_agent)).unwrap();
        ObservedClient::new(ClientIp::vouched(ip.parse().unwrap()), user_agent)
    }

    const RECIPE: Recipe = Recipe { ipv4_prefix: 32, ipv6_prefix: 64, user_agent: UserAgentMatch::Family };

    #[test]
    fn a_form_is_good_for_the_client_it_was_handed_to_and_for_half_a_day() {
        let both = Parts::NONE.with(Part::Ip).with(Part::UserAgent);
        let (ours, me) = (keys("the salt of this test"), client("192.0.2.7", FIREFOX));
        let token = issue(&me, &ours, RECIPE, 1000).unwrap();
        let good = |token: &str, client: &ObservedClient<'_>, now| is_good(token, client, &ours, both, now);
        for (now, expected) in
            [(1000, true), (970, true), (969, false), (1000 + 3600, true), (1000 + FORM_LIFETIME, false)]
        {
            assert_eq!(good(&token, &me, now), expected, "{now}");
        }
        assert!(!good(&token, &client("192.0.2.8", FIREFOX), 1000));
        assert!(!good(&token, &client("192.0.2.7", "curl/8"), 1000));
        assert!(!is_good(&token, &me, &keys("another salt of tests"), both, 1000));
        let later = token.replacen("1000.", "2000.", 1);
        for forged in ["", ".", "1000", "1000.v1", later.as_str(), &format!("{token}x"), &token[..token.len() - 1]] {
            assert!(!good(forged, &me, 1000), "{forged}");
        }
    }

    #[test]
    fn what_may_change_in_a_session_may_change_before_it_but_not_everything() {
        let (ours, me) = (keys("the salt of this test"), client("192.0.2.7", FIREFOX));
        let elsewhere = client("203.0.113.9", FIREFOX);
        for same in [Parts::NONE, Parts::NONE.with(Part::UserAgent)] {
            let token = issue(&me, &ours, RECIPE, 1000).unwrap();
            assert!(is_good(&token, &elsewhere, &ours, same, 1000));
            assert!(!is_good(&token, &client("192.0.2.7", "curl/8"), &ours, same, 1000));
        }
    }
}
