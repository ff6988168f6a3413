//! Use-cases: asking for another address, to be confirmed by a link, and withdrawing that.

use std::sync::Arc;

use crate::access::{Principal, Roles};
use crate::accounts::Email;
use crate::audit::AuditContext;
use crate::common::{Clock, Error, PortError, RequestContext};
use crate::credentials::{CandidatePassword, PasswordPrompt, PromptError};
use crate::lockout::PromptPurpose;
use crate::mail::{MailKind, MailOff, Post};
use crate::mfa::FactorCode;
use crate::one_time::{EmailChangeRequest, OneTimeTokenRepository};
use crate::ports::{Policy, Ports};

/// Another address, and the password.
#[derive(Debug, Clone)]
pub struct ChangeEmailInput {
    /// The new address.
    pub email: Email,
    /// The password, as typed.
    pub current: CandidatePassword,
    /// A code of the second factor, where there is one.
    pub code: Option<FactorCode>,
    /// Where from.
    pub request: RequestContext,
}

/// Why no link is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChangeEmailError {
    /// It is the address of the account.
    #[error("the account has this address")]
    Unchanged,
    /// Without mails there are no links.
    #[error(transparent)]
    MailOff(#[from] MailOff),
    /// The password was not accepted.
    #[error(transparent)]
    Prompt(#[from] PromptError),
}

/// Sends a link to another address. Nothing changes before it is used, and nothing shows whether
/// somebody has the address already.
#[non_exhaustive]
pub struct ChangeEmail {
    /// The pending addresses.
    pub tokens: Arc<dyn OneTimeTokenRepository>,
    /// Asks for the password.
    pub prompt: PasswordPrompt,
    /// Makes the mail.
    pub post: Post,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl ChangeEmail {
    /// On these ports, with this policy.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        Self {
            tokens: ports.one_time_tokens.clone(),
            prompt: PasswordPrompt::new(ports, policy),
            post: Post::new(ports),
            clock: ports.required.clock.clone(),
        }
    }

    /// Runs the use-case.
    ///
    /// # Errors
    /// See [`ChangeEmailError`].
    pub async fn execute(
        &self,
        caller: &Principal,
        input: ChangeEmailInput,
    ) -> Result<(), Error<ChangeEmailError>> {
        let ChangeEmailInput { email, current, code, request } = input;
        let user = caller.user.id;
        if email.is_same_mailbox(&caller.user.email) {
            return Err(Error::Refused(ChangeEmailError::Unchanged));
        }
        let mail = self.post.mail(MailKind::ChangeEmail, None, &request)?;
        let mail = mail.ok_or(Error::Refused(ChangeEmailError::MailOff(MailOff)))?;
        let purpose = PromptPurpose::EmailChange;
        let asked =
            self.prompt.ask(caller, purpose, &current, code.as_ref(), request.clone()).await;
        let credentials = asked.map_err(Error::cast)?;
        let change = EmailChangeRequest {
            user_id: user,
            version: credentials.version,
            email,
            mail,
            context: AuditContext::by(caller, self.clock.now(), request),
        };
        if !self.tokens.request_email_change(change).await? {
            return Err(Error::Refused(PromptError::Stale.into()));
        }
        tracing::info!(event = "email_change_requested", user_id = %user);
        Ok(())
    }
}

/// Withdraws an address that was not confirmed. Without one it does nothing.
#[non_exhaustive]
pub struct WithdrawEmailChange {
    /// The pending addresses.
    pub tokens: Arc<dyn OneTimeTokenRepository>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl WithdrawEmailChange {
    /// On these ports.
    pub(crate) fn new(ports: &Ports) -> Self {
        let (tokens, clock) = (ports.one_time_tokens.clone(), ports.required.clock.clone());
        Self { tokens, clock }
    }

    /// Runs the use-case.
    ///
    /// # Errors
    /// A port failed.
    pub async fn execute(
        &self,
        caller: &Principal,
        request: RequestContext,
    ) -> Result<(), PortError> {
        let context = AuditContext::by(caller, self.clock.now(), request);
        self.tokens.withdraw_email_change(caller.user.id, context).await
    }
}

/// How people change the addresses of their accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmailChangeMode {
    /// With the profile, at once; the new address is proved afterwards.
    Direct,
    /// With the profile, at once, if the password is given as well.
    DirectByPassword,
    /// By a link to the new address, which changes nothing before it is used.
    Confirm,
}

impl EmailChangeMode {
    /// How it is for this account: whoever has rights loses them to whoever gets a new password by a
    /// mail to the address, so a session alone is not enough to change it.
    pub(crate) fn of(self, caller: &Principal, roles: &Roles, has_mail: bool) -> Self {
        let has_rights = roles.has_any(caller.user.role);
        match self {
            Self::Direct if has_rights && has_mail => Self::Confirm,
            Self::Direct if has_rights => Self::DirectByPassword,
            mode => mode,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{AuditAction, AuditReason};
    use crate::credentials::{CredentialVersion, Verification};
    use crate::one_time::MockOneTimeTokenRepository;
    use crate::testing::{self, Trail, USER, at};

    async fn change(
        post: Post,
        to: &str,
        verified: Option<Verification>,
        tokens: MockOneTimeTokenRepository,
    ) -> (Result<(), Error<ChangeEmailError>>, Arc<Trail>) {
        let (prompt, trail) = testing::prompt(verified, 9);
        let use_case =
            ChangeEmail { tokens: Arc::new(tokens), prompt, post, clock: testing::clock(9) };
        let input = ChangeEmailInput {
            code: None,
            email: Email::parse(to).unwrap(),
            current: CandidatePassword::parse("password123").unwrap(),
            request: testing::request(),
        };
        (use_case.execute(&testing::principal(), input).await, trail)
    }

    const RIGHT: Option<Verification> = Some(Verification::Match { needs_rehash: false });

    #[tokio::test]
    async fn q3_the_link_goes_out_for_the_credentials_that_were_verified() {
        let mut tokens = MockOneTimeTokenRepository::new();
        tokens
            .expect_request_email_change()
            .withf(|change| {
                change.user_id == USER
                    && change.version == CredentialVersion(3)
                    && change.email.as_str() == "new@example.com"
                    && change.mail.kind == MailKind::ChangeEmail
                    && change.context.at == at(9)
            })
            .times(1)
            .return_once(|_| Ok(true));
        let (result, trail) = change(testing::post(9), "new@example.com", RIGHT, tokens).await;
        result.unwrap();
        trail.has([]);
    }

    #[tokio::test]
    async fn q3_a_wrong_password_sends_nothing_and_is_recorded() {
        let tokens = MockOneTimeTokenRepository::new();
        let wrong = Some(Verification::Mismatch);
        let (result, trail) = change(testing::post(9), "new@example.com", wrong, tokens).await;
        let expected = ChangeEmailError::Prompt(PromptError::WrongPassword);
        assert!(matches!(result, Err(Error::Refused(error)) if error == expected));
        trail.has([(AuditAction::EmailChangeFailed, AuditReason::WrongPassword)]);
    }

    #[tokio::test]
    async fn q3_what_cannot_be_done_asks_for_no_password() {
        let nothing = MockOneTimeTokenRepository::new;
        let (same, _) = change(testing::post(9), "MIKE@example.com", None, nothing()).await;
        assert!(matches!(same, Err(Error::Refused(ChangeEmailError::Unchanged))));
        let off = Post::none(testing::clock(9));
        let (off, _) = change(off, "new@example.com", None, nothing()).await;
        assert!(matches!(off, Err(Error::Refused(ChangeEmailError::MailOff(MailOff)))));
    }

    #[tokio::test]
    async fn q3_a_password_that_changed_meanwhile_sends_nothing() {
        let mut tokens = MockOneTimeTokenRepository::new();
        tokens.expect_request_email_change().return_once(|_| Ok(false));
        let (result, _) = change(testing::post(9), "new@example.com", RIGHT, tokens).await;
        let expected = ChangeEmailError::Prompt(PromptError::Stale);
        assert!(matches!(result, Err(Error::Refused(error)) if error == expected));
    }

    #[test]
    fn q3_whoever_has_rights_needs_more_than_a_session() {
        use EmailChangeMode::{Confirm, Direct, DirectByPassword};
        let roles = Roles::default();
        for (mode, has_mail, of_admin, of_student) in [
            (Direct, true, Confirm, Direct),
            (Direct, false, DirectByPassword, Direct),
            (Confirm, true, Confirm, Confirm),
        ] {
            assert_eq!(mode.of(&testing::admin(), &roles, has_mail), of_admin);
            assert_eq!(mode.of(&testing::principal(), &roles, has_mail), of_student);
        }
    }
}
