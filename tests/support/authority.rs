//! An authority of certificates for one test, made by the real `openssl`.

use super::client::Request;
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use tempfile::TempDir;

/// An authority and a server's certificate by it, as files.
pub(crate) struct Authority {
    directory: TempDir,
}

impl Authority {
    /// An authority, and a certificate for these names (`IP:127.0.0.1`, `DNS:localhost`, or several with commas).
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

    /// The body of the answer of a server that has a certificate for `app.example.com` by this authority. `None`: it has no
    /// such certificate, or gave no answer.
    #[track_caller]
    pub(crate) fn ask(&self, to: SocketAddr, request: &Request) -> Option<Vec<u8>> {
        let mut roots = rustls::RootCertStore::empty();
        let own = CertificateDer::from_pem_file(self.certificate()).expect("openssl wrote it");
        roots.add(own).expect("a certificate");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let client = rustls::ClientConfig::builder_with_provider(provider);
        let client = client.with_safe_default_protocol_versions().expect("versions that the provider has");
        let client = client.with_root_certificates(roots).with_no_client_auth();
        let name = ServerName::try_from("app.example.com").expect("a name");
        let connection = rustls::ClientConnection::new(Arc::new(client), name).expect("settings that go together");
        let mut stream = rustls::StreamOwned::new(connection, TcpStream::connect(to).ok()?);
        stream.write_all(&request.clone().header("Connection", "close").bytes()).ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok()?;
        let end_of_head = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
        Some(answer.split_off(end_of_head + 4))
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
