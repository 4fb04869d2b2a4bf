//! The table *Theft*: thieves as data, and what each recipe promises about them.
//!
//! The promises are reasoned from what a thief has and what a recipe compares, never copied from a run: *article* and
//! *default* stop whoever has another address or browser, *roam* whoever lacks the proof cookie, *proof* whoever lacks the key.

use super::verdict::Verdict::{self, Blocked, NotNoticed, Reported};

/// One row.
pub(crate) struct Theft {
    pub(crate) name: &'static str,
    /// Who does what.
    pub(crate) what: &'static str,
    pub(crate) loot: Loot,
    pub(crate) place: Place,
    pub(crate) agent: Agent,
    pub(crate) deed: Deed,
    /// By recipe, in the order of the columns.
    pub(crate) promised: [Verdict; 4],
}

/// What the thief has of the victim's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loot {
    /// The token, from a log or a screenshot.
    Token,
    /// What JavaScript of the page can read: the token where a script keeps it; no `HttpOnly` cookie, no key.
    WhatScriptsRead,
    /// All that the browser stores and gives away: the token, every cookie. Not the key, which it does not.
    WholeJar,
    /// That, and the key: as a program on the victim's machine has the use of it.
    Everything,
    /// A request with all its headers, as it came to the application behind the proxy.
    WhatTheApplicationGot,
    /// A request with all its headers, as the browser sent it.
    RecordedRequest,
}

/// Where the thief is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In another network.
    Elsewhere,
    /// At another address of the victim's /24.
    Nearby,
    /// Behind the same NAT: at the victim's address.
    SameNat,
}

/// What the thief says in `User-Agent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Agent {
    Own,
    Copied,
}

/// What the thief does. Each tries several requests, and one that is served is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// Sends what it has in every way that there is: in `Authorization` as bearer and as DPoP, with a proof by a key of its own,
    /// and in the session cookie.
    Send,
    /// The same with every header that is said to name the client's address, through the CDN and past it.
    ForgeHeaders,
    /// Sends a request again as it is; to another path; and with the proof altered.
    Replay,
    /// Sends the token without its proof, edited to need none, unsigned, and one that was minted under a weaker policy.
    Downgrade,
    /// Puts the token among the cookies, and beside the key, of a session of its own.
    MoveIntoOwnSession,
    /// Waits until the victim has signed out.
    ComeAfterSignOut,
    /// A script acts in the victim's page: the victim's browser sends what it wants.
    ActInPage,
    /// A script has proofs signed in the victim's page and sends them elsewhere, where they are used at once.
    RelayProofs,
    /// The same, where they are used later.
    KeepProofs,
}

pub(crate) const ROWS: [Theft; 16] = [
    Theft {
        name: "A1",
        what: "leaked token; other network, other browser",
        loot: Loot::Token,
        place: Place::Elsewhere,
        agent: Agent::Own,
        deed: Deed::Send,
        promised: [Blocked; 4],
    },
    Theft {
        name: "A2",
        what: "leaked token; other network, `User-Agent` copied",
        loot: Loot::Token,
        place: Place::Elsewhere,
        agent: Agent::Copied,
        deed: Deed::Send,
        promised: [Blocked; 4],
    },
    Theft {
        name: "A3",
        what: "leaked token; same NAT, other browser",
        loot: Loot::Token,
        place: Place::SameNat,
        agent: Agent::Own,
        deed: Deed::Send,
        promised: [Blocked; 4],
    },
    Theft {
        name: "A4",
        what: "leaked token; same NAT, `User-Agent` copied",
        loot: Loot::Token,
        place: Place::SameNat,
        agent: Agent::Copied,
        deed: Deed::Send,
        promised: [NotNoticed, NotNoticed, Blocked, Blocked],
    },
    Theft {
        name: "A5",
        what: "XSS sends what JavaScript can read to another network",
        loot: Loot::WhatScriptsRead,
        place: Place::Elsewhere,
        agent: Agent::Copied,
        deed: Deed::Send,
        promised: [Blocked; 4],
    },
    Theft {
        name: "A5b",
        what: "that, and proofs that it has the page sign, used a quarter of an hour later",
        loot: Loot::WhatScriptsRead,
        place: Place::Elsewhere,
        agent: Agent::Copied,
        deed: Deed::KeepProofs,
        promised: [Blocked; 4],
    },
    Theft {
        name: "A5c",
        what: "that, and proofs that it has the page sign, used at once",
        loot: Loot::WhatScriptsRead,
        place: Place::Elsewhere,
        agent: Agent::Copied,
        deed: Deed::RelayProofs,
        promised: [Blocked, Blocked, Blocked, Reported],
    },
    Theft {
        name: "A5d",
        what: "XSS acts in the page while it is open",
        loot: Loot::WhatScriptsRead,
        place: Place::Elsewhere,
        agent: Agent::Copied,
        deed: Deed::ActInPage,
        promised: [NotNoticed; 4],
    },
    Theft {
        name: "A6",
        what: "whole cookie jar at a nearby address (same /24)",
        loot: Loot::WholeJar,
        place: Place::Nearby,
        agent: Agent::Copied,
        deed: Deed::Send,
        promised: [Blocked, Blocked, Reported, Blocked],
    },
    Theft {
        name: "A6b",
        what: "whole cookie jar, same NAT",
        loot: Loot::WholeJar,
        place: Place::SameNat,
        agent: Agent::Copied,
        deed: Deed::Send,
        promised: [NotNoticed, NotNoticed, NotNoticed, Blocked],
    },
    Theft {
        name: "A7",
        what: "malicious upstream replays what it received",
        loot: Loot::WhatTheApplicationGot,
        place: Place::Elsewhere,
        agent: Agent::Copied,
        deed: Deed::Replay,
        promised: [Blocked, Blocked, Reported, Blocked],
    },
    Theft {
        name: "A8",
        what: "forged forwarding headers to look like the victim",
        loot: Loot::Token,
        place: Place::Elsewhere,
        agent: Agent::Copied,
        deed: Deed::ForgeHeaders,
        promised: [Blocked; 4],
    },
    Theft {
        name: "A9",
        what: "recorded request sent again or with its proof altered, same NAT",
        loot: Loot::RecordedRequest,
        place: Place::SameNat,
        agent: Agent::Copied,
        deed: Deed::Replay,
        promised: [NotNoticed, NotNoticed, NotNoticed, Blocked],
    },
    Theft {
        name: "A10",
        what: "downgrade to bearer, or to a weaker recipe",
        loot: Loot::Token,
        place: Place::Elsewhere,
        agent: Agent::Copied,
        deed: Deed::Downgrade,
        promised: [Blocked; 4],
    },
    Theft {
        name: "A11",
        what: "token moved into the session of another user behind the same NAT",
        loot: Loot::Token,
        place: Place::SameNat,
        agent: Agent::Copied,
        deed: Deed::MoveIntoOwnSession,
        promised: [NotNoticed, NotNoticed, Blocked, Blocked],
    },
    Theft {
        name: "A12",
        what: "token from before a sign-out, with everything else of the victim's",
        loot: Loot::Everything,
        place: Place::SameNat,
        agent: Agent::Copied,
        deed: Deed::ComeAfterSignOut,
        promised: [Blocked; 4],
    },
];
