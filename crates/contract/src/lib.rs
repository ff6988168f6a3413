#![doc = include_str!("../README.md")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "tests, though the compiler sees a library: the first surprise fails them"
)]

use std::any::Any;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use menjin_domain::access::Reach;
use menjin_domain::accounts::{
    AccountChange, AccountRepository, Authority, ChangeUserError, Email, LoginName, NewUser,
    Profile, Role, User, Username, UsernameLength,
};
use menjin_domain::audit::{AuditAction, AuditContext, AuditRepository};
use menjin_domain::common::{
    ClientInfo, ClientNetwork, Error, RequestContext, RequestId, SessionId, Timestamp, UserId,
};
use menjin_domain::credentials::{
    CredentialRepository, CredentialVersion, PasswordChange, PasswordHash,
};
use menjin_domain::lockout::LockoutRepository;
use menjin_domain::sessions::{NewSession, SessionRepository};
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use uuid::Uuid;

// This module is first, for its macro.
#[macro_use]
mod rows;

mod accounts;
mod administration;
mod audit;
pub mod cache;
pub mod clock;
mod credentials;
mod deletions;
mod email_changes;
mod importing;
mod invitations;
mod jobs;
mod listing;
pub mod mails;
mod mfa;
mod one_time;
mod passkeys;
mod profiles;
pub mod rates;
mod rotation;
mod search;
mod sessions;
mod standing;
mod throttle;
mod trail;

pub use mails::Repositories;
pub use rows::{Row, repositories, rows, run};

/// The repositories of one database, empty at first.
#[derive(Clone)]
pub struct Store {
    /// The accounts.
    pub accounts: Arc<dyn AccountRepository>,
    /// The passwords.
    pub credentials: Arc<dyn CredentialRepository>,
    /// The sessions.
    pub sessions: Arc<dyn SessionRepository>,
    /// The counts of failures.
    pub lockouts: Arc<dyn LockoutRepository>,
    /// The records.
    pub records: Arc<dyn AuditRepository>,
    /// What must live as long as the store, such as the folder of its file.
    pub keep: Arc<dyn Any + Send + Sync>,
}

/// A moment, in seconds after a fixed one in 2023.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_timestamp(1_700_000_000 + seconds, 123_456_000).unwrap()
}

/// Where everything comes from.
pub fn request() -> RequestContext {
    RequestContext {
        client: ClientInfo::local().with_user_agent(Some("Mozilla/5.0")),
        request_id: Some(RequestId::parse("request-1").unwrap()),
    }
}

/// What the ninth user does at `at(seconds)`, in a session of their own.
pub fn context(seconds: i64) -> AuditContext {
    AuditContext {
        actor: Some(UserId::try_from(9).unwrap()),
        session_id: Some(session_id(9)),
        at: at(seconds),
        request: request(),
    }
}

/// What the ninth user may do at `at(seconds)`, whoever it is done to.
pub fn authority(seconds: i64) -> Authority {
    Authority { context: context(seconds), reach: Reach::EVERYBODY }
}

/// Something that is made at another moment than `at(0)`.
pub trait Made {
    /// The same, made then.
    #[must_use]
    fn made_at(self, seconds: i64) -> Self;
}

/// The changes that most rows need, by the ninth user.
#[async_trait]
pub trait Administer: AccountRepository {
    /// Makes a change.
    async fn administer(
        &self,
        id: UserId,
        change: AccountChange,
        context: AuditContext,
    ) -> Result<Option<User>, Error<ChangeUserError>> {
        self.change(id, change, Authority { context, reach: Reach::EVERYBODY }).await
    }

    /// Activates an account.
    async fn activate(
        &self,
        id: UserId,
        context: AuditContext,
    ) -> Result<Option<User>, Error<ChangeUserError>> {
        self.administer(id, AccountChange::Activate, context).await
    }

    /// Deactivates an account.
    async fn deactivate(
        &self,
        id: UserId,
        context: AuditContext,
    ) -> Result<Option<User>, Error<ChangeUserError>> {
        self.administer(id, AccountChange::Deactivate, context).await
    }
}

impl<T: AccountRepository + ?Sized> Administer for T {}

/// The network of `192.0.2.n`.
pub fn network(n: u8) -> ClientNetwork {
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, n)).into()
}

/// A hash. No port reads its content.
pub fn hash(text: &str) -> PasswordHash {
    PasswordHash::new(format!("$2b$04${text}"))
}

/// A session id.
pub fn session_id(n: u128) -> SessionId {
    SessionId(Uuid::from_u128(n))
}

/// An address.
pub fn email(text: &str) -> Email {
    Email::parse(text).unwrap()
}

/// A user of this name, whose address is `<name>@example.com`.
pub fn new_user(name: &str, role: Role) -> NewUser {
    new_user_at(name, &format!("{name}@example.com"), role)
}

/// A user of this name and address.
pub fn new_user_at(name: &str, address: &str, role: Role) -> NewUser {
    NewUser {
        username: Username::parse(name, UsernameLength::DEFAULT).unwrap(),
        email: email(address),
        hash: hash(name),
        role,
        profile: Profile::default(),
        locale: None,
        is_active: true,
        is_verified: false,
        mail: None,
        first_password: None,
        action: if role == Role::ADMIN {
            AuditAction::AdminCreated
        } else {
            AuditAction::Registered
        },
        context: AuditContext::anonymous(at(0), request()),
    }
}

impl Made for NewUser {
    fn made_at(mut self, seconds: i64) -> Self {
        self.context.at = at(seconds);
        self
    }
}

/// A session of this user in this credential version, which ends an hour after `at(0)`.
pub fn new_session(n: u128, user_id: UserId, credential_version: CredentialVersion) -> NewSession {
    NewSession {
        id: session_id(n),
        user_id,
        verified_version: credential_version,
        created_at: at(0),
        expires_at: at(3600),
        ends_at: at(3600),
        has_factor: false,
        authenticated_at: None,
        limit: None,
        request: request(),
    }
}

impl Store {
    /// Adds a user.
    pub async fn add(&self, name: &str, role: Role) -> User {
        self.accounts.create(new_user(name, role)).await.unwrap()
    }

    /// Adds a student.
    pub async fn student(&self, name: &str) -> UserId {
        self.add(name, Role::STUDENT).await.id
    }

    /// The user as stored.
    pub async fn user(&self, id: UserId) -> User {
        self.accounts.find(id).await.unwrap().unwrap()
    }

    /// The user's credential version.
    pub async fn credential_version(&self, id: UserId) -> CredentialVersion {
        self.credentials.find_by_id(id).await.unwrap().unwrap().version
    }

    /// The hash stored for a name.
    pub async fn hash_of(&self, name: &str) -> String {
        let name = LoginName::parse(name).unwrap();
        let found = self.credentials.find_by_name(&name).await.unwrap().unwrap();
        found.hash.expose().to_owned()
    }

    /// Logs the user in.
    pub async fn log_in(&self, n: u128, user: UserId) -> SessionId {
        let credential_version = self.credential_version(user).await;
        self.sessions.create(new_session(n, user, credential_version)).await.unwrap();
        session_id(n)
    }

    /// Whether the session works at `at(seconds)`.
    pub async fn is_live(&self, id: SessionId, seconds: i64) -> bool {
        self.sessions.find_live(id, at(seconds)).await.unwrap().is_some()
    }

    /// Changes the password at the user's current credential version.
    pub async fn change_password(&self, user_id: UserId, keep_session: SessionId) -> bool {
        let verified_version = self.credential_version(user_id).await;
        let change = PasswordChange {
            user_id,
            verified_version,
            hash: hash("new"),
            keep_session,
            mail: None,
            at: at(7),
            request: request(),
        };
        self.credentials.change_password(change).await.unwrap()
    }
}

/// Runs this many at the same time, and returns what they return in the order of their numbers.
pub async fn at_once<T, F>(count: usize, each: impl Fn(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let start = Arc::new(Barrier::new(count));
    let mut tasks = JoinSet::new();
    for number in 0..count {
        let (work, start) = (each(number), Arc::clone(&start));
        tasks.spawn(async move {
            start.wait().await;
            (number, work.await)
        });
    }
    let all = async { tasks.join_all().await };
    let mut results = tokio::time::timeout(Duration::from_secs(60), all).await.unwrap();
    results.sort_by_key(|(number, _)| *number);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Runs two different things at the same time.
pub async fn both<A, B>(
    a: impl Future<Output = A> + Send + 'static,
    b: impl Future<Output = B> + Send + 'static,
) -> (A, B)
where
    A: Send + 'static,
    B: Send + 'static,
{
    let (a, b) = (tokio::spawn(a), tokio::spawn(b));
    (a.await.unwrap(), b.await.unwrap())
}
