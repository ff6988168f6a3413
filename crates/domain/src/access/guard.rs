//! The guard: the only place that decides whether somebody may do something.

use std::marker::PhantomData;
use std::sync::Arc;

use crate::access::rights::Right;
use crate::access::{Principal, Reach, Roles};
use crate::accounts::{Authority, Role};
use crate::audit::{AuditAction, AuditContext, AuditReason, AuditTrail};
use crate::common::{Clock, RequestContext, UserId};
use crate::ports::{Policy, Ports, RequiredPorts};

/// The caller may not do that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the role does not have the right")]
pub struct Forbidden;

/// Proof that the caller has the right `R`, for one request. Records of what follows have the time
/// of the proof. Only [`Guard::allow`] makes one, so a use-case that takes it need not check again.
#[derive(Debug, Clone)]
pub struct Allowed<R> {
    caller: UserId,
    role: Role,
    roles: Arc<Roles>,
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

    /// The caller, and whom they may change.
    pub fn authority(&self) -> Authority {
        Authority { context: self.context.clone(), reach: self.reach() }
    }

    /// The roles that there are.
    pub fn roles(&self) -> &Arc<Roles> {
        &self.roles
    }

    /// Whom the caller may change.
    pub fn reach(&self) -> Reach {
        self.roles.reach_of(self.role)
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
    /// Which role has which rights.
    pub roles: Arc<Roles>,
}

impl Guard {
    /// On these ports, with this policy.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        let RequiredPorts { audit_trail, clock, .. } = &ports.required;
        Self { trail: audit_trail.clone(), clock: clock.clone(), roles: policy.roles.clone() }
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
        let (id, role) = (caller.user.id, caller.user.role);
        if self.roles.grants(role, R::ID) {
            let roles = self.roles.clone();
            return Ok(Allowed { caller: id, role, roles, context, right: PhantomData });
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
