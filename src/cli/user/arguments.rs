//! What may be written after `samehand user`. Names and addresses are checked here, so that a bad one is wrong usage.

use super::super::trail::Deed;
use crate::check::names::{DisplayName, DisplayNameError, Email, EmailError, GroupName, UserName};
use std::path::PathBuf;

/// Who may sign in.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Adds a user, and creates the store when there is none.
    Add {
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        details: Details,
    },
    /// Changes what is named and leaves the rest; groups replace the groups there were.
    Set {
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        details: Details,
        /// Takes the user out of all groups.
        #[arg(long, conflicts_with = "groups")]
        no_groups: bool,
    },
    /// Sets another password.
    Passwd {
        #[command(flatten)]
        who: Who,
        /// Reads the password from standard input instead of asking for it.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Lists the users.
    List {
        /// One JSON array instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Refuses further sign-ins of a user.
    Disable {
        #[command(flatten)]
        who: Who,
    },
    /// Lets a disabled user sign in again.
    Enable {
        #[command(flatten)]
        who: Who,
    },
    /// Forgets failed attempts to sign in, of the user and of others who tried the user's name.
    Unlock {
        #[command(flatten)]
        who: Who,
    },
    /// Removes a user.
    Remove {
        #[command(flatten)]
        who: Who,
    },
    /// Adds the users of a file with lines `name:hash`: bcrypt as `htpasswd -B` writes it, or argon2id.
    Import {
        /// The file; all of its lines are taken or none.
        file: PathBuf,
    },
}

impl Args {
    /// What is noted in the audit trail.
    pub(crate) fn deed(&self) -> Deed {
        let about = |action, who: &Who| Some((action, who.name.to_string()));
        match &self.command {
            Command::Add { who, .. } => about("user-add", who),
            Command::Set { who, .. } => about("user-set", who),
            Command::Passwd { who, .. } => about("user-passwd", who),
            Command::List { .. } => None,
            Command::Disable { who } => about("user-disable", who),
            Command::Enable { who } => about("user-enable", who),
            Command::Unlock { who } => about("user-unlock", who),
            Command::Remove { who } => about("user-remove", who),
            Command::Import { file } => Some(("user-import", file.display().to_string())),
        }
    }
}

#[derive(clap::Args)]
pub(super) struct Who {
    /// Name to sign in with: 1 to 64 of A-Z a-z 0-9 . _ @ + -, of which upper case is made lower case.
    #[arg(value_name = "NAME", value_parser = UserName::typed)]
    pub(super) name: UserName,
}

#[derive(clap::Args)]
pub(super) struct Details {
    /// A group of the user; repeat it for more.
    #[arg(long = "group", value_name = "G", value_parser = GroupName::enter)]
    pub(super) groups: Vec<GroupName>,
    /// E-mail address; an empty one removes it.
    #[arg(long, value_name = "E", value_parser = Given::<Email>::read)]
    pub(super) email: Option<Given<Email>>,
    /// What the person is called; an empty name removes it.
    #[arg(long, value_name = "N", value_parser = Given::<DisplayName>::read)]
    pub(super) display_name: Option<Given<DisplayName>>,
    /// Reads the password from standard input instead of asking for it.
    #[arg(long)]
    pub(super) password_stdin: bool,
}

/// A value that was given, and may be nothing.
#[derive(Clone)]
pub(super) struct Given<T>(pub(super) Option<T>);

impl Given<Email> {
    fn read(text: &str) -> Result<Self, EmailError> {
        if text.is_empty() { Ok(Self(None)) } else { Email::read(text).map(|email| Self(Some(email))) }
    }
}

impl Given<DisplayName> {
    fn read(text: &str) -> Result<Self, DisplayNameError> {
        if text.is_empty() { Ok(Self(None)) } else { DisplayName::enter(text).map(|name| Self(Some(name))) }
    }
}
