//! A connection to the server that holds the keys: the one named, the one that sentinels name, or the node of a cluster
//! that has their slot. Every wait has its limit; nothing is asked twice here.
//!
//! All keys are in one slot, so a cluster is, like sentinels, a way to find one server. The client's own cluster
//! connection would repeat a change that may have been made.

use super::scripts::SLOT;
use super::url::{Host, Login, Servers, Tls, ValkeyUrl};
use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ErrorKind, IntoConnectionInfo, ProtocolVersion, PushInfo, PushKind,
    RedisConnectionInfo, RedisError, RedisResult, TlsCertificates, Value, cmd,
};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once};
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;

/// A server that does not take a connection for so long is away.
const CONNECT: Duration = Duration::from_secs(1);
/// A server that does not answer for so long is away.
const ANSWER: Duration = Duration::from_secs(2);

/// A connection, which many may ask at once. A clone is the same connection.
#[derive(Clone)]
pub(super) struct Connection {
    pub(super) client: MultiplexedConnection,
    /// Where it leads.
    pub(super) host: Host,
    closed: Arc<AtomicBool>,
}

impl Connection {
    /// Whether the server is known to have closed it.
    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }
}

impl ValkeyUrl {
    /// Connects.
    pub(super) async fn connect(&self) -> RedisResult<Connection> {
        let host = self.find().await?;
        let closed = Arc::new(AtomicBool::new(false));
        let note = Arc::clone(&closed);
        let config = config().set_push_sender(move |push: PushInfo| {
            if push.kind == PushKind::Disconnection {
                note.store(true, Ordering::Release);
            }
            Result::<(), redis::aio::SendError>::Ok(())
        });
        let client = self.client(&host, &self.login, self.database)?;
        let client = client.get_multiplexed_async_connection_with_config(&config).await?;
        Ok(Connection { client, host, closed })
    }

    /// Connects so that what is published is sent to `heard`.
    pub(super) async fn listen(&self, heard: UnboundedSender<PushInfo>) -> RedisResult<MultiplexedConnection> {
        let client = self.client(&self.find().await?, &self.login, self.database)?;
        client.get_multiplexed_async_connection_with_config(&config().set_push_sender(heard)).await
    }

    /// The server that holds the keys, by the first of those named that knows.
    pub(super) async fn find(&self) -> RedisResult<Host> {
        let (named, login) = match &self.servers {
            Servers::One(host) => return Ok(host.clone()),
            Servers::Watched { sentinels, same_login: false, .. } => (sentinels, &Login::default()),
            Servers::Watched { sentinels, same_login: true, .. } => (sentinels, &self.login),
            Servers::Cluster(nodes) => (nodes, &self.login),
        };
        let mut last = RedisError::from((ErrorKind::Io, "no server is named"));
        for host in named {
            match self.find_by(host, login).await {
                Ok(found) => return Ok(found),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn find_by(&self, asked: &Host, login: &Login) -> RedisResult<Host> {
        let client = self.client(asked, login, 0)?;
        let mut connection = client.get_multiplexed_async_connection_with_config(&config()).await?;
        match &self.servers {
            Servers::One(_) => Ok(asked.clone()),
            Servers::Watched { primary, .. } => {
                let ask = cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(primary).to_owned();
                let known: Option<(String, u16)> = ask.query_async(&mut connection).await?;
                let problem = "the sentinels watch no primary of the name after the hosts in the URL";
                let missing = || RedisError::from((ErrorKind::MasterNameNotFoundBySentinel, problem));
                known.map(|(name, port)| Host { name, port }).ok_or_else(missing)
            }
            Servers::Cluster(_) => {
                let slots: Vec<Vec<Value>> = cmd("CLUSTER").arg("SLOTS").query_async(&mut connection).await?;
                let owner = slots.into_iter().find_map(|range| owner_of_our_slot(range).transpose());
                let (name, port) = owner.unwrap_or_else(|| {
                    Err(RedisError::from((ErrorKind::ClusterConnectionNotFound, "no node has the slot of our keys")))
                })?;
                // A node that does not know its own name is where it was asked.
                let name = name.filter(|name| !name.is_empty() && name != "?").unwrap_or_else(|| asked.name.clone());
                Ok(Host { name, port })
            }
        }
    }

    fn client(&self, host: &Host, login: &Login, database: i64) -> RedisResult<Client> {
        // This protocol tells of a closed connection when it is closed, and not when it is used.
        let mut settings = RedisConnectionInfo::default().set_db(database).set_protocol(ProtocolVersion::RESP3);
        if let Some(user) = &login.user {
            settings = settings.set_username(user);
        }
        // It was text in the URL.
        let password = login.password.as_ref().and_then(|password| std::str::from_utf8(password.expose()).ok());
        if let Some(password) = password {
            settings = settings.set_password(password);
        }
        let (name, port) = (host.name.clone(), host.port);
        let address = match &self.tls {
            Some(_) => ConnectionAddr::TcpTls { host: name, port, insecure: false, tls_params: None },
            None => ConnectionAddr::Tcp(name, port),
        };
        let tcp = TcpSettings::default().set_nodelay(true);
        let info = address.into_connection_info()?.set_redis_settings(settings).set_tcp_settings(tcp);
        match &self.tls {
            Some(tls) => Client::build_with_tls(info, tls.certificates()?),
            None => Client::open(info),
        }
    }
}

/// The primary of a range of slots (first, last, primary, replicas), if it is the range of ours.
fn owner_of_our_slot(range: Vec<Value>) -> RedisResult<Option<(Option<String>, u16)>> {
    let mut parts = range.into_iter();
    let (Some(first), Some(last), Some(primary)) = (parts.next(), parts.next(), parts.next()) else { return Ok(None) };
    let slots = redis::from_redis_value::<u16>(first)?..=redis::from_redis_value::<u16>(last)?;
    if !slots.contains(&SLOT) {
        return Ok(None);
    }
    let node: Vec<Value> = redis::from_redis_value(primary)?;
    let mut node = node.into_iter();
    let (Some(name), Some(port)) = (node.next(), node.next()) else { return Ok(None) };
    Ok(Some((redis::from_redis_value(name)?, redis::from_redis_value(port)?)))
}

impl Tls {
    fn certificates(&self) -> RedisResult<TlsCertificates> {
        use_one_provider();
        let read = |path: &PathBuf| {
            std::fs::read(path).map_err(|error| {
                let problem = format!("{}: {error}", path.display());
                RedisError::from((ErrorKind::InvalidClientConfig, "the file that tls-ca names cannot be read", problem))
            })
        };
        Ok(TlsCertificates { client_tls: None, root_cert: self.authorities.as_ref().map(read).transpose()? })
    }
}

/// The client takes the cryptography that the process has chosen; here it is chosen.
fn use_one_provider() {
    static CHOSEN: Once = Once::new();
    // Whoever was first has chosen the same.
    CHOSEN.call_once(|| drop(rustls::crypto::aws_lc_rs::default_provider().install_default()));
}

fn config() -> AsyncConnectionConfig {
    AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT)).set_response_timeout(Some(ANSWER))
}
