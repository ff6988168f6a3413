//! Use-case: showing a user.

use std::sync::Arc;

use crate::access::{AdminGuard, Forbidden, Principal};
use crate::accounts::{AccountRepository, User};
use crate::common::{PortError, RequestContext, UserId};

/// Why no account is shown.
#[derive(Debug, thiserror::Error)]
pub enum GetUserError {
    /// The caller is no administrator.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// Nobody has the id.
    #[error("no such user")]
    NotFound,
    /// A port failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

/// Shows any account to an administrator. Others learn nothing, not even which ids exist.
pub struct GetUser {
    /// The accounts.
    pub users: Arc<dyn AccountRepository>,
    /// Lets administrators through.
    pub admins: Arc<AdminGuard>,
}

impl GetUser {
    /// Runs the use-case.
    ///
    /// # Errors
    /// See [`GetUserError`].
    pub async fn execute(
        &self,
        caller: &Principal,
        id: UserId,
        request: RequestContext,
    ) -> Result<User, GetUserError> {
        self.admins.admit(caller, request)?;
        self.users.find(id).await?.ok_or(GetUserError::NotFound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::MockAccountRepository;
    use crate::testing::{self, USER};

    async fn get(caller: Principal, found: Option<User>) -> Result<User, GetUserError> {
        let mut users = MockAccountRepository::new();
        if caller.user.is_superuser() {
            users.expect_find().return_once(|_| Ok(found));
        }
        let (admins, _) = testing::admin_guard(9);
        let use_case = GetUser { users: Arc::new(users), admins };
        use_case.execute(&caller, USER, testing::request()).await
    }

    #[tokio::test]
    async fn an_administrator_sees_an_account() {
        assert_eq!(get(testing::admin(), Some(testing::user())).await.unwrap(), testing::user());
        assert!(matches!(get(testing::admin(), None).await, Err(GetUserError::NotFound)));
    }

    #[tokio::test]
    async fn e5_others_are_refused_before_the_store_is_asked() {
        assert!(matches!(get(testing::principal(), None).await, Err(GetUserError::Forbidden(_))));
    }
}
