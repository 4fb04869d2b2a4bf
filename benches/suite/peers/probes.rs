//! Whether a peer does what its row says: lets the good client in, and refuses everybody whom it claims to refuse.

use super::{CLIENT, Peer, SECRET};
use crate::in_process::USER_AGENT;
use crate::support::{
    client::{Address, Reply, Request, ask},
    installation::Installation,
    token::Token,
    waiting::ask_while,
};
use samehand::app::now;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

/// Another client than the one that the tokens are bound to, by address and by browser.
const OTHER_ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 8);
const OTHER_BROWSER: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/141.0 Safari/537.36";

/// The longest that a server may take to let the good client in.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a check looks at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Check {
    /// Everybody gets in.
    Nothing,
    /// Signature and expiry.
    Token,
    /// And the client.
    Client,
    /// And whether it was revoked, within this many seconds.
    Revocation(u64),
}

/// Good and bad tokens of one kind.
pub(crate) struct Credentials {
    pub(crate) good: String,
    /// Signed with another secret.
    forged: String,
    /// Not signed at all.
    unsigned: String,
    expired: String,
}

impl Credentials {
    pub(crate) fn of(installation: &Installation) -> Self {
        let good = installation.mint("alice", CLIENT, USER_AGENT);
        let mut expired = Token::parse(&good);
        let mut unsigned = expired.clone();
        expired.claims["iat"] = (now() - 7200).into();
        expired.claims["exp"] = (now() - 3600).into();
        unsigned.header["alg"] = "none".into();
        let forged = Token::parse(&good).signed("somebody else's secret, 7dK2mPqz");
        Self { good, forged, unsigned: unsigned.unsigned(), expired: expired.signed(SECRET) }
    }
}

/// The length of the answer to the good client, or what is wrong with the check.
pub(crate) fn probe(
    peer: &Peer,
    check: Check,
    credentials: &Credentials,
    installation: &Installation,
) -> Result<usize, String> {
    let good = reply(peer, CLIENT, USER_AGENT, Some(&credentials.good));
    if good.status != 200 {
        return Err(format!("it answers {} to the good client: {}", good.status, peer.servers[0].log()));
    }
    let is_refused = |what: &str, reply: &Reply| match reply.status {
        401 | 403 => Ok(()),
        status => Err(format!("it answers {status} to {what}")),
    };
    if check == Check::Nothing {
        return Ok(length_of(&good));
    }
    let Credentials { good: token, forged, unsigned, expired } = credentials;
    is_refused("a client without a token", &reply(peer, CLIENT, USER_AGENT, None))?;
    for (what, bad) in [("a forged token", forged), ("an unsigned token", unsigned), ("an expired token", expired)] {
        is_refused(what, &reply(peer, CLIENT, USER_AGENT, Some(bad)))?;
    }
    if check != Check::Token {
        is_refused("another browser", &reply(peer, CLIENT, OTHER_BROWSER, Some(token)))?;
        is_refused("another address", &reply(peer, OTHER_ADDRESS, USER_AGENT, Some(token)))?;
    }
    if let Check::Revocation(seconds) = check {
        // Of somebody else: two article tokens of one client are the same token when they are made in the same second.
        let revoked = installation.mint("bob", CLIENT, USER_AGENT);
        let ask = || reply(peer, CLIENT, USER_AGENT, Some(&revoked));
        if ask().status != 200 {
            return Err("it refuses a token that is going to be revoked".into());
        }
        installation.succeed(&["token", "revoke", &revoked], "");
        let promised = Duration::from_secs(seconds);
        let _ = ask_while(Instant::now(), |so_far| so_far < promised, || ask().status != 200);
        is_refused("a revoked token", &ask())?;
    }
    Ok(length_of(&good))
}

/// Waits until the good client gets in: some servers listen before they have read what they are to do.
pub(crate) fn await_readiness(peer: &Peer, token: &str) -> Result<(), String> {
    let mut status = 0;
    let lets_in = ask_while(
        Instant::now(),
        |so_far| so_far < PATIENCE,
        || {
            status = reply(peer, CLIENT, USER_AGENT, Some(token)).status;
            status == 200
        },
    );
    let refused = |_| format!("it answers {status} to the good client: {}", peer.servers[0].log());
    lets_in.map(|_| ()).map_err(refused)
}

/// One answer on a connection of its own.
fn reply(peer: &Peer, from: Ipv4Addr, user_agent: &str, token: Option<&str>) -> Reply {
    let request = Request::get(peer.path).host(&peer.address.to_string()).header("User-Agent", user_agent);
    ask(from, &Address::Tcp(peer.address), &token.into_iter().fold(request, Request::bearer))
}

/// Bytes on the wire.
fn length_of(reply: &Reply) -> usize {
    let lines = reply.headers.iter().map(|(name, value)| name.len() + ": ".len() + value.len() + "\r\n".len());
    "HTTP/1.1 200 OK\r\n".len() + lines.sum::<usize>() + "\r\n".len() + reply.body.len()
}
