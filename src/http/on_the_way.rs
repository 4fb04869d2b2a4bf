//! Fresh cookies with the answer to the subrequest: before a token ends, and for a page whose token has ended while its
//! session lives. The one case in which a decision asks the store.

use super::{cookie, exchange};
use crate::app::App;
use crate::check::decision::{Decision, Reason};
use crate::check::renewal::Renewal;
use crate::check::{IfSessionLives, Judgement, Moment, Question, decide_if_session_lives};
use crate::issue::Minted;
use crate::sessions::{LiveSession, SessionError};
use actix_web::http::header::HeaderValue;
use log::{debug, error, warn};
use std::time::Duration;
use tokio::time::timeout;

/// The longest that a good request waits for a fresh cookie.
const NOT_NEEDED: Duration = Duration::from_millis(300);
/// The longest that a page waits for the word of the store. Proxies give up after 5 s, and say that samehand failed.
const NEEDED: Duration = Duration::from_secs(3);

/// What becomes of a decision, and the line for `Set-Cookie`, if there is one.
pub(super) async fn renew<'a>(
    app: &App,
    question: &Question<'a>,
    judgement: Judgement<'a>,
    renewal: Renewal,
) -> (Judgement<'a>, Option<HeaderValue>) {
    match renewal {
        Renewal::No => (judgement, None),
        Renewal::Due => {
            let line = before_its_end(app, &judgement).await;
            (judgement, line)
        }
        Renewal::Overdue => after_its_end(app, question, judgement).await,
    }
}

/// The old token is good, and its answer waits for nothing that is not needed: not for a store that is away, and only a
/// moment for one that does not answer. A later request tries again.
async fn before_its_end(app: &App, judgement: &Judgement<'_>) -> Option<HeaderValue> {
    let bound = judgement.bound.as_ref()?;
    if app.revocations().health().problem.is_some() || !app.activity().may_renew(bound.token().revoked_id(), app.now())
    {
        return None;
    }
    let client = judgement.seen.client?;
    let renewed = async {
        let live = exchange::find(app, bound).await?;
        // At the end of a session there is nothing to win.
        if live.session().ends_at <= bound.token().expires_at() {
            return Ok(None);
        }
        exchange::mint(app, bound, &client, &live).await.map(|minted| Some((minted, live)))
    };
    match timeout(NOT_NEEDED, renewed).await {
        Ok(Ok(None)) => None,
        Ok(Ok(Some((minted, live)))) => {
            debug!(username = bound.token().subject(), sid = live.session().id.as_str(); "cookie renewed");
            Some(cookie_of(app, &minted, &live))
        }
        Ok(Err::<_, SessionError>(error)) => {
            debug!("no cookie was renewed: {error}");
            None
        }
        Err(_) => {
            debug!("no cookie was renewed: the store takes its time");
            None
        }
    }
}

/// Whether the page is served is for the store to say. While it does not answer nobody is signed out.
async fn after_its_end<'a>(
    app: &App,
    question: &Question<'a>,
    judgement: Judgement<'a>,
) -> (Judgement<'a>, Option<HeaderValue>) {
    let if_session_lives = {
        let (state, revocations) = (app.state(), app.revocations().snapshot());
        let moment = Moment { now: app.now(), revocations: revocations.knowledge() };
        decide_if_session_lives(question, &state.gate, moment)
    };
    let undecided = |judgement| Judgement { decision: Decision::Undecided, reason: Reason::StoreStale, ..judgement };
    let provisional = match if_session_lives {
        IfSessionLives::Renewable(provisional) => provisional,
        IfSessionLives::Undecided => return (undecided(judgement), None),
        IfSessionLives::Expired => return (judgement, None),
    };
    match timeout(NEEDED, exchange::exchange(app, provisional.bound(), provisional.client())).await {
        Ok(Ok((minted, live))) => {
            let line = cookie_of(app, &minted, &live);
            let grant = live.grant();
            let now = provisional.danger_session_lives(&grant.groups, grant.name.as_ref(), grant.email.as_ref());
            (now, Some(line))
        }
        Ok(Err(SessionError::Ended | SessionError::ReboundTooOften(_))) => (judgement, None),
        Ok(Err(SessionError::Mint(error))) => {
            error!("no cookie was renewed, and a page was refused for it: {error}");
            (judgement, None)
        }
        Ok(Err(SessionError::Store(error))) => {
            warn!("whether a session lives is not known: {error}");
            (undecided(judgement), None)
        }
        Err(_) => {
            warn!("whether a session lives is not known: the store {} takes its time", app.store().place());
            (undecided(judgement), None)
        }
    }
}

fn cookie_of(app: &App, minted: &Minted, live: &LiveSession) -> HeaderValue {
    let left = live.session().ends_at.saturating_sub(app.now());
    cookie::set(&app.state().cookie, &minted.token, left)
}
