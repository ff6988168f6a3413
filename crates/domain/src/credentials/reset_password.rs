//! Use-case: choosing a new password by a link.

use std::sync::Arc;

use crate::audit::{AuditAction, AuditContext, AuditReason, AuditTrail};
use crate::common::{Clock, Error, RequestContext};
use crate::credentials::{
    CandidatePassword, NewPassword, Overloaded, PasswordHasher, PasswordPolicy, PolicyViolation,
};
use crate::mail::{MailKind, Post};
use crate::one_time::{OneTimeToken, OneTimeTokenRepository, PasswordReset, Purpose, TokenInvalid};
use crate::ports::{Ports, RequiredPorts};

/// A new password, and the token that allows it.
#[derive(Debug, Clone)]
pub struct ResetPasswordInput {
    /// The token.
    pub token: OneTimeToken,
    /// The new password.
    pub new: NewPassword,
    /// The new password typed again, if the client sends it.
    pub confirmation: Option<CandidatePassword>,
    /// Where from.
    pub request: RequestContext,
}

/// Why the password was not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ResetPasswordError {
    /// The new one and its confirmation differ.
    #[error("the new password and its confirmation differ")]
    ConfirmationDiffers,
    /// The token is unknown, used, expired or void. Nothing tells which.
    #[error(transparent)]
    TokenInvalid(#[from] TokenInvalid),
    /// The new password is too easy to guess.
    #[error(transparent)]
    Policy(#[from] PolicyViolation),
    /// No capacity to hash.
    #[error(transparent)]
    Overloaded(#[from] Overloaded),
}

/// Replaces a password, ends all sessions of the account and tells its owner (OWASP ASVS 5.0, 6.4.3,
/// and its cheat sheet on forgotten passwords). Nobody is logged in by it: whoever has a second factor
/// is asked for it at the next login.
///
/// A password that is refused leaves the token as it is.
#[non_exhaustive]
pub struct ResetPassword {
    /// The tokens.
    pub tokens: Arc<dyn OneTimeTokenRepository>,
    /// Hashes.
    pub hasher: Arc<dyn PasswordHasher>,
    /// Judges the new password.
    pub policy: Arc<dyn PasswordPolicy>,
    /// Makes the mail that tells the owner.
    pub post: Post,
    /// Takes the failures.
    pub trail: Arc<dyn AuditTrail>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl ResetPassword {
    /// On these ports.
    pub(crate) fn new(ports: &Ports) -> Self {
        let RequiredPorts { hasher, password_policy, audit_trail, clock, .. } = &ports.required;
        Self {
            tokens: ports.one_time_tokens.clone(),
            hasher: hasher.clone(),
            policy: password_policy.clone(),
            post: Post::new(ports),
            trail: audit_trail.clone(),
            clock: clock.clone(),
        }
    }

    /// Runs the use-case.
    ///
    /// # Errors
    /// See [`ResetPasswordError`].
    pub async fn execute(
        &self,
        input: ResetPasswordInput,
    ) -> Result<(), Error<ResetPasswordError>> {
        let ResetPasswordInput { token, new, confirmation, request } = input;
        if confirmation.is_some_and(|again| again.expose() != new.expose()) {
            return Err(Error::Refused(ResetPasswordError::ConfirmationDiffers));
        }
        let digest = token.digest();
        let found = self.tokens.find(&digest, Purpose::ResetPassword, self.clock.now()).await?;
        let Some(holder) = found else { return Err(self.invalid(request)) };
        let user = &holder.user;
        let judged = self.policy.check(&new, user.username.as_str(), user.email.as_str());
        judged.map_err(|violation| Error::Refused(violation.into()))?;
        let reset = PasswordReset {
            digest,
            user_id: user.id,
            version: holder.version,
            hash: self.hasher.hash(&new).await.map_err(Error::cast)?,
            mail: self.post.mail(MailKind::PasswordChanged, None, &request)?,
            at: self.clock.now(),
            request: request.clone(),
        };
        match self.tokens.reset_password(reset).await {
            Ok(()) => {
                tracing::info!(event = "password_reset", user_id = %user.id);
                Ok(())
            }
            Err(Error::Refused(TokenInvalid)) => Err(self.invalid(request)),
            Err(Error::Port(error)) => Err(error.into()),
        }
    }

    fn invalid(&self, request: RequestContext) -> Error<ResetPasswordError> {
        let context = AuditContext::anonymous(self.clock.now(), request);
        let event = context.event(AuditAction::PasswordResetFailed);
        self.trail.note(event.because(AuditReason::InvalidToken));
        Error::Refused(TokenInvalid.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::{
        CredentialVersion, MockPasswordHasher, MockPasswordPolicy, PasswordLength,
    };
    use crate::one_time::{MockOneTimeTokenRepository, TokenHolder};
    use crate::testing::{self, Trail, USER, at};

    fn holder() -> TokenHolder {
        TokenHolder {
            user: testing::user(),
            version: CredentialVersion(3),
            is_proved: false,
            email: "mike@example.com".into(),
            gives_back: None,
            client: testing::client(),
            created_at: at(0),
            factor_since: None,
            is_oldest: true,
        }
    }

    async fn reset(
        tokens: MockOneTimeTokenRepository,
        policy: Result<(), PolicyViolation>,
        confirmation: &str,
    ) -> (Result<(), Error<ResetPasswordError>>, Arc<Trail>) {
        let (mut judge, mut hasher) = (MockPasswordPolicy::new(), MockPasswordHasher::new());
        judge.expect_check().returning(move |_, _, _| policy);
        hasher.expect_hash().returning(|_| Ok(testing::hash()));
        let trail = Arc::new(Trail::default());
        let use_case = ResetPassword {
            tokens: Arc::new(tokens),
            hasher: Arc::new(hasher),
            policy: Arc::new(judge),
            post: Post::none(testing::clock(9)),
            trail: trail.clone(),
            clock: testing::clock(9),
        };
        let input = ResetPasswordInput {
            token: OneTimeToken::from_bytes(&[7; 32]),
            new: NewPassword::parse("newpassword456", PasswordLength::DEFAULT).unwrap(),
            confirmation: Some(CandidatePassword::parse(confirmation).unwrap()),
            request: testing::request(),
        };
        (use_case.execute(input).await, trail)
    }

    fn found() -> MockOneTimeTokenRepository {
        let mut tokens = MockOneTimeTokenRepository::new();
        tokens
            .expect_find()
            .withf(|digest, purpose, now| {
                *digest == OneTimeToken::from_bytes(&[7; 32]).digest()
                    && *purpose == Purpose::ResetPassword
                    && *now == at(9)
            })
            .return_once(|_, _, _| Ok(Some(holder())));
        tokens
    }

    #[tokio::test]
    async fn w2_a_live_token_sets_the_password_for_the_version_it_was_read_with() {
        let mut tokens = found();
        tokens
            .expect_reset_password()
            .withf(|reset| {
                reset.user_id == USER && reset.version == CredentialVersion(3) && reset.at == at(9)
            })
            .times(1)
            .return_once(|_| Ok(()));
        let (result, trail) = reset(tokens, Ok(()), "newpassword456").await;
        result.unwrap();
        trail.has([]);
    }

    #[tokio::test]
    async fn w2_a_token_that_is_not_live_is_refused_and_recorded() {
        let mut unknown = MockOneTimeTokenRepository::new();
        unknown.expect_find().return_once(|_, _, _| Ok(None));
        let mut raced = found();
        raced.expect_reset_password().return_once(|_| Err(Error::Refused(TokenInvalid)));
        for tokens in [unknown, raced] {
            let (result, trail) = reset(tokens, Ok(()), "newpassword456").await;
            let expected = ResetPasswordError::TokenInvalid(TokenInvalid);
            assert!(matches!(result, Err(Error::Refused(error)) if error == expected));
            trail.has([(AuditAction::PasswordResetFailed, AuditReason::InvalidToken)]);
        }
    }

    #[tokio::test]
    async fn w2_a_password_that_is_refused_leaves_the_token_as_it_is() {
        let (result, _) = reset(found(), Err(PolicyViolation::TooCommon), "newpassword456").await;
        assert!(matches!(result, Err(Error::Refused(ResetPasswordError::Policy(_)))));
        let nobody = MockOneTimeTokenRepository::new();
        let (result, _) = reset(nobody, Ok(()), "newpassword457").await;
        assert!(matches!(result, Err(Error::Refused(ResetPasswordError::ConfirmationDiffers))));
    }
}
