//! Use-case: listing users.

use std::sync::Arc;

use crate::access::Allowed;
use crate::access::rights::UsersRead;
use crate::accounts::{AccountRepository, UserPage, UserQuery};
use crate::common::PortError;
use crate::ports::Ports;

/// Lists accounts, at most [`ListUsers::MAX_LIMIT`] at a time.
#[non_exhaustive]
pub struct ListUsers {
    /// The accounts.
    pub accounts: Arc<dyn AccountRepository>,
}

impl ListUsers {
    /// On these ports.
    pub(crate) fn new(ports: &Ports) -> Self {
        Self { accounts: ports.required.accounts.clone() }
    }

    /// The most that one page holds.
    pub const MAX_LIMIT: u64 = 1000;

    /// Runs the use-case. A larger limit is cut to [`ListUsers::MAX_LIMIT`].
    ///
    /// # Errors
    /// The store failed.
    pub async fn execute(
        &self,
        _allowed: &Allowed<UsersRead>,
        query: UserQuery,
    ) -> Result<UserPage, PortError> {
        let query = UserQuery { limit: query.limit.min(Self::MAX_LIMIT), ..query };
        self.accounts.list(query).await
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
        UserQuery { start: PageStart::Skip(5), limit: u64::MAX, role: Some(Role::STUDENT) };

    #[tokio::test]
    async fn an_administrator_gets_a_page_of_bounded_size() {
        let page = UserPage { users: vec![testing::user()], total: 6 };
        let (mut accounts, result) = (MockAccountRepository::new(), page.clone());
        accounts
            .expect_list()
            .with(eq(UserQuery { limit: 1000, ..QUERY }))
            .times(1)
            .return_once(|_| Ok(result));
        let list = ListUsers { accounts: Arc::new(accounts) };
        let listed = list.execute(&testing::allowed(9), QUERY).await;
        assert_eq!(listed.unwrap(), page);
    }
}
