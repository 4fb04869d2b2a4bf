//! One samehand, applications that answer 200 to every path and keep what they were asked, and the callers that every row is
//! tried with.

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
};

use crate::support::{
    CLIENT, THIEF,
    client::{Address, Connection, Reply, Request, ask},
    samehand::Samehand,
    scripted::Scripted,
    shipped::tcp,
};

/// The browser that alice's token is issued to.
const CHROME: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";

/// What a client writes to be somebody: the names that applications read, and what they may take for one of them.
const IDENTITIES: [&str; 27] = [
    "Remote-User",
    "Remote-Groups",
    "Remote-Name",
    "Remote-Email",
    "remote_user",
    "Remote.User",
    "X-Remote-User",
    "X-Remote-Groups",
    "X-Remote-Group",
    "X-Remote-Name",
    "X-Remote-Email",
    "X-Forwarded-User",
    "X-Forwarded-Groups",
    "X-Forwarded-Email",
    "X-Forwarded-Preferred-Username",
    "X-WebAuth-User",
    "X-WebAuth-Groups",
    "X-WebAuth-Name",
    "X-WebAuth-Email",
    "X-Auth-Request-User",
    "X-Auth-Request-Groups",
    "X-Auth-Request-Email",
    "X-Auth-Request-Preferred-Username",
    "X-Authenticated-User",
    "X-Authenticated-Groups",
    "X-Authenticated-Email",
    "X-User",
];

/// What the client writes there. It must not turn up anywhere.
const FORGED: &str = "forged";

/// What became of a row.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Outcome {
    /// Everybody gets through, and nothing can close it. Only what a proxy's page says in its first paragraph.
    Open,
    /// The proxy does not start.
    RefusesToStart,
    /// Nobody gets through, not even with a good token.
    Refused,
    /// Who has a good token gets through, and the application is told less than it should be: not who it is, or not what the
    /// client sent.
    Less,
    /// Who has a good token gets through, and the application is told who it is. Nobody else gets through.
    ServedRight,
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Open => "**open**",
            Self::RefusesToStart => "refuses to start",
            Self::Refused => "refused",
            Self::Less => "served with less",
            Self::ServedRight => "served right",
        })
    }
}

/// What must not be: who got through, or what the application was told.
#[derive(Debug)]
pub(crate) struct Open(pub(crate) String);

/// samehand, and a good token.
pub(crate) struct World {
    pub(crate) samehand: Samehand,
    /// A cookie line with alice's token for [`CLIENT`] with Chrome.
    cookie: String,
}

impl World {
    #[track_caller]
    pub(crate) fn start() -> Self {
        let samehand = Samehand::start(&[("PUBLIC_URL", "https://auth.example.com")]);
        let token = samehand.mint("alice", CLIENT, CHROME);
        Self { samehand, cookie: format!("theme=dark; __Secure-samehand={token}") }
    }

    /// Tries every kind of caller on this path of this host, behind the proxy at this address.
    pub(crate) fn try_out(
        &self,
        proxy: &Address,
        application: &Application,
        host: &str,
        path: &str,
    ) -> Result<Outcome, Open> {
        let claims = |request: Request| {
            let request = request.host(host).header("User-Agent", CHROME).header("Accept", "text/html");
            IDENTITIES.iter().fold(request, |request, name| request.header(name, FORGED))
        };
        let with_cookie = |request: Request| claims(request).header("Cookie", self.cookie.as_str());
        for (who, from, request) in [
            ("nobody", CLIENT, claims(Request::get(path))),
            ("nobody with a form", CLIENT, claims(Request::post(path, "a=b"))),
            ("somebody with another's token", THIEF, with_cookie(Request::get(path))),
        ] {
            let reply = answer(from, proxy, &request);
            if !application.take_requests().is_empty() {
                return Err(Open(format!("{host}{path}: {who} reached the application and got {}", reply.status)));
            }
            // Caddy answers an empty 200 where a site serves nothing, and samehand one about its own health.
            if reply.status < 300 && reply.body.starts_with(b"application") {
                return Err(Open(format!("{host}{path}: {who} got {}", reply.status)));
            }
        }
        let reply = answer(CLIENT, proxy, &with_cookie(Request::get(path)));
        let seen = application.take_requests();
        let [seen] = &seen[..] else {
            return if seen.is_empty() {
                Ok(Outcome::Refused)
            } else {
                Err(Open(format!("{host}{path}: one request became {}", seen.len())))
            };
        };
        let values = |name: &str| -> Vec<&str> {
            let lines = seen.iter().skip(1).filter_map(|line| line.split_once(':'));
            lines.filter(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).collect()
        };
        if let Some(line) = seen.iter().find(|line| line.contains(FORGED)) {
            return Err(Open(format!("{host}{path}: the application was told {line:?}")));
        }
        let users = values("Remote-User");
        if users.iter().any(|user| !["alice", ""].contains(user)) {
            return Err(Open(format!("{host}{path}: the application was told {users:?}")));
        }
        if reply.status != 200 {
            return Ok(Outcome::Refused);
        }
        let is_whole = users.contains(&"alice") && values("Cookie").iter().any(|line| line.contains("theme=dark"));
        Ok(if is_whole { Outcome::ServedRight } else { Outcome::Less })
    }

    /// A site of the same proxy that nobody protects keeps all its paths, for everybody.
    pub(crate) fn keeps_its_paths(&self, proxy: &Address, application: &Application, host: &str) -> Result<(), Open> {
        for path in [
            "/",
            "/login",
            "/logout",
            "/renew",
            "/account",
            "/whoami",
            "/.well-known/jwks.json",
            "/auth/nginx",
            "/auth",
            "/healthz",
            "/readyz",
            "/_samehand",
        ] {
            let reply = ask(THIEF, proxy, &Request::get(path).host(host));
            let is_served = reply.status == 200 && application.take_requests().len() == 1;
            if !is_served {
                return Err(Open(format!("{host}{path} is a path of another site, and was {}", reply.status)));
            }
        }
        Ok(())
    }
}

/// The answer. A proxy that closes the connection instead has refused, which is written as 400 here.
fn answer(from: Ipv4Addr, proxy: &Address, request: &Request) -> Reply {
    let closed = |_| Reply { status: 400, headers: Vec::new(), body: Vec::new() };
    Connection::open(from, proxy).try_ask(request).unwrap_or_else(closed)
}

/// An application that answers 200 to everything.
pub(crate) struct Application(Scripted);

impl Application {
    pub(crate) fn start() -> Self {
        Self(Scripted::on_tcp("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\napplication\n"))
    }

    pub(crate) fn address(&self) -> SocketAddr {
        tcp(&self.0.address)
    }

    /// The requests that have come since the last look, line by line.
    pub(crate) fn take_requests(&self) -> Vec<Vec<String>> {
        self.0.take_questions()
    }
}
