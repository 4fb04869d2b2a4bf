//! The real nginx with the files of `nginx/`.

use std::{fs, net::SocketAddr, path::Path};

use tempfile::TempDir;

use super::{
    authority::Authority,
    client::Address,
    process::{Process, accepts, on_a_free_address},
    shipped::{APPLICATION, Kind, PROXY, Place, Proxy, SAMEHAND, Tls, file, fill_in, tcp, uncomment},
};

/// Starts nginx in front of the application, asking samehand over a Unix socket or TCP, whichever its address is.
#[track_caller]
pub(crate) fn start(place: Place, samehand: &Address, application: SocketAddr) -> Proxy {
    start_with(place, Tls::None, &upstream(samehand), application, &|text| text, &[])
}

/// Starts nginx with the application below `/app/`, which it takes away before it passes requests on.
#[track_caller]
pub(crate) fn start_below_prefix(samehand: &Address, application: SocketAddr) -> Proxy {
    let change = |text: String| {
        let text = text.replacen("location / {", "location /app/ {", 1);
        text.replacen("proxy_pass http://application;", "proxy_pass http://application/;", 1)
    };
    start_with(Place::Edge, Tls::None, &upstream(samehand), application, &change, &[])
}

/// Starts nginx at the edge, where it tells samehand which network a client is in. As the example says: one file in
/// `http { }`, and one that is found by its name.
#[track_caller]
pub(crate) fn start_with_parts(samehand: &Address, application: SocketAddr) -> Proxy {
    let include = "include samehand-upstream.conf;";
    let change = |text: String| fill_in(&text, &[(include, format!("{include} include networks.conf;"))]);
    let files = ["networks.conf", "samehand-parts.conf"];
    start_with(Place::Edge, Tls::None, &upstream(samehand), application, &change, &files)
}

/// Starts nginx at the edge for https.
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
    let change = |text: String| fill_in(&text, changes);
    start_with(Place::Edge, Tls::Server(authority), &upstream(samehand), application, &change, &[])
}

/// Starts nginx at the edge for https, where it asks clients for a certificate of this authority.
#[track_caller]
pub(crate) fn start_mtls(authority: &Authority, samehand: &Address, application: SocketAddr) -> Proxy {
    start_with(Place::Edge, Tls::Both(authority), &upstream(samehand), application, &|text| text, &[])
}

/// Starts nginx in front of the application, asking whichever of three replicas it chooses.
#[track_caller]
pub(crate) fn start_with_replicas(replicas: [&Address; 3], application: SocketAddr) -> Proxy {
    let own = ["127.0.0.1:9180", "127.0.0.1:9280", "127.0.0.1:9380"];
    let changes: Vec<_> = own.into_iter().zip(replicas.map(|replica| tcp(replica).to_string())).collect();
    let upstream = fill_in(&file("examples/replicas/samehand-upstream.conf"), &changes);
    start_with(Place::Edge, Tls::None, &upstream, application, &|text| text, &[])
}

/// Starts nginx; `examples` of `examples/header-parts` lie beside its own files.
#[track_caller]
fn start_with(
    place: Place,
    tls: Tls<'_>,
    upstream: &str,
    application: SocketAddr,
    change: &dyn Fn(String) -> String,
    examples: &[&str],
) -> Proxy {
    let directory = TempDir::new().expect("a temporary directory");
    let path = directory.path();
    let (process, address) = on_a_free_address(|address| {
        let main = main_file(path, place, |option| listen(address, option, tls), tls, application);
        write_configuration(path, change(main), upstream, examples);
        run(path, address)
    });
    Proxy { kind: Kind::Nginx, address: address.into(), process, _directory: directory }
}

/// Starts an nginx that caches what comes from there, with cookies or without.
#[track_caller]
pub(crate) fn start_cache(origin: SocketAddr) -> Proxy {
    let directory = TempDir::new().expect("a temporary directory");
    let path = directory.path();
    let (process, address) = on_a_free_address(|address| {
        let places = temporary_places(path);
        let text = format!(
            "events {{ }} http {{ access_log off;{places} proxy_cache_path {}/cache keys_zone=all:1m; server {{ listen {address}; \
             location / {{ proxy_cache all; proxy_ignore_headers Set-Cookie; proxy_pass http://{origin}; }} }} }}",
            path.display()
        );
        fs::write(path.join("nginx.conf"), text).expect("a file in the temporary directory");
        run(path, address)
    });
    Proxy { kind: Kind::Nginx, address: address.into(), process, _directory: directory }
}

/// Runs nginx with the configuration in this directory.
fn run(path: &Path, address: SocketAddr) -> Result<Process, String> {
    let mut process = Process::start_tool("nginx", |command| {
        // One process, so that it is gone when it is killed, and nothing written outside of the directory.
        let ours = format!("daemon off; master_process off; pid {}/pid;", path.display());
        command.args(["-e", "stderr", "-g", &ours, "-c"]).arg(path.join("nginx.conf")).arg("-p").arg(path);
    });
    process.wait_until(|| accepts(address))?;
    Ok(process)
}

/// The places that a distribution's nginx has for uploads need root.
fn temporary_places(to: &Path) -> String {
    ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|what| format!(" {what}_temp_path {}/{what};", to.display()))
        .concat()
}

fn upstream(samehand: &Address) -> String {
    let shipped = file("nginx/samehand-upstream.conf");
    let (unix, over_tcp) = ("server unix:/run/samehand/samehand.sock;", format!("# server {SAMEHAND};"));
    match samehand {
        Address::Unix(path) => fill_in(&shipped, &[(unix, format!("server unix:{};", path.display()))]),
        Address::Tcp(_) | Address::Admin(_) | Address::Tls(..) => {
            let server = format!("server {};", tcp(samehand));
            fill_in(&shipped, &[(unix, String::new()), (&over_tcp, server)])
        }
    }
}

/// What the servers listen on, with this option; a certificate is all that https takes.
fn listen(own: SocketAddr, option: &str, tls: Tls<'_>) -> String {
    let Some(authority) = tls.authority() else { return format!("listen {own}{option};") };
    let (certificate, key) = (authority.server_certificate(), authority.server_key());
    let (certificate, key) = (certificate.display(), key.display());
    format!("listen {own} ssl{option}; ssl_certificate {certificate}; ssl_certificate_key {key};")
}

fn main_file(
    to: &Path,
    place: Place,
    listen: impl Fn(&str) -> String,
    tls: Tls<'_>,
    application: SocketAddr,
) -> String {
    let temporary = temporary_places(to);
    let mut main = fill_in(
        &file("nginx/nginx.conf"),
        &[
            (&format!("listen {PROXY} default_server;"), listen(" default_server")),
            (&format!("listen {PROXY};"), listen("")),
            (APPLICATION, application.to_string()),
            // The worst that the rest of somebody's http { } may say about names of headers.
            (
                "http {",
                format!("http {{ underscores_in_headers on; ignore_invalid_headers off; access_log off;{temporary}"),
            ),
        ],
    );
    if let Tls::Both(authority) = tls {
        let verify = "ssl_client_certificate /etc/nginx/clients.pem;";
        main = uncomment(&main, &[verify, "ssl_verify_client optional;"]);
        main = fill_in(&main, &[("/etc/nginx/clients.pem", authority.certificate().display().to_string())]);
    }
    match place {
        Place::Edge => {}
        Place::BehindFrontHop => {
            let (edge, cdn) = ("include samehand-edge.conf;", "include samehand-behind-cdn.conf;");
            main = fill_in(&main, &[(edge, String::new()), (&format!("# {cdn}"), cdn.to_owned())]);
        }
    }
    main
}

fn write_configuration(to: &Path, main: String, upstream: &str, examples: &[&str]) {
    let examples = examples.iter().map(|name| ((*name).to_owned(), file(format!("examples/header-parts/{name}"))));
    let untouched = ["edge", "behind-cdn", "forwarded", "auth", "protect", "public", "headers", "names", "endpoints"]
        .map(|part| (format!("samehand-{part}.conf"), file(format!("nginx/samehand-{part}.conf"))));
    let changed = [("nginx.conf".to_owned(), main), ("samehand-upstream.conf".to_owned(), upstream.to_owned())];
    for (name, text) in untouched.into_iter().chain(changed).chain(examples) {
        fs::write(to.join(name), text).expect("a file in the temporary directory");
    }
}
