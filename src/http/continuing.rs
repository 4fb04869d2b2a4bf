//! Whoever signs in over an address family that the browser's token does not know goes on with its session. What makes it
//! the same client is decided in [`check`](crate::check::continuing); here the store is asked whether the session lives.

use super::exchange;
use crate::app::App;
use crate::check::continuing::token_of_session;
use crate::check::names::UserName;
use crate::check::observed::ObservedClient;
use crate::check::{Caller, Moment};
use crate::sessions::{LiveSession, SessionError};
use crate::store::SignedInBy;
use log::{info, warn};

/// The session to go on with. Its end stays where it is.
pub(super) async fn session(
    app: &App,
    caller: &Caller<'_>,
    client: &ObservedClient<'_>,
    user: &UserName,
) -> Option<LiveSession> {
    let bound = {
        let (state, revocations) = (app.state(), app.revocations().snapshot());
        let moment = Moment { now: app.now(), revocations: revocations.knowledge() };
        token_of_session(caller, client, user, &state.gate, moment)?
    };
    let live = match exchange::find(app, &bound).await {
        Ok(live) => live,
        Err(SessionError::Ended) => return None,
        Err(problem @ (SessionError::Store(_) | SessionError::Mint(_) | SessionError::ReboundTooOften(_))) => {
            warn!(username = user.as_str(); "whether a session goes on is not known, and a new one begins: {problem}");
            return None;
        }
    };
    let session = live.session();
    // What a back end said of its user is not what the store says.
    if session.signed_in_by != SignedInBy::Password {
        return None;
    }
    let (sid, remote_ip) = (session.id.as_str(), client.ip.to_string());
    info!(username = user.as_str(), remote_ip = remote_ip.as_str(), sid = sid; "a session goes on over both address families");
    Some(live)
}
