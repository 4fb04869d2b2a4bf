//! A client that sends exactly the bytes a test wrote, from an address of the test's choice, and reads the answer as it
//! stands on the wire: no header is added, merged or renamed.

use std::{
    fmt,
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    os::unix::net::UnixStream,
    path::PathBuf,
    time::Duration,
};

use nix::sys::socket::{setsockopt, sockopt};
use rustls::{ClientConnection, StreamOwned};
use serde_json::Value;
use socket2::{Domain, SockRef, Socket, Type};

use super::authority::Greeting;

/// No answer takes this long; a test that waits longer has found a hang.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where something listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// A TCP port.
    Tcp(SocketAddr),
    /// A TCP port on loopback that answers to names of this machine only.
    Admin(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
    /// A TCP port that speaks TLS, and how a client presents itself there.
    Tls(SocketAddr, Greeting),
}

impl Address {
    /// The name by which a request asks there that names no other.
    fn usual_host(&self) -> &'static str {
        match self {
            Self::Admin(_) => "localhost",
            Self::Tcp(_) | Self::Unix(_) | Self::Tls(..) => "app.example.com",
        }
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}

/// A request, written line by line.
#[derive(Clone)]
pub(crate) struct Request {
    method: String,
    /// `None` is the usual one.
    host: Option<String>,
    target: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Request {
    pub(crate) fn new(method: &str, target: &str) -> Self {
        Self { method: method.into(), host: None, target: target.into(), headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    /// A POST with this body and its length announced.
    pub(crate) fn post(target: &str, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let length = body.len().to_string();
        Self { body, ..Self::new("POST", target) }.header("Content-Length", length)
    }

    /// What a well-configured nginx asks about a GET of `https://app.example.com/page?q=1`, that is still without a token.
    pub(crate) fn about_page(client: impl ToString, user_agent: &str) -> Self {
        [
            ("X-Forwarded-For", client.to_string().as_str()),
            ("X-Forwarded-Method", "GET"),
            ("X-Forwarded-Proto", "https"),
            ("X-Forwarded-Host", "app.example.com"),
            ("X-Forwarded-Uri", "/page?q=1"),
            ("User-Agent", user_agent),
        ]
        .into_iter()
        .fold(Self::get("/auth/nginx"), |request, (name, value)| request.header(name, value))
    }

    /// To another host than the usual one.
    pub(crate) fn host(self, host: &str) -> Self {
        Self { host: Some(host.into()), ..self }
    }

    /// One more header line, whether or not there is one of that name.
    pub(crate) fn header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("Authorization", format!("Bearer {token}"))
    }

    /// The header lines but `Host`, in order.
    pub(crate) fn headers(&self) -> &[(String, Vec<u8>)] {
        &self.headers
    }

    /// The bytes, with a `Host` line first.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.bytes_to("app.example.com")
    }

    /// The same, where this is the usual host.
    fn bytes_to(&self, usual: &str) -> Vec<u8> {
        let host = self.host.as_deref().unwrap_or(usual);
        let mut bytes = format!("{} {} HTTP/1.1\r\nHost: {host}\r\n", self.method, self.target).into_bytes();
        for (name, value) in &self.headers {
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// An answer as it stood on the wire. Text is Latin-1: one character for each byte.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// All values of that name, in order.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str()).collect()
    }

    /// The value of that name, if there is exactly one line of it.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        match self.all(name)[..] {
            [value] => Some(value),
            _ => None,
        }
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("not JSON ({error}): {self:?}"))
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}", self.status)?;
        for (name, value) in &self.headers {
            writeln!(formatter, "{name}: {value}")?;
        }
        write!(formatter, "\n{}", String::from_utf8_lossy(&self.body))
    }
}

/// One connection, over which requests go one after the other.
pub(crate) struct Connection {
    stream: Box<dyn Stream>,
    usual_host: &'static str,
    unread: Vec<u8>,
}

trait Stream: Read + Write + Send {
    /// Closes at once and throws away what is under way, where the kind of stream can do that.
    fn reset(&self) -> io::Result<()>;
}

impl Stream for TcpStream {
    fn reset(&self) -> io::Result<()> {
        SockRef::from(self).set_linger(Some(Duration::ZERO))
    }
}

impl Stream for UnixStream {
    fn reset(&self) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// What is wrong with the other side's certificate or ours shows when bytes are first sent or read.
impl Stream for StreamOwned<ClientConnection, TcpStream> {
    fn reset(&self) -> io::Result<()> {
        self.sock.reset()
    }
}

impl Connection {
    /// Connects from an address of this host. A Unix socket has no such thing, and `from` is not looked at.
    #[track_caller]
    pub(crate) fn open(from: Ipv4Addr, to: &Address) -> Self {
        let stream = connect(from, to).unwrap_or_else(|error| panic!("cannot connect from {from} to {to:?}: {error}"));
        Self { stream, usual_host: to.usual_host(), unread: Vec::new() }
    }

    /// Sends bytes. A peer that has already answered and closed is no error: its answer is what counts.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// Sends a request and reads its answer.
    #[track_caller]
    pub(crate) fn ask(&mut self, request: &Request) -> Reply {
        self.send(&request.bytes_to(self.usual_host));
        self.reply(request.method == "HEAD").unwrap_or_else(|error| panic!("no answer: {error}"))
    }

    /// The same, where the other side may close instead.
    pub(crate) fn try_ask(&mut self, request: &Request) -> io::Result<Reply> {
        self.send(&request.bytes_to(self.usual_host));
        self.reply(request.method == "HEAD")
    }

    /// Reads the next answer, passing over interim ones.
    pub(crate) fn reply(&mut self, to_head: bool) -> io::Result<Reply> {
        loop {
            let mut reply = self.head()?;
            if (100..200).contains(&reply.status) && reply.status != 101 {
                continue;
            }
            let bodiless = to_head || matches!(reply.status, 101 | 204 | 304);
            reply.body = if bodiless { Vec::new() } else { self.body(&reply)? };
            return Ok(reply);
        }
    }

    /// Ends the connection without goodbye: the peer sees a reset.
    #[track_caller]
    pub(crate) fn reset(self) {
        self.stream.reset().expect("a TCP connection");
    }

    /// Everything until the peer closes.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut rest = std::mem::take(&mut self.unread);
        // A reset ends it as well as an orderly close.
        let _ = self.stream.read_to_end(&mut rest);
        rest
    }

    /// Exactly so many bytes.
    pub(crate) fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.unread.len() < length {
            self.more()?;
        }
        Ok(self.unread.drain(..length).collect())
    }

    pub(crate) fn head(&mut self) -> io::Result<Reply> {
        let start = self.line()?;
        let status = start.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| io::Error::other(format!("not an answer: {start:?}")))?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
        Ok(Reply { status, headers, body: Vec::new() })
    }

    fn body(&mut self, reply: &Reply) -> io::Result<Vec<u8>> {
        if let Some(length) = reply.header("Content-Length") {
            return self.take(length.parse().map_err(io::Error::other)?);
        }
        if reply.header("Transfer-Encoding").is_none() {
            return Ok(self.rest());
        }
        let mut body = Vec::new();
        loop {
            let size = usize::from_str_radix(&self.line()?, 16).map_err(io::Error::other)?;
            body.extend(self.take(size)?);
            self.line()?;
            if size == 0 {
                return Ok(body);
            }
        }
    }

    fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = self.unread.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = self.unread.drain(..=end).collect();
                return Ok(line.into_iter().map(char::from).collect::<String>().trim_end().to_owned());
            }
            self.more()?;
        }
    }

    fn more(&mut self) -> io::Result<()> {
        let mut buffer = [0; 16 * 1024];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(length) => {
                    self.unread.extend_from_slice(&buffer[..length]);
                    return Ok(());
                }
                // A signal in between says nothing about the answer.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

fn connect(from: Ipv4Addr, to: &Address) -> io::Result<Box<dyn Stream>> {
    match to {
        Address::Tcp(address) | Address::Admin(address) => Ok(Box::new(connect_tcp(from, *address)?)),
        Address::Tls(address, greeting) => {
            let stream = connect_tcp(from, *address)?;
            Ok(Box::new(StreamOwned::new(greeting.connection(), stream)))
        }
        Address::Unix(path) => {
            let stream = UnixStream::connect(path)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            Ok(Box::new(stream))
        }
    }
}

fn connect_tcp(from: Ipv4Addr, to: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    // The port is chosen by connect(), which knows the peer: bind() would run out of ports that are free for
    // every peer, as thousands of closed connections of one address wait out their time.
    setsockopt(&socket, sockopt::IpBindAddressNoPort, &true)?;
    socket.bind(&SocketAddr::from((from, 0)).into())?;
    socket.connect(&to.into())?;
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Sends one request over a connection of its own and reads the answer.
#[track_caller]
pub(crate) fn ask(from: Ipv4Addr, to: &Address, request: &Request) -> Reply {
    Connection::open(from, to).ask(request)
}

/// The same, where the other side may end in the middle of it.
pub(crate) fn try_to_ask(from: Ipv4Addr, to: &Address, request: &Request) -> io::Result<Reply> {
    let mut connection = Connection { stream: connect(from, to)?, usual_host: to.usual_host(), unread: Vec::new() };
    connection.send(&request.bytes_to(connection.usual_host));
    connection.reply(false)
}
