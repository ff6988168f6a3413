//! Repositories with the session cache in front of them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use menjin_domain::access::{OutOfReach, Roles};
use menjin_domain::accounts::{
    AccountChange, AccountRepository, Authority, ChangeUserError, CreateUserError, FoundUsers,
    LoginName, NewUser, ProfileChanges, Role, UpdateProfileError, User, UserPage, UserQuery,
    UserSearch,
};
use menjin_domain::audit::AuditContext;
use menjin_domain::common::{Causes, Error, PortError, SessionId, Timestamp, UserId};
use menjin_domain::credentials::{
    CredentialRepository, CredentialVersion, Credentials, PasswordChange, PasswordHash,
};
use menjin_domain::import::{ImportBatch, Imported, RowRefusal};
use menjin_domain::invitations::{
    AcceptError, Acceptance, Invitation, InvitationId, InvitationOver, InvitationPage,
    InvitationQuery, InvitationRepository, NewInvitation, RoleAcceptance, TakeRoleError,
};
use menjin_domain::mail::NewMail;
use menjin_domain::mfa::{
    Confirmation, Enrolment, FactorRepository, NewRecoveryCodes, Removal, SealedSecret,
    StoredFactor, UsedRecoveryCode,
};
use menjin_domain::one_time::{
    ConfirmEmailChangeError, Disowning, EmailChange, EmailChangeRequest, EmailChangeUndo,
    EmailVerification, NewOneTimeToken, OneTimeTokenRepository, PasswordReset, Purpose, Recipient,
    TokenDigest, TokenHolder, TokenInvalid,
};
use menjin_domain::passkeys::{
    ChallengePurpose, NewChallenge, NewPasskey, Passkey, PasskeyRemoval, PasskeyRepository,
    PasskeyUse, TakenChallenge,
};
use menjin_domain::sessions::{
    CookieDigest, CreateSessionError, HandOffDigest, InvalidationChannel, LiveSession, NewSession,
    Reauthentication, Rotation, RotationOutcome, Session, SessionQuery, SessionRepository,
    TakenHandOff,
};

use tokio::runtime::Handle;
use tracing::Instrument as _;

use super::cache::SessionCache;
use super::invalidation::Invalidation;

/// How long an answer waits for the message to other processes when the channel is probably down. A
/// replica that receives no invalidations tries for this long to send its own, then answers.
/// Another replica that still receives them but is told too late shows stale sessions for
/// `session_cache_ttl` at most.
const BRIEFLY: Duration = Duration::from_millis(100);

/// Where a change is announced: to the session cache of this process, and to other processes.
#[derive(Clone)]
struct Changes {
    cache: Arc<SessionCache>,
    others: Option<Arc<dyn InvalidationChannel>>,
    /// The runtime of the code that built this. The runtime of a web server's worker ends with the
    /// worker, and must not take an invalidation with it.
    runtime: Handle,
}

impl Changes {
    fn new(cache: Arc<SessionCache>, others: Option<Arc<dyn InvalidationChannel>>) -> Self {
        Self { cache, others, runtime: Handle::current() }
    }

    /// Runs a write, and invalidates before anybody knows its outcome. It invalidates whatever the
    /// outcome is: a write that failed may have been done.
    ///
    /// The write runs on its own task: when a caller goes away, the invalidation must still happen,
    /// since the store may do the write all the same.
    ///
    /// A write that was answered with 503 may be done later. Entries read between its invalidation
    /// and that moment are at most `session_cache_ttl` old, and no client was told that the write
    /// was done.
    async fn after<T: Send + 'static>(
        &self,
        invalidation: Invalidation,
        write: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, PortError> {
        self.after_if(|_outcome| true, invalidation, write).await
    }

    /// The same, where other processes need to be told of some outcomes only.
    async fn after_if<T: Send + 'static>(
        &self,
        concerns_others: impl FnOnce(&T) -> bool + Send + 'static,
        invalidation: Invalidation,
        write: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, PortError> {
        let changes = self.clone();
        self.to_the_end(async move {
            let outcome = write.await;
            changes.cache.invalidate(invalidation);
            if concerns_others(&outcome) {
                changes.tell_others(invalidation).await;
            }
            outcome
        })
        .await
    }

    /// The same, where the write says what it has changed.
    async fn after_each<T: Send + 'static>(
        &self,
        which: impl FnOnce(&T) -> Vec<Invalidation> + Send + 'static,
        write: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, PortError> {
        let changes = self.clone();
        self.to_the_end(async move {
            let outcome = write.await;
            for invalidation in which(&outcome) {
                changes.cache.invalidate(invalidation);
                changes.tell_others(invalidation).await;
            }
            outcome
        })
        .await
    }

    /// Runs to its end, also if the caller goes away.
    async fn to_the_end<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, PortError> {
        let task = self.runtime.spawn(work.in_current_span()).await;
        task.map_err(|error| {
            if error.is_panic() {
                PortError::internal("database", error)
            } else {
                PortError::unavailable("database", error)
            }
        })
    }

    async fn tell_others(&self, invalidation: Invalidation) {
        let Some(others) = self.others.clone() else { return };
        let publish = async move {
            if let Err(error) = others.publish(&invalidation.to_bytes()).await {
                // The entries of other processes expire after their time to live at most, and a
                // process that receives no invalidations uses none.
                tracing::warn!(error = %Causes(&error), "other processes were not told of a change");
            }
        };
        if self.cache.is_hearing() {
            publish.await;
        } else {
            // The channel is most likely down. The message is tried to the end, but the answer does
            // not wait for its timeout: otherwise each write during an outage would.
            let trying = self.runtime.spawn(publish.in_current_span());
            drop(tokio::time::timeout(BRIEFLY, trying).await);
        }
    }
}

/// Sessions whose lookup is answered from the session cache.
pub struct CachedSessions {
    store: Arc<dyn SessionRepository>,
    changes: Changes,
}

impl CachedSessions {
    /// Puts the cache before a store; `others` tells other processes of changes.
    ///
    /// # Panics
    /// Panics outside of a tokio runtime, on which its writes run.
    pub fn new(
        store: Arc<dyn SessionRepository>,
        cache: Arc<SessionCache>,
        others: Option<Arc<dyn InvalidationChannel>>,
    ) -> Self {
        Self { store, changes: Changes::new(cache, others) }
    }
}

#[async_trait]
impl SessionRepository for CachedSessions {
    async fn create(&self, session: NewSession) -> Result<User, Error<CreateSessionError>> {
        let (store, user) = (Arc::clone(&self.store), session.user_id);
        // A login changes the user's `last_login_at`.
        let write = async move { store.create(session).await };
        self.changes.after(Invalidation::User(user), write).await?
    }

    async fn find_live(
        &self,
        id: SessionId,
        at: Timestamp,
    ) -> Result<Option<LiveSession>, PortError> {
        let cache = &self.changes.cache;
        if let Some(live) = cache.get(id, at) {
            return Ok(Some(live));
        }
        let ticket = cache.begin(at);
        let found = self.store.find_live(id, at).await?;
        if let Some(live) = &found {
            cache.fill(ticket, live);
        }
        Ok(found)
    }

    async fn rotate(&self, rotation: Rotation) -> Result<RotationOutcome, PortError> {
        let (store, id) = (Arc::clone(&self.store), rotation.session_id);
        let write = async move { store.rotate(rotation).await };
        // Most writes are refreshes, and a successful refresh ends nothing: entries of other
        // processes still show correctly whether the session is live and whose it is.
        let ended = |outcome: &Result<_, _>| !matches!(outcome, Ok(RotationOutcome::Rotated(_)));
        self.changes.after_if(ended, Invalidation::Session(id), write).await?
    }

    async fn bind_cookie(
        &self,
        id: SessionId,
        cookie: CookieDigest,
        at: Timestamp,
    ) -> Result<bool, PortError> {
        self.store.bind_cookie(id, cookie, at).await
    }

    async fn find_by_cookie(&self, cookie: CookieDigest) -> Result<Option<SessionId>, PortError> {
        self.store.find_by_cookie(cookie).await
    }

    async fn touch(
        &self,
        id: SessionId,
        at: Timestamp,
        expires_at: Timestamp,
    ) -> Result<bool, PortError> {
        let store = Arc::clone(&self.store);
        let write = async move { store.touch(id, at, expires_at).await };
        self.changes.after(Invalidation::Session(id), write).await?
    }

    async fn offer_hand_off(
        &self,
        id: SessionId,
        code: HandOffDigest,
        at: Timestamp,
        until: Timestamp,
    ) -> Result<bool, PortError> {
        self.store.offer_hand_off(id, code, at, until).await
    }

    async fn take_hand_off(
        &self,
        code: HandOffDigest,
        at: Timestamp,
    ) -> Result<Option<TakenHandOff>, PortError> {
        self.store.take_hand_off(code, at).await
    }

    async fn reauthenticate(&self, again: Reauthentication) -> Result<bool, PortError> {
        let (store, id) = (Arc::clone(&self.store), again.session_id);
        let write = async move { store.reauthenticate(again).await };
        self.changes.after(Invalidation::Session(id), write).await?
    }

    async fn end(&self, id: SessionId, context: AuditContext) -> Result<bool, PortError> {
        let store = Arc::clone(&self.store);
        let write = async move { store.end(id, context).await };
        self.changes.after(Invalidation::Session(id), write).await?
    }

    async fn list_live(&self, query: SessionQuery) -> Result<(Vec<Session>, u64), PortError> {
        self.store.list_live(query).await
    }

    async fn revoke(
        &self,
        user: UserId,
        id: SessionId,
        authority: Authority,
    ) -> Result<bool, Error<OutOfReach>> {
        let store = Arc::clone(&self.store);
        let write = async move { store.revoke(user, id, authority).await };
        self.changes.after(Invalidation::Session(id), write).await?
    }

    async fn revoke_all(
        &self,
        user: UserId,
        keep: Option<SessionId>,
        authority: Authority,
    ) -> Result<u64, Error<OutOfReach>> {
        let store = Arc::clone(&self.store);
        let write = async move { store.revoke_all(user, keep, authority).await };
        self.changes.after(Invalidation::User(user), write).await?
    }

    async fn delete_finished(&self, before: Timestamp) -> Result<u64, PortError> {
        // The tokens of these sessions are dead already, so no cached session could still be used.
        self.store.delete_finished(before).await
    }
}

/// Accounts whose changes invalidate the cached sessions of their users.
pub struct CachedAccounts {
    store: Arc<dyn AccountRepository>,
    changes: Changes,
}

impl CachedAccounts {
    /// Puts the cache before a store; `others` tells other processes of changes.
    ///
    /// # Panics
    /// Panics outside of a tokio runtime, on which its writes run.
    pub fn new(
        store: Arc<dyn AccountRepository>,
        cache: Arc<SessionCache>,
        others: Option<Arc<dyn InvalidationChannel>>,
    ) -> Self {
        Self { store, changes: Changes::new(cache, others) }
    }
}

#[async_trait]
impl AccountRepository for CachedAccounts {
    async fn create(&self, user: NewUser) -> Result<User, Error<CreateUserError>> {
        self.store.create(user).await
    }

    async fn find(&self, id: UserId) -> Result<Option<User>, PortError> {
        self.store.find(id).await
    }

    async fn update_profile(
        &self,
        id: UserId,
        changes: ProfileChanges,
        context: AuditContext,
    ) -> Result<Option<User>, Error<UpdateProfileError>> {
        let store = Arc::clone(&self.store);
        let write = async move { store.update_profile(id, changes, context).await };
        self.changes.after(Invalidation::User(id), write).await?
    }

    async fn list(&self, query: UserQuery) -> Result<UserPage, PortError> {
        self.store.list(query).await
    }

    async fn search(&self, search: UserSearch) -> Result<FoundUsers, PortError> {
        self.store.search(search).await
    }

    async fn change(
        &self,
        id: UserId,
        change: AccountChange,
        authority: Authority,
    ) -> Result<Option<User>, Error<ChangeUserError>> {
        let store = Arc::clone(&self.store);
        let write = async move { store.change(id, change, authority).await };
        self.changes.after(Invalidation::User(id), write).await?
    }

    async fn import(
        &self,
        batch: ImportBatch,
    ) -> Result<Vec<Result<Imported, RowRefusal>>, PortError> {
        let (store, dry_run) = (Arc::clone(&self.store), batch.dry_run);
        let write = async move { store.import(batch).await };
        let changed = move |outcomes: &Result<Vec<Result<Imported, RowRefusal>>, PortError>| {
            let outcomes = outcomes.iter().flatten().filter(|_| !dry_run);
            // A new account has no session.
            let updated = outcomes.filter_map(|outcome| match outcome {
                Ok(Imported::Updated(id)) => Some(Invalidation::User(*id)),
                _ => None,
            });
            updated.collect()
        };
        self.changes.after_each(changed, write).await?
    }

    async fn delete_due(&self, at: Timestamp) -> Result<u64, PortError> {
        // Their sessions ended when they became inactive.
        self.store.delete_due(at).await
    }

    async fn delete_unverified(
        &self,
        created_before: Timestamp,
        roles: &[Role],
        at: Timestamp,
    ) -> Result<u64, PortError> {
        // Nobody has ever logged in.
        self.store.delete_unverified(created_before, roles, at).await
    }
}

/// Credentials whose changes invalidate the cached sessions of their users.
pub struct CachedCredentials {
    store: Arc<dyn CredentialRepository>,
    changes: Changes,
}

impl CachedCredentials {
    /// Puts the cache before a store; `others` tells other processes of changes.
    ///
    /// # Panics
    /// Panics outside of a tokio runtime, on which its writes run.
    pub fn new(
        store: Arc<dyn CredentialRepository>,
        cache: Arc<SessionCache>,
        others: Option<Arc<dyn InvalidationChannel>>,
    ) -> Self {
        Self { store, changes: Changes::new(cache, others) }
    }
}

#[async_trait]
impl CredentialRepository for CachedCredentials {
    async fn find_by_name(&self, name: &LoginName) -> Result<Option<Credentials>, PortError> {
        self.store.find_by_name(name).await
    }

    async fn find_by_id(&self, id: UserId) -> Result<Option<Credentials>, PortError> {
        self.store.find_by_id(id).await
    }

    async fn change_password(&self, change: PasswordChange) -> Result<bool, PortError> {
        let (store, id) = (Arc::clone(&self.store), change.user_id);
        let write = async move { store.change_password(change).await };
        self.changes.after(Invalidation::User(id), write).await?
    }

    async fn rehash(
        &self,
        id: UserId,
        version: CredentialVersion,
        hash: PasswordHash,
    ) -> Result<(), PortError> {
        // No cached value holds a hash, so there is nothing to invalidate.
        self.store.rehash(id, version, hash).await
    }
}

/// One-time tokens whose use invalidates the cached sessions of their users.
pub struct CachedOneTimeTokens {
    store: Arc<dyn OneTimeTokenRepository>,
    changes: Changes,
}

impl CachedOneTimeTokens {
    /// Puts the cache before a store; `others` tells other processes of changes.
    ///
    /// # Panics
    /// Panics outside of a tokio runtime, on which its writes run.
    pub fn new(
        store: Arc<dyn OneTimeTokenRepository>,
        cache: Arc<SessionCache>,
        others: Option<Arc<dyn InvalidationChannel>>,
    ) -> Self {
        Self { store, changes: Changes::new(cache, others) }
    }
}

#[async_trait]
impl OneTimeTokenRepository for CachedOneTimeTokens {
    async fn find_recipient(&self, name: &LoginName) -> Result<Option<Recipient>, PortError> {
        self.store.find_recipient(name).await
    }

    async fn find_recipient_by_id(&self, id: UserId) -> Result<Option<Recipient>, PortError> {
        self.store.find_recipient_by_id(id).await
    }

    async fn issue(&self, token: NewOneTimeToken) -> Result<bool, PortError> {
        self.store.issue(token).await
    }

    async fn count_live(
        &self,
        user: UserId,
        purpose: Purpose,
        at: Timestamp,
    ) -> Result<u64, PortError> {
        self.store.count_live(user, purpose, at).await
    }

    async fn find(
        &self,
        digest: &TokenDigest,
        purpose: Purpose,
        at: Timestamp,
    ) -> Result<Option<TokenHolder>, PortError> {
        self.store.find(digest, purpose, at).await
    }

    async fn reset_password(&self, reset: PasswordReset) -> Result<(), Error<TokenInvalid>> {
        let (store, id) = (Arc::clone(&self.store), reset.user_id);
        let write = async move { store.reset_password(reset).await };
        self.changes.after(Invalidation::User(id), write).await?
    }

    async fn verify_email(&self, proof: EmailVerification) -> Result<User, Error<TokenInvalid>> {
        let (store, id) = (Arc::clone(&self.store), proof.user_id);
        let write = async move { store.verify_email(proof).await };
        self.changes.after(Invalidation::User(id), write).await?
    }

    async fn disown(&self, disowning: Disowning) -> Result<(), Error<TokenInvalid>> {
        let (store, id) = (Arc::clone(&self.store), disowning.user_id);
        let write = async move { store.disown(disowning).await };
        self.changes.after(Invalidation::User(id), write).await?
    }

    async fn request_email_change(&self, change: EmailChangeRequest) -> Result<bool, PortError> {
        let (store, id) = (Arc::clone(&self.store), change.user_id);
        let write = async move { store.request_email_change(change).await };
        self.changes.after(Invalidation::User(id), write).await?
    }

    async fn withdraw_email_change(
        &self,
        id: UserId,
        context: AuditContext,
    ) -> Result<(), PortError> {
        let store = Arc::clone(&self.store);
        let write = async move { store.withdraw_email_change(id, context).await };
        self.changes.after(Invalidation::User(id), write).await?
    }

    async fn confirm_email_change(
        &self,
        change: EmailChange,
    ) -> Result<User, Error<ConfirmEmailChangeError>> {
        let (store, id) = (Arc::clone(&self.store), change.user_id);
        let write = async move { store.confirm_email_change(change).await };
        self.changes.after(Invalidation::User(id), write).await?
    }

    async fn undo_email_change(&self, undo: EmailChangeUndo) -> Result<User, Error<TokenInvalid>> {
        let (store, id) = (Arc::clone(&self.store), undo.user_id);
        let write = async move { store.undo_email_change(undo).await };
        self.changes.after(Invalidation::User(id), write).await?
    }

    async fn forget_pending_before(&self, before: Timestamp) -> Result<u64, PortError> {
        // Cached copies show the address for at most their time to live.
        self.store.forget_pending_before(before).await
    }

    async fn delete_before(&self, before: Timestamp) -> Result<u64, PortError> {
        self.store.delete_before(before).await
    }
}

/// Invitations, whose acceptance by a user invalidates the cached sessions of that user.
pub struct CachedInvitations {
    store: Arc<dyn InvitationRepository>,
    changes: Changes,
}

impl CachedInvitations {
    /// Puts the cache before a store; `others` tells other processes of changes.
    ///
    /// # Panics
    /// Panics outside of a tokio runtime, on which its writes run.
    pub fn new(
        store: Arc<dyn InvitationRepository>,
        cache: Arc<SessionCache>,
        others: Option<Arc<dyn InvalidationChannel>>,
    ) -> Self {
        Self { store, changes: Changes::new(cache, others) }
    }
}

#[async_trait]
impl InvitationRepository for CachedInvitations {
    async fn create(&self, invitation: NewInvitation) -> Result<Invitation, PortError> {
        self.store.create(invitation).await
    }

    async fn find(&self, id: InvitationId) -> Result<Option<Invitation>, PortError> {
        self.store.find(id).await
    }

    async fn find_by_token(&self, digest: &TokenDigest) -> Result<Option<Invitation>, PortError> {
        self.store.find_by_token(digest).await
    }

    async fn list(&self, query: InvitationQuery) -> Result<InvitationPage, PortError> {
        self.store.list(query).await
    }

    async fn renew(
        &self,
        id: InvitationId,
        digest: TokenDigest,
        mail: Option<NewMail>,
        roles: &Roles,
        context: AuditContext,
    ) -> Result<Invitation, Error<InvitationOver>> {
        self.store.renew(id, digest, mail, roles, context).await
    }

    async fn revoke(&self, id: InvitationId, context: AuditContext) -> Result<bool, PortError> {
        self.store.revoke(id, context).await
    }

    async fn accept(&self, acceptance: Acceptance) -> Result<User, Error<AcceptError>> {
        self.store.accept(acceptance).await
    }

    async fn take_role(&self, acceptance: RoleAcceptance) -> Result<User, Error<TakeRoleError>> {
        let (store, id) = (Arc::clone(&self.store), acceptance.user_id);
        let write = async move { store.take_role(acceptance).await };
        self.changes.after(Invalidation::User(id), write).await?
    }

    async fn delete_before(&self, before: Timestamp) -> Result<u64, PortError> {
        self.store.delete_before(before).await
    }
}

/// Second factors whose changes end sessions, and are told to the session cache.
pub struct CachedFactors {
    store: Arc<dyn FactorRepository>,
    changes: Changes,
}

impl CachedFactors {
    /// Puts the cache before a store; `others` tells other processes of changes.
    ///
    /// # Panics
    /// Panics outside of a tokio runtime, on which its writes run.
    pub fn new(
        store: Arc<dyn FactorRepository>,
        cache: Arc<SessionCache>,
        others: Option<Arc<dyn InvalidationChannel>>,
    ) -> Self {
        Self { store, changes: Changes::new(cache, others) }
    }
}

#[async_trait]
impl FactorRepository for CachedFactors {
    async fn find(&self, user: UserId) -> Result<Option<StoredFactor>, PortError> {
        self.store.find(user).await
    }

    async fn begin(&self, enrolment: Enrolment) -> Result<(), PortError> {
        self.store.begin(enrolment).await
    }

    async fn enrolment(
        &self,
        user: UserId,
        session: SessionId,
        at: Timestamp,
    ) -> Result<Option<SealedSecret>, PortError> {
        self.store.enrolment(user, session, at).await
    }

    async fn confirm(&self, confirmation: Confirmation) -> Result<bool, PortError> {
        let (store, id) = (Arc::clone(&self.store), confirmation.user_id);
        let write = async move { store.confirm(confirmation).await };
        self.changes.after(Invalidation::User(id), write).await?
    }

    async fn use_step(
        &self,
        user: UserId,
        secret: &SealedSecret,
        step: i64,
    ) -> Result<bool, PortError> {
        self.store.use_step(user, secret, step).await
    }

    async fn use_recovery_code(&self, used: UsedRecoveryCode) -> Result<bool, PortError> {
        self.store.use_recovery_code(used).await
    }

    async fn replace_recovery_codes(&self, new: NewRecoveryCodes) -> Result<bool, PortError> {
        self.store.replace_recovery_codes(new).await
    }

    async fn remove(&self, removal: Removal) -> Result<bool, Error<OutOfReach>> {
        let (store, id) = (Arc::clone(&self.store), removal.user_id);
        let write = async move { store.remove(removal).await };
        self.changes.after(Invalidation::User(id), write).await?
    }

    async fn reseal(
        &self,
        user: UserId,
        before: &SealedSecret,
        after: &SealedSecret,
    ) -> Result<bool, PortError> {
        self.store.reseal(user, before, after).await
    }

    async fn of_other_keys(&self, key_id: &str) -> Result<Vec<(UserId, SealedSecret)>, PortError> {
        self.store.of_other_keys(key_id).await
    }

    async fn count_of_other_keys(&self, key_id: &str) -> Result<u64, PortError> {
        self.store.count_of_other_keys(key_id).await
    }
}

/// Passkeys whose changes end sessions, and are told to the session cache.
pub struct CachedPasskeys {
    store: Arc<dyn PasskeyRepository>,
    changes: Changes,
}

impl CachedPasskeys {
    /// Puts the cache before a store; `others` tells other processes of changes.
    ///
    /// # Panics
    /// Panics outside of a tokio runtime, on which its writes run.
    pub fn new(
        store: Arc<dyn PasskeyRepository>,
        cache: Arc<SessionCache>,
        others: Option<Arc<dyn InvalidationChannel>>,
    ) -> Self {
        Self { store, changes: Changes::new(cache, others) }
    }
}

#[async_trait]
impl PasskeyRepository for CachedPasskeys {
    async fn begin(&self, challenge: NewChallenge) -> Result<(), PortError> {
        self.store.begin(challenge).await
    }

    async fn take(
        &self,
        challenge: &str,
        purpose: ChallengePurpose,
        at: Timestamp,
    ) -> Result<Option<TakenChallenge>, PortError> {
        self.store.take(challenge, purpose, at).await
    }

    async fn list(&self, user: UserId) -> Result<Vec<Passkey>, PortError> {
        self.store.list(user).await
    }

    async fn find(&self, credential_id: &str) -> Result<Option<Passkey>, PortError> {
        self.store.find(credential_id).await
    }

    async fn add(&self, new: NewPasskey) -> Result<bool, PortError> {
        let (store, id) = (Arc::clone(&self.store), new.user_id);
        let write = async move { store.add(new).await };
        self.changes.after(Invalidation::User(id), write).await?
    }

    async fn use_passkey(&self, used: PasskeyUse) -> Result<bool, PortError> {
        self.store.use_passkey(used).await
    }

    async fn remove(&self, removal: PasskeyRemoval) -> Result<bool, PortError> {
        let (store, id) = (Arc::clone(&self.store), removal.user_id);
        let write = async move { store.remove(removal).await };
        self.changes.after(Invalidation::User(id), write).await?
    }

    async fn delete_challenges(&self, before: Timestamp) -> Result<u64, PortError> {
        self.store.delete_challenges(before).await
    }
}

#[cfg(test)]
mod tests;
