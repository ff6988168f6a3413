//! The files of TLS: an authority of one's own, and the certificate that this client shows.

use std::borrow::Cow;
use std::fmt::Display;
use std::path::{Path, PathBuf};

use deadpool_redis::redis::{ClientTlsConfig, TlsCertificates};
use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use crate::error::ConfigError;

/// PEM files for `rediss://`. They are read once, by [`RedisClient::new`](crate::RedisClient::new).
#[derive(Debug, Clone, Default)]
pub struct TlsFiles {
    /// The authorities that sign the certificates of the servers, in place of the system's.
    pub ca: Option<PathBuf>,
    /// The certificate that is shown to servers that ask for one.
    pub cert: Option<PathBuf>,
    /// Its private key, without a password.
    pub key: Option<PathBuf>,
}

impl TlsFiles {
    /// The first that is named, as the field of the configuration.
    pub(crate) fn first(&self) -> Option<&'static str> {
        let all = [("ca", &self.ca), ("cert", &self.cert), ("key", &self.key)];
        all.into_iter().find_map(|(name, file)| file.as_ref().map(|_| name))
    }

    /// Reads and checks them: the library takes a file without a certificate, and would find only
    /// when it connects that a key belongs to another certificate. `None` if none is named.
    pub(crate) fn read(&self) -> Result<Option<TlsCertificates>, ConfigError> {
        if self.first().is_none() {
            return Ok(None);
        }
        let root_cert = self.ca.as_deref().map(authorities).transpose()?;
        let client_tls = match (&self.cert, &self.key) {
            (Some(cert), Some(key)) => Some(pair(cert, key)?),
            _ => None,
        };
        Ok(Some(TlsCertificates { client_tls, root_cert }))
    }
}

fn authorities(path: &Path) -> Result<Vec<u8>, ConfigError> {
    let pem = read("ca", path)?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates("ca", path, &pem)? {
        roots.add(certificate).map_err(|error| bad("ca", path, error))?;
    }
    Ok(pem)
}

fn pair(cert: &Path, key: &Path) -> Result<ClientTlsConfig, ConfigError> {
    let (client_cert, client_key) = (read("cert", cert)?, read("key", key)?);
    let chain = certificates("cert", cert, &client_cert)?;
    // The error is not shown, because it may quote the key.
    let private = PrivateKeyDer::from_pem_slice(&client_key)
        .map_err(|_quotes| bad("key", key, "there is no private key in PEM, without a password"))?;
    CertifiedKey::from_der(chain, private, &ring::default_provider()).map_err(
        |error| match error {
            rustls::Error::InconsistentKeys(_) => bad("key", key, "it is not the key of cert"),
            rustls::Error::InvalidCertificate(error) => bad("cert", cert, error),
            error => bad("key", key, error),
        },
    )?;
    Ok(ClientTlsConfig { client_cert, client_key })
}

fn certificates(
    field: &'static str,
    path: &Path,
    pem: &[u8],
) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found = found.map_err(|error| bad(field, path, error))?;
    if found.is_empty() {
        Err(bad(field, path, "there is no certificate in PEM"))
    } else {
        Ok(found)
    }
}

fn read(field: &'static str, path: &Path) -> Result<Vec<u8>, ConfigError> {
    std::fs::read(path).map_err(|error| bad(field, path, error))
}

fn bad(field: &'static str, path: &Path, reason: impl Display) -> ConfigError {
    ConfigError { field, reason: Cow::Owned(format!("{}: {reason}", path.display())) }
}
