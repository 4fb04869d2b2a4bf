//! A connection to the server that holds the keys: the one named, the one that sentinels name, or a node of a cluster.
//! Every wait has its limit; what a server says is [`failed`](super::failed)'s to judge.

use super::scripts::KEYS;
use super::url::{Host, Login, Servers, Tls, ValkeyUrl};
use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster::{ClusterClient, ClusterClientBuilder};
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{Route, RoutingInfo, SingleNodeRoutingInfo, SlotAddr};
use redis::io::tcp::TcpSettings;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ErrorKind, IntoConnectionInfo, Pipeline, ProtocolVersion,
    PushInfo, RedisConnectionInfo, RedisError, RedisFuture, RedisResult, TlsCertificates, Value, cmd,
};
use std::sync::Once;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;

/// A server that does not take a connection for so long is away.
const CONNECT: Duration = Duration::from_secs(1);
/// A server that does not answer for so long is away.
const ANSWER: Duration = Duration::from_secs(2);
/// A cluster may ask another node meanwhile.
const CLUSTER_ANSWER: Duration = Duration::from_secs(3);

/// A connection, which many may ask at once. A clone is the same connection.
#[derive(Clone)]
pub(super) enum Connection {
    /// To the server of this address.
    One(MultiplexedConnection, Host),
    /// To the nodes of a cluster.
    Cluster(ClusterConnection),
}

impl Connection {
    /// Whether it is one to this server.
    pub(super) fn leads_to(&self, host: &Host) -> bool {
        match self {
            Self::One(_, own) => own == host,
            Self::Cluster(_) => false,
        }
    }

    /// Asks, on this very connection, the server that holds the keys.
    pub(super) async fn ask_home(&mut self, command: &Cmd) -> RedisResult<Value> {
        match self {
            Self::One(connection, _) => connection.req_packed_command(command).await,
            Self::Cluster(connection) => {
                let home = SingleNodeRoutingInfo::SpecificNode(Route::with_key(KEYS[0], SlotAddr::Master));
                connection.route_command(command.clone(), RoutingInfo::SingleNode(home)).await
            }
        }
    }
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::One(connection, _) => connection.req_packed_command(command),
            Self::Cluster(connection) => connection.req_packed_command(command),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::One(connection, _) => connection.req_packed_commands(pipeline, offset, count),
            Self::Cluster(connection) => connection.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::One(connection, _) => connection.get_db(),
            Self::Cluster(connection) => connection.get_db(),
        }
    }
}

impl ValkeyUrl {
    /// Connects.
    pub(super) async fn connect(&self) -> RedisResult<Connection> {
        match &self.servers {
            Servers::One(host) => self.connect_to(host.clone()).await,
            Servers::Watched { .. } => self.connect_to(self.primary().await?).await,
            Servers::Cluster(nodes) => self.cluster(nodes)?.get_async_connection().await.map(Connection::Cluster),
        }
    }

    /// Connects so that what is published is sent to `heard`. In a cluster every node publishes what one was told.
    pub(super) async fn listen(&self, heard: UnboundedSender<PushInfo>) -> RedisResult<MultiplexedConnection> {
        let settings = self.settings(&self.login).set_db(self.database).set_protocol(ProtocolVersion::RESP3);
        let config = config().set_push_sender(heard);
        let hosts = match &self.servers {
            Servers::One(host) => vec![host.clone()],
            Servers::Watched { .. } => vec![self.primary().await?],
            Servers::Cluster(nodes) => nodes.clone(),
        };
        let mut last = nobody();
        for host in &hosts {
            let client = client(host, settings.clone(), self.tls.as_ref())?;
            match client.get_multiplexed_async_connection_with_config(&config).await {
                Ok(connection) => return Ok(connection),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn connect_to(&self, host: Host) -> RedisResult<Connection> {
        let settings = self.settings(&self.login).set_db(self.database);
        let client = client(&host, settings, self.tls.as_ref())?;
        let connection = client.get_multiplexed_async_connection_with_config(&config()).await?;
        Ok(Connection::One(connection, host))
    }

    /// Whom the sentinels call the primary: the first of them that answers.
    pub(super) async fn primary(&self) -> RedisResult<Host> {
        let Servers::Watched { sentinels, primary, same_login } = &self.servers else { return Err(nobody()) };
        let login = if *same_login { self.login.clone() } else { Login::default() };
        let ask = cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(primary).to_owned();
        let mut last = nobody();
        for sentinel in sentinels {
            let client = client(sentinel, self.settings(&login), self.tls.as_ref())?;
            let answer = match client.get_multiplexed_async_connection_with_config(&config()).await {
                Ok(mut connection) => ask.query_async::<Option<(String, u16)>>(&mut connection).await,
                Err(error) => Err(error),
            };
            match answer {
                Ok(Some((name, port))) => return Ok(Host { name, port }),
                Ok(None) => {
                    let problem = "the sentinels watch no primary of the name after the hosts in the URL";
                    last = RedisError::from((ErrorKind::MasterNameNotFoundBySentinel, problem));
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn cluster(&self, nodes: &[Host]) -> RedisResult<ClusterClient> {
        let addresses = nodes.iter().map(|node| address(node, self.tls.as_ref()).into_connection_info());
        let mut builder = ClusterClientBuilder::new(addresses.collect::<RedisResult<Vec<_>>>()?)
            .retries(2)
            .connection_timeout(CONNECT)
            .response_timeout(ANSWER)
            .overall_response_timeout(Some(CLUSTER_ANSWER))
            .tcp_settings(TcpSettings::default().set_nodelay(true));
        if let Some(user) = &self.login.user {
            builder = builder.username(user);
        }
        if let Some(password) = self.login.password() {
            builder = builder.password(password);
        }
        if let Some(tls) = &self.tls {
            builder = builder.certs(tls.certificates()?);
        }
        builder.build()
    }

    fn settings(&self, login: &Login) -> RedisConnectionInfo {
        let mut settings = RedisConnectionInfo::default();
        if let Some(user) = &login.user {
            settings = settings.set_username(user);
        }
        if let Some(password) = login.password() {
            settings = settings.set_password(password);
        }
        settings
    }
}

impl Login {
    fn password(&self) -> Option<&str> {
        // It was text in the URL.
        self.password.as_ref().and_then(|password| std::str::from_utf8(password.expose()).ok())
    }
}

impl Tls {
    fn certificates(&self) -> RedisResult<TlsCertificates> {
        use_one_provider();
        let read = |path: &std::path::PathBuf| {
            std::fs::read(path).map_err(|error| {
                let problem = format!("{}: {error}", path.display());
                RedisError::from((ErrorKind::InvalidClientConfig, "the file that tls-ca names cannot be read", problem))
            })
        };
        Ok(TlsCertificates { client_tls: None, root_cert: self.authorities.as_ref().map(read).transpose()? })
    }
}

/// The client takes the cryptography that the process has chosen, and there is one.
fn use_one_provider() {
    static CHOSEN: Once = Once::new();
    // Whoever was first has chosen the same.
    CHOSEN.call_once(|| drop(rustls::crypto::aws_lc_rs::default_provider().install_default()));
}

fn client(host: &Host, settings: RedisConnectionInfo, tls: Option<&Tls>) -> RedisResult<Client> {
    let tcp = TcpSettings::default().set_nodelay(true);
    let info = address(host, tls).into_connection_info()?.set_redis_settings(settings).set_tcp_settings(tcp);
    match tls {
        Some(tls) => Client::build_with_tls(info, tls.certificates()?),
        None => Client::open(info),
    }
}

fn address(host: &Host, tls: Option<&Tls>) -> ConnectionAddr {
    match tls {
        Some(_) => {
            ConnectionAddr::TcpTls { host: host.name.clone(), port: host.port, insecure: false, tls_params: None }
        }
        None => ConnectionAddr::Tcp(host.name.clone(), host.port),
    }
}

fn config() -> AsyncConnectionConfig {
    AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT)).set_response_timeout(Some(ANSWER))
}

fn nobody() -> RedisError {
    RedisError::from((ErrorKind::Io, "no server is named"))
}
