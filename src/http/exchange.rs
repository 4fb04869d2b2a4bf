//! A fresh token of the session that a token belongs to, for whoever may have one: the store is asked whether the session
//! lives, and what is watched about the client may have changed so many times a day. Who may have one is decided before.

use crate::app::App;
use crate::check::binding::BoundToken;
use crate::check::observed::ObservedClient;
use crate::issue::Minted;
use crate::sessions::{self, LiveSession, SessionError};
use crate::throttle::rebinding::rebind;
use log::{info, warn};

/// A fresh token, and the session as it is.
pub(super) async fn exchange(
    app: &App,
    bound: &BoundToken,
    client: &ObservedClient<'_>,
) -> Result<(Minted, LiveSession), SessionError> {
    let live = find(app, bound).await?;
    let minted = mint(app, bound, client, &live).await?;
    Ok((minted, live))
}

/// The session of a token, if it lives.
pub(super) async fn find(app: &App, bound: &BoundToken) -> Result<LiveSession, SessionError> {
    let (limits, now) = (app.state().session_limits(), app.now());
    let seen_at = bound.token().session().and_then(|sid| app.activity().seen_at(sid));
    let live = sessions::find(app.store(), bound, limits, seen_at, now).await?;
    app.activity().saw(&live.session().id, app.state().session_grain(), now);
    Ok(live)
}

/// A token of it for this client, to whom it is bound anew. Without a change that asks nobody.
pub(super) async fn mint(
    app: &App,
    bound: &BoundToken,
    client: &ObservedClient<'_>,
    live: &LiveSession,
) -> Result<Minted, SessionError> {
    let has_changed = !bound.changed().is_empty();
    if has_changed {
        take_change(app, live, client).await?;
    }
    let state = app.state();
    let (policy, limits) = (&state.gate.policy, state.session_limits());
    let minted = live.mint(client, &state.minter, policy, limits)?;
    if has_changed {
        let session = live.session();
        info!(
            event = "rebound",
            username = session.user.as_str(),
            sid = session.id.as_str(),
            changed = policy.header_parts.names(bound.changed()).as_str(),
            remote_ip = client.ip.to_string().as_str();
            "a session goes on with what has changed about its client"
        );
    }
    Ok(minted)
}

async fn take_change(app: &App, live: &LiveSession, client: &ObservedClient<'_>) -> Result<(), SessionError> {
    let session = live.session();
    let Err(too_often) = rebind(app.store(), &session.id).await? else { return Ok(()) };
    if too_often.is_news {
        warn!(
            event = "rebind-limit",
            username = session.user.as_str(),
            sid = session.id.as_str(),
            remote_ip = client.ip.to_string().as_str();
            "what is watched about the client of a session has changed too often today: its tokens are not renewed"
        );
    }
    Err(SessionError::ReboundTooOften(too_often.retry_after))
}
