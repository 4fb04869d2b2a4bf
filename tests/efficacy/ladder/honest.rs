//! Plays the rows of *Lockout*: an honest client to which something happens, and who signs in again when it is not served.

use super::{
    lockouts::{Change, HOME, Happens, Lockout, Promise},
    person::Person,
    recipe::Recipe,
    verdict::Verdict,
    world::{ALICE, Road, World},
};
use crate::{
    agents::{self, BROWSERS, Update},
    support::prover::Prover,
};
use std::rc::Rc;

/// The browser of rows that are not about browsers.
pub(crate) const CHROME: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";

/// What was found out about one row and recipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Measured {
    worst: Verdict,
    /// How often it was that.
    times: u32,
    /// After how many changes the client asked.
    of: u32,
}

/// What the client was from the sign-in on.
struct Play<'a> {
    road: Road,
    address: &'static str,
    agent: &'a str,
    changes: Vec<Change<'a>>,
}

impl<'a> Play<'a> {
    fn at_home(agent: &'a str, changes: Vec<Change<'a>>) -> Self {
        Self { road: Road::Cdn, address: HOME, agent, changes }
    }
}

/// Plays one row.
#[track_caller]
pub(crate) fn measure(world: &World, row: &Lockout) -> Measured {
    let verdicts: Vec<Verdict> = match &row.happens {
        Happens::Updates(kind) => BROWSERS
            .into_iter()
            .flat_map(|(name, _)| {
                let updates = agents::updates(name);
                let runs = runs_of(&updates, *kind).into_iter();
                runs.flat_map(|(agent, changes)| play(world, row, &Play::at_home(agent, changes))).collect::<Vec<_>>()
            })
            .collect(),
        Happens::DesktopMode => agents::desktop_mode()
            .iter()
            .flat_map(|(_, mobile, desktop)| play(world, row, &Play::at_home(mobile, vec![Change::Agent(desktop)])))
            .collect(),
        Happens::These { road, address, changes } => {
            play(world, row, &Play { road: *road, address, agent: CHROME, changes: changes.to_vec() })
        }
    };
    let worst = verdicts.iter().copied().max().expect("something happens");
    let count = |verdicts: &mut dyn Iterator<Item = &Verdict>| u32::try_from(verdicts.count()).expect("a few");
    let of = count(&mut verdicts.iter());
    let times = count(&mut verdicts.iter().filter(|verdict| **verdict == worst));
    let others = count(&mut verdicts.iter().filter(|verdict| **verdict == Verdict::NotNoticed));
    assert!(times == of || times + others == of, "{}, {}: {verdicts:?}", row.name, world.recipe.name());
    Measured { worst, times, of }
}

/// The steps of this kind in a history: those that follow each other in one run, each followed by a renewal.
fn runs_of(updates: &[(Update, String, String)], kind: Update) -> Vec<(&str, Vec<Change<'_>>)> {
    let runs = updates.chunk_by(|(one, ..), (other, ..)| one == other).filter(|run| run[0].0 == kind);
    runs.map(|run| {
        let steps = run.iter().flat_map(|(_, _, after)| [Change::Agent(after), Change::Renewal]);
        (run[0].1.as_str(), steps.collect())
    })
    .collect()
}

/// What became of the first request after each change.
#[track_caller]
fn play(world: &World, row: &Lockout, play: &Play<'_>) -> Vec<Verdict> {
    let Play { road, address, agent, changes } = play;
    let mut client = Person::signed_in(world, ALICE, *road, address, agent);
    let first = client.ask(world);
    assert_eq!(
        first.served(),
        Some(Verdict::NotNoticed),
        "{}, before anything has happened: {:?}",
        row.name,
        first.reply
    );
    let mut verdicts = Vec::new();
    for change in changes {
        happen(world, *change, &mut client);
        if !matches!(change, Change::Renewal) {
            verdicts.push(asks(world, row, &mut client));
        }
    }
    verdicts
}

#[track_caller]
fn happen(world: &World, change: Change<'_>, client: &mut Person) {
    match change {
        Change::Address(address) => client.address = address.parse().expect("an address"),
        Change::Agent(agent) => agent.clone_into(&mut client.agent),
        Change::Road(road) => client.road = road,
        Change::Renewal => client.renew(world),
        Change::NewProfile => {
            client.kept.proof_cookie = None;
            // The script makes a key where it finds none.
            client.kept.key = client.kept.key.take().map(|_| Rc::new(Prover::new()));
        }
        Change::Restart => world.restart(),
        Change::Rotation => world.rotate(),
        Change::OtherReplica => {
            world.start_replica();
            client.road = Road::OtherReplica;
        }
    }
}

/// The client asks, and signs in again if it has to; then it is served.
#[track_caller]
fn asks(world: &World, row: &Lockout, client: &mut Person) -> Verdict {
    let outcome = client.ask(world);
    if let Some(verdict) = outcome.served() {
        return verdict;
    }
    let context = || format!("{}, {}: {} {:?}", row.name, world.recipe.name(), outcome.reason, outcome.reply);
    // A browser that goes to a page is sent to the sign-in page, and a script is told that it has to sign in or may not.
    let expected: &[u16] = if world.recipe == Recipe::Default { &[303] } else { &[401, 403] };
    assert!(expected.contains(&outcome.reply.status), "{}", context());
    let before = client.session();
    client.sign_in(world);
    let again = client.ask(world);
    assert_eq!(again.served(), Some(Verdict::NotNoticed), "locked out for good: {}\n{:?}", context(), again.reply);
    match client.session() {
        Some(session) if Some(&session) == before.as_ref() => Verdict::AskedAgain,
        Some(_) | None => Verdict::SignedOut,
    }
}

impl Measured {
    /// Whether this is what was promised.
    pub(crate) fn keeps(self, promise: Promise) -> bool {
        match promise {
            Promise::Each(verdict) => self.worst == verdict && self.times == self.of,
            Promise::Times(verdict, times) => self.worst == verdict && self.times == times,
        }
    }

    /// The cell of the table.
    pub(crate) fn cell(self) -> String {
        let (name, times, of) = (self.worst.name(), self.times, self.of);
        if times == of { name.to_owned() } else { format!("{name}, {times} of {of}") }
    }

    /// After how many changes the client asked.
    pub(crate) fn changes(self) -> u32 {
        self.of
    }
}

#[test]
fn a_promise_is_kept_to_the_number() {
    use Verdict::{NotNoticed, Reported, SignedOut};
    let measured = |worst, times, of| Measured { worst, times, of };
    for (measured, promise, kept, cell) in [
        (measured(NotNoticed, 3, 3), Promise::Each(NotNoticed), true, "not noticed"),
        (measured(SignedOut, 3, 3), Promise::Each(NotNoticed), false, "signed out"),
        (measured(SignedOut, 2, 3), Promise::Each(SignedOut), false, "signed out, 2 of 3"),
        (measured(Reported, 2, 3), Promise::Times(Reported, 2), true, "reported, 2 of 3"),
        (measured(Reported, 1, 3), Promise::Times(Reported, 2), false, "reported, 1 of 3"),
        (measured(SignedOut, 2, 3), Promise::Times(Reported, 2), false, "signed out, 2 of 3"),
    ] {
        assert_eq!((measured.keeps(promise), measured.cell().as_str()), (kept, cell), "{measured:?}, {promise:?}");
    }
}
