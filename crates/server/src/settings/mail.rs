//! `[mail]`: how mails are sent.

use std::path::{Path, PathBuf};

use menjin_domain::lockout::Limit;
use menjin_domain::mail::MailSettings as MailPolicy;
use menjin_infra_mail::{SmtpConfig, SmtpTls};

use super::masked::Secret;
use super::prelude::*;
use super::{ServerSettings, registration::RequiredVerification};

const HOUR: Duration = Duration::from_secs(60 * 60);

#[derive(Debug, Clone, Deserialize, Serialize, Validate)]
#[garde(allow_unvalidated)]
pub(crate) struct MailSettings {
    #[serde(deserialize_with = "text::name")]
    pub(crate) mode: MailMode,
    from: String,
    /// What mails call the site.
    pub(crate) site: String,
    pub(crate) folder: PathBuf,
    templates: PathBuf,
    #[serde(with = "duration")]
    #[garde(custom(lasts(MILLISECOND, HOUR)))]
    pub(crate) check_every: Duration,
    #[serde(with = "duration")]
    #[garde(custom(lasts(Duration::from_secs(5 * 60), DAY)))]
    reset_ttl: Duration,
    #[garde(range(min = 1))]
    max_requests: u32,
    #[garde(range(min = 1))]
    max_per_hour: u32,
    #[serde(with = "duration")]
    #[garde(custom(lasts(DAY, LONGEST)))]
    pub(crate) keep: Duration,
    #[garde(dive)]
    smtp: SmtpSettings,
}

/// How mails are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MailMode {
    /// To a mail server.
    Smtp,
    /// Into files.
    File,
    /// Not at all.
    Off,
}

/// `[mail.smtp]`
#[derive(Debug, Clone, Deserialize, Serialize, Validate)]
#[garde(allow_unvalidated)]
struct SmtpSettings {
    host: String,
    #[garde(range(min = 1))]
    port: u16,
    #[serde(deserialize_with = "text::name")]
    tls: TlsMode,
    username: String,
    #[serde(with = "text")]
    password: Secret,
    ca: PathBuf,
    #[serde(with = "duration")]
    #[garde(custom(lasts(SECOND, Duration::from_secs(55))))]
    timeout: Duration,
    #[garde(range(min = 1, max = 100))]
    connections: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum TlsMode {
    StartTls,
    Implicit,
    None,
}

impl MailSettings {
    /// Whether mails are sent.
    pub(crate) fn is_on(&self) -> bool {
        self.mode != MailMode::Off
    }

    /// The folder whose templates replace those of the program.
    pub(crate) fn templates(&self) -> Option<&Path> {
        Some(self.templates.as_path()).filter(|folder| !folder.as_os_str().is_empty())
    }

    /// Whom mails are from.
    pub(crate) fn from(&self) -> &str {
        if self.from.is_empty() { "menjin <menjin@localhost>" } else { &self.from }
    }

    /// What use-cases need to know.
    pub(crate) fn policy(&self, public_url: String, locale: menjin_api::Locale) -> MailPolicy {
        let mut policy = MailPolicy::new(public_url);
        policy.locale = locale;
        policy.reset_lifetime = self.reset_ttl;
        policy.per_network = Limit { max: self.max_requests, window: HOUR };
        policy.in_all = Limit { max: self.max_per_hour, window: HOUR };
        policy
    }

    /// The mail server.
    ///
    /// # Errors
    /// The file of the certificates cannot be read.
    pub(crate) fn smtp(&self) -> Result<SmtpConfig, SettingsError> {
        let SmtpSettings { host, port, username, password, ca, timeout, connections, .. } =
            &self.smtp;
        let authorities = (!ca.as_os_str().is_empty()).then(|| {
            std::fs::read_to_string(ca).map_err(|error| {
                SettingsError::bad("mail.smtp.ca", format!("{}: {error}", ca.display()))
            })
        });
        Ok(SmtpConfig {
            host: host.clone(),
            port: *port,
            tls: match self.smtp.tls {
                TlsMode::StartTls => SmtpTls::StartTls,
                TlsMode::Implicit => SmtpTls::Implicit,
                TlsMode::None => SmtpTls::None,
            },
            username: (!username.is_empty()).then(|| username.clone()),
            password: (!username.is_empty()).then(|| password.0.clone()),
            ca: authorities.transpose()?,
            from: self.from().to_owned(),
            hello_name: None,
            timeout: *timeout,
            connections: *connections,
        })
    }

    pub(super) fn check(
        &self,
        server: &ServerSettings,
        verification: RequiredVerification,
        production: bool,
    ) -> Result<(), SettingsError> {
        let is_off = "no mails are sent (mail.mode = off), so nobody could prove an address";
        let may_verify = self.is_on() || verification == RequiredVerification::Off;
        require("registration.require_verification", may_verify, is_off)?;
        if !self.is_on() {
            return Ok(());
        }
        let has_url = server.public_url().is_some() || !production;
        require("server.public_url", has_url, {
            "required in production with mail.mode: the links in mails lead there, such as \
             https://accounts.example"
        })?;
        if self.mode != MailMode::Smtp {
            return Ok(());
        }
        let needed = "required with mail.mode = smtp";
        require("mail.from", !self.from.is_empty(), {
            format!("{needed}: an address, or `Name <address>`")
        })?;
        require("mail.smtp.host", !self.smtp.host.is_empty(), needed)?;
        let has_both = self.smtp.username.is_empty() == self.smtp.password.expose().is_empty();
        require("mail.smtp.password", has_both, "username and password: both, or neither")?;
        let is_secret = self.smtp.username.is_empty() || self.smtp.tls != TlsMode::None;
        let is_here = ["localhost", "127.0.0.1", "::1"].contains(&self.smtp.host.as_str());
        require("mail.smtp.tls", is_secret || is_here, {
            "none would send the password in clear: starttls or implicit"
        })
    }
}
