//! Use-case: taking back a change of the address, by the link in the mail about it.

use std::sync::Arc;

use crate::accounts::User;
use crate::audit::{AuditAction, AuditContext, AuditReason, AuditTrail};
use crate::common::{Clock, Error, PortError, RequestContext};
use crate::lockout::TooManyAttempts;
use crate::mail::{MailKind, Post};
use crate::mfa::{FactorCheck, FactorCode, FactorError};
use crate::one_time::{
    EmailChangeUndo, OneTimeToken, OneTimeTokenRepository, Purpose, TokenHolder, TokenInvalid,
};
use crate::passkeys::{Challenges, NoPasskeys, PasskeyRequest, RequestPasskeyError};
use crate::ports::{Policy, Ports, RequiredPorts};

/// Why it is not taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UndoEmailChangeError {
    /// The token is unknown, used, expired or void. Nothing tells which.
    #[error(transparent)]
    TokenInvalid(#[from] TokenInvalid),
    /// There was a second factor before the change: a code of it is needed.
    #[error("a code of the second factor is needed")]
    CodeRequired,
    /// The code is wrong.
    #[error("the code is wrong, or was used before")]
    WrongCode,
    /// Too many wrong codes.
    #[error(transparent)]
    TooManyAttempts(#[from] TooManyAttempts),
}

/// Why no passkey is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RequestUndoError {
    /// See [`UndoEmailChangeError::TokenInvalid`].
    #[error(transparent)]
    TokenInvalid(#[from] TokenInvalid),
    /// There is none.
    #[error(transparent)]
    Passkey(#[from] RequestPasskeyError),
}

impl From<FactorError> for UndoEmailChangeError {
    fn from(error: FactorError) -> Self {
        match error {
            FactorError::WrongCode => Self::WrongCode,
            FactorError::TooManyAttempts(error) => error.into(),
        }
    }
}

/// Gives an account the address back that somebody took away, and ends all sessions. The password stays
/// as it is: after [`RESET_DELAY`](crate::one_time::RESET_DELAY) the owner gets a new one by mail. A second
/// factor goes, or a code of it is needed: see [`TokenHolder::keeps_factor`].
#[non_exhaustive]
pub struct UndoEmailChange {
    /// The tokens.
    pub tokens: Arc<dyn OneTimeTokenRepository>,
    /// Checks a code.
    pub factor: FactorCheck,
    /// Asks for passkeys, where there are any.
    pub(crate) challenges: Option<Challenges>,
    /// Makes the mails to both addresses.
    pub post: Post,
    /// Takes the failures.
    pub trail: Arc<dyn AuditTrail>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl UndoEmailChange {
    /// On these ports, with this policy.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        let RequiredPorts { audit_trail, clock, .. } = &ports.required;
        Self {
            tokens: ports.one_time_tokens.clone(),
            factor: FactorCheck::new(ports, policy),
            challenges: Challenges::new(ports),
            post: Post::new(ports),
            trail: audit_trail.clone(),
            clock: clock.clone(),
        }
    }

    /// Whose token this is, for a page that asks before it does anything.
    ///
    /// # Errors
    /// A port failed.
    pub async fn look(&self, token: &OneTimeToken) -> Result<Option<TokenHolder>, PortError> {
        self.tokens.find(&token.digest(), Purpose::UndoEmailChange, self.clock.now()).await
    }

    /// Asks the browser of whoever has the link for a passkey, where a code is needed: its answer is the code.
    ///
    /// # Errors
    /// See [`RequestUndoError`].
    pub async fn request_passkey(
        &self,
        token: &OneTimeToken,
    ) -> Result<PasskeyRequest, Error<RequestUndoError>> {
        let off = || Error::Refused(RequestPasskeyError::from(NoPasskeys).into());
        let challenges = self.challenges.as_ref().ok_or_else(off)?;
        let holder = self.look(token).await?.ok_or(Error::Refused(TokenInvalid.into()))?;
        challenges.second_factor(holder.user.id).await.map_err(Error::cast)
    }

    /// Runs the use-case.
    ///
    /// # Errors
    /// See [`UndoEmailChangeError`].
    pub async fn execute(
        &self,
        token: &OneTimeToken,
        code: Option<&FactorCode>,
        request: RequestContext,
    ) -> Result<User, Error<UndoEmailChangeError>> {
        let Some(holder) = self.look(token).await? else { return Err(self.invalid(request)) };
        if holder.keeps_factor() {
            let code = code.ok_or(Error::Refused(UndoEmailChangeError::CodeRequired))?;
            let checked = self.factor.of_login(holder.user.id, code, request.clone()).await;
            checked.map_err(Error::cast)?.succeeded().await;
        }
        let mut mails = Vec::new();
        for _address in ["the one that is back", "the one before"] {
            mails.extend(self.post.mail(MailKind::EmailRestored, None, &request)?);
        }
        let undo = EmailChangeUndo {
            digest: token.digest(),
            user_id: holder.user.id,
            mails,
            at: self.clock.now(),
            request: request.clone(),
        };
        match self.tokens.undo_email_change(undo).await {
            Ok(user) => {
                tracing::info!(event = "email_change_undone", user_id = %user.id);
                Ok(user)
            }
            Err(Error::Refused(TokenInvalid)) => Err(self.invalid(request)),
            Err(Error::Port(error)) => Err(error.into()),
        }
    }

    fn invalid(&self, request: RequestContext) -> Error<UndoEmailChangeError> {
        let context = AuditContext::anonymous(self.clock.now(), request);
        let event = context.event(AuditAction::EmailChangeUndoFailed);
        self.trail.note(event.because(AuditReason::InvalidToken));
        Error::Refused(TokenInvalid.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::CredentialVersion;
    use crate::one_time::MockOneTimeTokenRepository;
    use crate::testing::{self, Trail, USER, at};

    fn holder() -> TokenHolder {
        TokenHolder {
            user: testing::user(),
            version: CredentialVersion(3),
            is_proved: false,
            email: "mike@example.com".into(),
            gives_back: Some(testing::user().email),
            client: testing::client(),
            created_at: at(0),
            factor_since: None,
            is_oldest: true,
        }
    }

    async fn undo(
        found: bool,
        undone: Result<User, Error<TokenInvalid>>,
    ) -> (Result<User, Error<UndoEmailChangeError>>, Arc<Trail>) {
        let mut tokens = MockOneTimeTokenRepository::new();
        tokens
            .expect_find()
            .withf(|_, purpose, now| *purpose == Purpose::UndoEmailChange && *now == at(9))
            .return_once(move |_, _, _| Ok(found.then(holder)));
        tokens
            .expect_undo_email_change()
            .withf(|undo| {
                let to_both = undo.mails.iter().all(|mail| mail.kind == MailKind::EmailRestored);
                undo.user_id == USER && undo.mails.len() == 2 && to_both
            })
            .return_once(|_| undone);
        let trail = Arc::new(Trail::default());
        let use_case = UndoEmailChange {
            tokens: Arc::new(tokens),
            factor: testing::factor_check(9),
            challenges: None,
            post: testing::post(9),
            trail: trail.clone(),
            clock: testing::clock(9),
        };
        (
            use_case.execute(&OneTimeToken::from_bytes(&[7; 32]), None, testing::request()).await,
            trail,
        )
    }

    #[tokio::test]
    async fn q4_the_address_is_back_and_both_are_told() {
        let (result, trail) = undo(true, Ok(testing::user())).await;
        assert_eq!(result.unwrap(), testing::user());
        trail.has([]);
    }

    #[test]
    fn q4_a_factor_from_before_the_change_stays_and_a_planted_address_takes_none() {
        let at_ten = |factor_since, is_oldest| {
            TokenHolder { created_at: at(10), factor_since, is_oldest, ..holder() }.keeps_factor()
        };
        assert!(!at_ten(None, true) && !at_ten(None, false), "there is none");
        assert!(at_ten(Some(at(9)), true) && at_ten(Some(at(9)), false));
        assert!(!at_ten(Some(at(10)), true) && !at_ten(Some(at(11)), true));
        assert!(at_ten(Some(at(11)), false), "the address was there for a short time only");
    }

    #[tokio::test]
    async fn q4_a_token_that_is_not_live_is_refused_and_recorded() {
        for found in [false, true] {
            let (result, trail) = undo(found, Err(Error::Refused(TokenInvalid))).await;
            let invalid = UndoEmailChangeError::TokenInvalid(TokenInvalid);
            assert!(matches!(result, Err(Error::Refused(error)) if error == invalid));
            trail.has([(AuditAction::EmailChangeUndoFailed, AuditReason::InvalidToken)]);
        }
    }
}
