//! The guard: the only place that decides whether somebody may do something.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use crate::access::rights::{Right, RightId};
use crate::access::{Principal, Reach, Roles};
use crate::accounts::{Authority, Role};
use crate::audit::{AuditAction, AuditContext, AuditReason, AuditTrail};
use crate::common::{Clock, RequestContext, Timestamp, UserId};
use crate::ports::{Policy, Ports, RequiredPorts};

/// The caller may not do that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the role does not have the right")]
pub struct Forbidden;

/// The caller has to give the password again ([`Reauthenticate`](crate::sessions::Reauthenticate)): in
/// this session it was given too long ago for that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the password has to be given again")]
pub struct ReauthenticationRequired;

/// Why the caller may not do that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The role does not have the right.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// The role has it, but the password was given too long ago.
    #[error(transparent)]
    ReauthenticationRequired(#[from] ReauthenticationRequired),
}

/// Proof that the caller has the right `R`, for one request. Records of what follows have the time
/// of the proof. Only [`Guard::allow`] makes one, so a use-case that takes it need not check again.
#[derive(Debug, Clone)]
pub struct Allowed<R> {
    caller: UserId,
    role: Role,
    roles: Arc<Roles>,
    context: AuditContext,
    confirmed: Result<(), ReauthenticationRequired>,
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

    /// Whether the caller's role has this right too.
    pub fn has(&self, right: RightId) -> bool {
        self.roles.grants(self.role, right)
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

    /// Whether the caller gave the password a short while ago: for what the right does not ask for it by
    /// itself.
    ///
    /// # Errors
    /// It was too long ago.
    pub fn check_step_up(&self) -> Result<(), ReauthenticationRequired> {
        self.confirmed
    }

    /// Who acts, when and from where, for the records of what follows.
    pub fn context(&self) -> &AuditContext {
        &self.context
    }
}

/// Decides who may do what, and records whom it refuses (OWASP ASVS 5.0, 16.3.2).
#[non_exhaustive]
pub struct Guard {
    /// Takes the refusals.
    pub trail: Arc<dyn AuditTrail>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Which role has which rights.
    pub roles: Arc<Roles>,
    /// How long ago the password may have been given for what is critical; `None`: at any time.
    pub step_up: Option<Duration>,
}

impl Guard {
    /// On these ports, with this policy.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        let RequiredPorts { audit_trail, clock, .. } = &ports.required;
        Self {
            trail: audit_trail.clone(),
            clock: clock.clone(),
            roles: policy.roles.clone(),
            step_up: policy.step_up,
        }
    }

    /// Proof that the caller has the right.
    ///
    /// # Errors
    /// [`Forbidden`] if the caller's role does not have it; that is recorded.
    /// [`ReauthenticationRequired`] if the right needs a password that was given a short while ago.
    pub fn allow<R: Right>(
        &self,
        caller: &Principal,
        request: RequestContext,
    ) -> Result<Allowed<R>, Denied> {
        let context = AuditContext::by(caller, self.clock.now(), request);
        let (id, role) = (caller.user.id, caller.user.role);
        if !self.roles.grants(role, R::ID) {
            let event = context.event(AuditAction::AccessDenied);
            self.trail.note(event.because(AuditReason::NotAdmin));
            return Err(Forbidden.into());
        }
        let confirmed = self.check_step_up(caller, context.at);
        if R::ID.needs_step_up() {
            confirmed?;
        }
        let roles = self.roles.clone();
        Ok(Allowed { caller: id, role, roles, context, confirmed, right: PhantomData })
    }

    /// Whether the password was given a short while ago. A clock that is behind takes nothing away.
    fn check_step_up(
        &self,
        caller: &Principal,
        now: Timestamp,
    ) -> Result<(), ReauthenticationRequired> {
        let since = (now - caller.authenticated_at).to_std().unwrap_or_default();
        let is_recent = self.step_up.is_none_or(|limit| since < limit);
        if is_recent { Ok(()) } else { Err(ReauthenticationRequired) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::rights::{UsersDelete, UsersRead};
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

    /// The seconds since the password, the limit, and whether what is critical is allowed.
    #[test]
    fn a10_what_is_critical_needs_a_password_of_a_short_while_ago() {
        for (seconds, limit, is_allowed) in
            [(59, Some(60), true), (60, Some(60), false), (-5, Some(60), true), (9999, None, true)]
        {
            let (mut guard, trail) = testing::guard(seconds);
            guard.step_up = limit.map(Duration::from_secs);
            let admin = testing::admin();
            let critical = guard.allow::<UsersDelete>(&admin, testing::request());
            let expected = if is_allowed { Ok(()) } else { Err(ReauthenticationRequired) };
            assert_eq!(critical.map(drop), expected.map_err(Denied::from), "{seconds}");
            let other = guard.allow::<UsersRead>(&admin, testing::request()).unwrap();
            assert_eq!(other.check_step_up(), expected, "{seconds}");
            trail.has([]);
            // Nobody is asked for a password for what they may not do.
            let refused = guard.allow::<UsersDelete>(&testing::principal(), testing::request());
            assert_eq!(refused.map(drop), Err(Forbidden.into()));
        }
    }
}
