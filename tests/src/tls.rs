//! An authority for the tests, its certificates, clients that trust it or nobody, and a server with
//! TLS.

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::app::{Place, TestApp};
use crate::client::Client;
use crate::clock::TurnableClock;

/// An authority.
pub struct Authority {
    root: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key, in PEM files.
pub struct Pair {
    /// The certificate.
    pub certificate: PathBuf,
    /// The key.
    pub key: PathBuf,
    /// The certificate, as a handshake shows it.
    pub der: CertificateDer<'static>,
}

impl Default for Authority {
    fn default() -> Self {
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // OpenSSL takes a certificate of the same name as its authority's for signed by itself.
        authority.distinguished_name.push(DnType::CommonName, "authority");
        let key = KeyPair::generate().unwrap();
        let root = authority.self_signed(&key).unwrap();
        Self { root, issuer: Issuer::new(authority, key) }
    }
}

impl Authority {
    /// Writes a new certificate for `127.0.0.1` into this folder, over one that may be there.
    pub fn certify(&self, folder: &Path) -> Pair {
        self.sign(folder, "server", &CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap())
    }

    /// Writes a new certificate for a client of this name into this folder.
    pub fn certify_client(&self, folder: &Path, name: &str) -> Pair {
        let mut client = CertificateParams::new(Vec::new()).unwrap();
        client.distinguished_name.push(DnType::CommonName, name);
        self.sign(folder, name, &client)
    }

    /// Writes its own certificate into this folder. Returns the path.
    pub fn publish(&self, folder: &Path) -> PathBuf {
        let path = folder.join("ca.pem");
        std::fs::write(&path, self.root.pem()).unwrap();
        path
    }

    fn sign(&self, folder: &Path, name: &str, of: &CertificateParams) -> Pair {
        let key = KeyPair::generate().unwrap();
        let signed = of.signed_by(&key, &self.issuer).unwrap();
        let pair = Pair {
            certificate: folder.join(format!("{name}.pem")),
            key: folder.join(format!("{name}.key")),
            der: signed.der().clone(),
        };
        std::fs::write(&pair.certificate, signed.pem()).unwrap();
        std::fs::write(&pair.key, key.serialize_pem()).unwrap();
        pair
    }

    /// A client that trusts only this authority, and speaks these protocols.
    pub fn client(&self, protocols: &[&str]) -> ClientConfig {
        self.client_of(rustls::DEFAULT_VERSIONS, protocols)
    }

    /// The same, with these versions of TLS.
    pub fn client_of(
        &self,
        versions: &[&'static SupportedProtocolVersion],
        protocols: &[&str],
    ) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.der().clone()).unwrap();
        let mut config = client(versions, roots);
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        config
    }
}

impl Authority {
    /// A connection to this URL that has shaken hands, for one of these protocols.
    pub async fn connect(&self, url: &str, protocols: &[&str]) -> TlsStream<TcpStream> {
        let stream = TcpStream::connect(address_of(url)).await.unwrap();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let connector = TlsConnector::from(Arc::new(self.client(protocols)));
        connector.connect(name, stream).await.unwrap()
    }

    /// The certificate that a new connection to this URL shows.
    pub async fn shown(&self, url: &str) -> CertificateDer<'static> {
        let stream = self.connect(url, &[]).await;
        stream.get_ref().1.peer_certificates().unwrap().first().unwrap().clone().into_owned()
    }
}

/// A server in this process that has a certificate.
pub struct SecuredApp {
    /// The server.
    pub app: TestApp,
    /// Who made its certificate.
    pub authority: Authority,
    /// Its certificate.
    pub pair: Pair,
    /// Where that is.
    pub folder: TempDir,
}

impl SecuredApp {
    /// A server with the defaults.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// A server with these settings beside the defaults.
    pub async fn start_with(overrides: &[(&str, &str)]) -> Self {
        let (authority, folder) = (Authority::default(), tempfile::tempdir().unwrap());
        let pair = authority.certify(folder.path());
        let settings = pair.settings();
        let mut all: Vec<(&str, &str)> =
            settings.iter().map(|(key, value)| (*key, value.as_str())).collect();
        all.extend(overrides);
        let app = TestApp::start_at(Place::new().await, TurnableClock::default(), &all).await;
        Self { app, authority, pair, folder }
    }

    /// A client that speaks these protocols.
    pub fn client(&self, protocols: &[&str]) -> Client {
        Client::trusting(&self.authority.client(protocols), self.app.url())
    }

    /// A connection that has shaken hands, for one of these protocols.
    pub async fn connect(&self, protocols: &[&str]) -> TlsStream<TcpStream> {
        self.authority.connect(&self.app.url(), protocols).await
    }

    /// Where it listens, as `127.0.0.1:…`.
    pub fn address(&self) -> String {
        address_of(&self.app.url()).to_owned()
    }
}

fn address_of(url: &str) -> &str {
    url.trim_start_matches("https://")
}

impl Pair {
    /// The settings by which a server shows it.
    pub fn settings(&self) -> [(&'static str, String); 2] {
        [
            ("server.tls.certificate", self.certificate.display().to_string()),
            ("server.tls.key", self.key.display().to_string()),
        ]
    }
}

/// A client that trusts no authority. Clients without TLS need none, and so do not read the
/// system's.
pub fn trusting_nobody() -> ClientConfig {
    static NOBODY: LazyLock<ClientConfig> =
        LazyLock::new(|| client(rustls::DEFAULT_VERSIONS, RootCertStore::empty()));
    NOBODY.clone()
}

fn client(versions: &[&'static SupportedProtocolVersion], roots: RootCertStore) -> ClientConfig {
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth()
}
