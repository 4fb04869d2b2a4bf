//! An authority of certificates for one test, made by the real `openssl`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// An authority and a server's certificate by it, as files.
pub(crate) struct Authority {
    directory: TempDir,
}

impl Authority {
    /// An authority, and a certificate for this name (`IP:127.0.0.1` or `DNS:localhost`).
    #[track_caller]
    pub(crate) fn new(name: &str) -> Self {
        let authority = Self { directory: TempDir::new().expect("a temporary directory") };
        let path = |name: &str| authority.path(name).display().to_string();
        let new = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
        let own = ["-subj", "/CN=samehand tests", "-keyout", &path("ca.key"), "-out", &path("ca.pem")];
        openssl(&[&new[..], &own].concat());
        let subject = format!("subjectAltName={name}");
        let usage = ["-addext", &subject, "-addext", "basicConstraints=critical,CA:FALSE"];
        let by = ["-subj", "/CN=server", "-CA", &path("ca.pem"), "-CAkey", &path("ca.key")];
        let files = ["-keyout", &path("server.key"), "-out", &path("server.pem")];
        openssl(&[&new[..], &usage, &by, &files].concat());
        authority
    }

    /// The certificate of the authority.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.path("ca.pem")
    }

    /// The server's certificate.
    pub(crate) fn server_certificate(&self) -> PathBuf {
        self.path("server.pem")
    }

    /// The server's key.
    pub(crate) fn server_key(&self) -> PathBuf {
        self.path("server.key")
    }

    fn path(&self, name: &str) -> PathBuf {
        Path::new(self.directory.path()).join(name)
    }
}

#[track_caller]
fn openssl(arguments: &[&str]) {
    let output = Command::new("openssl").args(arguments).stdin(Stdio::null()).output();
    let output = output.expect("openssl is not installed: run `make test` or scripts/install-test-tools.sh");
    assert!(output.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}
