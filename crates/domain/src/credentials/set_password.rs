//! Use-case: giving somebody else a password.

use std::sync::Arc;
use std::time::Duration;

use crate::access::Allowed;
use crate::access::rights::UsersSetPassword;
use crate::accounts::{
    AccountChange, AccountRepository, Authority, ChangeUser, ChangeUserError, ManageUserError,
    User, UserNotFound,
};
use crate::common::{Error, PortError, Random, Timestamp, UserId};
use crate::credentials::{
    FirstPassword, NewPassword, Overloaded, PasswordHasher, PasswordPolicy, PolicyViolation,
};
use crate::mail::{MailKind, Post};
use crate::one_time::OneTimeToken;
use crate::ports::{Policy, Ports, RequiredPorts};

/// A password that is given or generated, and how long it is good.
#[derive(Debug, Clone)]
pub struct PasswordChoice {
    /// The password; `None`: one is generated.
    pub given: Option<NewPassword>,
    /// The first moment at which it is good; `None`: at once.
    pub good_from: Option<Timestamp>,
}

/// Why no password was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SetPasswordError {
    /// The account is not changed this way, or not by the caller.
    #[error(transparent)]
    Manage(#[from] ManageUserError),
    /// The password is too easy to guess.
    #[error(transparent)]
    Policy(#[from] PolicyViolation),
    /// No capacity to hash.
    #[error(transparent)]
    Overloaded(#[from] Overloaded),
}

/// Makes passwords for others, and says how long they are good.
#[derive(Clone)]
#[non_exhaustive]
pub struct FirstPasswords {
    /// Generates passwords.
    pub random: Arc<dyn Random>,
    /// For how long one is good.
    pub ttl: Duration,
}

impl FirstPasswords {
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        Self { random: ports.required.random.clone(), ttl: policy.first_password_ttl }
    }

    /// For a command that needs nothing else of menjin.
    pub fn standalone(random: Arc<dyn Random>, ttl: Duration) -> Self {
        Self { random, ttl }
    }

    /// A password of 60 random bits, which can be read aloud and typed: three groups of four digits and
    /// capital letters. Both dialects take it.
    ///
    /// # Errors
    /// The operating system gives no randomness.
    pub fn generate(&self) -> Result<NewPassword, PortError> {
        let (_, bits) = self.random.uuid()?.as_u64_pair();
        // Of a random UUID's lower half, 62 bits are random: all but the upper two.
        NewPassword::parse(
            OneTimeToken::code(bits).expose(),
            crate::credentials::PasswordLength::DEFAULT,
        )
        .map_err(|violation| PortError::internal("passwords", violation))
    }

    /// For how long a password is good that is set now.
    pub fn period(&self, good_from: Option<Timestamp>, now: Timestamp) -> FirstPassword {
        let from = good_from.map_or(now, |from| from.max(now));
        FirstPassword { from, until: from + self.ttl }
    }
}

/// Gives an account another password, which its user has to change at the next login. All its sessions
/// end, and the owner is told.
#[non_exhaustive]
pub struct SetPassword {
    /// The accounts.
    pub accounts: Arc<dyn AccountRepository>,
    /// Stores the password.
    pub change: ChangeUser,
    /// Makes it, if none is given.
    pub passwords: FirstPasswords,
    /// Hashes.
    pub hasher: Arc<dyn PasswordHasher>,
    /// Judges a password that is given.
    pub policy: Arc<dyn PasswordPolicy>,
    /// Makes the mail that tells the owner.
    pub post: Post,
}

impl SetPassword {
    /// On these ports, with this policy.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        let RequiredPorts { accounts, hasher, password_policy, .. } = &ports.required;
        Self {
            accounts: accounts.clone(),
            change: ChangeUser::new(ports, policy),
            passwords: FirstPasswords::new(ports, policy),
            hasher: hasher.clone(),
            policy: password_policy.clone(),
            post: Post::new(ports),
        }
    }

    /// For a command that needs nothing else of menjin.
    pub fn standalone(
        change: ChangeUser,
        passwords: FirstPasswords,
        hasher: Arc<dyn PasswordHasher>,
        policy: Arc<dyn PasswordPolicy>,
    ) -> Self {
        let (accounts, post) = (change.accounts.clone(), change.post.clone());
        Self { accounts, change, passwords, hasher, policy, post }
    }

    /// Runs the use-case; returns the password if it was generated.
    ///
    /// # Errors
    /// See [`SetPasswordError`].
    pub async fn execute(
        &self,
        allowed: &Allowed<UsersSetPassword>,
        id: UserId,
        choice: PasswordChoice,
    ) -> Result<Option<NewPassword>, Error<SetPasswordError>> {
        let good = self.passwords.period(choice.good_from, allowed.context().at);
        self.set(id, choice.given, Some(good), allowed.authority()).await
    }

    /// The same, whoever does it. Without a period the password need not be changed.
    ///
    /// # Errors
    /// See [`SetPasswordError`].
    pub async fn set(
        &self,
        id: UserId,
        given: Option<NewPassword>,
        first: Option<FirstPassword>,
        authority: Authority,
    ) -> Result<Option<NewPassword>, Error<SetPasswordError>> {
        let refused = |error: ManageUserError| Error::Refused(SetPasswordError::from(error));
        let user = self.accounts.find(id).await?.ok_or_else(|| refused(UserNotFound.into()))?;
        // Before it costs a hash. The store asks again.
        let reach = authority.reach.check(user.role);
        reach.map_err(|error| refused(ChangeUserError::from(error).into()))?;
        if let Some(given) = &given {
            self.judge(given, &user).map_err(|error| Error::Refused(error.into()))?;
        }
        let (password, is_generated) = match given {
            Some(given) => (given, false),
            None => (self.passwords.generate()?, true),
        };
        let change = AccountChange::SetPassword {
            hash: self.hasher.hash(&password).await.map_err(Error::cast)?,
            first,
            mail: self.post.mail(MailKind::PasswordChanged, None, &authority.context.request)?,
        };
        self.change.change(id, change, authority).await.map_err(Error::cast)?;
        Ok(is_generated.then_some(password))
    }

    fn judge(&self, password: &NewPassword, user: &User) -> Result<(), PolicyViolation> {
        self.policy.check(password, user.username.as_str(), user.email.as_str())
    }
}
