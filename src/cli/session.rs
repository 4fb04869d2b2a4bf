//! `samehand session list`: which sign-ins are open, whose, since when, and from where. It ends none.

use super::console::Console;
use super::opened::Opened;
use super::time::rfc_3339;
use super::{Outcome, print};
use crate::check::names::UserName;
use crate::config::Config;
use crate::sessions::Limits;
use crate::store::{Access, Session, open_sessions};
use serde_json::{Value, json};

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// List the open sessions: those that are not older than SAMEHAND_SESSION_TTL, and were used within
    /// SAMEHAND_SESSION_IDLE if that is set.
    List {
        /// Only those of this user.
        #[arg(long, value_name = "NAME", value_parser = UserName::typed)]
        user: Option<UserName>,
        /// One JSON array instead of a table.
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn run(args: Args, config: &Config, now: u64) -> Outcome {
    let Command::List { user, json } = args.command;
    let store = Opened::at(&config.store, Access::Existing)?;
    let limits = Limits { absolute: config.policy.max_lifetime, idle: config.session_idle };
    let stored = store.wait(open_sessions(&*store, user.as_ref(), now))?;
    let mut sessions: Vec<Session> = stored.into_iter().filter_map(|session| limits.apply(session, now)).collect();
    sessions.sort_by(|one, other| {
        (&one.user, one.last_seen_at, &one.id).cmp(&(&other.user, other.last_seen_at, &other.id))
    });
    Console::of_process(|console| match json {
        true => console.result(format_args!("{:#}", Value::from_iter(sessions.iter().map(as_json)))),
        false => table(&sessions, user.as_ref(), console),
    })
}

fn as_json(session: &Session) -> Value {
    json!({
        "sid": session.id.as_str(),
        "user": session.user.as_str(),
        "signed_in_by": session.signed_in_by.name(),
        "created_at": session.created_at,
        "last_seen_at": session.last_seen_at,
        "ends_at": session.ends_at,
        "browser": session.device,
        "network": session.network,
    })
}

fn table(sessions: &[Session], user: Option<&UserName>, console: &mut Console<'_>) -> Outcome {
    if sessions.is_empty() {
        match user {
            Some(name) => console.note(format_args!("there are no open sessions of {name}")),
            None => console.note("there are no open sessions"),
        }
        return Ok(());
    }
    let head = ["SID", "USER", "CREATED", "LAST SEEN", "NETWORK", "BROWSER"].map(str::to_owned);
    let row = |session: &Session| {
        [
            session.id.to_string(),
            session.user.to_string(),
            rfc_3339(session.created_at),
            rfc_3339(session.last_seen_at),
            print::safe(&session.network),
            print::safe(&session.device),
        ]
    };
    let rows: Vec<_> = std::iter::once(head).chain(sessions.iter().map(row)).collect();
    let widths: [usize; 6] = std::array::from_fn(|column| rows.iter().map(|row| row[column].len()).max().unwrap_or(0));
    for row in rows {
        let cells: Vec<_> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        console.result(cells.join("  ").trim_end())?;
    }
    Ok(())
}
