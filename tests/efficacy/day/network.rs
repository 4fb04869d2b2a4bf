//! The networks of the model and the addresses that their clients are seen with. Addresses are drawn, not taken from real
//! networks: only whether two are the same, or of one prefix, ever counts.

use super::{
    chance::{Chance, Matter},
    figures::{Figure, Scenario},
};
use std::net::IpAddr;

pub(crate) const HOUR: u32 = 60;
pub(crate) const DAY: u32 = 24 * HOUR;

/// The month that clients live through, in days.
pub(crate) const DAYS: u32 = 30;
/// How long networks are followed: a session that begins on the last day lives for another month.
const FOLLOWED_DAYS: u32 = DAYS + 30;

/// What a value was from which minute on.
pub(crate) struct Timeline<T>(Vec<(u32, T)>);

impl<T: Copy> Timeline<T> {
    /// The value in a minute.
    pub(crate) fn at(&self, minute: u32) -> T {
        self.0[self.place(minute)].1
    }

    /// The minute of the next change after a minute, if there is one.
    pub(crate) fn next_change(&self, minute: u32) -> Option<u32> {
        self.0.get(self.place(minute) + 1).map(|(from, _)| *from)
    }

    /// How many values there were before a minute.
    pub(crate) fn values_until(&self, minute: u32) -> u32 {
        u32::try_from(self.0.partition_point(|(from, _)| *from < minute)).unwrap_or(u32::MAX)
    }

    fn place(&self, minute: u32) -> usize {
        self.0.partition_point(|(from, _)| *from <= minute).saturating_sub(1)
    }
}

/// A line at home: one public IPv4 address, and an IPv6 prefix (/64) where the provider has it.
pub(crate) struct Home {
    pub(crate) four: Timeline<u32>,
    pub(crate) six: Option<Timeline<u64>>,
}

impl Home {
    pub(crate) fn of_client(client: u32, scenario: &Scenario) -> Self {
        let mut line = Chance::of(client, Matter::Line);
        // Whoever has IPv6 under one value has it under every higher one.
        let (kind, dual) = (line.below(100), line.below(100));
        // Providers renumber at night.
        let minute_of_night = 2 * HOUR + line.below(3 * HOUR);
        let stable = scenario.get(Figure::HomeStable);
        // Lines that change at random stand behind those that are renumbered daily.
        let (is_stable, is_daily) = (kind < stable, kind >= 100 - scenario.get(Figure::HomeDaily));
        let (mut four, mut six) = (Chance::of(client, Matter::FourAtHome), Chance::of(client, Matter::SixAtHome));
        let (mut addresses, mut prefixes) = (vec![(0, address(&mut four))], vec![(0, prefix(&mut six))]);
        for day in 0..FOLLOWED_DAYS {
            // A change within a day comes at any minute of it but the first, where the timeline begins.
            let minute = |chance: &mut Chance| day * DAY + 1 + chance.below(DAY - 1);
            if is_daily {
                let night = day * DAY + minute_of_night;
                addresses.push((night, address(&mut four)));
                prefixes.push((night, prefix(&mut six)));
                continue;
            }
            if !is_stable && four.once_in(scenario.get(Figure::HomeChangeDays)) {
                addresses.push((minute(&mut four), address(&mut four)));
            }
            if six.once_in(scenario.get(Figure::PrefixDays)) {
                prefixes.push((minute(&mut six), prefix(&mut six)));
            }
        }
        let is_dual = dual < scenario.get(Figure::DualStack);
        Self { four: Timeline(addresses), six: is_dual.then_some(Timeline(prefixes)) }
    }
}

/// A public IPv4 address.
pub(crate) fn address(chance: &mut Chance) -> u32 {
    chance.below(u32::MAX)
}

/// A /64 of global unicast addresses (2000::/3).
pub(crate) fn prefix(chance: &mut Chance) -> u64 {
    let bits = u64::from(chance.below(u32::MAX)) << 32 | u64::from(chance.below(u32::MAX));
    bits >> 3 | 1 << 61
}

/// The interface half of a temporary address (RFC 8981).
pub(crate) fn interface(chance: &mut Chance) -> u64 {
    u64::from(chance.below(u32::MAX)) << 32 | u64::from(chance.below(u32::MAX))
}

/// How a client can be seen while it is attached to one network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attachment {
    pub(crate) place: Place,
    /// The first minute.
    pub(crate) from: u32,
    /// The temporary address of the interface.
    pub(crate) interface: u64,
}

/// Where a client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Home,
    /// A mobile network, with what it gave for this attachment: an address behind carrier-grade NAT, and a /64 of the
    /// device's own where there is IPv6 (RFC 6459).
    Mobile {
        four: u32,
        six: Option<u64>,
        hops: bool,
    },
    /// An office, a public or a foreign network: IPv4 behind NAT, in each visit one of `addresses` consecutive ones.
    Shared {
        four: u32,
        addresses: u32,
    },
}

/// An address as samehand takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    Four(u32),
    Six { prefix: u64, interface: u64 },
}

impl Address {
    pub(crate) fn ip(self) -> IpAddr {
        match self {
            Self::Four(bits) => IpAddr::from(bits.to_be_bytes()),
            Self::Six { prefix, interface } => {
                IpAddr::from((u128::from(prefix) << 64 | u128::from(interface)).to_be_bytes())
            }
        }
    }
}
