//! What every way of signing in ends with: the first token of a new session, or one more of a session that goes on.

use crate::app::App;
use crate::check::identifiers::Revision;
use crate::check::observed::ObservedClient;
use crate::check::policy::Format;
use crate::issue::{Grant, Minted, Terms};
use crate::sessions::{self, LiveSession, SessionError};
use crate::store::{Session, SignedInBy};
use log::{info, warn};

/// What a token is minted for.
pub(super) struct Opening {
    /// What it says.
    pub(super) grant: Grant,
    /// Who has signed the user in.
    pub(super) signed_in_by: SignedInBy,
    /// The store's revision before the user was read.
    pub(super) issued_under: Revision,
    /// How long it lives, in seconds, when somebody asked for a time.
    pub(super) ttl: Option<u64>,
    /// The session that goes on; without it a new one begins.
    pub(super) continues: Option<LiveSession>,
}

/// Mints the first token, and opens the session once there is one: a grant that cannot be minted opens none, and no
/// token goes out whose session the store does not have.
pub(super) async fn open(
    app: &App,
    opening: Opening,
    client: &ObservedClient<'_>,
) -> Result<(Minted, Option<Session>), SessionError> {
    let Opening { grant, signed_in_by, issued_under, ttl, continues } = opening;
    // Keys and policy may have changed while a body arrived or a password was hashed.
    let format = app.state().gate.policy.formats.minted;
    let now = match format {
        Format::Keyed => app.now(),
        Format::Article => sessions::issue_time(app.store(), &grant.subject, issued_under).await?,
    };
    // It may have ended since it was found.
    let continues = continues.filter(|live| live.session().ends_at > now);
    let (minted, session) = {
        let state = app.state();
        let policy = &state.gate.policy;
        let limits = state.session_limits();
        let session = match &continues {
            Some(live) => Some(live.session().clone()),
            None => sessions::begin(&grant.subject, signed_in_by, client, policy, limits, now)?,
        };
        let terms = sessions::terms(session.as_ref(), limits, issued_under, ttl, now);
        let terms = Terms { before: continues.as_ref().and_then(LiveSession::before).cloned(), ..terms };
        (state.minter.mint(grant, client, policy, &terms)?, session)
    };
    if let Some(session) = session.as_ref().filter(|_| continues.is_none()) {
        sessions::keep(app.store(), session, issued_under).await?;
        if signed_in_by == SignedInBy::Password {
            end_surplus(app, session).await;
        }
    }
    Ok((minted, session))
}

/// That there are too many is no reason to refuse the sign-in, nor is that they could not be ended.
async fn end_surplus(app: &App, session: &Session) {
    let username = session.user.as_str();
    match sessions::end_surplus(app.store(), session).await {
        Ok(revoked) if revoked.sessions == 0 => {}
        Ok(revoked) => {
            app.revocations().add(&revoked.entries);
            info!(event = "session-limit", username = username, sessions = revoked.sessions; "the longest unused sessions were ended");
        }
        Err(problem) => warn!(username = username; "whether a user has too many sessions is not known: {problem}"),
    }
}
