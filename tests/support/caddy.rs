//! The real Caddy with `examples/caddy/Caddyfile`.

use std::{fs, net::SocketAddr, path::Path};

use tempfile::TempDir;

use super::{
    authority::Authority,
    client::Address,
    process::{Process, accepts, on_a_free_address},
    shipped::{APPLICATION, Kind, Place, Proxy, SAMEHAND, file, fill_in},
};

/// Starts Caddy in front of the application.
#[track_caller]
pub(crate) fn start(place: Place, samehand: &Address, application: SocketAddr) -> Proxy {
    start_with(place, None, samehand, application, &|text| text)
}

/// Starts Caddy with the application below `/app`, which it takes away after samehand was asked.
#[track_caller]
pub(crate) fn start_below_prefix(samehand: &Address, application: SocketAddr) -> Proxy {
    let pass_on = format!("reverse_proxy {application}");
    let below = format!("uri strip_prefix /app\n\t\t{pass_on}");
    start_with(Place::Edge, None, samehand, application, &|text| fill_in(&text, &[(&pass_on, below.clone())]))
}

/// Starts Caddy at the edge for https.
#[track_caller]
pub(crate) fn start_https(authority: &Authority, samehand: &Address, application: SocketAddr) -> Proxy {
    start_https_with(authority, samehand, application, &[])
}

/// The same with these texts of the configuration changed.
#[track_caller]
pub(crate) fn start_https_with(
    authority: &Authority,
    samehand: &Address,
    application: SocketAddr,
    changes: &[(&str, String)],
) -> Proxy {
    start_with(Place::Edge, Some(authority), samehand, application, &|text| fill_in(&text, changes))
}

/// A Caddy that serves the files of this directory, over plain http.
#[track_caller]
pub(crate) fn serve_files(root: &Path) -> (Process, SocketAddr) {
    on_a_free_address(|address| {
        let mut process = Process::start_tool("caddy", |command| {
            command.args(["file-server", "--listen", &address.to_string(), "--root"]).arg(root);
            command.env("HOME", root).env("XDG_DATA_HOME", root).env("XDG_CONFIG_HOME", root);
        });
        process.wait_until(|| accepts(address))?;
        Ok(process)
    })
}

#[track_caller]
fn start_with(
    place: Place,
    authority: Option<&Authority>,
    samehand: &Address,
    application: SocketAddr,
    change: &dyn Fn(String) -> String,
) -> Proxy {
    let directory = TempDir::new().expect("a temporary directory");
    let path = directory.path();
    let (process, address) = on_a_free_address(|address| {
        let mut text = fill_in(
            &file("examples/caddy/Caddyfile"),
            &[
                ("http://:8080 {", site(address, authority)),
                (APPLICATION, application.to_string()),
                (SAMEHAND, upstream(samehand)),
            ],
        );
        if authority.is_some() {
            text = fill_in(&text, &[("admin off", "admin off\n\tauto_https off".to_owned())]);
        }
        match place {
            Place::Edge => {}
            Place::BehindFrontHop => {
                let lines = ["trusted_proxies static", "trusted_proxies_strict"];
                text = fill_in(
                    &text,
                    &lines
                        .map(|line| (format!("# {line}"), line.to_owned()))
                        .each_ref()
                        .map(|(from, to)| (from.as_str(), to.clone())),
                );
            }
        }
        let configuration = path.join("Caddyfile");
        fs::write(&configuration, change(text)).expect("a file in the temporary directory");
        let mut process = Process::start_tool("caddy", |command| {
            command.args(["run", "--adapter", "caddyfile", "--config"]).arg(&configuration);
            // It keeps its own files under the home directory.
            command.env("HOME", path).env("XDG_DATA_HOME", path).env("XDG_CONFIG_HOME", path);
        });
        process.wait_until(|| accepts(address))?;
        Ok(process)
    });
    Proxy { kind: Kind::Caddy, address: address.into(), process, _directory: directory }
}

/// The head of the site. For a certificate of its own Caddy has to be told not to get one, and to leave port 80 alone.
fn site(own: SocketAddr, authority: Option<&Authority>) -> String {
    let port = own.port();
    let Some(authority) = authority else { return format!("http://:{port} {{") };
    let (certificate, key) = (authority.server_certificate(), authority.server_key());
    format!("https://:{port} {{\n\ttls {} {}", certificate.display(), key.display())
}

/// An address as Caddy writes it.
fn upstream(samehand: &Address) -> String {
    match samehand {
        Address::Tcp(address) => address.to_string(),
        Address::Unix(path) => format!("unix/{}", path.display()),
    }
}
