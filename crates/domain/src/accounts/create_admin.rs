//! Use-case: making an administrator.

use std::sync::Arc;

use crate::accounts::{
    AccountRepository, CreateUserError, Email, NewUser, Profile, Role, User, Username,
};
use crate::common::{Clock, PortError, RequestContext};
use crate::credentials::{
    HashingError, NewPassword, PasswordHasher, PasswordPolicy, PolicyViolation,
};

/// Who becomes an administrator.
#[derive(Debug, Clone)]
pub struct CreateAdminInput {
    /// The name.
    pub username: Username,
    /// The address.
    pub email: Email,
    /// The password.
    pub password: NewPassword,
}

/// Why no administrator was made.
#[derive(Debug, thiserror::Error)]
pub enum CreateAdminError {
    /// The password is too easy to guess.
    #[error(transparent)]
    Policy(#[from] PolicyViolation),
    /// Somebody has the name.
    #[error("the user name is taken")]
    UsernameTaken,
    /// Somebody has the address.
    #[error("the e-mail address is taken")]
    EmailTaken,
    /// Hashing failed.
    #[error(transparent)]
    Hashing(#[from] HashingError),
    /// A port failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

/// Makes an administrator. It takes no caller: whoever runs it has the server itself, and somebody
/// has to be the first. It MUST NOT be reachable by a request.
pub struct CreateAdmin {
    /// The accounts.
    pub users: Arc<dyn AccountRepository>,
    /// Hashes.
    pub hasher: Arc<dyn PasswordHasher>,
    /// Judges the password.
    pub policy: Arc<dyn PasswordPolicy>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl CreateAdmin {
    /// Runs the use-case.
    ///
    /// # Errors
    /// See [`CreateAdminError`].
    pub async fn execute(&self, input: CreateAdminInput) -> Result<User, CreateAdminError> {
        self.policy.check(&input.password, input.username.as_str(), input.email.as_str())?;
        let user = NewUser {
            hash: self.hasher.hash(&input.password).await?,
            username: input.username,
            email: input.email,
            role: Role::Admin,
            profile: Profile::default(),
            created_at: self.clock.now(),
            request: RequestContext::local(),
        };
        let user = self.users.create(user).await.map_err(|error| match error {
            CreateUserError::UsernameTaken => CreateAdminError::UsernameTaken,
            CreateUserError::EmailTaken => CreateAdminError::EmailTaken,
            CreateUserError::Port(error) => CreateAdminError::Port(error),
        })?;
        tracing::info!(event = "admin_created", user_id = %user.id);
        Ok(user)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::{MockAccountRepository, UsernameLength};
    use crate::credentials::{MockPasswordHasher, MockPasswordPolicy, PasswordLength};
    use crate::testing;

    async fn create(
        policy: Result<(), PolicyViolation>,
        created: Result<User, CreateUserError>,
    ) -> Result<User, CreateAdminError> {
        let mut judge = MockPasswordPolicy::new();
        judge.expect_check().return_once(move |_, _, _| policy);
        let (mut hasher, mut users) = (MockPasswordHasher::new(), MockAccountRepository::new());
        hasher.expect_hash().return_once(|_| Ok(testing::hash()));
        users
            .expect_create()
            .withf(|new| new.role == Role::Admin && new.request == RequestContext::local())
            .return_once(|_| created);
        let use_case = CreateAdmin {
            users: Arc::new(users),
            hasher: Arc::new(hasher),
            policy: Arc::new(judge),
            clock: testing::clock(1),
        };
        let input = CreateAdminInput {
            username: Username::parse("root", UsernameLength::DEFAULT).unwrap(),
            email: Email::parse("root@example.com").unwrap(),
            password: NewPassword::parse("correct horse", PasswordLength::DEFAULT).unwrap(),
        };
        use_case.execute(input).await
    }

    #[tokio::test]
    async fn an_administrator_is_made() {
        assert!(
            create(Ok(()), Ok(User::clone(&testing::admin().user))).await.unwrap().is_superuser()
        );
    }

    #[tokio::test]
    async fn refusals_are_told_apart() {
        let weak = create(Err(PolicyViolation::TooCommon), Ok(testing::user())).await;
        assert!(matches!(weak, Err(CreateAdminError::Policy(_))));
        let taken = create(Ok(()), Err(CreateUserError::UsernameTaken)).await;
        assert!(matches!(taken, Err(CreateAdminError::UsernameTaken)));
        let taken = create(Ok(()), Err(CreateUserError::EmailTaken)).await;
        assert!(matches!(taken, Err(CreateAdminError::EmailTaken)));
    }
}
