//! Wiring: settings in, use-cases on adapters out. With `store.rs` for the database, the one
//! place that knows which adapter is behind which port.

use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Data;
use anyhow::Context as _;
use menjin_api::{Api, ApiSettings, Cors, PausingHasher, TrustedProxies, UseCases};
use menjin_domain::audit::ListRecords;
use menjin_domain::auth::{
    AttemptGuard, Authenticate, ChangePassword, Login, LoginLimits, Logout, Refresh, Register,
    RegistrationLimit, TokenIssuer,
};
use menjin_domain::cache::{ProbeCache, ReadEntry, WriteEntry};
use menjin_domain::health::{CheckHealth, Importance, Tidy};
use menjin_domain::ports::{
    AttemptLimits, AuditRepository, AuditTrail, Cache, Causes, Clock, Entropy, HealthProbe,
    InvalidationChannel, Limit, LoginThrottle, PageStart, PasswordHasher, PasswordPolicy,
    PortError, RateLimiter, SessionRepository, Subscription, TokenCodec, UserQuery, UserRepository,
};
use menjin_domain::users::{
    ActivateUser, AdminGuard, CreateAdmin, DeactivateUser, GetUser, LiftLock, ListUsers, SeeLock,
    UpdateOwnProfile,
};
use menjin_domain::values::{PasswordLength, Role};
use menjin_infra_credentials::{
    BcryptPool, HashingConfig, HashingEngine, JwtCodec, JwtConfig, OsEntropy, PasswordRules,
    PolicyConfig, random_key,
};
use menjin_infra_memory::{
    AuditQueue, CachedSessions, CachedUsers, MemoryCache, MemoryCacheConfig, MemoryRateLimiter,
    RememberedTokens, SessionCopies, SystemClock,
};
use menjin_infra_redis::{
    FallbackRateLimiter, RedisCache, RedisClient, RedisInvalidation, RedisRateLimiter,
};

use crate::secret;
use crate::settings::{Engine, LimitSettings, Settings, SettingsError};
use crate::store::Store;

/// How many networks are counted at most, some 10 MiB of them.
const MAX_COUNTED_NETWORKS: usize = 100_000;

/// How many live sessions are kept in process at most, some 50 MiB of them.
const MAX_SESSION_COPIES: usize = 50_000;

/// How many access tokens are remembered to be genuine at most, some 10 MiB of them.
const MAX_REMEMBERED_TOKENS: usize = 50_000;

/// Why the server does not start; the chain says where.
pub type StartError = anyhow::Error;

/// The adapters, each behind the port that the use-cases know it by.
struct Adapters {
    users: Arc<dyn UserRepository>,
    sessions: Arc<dyn SessionRepository>,
    throttle: Arc<dyn LoginThrottle>,
    records: Arc<dyn AuditRepository>,
    trail: Arc<AuditQueue>,
    rates: Arc<dyn RateLimiter>,
    cache: Arc<dyn Cache>,
    hasher: Arc<dyn PasswordHasher>,
    policy: Arc<dyn PasswordPolicy>,
    codec: Arc<dyn TokenCodec>,
    entropy: Arc<dyn Entropy>,
    clock: Arc<dyn Clock>,
}

/// menjin, built and ready to be served.
pub struct Application {
    /// The HTTP layer with all use-cases.
    pub api: Data<Api>,
    /// Deletes what is over; run it every now and then.
    pub tidy: Arc<Tidy>,
    store: Store,
    users: Arc<dyn UserRepository>,
    trail: Arc<AuditQueue>,
    /// Held for as long as the application: dropped, other replicas' changes are no longer heard.
    _subscription: Option<Subscription>,
}

impl Application {
    /// Opens the database, which it makes or migrates if need be, and builds everything on it.
    ///
    /// # Errors
    /// The first part that cannot be built.
    pub async fn build(settings: &Settings) -> Result<Self, StartError> {
        Self::build_with_clock(settings, Arc::new(SystemClock)).await
    }

    /// As [`Application::build`], with a clock of the caller's.
    ///
    /// # Errors
    /// The first part that cannot be built.
    pub async fn build_with_clock(
        settings: &Settings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StartError> {
        let store = Store::open(settings).await?;
        let settings = settings.clone();
        // Hashing the dummy blocks.
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
        let accounts = with_copies(settings, &store, &shared);
        let adapters = Adapters {
            users: accounts.users,
            sessions: accounts.sessions,
            throttle: store.throttle(),
            records: store.records(),
            trail: Arc::new(AuditQueue::start(store.records(), settings.audit.queue)),
            rates: shared.rates,
            cache: shared.cache,
            hasher: Arc::new(PausingHasher(Arc::new(hasher(settings)?))),
            policy: Arc::new(policy(settings)),
            codec: remembering(codec(settings)?)?,
            entropy: Arc::new(OsEntropy),
            clock,
        };
        let health = CheckHealth {
            probes: vec![
                ("database", Importance::Essential, store.probe()),
                ("cache", Importance::Supporting, shared.health.clone()),
            ],
            clock: adapters.clock.clone(),
        };
        let api = Api::new(
            use_cases(settings, &adapters, health)?,
            api_settings(settings)?,
            adapters.entropy.clone(),
            adapters.codec.clone(),
        );
        let application = Self {
            api: Data::new(api),
            tidy: Arc::new(tidy(settings, &adapters)),
            store,
            users: adapters.users,
            trail: adapters.trail,
            _subscription: accounts.subscription,
        };
        Ok((application, shared.health))
    }

    /// Whether there is an administrator, active or not.
    ///
    /// # Errors
    /// The database failed.
    pub async fn has_admin(&self) -> Result<bool, PortError> {
        let query = UserQuery { start: PageStart::Skip(0), limit: 0, role: Some(Role::Admin) };
        Ok(self.users.list(query).await?.total > 0)
    }

    /// Where the data is: the path of a file, or host, port and name of a database.
    pub fn database(&self) -> String {
        self.store.place()
    }

    /// Ends the use of the database, once the records that still wait are written, which takes no
    /// longer than this: of a file, what is pending is written into it.
    ///
    /// # Errors
    /// The database failed; nothing but records of failures is lost.
    pub async fn close(&self, within: Duration) -> Result<(), PortError> {
        self.trail.close(within).await;
        self.store.close().await
    }
}

/// The accounts and sessions of a store, with the look-up behind every request kept in process for
/// as long as the setting allows. Where replicas share a channel, the copies are told of changes
/// for as long as the subscription is held, and not used before it has begun. Where there may be
/// replicas and no channel, there are no copies: a log-out must work on all of them at once.
fn with_copies(settings: &Settings, store: &Store, shared: &Shared) -> Accounts {
    let (users, sessions) = (store.users(), store.sessions());
    let ttl = settings.auth.session_cache_ttl;
    if shared.channel.is_none() && (ttl.is_zero() || store.may_be_shared()) {
        return Accounts { users, sessions, subscription: None };
    }
    let copies = Arc::new(SessionCopies::new(MAX_SESSION_COPIES, ttl));
    let channel = shared.channel.clone();
    let subscription = channel.as_ref().map(|channel| {
        copies.set_hearing(false);
        channel.subscribe(copies.clone())
    });
    Accounts {
        users: Arc::new(CachedUsers::new(users, copies.clone(), channel.clone())),
        sessions: Arc::new(CachedSessions::new(sessions, copies, channel)),
        subscription,
    }
}

/// What [`with_copies`] makes.
struct Accounts {
    users: Arc<dyn UserRepository>,
    sessions: Arc<dyn SessionRepository>,
    subscription: Option<Subscription>,
}

/// The cache and the limits per network: in this process, or for all replicas together.
struct Shared {
    cache: Arc<dyn Cache>,
    health: Arc<dyn HealthProbe>,
    rates: Arc<dyn RateLimiter>,
    /// How replicas tell each other what has changed; `None` where there is only one.
    channel: Option<Arc<dyn InvalidationChannel>>,
}

fn shared(settings: &Settings, clock: &Arc<dyn Clock>) -> Result<Shared, StartError> {
    let rates = Arc::new(MemoryRateLimiter::new(MAX_COUNTED_NETWORKS));
    let Some(config) = settings.redis.config()? else {
        let config = MemoryCacheConfig { max_bytes: settings.cache.max_bytes };
        let cache = Arc::new(MemoryCache::new(config, Arc::clone(clock)));
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

fn hasher(settings: &Settings) -> Result<BcryptPool, StartError> {
    let hashing = &settings.hashing;
    let given = |number| NonZero::new(number).map(NonZero::get);
    let config = HashingConfig {
        cost: hashing.cost,
        threads: given(hashing.threads),
        queue: hashing.queue,
        max_wait: hashing.max_wait,
        engine: match hashing.engine {
            Engine::Auto => HashingEngine::Auto,
            Engine::Lanes => HashingEngine::Lanes,
            Engine::Plain => HashingEngine::Plain,
        },
        lanes: given(hashing.lanes),
    };
    BcryptPool::start(config).context("cannot start the hashing threads")
}

fn policy(settings: &Settings) -> PasswordRules {
    PasswordRules::new(PolicyConfig {
        refuse_common: settings.password.refuse_common,
        min_score: settings.password.min_score,
        exceptions: settings.password.exceptions.clone(),
    })
}

fn codec(settings: &Settings) -> Result<JwtCodec, StartError> {
    let auth = &settings.auth;
    let verify_only = auth.verify_only_secrets.iter();
    let keys = auth.access_keys()?;
    let config = JwtConfig {
        secret: secret::signing_secret(settings)?,
        verify_only_secrets: verify_only.map(|secret| secret.0.clone()).collect(),
        access_key: keys.signing,
        verify_only_access_keys: keys.verify_only,
        issuer: auth.issuer.clone(),
        audience: auth.audience.clone(),
        access_ttl: auth.access_ttl,
        refresh_ttl: auth.refresh_ttl,
    };
    JwtCodec::new(config).context("auth.secret")
}

/// The codec, with the tokens that it found genuine remembered.
fn remembering(codec: JwtCodec) -> Result<Arc<dyn TokenCodec>, StartError> {
    let codec = Arc::new(codec);
    Ok(Arc::new(RememberedTokens::new(codec, MAX_REMEMBERED_TOKENS, random_key()?)))
}

fn tidy(settings: &Settings, adapters: &Adapters) -> Tidy {
    let throttle = &settings.throttle;
    Tidy {
        sessions: adapters.sessions.clone(),
        throttle: adapters.throttle.clone(),
        records: adapters.records.clone(),
        clock: adapters.clock.clone(),
        keep_sessions: settings.tidy.keep_sessions,
        keep_throttles: throttle.per_client.window.max(throttle.per_account.window),
        keep_records: settings.audit.keep,
    }
}

/// What makes administrators. Built of its own parts: it needs no signing secret, and must not
/// make one where the server gets its from elsewhere.
///
/// # Errors
/// The first part that cannot be built.
pub async fn create_admin(settings: &Settings) -> Result<CreateAdmin, StartError> {
    Ok(CreateAdmin {
        users: Store::open(settings).await?.users(),
        hasher: Arc::new(hasher(settings)?),
        policy: Arc::new(policy(settings)),
        clock: Arc::new(SystemClock),
    })
}

fn api_settings(settings: &Settings) -> Result<ApiSettings, SettingsError> {
    let proxies = settings.server.trusted_proxies.iter().map(|network| network.0).collect();
    Ok(ApiSettings {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        locale: settings.locale()?,
        trusted_proxies: TrustedProxies::new(proxies),
        hsts: settings.server.hsts,
        cors: Cors {
            origins: settings.cors.origins.clone(),
            credentials: settings.cors.credentials,
            max_age: settings.cors.max_age,
        },
        metrics: settings.metrics.listen.is_some(),
        cache_access: settings.cache_access()?,
        default_role: settings.default_role()?,
        v1_password: PasswordLength { min: settings.password.min_length, max: None },
        envelope_password_min: settings.password.envelope_min_length,
    })
}

fn limit(settings: &LimitSettings) -> Limit {
    Limit { max: settings.max, window: settings.window }
}

fn use_cases(
    settings: &Settings,
    adapters: &Adapters,
    check_health: CheckHealth,
) -> Result<UseCases, SettingsError> {
    let Adapters { users, sessions, rates, cache, hasher, policy, codec, entropy, clock, .. } =
        adapters;
    let trail: Arc<dyn AuditTrail> = adapters.trail.clone();
    let admins = Arc::new(AdminGuard { trail: trail.clone(), clock: clock.clone() });
    let throttle = &settings.throttle;
    let limits = throttle.enabled.then(|| LoginLimits {
        attempts: AttemptLimits {
            per_client: limit(&throttle.per_client),
            per_account: limit(&throttle.per_account),
        },
        per_network: limit(&throttle.per_network),
    });
    let attempts = Arc::new(AttemptGuard {
        throttle: adapters.throttle.clone(),
        rates: rates.clone(),
        clock: clock.clone(),
        trail: trail.clone(),
        limits,
    });
    let tokens = Arc::new(TokenIssuer {
        codec: codec.clone(),
        entropy: entropy.clone(),
        access_ttl: settings.auth.access_ttl,
    });
    let register = |policy| Register {
        users: users.clone(),
        hasher: hasher.clone(),
        policy,
        rates: rates.clone(),
        trail: trail.clone(),
        clock: clock.clone(),
        limit: throttle.enabled.then(|| RegistrationLimit(limit(&throttle.registrations))),
    };
    let access = settings.cache_access()?;
    Ok(UseCases {
        register: register(Some(policy.clone())),
        register_envelope: register(settings.password.envelope_policy.then(|| policy.clone())),
        login: Login {
            users: users.clone(),
            sessions: sessions.clone(),
            hasher: hasher.clone(),
            attempts: attempts.clone(),
            tokens: tokens.clone(),
            entropy: entropy.clone(),
            clock: clock.clone(),
            session_ttl: settings.auth.refresh_ttl,
        },
        admins: admins.clone(),
        authenticate: Authenticate {
            codec: codec.clone(),
            sessions: sessions.clone(),
            clock: clock.clone(),
        },
        refresh: Refresh {
            codec: codec.clone(),
            sessions: sessions.clone(),
            tokens,
            trail: trail.clone(),
            clock: clock.clone(),
            grace: settings.auth.refresh_grace,
            recorded: settings.audit.refreshes,
        },
        logout: Logout { sessions: sessions.clone(), clock: clock.clone() },
        change_password: ChangePassword {
            users: users.clone(),
            hasher: hasher.clone(),
            policy: policy.clone(),
            attempts,
            trail: trail.clone(),
            clock: clock.clone(),
        },
        update_profile: UpdateOwnProfile { users: users.clone(), trail, clock: clock.clone() },
        get_user: GetUser { users: users.clone(), admins: admins.clone() },
        list_users: ListUsers { users: users.clone(), admins: admins.clone() },
        activate_user: ActivateUser { users: users.clone(), admins: admins.clone() },
        deactivate_user: DeactivateUser { users: users.clone(), admins: admins.clone() },
        see_lock: SeeLock {
            users: users.clone(),
            throttle: adapters.throttle.clone(),
            admins: admins.clone(),
            limits: limits.map(|limits| limits.attempts),
        },
        lift_lock: LiftLock {
            users: users.clone(),
            throttle: adapters.throttle.clone(),
            admins: admins.clone(),
        },
        list_records: ListRecords { records: adapters.records.clone(), admins },
        read_entry: ReadEntry { cache: cache.clone(), access },
        write_entry: WriteEntry { cache: cache.clone(), access },
        probe_cache: ProbeCache { cache: cache.clone(), entropy: entropy.clone(), access },
        check_health,
    })
}
