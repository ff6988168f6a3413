use std::sync::Arc;

use crate::entities::{Act, Principal, User};
use crate::ports::{
    AuditTrail, Clock, PortError, ProfileChanges, UpdateProfileError, UserRepository,
};
use crate::values::{AuditAction, AuditReason, Origin};

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

/// Changes the caller's own profile. Without a change nothing is written, or recorded, and
/// `updated_at` stays.
pub struct UpdateOwnProfile {
    /// The accounts.
    pub users: Arc<dyn UserRepository>,
    /// Takes the failures.
    pub trail: Arc<dyn AuditTrail>,
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
        origin: Origin,
    ) -> Result<User, UpdateOwnProfileError> {
        if changes.is_empty() {
            return Ok(User::clone(&caller.user));
        }
        let id = caller.user.id;
        let act = Act::by(caller, self.clock.now(), origin);
        let (reason, error) = match self.users.update_profile(id, changes, act.clone()).await {
            Ok(Some(user)) => return Ok(user),
            Ok(None) => (AuditReason::AccountChanged, UpdateOwnProfileError::Stale),
            Err(UpdateProfileError::EmailTaken) => {
                (AuditReason::EmailTaken, UpdateOwnProfileError::EmailTaken)
            }
            Err(UpdateProfileError::Port(error)) => return Err(error.into()),
        };
        self.trail.note(act.event(AuditAction::ProfileUpdateFailed).on(id).because(reason));
        Err(error)
    }
}

#[cfg(test)]
mod tests {
    use mockall::predicate::eq;

    use super::*;
    use crate::ports::MockUserRepository;
    use crate::testing::{self, Trail, USER, at};
    use crate::values::Patch;

    fn changes() -> ProfileChanges {
        ProfileChanges { phone: Patch::Clear, ..ProfileChanges::default() }
    }

    async fn update(
        result: Result<Option<User>, UpdateProfileError>,
    ) -> (Result<User, UpdateOwnProfileError>, Arc<Trail>) {
        let (mut users, trail) = (MockUserRepository::new(), Arc::new(Trail::default()));
        let act = Act::by(&testing::principal(), at(9), testing::origin());
        users
            .expect_update_profile()
            .with(eq(USER), eq(changes()), eq(act))
            .times(1)
            .return_once(|_, _, _| result);
        let clock = testing::clock(9);
        let use_case = UpdateOwnProfile { users: Arc::new(users), trail: trail.clone(), clock };
        let result = use_case.execute(&testing::principal(), changes(), testing::origin()).await;
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
        let (taken, trail) = update(Err(UpdateProfileError::EmailTaken)).await;
        assert!(matches!(taken, Err(UpdateOwnProfileError::EmailTaken)));
        trail.has([(AuditAction::ProfileUpdateFailed, AuditReason::EmailTaken)]);
        let (stale, trail) = update(Ok(None)).await;
        assert!(matches!(stale, Err(UpdateOwnProfileError::Stale)));
        trail.has([(AuditAction::ProfileUpdateFailed, AuditReason::AccountChanged)]);
    }

    #[tokio::test]
    async fn no_change_writes_nothing() {
        let (users, trail) = (Arc::new(MockUserRepository::new()), Arc::new(Trail::default()));
        let use_case = UpdateOwnProfile { users, trail: trail.clone(), clock: testing::clock(9) };
        let nothing = ProfileChanges::default();
        let user = use_case.execute(&testing::principal(), nothing, testing::origin()).await;
        assert_eq!(user.unwrap(), testing::user());
        trail.has([]);
    }
}
