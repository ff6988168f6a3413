//! Wiring: builds the use cases on the adapters that the settings choose. This file, with
//! `store.rs` for the database, is the only place that knows which adapter implements which port.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Data;
use anyhow::Context as _;
use menjin_api::{Api, ApiSettings, PageSettings, PausingHasher};
use menjin_domain::accounts::{AccountRepository, CreateAdmin, Role, UserQuery};
use menjin_domain::cache::Cache;
use menjin_domain::common::{Causes, Clock, PageStart, PortError};
use menjin_domain::credentials::CredentialRepository;
use menjin_domain::health::{Cleanup, Component, HealthProbe, Importance};
use menjin_domain::invitations::InvitationRepository;
use menjin_domain::jobs::{JobPorts, RunJobs};
use menjin_domain::lockout::RateLimiter;
use menjin_domain::mail::DeliverMails;
use menjin_domain::mfa::{FactorPorts, FactorRepository};
use menjin_domain::one_time::OneTimeTokenRepository;
use menjin_domain::ports::{Policy, Ports, RequiredPorts};
use menjin_domain::services::Services;
use menjin_domain::sessions::{InvalidationChannel, SessionRepository, Subscription, TokenCodec};
use menjin_infra_credentials::{
    AppCodes, BcryptPool, DerivedKeys, JwtCodec, OsRandom, PasswordRules, random_key,
};
use menjin_infra_memory::{
    AuditQueue, CachedAccounts, CachedCredentials, CachedFactors, CachedInvitations,
    CachedOneTimeTokens, CachedSessions, CachedTokens, MemoryCache, MemoryRateLimiter,
    SessionCache, SystemClock,
};
use menjin_infra_redis::{
    FallbackRateLimiter, RedisCache, RedisClient, RedisInvalidation, RedisRateLimiter,
};

use secrecy::SecretString;

use crate::settings::{RequiredVerification, Settings, SettingsError};
use crate::store::Store;
use crate::user_table::SentTables;
use crate::{mail, secret};

/// The greatest number of networks that are counted, about 10 MiB.
const MAX_COUNTED_NETWORKS: usize = 100_000;

/// The greatest number of live sessions in the session cache, about 50 MiB.
const MAX_CACHED_SESSIONS: usize = 50_000;

/// The greatest number of verified access tokens that are remembered, about 10 MiB.
const MAX_CACHED_TOKENS: usize = 50_000;

/// Why the server does not start. The chain of causes tells where.
pub type StartError = anyhow::Error;

/// menjin, built and ready to be served.
pub struct Application {
    /// The HTTP layer with all use-cases.
    pub api: Data<Api>,
    /// Deletes what has expired. Must be run regularly.
    pub cleanup: Arc<Cleanup>,
    /// Sends mails that are due, if mails are sent. Must be run again and again.
    pub deliver_mails: Option<Arc<DeliverMails>>,
    /// Does imports and large changes. Must be run again and again.
    pub run_jobs: Arc<RunJobs>,
    store: Store,
    accounts: Arc<dyn AccountRepository>,
    trail: Arc<AuditQueue>,
    /// Kept as long as the application. When it is dropped, changes of other replicas are no longer
    /// received.
    _subscription: Option<Subscription>,
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
        Self::build_on(Store::open(settings).await?, settings, clock).await
    }

    /// Like [`Application::build`], on a database that is open.
    pub(crate) async fn build_on(
        store: Store,
        settings: &Settings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StartError> {
        let settings = settings.clone();
        // Hashing the dummy password blocks.
        let (application, cache) =
            tokio::task::spawn_blocking(move || Self::assemble(&settings, store, clock)).await??;
        if let Err(error) = cache.check().await {
            tracing::warn!(error = %Causes(&error), "the cache does not work: starting without it");
        }
        Ok(application)
    }

    /// Also returns the probe of the cache, which may be down at the start.
    fn assemble(
        settings: &Settings,
        store: Store,
        clock: Arc<dyn Clock>,
    ) -> Result<(Self, Arc<dyn HealthProbe>), StartError> {
        let shared = shared(settings, &clock)?;
        let cached = with_session_cache(settings, &store, &shared);
        let trail = Arc::new(AuditQueue::start(store.audit_records(), settings.audit.queue));
        let random = Arc::new(OsRandom);
        let signing_secret = secret::signing_secret(settings)?;
        let keys = DerivedKeys::new(&signing_secret, &settings.auth.verify_only_secrets());
        let keys = Arc::new(keys);
        let mail = mail::ports(settings, &store, keys.clone())?;
        let required = RequiredPorts {
            accounts: cached.accounts.clone(),
            credentials: cached.credentials,
            sessions: cached.sessions,
            lockouts: store.lockouts(),
            audit_records: store.audit_records(),
            audit_trail: trail.clone(),
            rate_limiter: shared.rates,
            hasher: Arc::new(PausingHasher(Arc::new(hasher(settings)?))),
            password_policy: Arc::new(password_policy(settings)),
            codec: caching(codec(settings, signing_secret)?)?,
            random: random.clone(),
            clock,
        };
        let mut ports = Ports::new(required);
        ports.cache = shared.cache;
        ports.one_time_tokens = cached.one_time_tokens;
        ports.invitations = cached.invitations;
        ports.mail = mail;
        let tables = SentTables { attributes: Arc::new(settings.attributes()?) };
        ports.factors = FactorPorts {
            repository: cached.factors,
            totp: Arc::new(AppCodes::new(&settings.mfa.issuer)),
            sealer: keys.clone(),
        };
        ports.jobs = JobPorts { repository: store.jobs(), sealer: keys, tables: Arc::new(tables) };
        ports.components = vec![
            Component { name: "database", importance: Importance::Essential, probe: store.probe() },
            Component {
                name: "cache",
                importance: Importance::Supporting,
                probe: shared.health.clone(),
            },
        ];
        let services = Services::new(ports, &policy(settings)?);
        let application = Self {
            cleanup: services.cleanup.clone(),
            deliver_mails: services.deliver_mails.clone(),
            run_jobs: services.run_jobs.clone(),
            api: Data::new(Api::new(services, api_settings(settings)?, random)),
            store,
            accounts: cached.accounts,
            trail,
            _subscription: cached.subscription,
        };
        Ok((application, shared.health))
    }

    /// What there is to do next: whether there are accounts, and an administrator, active or not.
    ///
    /// # Errors
    /// The database failed.
    pub async fn missing(&self) -> Result<Missing, PortError> {
        let count = async |role| {
            let query = UserQuery { start: PageStart::Skip(0), limit: 0, role };
            Ok::<_, PortError>(self.accounts.list(query).await?.total)
        };
        if count(Some(Role::ADMIN)).await? > 0 {
            return Ok(Missing::Nothing);
        }
        Ok(if count(None).await? > 0 { Missing::Administrator } else { Missing::Accounts })
    }

    /// Where the data is: the path of a file; or host, port and name of a database.
    pub fn database(&self) -> String {
        self.store.place()
    }

    /// Writes the audit records that still wait, which takes no longer than this time, and then
    /// stops using the database. For a file, pending data is written into the file.
    ///
    /// # Errors
    /// The database failed. Nothing but records of failures is lost.
    pub async fn close(&self, within: Duration) -> Result<(), PortError> {
        self.trail.close(within).await;
        self.store.close().await
    }
}

/// The repositories of a store with the session cache in front, whose entries live as long as the
/// setting allows. If replicas share a channel, the cache receives their changes for as long as the
/// subscription is held, and is not used before the subscription has begun. If there may be other
/// replicas and there is no channel, there is no session cache: a logout must take effect on all
/// replicas at once.
fn with_session_cache(settings: &Settings, store: &Store, shared: &Shared) -> Cached {
    let (accounts, credentials, sessions) =
        (store.accounts(), store.credentials(), store.sessions());
    let (one_time_tokens, invitations) = (store.one_time_tokens(), store.invitations());
    let factors = store.factors();
    let ttl = settings.auth.session_cache_ttl;
    if shared.channel.is_none() && (ttl.is_zero() || store.may_be_shared()) {
        return Cached {
            accounts,
            credentials,
            sessions,
            one_time_tokens,
            invitations,
            factors,
            subscription: None,
        };
    }
    let cache = Arc::new(SessionCache::new(MAX_CACHED_SESSIONS, ttl));
    let channel = shared.channel.clone();
    let subscription = channel.as_ref().map(|channel| {
        cache.set_hearing(false);
        channel.subscribe(cache.clone())
    });
    Cached {
        accounts: Arc::new(CachedAccounts::new(accounts, cache.clone(), channel.clone())),
        credentials: Arc::new(CachedCredentials::new(credentials, cache.clone(), channel.clone())),
        one_time_tokens: Arc::new(CachedOneTimeTokens::new(
            one_time_tokens,
            cache.clone(),
            channel.clone(),
        )),
        invitations: Arc::new(CachedInvitations::new(invitations, cache.clone(), channel.clone())),
        factors: Arc::new(CachedFactors::new(factors, cache.clone(), channel.clone())),
        sessions: Arc::new(CachedSessions::new(sessions, cache, channel)),
        subscription,
    }
}

/// The result of [`with_session_cache`].
struct Cached {
    accounts: Arc<dyn AccountRepository>,
    credentials: Arc<dyn CredentialRepository>,
    sessions: Arc<dyn SessionRepository>,
    one_time_tokens: Arc<dyn OneTimeTokenRepository>,
    invitations: Arc<dyn InvitationRepository>,
    factors: Arc<dyn FactorRepository>,
    subscription: Option<Subscription>,
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
        return Ok(BesideServers { accounts: store.accounts(), factors: store.factors() });
    };
    let redis = RedisClient::new(&config).context("redis")?;
    let channel: Arc<dyn InvalidationChannel> = Arc::new(RedisInvalidation::new(redis));
    // Nothing is looked up in it.
    let cache = Arc::new(SessionCache::new(1, settings.auth.session_cache_ttl));
    let (others, again) = (Some(channel.clone()), Some(channel));
    Ok(BesideServers {
        accounts: Arc::new(CachedAccounts::new(store.accounts(), cache.clone(), others)),
        factors: Arc::new(CachedFactors::new(store.factors(), cache, again)),
    })
}

/// The cache and the limits per network: in this process, or shared by all replicas.
struct Shared {
    cache: Arc<dyn Cache>,
    health: Arc<dyn HealthProbe>,
    rates: Arc<dyn RateLimiter>,
    /// The channel by which replicas tell each other what has changed; `None` if there is only one
    /// replica.
    channel: Option<Arc<dyn InvalidationChannel>>,
}

fn shared(settings: &Settings, clock: &Arc<dyn Clock>) -> Result<Shared, StartError> {
    let rates = Arc::new(MemoryRateLimiter::new(MAX_COUNTED_NETWORKS));
    let Some(config) = settings.redis.config()? else {
        let cache = Arc::new(MemoryCache::new(settings.cache.config(), Arc::clone(clock)));
        return Ok(Shared { cache: cache.clone(), health: cache, rates, channel: None });
    };
    let redis = RedisClient::new(&config).context("redis")?;
    let cache = Arc::new(RedisCache::new(redis.clone()));
    let rates = FallbackRateLimiter::new(Arc::new(RedisRateLimiter::new(redis.clone())), rates);
    Ok(Shared {
        cache: cache.clone(),
        health: cache,
        rates: Arc::new(rates),
        channel: Some(Arc::new(RedisInvalidation::new(redis))),
    })
}

pub(crate) fn hasher(settings: &Settings) -> Result<BcryptPool, StartError> {
    BcryptPool::start(settings.hashing.config()).context("cannot start the hashing threads")
}

pub(crate) fn password_policy(settings: &Settings) -> PasswordRules {
    PasswordRules::new(settings.password.policy())
}

fn codec(settings: &Settings, secret: SecretString) -> Result<JwtCodec, StartError> {
    let config = settings.auth.tokens(secret)?;
    JwtCodec::new(config).context("auth.secret")
}

/// The codec with a cache of the access tokens that it has verified.
fn caching(codec: JwtCodec) -> Result<Arc<dyn TokenCodec>, StartError> {
    Ok(Arc::new(CachedTokens::new(Arc::new(codec), MAX_CACHED_TOKENS, random_key()?)))
}

/// The use case that creates administrators, built from its own parts: it needs no signing secret,
/// and must not generate one where the server gets its secret from elsewhere.
///
/// # Errors
/// The first part that cannot be built.
pub async fn create_admin(settings: &Settings) -> Result<CreateAdmin, StartError> {
    Ok(CreateAdmin::standalone(
        Store::open(settings).await?.accounts(),
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
