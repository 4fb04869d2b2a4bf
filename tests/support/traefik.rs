//! The real Traefik with the files of `traefik/`.

use std::{fs, net::SocketAddr, path::Path};

use tempfile::TempDir;

use super::{
    CLIENT,
    authority::Authority,
    client::{Address, Request, ask},
    compose_labels,
    process::{Process, accepts, free_address, on_a_free_address},
    shipped::{APPLICATION, Kind, PROXY, Place, Proxy, SAMEHAND, file, fill_in, tcp},
};

/// The rule of the host in the shipped files for one host, and one that takes every name that tests use.
const ONE_HOST: (&str, &str) = ("Host(`app.example.com`)", "HostRegexp(`^`)");

/// Starts Traefik in front of the application with the file provider; its one host has every name.
#[track_caller]
pub(crate) fn start(place: Place, samehand: &Address, application: SocketAddr) -> Proxy {
    let (folder, name) = match place {
        Place::Edge => ("traefik", "one-host.yml"),
        Place::BehindFrontHop => ("traefik/behind-load-balancer", "dynamic.yml"),
    };
    run(&filled_in(&format!("{folder}/{name}"), &[], samehand, application), ask_plainly, with_configuration(folder))
}

/// The files for several applications, whose pages have a host of their own, and for one.
pub(crate) const FILES: [&str; 2] = ["traefik/dynamic.yml", "traefik/one-host.yml"];

/// Starts Traefik with one of [`FILES`] and the hosts that it names, with these texts of it changed.
#[track_caller]
pub(crate) fn start_as_shipped(
    name: &str,
    samehand: &Address,
    application: SocketAddr,
    changes: &[(&str, String)],
) -> Proxy {
    let shipped = fill_in(&file(name), changes);
    let addresses = [(SAMEHAND, tcp(samehand).to_string()), (APPLICATION, application.to_string())];
    run(&fill_in(&shipped, &addresses), ask_plainly, with_configuration("traefik"))
}

/// Starts Traefik with an entry point that asks about everything, and says where the other one is. These texts of the dynamic
/// configuration are changed.
#[track_caller]
pub(crate) fn start_closed_by_default(
    samehand: &Address,
    application: SocketAddr,
    changes: &[(&str, String)],
) -> (Proxy, Address) {
    let (folder, open) = ("traefik/closed-by-default", free_address());
    let shipped = fill_in(&file(format!("{folder}/dynamic.yml")), changes);
    let addresses = [(SAMEHAND, tcp(samehand).to_string()), (APPLICATION, application.to_string())];
    let proxy = run(&fill_in(&shipped, &addresses), ask_plainly, |own, dynamic| {
        let arguments = with_configuration(folder)(own, dynamic);
        let configuration = dynamic.with_file_name("traefik.yml");
        let text = fs::read_to_string(&configuration).expect("it was written");
        let text = fill_in(&text, &[("127.0.0.1:8081", open.to_string())]);
        fs::write(&configuration, text).expect("a file in the temporary directory");
        arguments
    });
    (proxy, open.into())
}

/// The shipped dynamic configuration with these texts changed, and the addresses and the hosts filled in.
#[track_caller]
fn filled_in(path: &str, changes: &[(&str, String)], samehand: &Address, application: SocketAddr) -> String {
    let (host, every_name) = ONE_HOST;
    let addresses =
        [(SAMEHAND, tcp(samehand).to_string()), (APPLICATION, application.to_string()), (host, every_name.to_owned())];
    fill_in(&fill_in(&file(path), changes), &addresses).replace("Host(`auth.example.com`)", every_name)
}

/// The command line for the shipped static configuration in this folder.
fn with_configuration(folder: &str) -> impl Fn(SocketAddr, &Path) -> Vec<String> {
    move |own, dynamic| {
        let shipped = format!("{folder}/dynamic.yml");
        let changes = [(PROXY, own.to_string()), (shipped.as_str(), dynamic.display().to_string())];
        let configuration = dynamic.with_file_name("traefik.yml");
        let text = fill_in(&file(format!("{folder}/traefik.yml")), &changes);
        fs::write(&configuration, text).expect("a file in the temporary directory");
        vec![format!("--configFile={}", configuration.display())]
    }
}

/// Starts Traefik with the application below `/app`, which it takes away after samehand was asked.
#[track_caller]
pub(crate) fn start_below_prefix(samehand: &Address, application: SocketAddr) -> Proxy {
    let strip = "\n  middlewares:\n    strip:\n      stripPrefix:\n        prefixes: [/app]\n";
    let changes = [
        ("middlewares: [samehand]", "middlewares: [samehand, strip]".to_owned()),
        ("\n  middlewares:\n", strip.to_owned()),
    ];
    let dynamic = filled_in("traefik/one-host.yml", &changes, samehand, application);
    run(&dynamic, ask_plainly, with_configuration("traefik"))
}

/// Starts Traefik at the edge for https: a certificate, and TLS at the entry point.
#[track_caller]
pub(crate) fn start_https(authority: &Authority, samehand: &Address, application: SocketAddr) -> Proxy {
    start_https_with(authority, samehand, application, &[])
}

/// The same with these texts of the shipped dynamic configuration changed.
#[track_caller]
pub(crate) fn start_https_with(
    authority: &Authority,
    samehand: &Address,
    application: SocketAddr,
    changes: &[(&str, String)],
) -> Proxy {
    let (certificate, key) = (authority.server_certificate(), authority.server_key());
    let (certificate, key) = (certificate.display(), key.display());
    let certificates = format!("\ntls:\n  certificates: [{{ certFile: {certificate}, keyFile: {key} }}]\nhttp:\n");
    let changes = [changes, &[("\nhttp:\n", certificates)]].concat();
    let dynamic = filled_in("traefik/one-host.yml", &changes, samehand, application);
    run(
        &dynamic,
        |own, request| authority.ask(own, request),
        |own, dynamic| {
            let changes = [
                (PROXY, own.to_string()),
                ("traefik/dynamic.yml", dynamic.display().to_string()),
                ("    http:\n", "    http:\n      tls: {}\n".to_owned()),
            ];
            let configuration = dynamic.with_file_name("traefik.yml");
            fs::write(&configuration, fill_in(&file("traefik/traefik.yml"), &changes)).expect("a temporary file");
            vec![format!("--configFile={}", configuration.display())]
        },
    )
}

/// Starts Traefik at the edge for https, where it asks clients for a certificate of this authority.
#[track_caller]
pub(crate) fn start_mtls(authority: &Authority, samehand: &Address, application: SocketAddr) -> Proxy {
    let folder = "traefik/client-certificates";
    let (certificate, key) = (authority.server_certificate(), authority.server_key());
    let files = [
        ("/etc/traefik/app.pem", certificate.display().to_string()),
        ("/etc/traefik/app.key", key.display().to_string()),
        ("/etc/traefik/clients.pem", authority.certificate().display().to_string()),
    ];
    let dynamic = filled_in(&format!("{folder}/dynamic.yml"), &files, samehand, application);
    run(&dynamic, |own, request| authority.ask(own, request), with_configuration(folder))
}

/// Starts Traefik at the edge, where it tells samehand which network a client is in.
#[track_caller]
pub(crate) fn start_with_parts(samehand: &Address, application: SocketAddr) -> Proxy {
    let changes = [
        ("middlewares: [samehand]", "middlewares: [elsewhere, samehand]".to_owned()),
        ("      priority: 1000\n", "      priority: 1000\n      middlewares: [elsewhere]\n".to_owned()),
        ("X-Request-Id, DPoP]", "X-Request-Id, DPoP, X-Network]".to_owned()),
    ];
    let dynamic = filled_in("traefik/one-host.yml", &changes, samehand, application);
    run(&dynamic, ask_plainly, |own, dynamic| {
        let directory = dynamic.with_file_name("both");
        fs::create_dir_all(&directory).expect("a temporary directory");
        let (host, every_name) = ONE_HOST;
        let example = fill_in(&file("examples/header-parts/traefik.yml"), &[(host, every_name.to_owned())]);
        for (name, text) in
            [("dynamic.yml", fs::read_to_string(dynamic).expect("it was written")), ("parts.yml", example)]
        {
            fs::write(directory.join(name), text).expect("a temporary file");
        }
        let configuration = dynamic.with_file_name("traefik.yml");
        let provider = format!("directory: {}", directory.display());
        let changes = [(PROXY, own.to_string()), ("filename: traefik/dynamic.yml", provider)];
        fs::write(&configuration, fill_in(&file("traefik/traefik.yml"), &changes)).expect("a temporary file");
        vec![format!("--configFile={}", configuration.display())]
    })
}

/// Starts Traefik with what the labels of the compose file say, in the form of the file provider.
#[track_caller]
pub(crate) fn start_with_labels(samehand: &Address, application: SocketAddr) -> Proxy {
    let shipped = file("traefik/docker-compose.yml");
    let dynamic = compose_labels::as_file(&shipped, tcp(samehand), application);
    run(&dynamic, ask_plainly, |own, dynamic| compose_labels::arguments(&shipped, own, dynamic))
}

/// The body of the answer to a request over plain http.
fn ask_plainly(own: SocketAddr, request: &Request) -> Option<Vec<u8>> {
    Some(ask(CLIENT, &own.into(), request).body)
}

#[track_caller]
fn run(
    dynamic: &str,
    ask: impl Fn(SocketAddr, &Request) -> Option<Vec<u8>>,
    arguments: impl Fn(SocketAddr, &Path) -> Vec<String>,
) -> Proxy {
    let directory = TempDir::new().expect("a temporary directory");
    let path = directory.path().join("dynamic.yml");
    fs::write(&path, dynamic).expect("a file in the temporary directory");
    let (process, address) = on_a_free_address(|address| {
        let arguments = arguments(address, &path);
        let mut process = Process::start_tool("traefik", |command| {
            command.args(&arguments);
        });
        // It listens first and reads its routers later; until then it answers everything so.
        let unknown = b"404 page not found\n";
        process
            .wait_until(|| accepts(address) && ask(address, &Request::get("/")).is_some_and(|body| body != unknown))?;
        Ok(process)
    });
    Proxy { kind: Kind::Traefik, address: address.into(), process, _directory: directory }
}
