//! The guard: the only place that decides whether somebody may do something.

use std::marker::PhantomData;
use std::sync::Arc;

use crate::access::Principal;
use crate::access::rights::{Right, grants};
use crate::accounts::Role;
use crate::audit::{AuditAction, AuditContext, AuditReason, AuditTrail};
use crate::common::{Clock, RequestContext, UserId};
use crate::ports::{Ports, RequiredPorts};

/// The caller may not do that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("only an administrator may do that")]
pub struct Forbidden;

/// Proof that the caller has the right `R`, for one request. Records of what follows have the time
/// of the proof. Only [`Guard::allow`] makes one, so a use-case that takes it need not check again.
#[derive(Debug, Clone)]
pub struct Allowed<R> {
    caller: UserId,
    role: Role,
    context: AuditContext,
    right: PhantomData<R>,
}

impl<R> Allowed<R> {
    /// The caller.
    pub fn caller(&self) -> UserId {
        self.caller
    }

    /// The caller's role.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Who acts, when and from where, for the records of what follows.
    pub fn context(&self) -> &AuditContext {
        &self.context
    }
}

/// Decides who may do what, and records whom it refuses (OWASP ASVS 5.0, 16.3.2).
pub struct Guard {
    /// Takes the refusals.
    pub trail: Arc<dyn AuditTrail>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl Guard {
    /// On these ports.
    pub(crate) fn new(ports: &Ports) -> Self {
        let RequiredPorts { audit_trail, clock, .. } = &ports.required;
        Self { trail: audit_trail.clone(), clock: clock.clone() }
    }

    /// Proof that the caller has the right.
    ///
    /// # Errors
    /// [`Forbidden`] if the caller's role does not have it; that is recorded.
    pub fn allow<R: Right>(
        &self,
        caller: &Principal,
        request: RequestContext,
    ) -> Result<Allowed<R>, Forbidden> {
        let context = AuditContext::by(caller, self.clock.now(), request);
        if grants::<R>(caller.user.role) {
            let (id, role) = (caller.user.id, caller.user.role);
            return Ok(Allowed { caller: id, role, context, right: PhantomData });
        }
        let event = context.event(AuditAction::AccessDenied);
        self.trail.note(event.because(AuditReason::NotAdmin));
        Err(Forbidden)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::rights::UsersRead;
    use crate::testing::{self, USER};

    #[test]
    fn only_administrators_pass_and_a_refusal_is_recorded() {
        let (guard, trail) = testing::guard(9);
        let allowed = guard.allow::<UsersRead>(&testing::admin(), testing::request()).unwrap();
        assert_eq!(*allowed.context(), testing::context_of_admin(9));
        trail.has([]);
        assert!(guard.allow::<UsersRead>(&testing::principal(), testing::request()).is_err());
        trail.has([(AuditAction::AccessDenied, AuditReason::NotAdmin)]);
        assert_eq!(trail.events().remove(0).context.actor, Some(USER));
    }
}
