//! Use-case: changing one's own password.

use std::sync::Arc;

use crate::access::Principal;
use crate::audit::{AuditAction, AuditContext, AuditReason, AuditTrail};
use crate::common::{Clock, Error, RequestContext};
use crate::credentials::{
    CandidatePassword, CredentialRepository, Credentials, NewPassword, Overloaded, PasswordChange,
    PasswordHasher, PasswordPolicy, PolicyViolation, Verification,
};
use crate::lockout::{AttemptGuard, TooManyAttempts};
use crate::mail::{MailKind, Post};
use crate::ports::{Policy, Ports, RequiredPorts};

/// A change of one's own password.
#[derive(Debug, Clone)]
pub struct ChangePasswordInput {
    /// The current password, as typed.
    pub current: CandidatePassword,
    /// The new password.
    pub new: NewPassword,
    /// The new password typed again, if the client sends it.
    pub confirmation: Option<CandidatePassword>,
    /// Where from.
    pub request: RequestContext,
}

/// Why the password was not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChangePasswordError {
    /// The new one and its confirmation differ.
    #[error("the new password and its confirmation differ")]
    ConfirmationDiffers,
    /// The new password equals the current one.
    #[error("the new password equals the current one")]
    Unchanged,
    /// The new one is too easy to guess.
    #[error(transparent)]
    Policy(#[from] PolicyViolation),
    /// The current one is wrong.
    #[error("the current password is wrong")]
    WrongPassword,
    /// Too many failures, here and at login together.
    #[error(transparent)]
    TooManyAttempts(#[from] TooManyAttempts),
    /// The account was deactivated or its password changed meanwhile, so the caller is no longer
    /// authenticated.
    #[error("the account has changed meanwhile")]
    Stale,
    /// No capacity to hash.
    #[error(transparent)]
    Overloaded(#[from] Overloaded),
}

/// Changes the caller's password and ends all of the user's other sessions (OWASP ASVS 5.0, 7.4.3).
///
/// A wrong current password counts as a failed login: a stolen token must not be a way around the
/// limits.
#[non_exhaustive]
pub struct ChangePassword {
    /// The passwords.
    pub credentials: Arc<dyn CredentialRepository>,
    /// Verifies and hashes.
    pub hasher: Arc<dyn PasswordHasher>,
    /// Judges the new password.
    pub policy: Arc<dyn PasswordPolicy>,
    /// Counts failures.
    pub attempts: AttemptGuard,
    /// Makes the mail that tells the owner.
    pub post: Post,
    /// Takes the other failures.
    pub trail: Arc<dyn AuditTrail>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl ChangePassword {
    /// On these ports, with this policy.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        let RequiredPorts { credentials, hasher, password_policy, audit_trail, clock, .. } =
            &ports.required;
        Self {
            credentials: credentials.clone(),
            hasher: hasher.clone(),
            policy: password_policy.clone(),
            attempts: AttemptGuard::new(ports, policy),
            post: Post::new(ports),
            trail: audit_trail.clone(),
            clock: clock.clone(),
        }
    }

    /// Runs the use-case.
    ///
    /// # Errors
    /// See [`ChangePasswordError`].
    pub async fn execute(
        &self,
        caller: &Principal,
        input: ChangePasswordInput,
    ) -> Result<(), Error<ChangePasswordError>> {
        // The policy comes before the hash: a password that is refused anyway must not cost a hash,
        // and must not count as a failure.
        self.check(caller, &input).map_err(Error::Refused)?;
        let credentials = self.verify(caller, &input).await?;
        let change = PasswordChange {
            user_id: caller.user.id,
            verified_version: credentials.version,
            hash: self.hasher.hash(&input.new).await.map_err(Error::cast)?,
            keep_session: caller.session_id,
            mail: self.post.mail(MailKind::PasswordChanged, None, &input.request)?,
            at: self.clock.now(),
            request: input.request.clone(),
        };
        if !self.credentials.change_password(change).await? {
            return Err(self.stale(caller, input.request));
        }
        tracing::info!(event = "password_changed", user_id = %caller.user.id);
        Ok(())
    }

    /// Checks what needs no hash.
    fn check(
        &self,
        caller: &Principal,
        input: &ChangePasswordInput,
    ) -> Result<(), ChangePasswordError> {
        if input.confirmation.as_ref().is_some_and(|again| again.expose() != input.new.expose()) {
            return Err(ChangePasswordError::ConfirmationDiffers);
        }
        if input.new.expose() == input.current.expose() {
            return Err(ChangePasswordError::Unchanged);
        }
        let user = &caller.user;
        Ok(self.policy.check(&input.new, user.username.as_str(), user.email.as_str())?)
    }

    async fn verify(
        &self,
        caller: &Principal,
        input: &ChangePasswordInput,
    ) -> Result<Credentials, Error<ChangePasswordError>> {
        let Some(credentials) = self.credentials.find_by_id(caller.user.id).await? else {
            return Err(self.stale(caller, input.request.clone()));
        };
        let begun = self.attempts.begin_change(caller, input.request.clone()).await;
        let attempt = begun.map_err(Error::cast)?;
        match self.hasher.verify(&input.current, Some(credentials.hash.clone())).await {
            Ok(Verification::Match { .. }) => attempt.succeeded().await,
            Ok(Verification::Mismatch) => {
                attempt.failed(AuditReason::WrongPassword);
                return Err(Error::Refused(ChangePasswordError::WrongPassword));
            }
            Err(error) => {
                attempt.undecided().await;
                return Err(error.cast());
            }
        }
        Ok(credentials)
    }

    fn stale(&self, caller: &Principal, request: RequestContext) -> Error<ChangePasswordError> {
        let event = AuditContext::by(caller, self.clock.now(), request)
            .event(AuditAction::PasswordChangeFailed)
            .on(caller.user.id);
        self.trail.note(event.because(AuditReason::AccountChanged));
        Error::Refused(ChangePasswordError::Stale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::{
        CredentialVersion, MockCredentialRepository, MockPasswordHasher, MockPasswordPolicy,
        PasswordLength,
    };
    use crate::lockout::{
        Admission, LockoutSubject, LoginLimits, MockLockoutRepository, MockRateLimiter,
    };
    use crate::testing::{self, SESSION, Trail, USER, at};

    struct World {
        credentials: MockCredentialRepository,
        hasher: MockPasswordHasher,
        policy: MockPasswordPolicy,
        lockouts: MockLockoutRepository,
        rates: MockRateLimiter,
        trail: Arc<Trail>,
    }

    impl World {
        fn new() -> Self {
            Self {
                credentials: MockCredentialRepository::new(),
                hasher: MockPasswordHasher::new(),
                policy: MockPasswordPolicy::new(),
                lockouts: MockLockoutRepository::new(),
                rates: MockRateLimiter::new(),
                trail: Arc::default(),
            }
        }

        /// A world in which the password is verified, with this result.
        fn verifying(verdict: Verification) -> Self {
            let mut world = Self::new();
            world.policy.expect_check().return_once(|_, _, _| Ok(()));
            world.rates.expect_reserve().return_once(|_, _, _| Ok(Admission::Admitted));
            world
                .lockouts
                .expect_reserve()
                .withf(|subject, _, _, _| *subject == LockoutSubject::Account(USER))
                .times(1)
                .return_once(|_, _, _, _| Ok(Admission::Admitted));
            world
                .credentials
                .expect_find_by_id()
                .return_once(|_| Ok(Some(testing::credentials(4))));
            world.hasher.expect_verify().times(1).return_once(move |_, _| Ok(verdict));
            world
        }

        async fn change(
            self,
            current: &str,
            new: &str,
            again: Option<&str>,
        ) -> Result<(), Error<ChangePasswordError>> {
            let clock = testing::clock(30);
            let use_case = ChangePassword {
                credentials: Arc::new(self.credentials),
                hasher: Arc::new(self.hasher),
                policy: Arc::new(self.policy),
                attempts: AttemptGuard {
                    lockouts: Arc::new(self.lockouts),
                    rates: Arc::new(self.rates),
                    clock: clock.clone(),
                    trail: self.trail.clone(),
                    limits: Some(LoginLimits::DEFAULT),
                },
                trail: self.trail,
                post: Post::none(clock.clone()),
                clock,
            };
            let input = ChangePasswordInput {
                current: CandidatePassword::parse(current).unwrap(),
                new: NewPassword::parse(new, PasswordLength::DEFAULT).unwrap(),
                confirmation: again.map(|again| CandidatePassword::parse(again).unwrap()),
                request: testing::request(),
            };
            use_case.execute(&testing::principal(), input).await
        }
    }

    const RIGHT: Verification = Verification::Match { needs_rehash: false };

    async fn changed(stored: bool) -> (Result<(), Error<ChangePasswordError>>, Arc<Trail>) {
        let mut world = World::verifying(RIGHT);
        world.lockouts.expect_succeed().times(1).return_once(|_, _| Ok(()));
        world.rates.expect_release().times(1).return_once(|_| Ok(()));
        world.hasher.expect_hash().times(1).return_once(|_| Ok(testing::hash()));
        world
            .credentials
            .expect_change_password()
            .withf(|change| {
                change.user_id == USER
                    && change.verified_version == CredentialVersion(4)
                    && change.keep_session == SESSION
                    && change.at == at(30)
                    && change.request == testing::request()
            })
            .times(1)
            .return_once(move |_| Ok(stored));
        let trail = world.trail.clone();
        (world.change("password123", "newpassword456", Some("newpassword456")).await, trail)
    }

    #[tokio::test]
    async fn t18_the_change_keeps_only_the_callers_session() {
        let (changed, trail) = changed(true).await;
        changed.unwrap();
        trail.has([]);
    }

    #[tokio::test]
    async fn x3_a_change_meanwhile_wins() {
        let (changed, trail) = changed(false).await;
        assert!(matches!(changed, Err(Error::Refused(ChangePasswordError::Stale))));
        trail.has([(AuditAction::PasswordChangeFailed, AuditReason::AccountChanged)]);
    }

    #[tokio::test]
    async fn a_wrong_password_changes_nothing_and_counts() {
        let world = World::verifying(Verification::Mismatch);
        let trail = world.trail.clone();
        let result = world.change("wrong", "newpassword456", None).await;
        assert!(matches!(result, Err(Error::Refused(ChangePasswordError::WrongPassword))));
        trail.has([(AuditAction::PasswordChangeFailed, AuditReason::WrongPassword)]);
    }

    #[tokio::test]
    async fn what_can_be_refused_without_hashing_is() {
        let result =
            World::new().change("password123", "newpassword456", Some("newpassword457")).await;
        assert!(matches!(result, Err(Error::Refused(ChangePasswordError::ConfirmationDiffers))));
        let result = World::new().change("password123", "password123", None).await;
        assert!(matches!(result, Err(Error::Refused(ChangePasswordError::Unchanged))));
        let mut world = World::new();
        world.policy.expect_check().return_once(|_, _, _| Err(PolicyViolation::TooCommon));
        let result = world.change("password123", "12345678", None).await;
        assert!(matches!(
            result,
            Err(Error::Refused(ChangePasswordError::Policy(PolicyViolation::TooCommon)))
        ));
    }
}
