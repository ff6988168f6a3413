//! What handlers have at hand.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actix_web::http::header::HeaderValue;
use menjin_domain::access::Roles;
use menjin_domain::accounts::{AttributeRules, RegistrableRole};
use menjin_domain::cache::CacheAccess;
use menjin_domain::common::Random;
use menjin_domain::credentials::PasswordLength;
use menjin_domain::services::Services;
use menjin_http::cors::{Cors, Origin};
use menjin_http::{TrustedProxies, metrics, security_headers};
use menjin_web::Locale;

use crate::dev_mail::DevMails;
use crate::http::content::Content;
use crate::theme::Theme;

/// The settings of the HTTP layer.
#[derive(Clone)]
pub struct ApiSettings {
    /// What `GET /` and `/health` call this build.
    pub version: String,
    /// The language of messages where a client asks for none that there is.
    pub locale: Locale,
    /// The peers whose `X-Forwarded-For` is believed.
    pub trusted_proxies: TrustedProxies,
    /// For how long browsers are to insist on TLS; zero: not.
    pub hsts: Duration,
    /// What is shown of the settings to whoever may see them.
    pub shown: Vec<ShownSetting>,
    /// The pages for people; `None`: there are none.
    pub pages: Option<Arc<PageSettings>>,
    /// The mails that `/dev/mail` shows; `None`: there is no such route.
    pub dev_mails: Option<Arc<dyn DevMails>>,
    /// Where people reach this server, without a slash at its end, if that is known.
    pub public_url: Option<String>,
    /// The issuer of access tokens, if it is an `https` URL and they are signed by a published key.
    pub published_issuer: Option<String>,
    /// Pages of which other origins may call.
    pub cors: Cors,
    /// Whether requests are counted and timed for a recorder of the `metrics` crate.
    pub metrics: bool,
    /// The roles that there are.
    pub roles: Arc<Roles>,
    /// What users carry beside the fields of the documents.
    pub attributes: Arc<AttributeRules>,
    /// Who may use `/cache/*`, for the document.
    pub cache_access: CacheAccess,
    /// The role that a v1 registration gets.
    pub default_role: RegistrableRole,
    /// How long passwords chosen through v1 may be.
    pub v1_password: PasswordLength,
    /// Whether a password chosen at an envelope registration is held to the policy.
    pub envelope_policy: bool,
    /// The longest table of users that is taken, in bytes.
    pub import_max_body: usize,
    /// The least number of characters of a password chosen through the envelope dialect.
    pub envelope_password_min: usize,
}

/// A setting, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownSetting {
    /// Its name, such as `server.port`.
    pub name: String,
    /// The value, as settings files write it; secrets are masked.
    pub value: String,
    /// The file, environment variable or option that says so; `None`: it is the default.
    pub origin: Option<String>,
}

/// What pages need to know.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub struct PageSettings {
    /// How they look.
    pub theme: Theme,
    /// What the site is called.
    pub name: String,
    /// Whether there are all pages of an account, and not only those that links in mails lead to.
    pub account: bool,
    /// Whether anybody may register.
    pub is_open: bool,
    /// Whether there is the console.
    pub console: bool,
    /// Whether people reach them by TLS, so that cookies go by TLS only.
    pub is_secure: bool,
    /// Scheme, host and port by which people reach them, as browsers send them in `Origin`.
    pub origin: Option<String>,
    /// The origins of applications that people may be sent back to, with a code.
    pub redirect_origins: Vec<Origin>,
}

impl PageSettings {
    /// What a page may do: run and show what this server sends, and post to it. A login leads on to
    /// applications, which browsers count as posting to them.
    pub(crate) fn policy(&self) -> String {
        let applications = self.redirect_origins.iter();
        let applications =
            applications.fold(String::new(), |all, origin| format!("{all} {origin}"));
        format!(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
             connect-src 'self'; form-action 'self'{applications}; base-uri 'none'; frame-ancestors 'none'"
        )
    }
}

impl ApiSettings {
    /// The path below which people reach this server, such as `/auth`; empty if there is none.
    pub(crate) fn path_prefix(&self) -> &str {
        let url = self.public_url.as_deref().unwrap_or_default();
        let after_scheme = url.split_once("://").map_or("", |(_, rest)| rest);
        after_scheme.find('/').and_then(|at| after_scheme.get(at..)).unwrap_or_default()
    }
}

/// Everything that handlers need.
pub struct Api {
    pub(crate) services: Arc<Services>,
    pub(crate) settings: ApiSettings,
    pub(crate) random: Arc<dyn Random>,
    /// `Strict-Transport-Security`, if it is to be sent.
    pub(crate) strict_transport: Option<HeaderValue>,
    /// Made with the first worker.
    pub(crate) document: OnceLock<Content>,
}

impl Api {
    /// Puts the layer together. The entropy gives requests their ids, the codec publishes its keys.
    pub fn new(services: Arc<Services>, settings: ApiSettings, random: Arc<dyn Random>) -> Self {
        if settings.metrics {
            metrics::describe();
        }
        let strict_transport = security_headers::strict_transport_security(settings.hsts);
        Self { services, settings, random, strict_transport, document: OnceLock::new() }
    }
}
