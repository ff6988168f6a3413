use std::sync::Arc;
use std::time::Duration;

use crate::entities::{Act, AuditEvent, Principal};
use crate::ports::{
    Admission, AttemptLimits, AuditTrail, Causes, Clock, Limit, LoginThrottle, PortError, RateKey,
    RateLimiter, ThrottleSubject,
};
use crate::values::{AuditAction, AuditReason, Origin, SessionId, UserId};

/// The limits on guessing passwords.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoginLimits {
    /// On one account.
    pub attempts: AttemptLimits,
    /// From one network, on whatever accounts. Generous: schools sit behind one address.
    pub per_network: Limit,
}

impl LoginLimits {
    /// [`AttemptLimits::DEFAULT`], and 100 in 15 minutes from one network.
    pub const DEFAULT: Self = Self {
        attempts: AttemptLimits::DEFAULT,
        per_network: Limit { max: 100, window: Duration::from_secs(15 * 60) },
    };
}

/// Too many failures; nothing was hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many attempts")]
pub struct TooManyAttempts {
    /// When to try again.
    pub retry_after: Duration,
}

/// Guards every place where a password can be tried, so that they share one count.
///
/// An attempt is counted as a failure before the password is looked at and taken back when it was
/// none. Counting afterwards would let any number of parallel guesses through.
pub struct AttemptGuard {
    /// Counts per account.
    pub throttle: Arc<dyn LoginThrottle>,
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
    LogIn,
    /// By the user, in this session.
    Change(UserId, SessionId),
}

/// Somebody tries a password.
pub(super) struct Try {
    subject: ThrottleSubject,
    purpose: Purpose,
    origin: Origin,
}

impl Try {
    /// To log in.
    pub(super) fn log_in(subject: ThrottleSubject, origin: Origin) -> Self {
        Self { subject, purpose: Purpose::LogIn, origin }
    }

    /// To change it.
    pub(super) fn change(caller: &Principal, origin: Origin) -> Self {
        let subject = ThrottleSubject::Account(caller.user.id);
        Self { subject, purpose: Purpose::Change(caller.user.id, caller.session_id), origin }
    }
}

/// An attempt that has been counted. Dropped undecided (the client has gone), it stays a failure.
pub(super) struct Attempt<'a> {
    guard: &'a AttemptGuard,
    tried: Try,
    /// Whether the password has been looked at, or never will be.
    decided: bool,
}

pub(super) enum Begin<'a> {
    Attempt(Attempt<'a>),
    Refused(TooManyAttempts),
}

impl AttemptGuard {
    pub(super) async fn begin(&self, tried: Try) -> Result<Begin<'_>, PortError> {
        if let Some(limits) = self.limits {
            let (subject, network) = (&tried.subject, tried.origin.network());
            let now = self.clock.now();
            let key = RateKey::FailedLogin(network);
            if let Admission::Refused { retry_after } =
                self.rates.reserve(key, limits.per_network, now).await?
            {
                self.trail.note(self.refusal(&tried, AuditReason::NetworkLimit));
                return Ok(Begin::Refused(TooManyAttempts { retry_after }));
            }
            let admission = self.throttle.reserve(subject, network, limits.attempts, now).await;
            if !matches!(admission, Ok(Admission::Admitted))
                && let Err(error) = self.rates.release(key).await
            {
                // The verdict on the account is what has to be told.
                tracing::warn!(error = %Causes(&error), "a failure count was not reset");
            }
            if let Admission::Refused { retry_after } = admission? {
                tracing::warn!(event = "login_throttled", %subject, %network, "too many failures");
                self.trail.note(self.refusal(&tried, AuditReason::AccountLimit));
                return Ok(Begin::Refused(TooManyAttempts { retry_after }));
            }
        }
        Ok(Begin::Attempt(Attempt { guard: self, tried, decided: false }))
    }

    fn refusal(&self, tried: &Try, reason: AuditReason) -> AuditEvent {
        let action = match tried.purpose {
            Purpose::LogIn => AuditAction::LogInRefused,
            Purpose::Change(..) => AuditAction::PasswordChangeRefused,
        };
        self.event(tried, action, reason)
    }

    fn failure(&self, tried: &Try, reason: AuditReason) -> AuditEvent {
        let action = match tried.purpose {
            Purpose::LogIn => AuditAction::LogInFailed,
            Purpose::Change(..) => AuditAction::PasswordChangeFailed,
        };
        self.event(tried, action, reason)
    }

    fn event(&self, tried: &Try, action: AuditAction, reason: AuditReason) -> AuditEvent {
        let mut act = Act::by_nobody(self.clock.now(), tried.origin.clone());
        if let Purpose::Change(user, session) = tried.purpose {
            (act.actor, act.session_id) = (Some(user), Some(session));
        }
        let event = act.event(action).because(reason);
        match tried.subject {
            ThrottleSubject::Account(id) => event.on(id),
            ThrottleSubject::Nobody(_) => event,
        }
    }
}

impl Attempt<'_> {
    /// The password was right: whatever follows from it has records of its own.
    pub(super) fn verified(&mut self) {
        self.decided = true;
    }

    /// The password was right. That the count could not be reset is no reason to refuse it.
    pub(super) async fn succeeded(mut self) {
        self.decided = true;
        if self.guard.limits.is_some() {
            let network = self.tried.origin.network();
            let reset = self.guard.throttle.succeed(&self.tried.subject, network).await;
            self.take_back(reset).await;
        }
    }

    /// The password was wrong, or right to no avail: it stays counted.
    pub(super) fn failed(mut self, reason: AuditReason) {
        self.decided = true;
        let Try { subject, origin, .. } = &self.tried;
        tracing::info!(event = "password_refused", %subject, network = %origin.network());
        self.guard.trail.note(self.guard.failure(&self.tried, reason));
    }

    /// Nothing was found out: the password was not looked at, or could not be acted upon.
    pub(super) async fn undecided(mut self) {
        self.decided = true;
        if self.guard.limits.is_some() {
            let network = self.tried.origin.network();
            let released = self.guard.throttle.release(&self.tried.subject, network).await;
            self.take_back(released).await;
        }
    }

    async fn take_back(&self, throttled: Result<(), PortError>) {
        let key = RateKey::FailedLogin(self.tried.origin.network());
        let rated = self.guard.rates.release(key).await;
        for error in [throttled.err(), rated.err()].into_iter().flatten() {
            tracing::warn!(
                error = %Causes(&error),
                "a failure count was not reset"
            );
        }
    }
}

impl Drop for Attempt<'_> {
    /// It is counted, so it is recorded: else an account could be locked without a trace.
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
    use crate::ports::{MockLoginThrottle, MockRateLimiter};
    use crate::testing::{self, NETWORK, Trail, USER};

    fn guard(throttle: MockLoginThrottle, rates: MockRateLimiter) -> (AttemptGuard, Arc<Trail>) {
        let trail = Arc::new(Trail::default());
        let guard = AttemptGuard {
            throttle: Arc::new(throttle),
            rates: Arc::new(rates),
            clock: testing::clock(0),
            trail: trail.clone(),
            limits: Some(LoginLimits::DEFAULT),
        };
        (guard, trail)
    }

    fn log_in() -> Try {
        Try::log_in(ThrottleSubject::Account(USER), testing::origin())
    }

    async fn attempt(guard: &AttemptGuard) -> Attempt<'_> {
        match guard.begin(log_in()).await.unwrap() {
            Begin::Attempt(attempt) => attempt,
            Begin::Refused(refused) => panic!("{refused}"),
        }
    }

    #[tokio::test]
    async fn a_full_network_is_refused_before_the_account_is_counted() {
        let mut rates = MockRateLimiter::new();
        let retry_after = Duration::from_secs(5);
        rates.expect_reserve().return_once(move |_, _, _| Ok(Admission::Refused { retry_after }));
        let (guard, trail) = guard(MockLoginThrottle::new(), rates);
        let begin = guard.begin(log_in()).await.unwrap();
        assert!(matches!(begin, Begin::Refused(refused) if refused.retry_after == retry_after));
        trail.has([(AuditAction::LogInRefused, AuditReason::NetworkLimit)]);
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
        let mut throttle = MockLoginThrottle::new();
        throttle.expect_reserve().return_once(|_, _, _, _| {
            Ok(Admission::Refused { retry_after: Duration::from_secs(9) })
        });
        let (guard, trail) = guard(throttle, rates);
        assert!(matches!(guard.begin(log_in()).await.unwrap(), Begin::Refused(_)));
        trail.has([(AuditAction::LogInRefused, AuditReason::AccountLimit)]);
    }

    #[tokio::test]
    async fn success_resets_the_account_and_gives_the_network_its_one_back() {
        let (mut rates, mut throttle) = (MockRateLimiter::new(), MockLoginThrottle::new());
        rates.expect_reserve().return_once(|_, _, _| Ok(Admission::Admitted));
        rates.expect_release().times(1).return_once(|_| Ok(()));
        throttle.expect_reserve().return_once(|_, _, _, _| Ok(Admission::Admitted));
        throttle.expect_succeed().times(1).return_once(|_, _| Err(testing::broken()));
        let (guard, trail) = guard(throttle, rates);
        attempt(&guard).await.succeeded().await;
        trail.has([]);
    }

    #[tokio::test]
    async fn without_limits_nothing_is_counted() {
        let (mut guard, _) = guard(MockLoginThrottle::new(), MockRateLimiter::new());
        guard.limits = None;
        attempt(&guard).await.succeeded().await;
    }

    #[tokio::test]
    async fn s3_an_attempt_that_is_counted_is_recorded_once() {
        let (mut guard, trail) = guard(MockLoginThrottle::new(), MockRateLimiter::new());
        guard.limits = None;
        attempt(&guard).await.failed(AuditReason::WrongPassword);
        drop(attempt(&guard).await);
        attempt(&guard).await.undecided().await;
        let mut verified = attempt(&guard).await;
        verified.verified();
        drop(verified);
        let failed = AuditAction::LogInFailed;
        trail.has([(failed, AuditReason::WrongPassword), (failed, AuditReason::Abandoned)]);
        let event = trail.events().remove(0);
        assert_eq!((event.subject, event.act.actor), (Some(USER), None));
        assert_eq!(event.act.origin, testing::origin());
    }

    #[tokio::test]
    async fn s1_a_name_that_nobody_has_is_not_recorded() {
        let (mut guard, trail) = guard(MockLoginThrottle::new(), MockRateLimiter::new());
        guard.limits = None;
        let tried = Try::log_in(ThrottleSubject::Nobody([7; 32]), testing::origin());
        let Begin::Attempt(attempt) = guard.begin(tried).await.unwrap() else { panic!("refused") };
        attempt.failed(AuditReason::UnknownName);
        let event = trail.events().remove(0);
        assert_eq!((event.subject, event.act.session_id), (None, None));
    }

    #[tokio::test]
    async fn a_change_is_tried_by_its_user() {
        let (mut guard, trail) = guard(MockLoginThrottle::new(), MockRateLimiter::new());
        guard.limits = None;
        let tried = Try::change(&testing::principal(), testing::origin());
        let Begin::Attempt(attempt) = guard.begin(tried).await.unwrap() else { panic!("refused") };
        attempt.failed(AuditReason::WrongPassword);
        trail.has([(AuditAction::PasswordChangeFailed, AuditReason::WrongPassword)]);
        let act = trail.events().remove(0).act;
        assert_eq!((act.actor, act.session_id), (Some(USER), Some(testing::SESSION)));
    }
}
