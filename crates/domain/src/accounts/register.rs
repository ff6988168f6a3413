//! Use-case: registering.

use std::sync::Arc;

use crate::access::Roles;
use crate::accounts::{
    AccountRepository, CreateUserError, Email, NewUser, Profile, RegistrableRole,
    RegistrationGuard, User, Username,
};
use crate::audit::{AuditAction, AuditContext, AuditReason};
use crate::common::{Clock, Error, Locale, RequestContext};
use crate::credentials::{
    NewPassword, Overloaded, PasswordHasher, PasswordPolicy, PolicyViolation,
};
use crate::lockout::TooManyAttempts;
use crate::mail::{MailKind, Post};
use crate::ports::{Policy, Ports, RegistrationMode, RequiredPorts};

/// Who registers.
#[derive(Debug, Clone)]
pub struct RegisterInput {
    /// The name.
    pub username: Username,
    /// The address.
    pub email: Email,
    /// The password chosen.
    pub password: NewPassword,
    /// The role asked for.
    pub role: RegistrableRole,
    /// The optional part.
    pub profile: Profile,
    /// The language of mails to the user, if it is known.
    pub locale: Option<Locale>,
    /// Whether the password is held to the policy. Its bounds of length always hold.
    pub apply_policy: bool,
    /// Where from.
    pub request: RequestContext,
}

impl RegisterInput {
    /// A student without a profile, whose password is held to the policy.
    pub fn new(
        username: Username,
        email: Email,
        password: NewPassword,
        request: RequestContext,
    ) -> Self {
        Self {
            username,
            email,
            password,
            role: RegistrableRole::STUDENT,
            profile: Profile::default(),
            locale: None,
            apply_policy: true,
            request,
        }
    }
}

/// Why no account was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RegisterError {
    /// Nobody registers here.
    #[error("nobody can register here")]
    Closed,
    /// An account is made by an invitation only.
    #[error("registration is by invitation")]
    ByInvitation,
    /// The password is too easy to guess.
    #[error(transparent)]
    Policy(#[from] PolicyViolation),
    /// The role has rights, which nobody gets by registering.
    #[error("the role is given by invitation only")]
    RoleNeedsInvitation,
    /// The name looks like one that is reserved.
    #[error("the user name is reserved")]
    UsernameReserved,
    /// Somebody has the name.
    #[error("the user name is taken")]
    UsernameTaken,
    /// Somebody has the address.
    #[error("the e-mail address is taken")]
    EmailTaken,
    /// Too many failures.
    #[error(transparent)]
    TooManyAttempts(#[from] TooManyAttempts),
    /// No capacity to hash.
    #[error(transparent)]
    Overloaded(#[from] Overloaded),
}

impl From<CreateUserError> for RegisterError {
    fn from(error: CreateUserError) -> Self {
        match error {
            CreateUserError::UsernameTaken => Self::UsernameTaken,
            CreateUserError::EmailTaken => Self::EmailTaken,
        }
    }
}

/// Makes an account. The store checks that the name is free in the same statement that takes it. A
/// check before that would let two concurrent registrations through.
#[non_exhaustive]
pub struct Register {
    /// The accounts.
    pub accounts: Arc<dyn AccountRepository>,
    /// Hashes.
    pub hasher: Arc<dyn PasswordHasher>,
    /// Judges the password.
    pub policy: Arc<dyn PasswordPolicy>,
    /// Counts failures per network.
    pub guard: RegistrationGuard,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Makes the mail that asks to prove the address.
    pub post: Post,
    /// Names that nobody registers, nor one that looks like them.
    pub reserved_names: Arc<[String]>,
    /// Who may register.
    pub mode: RegistrationMode,
    /// Which role has which rights.
    pub roles: Arc<Roles>,
}

impl Register {
    /// On these ports, with this policy.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        let RequiredPorts { accounts, hasher, password_policy, .. } = &ports.required;
        Self {
            accounts: accounts.clone(),
            hasher: hasher.clone(),
            policy: password_policy.clone(),
            guard: RegistrationGuard::new(ports, policy),
            clock: ports.required.clock.clone(),
            post: Post::new(ports),
            reserved_names: policy.reserved_names.as_slice().into(),
            mode: policy.registration,
            roles: policy.roles.clone(),
        }
    }

    /// Runs the use-case.
    ///
    /// # Errors
    /// See [`RegisterError`].
    pub async fn execute(&self, input: RegisterInput) -> Result<User, Error<RegisterError>> {
        match self.mode {
            RegistrationMode::Open => {}
            RegistrationMode::Invite => return Err(Error::Refused(RegisterError::ByInvitation)),
            RegistrationMode::Closed => return Err(Error::Refused(RegisterError::Closed)),
        }
        if self.roles.has_any(input.role.into()) {
            return Err(Error::Refused(RegisterError::RoleNeedsInvitation));
        }
        if input.username.looks_like_any(&self.reserved_names) {
            return Err(Error::Refused(RegisterError::UsernameReserved));
        }
        // The policy comes first: a password that is refused anyway must not cost a hash, and must
        // not count as a failure.
        if input.apply_policy {
            let judged =
                self.policy.check(&input.password, input.username.as_str(), input.email.as_str());
            judged.map_err(|violation| Error::Refused(violation.into()))?;
        }
        let reason = |error: &RegisterError| match error {
            RegisterError::UsernameTaken => Some(AuditReason::UsernameTaken),
            RegisterError::EmailTaken => Some(AuditReason::EmailTaken),
            _ => None,
        };
        self.guard.run(input.request.clone(), reason, self.create(input)).await
    }

    async fn create(&self, input: RegisterInput) -> Result<User, Error<RegisterError>> {
        let hash = self.hasher.hash(&input.password).await.map_err(Error::cast)?;
        let mail = self.post.mail(MailKind::VerifyEmail, input.locale, &input.request)?;
        let user = NewUser {
            username: input.username,
            email: input.email,
            hash,
            role: input.role.into(),
            profile: input.profile,
            locale: input.locale,
            is_active: true,
            is_verified: false,
            mail,
            first_password: None,
            action: AuditAction::Registered,
            context: AuditContext::anonymous(self.clock.now(), input.request),
        };
        let user = self.accounts.create(user).await.map_err(Error::cast)?;
        tracing::info!(event = "registered", user_id = %user.id);
        Ok(user)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::accounts::{MockAccountRepository, Role, UsernameLength};
    use crate::audit::AuditAction;
    use crate::credentials::{MockPasswordHasher, MockPasswordPolicy, PasswordLength};
    use crate::lockout::{Admission, MockRateLimiter, RegistrationLimit};
    use crate::testing::{self, Trail, at};

    struct World {
        accounts: MockAccountRepository,
        hasher: MockPasswordHasher,
        policy: MockPasswordPolicy,
        rates: MockRateLimiter,
        trail: Arc<Trail>,
        reserved_names: Vec<String>,
        mode: RegistrationMode,
        roles: Arc<Roles>,
    }

    impl World {
        fn new() -> Self {
            let mut world = Self {
                accounts: MockAccountRepository::new(),
                hasher: MockPasswordHasher::new(),
                policy: MockPasswordPolicy::new(),
                rates: MockRateLimiter::new(),
                trail: Arc::default(),
                reserved_names: Vec::new(),
                mode: RegistrationMode::Open,
                roles: Arc::default(),
            };
            world.rates.expect_reserve().returning(|_, _, _| Ok(Admission::Admitted));
            world
        }

        fn hashing(mut self) -> Self {
            self.policy.expect_check().return_once(|_, _, _| Ok(()));
            self.hasher.expect_hash().times(1).return_once(|_| Ok(testing::hash()));
            self
        }

        fn released(mut self) -> Self {
            self.rates.expect_release().times(1).return_once(|_| Ok(()));
            self
        }

        async fn register(self) -> Result<User, Error<RegisterError>> {
            self.recorded().await.0
        }

        /// Runs the use-case and also returns the recorded failures.
        async fn recorded(self) -> (Result<User, Error<RegisterError>>, Arc<Trail>) {
            let use_case = Register {
                accounts: Arc::new(self.accounts),
                hasher: Arc::new(self.hasher),
                policy: Arc::new(self.policy),
                guard: RegistrationGuard {
                    rates: Arc::new(self.rates),
                    trail: self.trail.clone(),
                    clock: testing::clock(30),
                    limit: Some(RegistrationLimit::DEFAULT),
                },
                clock: testing::clock(30),
                post: Post::none(testing::clock(5)),
                reserved_names: self.reserved_names.into(),
                mode: self.mode,
                roles: self.roles,
            };
            let input = RegisterInput {
                username: Username::parse("Mike", UsernameLength::DEFAULT).unwrap(),
                email: Email::parse("mike@example.com").unwrap(),
                password: NewPassword::parse("password123", PasswordLength::DEFAULT).unwrap(),
                role: RegistrableRole::STUDENT,
                profile: Profile::default(),
                locale: None,
                apply_policy: true,
                request: testing::request(),
            };
            (use_case.execute(input).await, self.trail)
        }
    }

    #[tokio::test]
    async fn i4_j15_a_name_that_looks_like_a_reserved_one_is_refused_before_anything_is_done() {
        // `Mike` looks like each of these: case, width, and letters of another script.
        for reserved in ["mike", "ＭＩＫＥ", "mіke", "Мike"] {
            let mut world = World::new();
            world.reserved_names = vec!["root".to_owned(), reserved.to_owned()];
            let refused = world.register().await;
            let expected = matches!(refused, Err(Error::Refused(RegisterError::UsernameReserved)));
            assert!(expected, "{reserved}: {refused:?}");
        }
    }

    #[tokio::test]
    async fn an_account_is_made_with_the_hash_and_success_is_no_failure() {
        let mut world = World::new().hashing().released();
        world
            .accounts
            .expect_create()
            .withf(|new| {
                new.username.canonical() == "mike"
                    && new.role == Role::STUDENT
                    && new.created_at() == at(30)
                    && new.context.request == testing::request()
            })
            .times(1)
            .return_once(|_| Ok(testing::user()));
        let (user, trail) = world.recorded().await;
        assert_eq!(user.unwrap(), testing::user());
        trail.has([]);
    }

    #[tokio::test]
    async fn x1_the_store_decides_who_was_first_and_losing_counts() {
        let mut world = World::new().hashing();
        world
            .accounts
            .expect_create()
            .return_once(|_| Err(Error::Refused(CreateUserError::UsernameTaken)));
        let (result, trail) = world.recorded().await;
        assert!(matches!(result, Err(Error::Refused(RegisterError::UsernameTaken))));
        trail.has([(AuditAction::RegistrationFailed, AuditReason::UsernameTaken)]);
        let mut world = World::new().hashing();
        world
            .accounts
            .expect_create()
            .return_once(|_| Err(Error::Refused(CreateUserError::EmailTaken)));
        let (result, trail) = world.recorded().await;
        assert!(matches!(result, Err(Error::Refused(RegisterError::EmailTaken))));
        trail.has([(AuditAction::RegistrationFailed, AuditReason::EmailTaken)]);
    }

    #[tokio::test]
    async fn n5_where_registration_is_closed_nothing_is_asked_of_any_port() {
        let closed = World { mode: RegistrationMode::Closed, ..World::new() };
        let refused = closed.register().await;
        assert!(matches!(refused, Err(Error::Refused(RegisterError::Closed))));
        let by_invitation = World { mode: RegistrationMode::Invite, ..World::new() };
        let refused = by_invitation.register().await;
        assert!(matches!(refused, Err(Error::Refused(RegisterError::ByInvitation))));
    }

    #[tokio::test]
    async fn a1_a_role_with_rights_is_not_given_by_registering() {
        let rights = [crate::access::rights::RightId::UsersRead].into();
        let roles = Arc::new(Roles::new([(Role::STUDENT, rights)]));
        let refused = World { roles, ..World::new() }.register().await;
        assert!(matches!(refused, Err(Error::Refused(RegisterError::RoleNeedsInvitation))));
    }

    #[tokio::test]
    async fn p7_a_weak_password_is_refused_before_anything_is_hashed() {
        let mut world = World::new();
        world
            .policy
            .expect_check()
            .withf(|password, name, email| {
                password.expose() == "password123" && name == "Mike" && email == "mike@example.com"
            })
            .return_once(|_, _, _| Err(PolicyViolation::TooCommon));
        assert!(matches!(
            world.register().await,
            Err(Error::Refused(RegisterError::Policy(PolicyViolation::TooCommon)))
        ));
    }

    #[tokio::test]
    async fn overload_is_told_and_is_no_failure() {
        let mut world = World::new().released();
        world.policy.expect_check().return_once(|_, _, _| Ok(()));
        world.hasher.expect_hash().return_once(|_| Err(Error::Refused(Overloaded)));
        assert!(matches!(
            world.register().await,
            Err(Error::Refused(RegisterError::Overloaded(_)))
        ));
    }

    #[tokio::test]
    async fn a_network_with_too_many_failures_is_not_hashed_for() {
        let mut world = World::new();
        world.rates = MockRateLimiter::new();
        world.policy.expect_check().return_once(|_, _, _| Ok(()));
        let retry_after = Duration::from_secs(60);
        world
            .rates
            .expect_reserve()
            .return_once(move |_, _, _| Ok(Admission::Refused { retry_after }));
        let (result, trail) = world.recorded().await;
        assert!(matches!(result, Err(Error::Refused(RegisterError::TooManyAttempts(_)))));
        trail.has([(AuditAction::RegistrationRefused, AuditReason::NetworkLimit)]);
    }
}
