//! Use-case: clearing the lockout of an account.

use std::sync::Arc;

use crate::access::Allowed;
use crate::access::rights::UsersUnlock;
use crate::accounts::{AccountRepository, UserNotFound};
use crate::common::{Error, UserId};
use crate::lockout::LockoutRepository;
use crate::ports::{Ports, RequiredPorts};

/// Forgets the failed logins of an account, active or not. Idempotent.
#[non_exhaustive]
pub struct ClearLockout {
    /// The accounts.
    pub accounts: Arc<dyn AccountRepository>,
    /// The counts.
    pub lockouts: Arc<dyn LockoutRepository>,
}

impl ClearLockout {
    /// On these ports.
    pub(crate) fn new(ports: &Ports) -> Self {
        let RequiredPorts { accounts, lockouts, .. } = &ports.required;
        Self { accounts: accounts.clone(), lockouts: lockouts.clone() }
    }

    /// Runs the use-case.
    ///
    /// # Errors
    /// [`UserNotFound`]: nobody has the id.
    pub async fn execute(
        &self,
        allowed: &Allowed<UsersUnlock>,
        id: UserId,
    ) -> Result<(), Error<UserNotFound>> {
        // Accounts are never deleted, so the account still exists below.
        self.accounts.find(id).await?.ok_or(Error::Refused(UserNotFound))?;
        if self.lockouts.forget(id, allowed.context().clone()).await? {
            tracing::info!(event = "lock_lifted", user_id = %id, by = %allowed.caller());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use mockall::predicate::eq;

    use super::*;
    use crate::accounts::{MockAccountRepository, User};
    use crate::lockout::MockLockoutRepository;
    use crate::testing::{self, USER};

    async fn clear(
        found: Option<User>,
        lockouts: MockLockoutRepository,
    ) -> Result<(), Error<UserNotFound>> {
        let mut accounts = MockAccountRepository::new();
        accounts.expect_find().with(eq(USER)).return_once(|_| Ok(found));
        let use_case = ClearLockout { accounts: Arc::new(accounts), lockouts: Arc::new(lockouts) };
        use_case.execute(&testing::allowed(9), USER).await
    }

    #[tokio::test]
    async fn a_lockout_is_cleared_and_clearing_it_twice_is_fine() {
        for locked in [true, false] {
            let mut lockouts = MockLockoutRepository::new();
            lockouts
                .expect_forget()
                .with(eq(USER), eq(testing::context_of_admin(9)))
                .times(1)
                .return_once(move |_, _| Ok(locked));
            clear(Some(testing::user()), lockouts).await.unwrap();
        }
    }

    #[tokio::test]
    async fn an_id_that_nobody_has_is_not_found() {
        let result = clear(None, MockLockoutRepository::new()).await;
        assert!(matches!(result, Err(Error::Refused(UserNotFound))));
    }
}
