//! What handlers have at hand.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actix_web::http::header::HeaderValue;
use menjin_domain::access::AdminGuard;
use menjin_domain::accounts::{
    ActivateUser, DeactivateUser, GetUser, ListUsers, Register, RegistrableRole, UpdateOwnProfile,
};
use menjin_domain::audit::ListRecords;
use menjin_domain::cache::{CacheAccess, ProbeCache, ReadEntry, WriteEntry};
use menjin_domain::common::Random;
use menjin_domain::credentials::{ChangePassword, PasswordLength};
use menjin_domain::health::CheckHealth;
use menjin_domain::lockout::{ClearLockout, GetLockout};
use menjin_domain::sessions::{Authenticate, Login, Logout, Refresh, TokenCodec};
use menjin_web::Locale;

use crate::http::client::TrustedProxies;
use crate::http::cors::Cors;
use crate::http::figures;
use crate::openapi::document::Document;

/// The use-cases, ready to run. Whoever builds this has chosen the adapters.
#[expect(missing_docs, reason = "each field is named after its use-case, which is documented")]
pub struct UseCases {
    pub register: Register,
    pub register_envelope: Register,
    pub login: Login,
    pub authenticate: Authenticate,
    pub admins: Arc<AdminGuard>,
    pub refresh: Refresh,
    pub logout: Logout,
    pub change_password: ChangePassword,
    pub update_profile: UpdateOwnProfile,
    pub get_user: GetUser,
    pub list_users: ListUsers,
    pub activate_user: ActivateUser,
    pub deactivate_user: DeactivateUser,
    pub get_lockout: GetLockout,
    pub clear_lockout: ClearLockout,
    pub list_records: ListRecords,
    pub read_entry: ReadEntry,
    pub write_entry: WriteEntry,
    pub probe_cache: ProbeCache,
    pub check_health: CheckHealth,
}

/// The settings of the HTTP layer.
#[derive(Debug, Clone)]
pub struct ApiSettings {
    /// What `GET /` and `/health` call this build.
    pub version: String,
    /// The language of messages where a client asks for none that there is.
    pub locale: Locale,
    /// The peers whose `X-Forwarded-For` is believed.
    pub trusted_proxies: TrustedProxies,
    /// For how long browsers are to insist on TLS; zero: not.
    pub hsts: Duration,
    /// Pages of which other origins may call.
    pub cors: Cors,
    /// Whether requests are counted and timed for a recorder of the `metrics` crate.
    pub figures: bool,
    /// Who may use `/cache/*`.
    pub cache_access: CacheAccess,
    /// The role that a v1 registration gets.
    pub default_role: RegistrableRole,
    /// How long passwords chosen through v1 may be.
    pub v1_password: PasswordLength,
    /// The least number of characters of a password chosen through the envelope dialect.
    pub envelope_password_min: usize,
}

/// Everything that handlers need.
pub struct Api {
    pub(crate) use_cases: UseCases,
    pub(crate) settings: ApiSettings,
    pub(crate) random: Arc<dyn Random>,
    /// `Strict-Transport-Security`, if it is to be sent.
    pub(crate) strict_transport: Option<HeaderValue>,
    /// For the keys that others verify tokens with. Tokens are the use-cases' business.
    pub(crate) codec: Arc<dyn TokenCodec>,
    /// Made with the first worker.
    pub(crate) document: OnceLock<Document>,
}

impl Api {
    /// Puts the layer together. The entropy gives requests their ids, the codec publishes its keys.
    pub fn new(
        use_cases: UseCases,
        settings: ApiSettings,
        random: Arc<dyn Random>,
        codec: Arc<dyn TokenCodec>,
    ) -> Self {
        if settings.figures {
            figures::describe();
        }
        let max_age = Some(settings.hsts.as_secs()).filter(|seconds| *seconds > 0);
        let strict_transport =
            max_age.and_then(|seconds| HeaderValue::from_str(&format!("max-age={seconds}")).ok());
        Self { use_cases, settings, random, strict_transport, codec, document: OnceLock::new() }
    }
}
