//! `samehand keys list | rotate | retire KID`.

use super::trail::Deed;
use super::{Failure, Outcome, print, ring};
use crate::config::Config;
use crate::keys::{ListedKey, Missing};
use serde_json::json;

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Every key with its state, and from when on an old one is safe to retire.
    List {
        /// As a JSON array.
        #[arg(long)]
        json: bool,
    },
    /// Sign with the next key; the active one stays accepted.
    Rotate,
    /// Accept an old key's tokens no longer.
    Retire {
        /// The key's name, from `samehand keys list`; it may begin with a hyphen.
        #[arg(allow_hyphen_values = true)]
        kid: String,
    },
}

impl Args {
    /// What is noted in the audit trail.
    pub(super) fn deed(&self) -> Deed {
        match &self.command {
            Command::List { .. } => None,
            Command::Rotate => Some(("keys-rotate", String::new())),
            Command::Retire { kid } => Some(("keys-retire", kid.clone())),
        }
    }
}

pub(super) fn run(args: Args, config: &Config, now: u64) -> Outcome {
    match args.command {
        Command::List { json } => list(config, now, json),
        Command::Rotate => {
            refuse_setting(config)?;
            ring::wait_until_published(config, now)?;
            let kid = ring::change(config, |ring| ring.rotate(now))?;
            print::result(&kid)?;
            print::note("this key signs from now on; running services follow within a second");
            Ok(())
        }
        Command::Retire { kid } => retire(config, &kid, now),
    }
}

fn list(config: &Config, now: u64, as_json: bool) -> Outcome {
    let keys = ring::load(config, Missing::Refuse)?;
    if as_json {
        let row = |key: &ListedKey| {
            json!({
                "kid": key.kid, "algorithm": key.algorithm, "state": key.state.name(), "setting": key.setting,
                "created": key.created, "safe_to_retire": key.safe_to_retire,
            })
        };
        return print::result(&serde_json::Value::from_iter(keys.listed.iter().map(row)).to_string());
    }
    for key in &keys.listed {
        let origin = key.setting.unwrap_or("generated");
        let safe = match key.safe_to_retire {
            Some(at) if at <= now => ", safe to retire".into(),
            Some(at) => format!(", safe to retire in {}", length(at - now)),
            None => String::new(),
        };
        let (kid, algorithm, state) = (&key.kid, &key.algorithm, key.state.name());
        print::result(&format!("{kid}  {algorithm}  {state}  ({origin}{safe})"))?;
    }
    Ok(())
}

fn retire(config: &Config, kid: &str, now: u64) -> Outcome {
    refuse_setting(config)?;
    let key = ring::change(config, |ring| ring.retire(kid))?;
    print::note(&format!("{kid} is accepted no longer; running services follow within a second"));
    let safe = key.replaced.unwrap_or(now).saturating_add(config.policy.max_lifetime);
    if safe > now {
        print::note(&format!("tokens that it signed were good for up to {} more: they end now", length(safe - now)));
    }
    Ok(())
}

/// A key that a setting gives cannot be rotated here; says how it is.
fn refuse_setting(config: &Config) -> Outcome {
    if !config.keys.signing_keys.is_empty() {
        return Err(Failure::Failed(
            "the signing key comes from SAMEHAND_SIGNING_KEY_FILE: put the new private key first in that file, keep the \
             old one behind it until its tokens have expired, then send the service SIGHUP"
                .into(),
        ));
    }
    if config.keys.secret.is_some() {
        return Err(Failure::Failed(
            "the signing key comes from SAMEHAND_SECRET: set SAMEHAND_SECRET_PREVIOUS to its present value and \
             SAMEHAND_SECRET to a new one (openssl rand -base64 48), restart the service, and unset \
             SAMEHAND_SECRET_PREVIOUS when the old tokens have expired"
                .into(),
        ));
    }
    Ok(())
}

/// A length of time in its largest whole units.
fn length(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}
