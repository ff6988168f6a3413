//! Handing mails over to a mail server (RFC 5321).

use std::time::Duration;

use async_trait::async_trait;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::{self, PoolConfig};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use menjin_domain::mail::{Mail, MailError, Mailer};
use secrecy::{ExposeSecret as _, SecretString};

use crate::MailConfigError;
use crate::message::Sender;

/// The greatest number of characters of an error that are kept.
const MAX_ERROR: usize = 200;

/// How the connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpTls {
    /// By STARTTLS, which the server has to offer: nothing is sent in clear.
    StartTls,
    /// From the first byte (RFC 8314 §3.3).
    Implicit,
    /// Not at all.
    None,
}

/// The mail server.
#[derive(Debug, Clone)]
pub struct SmtpConfig {
    /// Its name, which its certificate has to be for.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is encrypted.
    pub tls: SmtpTls,
    /// The name and the password to log in with.
    pub credentials: Option<(String, SecretString)>,
    /// Certificates of authorities in PEM, instead of the system's.
    pub authorities: Option<String>,
    /// How long a command may take.
    pub timeout: Duration,
    /// How many connections are kept at most.
    pub connections: u32,
}

/// Sends mails by SMTP, over connections that are kept.
pub struct SmtpMailer {
    sender: Sender,
    transport: AsyncSmtpTransport<Tokio1Executor>,
    timeout: Duration,
}

impl SmtpMailer {
    /// Connects when the first mail is sent.
    ///
    /// # Errors
    /// [`MailConfigError::BadAuthorities`].
    pub fn new(config: SmtpConfig, sender: Sender) -> Result<Self, MailConfigError> {
        // The one provider of cryptography that there is.
        drop(rustls::crypto::ring::default_provider().install_default());
        let tls = match config.tls {
            SmtpTls::StartTls => Tls::Required(parameters(&config)?),
            SmtpTls::Implicit => Tls::Wrapper(parameters(&config)?),
            SmtpTls::None => Tls::None,
        };
        let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&config.host)
            .port(config.port)
            .tls(tls)
            .timeout(Some(config.timeout))
            .pool_config(PoolConfig::new().max_size(config.connections));
        let builder = match config.credentials {
            Some((name, password)) => {
                builder.credentials(Credentials::new(name, password.expose_secret().to_owned()))
            }
            None => builder,
        };
        Ok(Self { sender, transport: builder.build(), timeout: config.timeout })
    }
}

fn parameters(config: &SmtpConfig) -> Result<TlsParameters, MailConfigError> {
    let bad = |error: smtp::Error| MailConfigError::BadAuthorities(error.to_string());
    let builder = TlsParameters::builder(config.host.clone());
    let builder = match &config.authorities {
        Some(pem) => {
            let certificate = Certificate::from_pem(pem.as_bytes()).map_err(bad)?;
            let none = smtp::client::CertificateStore::None;
            builder.certificate_store(none).add_root_certificate(certificate)
        }
        None => builder,
    };
    builder.build_rustls().map_err(bad)
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let message = self.sender.message(mail)?;
        // Each command has its own limit; this one is for all of them.
        let sent = tokio::time::timeout(self.timeout * 2, self.transport.send(message)).await;
        match sent {
            Ok(Ok(_response)) => Ok(()),
            Ok(Err(error)) => Err(told(&error, mail)),
            Err(_elapsed) => Err(MailError {
                is_final: false,
                code: "timeout".to_owned(),
                text: "the mail server did not answer in time".to_owned(),
            }),
        }
    }
}

/// What administrators are told: nothing that is in the mail.
fn told(error: &smtp::Error, mail: &Mail) -> MailError {
    let status = error.status().map(|code| code.to_string());
    let code = match &status {
        Some(status) => status.clone(),
        None if error.is_timeout() => "timeout".to_owned(),
        None if error.is_tls() => "tls".to_owned(),
        None if error.is_response() || error.is_client() => "protocol".to_owned(),
        None => "connection".to_owned(),
    };
    // A login that is refused is a matter of the settings, and not of this mail.
    let is_about_login = matches!(code.as_str(), "530" | "534" | "535" | "538");
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    if let Some(link) = &mail.link {
        text = text.replace(link.token.expose(), "…");
    }
    let text = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_ERROR).collect();
    MailError { is_final: error.is_permanent() && !is_about_login, code, text }
}
