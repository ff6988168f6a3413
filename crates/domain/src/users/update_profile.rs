use std::sync::Arc;

use crate::entities::{Principal, User};
use crate::ports::{Clock, PortError, ProfileChanges, UpdateProfileError, UserRepository};

/// Why the profile stays.
#[derive(Debug, thiserror::Error)]
pub enum UpdateOwnProfileError {
    /// Somebody else has the address.
    #[error("the e-mail address is taken")]
    EmailTaken,
    /// The account was deactivated meanwhile: the caller is nobody now.
    #[error("the account has changed meanwhile")]
    Stale,
    /// A port failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

/// Changes the caller's own profile. Without a change nothing is written, and `updated_at` stays.
pub struct UpdateOwnProfile {
    /// The accounts.
    pub users: Arc<dyn UserRepository>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl UpdateOwnProfile {
    /// Runs the use-case.
    ///
    /// # Errors
    /// See [`UpdateOwnProfileError`].
    pub async fn execute(
        &self,
        caller: &Principal,
        changes: ProfileChanges,
    ) -> Result<User, UpdateOwnProfileError> {
        if changes.is_empty() {
            return Ok(caller.user.clone());
        }
        match self.users.update_profile(caller.user.id, changes, self.clock.now()).await {
            Ok(user) => user.ok_or(UpdateOwnProfileError::Stale),
            Err(UpdateProfileError::EmailTaken) => Err(UpdateOwnProfileError::EmailTaken),
            Err(UpdateProfileError::Port(error)) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use mockall::predicate::eq;

    use super::*;
    use crate::ports::MockUserRepository;
    use crate::testing::{self, USER, at};
    use crate::values::Patch;

    fn changes() -> ProfileChanges {
        ProfileChanges { phone: Patch::Clear, ..ProfileChanges::default() }
    }

    async fn update(
        result: Result<Option<User>, UpdateProfileError>,
    ) -> Result<User, UpdateOwnProfileError> {
        let mut users = MockUserRepository::new();
        users
            .expect_update_profile()
            .with(eq(USER), eq(changes()), eq(at(9)))
            .times(1)
            .return_once(|_, _, _| result);
        let use_case = UpdateOwnProfile { users: Arc::new(users), clock: testing::clock(9) };
        use_case.execute(&testing::principal(), changes()).await
    }

    #[tokio::test]
    async fn the_callers_profile_changes() {
        assert_eq!(update(Ok(Some(testing::user()))).await.unwrap(), testing::user());
    }

    #[tokio::test]
    async fn refusals_are_told_apart() {
        let taken = update(Err(UpdateProfileError::EmailTaken)).await;
        assert!(matches!(taken, Err(UpdateOwnProfileError::EmailTaken)));
        assert!(matches!(update(Ok(None)).await, Err(UpdateOwnProfileError::Stale)));
    }

    #[tokio::test]
    async fn no_change_writes_nothing() {
        let use_case = UpdateOwnProfile {
            users: Arc::new(MockUserRepository::new()),
            clock: testing::clock(9),
        };
        let user =
            use_case.execute(&testing::principal(), ProfileChanges::default()).await.unwrap();
        assert_eq!(user, testing::user());
    }
}
