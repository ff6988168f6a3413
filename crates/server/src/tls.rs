//! TLS without a proxy: a certificate and its key from files, renewed without a restart.

use std::fmt::Display;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::sync::Notify;
use tokio::time::MissedTickBehavior;

use crate::application::StartError;
use crate::settings::{ServerSettings, SettingsError, TlsSettings};

/// The certificate of the server, and its files.
#[derive(Debug)]
pub(crate) struct Certificate {
    settings: TlsSettings,
    /// The contents of the files when they were last read.
    seen: Files,
    current: Arc<Current>,
}

const CERTIFICATE: &str = "server.tls.certificate";
const KEY: &str = "server.tls.key";

/// The contents of the files.
#[derive(PartialEq, Eq)]
struct Files {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

/// Does not print the private key.
impl std::fmt::Debug for Files {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Files").finish_non_exhaustive()
    }
}

/// The certificate for new connections.
#[derive(Debug)]
struct Current(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

impl Certificate {
    /// Reads the files that the settings name, if they name any.
    ///
    /// # Errors
    /// The files cannot be read, or do not belong together. The error names the setting at fault.
    pub(crate) fn read(settings: &ServerSettings) -> Result<Option<Self>, SettingsError> {
        let settings = settings.tls.clone();
        if !settings.is_on() {
            return Ok(None);
        }
        let seen = Files::read(&settings)?;
        let current = Arc::new(Current(RwLock::new(Arc::new(seen.parse(&settings)?))));
        Ok(Some(Self { settings, seen, current }))
    }

    /// The configuration of encrypted connections: TLS 1.2 and 1.3.
    ///
    /// # Errors
    /// No cause is known.
    pub(crate) fn config(&self) -> Result<ServerConfig, StartError> {
        let provider = Arc::new(ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth();
        Ok(config.with_cert_resolver(self.current.clone()))
    }

    /// Reads the files again at intervals. A new certificate is used for new connections. A bad one
    /// is logged once and not used, because the other file may be about to follow. They are also read
    /// whenever somebody asks for it.
    pub(crate) async fn renew_for_ever(mut self, asked: Arc<Notify>) {
        let mut ticks = tokio::time::interval(self.settings.check_every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = asked.notified() => {}
            }
            let settings = self.settings.clone();
            let read = tokio::task::spawn_blocking(move || Files::read(&settings)).await;
            let files = match read {
                Ok(Ok(files)) if files == self.seen => continue,
                Ok(Ok(files)) => files,
                // The file may be about to be written. It is read again next time.
                Ok(Err(error)) => {
                    tracing::error!(event = "certificate", "{error}: the old one is kept");
                    continue;
                }
                Err(_stopped) => return,
            };
            match files.parse(&self.settings) {
                Ok(key) => {
                    let mut current =
                        self.current.0.write().unwrap_or_else(PoisonError::into_inner);
                    *current = Arc::new(key);
                    tracing::info!(event = "certificate", "a new one is used");
                }
                Err(error) => {
                    tracing::error!(event = "certificate", "{error}: the old one is kept");
                }
            }
            self.seen = files;
        }
    }
}

impl Files {
    fn read(settings: &TlsSettings) -> Result<Self, SettingsError> {
        let read = |name, path: &Path| std::fs::read(path).map_err(|error| bad(name, path, error));
        Ok(Self {
            certificate: read(CERTIFICATE, &settings.certificate)?,
            key: read(KEY, &settings.key)?,
        })
    }

    fn parse(&self, settings: &TlsSettings) -> Result<CertifiedKey, SettingsError> {
        let bad_certificate =
            |reason: &dyn Display| bad(CERTIFICATE, &settings.certificate, reason);
        let bad_key = |reason: &dyn Display| bad(KEY, &settings.key, reason);
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&self.certificate)
            .collect::<Result<_, _>>()
            .map_err(|error| bad_certificate(&error))?;
        if chain.is_empty() {
            return Err(bad_certificate(&"there is no certificate in PEM"));
        }
        // The error is not shown, because it may quote the key.
        let Ok(private) = PrivateKeyDer::from_pem_slice(&self.key) else {
            return Err(bad_key(&"there is no private key in PEM, without a password"));
        };
        CertifiedKey::from_der(chain, private, &ring::default_provider()).map_err(|error| {
            match error {
                rustls::Error::InconsistentKeys(_) => {
                    bad_key(&format_args!("it is not the key of {CERTIFICATE}"))
                }
                rustls::Error::InvalidCertificate(error) => bad_certificate(&error),
                error => bad_key(&error),
            }
        })
    }
}

fn bad(name: &str, path: &Path, reason: impl Display) -> SettingsError {
    SettingsError::bad(name, format!("{}: {reason}", path.display()))
}
