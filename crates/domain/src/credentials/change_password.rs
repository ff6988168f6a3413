//! Use-case: changing one's own password.

use std::sync::Arc;

use crate::access::Principal;
use crate::audit::{AuditAction, AuditContext, AuditReason, AuditTrail};
use crate::common::{Clock, Error, RequestContext};
use crate::credentials::{
    CandidatePassword, CredentialRepository, NewPassword, Overloaded, PasswordChange,
    PasswordHasher, PasswordPolicy, PasswordPrompt, PolicyViolation, PromptError,
};
use crate::lockout::PromptPurpose;
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
    /// The current one was not accepted.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// No capacity to hash.
    #[error(transparent)]
    Overloaded(#[from] Overloaded),
}

/// Changes the caller's password and ends all of the user's other sessions (OWASP ASVS 5.0, 7.4.3).
#[non_exhaustive]
pub struct ChangePassword {
    /// The passwords.
    pub credentials: Arc<dyn CredentialRepository>,
    /// Hashes.
    pub hasher: Arc<dyn PasswordHasher>,
    /// Judges the new password.
    pub policy: Arc<dyn PasswordPolicy>,
    /// Asks for the current password.
    pub prompt: PasswordPrompt,
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
            prompt: PasswordPrompt::new(ports, policy),
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
        let purpose = PromptPurpose::PasswordChange;
        let asked =
            self.prompt.ask(caller, purpose, &input.current, None, input.request.clone()).await;
        let credentials = match asked {
            Err(Error::Refused(PromptError::Stale)) => {
                return Err(self.stale(caller, input.request));
            }
            asked => asked.map_err(Error::cast)?,
        };
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

    fn stale(&self, caller: &Principal, request: RequestContext) -> Error<ChangePasswordError> {
        let event = AuditContext::by(caller, self.clock.now(), request)
            .event(AuditAction::PasswordChangeFailed)
            .on(caller.user.id);
        self.trail.note(event.because(AuditReason::AccountChanged));
        Error::Refused(PromptError::Stale.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::{
        CredentialVersion, MockCredentialRepository, MockPasswordHasher, MockPasswordPolicy,
        PasswordLength, Verification,
    };
    use crate::testing::{self, SESSION, Trail, USER, at};

    struct World {
        credentials: MockCredentialRepository,
        hasher: MockPasswordHasher,
        policy: MockPasswordPolicy,
        prompt: PasswordPrompt,
        trail: Arc<Trail>,
    }

    impl World {
        /// One in which the password is verified with this result, if it is asked for.
        fn new(verdict: Option<Verification>) -> Self {
            let (prompt, trail) = testing::prompt(verdict, 30);
            let mut policy = MockPasswordPolicy::new();
            if verdict.is_some() {
                policy.expect_check().return_once(|_, _, _| Ok(()));
            }
            Self {
                credentials: MockCredentialRepository::new(),
                hasher: MockPasswordHasher::new(),
                policy,
                prompt,
                trail,
            }
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
                prompt: self.prompt,
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
        let mut world = World::new(Some(RIGHT));
        world.hasher.expect_hash().times(1).return_once(|_| Ok(testing::hash()));
        world
            .credentials
            .expect_change_password()
            .withf(|change| {
                change.user_id == USER
                    && change.verified_version == CredentialVersion(3)
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
        let stale = ChangePasswordError::Prompt(PromptError::Stale);
        assert!(matches!(changed, Err(Error::Refused(error)) if error == stale));
        trail.has([(AuditAction::PasswordChangeFailed, AuditReason::AccountChanged)]);
    }

    #[tokio::test]
    async fn a_wrong_password_changes_nothing_and_counts() {
        let world = World::new(Some(Verification::Mismatch));
        let trail = world.trail.clone();
        let result = world.change("wrong", "newpassword456", None).await;
        let wrong = ChangePasswordError::Prompt(PromptError::WrongPassword);
        assert!(matches!(result, Err(Error::Refused(error)) if error == wrong));
        trail.has([(AuditAction::PasswordChangeFailed, AuditReason::WrongPassword)]);
    }

    #[tokio::test]
    async fn what_can_be_refused_without_hashing_is() {
        let result =
            World::new(None).change("password123", "newpassword456", Some("newpassword457")).await;
        assert!(matches!(result, Err(Error::Refused(ChangePasswordError::ConfirmationDiffers))));
        let result = World::new(None).change("password123", "password123", None).await;
        assert!(matches!(result, Err(Error::Refused(ChangePasswordError::Unchanged))));
        let mut world = World::new(None);
        world.policy.expect_check().return_once(|_, _, _| Err(PolicyViolation::TooCommon));
        let result = world.change("password123", "12345678", None).await;
        assert!(matches!(
            result,
            Err(Error::Refused(ChangePasswordError::Policy(PolicyViolation::TooCommon)))
        ));
    }
}
