//! Runs the model: every client's month under every recipe, on all cores, with the same sums on one core as on many.

use super::{
    browsers::Agents,
    chance::{Chance, Matter},
    figures::Scenario,
    life::{Kind, Life},
    network::{Address, DAY, DAYS, Place, address, interface, prefix},
    recipes::{Judge, Loot, Recipe},
};
use std::{ops::Range, thread};

/// Where the thief sits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seat {
    Elsewhere,
    /// Behind the same NAT, on the same link.
    SameNetwork,
}

/// The thieves, in the order of the columns.
pub(crate) const THIEVES: [(Loot, Seat); 4] = [
    (Loot::Token, Seat::Elsewhere),
    (Loot::Token, Seat::SameNetwork),
    (Loot::CookieJar, Seat::Elsewhere),
    (Loot::CookieJar, Seat::SameNetwork),
];

/// What came of one client.
pub(crate) struct Outcome {
    pub(crate) kind: Kind,
    /// By recipe.
    pub(crate) lockouts: [u32; Recipe::ALL.len()],
    /// By recipe: visits in which a watched part had changed.
    pub(crate) reported: [u32; Recipe::ALL.len()],
    /// By recipe and thief: minutes that the token works for, without renewing it and with.
    pub(crate) windows: [[(u32, u32); THIEVES.len()]; Recipe::ALL.len()],
    /// IPv4 addresses that the line at home had in the month.
    pub(crate) addresses_at_home: u32,
    pub(crate) requests: u32,
}

/// What came of all.
pub(crate) struct Outcomes {
    /// In the order of the clients.
    pub(crate) clients: Vec<Outcome>,
    /// Comparisons that the library confirmed.
    pub(crate) audited: u64,
}

pub(crate) fn run(clients: u32, scenario: &Scenario, agents: &Agents) -> Outcomes {
    let threads = thread::available_parallelism().map_or(1, |count| u32::try_from(count.get()).unwrap_or(1));
    let share = clients.div_ceil(threads);
    let ranges = (0..threads).map(|thread| (thread * share).min(clients)..((thread + 1) * share).min(clients));
    let parts: Vec<Outcomes> = thread::scope(|scope| {
        let running: Vec<_> = ranges.map(|range| scope.spawn(move || run_some(range, scenario, agents))).collect();
        running.into_iter().map(|thread| thread.join().expect("a part of the run")).collect()
    });
    let audited = parts.iter().map(|part| part.audited).sum();
    Outcomes { clients: parts.into_iter().flat_map(|part| part.clients).collect(), audited }
}

fn run_some(clients: Range<u32>, scenario: &Scenario, agents: &Agents) -> Outcomes {
    let mut judge = Judge::new(agents);
    let clients = clients.map(|client| outcome(client, scenario, agents, &mut judge)).collect();
    Outcomes { clients, audited: judge.audited }
}

fn outcome(client: u32, scenario: &Scenario, agents: &Agents, judge: &mut Judge<'_>) -> Outcome {
    let life = Life::of_client(client, scenario, agents);
    let mut chance = Chance::of(client, Matter::Thieves);
    let stolen = chance.below(u32::try_from(life.requests.len()).expect("few")) as usize;
    let thieves = THIEVES.map(|(_, seat)| addresses(seat, &life, life.requests[stolen].minute, &mut chance));
    let mut outcome = Outcome {
        kind: life.kind,
        lockouts: [0; Recipe::ALL.len()],
        reported: [0; Recipe::ALL.len()],
        windows: [[(0, 0); THIEVES.len()]; Recipe::ALL.len()],
        addresses_at_home: life.home.four.values_until(DAYS * DAY),
        requests: u32::try_from(life.requests.len()).expect("few"),
    };
    for recipe in Recipe::ALL {
        let (month, bound) = judge.live(recipe, &life, stolen);
        let minute = life.requests[stolen].minute;
        outcome.lockouts[recipe as usize] = month.lockouts;
        outcome.reported[recipe as usize] = month.reported;
        outcome.windows[recipe as usize] = std::array::from_fn(|thief| {
            let (plain, renewed) = judge.stolen_until(recipe, &bound, minute, THIEVES[thief].0, &thieves[thief]);
            (plain.saturating_sub(minute), renewed.saturating_sub(minute))
        });
    }
    outcome
}

/// By which addresses a thief can come, each with the minute in which it is lost.
fn addresses(seat: Seat, life: &Life, minute: u32, chance: &mut Chance) -> Vec<(Address, u32)> {
    let elsewhere =
        [Address::Four(address(chance)), Address::Six { prefix: prefix(chance), interface: interface(chance) }];
    match (seat, life.place(minute)) {
        (Seat::Elsewhere, _) => elsewhere.map(|address| (address, u32::MAX)).into(),
        (Seat::SameNetwork, Place::Home) => {
            let lost = |change: Option<u32>| change.unwrap_or(u32::MAX);
            let four = (Address::Four(life.home.four.at(minute)), lost(life.home.four.next_change(minute)));
            let six = life.home.six.as_ref().map(|six| {
                let address = Address::Six { prefix: six.at(minute), interface: interface(chance) };
                (address, lost(six.next_change(minute)))
            });
            std::iter::once(four).chain(six).collect()
        }
        // A neighbour behind the carrier's NAT has the address for IPv4, and a /64 of its own.
        (Seat::SameNetwork, Place::Mobile { four, hops: false, .. }) => vec![(Address::Four(four), u32::MAX)],
        (Seat::SameNetwork, Place::Mobile { hops: true, .. }) => vec![(elsewhere[0], u32::MAX)],
        (Seat::SameNetwork, Place::Shared { four, addresses }) => {
            (0..addresses).map(|place| (Address::Four(four.wrapping_add(place)), u32::MAX)).collect()
        }
    }
}
