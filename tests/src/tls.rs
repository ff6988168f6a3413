//! An authority of the tests', certificates of its, and clients that trust it or nobody.

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};

/// An authority.
pub struct Authority {
    root: CertificateDer<'static>,
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
        let key = KeyPair::generate().unwrap();
        let root = authority.self_signed(&key).unwrap().der().clone();
        Self { root, issuer: Issuer::new(authority, key) }
    }
}

impl Authority {
    /// Writes a new certificate for `127.0.0.1` into this folder, over one that may be there.
    pub fn certify(&self, folder: &Path) -> Pair {
        let key = KeyPair::generate().unwrap();
        let server = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let server = server.signed_by(&key, &self.issuer).unwrap();
        let pair = Pair {
            certificate: folder.join("server.pem"),
            key: folder.join("server.key"),
            der: server.der().clone(),
        };
        std::fs::write(&pair.certificate, server.pem()).unwrap();
        std::fs::write(&pair.key, key.serialize_pem()).unwrap();
        pair
    }

    /// A client that trusts this authority alone, and speaks these protocols.
    pub fn client(&self, protocols: &[&str]) -> ClientConfig {
        self.client_of(rustls::DEFAULT_VERSIONS, protocols)
    }

    /// The same, of these versions of TLS.
    pub fn client_of(
        &self,
        versions: &[&'static SupportedProtocolVersion],
        protocols: &[&str],
    ) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone()).unwrap();
        let mut config = client(versions, roots);
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        config
    }
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

/// A client that trusts no authority: what speaks no TLS needs none, and need not read the system's.
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
