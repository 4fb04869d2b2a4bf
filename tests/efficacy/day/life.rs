//! One client's month: where it is, when it visits, and what samehand sees of it each time. Draws everything from the
//! client's own chances, and knows nothing of recipes.

use super::{
    browsers::Agents,
    chance::{Chance, Matter},
    figures::{Figure, Scenario},
    network::{Address, Attachment, DAY, DAYS, HOUR, Home, Place, address, interface, prefix},
};

/// What kind of computer it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Phone,
    Laptop,
    HomeComputer,
    OfficeComputer,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Phone, Self::Laptop, Self::HomeComputer, Self::OfficeComputer];

    /// Of a hundred clients.
    pub(crate) fn share(self) -> u32 {
        match self {
            Self::Phone => 50,
            Self::Laptop => 20,
            Self::HomeComputer | Self::OfficeComputer => 15,
        }
    }

    /// The kind of the client with this number.
    fn of_client(client: u32) -> Self {
        let mut place = client % 100;
        for kind in Self::ALL {
            if place < kind.share() {
                return kind;
            }
            place -= kind.share();
        }
        unreachable!("the shares make a hundred")
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Laptop => "laptop",
            Self::HomeComputer => "computer at home",
            Self::OfficeComputer => "computer in an office",
        }
    }

    /// The history of the client's browser. Shares assumed.
    fn browser(self, chance: &mut Chance) -> &'static str {
        let draw = chance.below(100);
        match self {
            Self::Phone => match draw {
                0..60 => "chrome_android",
                60..88 => "safari_iphone",
                88..94 => "samsung_internet",
                _ => "firefox_android",
            },
            Self::Laptop | Self::HomeComputer | Self::OfficeComputer => match draw {
                0..60 => "chrome_windows",
                60..75 => "edge_windows",
                75..90 => "safari_macos",
                _ => "firefox_windows",
            },
        }
    }
}

/// What samehand sees of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) minute: u32,
    pub(crate) address: Address,
    /// The place of the `User-Agent` among the [`Agents`].
    pub(crate) agent: usize,
}

/// A client's month.
pub(crate) struct Life {
    pub(crate) kind: Kind,
    pub(crate) home: Home,
    /// In the order of time; within a visit only what differs from the request before.
    pub(crate) requests: Vec<Seen>,
    /// Where it was, in the order of time.
    attachments: Vec<Attachment>,
}

impl Life {
    /// Lives the month of one client.
    pub(crate) fn of_client(client: u32, scenario: &Scenario, agents: &Agents) -> Self {
        let kind = Kind::of_client(client);
        let home = Home::of_client(client, scenario);
        let attachments = attachments(kind, client, scenario);
        let mut chance = Chance::of(client, Matter::Browser);
        let browser = kind.browser(&mut chance);
        // The train's length is the same for all of a browser's users, and each gets on it at another hour.
        let update_days = match browser {
            "safari_macos" | "safari_iphone" => 45,
            "samsung_internet" => 60,
            _ => scenario.get(Figure::UpdateDays),
        };
        let updated = chance.below(update_days * DAY);
        let most_updates = (DAYS / update_days + 1) as usize;
        let versions = agents.versions(browser);
        let first_version =
            versions.start + chance.below(u32::try_from(versions.len() - most_updates).expect("few")) as usize;
        let visits = scenario.get(Figure::Visits);
        let mut times = Chance::of(client, Matter::Visits);
        let mut races = Chance::of(client, Matter::Connections);
        let mut requests = Vec::new();
        for day in 0..DAYS {
            for minute in visits_of_day(kind, day, visits, &mut times) {
                let version = first_version + ((minute + updated) / (update_days * DAY)) as usize;
                let in_desktop_mode =
                    kind == Kind::Phone && chance.below(100 * visits) < scenario.get(Figure::DesktopMode);
                let agent = if in_desktop_mode { agents.in_desktop_mode(browser) } else { version };
                let place = attachments.partition_point(|attachment| attachment.from <= minute) - 1;
                let networks = networks(&attachments[place], &home, minute, &mut times);
                let mut last = None;
                // Each connection has a race of its own between the address families.
                for _ in 0..scenario.get(Figure::Connections) {
                    let address = match networks.1 {
                        Some(six) if !races.percent(scenario.get(Figure::RaceLost)) => six,
                        Some(_) | None => networks.0,
                    };
                    let seen = Seen { minute, address, agent };
                    if last != Some(seen) {
                        requests.push(seen);
                        last = Some(seen);
                    }
                }
            }
        }
        Self { kind, home, requests, attachments }
    }

    /// Where the client was in a minute.
    pub(crate) fn place(&self, minute: u32) -> Place {
        self.attachments[self.attachments.partition_point(|attachment| attachment.from <= minute) - 1].place
    }
}

/// The addresses by which a client can be seen in one visit: IPv4, and IPv6 where it has that.
fn networks(attachment: &Attachment, home: &Home, minute: u32, chance: &mut Chance) -> (Address, Option<Address>) {
    let (four, six) = match attachment.place {
        Place::Home => (home.four.at(minute), home.six.as_ref().map(|six| six.at(minute))),
        // The pool gives another address for each visit; what a visit gets stays with it.
        Place::Mobile { four, six, hops: true } => (four.wrapping_add(minute), six),
        Place::Mobile { four, six, hops: false } => (four, six),
        Place::Shared { four, addresses } => (four.wrapping_add(chance.below(addresses)), None),
    };
    let interface = attachment.interface;
    (Address::Four(four), six.map(|prefix| Address::Six { prefix, interface }))
}

/// Monday is day 0.
fn is_working_day(day: u32) -> bool {
    day % 7 < 5
}

/// The minutes of a day's visits, in their order.
fn visits_of_day(kind: Kind, day: u32, visits: u32, chance: &mut Chance) -> Vec<u32> {
    let (first, hours) = match kind {
        Kind::OfficeComputer if !is_working_day(day) => return Vec::new(),
        Kind::OfficeComputer => (9, 8),
        Kind::Phone | Kind::Laptop | Kind::HomeComputer => (7, 16),
    };
    let mut minutes: Vec<u32> = (0..visits).map(|_| day * DAY + first * HOUR + chance.below(hours * HOUR)).collect();
    minutes.sort_unstable();
    minutes
}

fn attachments(kind: Kind, client: u32, scenario: &Scenario) -> Vec<Attachment> {
    let chance = &mut Chance::of(client, Matter::Places);
    let several = chance.percent(scenario.get(Figure::SeveralEgresses));
    let office = Place::Shared { four: address(chance), addresses: if several { 4 } else { 1 } };
    let carrier_hops = chance.percent(scenario.get(Figure::PoolHop));
    let carrier_has_six = chance.percent(scenario.get(Figure::DualStack));
    let mut list = Vec::new();
    for day in 0..DAYS {
        let mut attach = |minute: u32, place: Place, chance: &mut Chance| {
            list.push(Attachment { place, from: day * DAY + minute, interface: interface(chance) });
        };
        match kind {
            // A network has its own temporary address each day, whoever stays on it (RFC 8981 section 3.8).
            Kind::HomeComputer => attach(0, Place::Home, chance),
            Kind::OfficeComputer => attach(0, office, chance),
            Kind::Laptop => {
                attach(0, Place::Home, chance);
                if is_working_day(day) && chance.percent(60) {
                    attach(9 * HOUR, office, chance);
                    attach(17 * HOUR, Place::Home, chance);
                }
                if chance.percent(scenario.get(Figure::Cafe)) {
                    attach(18 * HOUR, Place::Shared { four: address(chance), addresses: 1 }, chance);
                    attach(19 * HOUR, Place::Home, chance);
                }
            }
            Kind::Phone => {
                let trips = scenario.get(Figure::Trips);
                let slot = 16 * HOUR / trips;
                attach(0, Place::Home, chance);
                for trip in 0..trips {
                    let mobile = |chance: &mut Chance| Place::Mobile {
                        four: address(chance),
                        six: carrier_has_six.then(|| prefix(chance)),
                        hops: carrier_hops,
                    };
                    let leaves = 7 * HOUR + trip * slot + chance.below(slot / 4);
                    let arrives = leaves + 20;
                    let returns = arrives + slot / 2;
                    let on_the_way = mobile(chance);
                    attach(leaves, on_the_way, chance);
                    if chance.percent(scenario.get(Figure::OtherWifi)) {
                        attach(arrives, office, chance);
                        let back = mobile(chance);
                        attach(returns, back, chance);
                    }
                    attach(returns + 20, Place::Home, chance);
                }
            }
        }
    }
    list
}
