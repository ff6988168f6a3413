//! The guard before every attempt at a password.

use std::sync::Arc;
use std::time::Duration;

use crate::access::Principal;
use crate::audit::{AuditAction, AuditContext, AuditEvent, AuditReason, AuditTrail};
use crate::common::{Causes, Clock, Error, PortError, RequestContext, SessionId, UserId};
use crate::lockout::{
    Admission, LockoutRepository, LockoutSubject, LoginLimits, RateKey, RateLimiter,
};
use crate::ports::{Policy, Ports, RequiredPorts};

/// Too many failures; nothing was hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many attempts")]
pub struct TooManyAttempts {
    /// When to try again.
    pub retry_after: Duration,
}

/// Guards every place where a password can be tried, so that they share one count.
///
/// An attempt is counted as a failure before the password is checked. A right password takes the
/// failure back. Counting afterwards would let any number of parallel guesses through.
#[non_exhaustive]
pub struct AttemptGuard {
    /// Counts per account.
    pub lockouts: Arc<dyn LockoutRepository>,
    /// Counts per network.
    pub rates: Arc<dyn RateLimiter>,
    /// The time of the attempts.
    pub clock: Arc<dyn Clock>,
    /// Takes the failures.
    pub trail: Arc<dyn AuditTrail>,
    /// The limits; `None` turns all of them off.
    pub limits: Option<LoginLimits>,
}

/// What a password is tried for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Login,
    /// By the user, in this session, for this.
    Change(UserId, SessionId, PromptPurpose),
}

/// For what a user who is logged in is asked for the password again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PromptPurpose {
    PasswordChange,
    EmailChange,
    Deletion,
    FactorChange,
    Reauthentication,
}

impl PromptPurpose {
    /// Whether the second factor is asked for too, where there is one.
    pub(crate) fn needs_factor(self) -> bool {
        !matches!(self, Self::PasswordChange)
    }
}

/// Whose password is tried, what for, and from where.
struct Tried {
    /// `None`: it is not known yet.
    subject: Option<LockoutSubject>,
    /// Whether it counts on the account. What nobody can guess does not, so that whoever guesses codes locks
    /// no passkey.
    is_counted: bool,
    /// By what it is counted for its network.
    rate: RateKey,
    purpose: Purpose,
    request: RequestContext,
}

/// An attempt that has been counted. If it is dropped without a decision, because the client went
/// away, it stays a failure.
#[must_use = "what became of it has to be counted"]
pub(crate) struct LoginAttempt<'a> {
    guard: &'a AttemptGuard,
    tried: Tried,
    /// Whether the attempt has been decided or given up.
    decided: bool,
}

impl AttemptGuard {
    /// On these ports, with this policy.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        let RequiredPorts { lockouts, rate_limiter, clock, audit_trail, .. } = &ports.required;
        Self {
            lockouts: lockouts.clone(),
            rates: rate_limiter.clone(),
            clock: clock.clone(),
            trail: audit_trail.clone(),
            limits: policy.login_limits,
        }
    }

    /// Counts an attempt to log in, or refuses it.
    pub(crate) async fn begin_login(
        &self,
        subject: LockoutSubject,
        request: RequestContext,
    ) -> Result<LoginAttempt<'_>, Error<TooManyAttempts>> {
        self.begin(Tried::at(subject, Purpose::Login, request)).await
    }

    /// Counts a check of the caller's current password before a change, or refuses it.
    pub(crate) async fn begin_change(
        &self,
        caller: &Principal,
        prompt: PromptPurpose,
        request: RequestContext,
    ) -> Result<LoginAttempt<'_>, Error<TooManyAttempts>> {
        let subject = LockoutSubject::Account(caller.user.id);
        let purpose = Purpose::Change(caller.user.id, caller.session_id, prompt);
        self.begin(Tried::at(subject, purpose, request)).await
    }

    /// Counts the code of an attempt to log in, or refuses it. `is_guessable`: whether it counts on the
    /// account, too.
    pub(crate) async fn begin_login_code(
        &self,
        user: UserId,
        is_guessable: bool,
        request: RequestContext,
    ) -> Result<LoginAttempt<'_>, Error<TooManyAttempts>> {
        let tried = Tried::at(LockoutSubject::Codes(user), Purpose::Login, request);
        self.begin(Tried { is_counted: is_guessable, ..tried }).await
    }

    /// Counts, for its network only, an attempt to log in with a passkey: whose it is, it says later
    /// ([`LoginAttempt::is_of`]). Failures cost nothing and guess nothing, so they keep no password of the network
    /// out.
    pub(crate) async fn begin_passkey(
        &self,
        request: RequestContext,
    ) -> Result<LoginAttempt<'_>, Error<TooManyAttempts>> {
        let (purpose, rate) = (Purpose::Login, RateKey::FailedPasskey(request.network()));
        self.begin(Tried { subject: None, is_counted: false, rate, purpose, request }).await
    }

    /// Counts a check of a code of the caller's before a change, or refuses it; see
    /// [`begin_login_code`](Self::begin_login_code).
    pub(crate) async fn begin_change_code(
        &self,
        caller: &Principal,
        prompt: PromptPurpose,
        is_guessable: bool,
        request: RequestContext,
    ) -> Result<LoginAttempt<'_>, Error<TooManyAttempts>> {
        let subject = LockoutSubject::Codes(caller.user.id);
        let purpose = Purpose::Change(caller.user.id, caller.session_id, prompt);
        let tried = Tried::at(subject, purpose, request);
        self.begin(Tried { is_counted: is_guessable, ..tried }).await
    }

    /// Whether somebody has just failed for the last time that the limits allow: nobody tries again for a day.
    /// The limits are not asked, so that of many failures at once one finds it.
    pub(crate) async fn is_used_up(&self, subject: &LockoutSubject) -> Result<bool, PortError> {
        let Some(limits) = self.limits else { return Ok(false) };
        let counts = self.lockouts.counts(subject).await?;
        let in_all = counts.iter().find(|count| count.network.is_none());
        let max = u64::from(limits.attempts.per_account.max);
        Ok(in_all.is_some_and(|count| count.failures == max))
    }

    async fn begin(&self, tried: Tried) -> Result<LoginAttempt<'_>, Error<TooManyAttempts>> {
        if let Some(limits) = self.limits {
            let network = tried.request.network();
            let now = self.clock.now();
            let key = tried.rate;
            if let Admission::Refused { retry_after } =
                self.rates.reserve(key, limits.per_network, now).await?
            {
                self.trail.note(self.refusal(&tried, AuditReason::NetworkLimit));
                return Err(Error::Refused(TooManyAttempts { retry_after }));
            }
            let Some(subject) = tried.counted() else {
                return Ok(LoginAttempt { guard: self, tried, decided: false });
            };
            let admission = self.lockouts.reserve(subject, network, limits.attempts, now).await;
            if !matches!(admission, Ok(Admission::Admitted))
                && let Err(error) = self.rates.release(key).await
            {
                // The client gets the decision on the account, whatever becomes of this release.
                tracing::warn!(error = %Causes(&error), "a failure count was not reset");
            }
            if let Admission::Refused { retry_after } = admission? {
                tracing::warn!(event = "login_throttled", %subject, %network, "too many failures");
                self.trail.note(self.refusal(&tried, AuditReason::AccountLimit));
                return Err(Error::Refused(TooManyAttempts { retry_after }));
            }
        }
        Ok(LoginAttempt { guard: self, tried, decided: false })
    }

    fn refusal(&self, tried: &Tried, reason: AuditReason) -> AuditEvent {
        let action = match tried.purpose {
            Purpose::Login => AuditAction::LoginRefused,
            Purpose::Change(.., PromptPurpose::PasswordChange) => {
                AuditAction::PasswordChangeRefused
            }
            Purpose::Change(.., PromptPurpose::EmailChange) => AuditAction::EmailChangeFailed,
            Purpose::Change(.., PromptPurpose::Deletion) => AuditAction::DeletionFailed,
            Purpose::Change(.., PromptPurpose::FactorChange) => AuditAction::FactorChangeFailed,
            Purpose::Change(.., PromptPurpose::Reauthentication) => {
                AuditAction::ReauthenticationFailed
            }
        };
        self.event(tried, action, reason)
    }

    fn failure(&self, tried: &Tried, reason: AuditReason) -> AuditEvent {
        let action = match tried.purpose {
            Purpose::Login => AuditAction::LoginFailed,
            Purpose::Change(.., PromptPurpose::PasswordChange) => AuditAction::PasswordChangeFailed,
            Purpose::Change(.., PromptPurpose::EmailChange) => AuditAction::EmailChangeFailed,
            Purpose::Change(.., PromptPurpose::Deletion) => AuditAction::DeletionFailed,
            Purpose::Change(.., PromptPurpose::FactorChange) => AuditAction::FactorChangeFailed,
            Purpose::Change(.., PromptPurpose::Reauthentication) => {
                AuditAction::ReauthenticationFailed
            }
        };
        self.event(tried, action, reason)
    }

    fn event(&self, tried: &Tried, action: AuditAction, reason: AuditReason) -> AuditEvent {
        let mut context = AuditContext::anonymous(self.clock.now(), tried.request.clone());
        if let Purpose::Change(user, session, _) = tried.purpose {
            (context.actor, context.session_id) = (Some(user), Some(session));
        }
        let event = context.event(action).because(reason);
        match tried.subject {
            Some(LockoutSubject::Account(id) | LockoutSubject::Codes(id)) => event.on(id),
            Some(LockoutSubject::Nobody(_)) | None => event,
        }
    }
}

impl Tried {
    fn at(subject: LockoutSubject, purpose: Purpose, request: RequestContext) -> Self {
        let rate = RateKey::FailedLogin(request.network());
        Self { subject: Some(subject), is_counted: true, rate, purpose, request }
    }

    /// What it counts on, if it does.
    fn counted(&self) -> Option<&LockoutSubject> {
        self.subject.as_ref().filter(|_| self.is_counted)
    }
}

impl LoginAttempt<'_> {
    /// The attempt is this user's, as the passkey has said.
    pub(crate) fn is_of(&mut self, user: UserId) {
        self.tried.subject = Some(LockoutSubject::Codes(user));
    }

    /// The password was right. What follows has its own audit records.
    pub(crate) fn verified(&mut self) {
        self.decided = true;
    }

    /// The password was right. The login succeeds even if the count cannot be reset.
    pub(crate) async fn succeeded(mut self) {
        self.decided = true;
        if self.guard.limits.is_some() {
            let network = self.tried.request.network();
            let reset = match &self.tried.subject {
                Some(subject) => self.guard.lockouts.succeed(subject, network).await,
                None => Ok(()),
            };
            self.take_back(reset).await;
        }
    }

    /// The password was right, but the user may not log in, and is told so. That is recorded, and the
    /// count is reset.
    pub(crate) async fn forbidden(self, reason: AuditReason) {
        self.guard.trail.note(self.guard.failure(&self.tried, reason));
        self.succeeded().await;
    }

    /// The password was wrong, or the account cannot log in. The attempt stays counted.
    pub(crate) fn failed(mut self, reason: AuditReason) {
        self.decided = true;
        let Tried { subject, request, .. } = &self.tried;
        let subject = subject.as_ref().map(tracing::field::display);
        tracing::info!(event = "password_refused", subject, network = %request.network());
        self.guard.trail.note(self.guard.failure(&self.tried, reason));
    }

    /// Nothing was decided: the password was not checked, or a port failed afterwards.
    pub(crate) async fn undecided(mut self) {
        self.decided = true;
        if self.guard.limits.is_some() {
            let network = self.tried.request.network();
            let released = match self.tried.counted() {
                Some(subject) => self.guard.lockouts.release(subject, network).await,
                None => Ok(()),
            };
            self.take_back(released).await;
        }
    }

    async fn take_back(&self, counted: Result<(), PortError>) {
        let rated = self.guard.rates.release(self.tried.rate).await;
        for error in [counted.err(), rated.err()].into_iter().flatten() {
            tracing::warn!(error = %Causes(&error), "a failure count was not reset");
        }
    }
}

impl Drop for LoginAttempt<'_> {
    /// A counted attempt is recorded, or an account could be locked without a record.
    fn drop(&mut self) {
        if !self.decided {
            self.guard.trail.note(self.guard.failure(&self.tried, AuditReason::Abandoned));
        }
    }
}

#[cfg(test)]
mod tests {
    use mockall::predicate::eq;

    use super::*;
    use crate::lockout::{MockLockoutRepository, MockRateLimiter};
    use crate::testing::{self, NETWORK, Trail, USER};

    fn guard(
        lockouts: MockLockoutRepository,
        rates: MockRateLimiter,
    ) -> (AttemptGuard, Arc<Trail>) {
        let trail = Arc::new(Trail::default());
        let guard = AttemptGuard {
            lockouts: Arc::new(lockouts),
            rates: Arc::new(rates),
            clock: testing::clock(0),
            trail: trail.clone(),
            limits: Some(LoginLimits::DEFAULT),
        };
        (guard, trail)
    }

    async fn begin(guard: &AttemptGuard) -> Result<LoginAttempt<'_>, Error<TooManyAttempts>> {
        guard.begin_login(LockoutSubject::Account(USER), testing::request()).await
    }

    async fn attempt(guard: &AttemptGuard) -> LoginAttempt<'_> {
        begin(guard).await.unwrap_or_else(|error| panic!("{error}"))
    }

    #[tokio::test]
    async fn a_full_network_is_refused_before_the_account_is_counted() {
        let mut rates = MockRateLimiter::new();
        let retry_after = Duration::from_secs(5);
        rates.expect_reserve().return_once(move |_, _, _| Ok(Admission::Refused { retry_after }));
        let (guard, trail) = guard(MockLockoutRepository::new(), rates);
        let refused = begin(&guard).await.err();
        assert!(matches!(refused, Some(Error::Refused(e)) if e.retry_after == retry_after));
        trail.has([(AuditAction::LoginRefused, AuditReason::NetworkLimit)]);
    }

    #[tokio::test]
    async fn a_locked_account_does_not_count_against_the_network() {
        let mut rates = MockRateLimiter::new();
        rates.expect_reserve().return_once(|_, _, _| Ok(Admission::Admitted));
        rates
            .expect_release()
            .with(eq(RateKey::FailedLogin(NETWORK.into())))
            .times(1)
            .return_once(|_| Ok(()));
        let mut lockouts = MockLockoutRepository::new();
        lockouts.expect_reserve().return_once(|_, _, _, _| {
            Ok(Admission::Refused { retry_after: Duration::from_secs(9) })
        });
        let (guard, trail) = guard(lockouts, rates);
        assert!(matches!(begin(&guard).await.err(), Some(Error::Refused(_))));
        trail.has([(AuditAction::LoginRefused, AuditReason::AccountLimit)]);
    }

    #[tokio::test]
    async fn success_resets_the_account_and_gives_the_network_its_one_back() {
        let (mut rates, mut lockouts) = (MockRateLimiter::new(), MockLockoutRepository::new());
        rates.expect_reserve().return_once(|_, _, _| Ok(Admission::Admitted));
        rates.expect_release().times(1).return_once(|_| Ok(()));
        lockouts.expect_reserve().return_once(|_, _, _, _| Ok(Admission::Admitted));
        lockouts.expect_succeed().times(1).return_once(|_, _| Err(testing::broken()));
        let (guard, trail) = guard(lockouts, rates);
        attempt(&guard).await.succeeded().await;
        trail.has([]);
    }

    #[tokio::test]
    async fn without_limits_nothing_is_counted() {
        let (mut guard, _) = guard(MockLockoutRepository::new(), MockRateLimiter::new());
        guard.limits = None;
        attempt(&guard).await.succeeded().await;
    }

    #[tokio::test]
    async fn s3_an_attempt_that_is_counted_is_recorded_once() {
        let (mut guard, trail) = guard(MockLockoutRepository::new(), MockRateLimiter::new());
        guard.limits = None;
        attempt(&guard).await.failed(AuditReason::WrongPassword);
        drop(attempt(&guard).await);
        attempt(&guard).await.undecided().await;
        let mut verified = attempt(&guard).await;
        verified.verified();
        drop(verified);
        let failed = AuditAction::LoginFailed;
        trail.has([(failed, AuditReason::WrongPassword), (failed, AuditReason::Abandoned)]);
        let event = trail.events().remove(0);
        assert_eq!((event.subject, event.context.actor), (Some(USER), None));
        assert_eq!(event.context.request, testing::request());
    }

    #[tokio::test]
    async fn s1_a_name_that_nobody_has_is_not_recorded() {
        let (mut guard, trail) = guard(MockLockoutRepository::new(), MockRateLimiter::new());
        guard.limits = None;
        let subject = LockoutSubject::Nobody([7; 32]);
        let Ok(attempt) = guard.begin_login(subject, testing::request()).await else { panic!() };
        attempt.failed(AuditReason::UnknownName);
        let event = trail.events().remove(0);
        assert_eq!((event.subject, event.context.session_id), (None, None));
    }

    #[tokio::test]
    async fn a_change_is_tried_by_its_user() {
        let (mut guard, trail) = guard(MockLockoutRepository::new(), MockRateLimiter::new());
        guard.limits = None;
        for purpose in [PromptPurpose::PasswordChange, PromptPurpose::EmailChange] {
            let caller = testing::principal();
            let begun = guard.begin_change(&caller, purpose, testing::request()).await;
            let Ok(attempt) = begun else { panic!() };
            attempt.failed(AuditReason::WrongPassword);
        }
        trail.has([
            (AuditAction::PasswordChangeFailed, AuditReason::WrongPassword),
            (AuditAction::EmailChangeFailed, AuditReason::WrongPassword),
        ]);
        let context = trail.events().remove(0).context;
        assert_eq!((context.actor, context.session_id), (Some(USER), Some(testing::SESSION)));
    }
}
