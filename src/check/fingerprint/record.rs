//! What a keyed fingerprint was made of: the policy that a token was minted under, as it stands in the claim.
//!
//! ```text
//! record = entry *( "," entry )
//! entry  = [ "!" ] ( "ip:" IPv4-prefix ":" IPv6-prefix | "user-agent:" ( "family" | "exact" )
//!                  | "cookie" | "cookie:session" | "dpop" | "mtls" | name )
//! ```
//!
//! `ip` and `user-agent` come first and are always there; the others follow in the order above, those with a name of the
//! operator's last and in the order of their names. `!` marks what had to be the same when the token was minted: a proof
//! so marked has to be shown as long as the token lives, whatever the settings say meanwhile. A record has one spelling.

use crate::check::observed::{CookieProof, ObservedClient};
use crate::check::parts::{HeaderParts, Part, Parts, is_part_name};
use crate::check::policy::{Policy, Recipe, UserAgentMatch};
use std::fmt::Write as _;

/// More entries than there can be parts.
const MAX_ENTRIES: usize = 13;

/// What a keyed fingerprint was made of, as the head of this file writes it down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    text: String,
    recipe: Recipe,
    entries: Vec<Entry>,
}

/// One part, as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) kind: Kind,
    is_required: bool,
}

/// Which part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Ip,
    UserAgent,
    /// The secret of the proof cookie.
    Cookie,
    /// The session cookie, which the token itself travels in.
    SessionCookie,
    Dpop,
    Mtls,
    Header(String),
}

impl Kind {
    /// The part under today's names; nothing for a part that the settings do not name any more.
    pub(super) fn part(&self, names: &HeaderParts) -> Option<Part> {
        match self {
            Self::Ip => Some(Part::Ip),
            Self::UserAgent => Some(Part::UserAgent),
            Self::Cookie | Self::SessionCookie => Some(Part::Cookie),
            Self::Dpop => Some(Part::Dpop),
            Self::Mtls => Some(Part::Mtls),
            Self::Header(name) => names.named(name),
        }
    }

    /// Where it stands in the order; names follow by themselves.
    fn rank(&self) -> (u8, &str) {
        match self {
            Self::Ip => (0, ""),
            Self::UserAgent => (1, ""),
            Self::Cookie | Self::SessionCookie => (2, ""),
            Self::Dpop => (3, ""),
            Self::Mtls => (4, ""),
            Self::Header(name) => (5, name),
        }
    }
}

impl Record {
    /// What is recorded of a client under a policy: address and `User-Agent` always, so that a policy that asks for them
    /// later finds them; of the other parts those that the policy names. A proof that is only watched is recorded where
    /// the client has shown it; so is a key, whatever the policy says: a client sends a proof to be bound to it.
    #[must_use]
    pub fn of(client: &ObservedClient<'_>, policy: &Policy) -> Self {
        let (required, named) = (policy.require_same, policy.require_same.union(policy.watch));
        let proofs = &client.proofs;
        let named = if proofs.key.is_some() { named.with(Part::Dpop) } else { named };
        let mut kinds = vec![(Part::Ip, Kind::Ip), (Part::UserAgent, Kind::UserAgent)];
        for part in named.iter() {
            let kind = match part {
                Part::Ip | Part::UserAgent => continue,
                Part::Cookie => match proofs.cookie {
                    CookieProof::None => continue,
                    CookieProof::Session => Kind::SessionCookie,
                    CookieProof::Secret(_) => Kind::Cookie,
                },
                Part::Dpop if proofs.key.is_none() => continue,
                Part::Dpop => Kind::Dpop,
                Part::Mtls if proofs.certificate.is_none() => continue,
                Part::Mtls => Kind::Mtls,
                Part::Header(_) => Kind::Header(policy.header_parts.name(part).to_owned()),
            };
            kinds.push((part, kind));
        }
        let mut entries: Vec<Entry> = kinds
            .into_iter()
            // A key or a certificate that a client has shown stands in `cnf` too, which must not be passed over.
            .map(|(part, kind)| Entry { is_required: required.contains(part) || is_confirmed(&kind), kind })
            .collect();
        entries.sort_by(|one, other| one.kind.rank().cmp(&other.kind.rank()));
        Self::new(policy.recipe, entries)
    }

    /// What a form that was handed out is held to: address and `User-Agent`.
    #[must_use]
    pub fn of_form(recipe: Recipe) -> Self {
        let entries = [Kind::Ip, Kind::UserAgent].map(|kind| Entry { kind, is_required: false });
        Self::new(recipe, entries.into())
    }

    /// Reads a record; nothing for one that is not spelt as it would be written.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut recipe = Recipe { ipv4_prefix: 0, ipv6_prefix: 0, user_agent: UserAgentMatch::Exact };
        let mut entries: Vec<Entry> = Vec::with_capacity(4);
        for field in text.split(',') {
            let (is_required, field) = match field.strip_prefix('!') {
                Some(rest) => (true, rest),
                None => (false, field),
            };
            let (name, detail) = field.split_once(':').map_or((field, None), |(name, detail)| (name, Some(detail)));
            let kind = match (name, detail) {
                ("ip", Some(prefixes)) => {
                    let (four, six) = prefixes.split_once(':')?;
                    recipe.ipv4_prefix = four.parse().ok().filter(|bits| *bits <= 32)?;
                    recipe.ipv6_prefix = six.parse().ok().filter(|bits| *bits <= 128)?;
                    Kind::Ip
                }
                ("user-agent", Some(detail)) => {
                    recipe.user_agent = match detail {
                        "family" => UserAgentMatch::Family,
                        "exact" => UserAgentMatch::Exact,
                        _ => return None,
                    };
                    Kind::UserAgent
                }
                ("cookie", None) => Kind::Cookie,
                ("cookie", Some("session")) => Kind::SessionCookie,
                ("dpop", None) => Kind::Dpop,
                ("mtls", None) => Kind::Mtls,
                ("ip" | "user-agent", None) | (_, Some(_)) => return None,
                (name, None) => Kind::Header(is_part_name(name).then(|| name.to_owned())?),
            };
            if entries.len() == MAX_ENTRIES || entries.last().is_some_and(|last| last.kind.rank() >= kind.rank()) {
                return None;
            }
            entries.push(Entry { kind, is_required });
        }
        let begins_as_it_must =
            matches!(entries.as_slice(), [Entry { kind: Kind::Ip, .. }, Entry { kind: Kind::UserAgent, .. }, ..]);
        // One spelling only: no "+32", no "032".
        Some(Self::new(recipe, entries)).filter(|record| begins_as_it_must && record.text == text)
    }

    fn new(recipe: Recipe, entries: Vec<Entry>) -> Self {
        let mut text = String::with_capacity(48);
        for (position, entry) in entries.iter().enumerate() {
            text.push_str(if position == 0 { "" } else { "," });
            text.push_str(if entry.is_required { "!" } else { "" });
            match &entry.kind {
                // Writing into a string does not fail.
                Kind::Ip => _ = write!(text, "ip:{}:{}", recipe.ipv4_prefix, recipe.ipv6_prefix),
                Kind::UserAgent => text.push_str(match recipe.user_agent {
                    UserAgentMatch::Family => "user-agent:family",
                    UserAgentMatch::Exact => "user-agent:exact",
                }),
                Kind::Cookie => text.push_str("cookie"),
                Kind::SessionCookie => text.push_str("cookie:session"),
                Kind::Dpop => text.push_str("dpop"),
                Kind::Mtls => text.push_str("mtls"),
                Kind::Header(name) => text.push_str(name),
            }
        }
        Self { text, recipe, entries }
    }

    /// As it stands in the claim.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How precisely address and `User-Agent` are described.
    #[must_use]
    pub fn recipe(&self) -> Recipe {
        self.recipe
    }

    /// The parts, in their order.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The parts that are recorded and that the settings still name.
    #[must_use]
    pub fn parts(&self, names: &HeaderParts) -> Parts {
        self.entries.iter().filter_map(|entry| entry.kind.part(names)).collect()
    }

    /// Whether the secret of a proof cookie is in it.
    #[must_use]
    pub fn has_secret(&self) -> bool {
        self.entries.iter().any(|entry| entry.kind == Kind::Cookie)
    }

    /// The proofs that the token must be shown with as long as it lives.
    #[must_use]
    pub fn held_proofs(&self) -> Parts {
        let names = HeaderParts::default();
        let held = self.entries.iter().filter(|entry| entry.is_required);
        held.filter_map(|entry| entry.kind.part(&names)).filter(|part| part.is_proof()).collect()
    }
}

fn is_confirmed(kind: &Kind) -> bool {
    match kind {
        Kind::Dpop | Kind::Mtls => true,
        Kind::Ip | Kind::UserAgent | Kind::Cookie | Kind::SessionCookie | Kind::Header(_) => false,
    }
}
