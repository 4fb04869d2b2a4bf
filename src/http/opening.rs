//! What every way of signing in ends with: the first token of a new session.

use crate::app::App;
use crate::check::identifiers::Revision;
use crate::check::observed::ObservedClient;
use crate::check::policy::Format;
use crate::issue::{Grant, Minted};
use crate::sessions::{self, SessionError};
use crate::store::{Session, SignedInBy};

/// Mints the first token, and opens the session once there is one: a grant that cannot be minted opens none, and no
/// token goes out whose session the store does not have.
pub(super) async fn open(
    app: &App,
    grant: Grant,
    signed_in_by: SignedInBy,
    issued_under: Revision,
    client: &ObservedClient<'_>,
    ttl: Option<u64>,
) -> Result<(Minted, Option<Session>), SessionError> {
    // Keys and policy may have changed while a body arrived or a password was hashed.
    let format = app.state().gate.policy.formats.minted;
    let now = match format {
        Format::Keyed => app.now(),
        Format::Article => sessions::issue_time(app.store(), &grant.subject, issued_under).await?,
    };
    let (minted, session) = {
        let state = app.state();
        let policy = &state.gate.policy;
        let limits = state.session_limits();
        let session = sessions::begin(&grant.subject, signed_in_by, client, policy, limits, now)?;
        let terms = sessions::terms(session.as_ref(), limits, issued_under, ttl, now);
        (state.minter.mint(grant, client, policy, &terms)?, session)
    };
    if let Some(session) = &session {
        sessions::keep(app.store(), session, issued_under).await?;
    }
    Ok((minted, session))
}
