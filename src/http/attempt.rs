//! One attempt to sign in with a name and a password, whichever way they came: by [`login`](super::login) or by the form of
//! [`pages`](super::pages). Nothing in here knows which.
//!
//! An unknown name, a wrong password and a disabled user get the same status, body and time. Passwords are hashed on
//! threads of their own behind a bounded queue; when it is full the answer is 429 at once, so that a flood of sign-ins
//! costs neither memory nor the decisions of others. So it is when there were too many attempts, whoever was asked for.

use super::opening::{Opening, open};
use super::trail::{self, Deed};
use super::{continuing, dpop};
use crate::app::App;
use crate::check::Caller;
use crate::check::client_ip::ClientIp;
use crate::check::dpop::VerifiedProof;
use crate::check::observed::ObservedClient;
use crate::check::once::{Replay, UnlessReplayed};
use crate::check::parts::Part;
use crate::issue::{Grant, Minted};
use crate::secret::Secret;
use crate::sessions::SessionError;
use crate::store::{Session, SignedInBy};
use crate::throttle::{Attempt, Refused};
use crate::users::{SignInError, SignedIn, sign_in};
use log::{error, info, warn};
use std::time::{Duration, Instant};

/// A refusal is answered at a multiple of this time after the attempt began. Each kind of refusal hashes as often, and
/// this hides what little else they do differently, such as reading the user that exists.
const REFUSAL_STEP: Duration = Duration::from_millis(50);
/// Seconds after which a caller may try again when the queue is full.
const RETRY_AFTER: u64 = 2;

/// Who signed in, with the first token of a new session.
pub(super) struct Welcome {
    /// The token.
    pub(super) minted: Minted,
    /// The session, for tokens that have one.
    pub(super) session: Option<Session>,
}

/// Why nobody signed in.
pub(super) enum Refusal {
    /// The user name or the password is not right.
    Wrong,
    /// Too many attempts at once; the next one may come after so many seconds.
    SlowDown(u64),
    /// This part has to be the same for the token to be good, and the client has not shown it.
    ProofMissing(Part),
    /// The password was right, and the proof of the key not used for the first time.
    ProofUsed(Replay),
    /// The password is right, and what is kept of the user does not fit into a token. Trying again does not help.
    TooLarge,
    /// It cannot be said now.
    Unavailable,
}

/// One attempt with a name and a password, however they came; `caller` may have brought a token of a session to go on with,
/// and `proof` is of the key that the client has shown.
///
/// Only when the password was right the proof is noted as used: a stranger writes nothing but counts of attempts.
pub(super) async fn attempt(
    app: &App,
    caller: &Caller<'_>,
    username: &str,
    password: Secret,
    client: &ObservedClient<'_>,
    proof: Option<UnlessReplayed<VerifiedProof>>,
) -> Result<Welcome, Refusal> {
    let (started, ip) = (Instant::now(), client.ip);
    if let Some(part) = unshown(app, client) {
        return Err(refuse_without_proof(app, part, username, ip));
    }
    let attempt = match app.throttle().take(app.store(), username, ip).await {
        Ok(attempt) => attempt,
        Err(Refused::Busy) => return Err(refuse(app, &SignInError::Busy, username, ip)),
        Err(Refused::TooOften { retry_after }) => {
            report(app, "throttled", username, ip);
            return Err(Refusal::SlowDown(retry_after));
        }
    };
    let outcome = sign_in(app.store(), app.hasher(), username, password, app.now()).await;
    settle(app, attempt, &outcome).await;
    if let (Ok(user), Some(proof)) = (&outcome, proof)
        && let Err((_, replay)) = dpop::settle(app, proof, None).await
    {
        report_used_proof(app, user, ip);
        return Err(Refusal::ProofUsed(replay));
    }
    match outcome {
        Ok(user) => match open_for(app, caller, &user, client).await {
            Ok((minted, session)) => {
                let sid = session.as_ref().map_or("", |session| session.id.as_str());
                report_success(app, caller, user.name().as_str(), ip, sid).await;
                Ok(Welcome { minted, session })
            }
            Err(problem) if problem.is_lasting() => {
                let name = user.name().as_str();
                report(app, "token-too-large", name, ip);
                error!(username = name; "{name} cannot sign in until `samehand user set {name}` shortens groups or names: {problem}");
                Err(Refusal::TooLarge)
            }
            Err(problem) => {
                report(app, "unavailable", user.name().as_str(), ip);
                error!(username = user.name().as_str(); "no token for a user who signed in: {problem}");
                Err(Refusal::Unavailable)
            }
        },
        Err(error) => {
            let refusal = refuse(app, &error, username, ip);
            if let SignInError::Refused(_) = error {
                tokio::time::sleep(until_next_step(started.elapsed())).await;
            }
            Err(refusal)
        }
    }
}

/// Asked before the password is looked at: whoever has no proof learns nothing about it.
fn unshown(app: &App, client: &ObservedClient<'_>) -> Option<Part> {
    let state = app.state();
    state.minter.unshown(client, &state.gate.policy)
}

/// Nobody guesses a password in this way, so it is no line for fail2ban.
fn refuse_without_proof(app: &App, part: Part, username: &str, ip: ClientIp) -> Refusal {
    app.audit().metrics().login("proof-missing");
    let (username, remote_ip) = (shortened(username), ip.to_string());
    let name = app.state().gate.policy.header_parts.name(part).to_owned();
    info!(
        username = username.as_str(), remote_ip = remote_ip.as_str(), part = name.as_str();
        "login without the proof that SAMEHAND_REQUIRE_SAME asks for"
    );
    Refusal::ProofMissing(part)
}

/// Whoever knows the password guesses nothing, so this is no line for fail2ban either.
fn report_used_proof(app: &App, user: &SignedIn, ip: ClientIp) {
    app.audit().metrics().login("proof-used");
    let (username, remote_ip) = (user.name().as_str(), ip.to_string());
    info!(username = username, remote_ip = remote_ip.as_str(); "login with a DPoP proof that was used before");
}

async fn open_for(
    app: &App,
    caller: &Caller<'_>,
    user: &SignedIn,
    client: &ObservedClient<'_>,
) -> Result<(Minted, Option<Session>), SessionError> {
    let continues = continuing::session(app, caller, client, user.name()).await;
    open(app, Opening { continues, ..opening_for(user) }, client).await
}

/// Only a refusal of the password uses the attempt up.
async fn settle(app: &App, attempt: Attempt, outcome: &Result<SignedIn, SignInError>) {
    match outcome {
        Ok(_) => app.throttle().was_right(app.store(), attempt).await,
        Err(SignInError::Refused(_)) => drop(attempt),
        Err(SignInError::Busy | SignInError::Unavailable(_)) => app.throttle().give_back(app.store(), attempt).await,
    }
}

/// What is left of the step that has begun.
fn until_next_step(elapsed: Duration) -> Duration {
    let step = REFUSAL_STEP.as_micros();
    let left = step - elapsed.as_micros() % step;
    Duration::from_micros(u64::try_from(left).unwrap_or_default())
}

/// A new session of a user who has just shown to know the password.
pub(super) fn opening_for(user: &SignedIn) -> Opening {
    let grant = Grant {
        groups: user.groups().clone(),
        name: user.display_name().cloned(),
        email: user.email().cloned(),
        ..Grant::of(user.name().clone())
    };
    let (signed_in_by, issued_under) = (SignedInBy::Password, user.issued_under());
    Opening { grant, signed_in_by, issued_under, ttl: None, continues: None }
}

fn refuse(app: &App, error: &SignInError, username: &str, ip: ClientIp) -> Refusal {
    match error {
        SignInError::Refused(reason) => {
            report(app, reason.name(), username, ip);
            Refusal::Wrong
        }
        SignInError::Busy => {
            report(app, "busy", username, ip);
            Refusal::SlowDown(RETRY_AFTER)
        }
        SignInError::Unavailable(problem) => {
            report(app, "unavailable", username, ip);
            error!("sign-in is not possible: {problem}");
            Refusal::Unavailable
        }
    }
}

/// Failures are in the log and not in the audit trail: a flood of guesses must not fill the store.
async fn report_success(app: &App, caller: &Caller<'_>, username: &str, ip: ClientIp, sid: &str) {
    app.audit().metrics().login("ok");
    let (remote_ip, actor) = (ip.to_string(), format!("user:{username}"));
    info!(username = username, remote_ip = remote_ip.as_str(), sid = sid; "login");
    let deed = Deed { action: "sign-in", actor: &actor, subject: username, remote_ip: &remote_ip, sid };
    trail::note(app, caller.headers, deed).await;
}

/// One line and one count per failed attempt; fail2ban reads `msg="login failed"` and `remote_ip`.
pub(super) fn report(app: &App, result: &'static str, username: &str, ip: ClientIp) {
    app.audit().metrics().login(result);
    let (username, remote_ip) = (shortened(username), ip.to_string());
    warn!(username = username.as_str(), remote_ip = remote_ip.as_str(), reason = result; "login failed");
}

/// A name has at most 64 bytes; what is longer is somebody's noise.
fn shortened(username: &str) -> String {
    const MOST: usize = 128;
    username.chars().take(MOST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_waits_for_the_next_step() {
        for (elapsed, left) in [(0, 50), (1, 49), (23, 27), (49, 1), (50, 50), (120, 30)] {
            assert_eq!(until_next_step(Duration::from_millis(elapsed)), Duration::from_millis(left));
        }
    }
}
