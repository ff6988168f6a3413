//! What the settings say, put together: [`Menjin`] with the HTTP layer on it.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Data;
use anyhow::Context as _;
use menjin::{Menjin, Store};
use menjin_api::{Api, ApiSettings, PageSettings, PausingHasher};
use menjin_domain::accounts::{AccountRepository, CreateAdmin, Role, UserQuery};
use menjin_domain::common::{Clock, PageStart, PortError};
use menjin_domain::mfa::FactorRepository;
use menjin_domain::ports::Policy;
use menjin_domain::sessions::InvalidationChannel;
use menjin_infra_credentials::{BcryptPool, OsRandom, PasswordRules};
use menjin_infra_memory::{CachedAccounts, CachedFactors, SessionCache, SystemClock};
use menjin_infra_redis::{RedisClient, RedisInvalidation};

use crate::settings::{RequiredVerification, Settings, SettingsError};
use crate::store::{self, blocking, plain};
use crate::user_table::SentTables;
use crate::{mail, secret};

/// Why the server does not start. The chain of causes tells where.
pub type StartError = anyhow::Error;

/// menjin, built and ready to be served.
pub struct Application {
    /// The HTTP layer with all use-cases.
    pub api: Data<Api>,
    /// menjin itself. Its maintenance begins when it is served.
    pub menjin: Menjin,
}

/// What a server does not have yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// Any account.
    Accounts,
    /// An administrator.
    Administrator,
    /// Neither.
    Nothing,
}

impl Application {
    /// Opens the database, creates or migrates it if needed, and builds everything on it.
    ///
    /// # Errors
    /// The first part that cannot be built.
    pub async fn build(settings: &Settings) -> Result<Self, StartError> {
        Self::build_with_clock(settings, Arc::new(SystemClock)).await
    }

    /// Like [`Application::build`], with a clock of the caller's.
    ///
    /// # Errors
    /// The first part that cannot be built.
    pub async fn build_with_clock(
        settings: &Settings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StartError> {
        Self::build_on(store::open(settings).await?, settings, clock).await
    }

    /// Like [`Application::build`], on a database that is open.
    pub(crate) async fn build_on(
        store: Store,
        settings: &Settings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StartError> {
        let (access_key, accepted) = settings.auth.access_keys()?;
        let own = settings.clone();
        // Both block: one reads or writes a file, the other hashes.
        let work = move || Ok::<_, StartError>((secret::signing_secret(&own)?, hasher(&own)?));
        let (secret, hasher) = blocking(work).await??;
        let mut builder = Menjin::builder()
            .store(store)
            .secret(secret)
            .older_secrets(settings.auth.verify_only_secrets())
            .access_keys(access_key, accepted)
            .issuer_and_audience(&settings.auth.issuer, &settings.auth.audience)
            .policy(policy(settings)?)
            .name(&settings.mfa.issuer)
            .passkeys(settings.passkeys.party(settings)?)
            .hasher(Arc::new(PausingHasher(Arc::new(hasher))))
            .passwords(settings.password.policy())
            .clock(clock)
            .session_cache_ttl(settings.auth.session_cache_ttl)
            .cache(settings.cache.config())
            .audit_queue(settings.audit.queue)
            .tables(Arc::new(SentTables { attributes: Arc::new(settings.attributes()?) }))
            .maintenance(None);
        if let Some(config) = settings.redis.config()? {
            builder = builder.redis(config);
        }
        if let Some(mailer) = mail::mailer(settings)? {
            builder = builder.mailer(mailer);
        }
        let menjin = builder.build().await.map_err(plain)?;
        let api = Api::new(menjin.services(), api_settings(settings)?, Arc::new(OsRandom));
        Ok(Self { api: Data::new(api), menjin })
    }

    /// What there is to do next: whether there are accounts, and an administrator, active or not.
    ///
    /// # Errors
    /// The database failed.
    pub async fn missing(&self) -> Result<Missing, PortError> {
        let count = async |role| {
            let query = UserQuery { start: PageStart::Skip(0), limit: 0, role };
            Ok::<_, PortError>(self.menjin.store().accounts.list(query).await?.total)
        };
        if count(Some(Role::ADMIN)).await? > 0 {
            return Ok(Missing::Nothing);
        }
        Ok(if count(None).await? > 0 { Missing::Administrator } else { Missing::Accounts })
    }

    /// Where the data is: the path of a file; or host, port and name of a database.
    pub fn database(&self) -> String {
        self.menjin.store().place.clone()
    }

    /// Writes the audit records that still wait, which takes no longer than this time, and then
    /// stops using the database. For a file, pending data is written into the file.
    ///
    /// # Errors
    /// The database failed. Nothing but records of failures is lost.
    pub async fn close(&self, within: Duration) -> Result<(), PortError> {
        self.menjin.close(within).await
    }
}

/// The repositories of a command that works beside servers.
pub(crate) struct BesideServers {
    pub(crate) accounts: Arc<dyn AccountRepository>,
    pub(crate) factors: Arc<dyn FactorRepository>,
}

/// The accounts and the second factors for a command that works beside servers: what it changes, replicas
/// hear through Redis. A server without Redis sees it when its session cache has run out
/// (`auth.session_cache_ttl`).
///
/// # Errors
/// The settings of Redis make no sense.
pub(crate) fn beside_servers(
    settings: &Settings,
    store: &Store,
) -> Result<BesideServers, StartError> {
    let Some(config) = settings.redis.config()? else {
        return Ok(BesideServers {
            accounts: store.accounts.clone(),
            factors: store.factors.clone(),
        });
    };
    let redis = RedisClient::new(&config).context("redis")?;
    let channel: Arc<dyn InvalidationChannel> = Arc::new(RedisInvalidation::new(redis));
    // Nothing is looked up in it.
    let cache = Arc::new(SessionCache::new(1, settings.auth.session_cache_ttl));
    let (others, again) = (Some(channel.clone()), Some(channel));
    Ok(BesideServers {
        accounts: Arc::new(CachedAccounts::new(store.accounts.clone(), cache.clone(), others)),
        factors: Arc::new(CachedFactors::new(store.factors.clone(), cache, again)),
    })
}

pub(crate) fn hasher(settings: &Settings) -> Result<BcryptPool, StartError> {
    BcryptPool::start(settings.hashing.config()).context("cannot start the hashing threads")
}

pub(crate) fn password_policy(settings: &Settings) -> PasswordRules {
    PasswordRules::new(settings.password.policy())
}

/// The use case that creates administrators, built from its own parts: it needs no signing secret,
/// and must not generate one where the server gets its secret from elsewhere.
///
/// # Errors
/// The first part that cannot be built.
pub async fn create_admin(settings: &Settings) -> Result<CreateAdmin, StartError> {
    Ok(CreateAdmin::standalone(
        store::open(settings).await?.accounts,
        Arc::new(hasher(settings)?),
        Arc::new(password_policy(settings)),
        Arc::new(SystemClock),
    ))
}

fn api_settings(settings: &Settings) -> Result<ApiSettings, SettingsError> {
    let pages = settings.pages.settings(
        &settings.server,
        settings.mail.is_on(),
        settings.registration.is_open(),
    );
    let theme = settings.pages.theme()?;
    Ok(ApiSettings {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        locale: settings.locale.default.value,
        trusted_proxies: settings.server.trusted_proxies(),
        hsts: settings.server.hsts,
        shown: settings.shown.clone(),
        pages: pages.map(|pages| Arc::new(PageSettings { theme, ..pages })),
        dev_mails: mail::sent_mails(settings),
        public_url: settings.server.public_url().map(ToOwned::to_owned),
        published_issuer: settings.auth.published_issuer()?,
        cors: settings.cors.config(),
        metrics: settings.metrics.listen.is_some(),
        cache_access: settings.cache_api.access.value,
        roles: Arc::new(settings.roles()?),
        attributes: Arc::new(settings.attributes()?),
        default_role: settings.registration.default_role(&settings.roles()?)?,
        v1_password: settings.password.length(),
        import_max_body: settings.import.max_body,
        envelope_policy: settings.password.envelope_policy,
        envelope_password_min: settings.password.envelope_min_length,
    })
}

fn policy(settings: &Settings) -> Result<Policy, SettingsError> {
    let mut policy = Policy::default();
    policy.attributes = Arc::new(settings.attributes()?);
    policy.access_ttl = settings.auth.access_ttl;
    policy.session_ttl = settings.auth.refresh_ttl;
    policy.idle_ttl = settings.sessions.idle_ttl();
    policy.session_limit = settings.sessions.limit();
    policy.refresh_grace = settings.auth.refresh_grace;
    policy.record_refreshes = settings.audit.refreshes;
    policy.login_limits = settings.throttle.logins();
    policy.reserved_names.clone_from(&settings.registration.reserved_names);
    policy.registration_limit = settings.throttle.registrations();
    policy.registration = settings.registration.mode.into();
    policy.require_verification =
        settings.registration.require_verification == RequiredVerification::Login;
    policy.email_change =
        settings.accounts.email_change(settings.production, settings.mail.is_on());
    policy.delete_grace = settings.accounts.delete_grace;
    policy.unverified_keep = settings.registration.unverified_keep();
    policy.mail = settings.mail.policy(settings.public_url(), settings.locale.default.value);
    policy.keep_mails = settings.mail.keep;
    policy.cache_access = settings.cache_api.access.value;
    policy.keep_sessions = settings.tidy.keep_sessions;
    policy.keep_audit_records = settings.audit.keep;
    policy.roles = Arc::new(settings.roles()?);
    policy.factor_roles = settings.mfa.required_for(&settings.roles()?)?.into();
    policy.step_up = settings.admin.step_up();
    policy.first_password_ttl = settings.password.initial_ttl;
    Ok(policy)
}
