//! Which adapter implements which port. With `store.rs` this is the only place that knows.

use std::sync::Arc;
use std::time::Duration;

use menjin_domain::cache::Cache;
use menjin_domain::common::Clock;
use menjin_domain::credentials::PasswordHasher;
use menjin_domain::health::{Component, HealthProbe, Importance};
use menjin_domain::import::{NoTables, UserTables};
use menjin_domain::jobs::JobPorts;
use menjin_domain::lockout::RateLimiter;
use menjin_domain::mail::{MailPorts, Mailer};
use menjin_domain::mfa::FactorPorts;
use menjin_domain::passkeys::{PasskeyPorts, RelyingParty};
use menjin_domain::ports::{Ports, RequiredPorts};
use menjin_domain::sessions::{InvalidationChannel, Subscription, TokenCodec};
use menjin_infra_credentials::{
    AppCodes, BcryptPool, DerivedKeys, HashingConfig, JwtCodec, JwtConfig, OsRandom, PasswordRules,
    PolicyConfig, Webauthn, random_key,
};
use menjin_infra_memory::{
    AuditQueue, CachedAccounts, CachedCredentials, CachedFactors, CachedInvitations,
    CachedOneTimeTokens, CachedPasskeys, CachedSessions, CachedTokens, MemoryCache,
    MemoryCacheConfig, MemoryRateLimiter, SessionCache, SystemClock,
};
#[cfg(feature = "redis")]
use menjin_infra_redis::{
    FallbackRateLimiter, RedisCache, RedisClient, RedisConfig, RedisInvalidation, RedisRateLimiter,
};

use crate::{BuildError, Store};

/// The greatest number of networks that are counted, about 10 MiB.
const MAX_COUNTED_NETWORKS: usize = 100_000;

/// The greatest number of live sessions in the session cache, about 50 MiB.
const MAX_CACHED_SESSIONS: usize = 50_000;

/// The greatest number of verified access tokens that are remembered, about 10 MiB.
const MAX_CACHED_TOKENS: usize = 50_000;

/// What was chosen, but for the store and the secrets.
pub(crate) struct Choices {
    pub(crate) name: String,
    pub(crate) hashing: HashingConfig,
    /// In place of bcrypt.
    pub(crate) hasher: Option<Arc<dyn PasswordHasher>>,
    pub(crate) passwords: PolicyConfig,
    pub(crate) clock: Arc<dyn Clock>,
    #[cfg(feature = "redis")]
    pub(crate) redis: Option<RedisConfig>,
    pub(crate) is_beside_servers: bool,
    pub(crate) session_cache_ttl: Duration,
    pub(crate) cache: MemoryCacheConfig,
    pub(crate) audit_queue: usize,
    pub(crate) passkeys: Option<RelyingParty>,
    pub(crate) mailer: Option<Arc<dyn Mailer>>,
    pub(crate) tables: Arc<dyn UserTables>,
}

impl Default for Choices {
    fn default() -> Self {
        Self {
            name: "menjin".to_owned(),
            hashing: HashingConfig::default(),
            hasher: None,
            passwords: PolicyConfig::lenient(),
            clock: Arc::new(SystemClock),
            #[cfg(feature = "redis")]
            redis: None,
            is_beside_servers: false,
            session_cache_ttl: Duration::from_secs(1),
            cache: MemoryCacheConfig::default(),
            audit_queue: 1024,
            passkeys: None,
            mailer: None,
            tables: Arc::new(NoTables),
        }
    }
}

/// What was put together.
pub(crate) struct Wired {
    pub(crate) ports: Ports,
    pub(crate) trail: Arc<AuditQueue>,
    pub(crate) subscription: Option<Subscription>,
    /// The probe of the cache, which may be down at the start.
    pub(crate) cache: Arc<dyn HealthProbe>,
}

/// Puts everything together. Blocks: hashing the dummy password takes as long as a log-in.
pub(crate) fn wire(
    choices: Choices,
    store: &Store,
    tokens: JwtConfig,
) -> Result<Wired, BuildError> {
    let shared = shared(&choices)?;
    let (cached, subscription) = with_session_cache(&choices, store, &shared);
    let Store {
        accounts,
        credentials,
        sessions,
        one_time_tokens,
        invitations,
        factors,
        passkeys,
        ..
    } = cached;
    let trail = Arc::new(AuditQueue::start(store.audit_records.clone(), choices.audit_queue));
    let random = Arc::new(OsRandom);
    let keys = Arc::new(DerivedKeys::new(&tokens.secret, &tokens.verify_only_secrets));
    let hasher = match choices.hasher {
        Some(hasher) => hasher,
        None => Arc::new(BcryptPool::start(choices.hashing).map_err(BuildError::Hashing)?),
    };
    let mut ports = Ports::new(RequiredPorts {
        accounts,
        credentials,
        sessions,
        lockouts: store.lockouts.clone(),
        audit_records: store.audit_records.clone(),
        audit_trail: trail.clone(),
        rate_limiter: shared.rates,
        hasher,
        password_policy: Arc::new(PasswordRules::new(choices.passwords)),
        codec: caching(JwtCodec::new(tokens).map_err(BuildError::Secret)?)?,
        random,
        clock: choices.clock,
    });
    ports.cache = shared.cache;
    ports.one_time_tokens = one_time_tokens;
    ports.invitations = invitations;
    ports.mail = choices.mailer.map(|mailer| MailPorts {
        outbox: store.outbox.clone(),
        mailer,
        tokens: keys.clone(),
    });
    ports.factors = FactorPorts {
        repository: factors,
        totp: Arc::new(AppCodes::new(&choices.name)),
        sealer: keys.clone(),
    };
    ports.passkeys = choices.passkeys.map(|party| PasskeyPorts {
        repository: passkeys,
        verifier: Arc::new(Webauthn),
        party,
    });
    ports.jobs = JobPorts { repository: store.jobs.clone(), sealer: keys, tables: choices.tables };
    let component = |name, importance, probe| Component { name, importance, probe };
    ports.components = vec![
        component("database", Importance::Essential, store.probe.clone()),
        component("cache", Importance::Supporting, shared.health.clone()),
    ];
    Ok(Wired { ports, trail, subscription, cache: shared.health })
}

/// The store with the session cache in front, whose entries live as long as the builder says. If replicas
/// share a channel, the cache receives their changes for as long as the subscription is held, and is not used
/// before the subscription has begun. If there may be other processes and there is no channel, there is no
/// session cache: a logout must take effect on all of them at once.
fn with_session_cache(
    choices: &Choices,
    store: &Store,
    shared: &Shared,
) -> (Store, Option<Subscription>) {
    let ttl = choices.session_cache_ttl;
    let store = store.clone();
    if shared.channel.is_none() && (ttl.is_zero() || store.is_shared || choices.is_beside_servers) {
        return (store, None);
    }
    let cache = Arc::new(SessionCache::new(MAX_CACHED_SESSIONS, ttl));
    let channel = || shared.channel.clone();
    let subscription = channel().map(|channel| {
        cache.set_hearing(false);
        channel.subscribe(cache.clone())
    });
    let own = || cache.clone();
    let cached = Store {
        accounts: Arc::new(CachedAccounts::new(store.accounts, own(), channel())),
        credentials: Arc::new(CachedCredentials::new(store.credentials, own(), channel())),
        one_time_tokens: Arc::new(CachedOneTimeTokens::new(
            store.one_time_tokens,
            own(),
            channel(),
        )),
        invitations: Arc::new(CachedInvitations::new(store.invitations, own(), channel())),
        factors: Arc::new(CachedFactors::new(store.factors, own(), channel())),
        passkeys: Arc::new(CachedPasskeys::new(store.passkeys, own(), channel())),
        sessions: Arc::new(CachedSessions::new(store.sessions, own(), channel())),
        ..store
    };
    (cached, subscription)
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

fn shared(choices: &Choices) -> Result<Shared, BuildError> {
    let rates = Arc::new(MemoryRateLimiter::new(MAX_COUNTED_NETWORKS));
    #[cfg(feature = "redis")]
    if let Some(config) = &choices.redis {
        let redis = RedisClient::new(config).map_err(BuildError::Redis)?;
        let cache = Arc::new(RedisCache::new(redis.clone()));
        let rates = FallbackRateLimiter::new(Arc::new(RedisRateLimiter::new(redis.clone())), rates);
        return Ok(Shared {
            cache: cache.clone(),
            health: cache,
            rates: Arc::new(rates),
            channel: Some(Arc::new(RedisInvalidation::new(redis))),
        });
    }
    let clock: Arc<dyn Clock> = choices.clock.clone();
    let cache = Arc::new(MemoryCache::new(choices.cache, clock));
    Ok(Shared { cache: cache.clone(), health: cache, rates, channel: None })
}

/// The codec with a cache of the access tokens that it has verified.
fn caching(codec: JwtCodec) -> Result<Arc<dyn TokenCodec>, BuildError> {
    let key = random_key().map_err(BuildError::Random)?;
    Ok(Arc::new(CachedTokens::new(Arc::new(codec), MAX_CACHED_TOKENS, key)))
}
