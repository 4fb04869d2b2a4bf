//! Puts what a request changed, or tried to change, into the audit trail: a log line, and an entry in the store. It never
//! keeps a request from being answered.

use super::request_id;
use crate::app::App;
use crate::store::TrailEntry;
use crate::trail::say;
use actix_web::HttpRequest;
use actix_web::http::header::HeaderMap;
use log::error;

/// What was done.
pub(super) struct Deed<'a> {
    /// As one word.
    pub(super) action: &'static str,
    /// `admin`, or `user:NAME`.
    pub(super) actor: &'a str,
    /// On whom or what.
    pub(super) subject: &'a str,
    /// From where.
    pub(super) remote_ip: &'a str,
    /// The session, if there is one.
    pub(super) sid: &'a str,
}

/// Notes what was done.
pub(super) async fn note(app: &App, headers: &HeaderMap, deed: Deed<'_>) {
    write(app, headers, &deed, "ok", 1).await;
}

/// Notes what was tried and refused. Many of a kind become few entries: whoever may do nothing can try without end.
pub(super) async fn note_refused(app: &App, headers: &HeaderMap, deed: Deed<'_>) {
    if let Some(count) = app.trail().admit(deed.action) {
        write(app, headers, &deed, "refused", count).await;
    }
}

async fn write(app: &App, headers: &HeaderMap, deed: &Deed<'_>, result: &str, count: u64) {
    let entry = TrailEntry {
        time: app.now(),
        action: deed.action.to_owned(),
        actor: deed.actor.to_owned(),
        subject: deed.subject.to_owned(),
        remote_ip: deed.remote_ip.to_owned(),
        result: result.to_owned(),
        sid: deed.sid.to_owned(),
        request_id: request_id::given(headers).unwrap_or_default().to_owned(),
        count,
    };
    say(&entry);
    // A store that is known to be away would hold the answer up.
    if app.revocations().health().answers()
        && let Err(problem) = app.store().note_trail(&[entry]).await
    {
        error!(action = deed.action; "the audit trail in the store lacks an entry: {problem}");
    }
}

/// Who asks the administration side.
pub(super) fn administrator(request: &HttpRequest) -> String {
    request.peer_addr().map_or_else(|| "unix".to_owned(), |peer| peer.ip().to_canonical().to_string())
}
