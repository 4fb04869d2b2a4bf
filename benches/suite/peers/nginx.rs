//! nginx in every role: bare, asking samehand with the files of `nginx/`, checking by itself, and being the application.

use super::{FILE, Peer, SALT, SECRET, Samehand, fill_in, temporary};
use crate::servers::{Server, tool};
use crate::support::{process::free_address, shipped};
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// How nginx reaches samehand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    Unix,
    Tcp,
}

/// Without any check.
pub(crate) fn bare() -> Result<Peer, String> {
    own("bare.conf", &[])
}

/// With the check in Lua.
pub(crate) fn lua() -> Result<Peer, String> {
    own("lua.conf", &[])
}

/// With the check in njs.
pub(crate) fn njs() -> Result<Peer, String> {
    own("njs.conf", &["njs.js"])
}

/// The application behind other proxies.
pub(crate) fn application() -> Result<Peer, String> {
    own("application.conf", &[])
}

fn own(name: &str, beside: &[&str]) -> Result<Peer, String> {
    let (directory, address) = (temporary(), free_address());
    let files = directory.path().display().to_string();
    let values =
        [("@LISTEN@", address.to_string()), ("@FILES@", files), ("@SECRET@", SECRET.into()), ("@SALT@", SALT.into())];
    let values = values.each_ref().map(|(place, value)| (*place, value.as_str()));
    let configuration = fill_in(name, &values, directory.path());
    for file in beside {
        fill_in(file, &values, directory.path());
    }
    start(directory, &configuration, address)
}

/// The shipped configuration; what is protected is a file, as everywhere here.
pub(crate) fn with_samehand(samehand: &Samehand, over: Over) -> Result<Peer, String> {
    shipped(samehand, over, "", |text| text)
}

/// The same, with answers of samehand kept for two seconds by token, address, browser and host: docs/nginx.md says why not.
pub(crate) fn with_samehand_and_cache(samehand: &Samehand, over: Over) -> Result<Peer, String> {
    let zone = "proxy_cache_path cache keys_zone=samehand:10m;";
    let cache = "proxy_cache samehand; proxy_cache_valid 200 2s; proxy_ignore_headers Cache-Control Set-Cookie;
        proxy_cache_key $http_authorization|$http_cookie|$remote_addr|$http_user_agent|$host;";
    shipped(samehand, over, zone, |text| shipped::fill_in(&text, &[("proxy_cache            off;", cache.to_owned())]))
}

fn shipped(
    samehand: &Samehand,
    over: Over,
    in_http: &str,
    forwarded: impl FnOnce(String) -> String,
) -> Result<Peer, String> {
    let (directory, address) = (temporary(), free_address());
    let path = directory.path();
    let upstream = match over {
        Over::Unix => format!("server unix:{};", samehand.unix.display()),
        Over::Tcp => format!("server {};", samehand.tcp),
    };
    let http = format!("http {{ access_log off; keepalive_requests 1000000; {in_http}");
    let main = shipped::fill_in(
        &shipped::file("nginx/nginx.conf"),
        &[
            (&format!("listen {} default_server;", shipped::PROXY), format!("listen {address} default_server;")),
            (&format!("listen {};", shipped::PROXY), format!("listen {address};")),
            ("proxy_pass http://application;", format!("root {};", path.display())),
            ("http {", http),
        ],
    );
    let own = "server unix:/run/samehand/samehand.sock;";
    let upstream = shipped::fill_in(&shipped::file("nginx/samehand-upstream.conf"), &[(own, upstream)]);
    let forwarded = forwarded(shipped::file("nginx/samehand-forwarded.conf"));
    let changed = [("nginx.conf", main), ("samehand-upstream.conf", upstream), ("samehand-forwarded.conf", forwarded)];
    let untouched =
        ["edge", "auth", "protect", "headers", "names", "endpoints"].map(|part| format!("samehand-{part}.conf"));
    let untouched = untouched.each_ref().map(|name| (name.as_str(), shipped::file(format!("nginx/{name}"))));
    for (name, text) in changed.iter().chain(&untouched) {
        fs::write(path.join(name), text).unwrap();
    }
    let configuration = path.join("nginx.conf");
    Ok(start(directory, &configuration, address)?.with(&samehand.server))
}

/// With its workers, as it runs on a server.
fn start(directory: TempDir, configuration: &Path, address: SocketAddr) -> Result<Peer, String> {
    let path = directory.path();
    fs::write(path.join(&FILE[1..]), "ok\n").unwrap();
    let mut command = Command::new(tool("nginx"));
    // As root its workers would be somebody who may not enter the directory.
    let ours = format!("daemon off; pid {}/pid; user root;", path.display());
    command.args(["-e", "stderr", "-g", &ours, "-c"]).arg(configuration).arg("-p").arg(path);
    Ok(Peer::of(Server::start(command, directory, address)?, address, FILE))
}
