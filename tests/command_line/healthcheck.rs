//! `healthcheck` finds the service that the same settings describe.

use crate::support::{
    process::{Process, accepts, on_a_free_address},
    samehand::said,
};
use crate::{Installation, refused, run};

fn serve(installation: &Installation) -> Process {
    Process::start(installation.command().arg("serve")).expect("cargo builds samehand")
}

/// Under these settings a service that runs is found, and one that has stopped is not.
#[track_caller]
fn found_until_it_stops(installation: &Installation, mut service: Process, address: &str) {
    let ended = run(installation, &["healthcheck"]);
    assert_eq!((ended.code, ended.results.as_str()), (Some(0), ""), "{address}: {ended:?}");
    service.signal("TERM");
    service.wait_for("that it stops", |line| (said(line, "msg")? == "stopping").then_some(()));
    service.signal("TERM");
    assert!(service.wait_for_end().success(), "{address}");
    refused(installation, &["healthcheck"], "", 1, &[address]);
}

#[test]
fn a_service_on_tcp_is_found_until_it_stops() {
    for asked in ["127.0.0.1", "0.0.0.0"] {
        // The service of the tests listens on the loopback address only; `healthcheck` is told what an operator who
        // listens everywhere has in the settings, and has to ask on the loopback address then.
        let directory = Installation::new(&[("ADMIN_LISTEN", "off")]);
        let data = directory.data().display().to_string();
        let with = |listen: &str| Installation::new(&[("ADMIN_LISTEN", "off"), ("LISTEN", listen), ("DATA", &data)]);
        let (service, address) = on_a_free_address(|address| {
            let mut process = serve(&with(&address.to_string()));
            process.wait_until(|| accepts(address))?;
            Ok(process)
        });
        let listen = format!("{asked}:{}", address.port());
        found_until_it_stops(&with(&listen), service, &listen);
    }
}

#[test]
fn a_service_on_a_unix_socket_is_found_until_it_stops() {
    let mut installation = Installation::new(&[("ADMIN_LISTEN", "off")]);
    let listen = format!("unix:{}", installation.path("samehand.sock").display());
    installation.set(&[("LISTEN", &listen)]);
    let service = serve(&installation);
    service.wait_for("that it listens", |line| (said(line, "msg")? == "listening").then_some(()));
    found_until_it_stops(&installation, service, &listen);
}
