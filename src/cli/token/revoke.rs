//! `samehand token revoke`: takes back a token, a session, all of a user, or everything.
//!
//! The store is told, and running services hear it from there within a second. It asks nothing and creates no store.

use crate::check::names::UserName;
use crate::check::revocation::RevokedId;
use crate::check::token::VerifiedToken;
use crate::cli::opened::Opened;
use crate::cli::{Failure, Outcome, print, ring, trail};
use crate::config::Config;
use crate::keys::Missing;
use crate::revoke::{Target, TargetError};
use crate::store::{Access, Revoked};
use std::io::IsTerminal as _;

#[derive(clap::Args)]
#[group(id = "what", multiple = false)]
pub(super) struct Args {
    /// The token, with the session that it belongs to; read from standard input when it is `-` or nothing is given.
    token: Option<String>,
    /// A session by its SID, from `samehand session list`; it may begin with a hyphen.
    #[arg(long, value_name = "SID", allow_hyphen_values = true)]
    session: Option<String>,
    /// All that was issued to a user before, with the user's sessions.
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// All that was issued before, with every session. Nobody is asked.
    #[arg(long)]
    all: bool,
}

pub(super) fn run(args: Args, config: &Config, now: u64) -> Outcome {
    let target = read(args, config, now)?;
    let store = Opened::at(&config.store, Access::Existing)?;
    let stranger = match &target {
        Target::User(name) if is_never_seen(&store, name)? => Some(name),
        Target::User(_) | Target::Token(_) | Target::Session(_) | Target::Everything => None,
    };
    let revoked = store.wait(store.revoke(&target.revocations()))?;
    let entry = trail::entry("revoke", target.to_string(), "ok", now);
    if let Err(problem) = store.wait(store.note_trail(&[entry])) {
        print::note(&format!("warning: this is not in the audit trail: {problem}"));
    }
    if let Some(name) = stranger {
        print::note(&format!("warning: there is no user {name}, and no session of one; is the name spelled right?"));
    }
    print::note(&print::safe(&said(&target, &revoked, now)));
    Ok(())
}

fn read(args: Args, config: &Config, now: u64) -> Result<Target, Failure> {
    let usage = |option: &'static str| move |error: TargetError| Failure::Usage(format!("--{option}: {error}"));
    match args {
        Args { session: Some(sid), .. } => Target::session(&sid).map_err(usage("session")),
        Args { user: Some(name), .. } => Target::user(&name).map_err(usage("user")),
        Args { all: true, .. } => Ok(Target::Everything),
        Args { token: None, .. } if std::io::stdin().is_terminal() => Err(Failure::Usage(
            "say what to revoke: a token (or `-` for standard input), --session SID, --user NAME, or --all".into(),
        )),
        Args { token, .. } => {
            let text = super::given_or_piped(token)?;
            let keys = ring::load(config, Missing::Refuse)?;
            let read = Target::token(text.trim(), &keys.ring, &config.policy, now);
            read.map_err(|error| Failure::Failed(format!("token: {error}; nothing was revoked")))
        }
    }
}

/// Whether there is no such user, no session of one, and no revocation from when there was.
fn is_never_seen(store: &Opened, name: &UserName) -> Result<bool, Failure> {
    if store.wait(store.user(name))?.is_some() || !store.wait(store.sessions_after(Some(name), None, 1))?.is_empty() {
        return Ok(false);
    }
    Ok(store.revocations()?.user(RevokedId::user(name)).is_none())
}

/// What was ended.
fn said(target: &Target, revoked: &Revoked, now: u64) -> String {
    match target {
        Target::Token(token) => said_of_token(token, revoked, now),
        Target::Session(_) if revoked.sessions == 0 => {
            format!("{target} is refused from now on; it was not open: it had ended before, or never began")
        }
        Target::Session(_) => format!("{target} ended, and its tokens are refused from now on"),
        Target::User(_) | Target::Everything => format!("{target}: {}", print::ended(revoked)),
    }
}

fn said_of_token(token: &VerifiedToken, revoked: &Revoked, now: u64) -> String {
    let subject = token.subject();
    let itself = match token.is_expired() {
        true => format!("the token of {subject} expired {} s ago", now.saturating_sub(token.expires_at())),
        false => format!("the token of {subject} is refused from now on"),
    };
    match (token.session(), revoked.sessions) {
        (None, _) if token.is_expired() => format!("{itself} and has no session: there is nothing to revoke"),
        (None, _) => format!("{itself}; it has no session"),
        (Some(sid), 0) => format!("{itself}; its session {sid} had ended before"),
        (Some(sid), _) => format!("{itself}; its session {sid} ended"),
    }
}
