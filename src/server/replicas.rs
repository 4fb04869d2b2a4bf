//! What replicas on one store have to have in common, and saying by name where they do not: else one refuses the other's
//! tokens, and nobody knows why.
//!
//! Of secrets only the names of keys are told, which stand in every token.

use crate::app::App;
use crate::check::dpop::NonceRule;
use crate::check::policy::{Enforce, Format, Policy, UserAgentMatch};
use crate::config::{Config, ListenAddress};
use crate::keys::KeyState;
use crate::store::Replica;
use std::collections::{BTreeMap, BTreeSet};

/// A replica that said nothing for so many seconds is gone.
pub(super) const SILENCE: u64 = 90;

/// The names under which keys are told. What signs at one replica has to be accepted by the others.
const SIGNS: [(&str, &str, &str); 2] = [
    ("signs with", "accepts", "SAMEHAND_SECRET or SAMEHAND_SIGNING_KEY_FILE"),
    ("fingerprints with", "accepts fingerprints of", "SAMEHAND_SALT"),
];

/// What this replica says about itself.
pub(super) fn describe(app: &App) -> Replica {
    let (config, state) = (app.config(), app.state());
    let policy = &state.gate.policy;
    let mut settings = shared_settings(&config, policy);
    let kids = |wanted: fn(KeyState) -> bool| {
        let keys = state.listed.iter().filter(|key| wanted(key.state)).map(|key| key.kid.as_str());
        keys.collect::<Vec<_>>().join(" ")
    };
    settings.insert("signs with".into(), kids(|state| state == KeyState::Active));
    settings.insert("accepts".into(), kids(|_| true));
    let salts: Vec<&str> = state.gate.fingerprints.iter().map(|key| key.id()).collect();
    settings.insert("fingerprints with".into(), salts.first().copied().unwrap_or_default().to_owned());
    settings.insert("accepts fingerprints of".into(), salts.join(" "));
    Replica { name: name(&config), settings }
}

/// Host, listener and data directory: the same after a restart, another one for each replica.
fn name(config: &Config) -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let listen = config.listen.iter().map(|address| match address {
        ListenAddress::Tcp(address) => address.to_string(),
        ListenAddress::Unix(path) => format!("unix:{}", path.display()),
    });
    let listen: Vec<String> = listen.collect();
    format!("{} at {} with {}", host.trim(), listen.join(" and "), config.keys.data.display())
}

fn shared_settings(config: &Config, policy: &Policy) -> BTreeMap<String, String> {
    let formats = std::iter::once(policy.formats.minted).chain(policy.formats.also).map(Format::name);
    let match_name = match policy.recipe.user_agent {
        UserAgentMatch::Family => "family",
        UserAgentMatch::Exact => "exact",
    };
    let enforce = match policy.enforce {
        Enforce::On => "on",
        Enforce::Report => "report",
        Enforce::Observe => "observe",
    };
    let dpop_nonce = match policy.dpop_nonce {
        NonceRule::Required => "required",
        NonceRule::IfPresent => "off",
    };
    let settings = [
        ("SAMEHAND_ISSUER", policy.issuer.clone()),
        ("SAMEHAND_AUDIENCE", policy.audience.clone().unwrap_or_default()),
        ("SAMEHAND_FINGERPRINT", formats.collect::<Vec<_>>().join(",")),
        ("SAMEHAND_REQUIRE_SAME", policy.header_parts.names(policy.require_same)),
        ("SAMEHAND_IPV4_PREFIX", policy.recipe.ipv4_prefix.to_string()),
        ("SAMEHAND_IPV6_PREFIX", policy.recipe.ipv6_prefix.to_string()),
        ("SAMEHAND_USER_AGENT_MATCH", match_name.to_owned()),
        ("SAMEHAND_DPOP_NONCE", dpop_nonce.to_owned()),
        ("SAMEHAND_ENFORCE", enforce.to_owned()),
        ("SAMEHAND_COOKIE_NAME", policy.cookie_name.clone()),
        ("SAMEHAND_SESSION_TTL", format!("{}s", policy.max_lifetime)),
        ("SAMEHAND_SESSION_IDLE", config.session_idle.map_or_else(String::new, |idle| format!("{idle}s"))),
    ];
    settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Remembers what was said about other replicas.
#[derive(Default)]
pub(super) struct Differences {
    said: BTreeSet<(String, String)>,
}

impl Differences {
    /// What has to be said about the others and was not said yet.
    pub(super) fn news(&mut self, own: &Replica, others: &[Replica]) -> Vec<String> {
        let mut news = Vec::new();
        let mut found = BTreeSet::new();
        for other in others {
            for (setting, text) in differences(own, other) {
                let key = (other.name.clone(), setting);
                if !self.said.contains(&key) {
                    news.push(format!("the replica {} {text}", other.name));
                }
                found.insert(key);
            }
        }
        // What was mended and comes back is said again.
        self.said = found;
        news
    }
}

/// The setting, and what to say.
fn differences(own: &Replica, other: &Replica) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let text = |replica: &Replica, name: &str| replica.settings.get(name).cloned().unwrap_or_default();
    for (signs, accepts, setting) in SIGNS {
        let accepted = |by: &Replica, from: &Replica| {
            let key = text(from, signs);
            // A replica that has not read its keys yet signs nothing.
            key.is_empty() || text(by, accepts).split(' ').any(|known| known == key)
        };
        if !accepted(own, other) || !accepted(other, own) {
            let text = format!(
                "has another {setting} than this one: the tokens of one are refused by the other; give both the same"
            );
            found.push((setting.to_owned(), text));
        }
    }
    for (setting, value) in own.settings.iter().filter(|(name, _)| name.starts_with("SAMEHAND_")) {
        let theirs = text(other, setting);
        if other.settings.contains_key(setting) && theirs != *value {
            let shown = |value: &str| if value.is_empty() { "unset".to_owned() } else { format!("\"{value}\"") };
            let (own, theirs) = (shown(value), shown(&theirs));
            let text = format!("has {setting}={theirs}, this one {own}; one of them refuses what the other accepts");
            found.push((setting.clone(), text));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replica(name: &str, settings: &[(&str, &str)]) -> Replica {
        let common = [
            ("signs with", "k1"),
            ("accepts", "k1 k2"),
            ("fingerprints with", "s1"),
            ("accepts fingerprints of", "s1"),
        ];
        let own = settings.iter().copied();
        let settings = common.into_iter().chain(own).map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Replica { name: name.into(), settings }
    }

    #[test]
    fn what_differs_is_said_once_and_again_when_it_comes_back() {
        let own = replica("a", &[("SAMEHAND_ISSUER", "samehand")]);
        let same = replica("b", &[("SAMEHAND_ISSUER", "samehand")]);
        let other = replica(
            "b",
            &[("SAMEHAND_ISSUER", "else"), ("accepts fingerprints of", "s2"), ("fingerprints with", "s2")],
        );
        let mut differences = Differences::default();
        assert!(differences.news(&own, std::slice::from_ref(&same)).is_empty());
        let news = differences.news(&own, std::slice::from_ref(&other));
        assert_eq!(news.len(), 2, "{news:?}");
        assert!(news[0].contains("SAMEHAND_SALT") && news[0].contains('b'), "{news:?}");
        assert!(news[1].contains("SAMEHAND_ISSUER=\"else\""), "{news:?}");
        assert!(differences.news(&own, std::slice::from_ref(&other)).is_empty());
        assert!(differences.news(&own, &[same]).is_empty());
        assert_eq!(differences.news(&own, &[other]).len(), 2);
    }

    #[test]
    fn a_rotation_with_overlap_is_no_difference() {
        let own = replica("a", &[]);
        let rotated = replica("b", &[("signs with", "k2"), ("accepts", "k1 k2")]);
        assert!(differences(&own, &rotated).is_empty());
        let stranger = replica("b", &[("signs with", "k3"), ("accepts", "k1 k2 k3")]);
        assert_eq!(differences(&own, &stranger).len(), 1);
        let not_ready = replica("b", &[("signs with", ""), ("accepts", "")]);
        assert_eq!(differences(&own, &not_ready).len(), 1, "ours is not accepted there");
    }
}
