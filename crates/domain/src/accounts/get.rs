//! Use-case: showing a user.

use std::sync::Arc;

use crate::access::Allowed;
use crate::access::rights::UsersRead;
use crate::accounts::{AccountRepository, User};
use crate::common::{Error, UserId};
use crate::ports::Ports;

/// Nobody has the id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such user")]
pub struct UserNotFound;

/// Shows any account. A caller without the right learns nothing, not even which ids exist.
#[non_exhaustive]
pub struct GetUser {
    /// The accounts.
    pub accounts: Arc<dyn AccountRepository>,
}

impl GetUser {
    /// On these ports.
    pub(crate) fn new(ports: &Ports) -> Self {
        Self { accounts: ports.required.accounts.clone() }
    }

    /// Runs the use-case.
    ///
    /// # Errors
    /// [`UserNotFound`]: nobody has the id.
    pub async fn execute(
        &self,
        _allowed: &Allowed<UsersRead>,
        id: UserId,
    ) -> Result<User, Error<UserNotFound>> {
        self.accounts.find(id).await?.ok_or(Error::Refused(UserNotFound))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::MockAccountRepository;
    use crate::testing::{self, USER};

    async fn get(found: Option<User>) -> Result<User, Error<UserNotFound>> {
        let mut accounts = MockAccountRepository::new();
        accounts.expect_find().return_once(|_| Ok(found));
        let use_case = GetUser { accounts: Arc::new(accounts) };
        use_case.execute(&testing::allowed(9), USER).await
    }

    #[tokio::test]
    async fn an_administrator_sees_an_account() {
        assert_eq!(get(Some(testing::user())).await.unwrap(), testing::user());
        assert!(matches!(get(None).await, Err(Error::Refused(UserNotFound))));
    }
}
