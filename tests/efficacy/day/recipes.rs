//! The recipes, each with what a session under it remembers of its client, and what becomes of the session request by
//! request. Whether a client is the same is samehand's own word: the loop compares numbers, because it does so millions of
//! times, and every [`AUDITED`]th comparison is put to the library with a real claim, which has to say the same.

use super::{
    browsers::Agents,
    life::{Life, Seen},
    network::{Address, DAY, DAYS, HOUR},
};
use samehand::check::dpop::NonceRule;
use samehand::check::{
    client_ip::ClientIp,
    fingerprint::{FingerprintKey, KeyedFingerprint, Record, TokenContext},
    observed::{CookieProof, ObservedClient, Proofs},
    parts::{HeaderParts, Part, Parts},
    policy::{Enforce, Format, Formats, Policy, Recipe as Precision, TokenFrom, TrustedProxies, UserAgentMatch},
    thumbprint::Thumbprint,
};
use samehand::secret::Secret;

/// `TOKEN_TTL` and `SESSION_TTL` as they are without settings.
pub(crate) const TOKEN_TTL: u32 = 8 * HOUR;
pub(crate) const SESSION_TTL: u32 = 30 * DAY;

const AUDITED: u64 = 499;

/// The secret of the client's proof cookie, and its key; the thief of a token has neither.
const COOKIE: &str = "Y2xpZW50IGNsaWVudCBjbGllbnQgY2xpZW50IGNsaWU";

/// A way to bind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recipe {
    /// The whole address and nothing else, as peers do it.
    ExactIp,
    Article,
    Default,
    Roam,
    Proof,
}

/// What a thief has got hold of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loot {
    /// The token, and the `User-Agent` that is copied with it.
    Token,
    /// Everything that the browser sends: the proof cookie too.
    CookieJar,
}

impl Recipe {
    pub(crate) const ALL: [Self; 5] = [Self::ExactIp, Self::Article, Self::Default, Self::Roam, Self::Proof];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ExactIp => "exact IP",
            Self::Article => "*article*",
            Self::Default => "*default*",
            Self::Roam => "*roam*",
            Self::Proof => "*proof*",
        }
    }

    fn required(self) -> Parts {
        let parts: &[Part] = match self {
            Self::ExactIp => &[Part::Ip],
            Self::Article | Self::Default => &[Part::Ip, Part::UserAgent],
            Self::Roam => &[Part::UserAgent, Part::Cookie],
            Self::Proof => &[Part::Dpop],
        };
        parts.iter().copied().collect()
    }

    fn watched(self) -> Parts {
        let parts: &[Part] = match self {
            Self::ExactIp | Self::Article | Self::Default => &[],
            Self::Roam => &[Part::Ip],
            Self::Proof => &[Part::Ip, Part::UserAgent],
        };
        parts.iter().copied().collect()
    }

    fn precision(self) -> Precision {
        match self {
            Self::ExactIp => Precision { ipv4_prefix: 32, ipv6_prefix: 128, user_agent: UserAgentMatch::Exact },
            Self::Article | Self::Default | Self::Roam | Self::Proof => {
                Precision { ipv4_prefix: 32, ipv6_prefix: 64, user_agent: UserAgentMatch::Family }
            }
        }
    }

    fn policy(self) -> Policy {
        let minted = if self == Self::Article { Format::Article } else { Format::Keyed };
        Policy {
            trusted_proxies: TrustedProxies::new([]),
            token_from: TokenFrom { authorization: true, cookie: true },
            cookie_name: "samehand".to_owned(),
            issuer: "samehand".to_owned(),
            audience: None,
            max_lifetime: u64::from(SESSION_TTL) * 60,
            formats: Formats { minted, also: None },
            require_same: self.required(),
            watch: self.watched(),
            header_parts: HeaderParts::default(),
            certificate_header: None,
            recipe: self.precision(),
            dpop_nonce: NonceRule::Required,
            enforce: Enforce::On,
        }
    }
}

/// What a session remembers of its client, as far as the model needs it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bound {
    /// The client of the last sign-in, or of the last renewal.
    pub(crate) by: Seen,
    /// The client's last request over the other address family, where the session knows it.
    pub(crate) other_family: Option<Address>,
    /// When the token ends, unless it is renewed.
    pub(crate) token_ends: u32,
    pub(crate) session_ends: u32,
}

impl Bound {
    fn signed_in(seen: Seen) -> Self {
        Self {
            by: seen,
            other_family: None,
            token_ends: seen.minute + TOKEN_TTL,
            session_ends: seen.minute + SESSION_TTL,
        }
    }

    /// The next sign-in, from where this session was not taken for itself. Over an address family that it does not know yet
    /// *default* goes on with it, and it knows both from then on.
    fn sign_in_again(&mut self, recipe: Recipe, seen: Seen, changed: Parts) {
        let goes_on = recipe == Recipe::Default
            && changed == Parts::NONE.with(Part::Ip)
            && self.other_family.is_none()
            && !is_one_family(self.by.address, seen.address)
            && seen.minute < self.session_ends;
        let begun = Self::signed_in(seen);
        *self = match goes_on {
            true => Self { other_family: Some(self.by.address), session_ends: self.session_ends, ..begun },
            false => begun,
        };
    }

    /// A fresh token in the last third of the old one's life, and later: made for who asks, with what the session knows
    /// of the other family.
    fn renew(&mut self, seen: Seen) {
        if seen.minute + TOKEN_TTL / 3 < self.token_ends || seen.minute >= self.session_ends {
            return;
        }
        if !is_one_family(self.by.address, seen.address) {
            self.other_family = Some(self.by.address);
        }
        self.by = seen;
        self.token_ends = seen.minute + TOKEN_TTL;
    }
}

fn is_one_family(one: Address, other: Address) -> bool {
    matches!((one, other), (Address::Four(_), Address::Four(_)) | (Address::Six { .. }, Address::Six { .. }))
}

/// What becomes of a client's month under a recipe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Month {
    /// How often it had to sign in again because it was not taken for itself.
    pub(crate) lockouts: u32,
    /// Visits in which a watched part had changed.
    pub(crate) reported: u32,
}

/// Compares clients under the recipes, and audits itself.
pub(crate) struct Judge<'a> {
    agents: &'a Agents,
    key: FingerprintKey,
    policies: [Policy; Recipe::ALL.len()],
    compared: u64,
    pub(crate) audited: u64,
}

impl<'a> Judge<'a> {
    pub(crate) fn new(agents: &'a Agents) -> Self {
        Self {
            agents,
            key: FingerprintKey::from_salt(Secret::new(b"the salt of the simulation".to_vec())),
            policies: Recipe::ALL.map(Recipe::policy),
            compared: 0,
            audited: 0,
        }
    }

    /// Lives a month under a recipe; also says what the session was after the request with the number `stolen`.
    pub(crate) fn live(&mut self, recipe: Recipe, life: &Life, stolen: usize) -> (Month, Bound) {
        let mut month = Month::default();
        let mut bound = Bound::signed_in(life.requests[0]);
        let mut taken = bound;
        let mut last_reported = None;
        for (number, seen) in life.requests.iter().enumerate() {
            let changed = self.changed(recipe, &bound, *seen);
            if changed.intersection(recipe.required()).is_empty() {
                if !changed.is_empty() && last_reported != Some(seen.minute) {
                    month.reported += 1;
                    last_reported = Some(seen.minute);
                }
                bound.renew(*seen);
            } else {
                month.lockouts += 1;
                bound.sign_in_again(recipe, *seen, changed);
            }
            if number == stolen {
                taken = bound;
            }
        }
        (month, taken)
    }

    /// The parts, required or watched, that are not what the session remembers.
    fn changed(&mut self, recipe: Recipe, bound: &Bound, seen: Seen) -> Parts {
        let named = recipe.required().union(recipe.watched());
        if seen.address == bound.by.address && seen.agent == bound.by.agent {
            return Parts::NONE;
        }
        let changed = match recipe {
            Recipe::Article => named,
            Recipe::ExactIp | Recipe::Default | Recipe::Roam | Recipe::Proof => {
                let ip = (!self.is_same_address(recipe, bound, seen.address)).then_some(Part::Ip);
                let agent = (!self.agents.are_one_family(bound.by.agent, seen.agent)).then_some(Part::UserAgent);
                ip.into_iter().chain(agent).collect::<Parts>().intersection(named)
            }
        };
        self.compared += 1;
        if self.compared.is_multiple_of(AUDITED) {
            self.audited += 1;
            assert_eq!(
                changed,
                self.changed_as_the_library_says(recipe, bound, seen),
                "{recipe:?}: {bound:?}, {seen:?}"
            );
        }
        changed
    }

    fn is_same_address(&self, recipe: Recipe, bound: &Bound, address: Address) -> bool {
        let is_whole = recipe == Recipe::ExactIp;
        let same = |known: Address| match (known, address) {
            (Address::Four(one), Address::Four(other)) => one == other,
            (Address::Six { prefix: one, .. }, Address::Six { prefix: other, .. }) if !is_whole => one == other,
            (Address::Six { .. }, Address::Six { .. }) => known == address,
            (Address::Four(_), Address::Six { .. }) | (Address::Six { .. }, Address::Four(_)) => false,
        };
        same(bound.by.address) || (!is_whole && bound.other_family.is_some_and(same))
    }

    /// The same from a claim that the library makes and compares.
    fn changed_as_the_library_says(&self, recipe: Recipe, bound: &Bound, seen: Seen) -> Parts {
        let policy = &self.policies[recipe as usize];
        let named = policy.require_same.union(policy.watch);
        let proofs = Proofs { cookie: CookieProof::Secret(COOKIE), key: Some(key_of_client()), ..Proofs::default() };
        let client = |address: Address, agent: usize| {
            ObservedClient::new(ClientIp::vouched(address.ip()), self.agents.get(agent)).with_proofs(proofs)
        };
        let (before, now) = (client(bound.by.address, bound.by.agent), client(seen.address, seen.agent));
        if recipe == Recipe::Article {
            let article =
                |client: &ObservedClient<'_>| self.key.article(&client.ip.address().to_string(), client.user_agent);
            return if article(&before) == article(&now) { Parts::NONE } else { named };
        }
        let context = TokenContext { issuer: &policy.issuer, jti: "a-token", session: Some("a-session") };
        let record = Record::of(&before, policy);
        let claim = |client: &ObservedClient<'_>, earlier: Option<&KeyedFingerprint>| {
            let claim = self.key.keyed(client, &record, &policy.header_parts, context, earlier);
            KeyedFingerprint::parse(&claim).expect("a claim of the library's own")
        };
        let earlier = bound.other_family.filter(|_| recipe != Recipe::ExactIp);
        let earlier = earlier.map(|address| claim(&client(address, bound.by.agent), None));
        let claim = claim(&before, earlier.as_ref());
        self.key.changed(&claim, &now, &policy.header_parts, context).intersection(named)
    }

    /// Until which minute a thief who took the session's token at `minute` can use it, without renewing it and with.
    /// `addresses` are those that the thief comes by, each with the minute in which it is lost.
    pub(crate) fn stolen_until(
        &mut self,
        recipe: Recipe,
        bound: &Bound,
        minute: u32,
        loot: Loot,
        addresses: &[(Address, u32)],
    ) -> (u32, u32) {
        let has_proofs = match recipe {
            Recipe::ExactIp | Recipe::Article | Recipe::Default => true,
            Recipe::Roam => loot == Loot::CookieJar,
            // The key never leaves the browser.
            Recipe::Proof => false,
        };
        let mut until = minute;
        for (address, lost) in addresses {
            let seen = Seen { minute, address: *address, agent: bound.by.agent };
            let changed = self.changed(recipe, bound, seen);
            if has_proofs && changed.intersection(recipe.required()).is_empty() {
                let is_bound_to_it = recipe.required().contains(Part::Ip);
                until = until.max(if is_bound_to_it { *lost } else { u32::MAX });
            }
        }
        (until.min(bound.token_ends), until.min(bound.session_ends))
    }
}

fn key_of_client() -> Thumbprint {
    Thumbprint::of(b"stands for the client's key")
}

#[test]
fn a_thief_shows_no_proof_and_the_library_says_so() {
    let agents = Agents::read();
    let judge = Judge::new(&agents);
    let agent = agents.get(0);
    let ip = ClientIp::vouched(Address::Four(1 << 24).ip());
    let jar = Proofs { cookie: CookieProof::Secret(COOKIE), ..Proofs::default() };
    let with_key = Proofs { key: Some(key_of_client()), ..jar };
    for (recipe, proofs, missing) in [
        (Recipe::Default, Proofs::default(), None),
        (Recipe::Roam, Proofs::default(), Some(Part::Cookie)),
        (Recipe::Roam, jar, None),
        (Recipe::Proof, Proofs::default(), Some(Part::Dpop)),
        (Recipe::Proof, jar, Some(Part::Dpop)),
        (Recipe::Proof, with_key, None),
    ] {
        // A proof that the owner shows without being asked is kept too.
        let owner = match recipe {
            Recipe::ExactIp | Recipe::Article | Recipe::Default => Proofs::default(),
            Recipe::Roam => jar,
            Recipe::Proof => with_key,
        };
        let policy = &judge.policies[recipe as usize];
        let context = TokenContext { issuer: &policy.issuer, jti: "a-token", session: Some("a-session") };
        let owner = ObservedClient::new(ip, agent).with_proofs(owner);
        let claim = judge.key.keyed(&owner, &Record::of(&owner, policy), &policy.header_parts, context, None);
        let claim = KeyedFingerprint::parse(&claim).expect("a claim of the library's own");
        let thief = ObservedClient::new(ip, agent).with_proofs(proofs);
        let changed = judge.key.changed(&claim, &thief, &policy.header_parts, context);
        assert_eq!(changed, missing.into_iter().collect::<Parts>(), "{recipe:?}");
    }
    assert_eq!(DAYS * DAY, SESSION_TTL, "a session outlives the month of the model");
}
