//! An authority of certificates for one test, made by the real `openssl`.

use super::client::Request;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use samehand::check::thumbprint::Thumbprint;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use tempfile::TempDir;

/// What every certificate here is made with.
const NEW_KEY: [&str; 5] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

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
        let own = ["-subj", "/CN=samehand tests", "-keyout", &path("ca.key"), "-out", &path("ca.pem")];
        openssl(&[&["req", "-x509", "-days", "2"][..], &NEW_KEY, &own].concat());
        authority.sign("server", &format!("subjectAltName={name}"), "2");
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

    /// A certificate of a client.
    #[track_caller]
    pub(crate) fn client(&self, name: &str) -> Client {
        self.sign(name, "extendedKeyUsage=clientAuth", "2")
    }

    /// A certificate that ended yesterday.
    #[track_caller]
    pub(crate) fn expired_client(&self, name: &str) -> Client {
        self.sign(name, "extendedKeyUsage=clientAuth", "-1")
    }

    /// A client that believes servers of this authority, and presents this certificate where it is asked for one.
    #[track_caller]
    pub(crate) fn greeting(&self, client: Option<&Client>) -> Greeting {
        let mut roots = RootCertStore::empty();
        let own = CertificateDer::from_pem_file(self.certificate()).expect("openssl wrote it");
        roots.add(own).expect("a certificate");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let settings = ClientConfig::builder_with_provider(provider);
        let settings = settings.with_safe_default_protocol_versions().expect("versions that the provider has");
        let settings = settings.with_root_certificates(roots);
        Greeting(Arc::new(match client {
            None => settings.with_no_client_auth(),
            Some(client) => {
                let chain = CertificateDer::pem_file_iter(&client.certificate).expect("openssl wrote it");
                let chain = chain.collect::<Result<Vec<_>, _>>().expect("certificates");
                let key = PrivateKeyDer::from_pem_file(&client.key).expect("openssl wrote it");
                settings.with_client_auth_cert(chain, key).expect("a key of the certificate")
            }
        }))
    }

    /// The body of the answer of a server that has a certificate for `app.example.com` by this authority. `None`: it has no
    /// such certificate, or gave no answer.
    #[track_caller]
    pub(crate) fn ask(&self, to: SocketAddr, request: &Request) -> Option<Vec<u8>> {
        let connection = self.greeting(None).connection();
        let mut stream = rustls::StreamOwned::new(connection, TcpStream::connect(to).ok()?);
        stream.write_all(&request.clone().header("Connection", "close").bytes()).ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok()?;
        let end_of_head = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
        Some(answer.split_off(end_of_head + 4))
    }

    #[track_caller]
    fn sign(&self, name: &str, extension: &str, days: &str) -> Client {
        let path = |end: &str| self.path(&format!("{name}{end}")).display().to_string();
        let (request, extensions) = (path(".request"), path(".extensions"));
        let client = Client { certificate: path(".pem").into(), key: path(".key").into() };
        let subject = format!("/CN={name}");
        let new = ["-subj", &subject, "-keyout", &path(".key"), "-out", &request];
        openssl(&[&["req"][..], &NEW_KEY, &new].concat());
        fs::write(&extensions, format!("basicConstraints=critical,CA:FALSE\n{extension}\n")).expect("a temporary file");
        let (authority, key) = (self.path("ca.pem").display().to_string(), self.path("ca.key").display().to_string());
        let by = ["-CA", &authority, "-CAkey", &key, "-CAcreateserial"];
        let what = ["-in", &request, "-out", &path(".pem"), "-extfile", &extensions, "-days", days];
        openssl(&[&["x509", "-req"][..], &by, &what].concat());
        client
    }

    fn path(&self, name: &str) -> PathBuf {
        Path::new(self.directory.path()).join(name)
    }
}

/// A client's certificate and its key, as files.
pub(crate) struct Client {
    pub(crate) certificate: PathBuf,
    key: PathBuf,
}

impl Client {
    /// The PEM of the certificate.
    #[track_caller]
    pub(crate) fn pem(&self) -> String {
        fs::read_to_string(&self.certificate).expect("openssl wrote it")
    }

    /// The SHA-256 of its DER as the real `openssl` computes it.
    #[track_caller]
    pub(crate) fn thumbprint(&self) -> Thumbprint {
        let path = self.certificate.display().to_string();
        let printed = openssl(&["x509", "-in", &path, "-noout", "-fingerprint", "-sha256"]);
        let hex = printed.trim().rsplit('=').next().unwrap_or_default().replace(':', "");
        let mut sha256 = [0; 32];
        hex::decode_to_slice(hex, &mut sha256).expect("32 bytes in hexadecimal digits");
        Thumbprint::from_sha256(sha256)
    }

    /// Adds a certificate to what is sent in the handshake.
    #[track_caller]
    pub(crate) fn also_sends(&self, certificate: &Path) {
        let other = fs::read_to_string(certificate).expect("openssl wrote it");
        fs::write(&self.certificate, format!("{}{other}", self.pem())).expect("a temporary file");
    }
}

/// How a client presents itself in a TLS handshake.
#[derive(Clone, Debug)]
pub(crate) struct Greeting(Arc<ClientConfig>);

impl Greeting {
    /// A connection to `app.example.com` that has not sent anything yet.
    pub(crate) fn connection(&self) -> ClientConnection {
        let name = ServerName::try_from("app.example.com").expect("a name");
        ClientConnection::new(Arc::clone(&self.0), name).expect("settings that go together")
    }
}

impl PartialEq for Greeting {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Greeting {}

#[track_caller]
fn openssl(arguments: &[&str]) -> String {
    let output = Command::new("openssl").args(arguments).stdin(Stdio::null()).output();
    let output = output.expect("openssl is not installed: run `make test` or scripts/install-test-tools.sh");
    assert!(output.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("openssl prints ASCII")
}
