//! Use-case: listing users.

use std::sync::Arc;

use crate::access::{AdminGuard, Forbidden, Principal};
use crate::accounts::{AccountRepository, UserPage, UserQuery};
use crate::common::{PortError, RequestContext};

/// Why no accounts are listed.
#[derive(Debug, thiserror::Error)]
pub enum ListUsersError {
    /// The caller is no administrator.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// A port failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

/// Lists accounts for an administrator, at most [`ListUsers::MAX_LIMIT`] at a time.
pub struct ListUsers {
    /// The accounts.
    pub users: Arc<dyn AccountRepository>,
    /// Lets administrators through.
    pub admins: Arc<AdminGuard>,
}

impl ListUsers {
    /// The most that one page holds.
    pub const MAX_LIMIT: u64 = 1000;

    /// Runs the use-case. A larger limit is cut to [`ListUsers::MAX_LIMIT`].
    ///
    /// # Errors
    /// See [`ListUsersError`].
    pub async fn execute(
        &self,
        caller: &Principal,
        query: UserQuery,
        request: RequestContext,
    ) -> Result<UserPage, ListUsersError> {
        self.admins.admit(caller, request)?;
        let query = UserQuery { limit: query.limit.min(Self::MAX_LIMIT), ..query };
        Ok(self.users.list(query).await?)
    }
}

#[cfg(test)]
mod tests {
    use mockall::predicate::eq;

    use super::*;
    use crate::accounts::{MockAccountRepository, Role};
    use crate::common::PageStart;
    use crate::testing;

    const QUERY: UserQuery =
        UserQuery { start: PageStart::Skip(5), limit: u64::MAX, role: Some(Role::Student) };

    #[tokio::test]
    async fn an_administrator_gets_a_page_of_bounded_size() {
        let page = UserPage { users: vec![testing::user()], total: 6 };
        let (mut users, result) = (MockAccountRepository::new(), page.clone());
        users
            .expect_list()
            .with(eq(UserQuery { limit: 1000, ..QUERY }))
            .times(1)
            .return_once(|_| Ok(result));
        let (admins, _) = testing::admin_guard(9);
        let list = ListUsers { users: Arc::new(users), admins };
        let listed = list.execute(&testing::admin(), QUERY, testing::request()).await;
        assert_eq!(listed.unwrap(), page);
    }

    #[tokio::test]
    async fn others_are_refused() {
        let (admins, _) = testing::admin_guard(9);
        let list = ListUsers { users: Arc::new(MockAccountRepository::new()), admins };
        let result = list.execute(&testing::principal(), QUERY, testing::request()).await;
        assert!(matches!(result, Err(ListUsersError::Forbidden(_))));
    }
}
