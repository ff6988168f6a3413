//! Use-case: changing one's own profile.

use std::sync::Arc;

use crate::access::Principal;
use crate::accounts::{AccountRepository, EmailTaken, ProfileChanges, User};
use crate::audit::{AuditAction, AuditContext, AuditReason, AuditTrail};
use crate::common::{Clock, Error, RequestContext};
use crate::mail::{MailKind, Post};
use crate::ports::{Ports, RequiredPorts};

/// Why the profile was not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UpdateOwnProfileError {
    /// Somebody else has the address.
    #[error("the e-mail address is taken")]
    EmailTaken,
    /// The account was deactivated meanwhile, so the caller is no longer authenticated.
    #[error("the account has changed meanwhile")]
    Stale,
}

/// Changes the caller's own profile. If nothing is to change, nothing is written or recorded, and
/// `updated_at` stays.
#[non_exhaustive]
pub struct UpdateOwnProfile {
    /// The accounts.
    pub accounts: Arc<dyn AccountRepository>,
    /// Makes the mails of a changed address.
    pub post: Post,
    /// Takes the failures.
    pub trail: Arc<dyn AuditTrail>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl UpdateOwnProfile {
    /// On these ports.
    pub(crate) fn new(ports: &Ports) -> Self {
        let RequiredPorts { accounts, audit_trail, clock, .. } = &ports.required;
        let post = Post::new(ports);
        Self { accounts: accounts.clone(), post, trail: audit_trail.clone(), clock: clock.clone() }
    }

    /// Runs the use-case.
    ///
    /// # Errors
    /// See [`UpdateOwnProfileError`].
    pub async fn execute(
        &self,
        caller: &Principal,
        mut changes: ProfileChanges,
        request: RequestContext,
    ) -> Result<User, Error<UpdateOwnProfileError>> {
        if changes.is_empty() {
            return Ok(User::clone(&caller.user));
        }
        if changes.email.is_some() {
            // The owner of the address before is told, and the new one is to be proved.
            for kind in [MailKind::EmailChanged, MailKind::VerifyEmail] {
                changes.mails.extend(self.post.mail(kind, None, &request)?);
            }
        }
        let id = caller.user.id;
        let context = AuditContext::by(caller, self.clock.now(), request);
        let (reason, error) = match self.accounts.update_profile(id, changes, context.clone()).await
        {
            Ok(Some(user)) => return Ok(user),
            Ok(None) => (AuditReason::AccountChanged, UpdateOwnProfileError::Stale),
            Err(Error::Refused(EmailTaken)) => {
                (AuditReason::EmailTaken, UpdateOwnProfileError::EmailTaken)
            }
            Err(Error::Port(error)) => return Err(error.into()),
        };
        self.trail.note(context.event(AuditAction::ProfileUpdateFailed).on(id).because(reason));
        Err(Error::Refused(error))
    }
}

#[cfg(test)]
mod tests {
    use mockall::predicate::eq;

    use super::*;
    use crate::accounts::MockAccountRepository;
    use crate::common::Patch;
    use crate::testing::{self, Trail, USER, at};

    fn changes() -> ProfileChanges {
        ProfileChanges { phone: Patch::Clear, ..ProfileChanges::default() }
    }

    async fn update(
        result: Result<Option<User>, Error<EmailTaken>>,
    ) -> (Result<User, Error<UpdateOwnProfileError>>, Arc<Trail>) {
        let (mut accounts, trail) = (MockAccountRepository::new(), Arc::new(Trail::default()));
        let context = AuditContext::by(&testing::principal(), at(9), testing::request());
        accounts
            .expect_update_profile()
            .with(eq(USER), eq(changes()), eq(context))
            .times(1)
            .return_once(|_, _, _| result);
        let clock = testing::clock(9);
        let use_case = UpdateOwnProfile {
            accounts: Arc::new(accounts),
            post: Post::none(clock.clone()),
            trail: trail.clone(),
            clock,
        };
        let result = use_case.execute(&testing::principal(), changes(), testing::request()).await;
        (result, trail)
    }

    #[tokio::test]
    async fn the_callers_profile_changes() {
        let (user, trail) = update(Ok(Some(testing::user()))).await;
        assert_eq!(user.unwrap(), testing::user());
        trail.has([]);
    }

    #[tokio::test]
    async fn refusals_are_told_apart() {
        let (taken, trail) = update(Err(Error::Refused(EmailTaken))).await;
        assert!(matches!(taken, Err(Error::Refused(UpdateOwnProfileError::EmailTaken))));
        trail.has([(AuditAction::ProfileUpdateFailed, AuditReason::EmailTaken)]);
        let (stale, trail) = update(Ok(None)).await;
        assert!(matches!(stale, Err(Error::Refused(UpdateOwnProfileError::Stale))));
        trail.has([(AuditAction::ProfileUpdateFailed, AuditReason::AccountChanged)]);
    }

    #[tokio::test]
    async fn no_change_writes_nothing() {
        let (accounts, trail) =
            (Arc::new(MockAccountRepository::new()), Arc::new(Trail::default()));
        let use_case = UpdateOwnProfile {
            accounts,
            post: Post::none(testing::clock(9)),
            trail: trail.clone(),
            clock: testing::clock(9),
        };
        let nothing = ProfileChanges::default();
        let user = use_case.execute(&testing::principal(), nothing, testing::request()).await;
        assert_eq!(user.unwrap(), testing::user());
        trail.has([]);
    }
}
