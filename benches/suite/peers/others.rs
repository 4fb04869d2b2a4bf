//! HAProxy and Envoy, which check by themselves; Traefik and Caddy, which ask samehand with the shipped configurations; and
//! the article's Express service. Each also without its check.

use super::{Peer, SALT, SECRET, Samehand, fill_in, temporary};
use crate::servers::{Server, tool};
use crate::support::{
    process::free_address,
    shipped::{APPLICATION, PROXY, SAMEHAND, file, fill_in as fill_in_shipped},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use std::fs;
use std::path::Path;
use std::process::Command;

/// What stands before the lines of a check.
fn marker(checks: bool) -> &'static str {
    if checks { "" } else { "#" }
}

/// HAProxy with `jwt_verify`, expiry and fingerprint.
pub(crate) fn haproxy(checks: bool) -> Result<Peer, String> {
    let (directory, address) = (temporary(), free_address());
    let own = [
        ("@LISTEN@", address.to_string()),
        ("@SECRET@", SECRET.into()),
        ("@SALT@", SALT.into()),
        ("@CHECK@", marker(checks).into()),
    ];
    let configuration = fill_in("haproxy.cfg", &own.each_ref().map(|(a, b)| (*a, b.as_str())), directory.path());
    let mut command = Command::new(tool("haproxy"));
    command.arg("-W").arg("-f").arg(configuration);
    Ok(Peer::of(Server::start(command, directory, address)?, address, "/"))
}

/// Envoy with `jwt_authn`.
pub(crate) fn envoy(checks: bool) -> Result<Peer, String> {
    let (directory, address) = (temporary(), free_address());
    let own = [
        ("@ADDRESS@", address.ip().to_string()),
        ("@PORT@", address.port().to_string()),
        ("@KEY@", BASE64_URL_SAFE_NO_PAD.encode(SECRET)),
        ("@CHECK@", marker(checks).into()),
    ];
    let configuration = fill_in("envoy.yaml", &own.each_ref().map(|(a, b)| (*a, b.as_str())), directory.path());
    let mut command = Command::new(tool("envoy"));
    command.args(["--disable-hot-restart", "--log-level", "error", "-c"]).arg(configuration);
    Ok(Peer::of(Server::start(command, directory, address)?, address, "/"))
}

/// Traefik with the shipped files, or with the middleware that asks taken out.
pub(crate) fn traefik(samehand: Option<&Samehand>, application: &Peer) -> Result<Peer, String> {
    let (directory, address) = (temporary(), free_address());
    let path = directory.path().join("dynamic.yml");
    let (asked, middlewares) = match samehand {
        Some(samehand) => (samehand.tcp.to_string(), "[samehand]"),
        None => (SAMEHAND.to_owned(), "[]"),
    };
    let changes = [
        (SAMEHAND, asked),
        (APPLICATION, application.address.to_string()),
        ("[samehand]", middlewares.to_owned()),
        ("Host(`app.example.com`)", "HostRegexp(`^`)".to_owned()),
    ];
    fs::write(&path, fill_in_shipped(&file("traefik/one-host.yml"), &changes)).unwrap();
    let changes = [(PROXY, address.to_string()), ("traefik/dynamic.yml", path.display().to_string())];
    let configuration = directory.path().join("traefik.yml");
    fs::write(&configuration, fill_in_shipped(&file("traefik/traefik.yml"), &changes)).unwrap();
    let mut command = Command::new(tool("traefik"));
    command.arg(format!("--configFile={}", configuration.display()));
    finish(Server::start(command, directory, address)?, address, samehand, application)
}

/// Caddy with the shipped files, or with the question taken out.
pub(crate) fn caddy(samehand: Option<&Samehand>, application: &Peer) -> Result<Peer, String> {
    let (directory, address) = (temporary(), free_address());
    let path = directory.path();
    let mut common = file("examples/caddy/samehand.caddy");
    let asked = match samehand {
        Some(samehand) => format!("unix/{}", samehand.unix.display()),
        None => {
            let (begin, end) = ("\t\t# The question, by GET", "\n\t}\n}\n");
            let (before, rest) = common.split_once(begin).expect("the shipped file says where the question begins");
            let end = rest.find(end).expect("the end of the question");
            common = format!("{before}\t\tvars samehand allowed{}", &rest[end..]);
            SAMEHAND.to_owned()
        }
    };
    fs::write(path.join("samehand.caddy"), fill_in_shipped(&common, &[(SAMEHAND, asked)])).unwrap();
    let changes = [
        ("http://app.example.com:8080 {", format!("http://:{} {{", address.port())),
        (APPLICATION, application.address.to_string()),
    ];
    let configuration = path.join("Caddyfile");
    let text = file("examples/caddy/Caddyfile.one-host");
    fs::write(&configuration, fill_in_shipped(&text, &changes)).unwrap();
    let mut command = Command::new(tool("caddy"));
    command.args(["run", "--adapter", "caddyfile", "--config"]).arg(&configuration);
    // It keeps its own files under the home directory.
    command.env("HOME", path).env("XDG_DATA_HOME", path).env("XDG_CONFIG_HOME", path);
    finish(Server::start(command, directory, address)?, address, samehand, application)
}

/// Everybody who has a part in the answer.
fn finish(
    server: Server,
    address: std::net::SocketAddr,
    samehand: Option<&Samehand>,
    application: &Peer,
) -> Result<Peer, String> {
    let peer = Peer::of(server, address, "/").with(&application.servers[0]);
    Ok(samehand.map_or_else(|| peer.clone(), |samehand| peer.clone().with(&samehand.server)))
}

/// The article's service, `examples/node/service.js`: it checks, and it is the application.
pub(crate) fn express() -> Result<Peer, String> {
    let address = free_address();
    let mut command = Command::new(tool("node"));
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/node/service.js"));
    command.envs([("SECRET", SECRET), ("SALT", SALT), ("HOST", "127.0.0.1"), ("NODE_ENV", "production")]);
    command.env("PORT", address.port().to_string());
    Ok(Peer::of(Server::start(command, temporary(), address)?, address, "/profile"))
}
