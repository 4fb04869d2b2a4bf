//! Whether the server is set up to keep what it acknowledges, as far as it tells.

use super::connection::Connection;
use super::failed::is_passing;
use redis::{RedisResult, cmd};

/// What is known about the server's set-up.
pub(super) struct Setup {
    /// Whether a change has to wait until the server says that it is on disk.
    pub(super) waits_for_disk: bool,
    /// What could bring revocations back to life, if anything.
    pub(super) warning: Option<String>,
}

impl Setup {
    /// Asks the server.
    pub(super) async fn of(connection: &mut Connection) -> RedisResult<Self> {
        let mut warnings = Vec::new();
        let policy = setting(connection, "maxmemory-policy").await?;
        let appends = setting(connection, "appendonly").await?;
        let syncs = setting(connection, "appendfsync").await?;
        let [Some(policy), Some(appends), Some(syncs)] = [policy, appends, syncs] else {
            return Ok(Self {
                waits_for_disk: false,
                warning: Some(
                    "it could not be checked whether the server keeps revocations: it does not answer CONFIG GET. See to \
                     it that maxmemory-policy is noeviction, appendonly yes and appendfsync always, or allow samehand's \
                     user +config|get"
                        .into(),
                ),
            });
        };
        match policy.as_str() {
            "noeviction" => {}
            policy if policy.starts_with("volatile-") => warnings.push(format!(
                "maxmemory-policy is {policy}: when memory runs short the server forgets attempts to sign in; set \
                 noeviction"
            )),
            policy => warnings.push(format!(
                "maxmemory-policy is {policy}: when memory runs short the server forgets revocations, and tokens that \
                 were revoked are accepted again; set noeviction"
            )),
        }
        let mut waits_for_disk = false;
        match (appends.as_str(), syncs.as_str()) {
            ("yes", "always") => {}
            ("yes", "everysec") => match can_wait(connection).await? {
                true => waits_for_disk = true,
                false => warnings.push(
                    "appendfsync is everysec and the server has no WAITAOF (Redis 7.2, Valkey): a crash can lose the \
                     revocations of the last second; set appendfsync always"
                        .into(),
                ),
            },
            ("yes", other) => warnings.push(format!(
                "appendfsync is {other}: a crash of the machine can lose revocations; set appendfsync always"
            )),
            (_, _) => warnings.push(
                "appendonly is no: when the server starts again it may have lost revocations; set appendonly yes and \
                 appendfsync always"
                    .into(),
            ),
        }
        let warning = (!warnings.is_empty()).then(|| warnings.join("; "));
        Ok(Self { waits_for_disk, warning })
    }
}

/// A setting, unless the server does not tell.
async fn setting(connection: &mut Connection, name: &str) -> RedisResult<Option<String>> {
    let ask = cmd("CONFIG").arg("GET").arg(name).to_owned();
    match ask.query_async::<Vec<(String, String)>>(&mut connection.client).await {
        Ok(pairs) => Ok(pairs.into_iter().next().map(|(_, value)| value)),
        Err(error) if is_passing(&error) => Err(error),
        Err(_) => Ok(None),
    }
}

async fn can_wait(connection: &mut Connection) -> RedisResult<bool> {
    let ask = cmd("WAITAOF").arg(0).arg(0).arg(0).to_owned();
    match ask.query_async::<()>(&mut connection.client).await {
        Ok(()) => Ok(true),
        Err(error) if is_passing(&error) => Err(error),
        Err(_) => Ok(false),
    }
}
