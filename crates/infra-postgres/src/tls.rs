//! TLS: whom it trusts, and what it shows.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use menjin_domain::common::BoxError;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

/// How much protection TLS gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tls {
    /// None.
    Off,
    /// Protects against somebody who only listens.
    Unverified,
    /// With a certificate signed by one of the system's authorities, or by one in this file.
    Verified { authorities: Option<PathBuf> },
}

/// The files of the certificate that is shown to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Own {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// What the files hold that a URL names.
pub(crate) struct Files {
    authorities: Option<RootCertStore>,
    own: Option<CertifiedKey>,
}

/// Reads and checks the files that a URL names. The error names the parameter.
pub(crate) fn files(tls: &Tls, own: Option<&Own>) -> Result<Files, String> {
    let authorities = match tls {
        Tls::Verified { authorities: Some(file) } => Some(roots_in(file)?),
        _ => None,
    };
    Ok(Files { authorities, own: own.map(certified).transpose()? })
}

/// `None`: TLS is never used.
pub(crate) fn client_config(
    tls: &Tls,
    own: Option<&Own>,
) -> Result<Option<ClientConfig>, BoxError> {
    let files = files(tls, own)?;
    let provider = Arc::new(ring::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = match tls {
        Tls::Off => return Ok(None),
        Tls::Unverified => Arc::new(AnyCertificate(Arc::clone(&provider))),
        Tls::Verified { .. } => {
            let roots = match files.authorities {
                Some(roots) => roots,
                None => system_roots()?,
            };
            WebPkiServerVerifier::builder_with_provider(roots.into(), Arc::clone(&provider))
                .build()?
        }
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    Ok(Some(match files.own {
        Some(own) => config.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(own))),
        None => config.with_no_client_auth(),
    }))
}

fn roots_in(file: &Path) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates("sslrootcert", file)? {
        roots.add(certificate).map_err(|error| bad("sslrootcert", file, error))?;
    }
    Ok(roots)
}

fn certified(Own { certificate, key }: &Own) -> Result<CertifiedKey, String> {
    let chain = certificates("sslcert", certificate)?;
    let pem = std::fs::read(key).map_err(|error| bad("sslkey", key, error))?;
    // The error is not shown, because it may quote the key.
    let private = PrivateKeyDer::from_pem_slice(&pem).map_err(|_quotes| {
        bad("sslkey", key, "no private key in it, in PEM and without a password")
    })?;
    CertifiedKey::from_der(chain, private, &ring::default_provider()).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => bad("sslkey", key, "it is not the key of sslcert"),
        rustls::Error::InvalidCertificate(error) => bad("sslcert", certificate, error),
        error => bad("sslkey", key, error),
    })
}

fn certificates(parameter: &str, file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let found =
        CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = found.map_err(|error| bad(parameter, file, error))?;
    if found.is_empty() { Err(bad(parameter, file, "no certificate in it")) } else { Ok(found) }
}

fn bad(parameter: &str, file: &Path, reason: impl Display) -> String {
    format!("{parameter} {}: {reason}", file.display())
}

fn system_roots() -> Result<RootCertStore, BoxError> {
    let mut roots = RootCertStore::empty();
    // Some systems carry certificates that cannot be read; the others are enough.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err("sslmode=verify-full: the system has no certificates of authorities; name \
                    some with sslrootcert"
            .into());
    }
    Ok(roots)
}

/// Accepts every certificate, as `sslmode=require` is defined: somebody between client and server
/// can pretend to be the server. The signatures made with the certificate are verified.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
