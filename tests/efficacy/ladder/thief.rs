//! Plays the rows of *Theft*. A thief tries every request that its deed names; the first that is served as the victim is a
//! theft. A thief has nothing of the victim's but the loot.

use super::{
    honest::CHROME,
    lockouts::HOME,
    person::{Kept, Person, draft, navigation, with_cookies},
    recipe::{Client, Recipe},
    record::Record,
    thefts::{Agent, Deed, Loot, Place, Theft},
    verdict::Verdict,
    world::{ALICE, APP, MALLORY, Outcome, Road, World},
};
use crate::support::{backend::Seen, client::Request, prover::Prover, token::Token};
use samehand::app::now;

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";

/// Headers that something or other takes the client's address from.
const FORGED: [&str; 9] = [
    "X-Forwarded-For",
    "X-Real-IP",
    "X-Client-IP",
    "True-Client-IP",
    "CF-Connecting-IP",
    "Fastly-Client-IP",
    "X-Cluster-Client-IP",
    "X_Forwarded_For",
    "Forwarded",
];

/// The thief at work.
struct Thief<'a> {
    world: &'a World,
    address: &'static str,
    agent: &'static str,
    loot: Kept,
    /// The thief's own.
    key: Prover,
    /// Anybody is told one.
    nonce: Option<String>,
}

/// Plays one row.
#[track_caller]
pub(crate) fn measure(world: &World, row: &Theft) -> Verdict {
    let mut victim = Person::signed_in(world, ALICE, Road::Cdn, HOME, CHROME);
    let first = victim.ask(world);
    assert_eq!(first.served(), Some(Verdict::NotNoticed), "{}, the victim: {:?}", row.name, first.reply);
    let (address, agent) = (row.place.address(), row.agent.text());
    let mut thief = Thief { world, address, agent, loot: row.loot.of(&victim), key: Prover::new(), nonce: None };
    thief.learn_nonce();
    let taken = match row.deed {
        Deed::Send => thief.sends(Road::Cdn, |request| request),
        Deed::ForgeHeaders => thief.forges(),
        Deed::Replay => thief.replays(row.loot, &mut victim),
        Deed::Downgrade => thief.downgrades(),
        Deed::MoveIntoOwnSession => thief.moves(),
        Deed::ComeAfterSignOut => {
            assert_eq!(thief.is_as(&victim), Some(Verdict::NotNoticed), "there is nothing to tell them apart by");
            victim.sign_out(world);
            return thief
                .is_as(&victim)
                .or_else(|| thief.sends(Road::Cdn, |request| request))
                .unwrap_or(Verdict::Blocked);
        }
        // The victim's browser sends it.
        Deed::ActInPage => victim.ask(world).served(),
        Deed::RelayProofs => thief.relays_proofs(&victim),
        Deed::KeepProofs => thief.keeps_proofs(&victim),
    };
    let after = victim.ask(world);
    match (taken, after.served()) {
        (Some(verdict), Some(_)) => verdict,
        (None, Some(Verdict::NotNoticed)) => Verdict::Blocked,
        (_, None | Some(_)) => Verdict::SignedOut,
    }
}

impl Place {
    fn address(self) -> &'static str {
        match self {
            Self::Elsewhere => "203.0.113.66",
            Self::Nearby => "192.0.2.130",
            Self::SameNat => HOME,
        }
    }
}

impl Agent {
    fn text(self) -> &'static str {
        match self {
            Self::Own => FIREFOX,
            Self::Copied => CHROME,
        }
    }
}

impl Loot {
    /// What the thief has of all that the victim keeps.
    fn of(self, victim: &Person) -> Kept {
        let all = victim.kept.clone();
        match self {
            Self::Token => Kept { token: all.token, ..Kept::default() },
            Self::WhatScriptsRead => match victim.client {
                Client::Browser => Kept::default(),
                Client::Script | Client::ScriptWithCookie | Client::ScriptWithKey => {
                    Kept { token: all.token, nonce: all.nonce, ..Kept::default() }
                }
            },
            Self::WholeJar => Kept { key: None, ..all },
            Self::Everything => all,
            // These come as requests.
            Self::WhatTheApplicationGot | Self::RecordedRequest => Kept::default(),
        }
    }
}

impl Thief<'_> {
    /// Asks for anything with a proof of its own, and is told a nonce if there are any.
    fn learn_nonce(&mut self) {
        let path = self.world.new_path();
        let proof = self.key.sign(&draft(&self.key, "GET", &path, None, None));
        let request = self.request(&path).header("DPoP", proof).header("Authorization", "DPoP a.b.c");
        let outcome = self.ask(Road::Cdn, &path, request);
        self.nonce = outcome.reply.header("DPoP-Nonce").map(str::to_owned);
    }

    fn request(&self, path: &str) -> Request {
        Request::get(path).host(APP).header("User-Agent", self.agent)
    }

    #[track_caller]
    fn ask(&self, road: Road, path: &str, request: Request) -> Outcome {
        self.world.ask(road, self.address.parse().expect("an address"), path, request)
    }

    /// Asks for a page with what `with` adds. Whether it was served as the victim, and how.
    #[track_caller]
    fn tries(&self, road: Road, with: impl Fn(Request, &str) -> Request) -> Option<Verdict> {
        let path = self.world.new_path();
        self.served(road, &path, with(self.request(&path), &path))
    }

    #[track_caller]
    fn served(&self, road: Road, path: &str, request: Request) -> Option<Verdict> {
        let outcome = self.ask(road, path, request);
        let is_the_victim = |seen: &Seen| seen.all("Remote-User") == [ALICE];
        outcome.served().filter(|_| outcome.seen.as_ref().is_some_and(is_the_victim))
    }

    /// Every way to present what it has; `more` adds to each request.
    #[track_caller]
    fn sends(&self, road: Road, more: impl Fn(Request) -> Request) -> Option<Verdict> {
        let Kept { token, proof_cookie, .. } = &self.loot;
        // With no token there is nothing but to ask without one.
        let (token, secret) = (token.as_deref(), proof_cookie.as_deref());
        let scheme = |request: Request, scheme: &str| {
            token.iter().fold(request, |request, token| request.header("Authorization", format!("{scheme} {token}")))
        };
        let script = |request: Request| with_cookies(request, None, secret).header("Accept", "application/json");
        let proof = |path: &str| self.key.sign(&draft(&self.key, "GET", path, token, self.nonce.as_deref()));
        first([
            &|| self.tries(road, |request, _| more(scheme(script(request), "Bearer"))),
            &|| self.tries(road, |request, _| more(with_cookies(navigation(request), token, secret))),
            &|| self.tries(road, |request, _| more(scheme(script(request), "DPoP"))),
            &|| self.tries(road, |request, path| more(scheme(script(request), "DPoP").header("DPoP", proof(path)))),
            &|| self.tries(road, |request, path| more(scheme(script(request), "Bearer").header("DPoP", proof(path)))),
        ])
    }

    #[track_caller]
    fn forges(&self) -> Option<Verdict> {
        let claim = |name: &str| if name == "Forwarded" { format!("for={HOME}") } else { HOME.to_owned() };
        let roads = [Road::Cdn, Road::PastCdn];
        let mut tries = roads.into_iter().flat_map(|road| FORGED.map(|name| (road, name)));
        let one = tries.find_map(|(road, name)| self.sends(road, |request| request.header(name, claim(name))));
        let all = |request: Request| FORGED.iter().fold(request, |request, name| request.header(name, claim(name)));
        one.or_else(|| roads.into_iter().find_map(|road| self.sends(road, all)))
    }

    /// `loot` says whether the request is the one on the wire or the one behind the proxy.
    #[track_caller]
    fn replays(&self, loot: Loot, victim: &mut Person) -> Option<Verdict> {
        let path = self.world.new_path();
        let sent = victim.request(&path);
        let outcome = self.world.ask(victim.road, victim.address, &path, sent.clone());
        let seen = outcome.seen.unwrap_or_else(|| panic!("the victim is served: {:?}", outcome.reply));
        let recorded = if loot == Loot::RecordedRequest { Record::of_request(&sent) } else { Record::of_seen(&seen) };
        let other = self.world.new_path();
        let first_of_all = first([&|| self.served(Road::Cdn, &path, recorded.to(&path)), &|| {
            self.served(Road::Cdn, &other, recorded.to(&other))
        }]);
        let mut altered = recorded.altered(&path).into_iter();
        first_of_all.or_else(|| altered.find_map(|request| self.served(Road::Cdn, &path, request)))
    }

    #[track_caller]
    fn downgrades(&self) -> Option<Verdict> {
        let token = self.loot.token.as_deref().expect("a token was stolen");
        let good = Token::parse(token);
        let without = |names: &[&str]| {
            let mut edited = good.clone();
            for name in names {
                edited.claims.as_object_mut().expect("claims").remove(*name);
            }
            edited
        };
        let mut none = good.clone();
        none.header["alg"] = "none".into();
        let mut edited: Vec<Token> =
            vec![without(&["cnf"]), without(&["fingerprint"]), without(&["cnf", "fingerprint"])];
        edited.push(none);
        let tokens = edited.iter().flat_map(|edited| {
            [
                edited.with_its_old_signature(),
                edited.unsigned(),
                edited.signed("a secret that the thief has made up, 4Jd9"),
            ]
        });
        let weaker = self.world.token_of_weaker_days(HOME.parse().expect("an address"), CHROME);
        if self.world.recipe != Recipe::Article {
            // It is a good token but for that.
            let path = self.world.new_path();
            let outcome = self.ask(Road::Cdn, &path, self.request(&path).bearer(&weaker));
            assert_eq!(outcome.reason, "policy-outdated", "{:?}", outcome.reply);
        }
        let tokens = tokens.chain([token.to_owned(), weaker]);
        let with = |token| self.with(Kept { token: Some(token), ..self.loot.clone() });
        tokens.map(with).find_map(|thief| thief.sends(Road::Cdn, |request| request))
    }

    /// The same thief with other loot.
    fn with(&self, loot: Kept) -> Thief<'_> {
        Thief { loot, key: Prover::new(), nonce: self.nonce.clone(), ..*self }
    }

    /// Has a session of its own, and puts the token in the place of its own token.
    #[track_caller]
    fn moves(&self) -> Option<Verdict> {
        let mut mallory = Person::signed_in(self.world, MALLORY, Road::Cdn, self.address, self.agent);
        let own = mallory.ask(self.world);
        assert_eq!(own.served(), Some(Verdict::NotNoticed), "mallory's own: {:?}", own.reply);
        mallory.kept.token.clone_from(&self.loot.token);
        let path = self.world.new_path();
        let in_its_place = self.served(Road::Cdn, &path, mallory.request(&path));
        let loot = Kept { token: self.loot.token.clone(), ..mallory.kept };
        in_its_place.or_else(|| self.with(loot).sends(Road::Cdn, |request| request))
    }

    /// Does all as the victim does, with what it has.
    #[track_caller]
    fn is_as(&self, victim: &Person) -> Option<Verdict> {
        let path = self.world.new_path();
        let twin = Person { kept: self.loot.clone(), agent: self.agent.to_owned(), ..victim.clone() };
        self.served(Road::Cdn, &path, twin.request(&path))
    }

    /// Sends a proof that the victim's page has signed just now.
    #[track_caller]
    fn relays_proofs(&self, victim: &Person) -> Option<Verdict> {
        let Some(key) = &victim.kept.key else { return self.sends(Road::Cdn, |request| request) };
        self.sends_proof_by(key, now(), self.loot.nonce.as_deref())
    }

    /// The proofs were signed in the page for any time, with the nonce of then; at that time the thief sends them.
    #[track_caller]
    fn keeps_proofs(&self, victim: &Person) -> Option<Verdict> {
        const QUARTER: u64 = 15 * 60;
        let Some(key) = &victim.kept.key else { return self.sends(Road::Cdn, |request| request) };
        let (now, nonce) = (now(), self.loot.nonce.as_deref());
        let old = self.world.nonce_of(now - QUARTER);
        first([
            &|| self.sends_proof_by(key, now, Some(&old)),
            &|| self.sends_proof_by(key, now, None),
            &|| self.sends_proof_by(key, now - QUARTER, nonce),
            &|| self.sends_proof_by(key, now + QUARTER, nonce),
        ])
    }

    #[track_caller]
    fn sends_proof_by(&self, key: &Prover, made_at: u64, nonce: Option<&str>) -> Option<Verdict> {
        let token = self.loot.token.as_deref().expect("a script has the token of its key");
        self.tries(Road::Cdn, |request, path| {
            let draft = draft(key, "GET", path, Some(token), nonce).with("iat", made_at);
            request.header("Authorization", format!("DPoP {token}")).header("DPoP", key.sign(&draft))
        })
    }
}

/// The first of these that is served.
fn first<const N: usize>(tries: [&dyn Fn() -> Option<Verdict>; N]) -> Option<Verdict> {
    tries.into_iter().find_map(|attempt| attempt())
}
