//! The table *Lockout*: what happens to honest clients, as data, and what each recipe promises them.
//!
//! The promises are reasoned from what a recipe compares, never copied from a run: an address of the whole and a
//! `User-Agent` to the byte (*article*); `/32` or `/64` of either family and the browser's family (*default*); the browser's
//! family and a secret that stays with the client (*roam*); a key that does (*proof*).

use super::{
    verdict::Verdict::{AskedAgain, NotNoticed, Reported, SignedOut},
    world::Road::{self, Edge, UnannouncedCdn},
};
use crate::agents::Update;

/// One row.
pub(crate) struct Lockout {
    pub(crate) name: &'static str,
    /// What happens to the client.
    pub(crate) what: &'static str,
    pub(crate) happens: Happens,
    /// By recipe, in the order of the columns.
    pub(crate) promised: [Promise; 4],
}

/// What is to become of the requests after each change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Promise {
    /// This, each time.
    Each(super::verdict::Verdict),
    /// This so many times, and else nothing is noticed.
    Times(super::verdict::Verdict, u32),
}

use Promise::{Each, Times};

/// What happens, step by step.
pub(crate) enum Happens {
    /// Every step of this kind in the histories of the browsers; after each the token is renewed.
    Updates(Update),
    /// Every browser of tests/data/desktop_mode.tsv.
    DesktopMode,
    /// To a client that has signed in by way of `road` from `address`.
    These { road: Road, address: &'static str, changes: &'static [Change<'static>] },
}

/// One thing that happens. The client asks for a page afterwards, but for [`Change::Renewal`].
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change<'a> {
    /// The client has this address from now on.
    Address(&'static str),
    /// The browser sends this from now on.
    Agent(&'a str),
    /// The client goes this way from now on.
    Road(Road),
    /// The client exchanges its token for a fresh one; nothing is counted.
    Renewal,
    /// The token, and nothing else, is taken to a new profile of the browser.
    NewProfile,
    /// samehand ends and starts again.
    Restart,
    /// There are new keys and a new salt.
    Rotation,
    /// Another samehand with the same store is asked from now on.
    OtherReplica,
}

use Change::{Address, NewProfile, OtherReplica, Renewal, Restart, Rotation};

/// Documentation addresses (RFC 5737, RFC 3849) stand for those of clients, and loopback where clients connect themselves.
pub(crate) const HOME: &str = "192.0.2.7";
const HOME_SIX: &str = "2001:db8:1:1::7";
const ON_THIS_MACHINE: &str = "127.0.0.7";

const fn from(address: &'static str, changes: &'static [Change<'static>]) -> Happens {
    Happens::These { road: Road::Cdn, address, changes }
}

pub(crate) const ROWS: [Lockout; 15] = [
    Lockout {
        name: "B1",
        what: "minor update of the browser",
        happens: Happens::Updates(Update::Minor),
        promised: [Each(SignedOut), Each(NotNoticed), Each(NotNoticed), Each(NotNoticed)],
    },
    Lockout {
        name: "B2",
        what: "major update of the browser",
        happens: Happens::Updates(Update::Major),
        promised: [Each(SignedOut), Each(NotNoticed), Each(NotNoticed), Each(NotNoticed)],
    },
    Lockout {
        name: "B3",
        what: "from Wi-Fi to the mobile network",
        happens: from(HOME, &[Address("198.51.100.9")]),
        promised: [Each(SignedOut), Each(SignedOut), Each(Reported), Each(Reported)],
    },
    Lockout {
        name: "B4",
        what: "another temporary IPv6 address in the same /64",
        happens: from(HOME_SIX, &[Address("2001:db8:1:1:9c4e:21:aa07:5f3")]),
        promised: [Each(SignedOut), Each(NotNoticed), Each(NotNoticed), Each(NotNoticed)],
    },
    Lockout {
        name: "B5",
        what: "IPv4 and IPv6 in turns, within one page",
        happens: from(HOME, &[Address(HOME_SIX), Address(HOME), Address(HOME_SIX), Address(HOME)]),
        promised: [Each(SignedOut), Times(AskedAgain, 1), Times(Reported, 2), Times(Reported, 2)],
    },
    Lockout {
        name: "B6",
        what: "another address of the same CGNAT pool",
        happens: from("100.64.3.20", &[Address("100.64.3.77")]),
        promised: [Each(SignedOut), Each(SignedOut), Each(Reported), Each(Reported)],
    },
    Lockout {
        name: "B7",
        what: "another DHCP lease in the morning; the token is renewed, and used again",
        happens: from(HOME, &[Address("192.0.2.201"), Renewal, Address("192.0.2.201")]),
        promised: [Times(SignedOut, 1), Times(SignedOut, 1), Times(Reported, 1), Times(Reported, 1)],
    },
    Lockout {
        name: "B8",
        what: "\"request desktop site\"",
        happens: Happens::DesktopMode,
        promised: [Each(SignedOut), Each(SignedOut), Each(SignedOut), Each(Reported)],
    },
    Lockout {
        name: "B9",
        what: "samehand is restarted",
        happens: from(HOME, &[Restart]),
        promised: [Each(NotNoticed); 4],
    },
    Lockout {
        name: "B10",
        what: "keys and salt are rotated",
        happens: from(HOME, &[Rotation]),
        promised: [Each(NotNoticed); 4],
    },
    Lockout {
        name: "B11",
        what: "another replica answers",
        happens: from(HOME, &[OtherReplica]),
        promised: [Each(NotNoticed); 4],
    },
    Lockout {
        name: "B12",
        what: "a CDN is put before nginx, as docs/nginx.md says",
        happens: Happens::These { road: Edge, address: ON_THIS_MACHINE, changes: &[Change::Road(Road::Cdn)] },
        promised: [Each(NotNoticed); 4],
    },
    Lockout {
        name: "B12b",
        what: "a CDN is put before nginx, and nginx is not told",
        happens: Happens::These { road: Edge, address: ON_THIS_MACHINE, changes: &[Change::Road(UnannouncedCdn)] },
        promised: [Each(SignedOut), Each(SignedOut), Each(Reported), Each(Reported)],
    },
    Lockout {
        name: "B13",
        what: "a company with four outgoing addresses, in turns",
        happens: from(
            "203.0.113.1",
            &[Address("203.0.113.2"), Address("203.0.113.3"), Address("203.0.113.4"), Address("203.0.113.1")],
        ),
        promised: [Each(SignedOut), Each(SignedOut), Times(Reported, 3), Times(Reported, 3)],
    },
    Lockout {
        name: "B14",
        what: "the token is taken to a new profile of the browser",
        happens: from(HOME, &[NewProfile]),
        promised: [Each(NotNoticed), Each(NotNoticed), Each(SignedOut), Each(SignedOut)],
    },
];
