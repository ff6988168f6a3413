//! All ports together, and what can be decided about the use-cases on them.

use std::sync::Arc;
use std::time::Duration;

use crate::access::Roles;
use crate::accounts::{AccountRepository, AttributeRules, EmailChangeMode, Role};
use crate::audit::{AuditRepository, AuditTrail};
use crate::cache::{Cache, CacheAccess, NoCache};
use crate::common::{Clock, Random};
use crate::credentials::{CredentialRepository, PasswordHasher, PasswordPolicy};
use crate::health::Component;
use crate::invitations::{InvitationRepository, NoInvitations};
use crate::jobs::{JobPorts, JobRepository};
use crate::lockout::{LockoutRepository, LoginLimits, RateLimiter, RegistrationLimit};
use crate::mail::{MailPorts, MailSettings, Outbox};
use crate::mfa::{FactorPorts, FactorRepository};
use crate::one_time::{NoOneTimeTokens, OneTimeTokenRepository};
use crate::passkeys::{PasskeyPorts, PasskeyRepository};
use crate::sessions::{SessionLimit, SessionRepository, TokenCodec};

/// The ports that menjin requires. Within a major version no field is added: later ports have a
/// default and are fields of [`Ports`].
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

/// Whatever has all repositories, as a database does.
pub trait Repositories:
    AccountRepository
    + CredentialRepository
    + SessionRepository
    + LockoutRepository
    + AuditRepository
    + OneTimeTokenRepository
    + FactorRepository
    + PasskeyRepository
    + InvitationRepository
    + JobRepository
    + Outbox
{
}

impl<S> Repositories for S where
    S: AccountRepository
        + CredentialRepository
        + SessionRepository
        + LockoutRepository
        + AuditRepository
        + OneTimeTokenRepository
        + FactorRepository
        + PasskeyRepository
        + InvitationRepository
        + JobRepository
        + Outbox
{
}

/// All ports. Begin with [`Ports::new`], then set the optional fields that you need.
#[derive(Clone)]
#[non_exhaustive]
pub struct Ports {
    /// Those without a default.
    pub required: RequiredPorts,
    /// The cache for clients. By default there is none: reading and writing fail.
    pub cache: Arc<dyn Cache>,
    /// Tokens of links. By default there are none, and every token is invalid.
    pub one_time_tokens: Arc<dyn OneTimeTokenRepository>,
    /// Invitations. By default none can be made.
    pub invitations: Arc<dyn InvitationRepository>,
    /// Jobs. By default there are none: nothing is imported over HTTP, and no more users are changed together
    /// than at once.
    pub jobs: JobPorts,
    /// The second factor. By default nobody has one, or can get one.
    pub factors: FactorPorts,
    /// Passkeys. By default there are none: they are bound to the name of a site.
    pub passkeys: Option<PasskeyPorts>,
    /// Mail. By default none is sent.
    pub mail: Option<MailPorts>,
    /// The back ends whose health is checked. By default none.
    pub components: Vec<Component>,
}

impl Ports {
    /// These ports, and the defaults of all others.
    pub fn new(required: RequiredPorts) -> Self {
        Self {
            required,
            cache: Arc::new(NoCache),
            one_time_tokens: Arc::new(NoOneTimeTokens),
            invitations: Arc::new(NoInvitations),
            jobs: JobPorts::none(),
            factors: FactorPorts::none(),
            passkeys: None,
            mail: None,
            components: Vec::new(),
        }
    }
}

/// Who may make an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegistrationMode {
    /// Anybody.
    Open,
    /// Whoever has an invitation.
    Invite,
    /// Nobody.
    Closed,
}

/// What can be decided about the use-cases. `Policy::default()` has what stands at each field.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Policy {
    /// How long an access token lives: 30 minutes.
    pub access_ttl: Duration,
    /// How long a session lives, however often it is refreshed: 7 days.
    pub session_ttl: Duration,
    /// For how long a session lives that is not refreshed; `None`, the default: to its end.
    pub idle_ttl: Option<Duration>,
    /// How many sessions a user may have; `None`, the default: any number.
    pub session_limit: Option<SessionLimit>,
    /// For how long after its first use a refresh token is taken again, if the answer was lost: a day.
    pub refresh_grace: Duration,
    /// Whether each refresh is recorded: yes. Refreshes are by far the most frequent events.
    pub record_refreshes: bool,
    /// The limits on failed logins, [`LoginLimits::DEFAULT`]; `None` turns them off.
    pub login_limits: Option<LoginLimits>,
    /// The limit on failed registrations, [`RegistrationLimit::DEFAULT`]; `None` turns it off.
    pub registration_limit: Option<RegistrationLimit>,
    /// Who may register: anybody. Administrators are made by other ways.
    pub registration: RegistrationMode,
    /// Names that nobody may register, nor one that looks like them. Administrators are made by other
    /// ways and may have them.
    pub reserved_names: Vec<String>,
    /// How people change the addresses of their accounts: at once.
    pub email_change: EmailChangeMode,
    /// Links in mails, and limits on mails.
    pub mail: MailSettings,
    /// Whether nobody logs in who has never proved an address: no.
    pub require_verification: bool,
    /// For how long a password is good that somebody else has set: 14 days.
    pub first_password_ttl: Duration,
    /// For how long an account that was deleted can be restored: 14 days.
    pub delete_grace: Duration,
    /// After how long accounts are deleted of which no address was ever proved, and into which nobody
    /// has ever logged in; `None`, the default: never.
    pub unverified_keep: Option<Duration>,
    /// How long ago a caller may have given the password for what is critical, such as giving roles and
    /// deleting; `None`, the default: at any time.
    pub step_up: Option<Duration>,
    /// The roles whose users may do nothing without a second factor but set one up: none.
    pub factor_roles: Arc<[Role]>,
    /// Which role has which rights: `admin` has all, `student` and `teacher` none.
    pub roles: Arc<Roles>,
    /// What users carry besides: nothing.
    pub attributes: Arc<AttributeRules>,
    /// Who may use the cache: anybody.
    pub cache_access: CacheAccess,
    /// For how long finished sessions are kept: 30 days.
    pub keep_sessions: Duration,
    /// For how long mails that were sent or given up are kept: 30 days.
    pub keep_mails: Duration,
    /// For how long audit records are kept: a year.
    pub keep_audit_records: Duration,
}

/// Names that people take for the operator's.
const RESERVED_NAMES: [&str; 12] = [
    "admin",
    "administrator",
    "root",
    "system",
    "sysadmin",
    "superuser",
    "support",
    "security",
    "menjin",
    "管理员",
    "系统管理员",
    "系统",
];

impl Default for Policy {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        Self {
            access_ttl: Duration::from_secs(30 * 60),
            session_ttl: DAY * 7,
            idle_ttl: None,
            session_limit: None,
            refresh_grace: Duration::from_secs(24 * 60 * 60),
            record_refreshes: true,
            login_limits: Some(LoginLimits::DEFAULT),
            registration_limit: Some(RegistrationLimit::DEFAULT),
            registration: RegistrationMode::Open,
            reserved_names: RESERVED_NAMES.map(str::to_owned).into(),
            email_change: EmailChangeMode::Direct,
            mail: MailSettings::default(),
            require_verification: false,
            first_password_ttl: DAY * 14,
            delete_grace: DAY * 14,
            unverified_keep: None,
            step_up: None,
            factor_roles: Arc::new([]),
            roles: Arc::default(),
            attributes: Arc::default(),
            cache_access: CacheAccess::Public,
            keep_sessions: DAY * 30,
            keep_mails: DAY * 30,
            keep_audit_records: DAY * 365,
        }
    }
}
