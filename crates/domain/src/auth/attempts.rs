use std::sync::Arc;
use std::time::Duration;

use crate::ports::{
    Admission, AttemptLimits, Causes, Clock, Limit, LoginThrottle, PortError, RateKey, RateLimiter,
    ThrottleSubject,
};
use crate::values::ClientNetwork;

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
    /// The limits; `None` turns all of them off.
    pub limits: Option<LoginLimits>,
}

/// An attempt that has been counted. Dropped undecided (the client has gone), it stays a failure.
pub(super) struct Attempt<'a> {
    guard: &'a AttemptGuard,
    subject: ThrottleSubject,
    network: ClientNetwork,
}

pub(super) enum Begin<'a> {
    Attempt(Attempt<'a>),
    Refused(TooManyAttempts),
}

impl AttemptGuard {
    pub(super) async fn begin(
        &self,
        subject: ThrottleSubject,
        network: ClientNetwork,
    ) -> Result<Begin<'_>, PortError> {
        if let Some(limits) = self.limits {
            let now = self.clock.now();
            let key = RateKey::FailedLogin(network);
            if let Admission::Refused { retry_after } =
                self.rates.reserve(key, limits.per_network, now).await?
            {
                return Ok(Begin::Refused(TooManyAttempts { retry_after }));
            }
            let admission = self.throttle.reserve(&subject, network, limits.attempts, now).await;
            if !matches!(admission, Ok(Admission::Admitted))
                && let Err(error) = self.rates.release(key).await
            {
                // The verdict on the account is what has to be told.
                tracing::warn!(error = %Causes(&error), "a failure count was not reset");
            }
            if let Admission::Refused { retry_after } = admission? {
                tracing::warn!(event = "login_throttled", %subject, %network, "too many failures");
                return Ok(Begin::Refused(TooManyAttempts { retry_after }));
            }
        }
        Ok(Begin::Attempt(Attempt { guard: self, subject, network }))
    }
}

impl Attempt<'_> {
    /// The password was right. That the count could not be reset is no reason to refuse it.
    pub(super) async fn succeeded(self) {
        if self.guard.limits.is_some() {
            let reset = self.guard.throttle.succeed(&self.subject, self.network).await;
            self.take_back(reset).await;
        }
    }

    /// The password was wrong: it stays counted.
    pub(super) fn failed(self) {
        tracing::info!(event = "password_refused", subject = %self.subject, network = %self.network);
    }

    /// The password was not looked at, or was right to no avail.
    pub(super) async fn undecided(self) {
        if self.guard.limits.is_some() {
            let released = self.guard.throttle.release(&self.subject, self.network).await;
            self.take_back(released).await;
        }
    }

    async fn take_back(&self, throttled: Result<(), PortError>) {
        let rated = self.guard.rates.release(RateKey::FailedLogin(self.network)).await;
        for error in [throttled.err(), rated.err()].into_iter().flatten() {
            tracing::warn!(
                error = %Causes(&error),
                "a failure count was not reset"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use mockall::predicate::eq;

    use super::*;
    use crate::ports::{MockLoginThrottle, MockRateLimiter};
    use crate::testing::{self, NETWORK, USER};

    fn guard(throttle: MockLoginThrottle, rates: MockRateLimiter) -> AttemptGuard {
        AttemptGuard {
            throttle: Arc::new(throttle),
            rates: Arc::new(rates),
            clock: testing::clock(0),
            limits: Some(LoginLimits::DEFAULT),
        }
    }

    const SUBJECT: ThrottleSubject = ThrottleSubject::Account(USER);

    #[tokio::test]
    async fn a_full_network_is_refused_before_the_account_is_counted() {
        let mut rates = MockRateLimiter::new();
        let retry_after = Duration::from_secs(5);
        rates.expect_reserve().return_once(move |_, _, _| Ok(Admission::Refused { retry_after }));
        let guard = guard(MockLoginThrottle::new(), rates);
        let begin = guard.begin(SUBJECT, NETWORK.into()).await.unwrap();
        assert!(matches!(begin, Begin::Refused(refused) if refused.retry_after == retry_after));
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
        let guard = guard(throttle, rates);
        assert!(matches!(guard.begin(SUBJECT, NETWORK.into()).await.unwrap(), Begin::Refused(_)));
    }

    #[tokio::test]
    async fn success_resets_the_account_and_gives_the_network_its_one_back() {
        let (mut rates, mut throttle) = (MockRateLimiter::new(), MockLoginThrottle::new());
        rates.expect_reserve().return_once(|_, _, _| Ok(Admission::Admitted));
        rates.expect_release().times(1).return_once(|_| Ok(()));
        throttle.expect_reserve().return_once(|_, _, _, _| Ok(Admission::Admitted));
        throttle.expect_succeed().times(1).return_once(|_, _| Err(testing::broken()));
        let guard = guard(throttle, rates);
        let Begin::Attempt(attempt) = guard.begin(SUBJECT, NETWORK.into()).await.unwrap() else {
            panic!("refused")
        };
        attempt.succeeded().await;
    }

    #[tokio::test]
    async fn without_limits_nothing_is_counted() {
        let mut guard = guard(MockLoginThrottle::new(), MockRateLimiter::new());
        guard.limits = None;
        let Begin::Attempt(attempt) = guard.begin(SUBJECT, NETWORK.into()).await.unwrap() else {
            panic!("refused")
        };
        attempt.succeeded().await;
    }
}
