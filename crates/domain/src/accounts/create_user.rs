//! Use-case: making an account for somebody else.

use std::sync::Arc;

use crate::access::Allowed;
use crate::access::rights::UsersWrite;
use crate::accounts::change_user::check_grant;
use crate::accounts::{
    AccountRepository, AttributeRules, CreateUserError, Email, ManageUserError, NewUser, Profile,
    Role, User, Username,
};
use crate::audit::{AuditAction, AuditContext};
use crate::common::{Error, Locale, RequestContext, Timestamp};
use crate::credentials::{
    FirstPasswords, NewPassword, Overloaded, PasswordChoice, PolicyViolation,
};
use crate::mail::{MailKind, Post};
use crate::ports::{Policy, Ports};

/// Whose account is made.
#[derive(Debug, Clone)]
pub struct CreateUserInput {
    /// The name.
    pub username: Username,
    /// The address.
    pub email: Email,
    /// The role.
    pub role: Role,
    /// The optional part.
    pub profile: Profile,
    /// The language of mails to the user, if it is known.
    pub locale: Option<Locale>,
    /// The password.
    pub password: PasswordChoice,
    /// Whether the user has to change it at the first login. One that is generated has to be changed.
    pub must_change: bool,
}

/// Why no account was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CreateUserRefusal {
    /// The caller may not give the role, or there is none such.
    #[error(transparent)]
    Role(#[from] ManageUserError),
    /// The password is too easy to guess.
    #[error(transparent)]
    Policy(#[from] PolicyViolation),
    /// Somebody has the name or the address.
    #[error(transparent)]
    Taken(#[from] CreateUserError),
    /// No capacity to hash.
    #[error(transparent)]
    Overloaded(#[from] Overloaded),
}

/// Makes an account for somebody. Who may register, and which names are reserved, does not matter: that
/// is for people who do it themselves.
#[non_exhaustive]
pub struct CreateUser {
    /// The accounts.
    pub accounts: Arc<dyn AccountRepository>,
    /// Makes the password, if none is given.
    pub passwords: FirstPasswords,
    /// Makes the mail that asks to prove the address.
    pub post: Post,
    /// The attributes that there are.
    pub attributes: Arc<AttributeRules>,
}

impl CreateUser {
    /// On these ports, with this policy.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        let accounts = ports.required.accounts.clone();
        let passwords = FirstPasswords::new(ports, policy);
        let attributes = policy.attributes.clone();
        Self { attributes, ..Self::standalone(accounts, passwords, Post::new(ports)) }
    }

    /// For a command that needs nothing else of menjin.
    pub fn standalone(
        accounts: Arc<dyn AccountRepository>,
        passwords: FirstPasswords,
        post: Post,
    ) -> Self {
        Self { accounts, passwords, post, attributes: Arc::default() }
    }

    /// Runs the use-case; returns the password as well if it was generated.
    ///
    /// # Errors
    /// See [`CreateUserRefusal`].
    pub async fn execute(
        &self,
        allowed: &Allowed<UsersWrite>,
        input: CreateUserInput,
    ) -> Result<(User, Option<NewPassword>), Error<CreateUserRefusal>> {
        check_grant(input.role, allowed).map_err(Error::cast)?;
        let attributes = input.profile.attributes.keys().copied();
        let refused = |error| Error::Refused(ManageUserError::Forbidden(error).into());
        self.attributes.check(allowed, attributes).map_err(refused)?;
        self.make(input, allowed.context().clone()).await
    }

    /// The same for the owner of the machine, who may give any role that there is.
    ///
    /// # Errors
    /// See [`CreateUserRefusal`].
    pub async fn execute_locally(
        &self,
        input: CreateUserInput,
        at: Timestamp,
    ) -> Result<(User, Option<NewPassword>), Error<CreateUserRefusal>> {
        self.make(input, AuditContext::anonymous(at, RequestContext::local())).await
    }

    async fn make(
        &self,
        input: CreateUserInput,
        context: AuditContext,
    ) -> Result<(User, Option<NewPassword>), Error<CreateUserRefusal>> {
        let CreateUserInput { username, email, role, profile, locale, password, must_change } =
            input;
        let (hash, generated) = self.passwords.hash(password.given, &username, &email).await?;
        let period = self.passwords.period(password.good_from, context.at);
        let user = NewUser {
            username,
            email,
            hash,
            role,
            profile,
            locale,
            is_active: true,
            is_verified: false,
            mail: self.post.mail(MailKind::VerifyEmail, locale, &context.request)?,
            first_password: (must_change || generated.is_some()).then_some(period),
            action: AuditAction::UserCreated,
            context,
        };
        let user = self.accounts.create(user).await.map_err(Error::cast)?;
        tracing::info!(event = "user_created", user_id = %user.id);
        Ok((user, generated))
    }
}
