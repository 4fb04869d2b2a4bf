//! Everybody who is measured: samehand behind the proxies with the shipped configurations, and others that check tokens by
//! themselves with the files of this folder. Each is a server of its own with its default number of workers.

mod nginx;
mod others;
pub(crate) mod probes;

pub(crate) use nginx::{Over, application, bare, lua, njs, with_samehand, with_samehand_and_cache};
pub(crate) use others::{caddy, envoy, express, haproxy, traefik};

use crate::servers::Server;
use crate::support::{installation::Installation, process::free_address};
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The signing secret, which samehand shares with those that check by themselves. No configuration has to escape it.
pub(crate) const SECRET: &str = "everybody-here-knows-this-secret-8dJ2mQxv0Lr5";
/// The salt of the fingerprint, likewise.
pub(crate) const SALT: &str = "everybody-here-knows-this-salt-5tYbQ2w";
/// Where the load comes from, whom the tokens are bound to.
pub(crate) const CLIENT: Ipv4Addr = Ipv4Addr::LOCALHOST;
/// The file that nginx serves.
pub(crate) const FILE: &str = "/file.txt";

/// A running samehand, the release build.
pub(crate) struct Samehand {
    pub(crate) server: Arc<Server>,
    pub(crate) tcp: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) unix: PathBuf,
    pub(crate) installation: Installation,
}

impl Samehand {
    /// Starts it with its default settings but for these, for where it listens, and for secret and salt, which others
    /// have to know.
    pub(crate) fn start(settings: &[(&str, &str)]) -> Result<Self, String> {
        let mut installation = Installation::new(&[("SECRET", SECRET), ("SALT", SALT)]);
        installation.set(settings);
        Self::serve(installation)
    }

    /// Starts it on a directory that is there already, on other addresses, and waits until it is ready for work.
    pub(crate) fn serve(mut installation: Installation) -> Result<Self, String> {
        let (tcp, admin, unix) = (free_address(), free_address(), installation.path("samehand.sock"));
        installation
            .set(&[("LISTEN", &format!("{tcp},unix:{}", unix.display())), ("ADMIN_LISTEN", &admin.to_string())]);
        let mut command = installation.command();
        command.arg("serve");
        let mut server = Server::spawn(command, temporary())?;
        server.wait_until(|| is_ready(tcp))?;
        Ok(Self { server: Arc::new(server), tcp, admin, unix, installation })
    }

    /// Tokens of alice, who is at [`CLIENT`] with the browser of the benchmark.
    pub(crate) fn credentials(&self) -> probes::Credentials {
        probes::Credentials::of(&self.installation)
    }
}

/// Who is measured.
#[derive(Clone)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    /// What is asked for.
    pub(crate) path: &'static str,
    /// Whose processor time counts.
    pub(crate) servers: Vec<Arc<Server>>,
}

impl Peer {
    fn of(server: Server, address: SocketAddr, path: &'static str) -> Self {
        Self { address, path, servers: vec![Arc::new(server)] }
    }

    /// It works with this server, too.
    pub(crate) fn with(mut self, server: &Arc<Server>) -> Self {
        self.servers.push(Arc::clone(server));
        self
    }
}

/// Whether samehand says that it is ready for work.
fn is_ready(address: SocketAddr) -> bool {
    let Ok(mut stream) = TcpStream::connect(address) else { return false };
    let mut answer = [0; 12];
    let asked = stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: samehand\r\nConnection: close\r\n\r\n");
    asked.and_then(|()| stream.read_exact(&mut answer)).is_ok() && answer.ends_with(b" 200")
}

pub(crate) fn temporary() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// Fills in a file of this folder and writes it into a directory.
fn fill_in(name: &str, values: &[(&str, &str)], to: &Path) -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/suite/peers").join(name);
    let text = values.iter().fold(fs::read_to_string(own).unwrap(), |text, (place, value)| text.replace(place, value));
    let path = to.join(name);
    fs::write(&path, text).unwrap();
    path
}
