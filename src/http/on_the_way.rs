//! Fresh cookies with the answer to the subrequest: before a token ends, and for a page whose token has ended while its
//! session lives. The one case in which a decision asks the store.

use super::{cookie, renew};
use crate::app::App;
use crate::check::decision::{Decision, Reason};
use crate::check::fingerprint::ObservedClient;
use crate::check::renewal::Renewal;
use crate::check::{Judgement, Moment, Question, decide_if_session_lives};
use crate::sessions::SessionError;
use actix_web::http::header::HeaderValue;
use log::{debug, warn};

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

/// The old token is good: whatever fails here is tried again with the next request.
async fn before_its_end(app: &App, judgement: &Judgement<'_>) -> Option<HeaderValue> {
    let bound = judgement.bound.as_ref()?;
    // Many requests of one page come at once, and one cookie is enough.
    if !app.activity().may_renew(bound.token().session()?, app.now()) {
        return None;
    }
    match renew::exchange(app, bound, &client_of(judgement)?).await {
        Ok((minted, live)) => {
            let left = live.session().ends_at.saturating_sub(app.now());
            debug!(username = bound.token().subject(), sid = live.session().id.as_str(); "cookie renewed");
            Some(cookie::set(&app.state().cookie, &minted.token, left))
        }
        Err(error) => {
            debug!("no cookie was renewed: {error}");
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
    let provisional = {
        let (state, revocations) = (app.state(), app.revocations().snapshot());
        let moment = Moment { now: app.now(), revocations: revocations.knowledge() };
        decide_if_session_lives(question, &state.gate, moment)
    };
    let (Some(provisional), Some(client)) = (provisional, client_of(&judgement)) else { return (judgement, None) };
    match renew::exchange(app, provisional.bound(), &client).await {
        Ok((minted, live)) => {
            let left = live.session().ends_at.saturating_sub(app.now());
            let line = cookie::set(&app.state().cookie, &minted.token, left);
            let grant = live.grant();
            let now = provisional.danger_session_lives(&grant.groups, grant.name.as_ref(), grant.email.as_ref());
            (now, Some(line))
        }
        Err(SessionError::Ended) => (judgement, None),
        Err(error @ (SessionError::Store(_) | SessionError::Mint(_))) => {
            warn!("whether a session lives is not known: {error}");
            (Judgement { decision: Decision::Undecided, reason: Reason::StoreStale, ..judgement }, None)
        }
    }
}

fn client_of<'a>(judgement: &Judgement<'a>) -> Option<ObservedClient<'a>> {
    Some(ObservedClient { ip: judgement.seen.client_ip?, user_agent: judgement.seen.user_agent? })
}
