//! `samehand healthcheck`: asks the service that the same settings describe for `/readyz`, for images without a shell.

use super::{Failure, Outcome};
use crate::config::{Config, ListenAddress};
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(3);
const REQUEST: &[u8] = b"GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n";

pub(super) fn run(config: &Config) -> Outcome {
    let Some(address) = config.listen.first() else { return Err(Failure::Failed("SAMEHAND_LISTEN is empty".into())) };
    let (name, answer) = match address {
        ListenAddress::Tcp(address) => (address.to_string(), ask_tcp(reachable(*address))),
        ListenAddress::Unix(path) => (format!("unix:{}", path.display()), ask_unix(path)),
    };
    let status = answer.map_err(|error| Failure::Failed(format!("{name} does not answer: {error}")))?;
    match status.as_str() {
        "200" => Ok(()),
        other => Err(Failure::Failed(format!("{name} answers {other}"))),
    }
}

/// An address that listens everywhere is reached on loopback.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

fn ask_tcp(address: SocketAddr) -> io::Result<String> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    ask(stream)
}

fn ask_unix(path: &std::path::Path) -> io::Result<String> {
    let stream = UnixStream::connect(path)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    ask(stream)
}

/// The status code of the answer.
fn ask(mut stream: impl Read + Write) -> io::Result<String> {
    stream.write_all(REQUEST)?;
    let mut start = [0; "HTTP/1.1 200".len()];
    stream.read_exact(&mut start)?;
    Ok(String::from_utf8_lossy(&start[start.len() - 3..]).into_owned())
}
