//! The guard before every account that somebody makes for themselves.

use std::error::Error as StdError;
use std::sync::Arc;

use crate::audit::{AuditAction, AuditContext, AuditReason, AuditTrail};
use crate::common::{Causes, Clock, Error, RequestContext};
use crate::lockout::{Admission, RateKey, RateLimiter, RegistrationLimit, TooManyAttempts};
use crate::ports::{Policy, Ports, RequiredPorts};

/// Counts, per network, registrations that find their name or address taken: whoever could try any
/// number would learn who has an account.
pub struct RegistrationGuard {
    /// Counts failures.
    pub rates: Arc<dyn RateLimiter>,
    /// Takes them.
    pub trail: Arc<dyn AuditTrail>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The limit; `None` turns it off.
    pub limit: Option<RegistrationLimit>,
}

impl RegistrationGuard {
    /// On these ports, with this policy.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        let RequiredPorts { rate_limiter, audit_trail, clock, .. } = &ports.required;
        Self {
            rates: rate_limiter.clone(),
            trail: audit_trail.clone(),
            clock: clock.clone(),
            limit: policy.registration_limit,
        }
    }

    /// Makes an account, unless too many have failed. `reason` says which refusals are failures.
    pub(crate) async fn run<T, R>(
        &self,
        request: RequestContext,
        reason: impl FnOnce(&R) -> Option<AuditReason>,
        make: impl Future<Output = Result<T, Error<R>>>,
    ) -> Result<T, Error<R>>
    where
        R: StdError + From<TooManyAttempts> + 'static,
    {
        let key = RateKey::FailedRegistration(request.network());
        if let Some(RegistrationLimit(limit)) = self.limit
            && let Admission::Refused { retry_after } =
                self.rates.reserve(key, limit, self.clock.now()).await?
        {
            self.note(request, AuditAction::RegistrationRefused, AuditReason::NetworkLimit);
            return Err(Error::Refused(TooManyAttempts { retry_after }.into()));
        }
        let result = make.await;
        let failure = match &result {
            Err(Error::Refused(refusal)) => reason(refusal),
            _ => None,
        };
        if let Some(reason) = failure {
            self.note(request, AuditAction::RegistrationFailed, reason);
        } else if self.limit.is_some()
            && let Err(error) = self.rates.release(key).await
        {
            // The account exists: answer with success even if the count could not be released.
            tracing::warn!(error = %Causes(&error), "a failure count was not reset");
        }
        result
    }

    fn note(&self, request: RequestContext, action: AuditAction, reason: AuditReason) {
        let context = AuditContext::anonymous(self.clock.now(), request);
        self.trail.note(context.event(action).because(reason));
    }
}
