//! Accounts, sessions, failed logins and records behind one lock: a method holds the lock while it
//! works, so each method is one atomic change, as the ports require. A store for many accounts
//! needs indices; this one searches.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use menjin_domain::accounts::{
    AccountRepository, CreateUserError, LastAdmin, LoginName, NewUser, ProfileChanges,
    UpdateProfileError, User, UserPage, UserQuery,
};
use menjin_domain::audit::{AuditAction, AuditContext, AuditRecord};
use menjin_domain::common::{
    ClientNetwork, Error, PageStart, Patch, PortError, SessionId, Timestamp, UserId,
};
use menjin_domain::credentials::{
    CredentialRepository, CredentialVersion, Credentials, PasswordChange, PasswordHash,
};
use menjin_domain::lockout::{
    self, Admission, AttemptLimits, FailureCount, Limit, LockoutRepository, LockoutSubject,
};
use menjin_domain::sessions::{
    Generation, Lineage, LiveSession, NewSession, Rotation, RotationOutcome, Session, SessionQuery,
    SessionRepository, StaleCredentials,
};

#[derive(Default)]
pub(crate) struct Store {
    state: Mutex<State>,
}

#[derive(Default)]
pub(crate) struct State {
    /// Ordered, because lists are by ascending id.
    accounts: BTreeMap<UserId, Account>,
    sessions: HashMap<SessionId, Record>,
    /// Per client network; `None` counts all networks together.
    failures: HashMap<(LockoutSubject, Option<ClientNetwork>), Failures>,
    pub(crate) records: Vec<AuditRecord>,
    /// The last id given. An id is never used again, even after its record was deleted.
    pub(crate) last_record: i64,
}

struct Account {
    user: User,
    hash: PasswordHash,
    credential_version: CredentialVersion,
}

struct Record {
    session: Session,
    /// The generation before the current one, and when it was first used.
    predecessor: Option<(Generation, Timestamp)>,
    retries: u32,
    ended_at: Option<Timestamp>,
}

impl Record {
    /// Deactivation ends all sessions, so this need not check whether the user is active.
    fn is_live_of(&self, user: UserId, at: Timestamp) -> bool {
        self.session.user_id == user && self.ended_at.is_none() && at < self.session.expires_at
    }
}

impl Store {
    /// No code that holds the lock can panic during a change. So the data is consistent even if the
    /// lock is poisoned.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn email_is_taken(&self, canonical: &str, by_other_than: Option<UserId>) -> bool {
        let mut users = self.accounts.values().map(|account| &account.user);
        users.any(|user| user.email.canonical() == canonical && Some(user.id) != by_other_than)
    }

    fn find_live(&self, id: SessionId, at: Timestamp) -> Option<LiveSession> {
        let record = self.sessions.get(&id)?;
        let user = &self.accounts.get(&record.session.user_id)?.user;
        let live = record.ended_at.is_none() && record.session.expires_at > at && user.is_active;
        live.then(|| LiveSession { session: record.session.clone(), user: user.clone().into() })
    }

    /// Forgets the failures of an account, and returns whether there were any.
    fn forget(&mut self, id: UserId) -> bool {
        let all = self.failures.len();
        self.failures.retain(|(subject, _), _| *subject != LockoutSubject::Account(id));
        self.failures.len() < all
    }

    fn end_sessions(&mut self, of: UserId, but: Option<SessionId>, at: Timestamp) {
        for record in self.sessions.values_mut() {
            if record.session.user_id == of && Some(record.session.id) != but {
                record.ended_at.get_or_insert(at);
            }
        }
    }
}

impl Account {
    fn credentials(&self) -> Credentials {
        Credentials {
            user_id: self.user.id,
            hash: self.hash.clone(),
            version: self.credential_version,
            is_active: self.user.is_active,
            is_proved: self.user.is_verified,
        }
    }
}

#[async_trait]
impl AccountRepository for Store {
    async fn create(&self, new: NewUser) -> Result<User, Error<CreateUserError>> {
        let (mut state, event) = (self.lock(), new.event());
        let name = new.username.canonical();
        if state.accounts.values().any(|account| account.user.username.canonical() == name) {
            return Err(Error::Refused(CreateUserError::UsernameTaken));
        }
        if state.email_is_taken(new.email.canonical(), None) {
            return Err(Error::Refused(CreateUserError::EmailTaken));
        }
        // Accounts are never deleted, so the id after the last one is unused.
        let last = state.accounts.last_key_value().map_or(0, |(id, _)| id.get());
        let id = UserId::try_from(last.saturating_add(1))
            .map_err(|error| PortError::internal("store", error))?;
        let user = User {
            id,
            username: new.username,
            email: new.email,
            role: new.role,
            profile: new.profile,
            locale: new.locale,
            pending_email: None,
            is_active: true,
            is_verified: false,
            created_at: new.created_at,
            updated_at: None,
            last_login_at: None,
        };
        state.accounts.insert(
            id,
            Account {
                user: user.clone(),
                hash: new.hash,
                credential_version: CredentialVersion(0),
            },
        );
        state.record(event.on(id));
        Ok(user)
    }

    async fn find(&self, id: UserId) -> Result<Option<User>, PortError> {
        Ok(self.lock().accounts.get(&id).map(|account| account.user.clone()))
    }

    async fn update_profile(
        &self,
        id: UserId,
        changes: ProfileChanges,
        context: AuditContext,
    ) -> Result<Option<User>, Error<UpdateProfileError>> {
        let mut state = self.lock();
        let taken = changes
            .email
            .as_ref()
            .is_some_and(|email| state.email_is_taken(email.canonical(), Some(id)));
        let account = state.accounts.get_mut(&id).filter(|account| account.user.is_active);
        let Some(Account { user, .. }) = account else { return Ok(None) };
        // Check before the first change: a refusal must change nothing.
        if taken {
            return Err(Error::Refused(UpdateProfileError::EmailTaken));
        }
        if let Some(email) = changes.email {
            let is_another = !user.email.is_same_mailbox(&email);
            if is_another && !changes.address.is_allowed {
                return Err(Error::Refused(UpdateProfileError::AnotherMailbox));
            }
            user.is_verified &= !is_another;
            user.email = email;
        }
        patch(&mut user.profile.full_name, changes.full_name);
        patch(&mut user.profile.phone, changes.phone);
        patch(&mut user.profile.bio, changes.bio);
        patch(&mut user.profile.avatar, changes.avatar);
        patch(&mut user.locale, changes.locale);
        user.updated_at = Some(context.at);
        let user = user.clone();
        state.record(context.event(AuditAction::ProfileUpdated).on(id));
        Ok(Some(user))
    }

    async fn list(&self, query: UserQuery) -> Result<UserPage, PortError> {
        let state = self.lock();
        let users = state.accounts.values().map(|account| &account.user);
        let matching = users.filter(|user| query.role.is_none_or(|role| user.role == role));
        let (skip, after) = match query.start {
            PageStart::Skip(skip) => (skip, None),
            PageStart::After(id) => (0, Some(id)),
        };
        let [skip, limit] = [skip, query.limit].map(|n| usize::try_from(n).unwrap_or(usize::MAX));
        let page = matching.clone().filter(|user| after.is_none_or(|id| user.id > id));
        Ok(UserPage {
            total: matching.count() as u64,
            users: page.skip(skip).take(limit).cloned().collect(),
        })
    }

    async fn activate(&self, id: UserId, context: AuditContext) -> Result<Option<User>, PortError> {
        let mut state = self.lock();
        let was_locked = state.forget(id);
        let Some(Account { user, .. }) = state.accounts.get_mut(&id) else { return Ok(None) };
        let was_active = std::mem::replace(&mut user.is_active, true);
        if !was_active {
            user.updated_at = Some(context.at);
        }
        let user = user.clone();
        match (was_active, was_locked) {
            (false, _) => state.record(context.event(AuditAction::Activated).on(id)),
            (true, true) => state.record(context.event(AuditAction::LockoutCleared).on(id)),
            (true, false) => {}
        }
        Ok(Some(user))
    }

    async fn deactivate(
        &self,
        id: UserId,
        context: AuditContext,
    ) -> Result<Option<User>, Error<LastAdmin>> {
        let mut state = self.lock();
        let mut users = state.accounts.values().map(|account| &account.user);
        let has_peer = users.any(|user| user.is_active && user.is_superuser() && user.id != id);
        let Some(account) = state.accounts.get_mut(&id) else { return Ok(None) };
        if !account.user.is_active {
            return Ok(Some(account.user.clone()));
        }
        if account.user.is_superuser() && !has_peer {
            return Err(Error::Refused(LastAdmin));
        }
        account.user.is_active = false;
        account.user.updated_at = Some(context.at);
        account.credential_version.0 += 1;
        let user = account.user.clone();
        state.end_sessions(id, None, context.at);
        state.record(context.event(AuditAction::Deactivated).on(id));
        Ok(Some(user))
    }
}

#[async_trait]
impl CredentialRepository for Store {
    async fn find_by_name(&self, name: &LoginName) -> Result<Option<Credentials>, PortError> {
        let state = self.lock();
        let found = state.accounts.values().find(|Account { user, .. }| match name {
            LoginName::Username(name) => user.username.canonical() == name,
            LoginName::Email(email) => user.email.canonical() == email,
        });
        Ok(found.map(Account::credentials))
    }

    async fn find_by_id(&self, id: UserId) -> Result<Option<Credentials>, PortError> {
        Ok(self.lock().accounts.get(&id).map(Account::credentials))
    }

    async fn change_password(&self, change: PasswordChange) -> Result<bool, PortError> {
        let (mut state, event) = (self.lock(), change.event());
        let account = state.accounts.get_mut(&change.user_id);
        let Some(account) =
            account.filter(|a| a.user.is_active && a.credential_version == change.verified_version)
        else {
            return Ok(false);
        };
        account.hash = change.hash;
        account.credential_version.0 += 1;
        account.user.updated_at = Some(change.at);
        state.end_sessions(change.user_id, Some(change.keep_session), change.at);
        state.record(event);
        Ok(true)
    }

    async fn rehash(
        &self,
        id: UserId,
        credential_version: CredentialVersion,
        hash: PasswordHash,
    ) -> Result<(), PortError> {
        // With another credential version, the hash may be that of an old password.
        if let Some(account) =
            self.lock().accounts.get_mut(&id).filter(|a| a.credential_version == credential_version)
        {
            account.hash = hash;
        }
        Ok(())
    }
}

fn patch<T>(field: &mut Option<T>, change: Patch<T>) {
    match change {
        Patch::Keep => {}
        Patch::Clear => *field = None,
        Patch::Set(value) => *field = Some(value),
    }
}

#[async_trait]
impl SessionRepository for Store {
    async fn create(&self, new: NewSession) -> Result<User, Error<StaleCredentials>> {
        let (mut state, event) = (self.lock(), new.event());
        let account = state.accounts.get_mut(&new.user_id);
        let account = account
            .filter(|a| a.user.is_active && a.credential_version == new.verified_version)
            .ok_or(Error::Refused(StaleCredentials))?;
        account.user.last_login_at = Some(new.created_at);
        let user = account.user.clone();
        let session = Session {
            id: new.id,
            user_id: new.user_id,
            generation: Generation::FIRST,
            created_at: new.created_at,
            last_used_at: new.created_at,
            expires_at: new.expires_at,
            client: new.request.client,
        };
        state
            .sessions
            .insert(new.id, Record { session, predecessor: None, retries: 0, ended_at: None });
        state.record(event);
        Ok(user)
    }

    async fn find_live(
        &self,
        id: SessionId,
        at: Timestamp,
    ) -> Result<Option<LiveSession>, PortError> {
        Ok(self.lock().find_live(id, at))
    }

    async fn rotate(&self, rotation: Rotation) -> Result<RotationOutcome, PortError> {
        let Rotation { session_id, user_id, at, .. } = rotation;
        let mut state = self.lock();
        let live = state.find_live(session_id, at).filter(|live| live.user.id == user_id);
        let (Some(live), Some(record)) = (live, state.sessions.get_mut(&session_id)) else {
            return Ok(RotationOutcome::NotLive);
        };
        let lineage = Lineage {
            current: record.session.generation,
            predecessor: record.predecessor,
            last_used_at: record.session.last_used_at,
            retries: record.retries,
        };
        let Some(next) = rotation.next(lineage) else {
            record.ended_at = Some(at);
            state.record(rotation.replayed());
            return Ok(RotationOutcome::Replayed);
        };
        record.session.generation = next.lineage.current;
        record.session.last_used_at = next.lineage.last_used_at;
        (record.predecessor, record.retries) = (next.lineage.predecessor, next.lineage.retries);
        let session = record.session.clone();
        if let Some(event) = next.event {
            state.record(event);
        }
        Ok(RotationOutcome::Rotated(Box::new(LiveSession { session, user: live.user })))
    }

    async fn end(&self, id: SessionId, context: AuditContext) -> Result<bool, PortError> {
        let mut state = self.lock();
        let open = state.sessions.get_mut(&id).filter(|record| record.ended_at.is_none());
        let Some(record) = open else { return Ok(false) };
        record.ended_at = Some(context.at);
        let user = record.session.user_id;
        state.record(context.event(AuditAction::LoggedOut).on(user));
        Ok(true)
    }

    async fn list_live(&self, query: SessionQuery) -> Result<(Vec<Session>, u64), PortError> {
        let state = self.lock();
        let records = state.sessions.values();
        let live = records.filter(|record| record.is_live_of(query.user_id, query.at));
        let mut found: Vec<Session> = live.map(|record| record.session.clone()).collect();
        let total = found.len() as u64;
        found.retain(|session| query.after.is_none_or(|after| session.position() < after));
        found.sort_by_key(|session| std::cmp::Reverse(session.position()));
        found.truncate(usize::try_from(query.limit).unwrap_or(usize::MAX));
        Ok((found, total))
    }

    async fn revoke(
        &self,
        user: UserId,
        id: SessionId,
        context: AuditContext,
    ) -> Result<bool, PortError> {
        let mut state = self.lock();
        let record = state.sessions.get_mut(&id);
        let live = record.filter(|record| record.is_live_of(user, context.at));
        let Some(record) = live else { return Ok(false) };
        record.ended_at = Some(context.at);
        state.record(context.event(AuditAction::SessionRevoked).on(user));
        Ok(true)
    }

    async fn revoke_all(
        &self,
        user: UserId,
        keep: Option<SessionId>,
        context: AuditContext,
    ) -> Result<u64, PortError> {
        let mut state = self.lock();
        let mut ended = 0;
        for record in state.sessions.values_mut() {
            if Some(record.session.id) != keep && record.is_live_of(user, context.at) {
                record.ended_at = Some(context.at);
                ended += 1;
            }
        }
        if ended > 0 {
            state.record(context.event(AuditAction::of_revoked_sessions(keep)).on(user));
        }
        Ok(ended)
    }

    async fn delete_finished(&self, before: Timestamp) -> Result<u64, PortError> {
        let sessions = &mut self.lock().sessions;
        let all = sessions.len();
        sessions.retain(|_, record| {
            let end = record.ended_at.unwrap_or(record.session.expires_at);
            end.min(record.session.expires_at) >= before
        });
        Ok((all - sessions.len()) as u64)
    }
}

#[async_trait]
impl LockoutRepository for Store {
    async fn reserve(
        &self,
        subject: &LockoutSubject,
        network: ClientNetwork,
        limits: AttemptLimits,
        at: Timestamp,
    ) -> Result<Admission, PortError> {
        let failures = &mut self.lock().failures;
        for of in [Some(network), None] {
            if let Some(count) = failures.get_mut(&(subject.clone(), of)) {
                count.keep_as_of(at);
            }
        }
        let counts =
            [(Some(network), limits.per_client), (None, limits.per_account)].map(|(of, limit)| {
                let count = failures.get(&(subject.clone(), of)).cloned().unwrap_or_default();
                (of, limit, count)
            });
        // Check both limits before either counts: a refused attempt must leave no trace.
        let waits = counts.iter().filter_map(|(_, limit, count)| count.wait(*limit, at));
        if let Some(retry_after) = waits.max() {
            return Ok(Admission::Refused { retry_after });
        }
        for (of, limit, mut count) in counts {
            count.add(limit, at);
            failures.insert((subject.clone(), of), count);
        }
        Ok(Admission::Admitted)
    }

    async fn succeed(
        &self,
        subject: &LockoutSubject,
        network: ClientNetwork,
    ) -> Result<(), PortError> {
        let failures = &mut self.lock().failures;
        for of in [Some(network), None] {
            failures.remove(&(subject.clone(), of));
        }
        Ok(())
    }

    async fn release(
        &self,
        subject: &LockoutSubject,
        network: ClientNetwork,
    ) -> Result<(), PortError> {
        let failures = &mut self.lock().failures;
        for of in [Some(network), None] {
            Failures::take_back(failures, &(subject.clone(), of));
        }
        Ok(())
    }

    async fn counts(&self, subject: &LockoutSubject) -> Result<Vec<FailureCount>, PortError> {
        let state = self.lock();
        let of_subject = state.failures.iter().filter(|((of, _), _)| of == subject);
        let mut counts: Vec<_> = of_subject
            .filter_map(|((_, network), failures)| {
                let (failures, last_failure_at) = (failures.0.len() as u64, failures.last()?);
                Some(FailureCount { network: *network, failures, last_failure_at })
            })
            .collect();
        counts.sort_by_key(|count| std::cmp::Reverse(count.last_failure_at));
        Ok(counts)
    }

    async fn forget(&self, id: UserId, context: AuditContext) -> Result<bool, PortError> {
        let mut state = self.lock();
        let was_locked = state.forget(id);
        if was_locked {
            state.record(context.event(AuditAction::LockoutCleared).on(id));
        }
        Ok(was_locked)
    }

    async fn delete_stale(&self, before: Timestamp) -> Result<u64, PortError> {
        let failures = &mut self.lock().failures;
        let all = failures.len();
        failures.retain(|_, count| count.last().is_some_and(|last| last >= before));
        Ok((all - failures.len()) as u64)
    }
}

/// The times of the failures that still count. All times are kept, so that taking one failure back
/// does not prolong the wait for the others.
#[derive(Clone, Default)]
pub(crate) struct Failures(Vec<Timestamp>);

impl Failures {
    fn last(&self) -> Option<Timestamp> {
        self.0.last().copied()
    }

    fn count(&self) -> Option<lockout::Failures> {
        Some(lockout::Failures { count: self.0.len() as u64, last_at: self.last()? })
    }

    /// Dates the last one now, if the clock was put back since.
    pub(crate) fn keep_as_of(&mut self, at: Timestamp) {
        let as_of = self.count().map(|count| count.as_of(at).last_at);
        for time in &mut self.0 {
            *time = as_of.map_or(*time, |last| last.min(*time));
        }
    }

    /// How long to wait, if the limit is reached.
    pub(crate) fn wait(&self, limit: Limit, at: Timestamp) -> Option<Duration> {
        limit.wait(self.count(), at)
    }

    pub(crate) fn add(&mut self, limit: Limit, at: Timestamp) {
        if limit.counting(self.count(), at).is_none() {
            self.0.clear();
        }
        self.0.push(limit.one_more(self.count(), at).last_at);
    }

    /// Takes back the newest failure of a key. A count without failures is removed.
    pub(crate) fn take_back<K: Hash + Eq>(counts: &mut HashMap<K, Self>, key: &K) {
        if let Some(count) = counts.get_mut(key) {
            count.0.pop();
            if count.0.is_empty() {
                counts.remove(key);
            }
        }
    }
}
