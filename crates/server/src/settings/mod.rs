//! The settings: one struct for each section, each in its own file. `config/default.toml` documents
//! all settings and holds their defaults.
//!
//! To add a setting, add a line there and a field to the struct of its section. `garde` checks the
//! bounds of each field. The section's `check` checks conditions on several fields.

mod accounts;
mod admin;
mod attributes;
mod audit;
mod auth;
mod cache;
mod cache_api;
mod cors;
mod database;
mod hashing;
mod import;
mod jobs;
mod load;
mod locale;
mod log;
mod mail;
mod masked;
mod metrics;
mod mfa;
mod names;
mod origin;
mod pages;
mod passkeys;
mod password;
mod redis;
mod registration;
mod roles;
mod server;
mod sessions;
mod shown;
mod text;
mod throttle;
mod tidy;
mod written;

use humantime::format_duration;
use menjin_domain::access::Roles;
use menjin_domain::accounts::AttributeRules;
use prelude::{Deserialize, Duration, Serialize, Validate};

pub use database::Database;
pub use load::Sources;

pub(crate) use load::{DEFAULT, PRODUCTION, Writings};
pub(crate) use log::{LogFormat, LogSettings};
pub(crate) use mail::MailMode;
pub(crate) use names::is_secret;
pub(crate) use registration::RequiredVerification;
pub(crate) use server::{ServerSettings, TlsSettings};

/// All settings, each valid and all consistent. When they are serialised, secrets are masked.
#[derive(Debug, Clone, Deserialize, Serialize, Validate)]
pub struct Settings {
    /// Whether this is production. It comes from `--env`, not from a file.
    #[serde(skip)]
    #[garde(skip)]
    pub(crate) production: bool,
    /// What the console shows of them.
    #[serde(skip)]
    #[garde(skip)]
    pub(crate) shown: Vec<menjin_api::ShownSetting>,
    #[garde(dive)]
    pub(crate) server: ServerSettings,
    #[garde(dive)]
    pub(crate) cors: cors::CorsSettings,
    #[garde(dive)]
    pub(crate) database: database::DatabaseSettings,
    #[garde(dive)]
    pub(crate) redis: redis::RedisSettings,
    #[garde(dive)]
    pub(crate) auth: auth::AuthSettings,
    #[garde(dive)]
    pub(crate) sessions: sessions::SessionSettings,
    #[garde(dive)]
    pub(crate) hashing: hashing::HashingSettings,
    #[garde(dive)]
    pub(crate) password: password::PasswordSettings,
    #[garde(dive)]
    pub(crate) throttle: throttle::ThrottleSettings,
    #[garde(dive)]
    pub(crate) registration: registration::RegistrationSettings,
    #[garde(dive)]
    pub(crate) accounts: accounts::AccountsSettings,
    #[garde(dive)]
    roles: roles::RoleTable,
    #[garde(dive)]
    #[serde(default)]
    attributes: attributes::AttributeTable,
    #[garde(dive)]
    pub(crate) admin: admin::AdminSettings,
    #[garde(dive)]
    pub(crate) mfa: mfa::MfaSettings,
    #[garde(dive)]
    pub(crate) passkeys: passkeys::PasskeySettings,
    #[garde(dive)]
    pub(crate) pages: pages::PagesSettings,
    #[garde(dive)]
    pub(crate) import: import::ImportSettings,
    #[garde(dive)]
    pub(crate) jobs: jobs::JobSettings,
    #[garde(dive)]
    pub(crate) audit: audit::AuditSettings,
    #[garde(dive)]
    pub(crate) cache_api: cache_api::CacheApiSettings,
    #[garde(dive)]
    pub(crate) cache: cache::CacheSettings,
    #[garde(dive)]
    pub(crate) mail: mail::MailSettings,
    #[garde(dive)]
    pub(crate) locale: locale::LocaleSettings,
    #[garde(dive)]
    pub(crate) log: LogSettings,
    #[garde(dive)]
    pub(crate) metrics: metrics::MetricsSettings,
    #[garde(dive)]
    pub(crate) tidy: tidy::TidySettings,
}

impl Settings {
    /// Where people reach this server: as the settings say, or in development where it listens.
    pub(crate) fn public_url(&self) -> String {
        let here = || {
            let scheme = if self.server.tls.is_on() { "https" } else { "http" };
            format!("{scheme}://{}", self.server.address())
        };
        self.server.public_url().map_or_else(here, ToOwned::to_owned)
    }

    /// The settings of a server that listens there.
    pub(crate) fn listening_at(&self, address: std::net::SocketAddr) -> Self {
        let mut settings = self.clone();
        settings.server.port = address.port();
        settings
    }

    /// Returns the first setting that is out of its bounds, or that contradicts others.
    fn check(&self) -> Result<(), SettingsError> {
        self.validate()?;
        self.server.check(self.metrics.listen.map(|listen| listen.0))?;
        self.cors.check()?;
        self.database()?;
        self.redis.config()?;
        self.auth.check(self)?;
        self.hashing.check(self.production)?;
        let verification = self.registration.require_verification;
        self.mail.check(&self.server, verification, self.production)?;
        self.pages.check(&self.server, self.production)?;
        self.accounts.check(self.mail.is_on())?;
        self.attributes()?;
        self.mfa.required_for(&self.roles()?)?;
        self.passkeys.party(self)?;
        self.registration.default_role(&self.roles()?).map(drop)
    }

    /// What users carry beside the fields of the documents.
    ///
    /// # Errors
    /// See [`attributes::attributes`].
    pub(crate) fn attributes(&self) -> Result<AttributeRules, SettingsError> {
        attributes::attributes(&self.attributes)
    }

    /// Which role has which rights.
    ///
    /// # Errors
    /// See [`roles::roles`].
    pub(crate) fn roles(&self) -> Result<Roles, SettingsError> {
        roles::roles(&self.roles)
    }
}

/// Why the settings cannot be used. Each variant names the setting at fault.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A file cannot be read or is no TOML.
    #[error("settings: {0}")]
    Unreadable(String),
    /// A setting that does not exist.
    #[error("settings: unknown setting {}; `menjin config defaults` prints all that there are", .names.join(", "))]
    Unknown {
        /// Their names, with where they were written and what may be meant.
        names: Vec<String>,
    },
    /// A setting of a wrong type or an impossible value.
    #[error("settings: `{name}`: {reason}")]
    Bad {
        /// Its name.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// A flag that is no assignment.
    #[error("settings: --set {flag}: write it as section.key=value")]
    BadFlag {
        /// The flag.
        flag: String,
    },
    /// An environment variable that looks like a setting but is none.
    #[error("settings: environment variable {name} is not read: {hint}")]
    BadVariable {
        /// Its name.
        name: String,
        /// What to write instead.
        hint: String,
    },
    /// The folder that was named cannot be used.
    #[error("settings: --config (MENJIN_CONFIG) {}: {reason}", .folder.display())]
    BadFolder {
        /// The folder.
        folder: std::path::PathBuf,
        /// What is wrong.
        reason: String,
    },
}

impl SettingsError {
    pub(crate) fn bad(name: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Bad { name: name.into(), reason: reason.into() }
    }
}

/// The first field that is out of its bounds.
impl From<garde::Report> for SettingsError {
    fn from(report: garde::Report) -> Self {
        match report.iter().next() {
            Some((path, error)) => Self::bad(path.to_string(), error.message()),
            None => Self::Unreadable(report.to_string()),
        }
    }
}

/// Imports that most sections need.
mod prelude {
    pub(super) use std::time::Duration;

    pub(super) use garde::Validate;
    pub(super) use serde::{Deserialize, Serialize};

    pub(super) use super::text::{self, duration, list};
    pub(super) use super::{SettingsError, lasts, require};

    /// For durations without a lower bound, except that they must not be zero.
    pub(super) const SHORTEST: Duration = Duration::from_nanos(1);
    pub(super) const MILLISECOND: Duration = Duration::from_millis(1);
    pub(super) const SECOND: Duration = Duration::from_secs(1);
    pub(super) const HOUR: Duration = Duration::from_secs(60 * 60);
    pub(super) const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    /// 365.25 days, as `humantime` reads and shows a year.
    pub(super) const YEAR: Duration = Duration::from_secs(31_557_600);
    /// For durations without an upper bound, except that times must stay within four-digit years.
    pub(super) const LONGEST: Duration = YEAR.saturating_mul(200);
}

fn require(name: &str, holds: bool, reason: impl Into<String>) -> Result<(), SettingsError> {
    if holds { Ok(()) } else { Err(SettingsError::bad(name, reason)) }
}

/// A rule for garde: the bounds of a duration.
fn lasts(min: Duration, max: Duration) -> impl FnOnce(&Duration, &()) -> garde::Result {
    move |duration, ()| {
        let [shortest, longest] = [min, max].map(format_duration);
        let reason = format!("must be between {shortest} and {longest}");
        if (min..=max).contains(duration) { Ok(()) } else { Err(garde::Error::new(reason)) }
    }
}
