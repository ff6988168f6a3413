//! Use-case: making an administrator.

use std::sync::Arc;

use crate::accounts::{
    AccountRepository, CreateUserError, Email, NewUser, Profile, Role, User, Username,
};
use crate::audit::{AuditAction, AuditContext};
use crate::common::{Clock, Error, RequestContext};
use crate::credentials::{
    NewPassword, Overloaded, PasswordHasher, PasswordPolicy, PolicyViolation,
};
use crate::ports::{Ports, RequiredPorts};

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
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
    /// No capacity to hash.
    #[error(transparent)]
    Overloaded(#[from] Overloaded),
}

impl From<CreateUserError> for CreateAdminError {
    fn from(error: CreateUserError) -> Self {
        match error {
            CreateUserError::UsernameTaken => Self::UsernameTaken,
            CreateUserError::EmailTaken => Self::EmailTaken,
        }
    }
}

/// Makes an administrator. It takes no caller: it is for people with access to the server, and it
/// makes the first administrator. It MUST NOT be reachable by a request: call it in a command, which may run
/// beside the servers.
#[non_exhaustive]
pub struct CreateAdmin {
    /// The accounts.
    pub accounts: Arc<dyn AccountRepository>,
    /// Hashes.
    pub hasher: Arc<dyn PasswordHasher>,
    /// Judges the password.
    pub policy: Arc<dyn PasswordPolicy>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl CreateAdmin {
    /// For a command that needs nothing else of menjin.
    pub fn standalone(
        accounts: Arc<dyn AccountRepository>,
        hasher: Arc<dyn PasswordHasher>,
        policy: Arc<dyn PasswordPolicy>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { accounts, hasher, policy, clock }
    }

    pub(crate) fn new(ports: &Ports) -> Self {
        let RequiredPorts { accounts, hasher, password_policy, clock, .. } = &ports.required;
        Self::standalone(accounts.clone(), hasher.clone(), password_policy.clone(), clock.clone())
    }

    /// Runs the use-case.
    ///
    /// # Errors
    /// See [`CreateAdminError`].
    pub async fn execute(&self, input: CreateAdminInput) -> Result<User, Error<CreateAdminError>> {
        let CreateAdminInput { username, email, password } = input;
        let judged = self.policy.check(&password, username.as_str(), email.as_str());
        judged.map_err(|violation| Error::Refused(violation.into()))?;
        let user = NewUser {
            hash: self.hasher.hash(&password).await.map_err(Error::cast)?,
            username,
            email,
            role: Role::ADMIN,
            profile: Profile::default(),
            locale: None,
            is_active: true,
            is_verified: false,
            mail: None,
            first_password: None,
            action: AuditAction::AdminCreated,
            context: AuditContext::anonymous(self.clock.now(), RequestContext::local()),
        };
        let user = self.accounts.create(user).await.map_err(Error::cast)?;
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
        created: Result<User, Error<CreateUserError>>,
    ) -> Result<User, Error<CreateAdminError>> {
        let mut judge = MockPasswordPolicy::new();
        judge.expect_check().return_once(move |_, _, _| policy);
        let (mut hasher, mut accounts) = (MockPasswordHasher::new(), MockAccountRepository::new());
        hasher.expect_hash().return_once(|_| Ok(testing::hash()));
        accounts
            .expect_create()
            .withf(|new| new.role == Role::ADMIN && new.context.request == RequestContext::local())
            .return_once(|_| created);
        let use_case = CreateAdmin::standalone(
            Arc::new(accounts),
            Arc::new(hasher),
            Arc::new(judge),
            testing::clock(1),
        );
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
        assert!(matches!(weak, Err(Error::Refused(CreateAdminError::Policy(_)))));
        let taken = create(Ok(()), Err(Error::Refused(CreateUserError::UsernameTaken))).await;
        assert!(matches!(taken, Err(Error::Refused(CreateAdminError::UsernameTaken))));
        let taken = create(Ok(()), Err(Error::Refused(CreateUserError::EmailTaken))).await;
        assert!(matches!(taken, Err(Error::Refused(CreateAdminError::EmailTaken))));
    }
}
