//! Use-case: changing one's own profile.

use std::sync::Arc;

use crate::access::{Principal, Roles};
use crate::accounts::{
    AccountRepository, AddressChange, Email, EmailChangeMode, ProfileChanges, UpdateProfileError,
    User,
};
use crate::audit::{AuditAction, AuditContext, AuditReason, AuditTrail};
use crate::common::{Clock, Error, RequestContext};
use crate::credentials::{CandidatePassword, PasswordPrompt, PromptError};
use crate::lockout::PromptPurpose;
use crate::mail::Post;
use crate::mfa::FactorCode;
use crate::ports::{Policy, Ports, RequiredPorts};

/// Changes to one's own profile.
#[derive(Debug, Clone)]
pub struct UpdateOwnProfileInput {
    /// The changes. What else there is to a change of the address is found out here.
    pub changes: ProfileChanges,
    /// The password, if it was typed: it counts for another address only.
    pub current: Option<CandidatePassword>,
    /// A code of the second factor, which the password needs where there is one.
    pub code: Option<FactorCode>,
    /// Where from.
    pub request: RequestContext,
}

/// Why the profile was not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UpdateOwnProfileError {
    /// Somebody else has the address.
    #[error("the e-mail address is taken")]
    EmailTaken,
    /// Another address needs a link to it.
    #[error("another e-mail address has to be confirmed")]
    EmailNeedsConfirmation,
    /// Another address needs the password.
    #[error("another e-mail address needs the password")]
    EmailNeedsPassword,
    /// The password was not accepted, or the account has changed meanwhile.
    #[error(transparent)]
    Prompt(#[from] PromptError),
}

/// Changes the caller's own profile. If nothing is to change, nothing is written or recorded, and
/// `updated_at` stays.
#[non_exhaustive]
pub struct UpdateOwnProfile {
    /// The accounts.
    pub accounts: Arc<dyn AccountRepository>,
    /// Asks for the password.
    pub prompt: PasswordPrompt,
    /// Makes the mails of a changed address.
    pub post: Post,
    /// Takes the failures.
    pub trail: Arc<dyn AuditTrail>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// How addresses change.
    pub email_change: EmailChangeMode,
    /// Which role has which rights.
    pub roles: Arc<Roles>,
}

impl UpdateOwnProfile {
    /// On these ports, with this policy.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        let RequiredPorts { accounts, audit_trail, clock, .. } = &ports.required;
        Self {
            accounts: accounts.clone(),
            prompt: PasswordPrompt::new(ports, policy),
            post: Post::new(ports),
            trail: audit_trail.clone(),
            clock: clock.clone(),
            email_change: policy.email_change,
            roles: policy.roles.clone(),
        }
    }

    /// Runs the use-case.
    ///
    /// # Errors
    /// See [`UpdateOwnProfileError`].
    pub async fn execute(
        &self,
        caller: &Principal,
        input: UpdateOwnProfileInput,
    ) -> Result<User, Error<UpdateOwnProfileError>> {
        let UpdateOwnProfileInput { mut changes, current, code, request } = input;
        if changes.is_empty() {
            return Ok(User::clone(&caller.user));
        }
        if let Some(email) = &changes.email {
            changes.address = self.address_change(caller, email, (current, code), &request).await?;
        }
        let id = caller.user.id;
        let context = AuditContext::by(caller, self.clock.now(), request);
        let (reason, error) = match self.accounts.update_profile(id, changes, context.clone()).await
        {
            Ok(Some(user)) => return Ok(user),
            Ok(None) => (AuditReason::AccountChanged, PromptError::Stale.into()),
            Err(Error::Refused(UpdateProfileError::EmailTaken)) => {
                (AuditReason::EmailTaken, UpdateOwnProfileError::EmailTaken)
            }
            // The caller's copy of the account was older than the account.
            Err(Error::Refused(UpdateProfileError::AnotherMailbox)) => {
                return Err(Error::Refused(UpdateOwnProfileError::EmailNeedsConfirmation));
            }
            Err(Error::Port(error)) => return Err(error.into()),
        };
        self.trail.note(context.event(AuditAction::ProfileUpdateFailed).on(id).because(reason));
        Err(Error::Refused(error))
    }

    /// Whether the address may become this one, and what is sent then.
    async fn address_change(
        &self,
        caller: &Principal,
        email: &Email,
        (current, code): (Option<CandidatePassword>, Option<FactorCode>),
        request: &RequestContext,
    ) -> Result<AddressChange, Error<UpdateOwnProfileError>> {
        let mode = self.email_change.of(caller, &self.roles, self.post.sends_mails());
        if email.is_same_mailbox(&caller.user.email) {
            return Ok(AddressChange::default());
        }
        match mode {
            EmailChangeMode::Confirm => {
                return Err(Error::Refused(UpdateOwnProfileError::EmailNeedsConfirmation));
            }
            EmailChangeMode::DirectByPassword if current.is_none() => {
                return Err(Error::Refused(UpdateOwnProfileError::EmailNeedsPassword));
            }
            EmailChangeMode::DirectByPassword | EmailChangeMode::Direct => {}
        }
        if let Some(current) = &current {
            let purpose = PromptPurpose::EmailChange;
            let asked =
                self.prompt.ask(caller, purpose, current, code.as_ref(), request.clone()).await;
            asked.map_err(Error::cast)?;
        }
        Ok(AddressChange {
            is_allowed: true,
            by_password: current.is_some(),
            mails: self.post.of_email_change(false, request)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::MockAccountRepository;
    use crate::common::Patch;
    use crate::credentials::Verification;
    use crate::mail::MailKind;
    use crate::testing::{self, Trail, at};

    fn phone() -> ProfileChanges {
        ProfileChanges { phone: Patch::Clear, ..ProfileChanges::default() }
    }

    fn email(address: &str) -> ProfileChanges {
        let email = Email::parse(address).unwrap();
        ProfileChanges { email: Some(email), ..ProfileChanges::default() }
    }

    struct World {
        accounts: MockAccountRepository,
        caller: Principal,
        post: Post,
        mode: EmailChangeMode,
        current: Option<&'static str>,
        verified: Option<Verification>,
    }

    impl World {
        fn new() -> Self {
            Self {
                accounts: MockAccountRepository::new(),
                caller: testing::principal(),
                post: testing::post(9),
                mode: EmailChangeMode::Direct,
                current: None,
                verified: None,
            }
        }

        /// The store answers this to changes that are so.
        fn storing(
            mut self,
            so: impl Fn(&ProfileChanges) -> bool + Send + 'static,
            result: Result<Option<User>, Error<UpdateProfileError>>,
        ) -> Self {
            let context = AuditContext::by(&self.caller, at(9), testing::request());
            self.accounts
                .expect_update_profile()
                .withf(move |_, changes, by| so(changes) && *by == context)
                .times(1)
                .return_once(|_, _, _| result);
            self
        }

        async fn update(
            self,
            changes: ProfileChanges,
        ) -> (Result<User, Error<UpdateOwnProfileError>>, Arc<Trail>) {
            let (prompt, trail) = testing::prompt(self.verified, 9);
            let use_case = UpdateOwnProfile {
                accounts: Arc::new(self.accounts),
                prompt,
                post: self.post,
                trail: trail.clone(),
                clock: testing::clock(9),
                email_change: self.mode,
                roles: Arc::default(),
            };
            let input = UpdateOwnProfileInput {
                code: None,
                changes,
                current: self.current.map(|typed| CandidatePassword::parse(typed).unwrap()),
                request: testing::request(),
            };
            (use_case.execute(&self.caller, input).await, trail)
        }
    }

    #[tokio::test]
    async fn the_callers_profile_changes() {
        let world = World::new().storing(|changes| *changes == phone(), Ok(Some(testing::user())));
        let (user, trail) = world.update(phone()).await;
        assert_eq!(user.unwrap(), testing::user());
        trail.has([]);
    }

    #[tokio::test]
    async fn refusals_are_told_apart() {
        let taken = Err(Error::Refused(UpdateProfileError::EmailTaken));
        let (taken, trail) = World::new().storing(|_| true, taken).update(phone()).await;
        assert!(matches!(taken, Err(Error::Refused(UpdateOwnProfileError::EmailTaken))));
        trail.has([(AuditAction::ProfileUpdateFailed, AuditReason::EmailTaken)]);
        let (stale, trail) = World::new().storing(|_| true, Ok(None)).update(phone()).await;
        let expected = UpdateOwnProfileError::Prompt(PromptError::Stale);
        assert!(matches!(stale, Err(Error::Refused(error)) if error == expected));
        trail.has([(AuditAction::ProfileUpdateFailed, AuditReason::AccountChanged)]);
    }

    #[tokio::test]
    async fn no_change_writes_nothing() {
        let (user, trail) = World::new().update(ProfileChanges::default()).await;
        assert_eq!(user.unwrap(), testing::user());
        trail.has([]);
    }

    #[tokio::test]
    async fn q3_another_address_is_told_to_the_one_before_and_has_to_be_proved() {
        let so = |changes: &ProfileChanges| {
            let AddressChange { is_allowed, by_password, mails } = &changes.address;
            let mails = mails.as_ref().unwrap();
            let kinds = (mails.notice.kind, mails.verification.as_ref().unwrap().kind);
            *is_allowed && !by_password && kinds == (MailKind::EmailChanged, MailKind::VerifyEmail)
        };
        let world = World::new().storing(so, Ok(Some(testing::user())));
        world.update(email("new@example.com")).await.0.unwrap();
        // The same mailbox, written in another way.
        let so = |changes: &ProfileChanges| changes.address == AddressChange::default();
        let world = World::new().storing(so, Ok(Some(testing::user())));
        world.update(email("MIKE@example.com")).await.0.unwrap();
    }

    #[tokio::test]
    async fn q3_the_password_counts_if_it_is_right() {
        let right = Verification::Match { needs_rehash: false };
        let so = |changes: &ProfileChanges| changes.address.by_password;
        let world = World { current: Some("password123"), verified: Some(right), ..World::new() };
        let world = world.storing(so, Ok(Some(testing::user())));
        world.update(email("new@example.com")).await.0.unwrap();
        let world = World {
            current: Some("wrong"),
            verified: Some(Verification::Mismatch),
            ..World::new()
        };
        let (refused, trail) = world.update(email("new@example.com")).await;
        let expected = UpdateOwnProfileError::Prompt(PromptError::WrongPassword);
        assert!(matches!(refused, Err(Error::Refused(error)) if error == expected));
        trail.has([(AuditAction::EmailChangeFailed, AuditReason::WrongPassword)]);
    }

    #[tokio::test]
    async fn q3_where_it_has_to_be_confirmed_nothing_is_written() {
        let confirm = World { mode: EmailChangeMode::Confirm, ..World::new() };
        let admin = World { caller: testing::admin(), ..World::new() };
        for world in [confirm, admin] {
            let (refused, _) = world.update(email("new@example.com")).await;
            let expected = UpdateOwnProfileError::EmailNeedsConfirmation;
            assert!(matches!(refused, Err(Error::Refused(error)) if error == expected));
        }
        let post = Post::none(testing::clock(9));
        let without_mail = World { caller: testing::admin(), post, ..World::new() };
        let (refused, _) = without_mail.update(email("new@example.com")).await;
        let expected = UpdateOwnProfileError::EmailNeedsPassword;
        assert!(matches!(refused, Err(Error::Refused(error)) if error == expected));
        // An older copy of the account showed the caller the new address as the current one.
        let another = Err(Error::Refused(UpdateProfileError::AnotherMailbox));
        let stale = World { mode: EmailChangeMode::Confirm, ..World::new() };
        let (refused, _) = stale.storing(|_| true, another).update(email("mike@example.com")).await;
        let expected = UpdateOwnProfileError::EmailNeedsConfirmation;
        assert!(matches!(refused, Err(Error::Refused(error)) if error == expected));
    }
}
