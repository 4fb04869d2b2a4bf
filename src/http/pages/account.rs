//! The account page: where its reader is signed in, and the forms that end sessions and change the password. What the forms
//! do stands in [`account`](crate::http::account).

use super::{FormsLead, fields, page};
use crate::app::{App, Pages};
use crate::check::form_token;
use crate::check::identifiers::SessionId;
use crate::check::names::UserName;
use crate::check::observed::ObservedClient;
use crate::http::json;
use crate::store::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

/// The name in the query under which the page learns what was done.
const DONE: &str = "done";

/// What was done, as the page is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Done {
    /// One session was ended.
    Ended,
    /// All others were.
    OthersEnded,
    /// There is another password.
    PasswordChanged,
}

impl Done {
    const ALL: [Self; 3] = [Self::Ended, Self::OthersEnded, Self::PasswordChanged];

    fn name(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::OthersEnded => "others",
            Self::PasswordChanged => "password",
        }
    }

    fn sentence(self) -> &'static str {
        match self {
            Self::Ended => "That session has ended.",
            Self::OthersEnded => "All your other sessions have ended.",
            Self::PasswordChanged => "Your password is changed. All your other sessions have ended.",
        }
    }

    /// Where the page is told.
    pub(in crate::http) fn location(self, pages: &Pages) -> String {
        format!("{}?{DONE}={}", pages.address_of("account"), self.name())
    }

    /// What the query of the page's address says.
    pub(in crate::http) fn from_query(query: &str) -> Option<Self> {
        let name = fields::query(query, DONE)?;
        Self::ALL.into_iter().find(|done| done.name() == name)
    }
}

/// Which field the reader has to look at again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::http) enum Wrong {
    /// None of them.
    #[default]
    Nothing,
    /// The current password.
    Present,
    /// The new one.
    Chosen,
    /// Its repetition.
    Again,
}

/// What went wrong with a form.
pub(in crate::http) struct Problem {
    /// The status to answer with.
    pub(in crate::http) status: StatusCode,
    /// What the reader is told.
    pub(in crate::http) text: String,
    /// Where to look.
    pub(in crate::http) wrong: Wrong,
}

/// Whose page it is.
pub(in crate::http) struct Reader<'a> {
    /// The user.
    pub(in crate::http) user: &'a UserName,
    /// The session of this browser, if its token has one.
    pub(in crate::http) session: Option<&'a SessionId>,
    /// The browser.
    pub(in crate::http) client: ObservedClient<'a>,
    /// Whether there may be a password of this user here.
    pub(in crate::http) may_change: bool,
}

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage<'a> {
    style: &'static str,
    user: &'a UserName,
    here: Option<Row<'a>>,
    others: Vec<Row<'a>>,
    done: Option<&'static str>,
    error: Option<&'a str>,
    wrong: Wrong,
    may_change: bool,
    sign_out: String,
    form: String,
}

/// One session in words.
struct Row<'a> {
    sid: &'a SessionId,
    device: &'a str,
    network: &'a str,
    began: String,
    seen: String,
}

impl<'a> Row<'a> {
    fn of(session: &'a Session, now: u64) -> Self {
        Self {
            sid: &session.id,
            device: &session.device,
            network: &session.network,
            began: ago(now.saturating_sub(session.created_at)),
            seen: ago(now.saturating_sub(session.last_seen_at)),
        }
    }
}

/// The page, with these sessions of its reader: what was used last comes first.
pub(in crate::http) fn show(
    app: &App,
    pages: &Pages,
    reader: &Reader<'_>,
    mut sessions: Vec<Session>,
    done: Option<Done>,
    problem: Option<&Problem>,
) -> HttpResponse {
    let (state, now) = (app.state(), app.now());
    let gate = &state.gate;
    let Some(form) = form_token::issue(&reader.client, &gate.fingerprints, gate.policy.recipe, now) else {
        return json::unavailable();
    };
    sessions.sort_by(|one, other| (other.last_seen_at, &other.id).cmp(&(one.last_seen_at, &one.id)));
    let (here, others): (Vec<_>, Vec<_>) =
        sessions.iter().map(|session| Row::of(session, now)).partition(|row| Some(row.sid) == reader.session);
    let shown = AccountPage {
        style: super::STYLE,
        user: reader.user,
        here: here.into_iter().next(),
        others,
        done: done.map(Done::sentence),
        error: problem.map(|problem| problem.text.as_str()),
        wrong: problem.map(|problem| problem.wrong).unwrap_or_default(),
        may_change: reader.may_change,
        sign_out: pages.address_of("logout"),
        form,
    };
    page(problem.map_or(StatusCode::OK, |problem| problem.status), &shown, FormsLead::Here)
}

/// It is known to a minute only.
fn ago(seconds: u64) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    let (number, unit) = match seconds {
        0..120 => return "just now".to_owned(),
        120..7200 => (seconds / MINUTE, "minutes"),
        7200..172_800 => (seconds / HOUR, "hours"),
        172_800.. => (seconds / DAY, "days"),
    };
    format!("{number} {unit} ago")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_as_people_tell_it() {
        for (seconds, told) in [
            (0, "just now"),
            (119, "just now"),
            (120, "2 minutes ago"),
            (7199, "119 minutes ago"),
            (7200, "2 hours ago"),
            (172_799, "47 hours ago"),
            (172_800, "2 days ago"),
            (2_592_000, "30 days ago"),
        ] {
            assert_eq!(ago(seconds), told);
        }
    }

    #[test]
    fn what_was_done_comes_back_as_it_was_sent() {
        for done in Done::ALL {
            assert_eq!(Done::from_query(&format!("{DONE}={}", done.name())), Some(done));
        }
        assert_eq!(Done::from_query("done=ended&done=others"), None);
        assert_eq!(Done::from_query("done=<b>"), None);
    }
}
