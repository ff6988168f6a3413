//! All use-cases on one set of ports: the only wiring, for the server, for tests and for embedders.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::access::Guard;
use crate::accounts::{
    AccountRepository, ActivateUser, CreateAdmin, DeactivateUser, GetUser, ListUsers, Register,
    RegistrationLimit, UpdateOwnProfile,
};
use crate::audit::{AuditRepository, AuditTrail, ListRecords};
use crate::cache::{Cache, CacheAccess, CacheSlot, CachedValue, ProbeCache, ReadEntry, WriteEntry};
use crate::common::{Clock, PortError, Random};
use crate::credentials::{ChangePassword, CredentialRepository, PasswordHasher, PasswordPolicy};
use crate::health::{CheckHealth, Cleanup, Component};
use crate::lockout::{
    AttemptGuard, AttemptLimits, ClearLockout, GetLockout, LockoutRepository, LoginLimits,
    RateLimiter,
};
use crate::sessions::{
    Authenticate, Login, Logout, PublicKey, Refresh, SessionRepository, TokenCodec, TokenIssuer,
};

/// The ports that menjin cannot do without. It gains no field within a major version: what comes
/// later has a default and is a field of [`Ports`].
#[derive(Clone)]
#[expect(missing_docs, reason = "each field is named after its port, which is documented")]
pub struct RequiredPorts {
    pub accounts: Arc<dyn AccountRepository>,
    pub credentials: Arc<dyn CredentialRepository>,
    pub sessions: Arc<dyn SessionRepository>,
    pub lockouts: Arc<dyn LockoutRepository>,
    pub audit_records: Arc<dyn AuditRepository>,
    pub audit_trail: Arc<dyn AuditTrail>,
    pub rate_limiter: Arc<dyn RateLimiter>,
    pub hasher: Arc<dyn PasswordHasher>,
    pub password_policy: Arc<dyn PasswordPolicy>,
    pub codec: Arc<dyn TokenCodec>,
    pub random: Arc<dyn Random>,
    pub clock: Arc<dyn Clock>,
}

/// All ports. Begin with [`Ports::new`] and set what you have beyond that.
#[derive(Clone)]
#[non_exhaustive]
pub struct Ports {
    /// Those without a default.
    pub required: RequiredPorts,
    /// The cache for clients. By default there is none: reading and writing fail.
    pub cache: Arc<dyn Cache>,
    /// The back ends whose health is checked. By default none.
    pub components: Vec<Component>,
}

impl Ports {
    /// These ports, and the defaults of all others.
    pub fn new(required: RequiredPorts) -> Self {
        Self { required, cache: Arc::new(NoCache), components: Vec::new() }
    }
}

/// What can be decided about the use-cases, with the defaults of the documents.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Policy {
    /// How long an access token lives.
    pub access_ttl: Duration,
    /// How long a session lives, however often it is refreshed.
    pub session_ttl: Duration,
    /// For how long after its first use a refresh token is taken again, if the answer was lost.
    pub refresh_grace: Duration,
    /// Whether each refresh is recorded: nothing else is written as often.
    pub record_refreshes: bool,
    /// The limits on failed logins; `None` turns them off.
    pub login_limits: Option<LoginLimits>,
    /// The limit on failed registrations; `None` turns it off.
    pub registration_limit: Option<RegistrationLimit>,
    /// Who may use the cache.
    pub cache_access: CacheAccess,
    /// For how long finished sessions are kept.
    pub keep_sessions: Duration,
    /// For how long audit records are kept.
    pub keep_audit_records: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        Self {
            access_ttl: Duration::from_secs(30 * 60),
            session_ttl: DAY * 7,
            refresh_grace: Refresh::GRACE,
            record_refreshes: true,
            login_limits: Some(LoginLimits::DEFAULT),
            registration_limit: Some(RegistrationLimit::DEFAULT),
            cache_access: CacheAccess::Public,
            keep_sessions: DAY * 30,
            keep_audit_records: DAY * 365,
        }
    }
}

/// The use-cases, ready to run.
#[non_exhaustive]
#[expect(missing_docs, reason = "each field is named after its use-case, which is documented")]
pub struct Services {
    pub guard: Guard,
    pub register: Register,
    pub create_admin: CreateAdmin,
    pub login: Login,
    pub authenticate: Authenticate,
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
    pub cleanup: Arc<Cleanup>,
    /// Who may use the cache.
    pub cache_access: CacheAccess,
    codec: Arc<dyn TokenCodec>,
}

impl Services {
    /// Builds every use-case on these ports.
    pub fn new(ports: Ports, policy: &Policy) -> Self {
        let Ports { required, cache, components } = ports;
        let RequiredPorts {
            accounts,
            credentials,
            sessions,
            lockouts,
            audit_records: records,
            audit_trail: trail,
            rate_limiter: rates,
            hasher,
            password_policy,
            codec,
            random,
            clock,
        } = required;
        // One guard for every place where a password can be tried: they share one count.
        let attempts = Arc::new(AttemptGuard {
            lockouts: lockouts.clone(),
            rates: rates.clone(),
            clock: clock.clone(),
            trail: trail.clone(),
            limits: policy.login_limits,
        });
        let tokens = Arc::new(TokenIssuer {
            codec: codec.clone(),
            random: random.clone(),
            access_ttl: policy.access_ttl,
        });
        let attempt_limits = policy.login_limits.map(|limits| limits.attempts);
        Self {
            guard: Guard { trail: trail.clone(), clock: clock.clone() },
            register: Register {
                accounts: accounts.clone(),
                hasher: hasher.clone(),
                policy: password_policy.clone(),
                rates,
                trail: trail.clone(),
                clock: clock.clone(),
                limit: policy.registration_limit,
            },
            create_admin: CreateAdmin {
                accounts: accounts.clone(),
                hasher: hasher.clone(),
                policy: password_policy.clone(),
                clock: clock.clone(),
            },
            login: Login {
                credentials: credentials.clone(),
                sessions: sessions.clone(),
                hasher: hasher.clone(),
                attempts: attempts.clone(),
                tokens: tokens.clone(),
                random: random.clone(),
                clock: clock.clone(),
                session_ttl: policy.session_ttl,
            },
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
                grace: policy.refresh_grace,
                recorded: policy.record_refreshes,
            },
            logout: Logout { sessions: sessions.clone(), clock: clock.clone() },
            change_password: ChangePassword {
                credentials,
                hasher,
                policy: password_policy,
                attempts,
                trail: trail.clone(),
                clock: clock.clone(),
            },
            update_profile: UpdateOwnProfile {
                accounts: accounts.clone(),
                trail: trail.clone(),
                clock: clock.clone(),
            },
            get_user: GetUser { accounts: accounts.clone() },
            list_users: ListUsers { accounts: accounts.clone() },
            activate_user: ActivateUser { accounts: accounts.clone() },
            deactivate_user: DeactivateUser { accounts: accounts.clone(), trail },
            get_lockout: GetLockout {
                accounts: accounts.clone(),
                lockouts: lockouts.clone(),
                limits: attempt_limits,
            },
            clear_lockout: ClearLockout { accounts, lockouts: lockouts.clone() },
            list_records: ListRecords { records: records.clone() },
            read_entry: ReadEntry { cache: cache.clone() },
            write_entry: WriteEntry { cache: cache.clone() },
            probe_cache: ProbeCache { cache, random },
            check_health: CheckHealth { components, clock: clock.clone() },
            cleanup: Arc::new(Cleanup {
                sessions,
                lockouts,
                records,
                clock,
                keep_sessions: policy.keep_sessions,
                // Counts are kept while limits are off, for when they are on again.
                keep_lockouts: attempt_limits.unwrap_or(AttemptLimits::DEFAULT).longest_window(),
                keep_records: policy.keep_audit_records,
            }),
            cache_access: policy.cache_access,
            codec,
        }
    }

    /// The keys that others verify access tokens with.
    pub fn public_keys(&self) -> Vec<PublicKey> {
        self.codec.public_keys()
    }
}

/// What stands in for a cache where there is none.
struct NoCache;

impl NoCache {
    fn error() -> PortError {
        PortError::unavailable("cache", "this server has no cache for clients")
    }
}

#[async_trait]
impl Cache for NoCache {
    async fn get(&self, _: &CacheSlot) -> Result<Option<CachedValue>, PortError> {
        Err(Self::error())
    }

    async fn set(&self, _: &CacheSlot, _: Vec<u8>, _: Duration) -> Result<(), PortError> {
        Err(Self::error())
    }

    async fn delete(&self, _: &CacheSlot) -> Result<bool, PortError> {
        Err(Self::error())
    }
}
