use std::sync::Arc;

use crate::entities::{Act, Forbidden, Principal};
use crate::ports::{AuditTrail, Clock};
use crate::values::{AuditAction, AuditReason, Origin};

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
    pub fn admit(&self, caller: &Principal, origin: Origin) -> Result<Act, Forbidden> {
        let act = Act::by(caller, self.clock.now(), origin);
        caller.require_admin().inspect_err(|_forbidden| {
            let event = act.clone().event(AuditAction::AccessDenied);
            self.trail.note(event.because(AuditReason::NotAdmin));
        })?;
        Ok(act)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, USER};

    #[test]
    fn only_administrators_pass_and_who_else_tries_is_recorded() {
        let (guard, trail) = testing::admin_guard(9);
        let act = guard.admit(&testing::admin(), testing::origin()).unwrap();
        assert_eq!(act, testing::act_of_admin(9));
        trail.has([]);
        assert!(guard.admit(&testing::principal(), testing::origin()).is_err());
        trail.has([(AuditAction::AccessDenied, AuditReason::NotAdmin)]);
        assert_eq!(trail.events().remove(0).act.actor, Some(USER));
    }
}
