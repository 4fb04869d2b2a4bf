//! The real Caddy with the files of `examples/caddy/`.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::{
    authority::Authority,
    client::Address,
    process::{Process, accepts, on_a_free_address},
    shipped::{APPLICATION, Kind, Place, Proxy, SAMEHAND, Tls, file, fill_in, uncomment},
};

/// What every Caddyfile imports.
const COMMON: &str = "examples/caddy/samehand.caddy";

/// Starts Caddy in front of the application; its one host has every name.
#[track_caller]
pub(crate) fn start(place: Place, samehand: &Address, application: SocketAddr) -> Proxy {
    start_with(place, Tls::None, samehand, application, &|text| text)
}

/// Starts Caddy with the application below `/app`, which it takes away after samehand was asked.
#[track_caller]
pub(crate) fn start_below_prefix(samehand: &Address, application: SocketAddr) -> Proxy {
    let whole = format!("import samehand_with_pages {application}");
    let below = format!(
        "import samehand_pages\n\timport samehand_asks\n\thandle_path /app/* {{\n\t\treverse_proxy {application}\n\t}}",
    );
    start_with(Place::Edge, Tls::None, samehand, application, &|text| fill_in(&text, &[(&whole, below.clone())]))
}

/// Starts Caddy at the edge, where it tells samehand which network a client is in.
#[track_caller]
pub(crate) fn start_with_parts(samehand: &Address, application: SocketAddr) -> Proxy {
    let example = file("examples/header-parts/network.caddy");
    let certificate = "header_up X-Client-Cert {http.request.tls.client.certificate_der_base64}";
    let changes = [("\timport samehand_with_pages", format!("{example}\n\timport samehand_with_pages"))];
    let told = [(certificate, format!("{certificate}\n\t\t\theader_up X-Network {{vars.network}}"))];
    let common = fill_in(&file(COMMON), &told);
    start_with_common(Place::Edge, Tls::None, samehand, application, &common, &|text| fill_in(&text, &changes))
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
    start_with(Place::Edge, Tls::Server(authority), samehand, application, &|text| fill_in(&text, changes))
}

/// Starts Caddy at the edge for https, where it asks clients for a certificate of this authority.
#[track_caller]
pub(crate) fn start_mtls(authority: &Authority, samehand: &Address, application: SocketAddr) -> Proxy {
    start_with(Place::Edge, Tls::Both(authority), samehand, application, &|text| text)
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

/// The files for several applications, whose pages have a host of their own, and for one.
pub(crate) const FILES: [&str; 2] = ["examples/caddy/Caddyfile", "examples/caddy/Caddyfile.one-host"];

/// Starts Caddy with one of [`FILES`] and the hosts that it names, with these texts of it changed.
#[track_caller]
pub(crate) fn start_as_shipped(
    name: &str,
    samehand: &Address,
    application: SocketAddr,
    changes: &[(&str, String)],
) -> Proxy {
    let shipped = fill_in(&file(name), changes);
    let common = fill_in(&file(COMMON), &[(SAMEHAND, upstream(samehand))]);
    let application = (APPLICATION, application.to_string());
    run(&common, |own| fill_in(&shipped, &[(":8080 {", format!(":{} {{", own.port())), application.clone()]))
}

#[track_caller]
fn start_with(
    place: Place,
    tls: Tls<'_>,
    samehand: &Address,
    application: SocketAddr,
    change: &dyn Fn(String) -> String,
) -> Proxy {
    start_with_common(place, tls, samehand, application, &file(COMMON), change)
}

/// Starts Caddy with the Caddyfile for one host, which has every name, and this file beside it.
#[track_caller]
fn start_with_common(
    place: Place,
    tls: Tls<'_>,
    samehand: &Address,
    application: SocketAddr,
    common: &str,
    change: &dyn Fn(String) -> String,
) -> Proxy {
    run(&fill_in(common, &[(SAMEHAND, upstream(samehand))]), |address| {
        let mut text = fill_in(
            &file("examples/caddy/Caddyfile.one-host"),
            &[("http://app.example.com:8080 {", site(address, tls)), (APPLICATION, application.to_string())],
        );
        if tls.authority().is_some() {
            // It has to be told not to get a certificate, and to leave port 80 alone.
            text = fill_in(&text, &[("admin off", "admin off\n\tauto_https off".to_owned())]);
        }
        if let Tls::Both(authority) = tls {
            let file = |path: PathBuf| path.display().to_string();
            let block = ["tls {", "\tclient_auth {", "\t\tmode verify_if_given", "\t\ttrust_pool file", "\t}", "}\n\n"];
            text = fill_in(
                &uncomment(&text, &block),
                &[
                    (
                        "tls {",
                        format!("tls {} {} {{", file(authority.server_certificate()), file(authority.server_key())),
                    ),
                    ("/etc/caddy/clients.pem", file(authority.certificate())),
                ],
            );
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
        change(text)
    })
}

/// Starts Caddy with what this makes of its own address, and `samehand.caddy` beside it.
#[track_caller]
pub(crate) fn run(common: &str, caddyfile: impl Fn(SocketAddr) -> String) -> Proxy {
    let directory = TempDir::new().expect("a temporary directory");
    let path = directory.path();
    fs::write(path.join("samehand.caddy"), common).expect("a file in the temporary directory");
    let (process, address) = on_a_free_address(|address| {
        let configuration = path.join("Caddyfile");
        fs::write(&configuration, caddyfile(address)).expect("a file in the temporary directory");
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

/// The head of the site.
fn site(own: SocketAddr, tls: Tls<'_>) -> String {
    let port = own.port();
    match tls {
        Tls::None => format!("http://:{port} {{"),
        Tls::Server(authority) => {
            let (certificate, key) = (authority.server_certificate(), authority.server_key());
            format!("https://:{port} {{\n\ttls {} {}", certificate.display(), key.display())
        }
        // The block further down has the certificate too.
        Tls::Both(_) => format!("https://:{port} {{"),
    }
}

/// An address as Caddy writes it.
fn upstream(samehand: &Address) -> String {
    match samehand {
        Address::Tcp(address) | Address::Admin(address) | Address::Tls(address, _) => address.to_string(),
        Address::Unix(path) => format!("unix/{}", path.display()),
    }
}
