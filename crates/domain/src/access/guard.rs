//! The guard before what only administrators may do.

use std::sync::Arc;

use crate::access::{Forbidden, Principal};
use crate::audit::{AuditAction, AuditContext, AuditReason, AuditTrail};
use crate::common::{Clock, RequestContext};

/// Lets administrators through, and records who else has tried (OWASP ASVS 5.0, 16.3.2).
pub struct AdminGuard {
    /// Takes the refusals.
    pub trail: Arc<dyn AuditTrail>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl AdminGuard {
    /// What an administrator does, as it is recorded.
    ///
    /// # Errors
    /// [`Forbidden`] to everybody else.
    pub fn admit(
        &self,
        caller: &Principal,
        request: RequestContext,
    ) -> Result<AuditContext, Forbidden> {
        let context = AuditContext::by(caller, self.clock.now(), request);
        caller.require_admin().inspect_err(|_forbidden| {
            let event = context.clone().event(AuditAction::AccessDenied);
            self.trail.note(event.because(AuditReason::NotAdmin));
        })?;
        Ok(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, USER};

    #[test]
    fn only_administrators_pass_and_who_else_tries_is_recorded() {
        let (guard, trail) = testing::admin_guard(9);
        let context = guard.admit(&testing::admin(), testing::request()).unwrap();
        assert_eq!(context, testing::act_of_admin(9));
        trail.has([]);
        assert!(guard.admit(&testing::principal(), testing::request()).is_err());
        trail.has([(AuditAction::AccessDenied, AuditReason::NotAdmin)]);
        assert_eq!(trail.events().remove(0).context.actor, Some(USER));
    }
}
