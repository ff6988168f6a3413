//! Use-cases: deleting an account, one's own or another's, and undoing that.

use std::sync::Arc;
use std::time::Duration;

use crate::access::rights::UsersDelete;
use crate::access::{Allowed, Principal};
use crate::accounts::{AccountRepository, Deletion, LastAdmin, User, UserNotFound};
use crate::audit::{AuditAction, AuditContext, AuditReason, AuditTrail};
use crate::common::{Clock, Error, PortError, RequestContext, UserId};
use crate::credentials::{CandidatePassword, PasswordPrompt, PromptError};
use crate::lockout::PromptPurpose;
use crate::mail::{MailKind, Post};
use crate::ports::{Policy, Ports, RequiredPorts};

/// Why no account is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeleteUserError {
    /// Nobody has the id.
    #[error("no such user")]
    NotFound,
    /// It is the account of the last active administrator.
    #[error("the last active administrator cannot be deleted")]
    LastAdmin,
}

/// Why one's own account is not deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeleteOwnAccountError {
    /// The password was not accepted.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// It is the account of the last active administrator.
    #[error("the last active administrator cannot be deleted")]
    LastAdmin,
}

/// Deletes accounts. One is inactive at once, and gone when the time of grace is over; until then it can
/// be restored, and name and address stay its own.
#[non_exhaustive]
pub struct DeleteUser {
    /// The accounts.
    pub accounts: Arc<dyn AccountRepository>,
    /// Asks the owner for the password.
    pub prompt: PasswordPrompt,
    /// Makes the mail that tells the owner.
    pub post: Post,
    /// Takes the failures.
    pub trail: Arc<dyn AuditTrail>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// For how long an account can be restored; zero: not at all.
    pub grace: Duration,
}

impl DeleteUser {
    /// On these ports, with this policy.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        let RequiredPorts { accounts, audit_trail, clock, .. } = &ports.required;
        Self {
            accounts: accounts.clone(),
            prompt: PasswordPrompt::new(ports, policy),
            post: Post::new(ports),
            trail: audit_trail.clone(),
            clock: clock.clone(),
            grace: policy.delete_grace,
        }
    }

    /// Deletes an account as an administrator. Idempotent: what is to be deleted keeps its time.
    ///
    /// # Errors
    /// See [`DeleteUserError`].
    pub async fn execute(
        &self,
        allowed: &Allowed<UsersDelete>,
        id: UserId,
    ) -> Result<User, Error<DeleteUserError>> {
        match self.delete(id, allowed.context().clone()).await {
            Ok(user) => user.ok_or(Error::Refused(DeleteUserError::NotFound)),
            Err(Error::Refused(LastAdmin)) => Err(Error::Refused(DeleteUserError::LastAdmin)),
            Err(Error::Port(error)) => Err(error.into()),
        }
    }

    /// Deletes the caller's own account, after the password was given again.
    ///
    /// # Errors
    /// See [`DeleteOwnAccountError`].
    pub async fn execute_own(
        &self,
        caller: &Principal,
        current: &CandidatePassword,
        request: RequestContext,
    ) -> Result<User, Error<DeleteOwnAccountError>> {
        let purpose = PromptPurpose::Deletion;
        let asked = self.prompt.ask(caller, purpose, current, request.clone()).await;
        asked.map_err(Error::cast)?;
        let context = AuditContext::by(caller, self.clock.now(), request);
        match self.delete(caller.user.id, context).await {
            Ok(user) => user.ok_or(Error::Refused(PromptError::Stale.into())),
            Err(Error::Refused(LastAdmin)) => Err(Error::Refused(DeleteOwnAccountError::LastAdmin)),
            Err(Error::Port(error)) => Err(error.into()),
        }
    }

    async fn delete(
        &self,
        id: UserId,
        context: AuditContext,
    ) -> Result<Option<User>, Error<LastAdmin>> {
        let at = context.at;
        let deletion = Deletion {
            user_id: id,
            deletes_at: at + self.grace,
            mail: self.post.mail(MailKind::AccountDeletion, None, &context.request)?,
            context: context.clone(),
        };
        let scheduled = match self.accounts.schedule_deletion(deletion).await {
            Err(Error::Refused(LastAdmin)) => {
                let event = context.event(AuditAction::DeletionFailed).on(id);
                self.trail.note(event.because(AuditReason::LastAdmin));
                return Err(Error::Refused(LastAdmin));
            }
            scheduled => scheduled?,
        };
        if scheduled.is_some() {
            tracing::info!(event = "user_deletion_scheduled", user_id = %id);
        }
        if self.grace.is_zero() {
            while self.accounts.delete_due(at).await? > 0 {}
        }
        Ok(scheduled)
    }
}

/// Undoes a deletion before its time: the account is what it was, but for its sessions.
#[non_exhaustive]
pub struct RestoreUser {
    /// The accounts.
    pub accounts: Arc<dyn AccountRepository>,
}

impl RestoreUser {
    /// On these ports.
    pub(crate) fn new(ports: &Ports) -> Self {
        Self { accounts: ports.required.accounts.clone() }
    }

    /// Runs the use-case. An account that is not to be deleted stays as it is.
    ///
    /// # Errors
    /// [`UserNotFound`]: nobody has the id.
    pub async fn execute(
        &self,
        allowed: &Allowed<UsersDelete>,
        id: UserId,
    ) -> Result<User, Error<UserNotFound>> {
        let user = self.restore(id, allowed.context().clone()).await?;
        user.ok_or(Error::Refused(UserNotFound))
    }

    async fn restore(&self, id: UserId, context: AuditContext) -> Result<Option<User>, PortError> {
        let user = self.accounts.restore(id, context).await?;
        if user.is_some() {
            tracing::info!(event = "user_restored", user_id = %id);
        }
        Ok(user)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::MockAccountRepository;
    use crate::credentials::Verification;
    use crate::testing::{self, Trail, USER, at};

    const DAY: i64 = 24 * 60 * 60;

    fn use_case(
        accounts: MockAccountRepository,
        verified: Option<Verification>,
        grace: Duration,
    ) -> (DeleteUser, Arc<Trail>) {
        let (prompt, trail) = testing::prompt(verified, 9);
        let use_case = DeleteUser {
            accounts: Arc::new(accounts),
            prompt,
            post: testing::post(9),
            trail: trail.clone(),
            clock: testing::clock(9),
            grace,
        };
        (use_case, trail)
    }

    fn scheduling(
        deletes_at: i64,
        result: Result<Option<User>, Error<LastAdmin>>,
    ) -> MockAccountRepository {
        let mut accounts = MockAccountRepository::new();
        accounts
            .expect_schedule_deletion()
            .withf(move |deletion| {
                let mail = deletion.mail.as_ref().map(|mail| mail.kind);
                deletion.user_id == USER
                    && deletion.deletes_at == at(deletes_at)
                    && mail == Some(MailKind::AccountDeletion)
            })
            .times(1)
            .return_once(|_| result);
        accounts
    }

    const GRACE: Duration = Duration::from_secs(14 * 24 * 60 * 60);

    #[tokio::test]
    async fn a8_an_administrator_deletes_in_two_weeks_or_at_once() {
        let accounts = scheduling(9 + 14 * DAY, Ok(Some(testing::user())));
        let (delete, trail) = use_case(accounts, None, GRACE);
        let user = delete.execute(&testing::allowed(9), USER).await;
        assert_eq!(user.unwrap(), testing::user());
        trail.has([]);
        let mut accounts = scheduling(9, Ok(Some(testing::user())));
        let mut left = vec![0, 1];
        accounts
            .expect_delete_due()
            .withf(|now| *now == at(9))
            .times(2)
            .returning(move |_| Ok(left.pop().unwrap()));
        let (delete, _) = use_case(accounts, None, Duration::ZERO);
        delete.execute(&testing::allowed(9), USER).await.unwrap();
        let (delete, _) = use_case(scheduling(9 + 14 * DAY, Ok(None)), None, GRACE);
        let nobody = delete.execute(&testing::allowed(9), USER).await;
        assert!(matches!(nobody, Err(Error::Refused(DeleteUserError::NotFound))));
    }

    #[tokio::test]
    async fn a2_the_last_administrator_stays() {
        let last = scheduling(9 + 14 * DAY, Err(Error::Refused(LastAdmin)));
        let (delete, trail) = use_case(last, None, GRACE);
        let refused = delete.execute(&testing::allowed(9), USER).await;
        assert!(matches!(refused, Err(Error::Refused(DeleteUserError::LastAdmin))));
        trail.has([(AuditAction::DeletionFailed, AuditReason::LastAdmin)]);
    }

    #[tokio::test]
    async fn a8_the_owner_deletes_with_the_password_only() {
        let right = Some(Verification::Match { needs_rehash: false });
        let accounts = scheduling(9 + 14 * DAY, Ok(Some(testing::user())));
        let (delete, _) = use_case(accounts, right, GRACE);
        let typed = CandidatePassword::parse("password123").unwrap();
        let caller = testing::principal();
        delete.execute_own(&caller, &typed, testing::request()).await.unwrap();
        let wrong = Some(Verification::Mismatch);
        let (delete, trail) = use_case(MockAccountRepository::new(), wrong, GRACE);
        let refused = delete.execute_own(&caller, &typed, testing::request()).await;
        let expected = DeleteOwnAccountError::Prompt(PromptError::WrongPassword);
        assert!(matches!(refused, Err(Error::Refused(error)) if error == expected));
        trail.has([(AuditAction::DeletionFailed, AuditReason::WrongPassword)]);
    }

    #[tokio::test]
    async fn a8_what_nobody_has_is_not_restored() {
        let mut accounts = MockAccountRepository::new();
        accounts.expect_restore().return_once(|_, _| Ok(None));
        let restore = RestoreUser { accounts: Arc::new(accounts) };
        let nobody = restore.execute(&testing::allowed(9), USER).await;
        assert!(matches!(nobody, Err(Error::Refused(UserNotFound))));
    }
}
