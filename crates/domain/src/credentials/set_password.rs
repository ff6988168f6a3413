//! Use-case: giving somebody else a password.

use std::sync::Arc;
use std::time::Duration;

use crate::access::Allowed;
use crate::access::rights::UsersSetPassword;
use crate::accounts::{
    AccountChange, Authority, ChangeUser, ChangeUserError, Email, ManageUserError, UserNotFound,
    Username,
};
use crate::common::{Error, PortError, Random, Timestamp, UserId};
use crate::credentials::{
    FirstPassword, NewPassword, Overloaded, PasswordHash, PasswordHasher, PasswordPolicy,
    PolicyViolation,
};
use crate::mail::MailKind;
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
    /// Judges those that are given.
    pub policy: Arc<dyn PasswordPolicy>,
    /// Hashes.
    pub hasher: Arc<dyn PasswordHasher>,
    /// For how long one is good.
    pub ttl: Duration,
}

impl FirstPasswords {
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        let RequiredPorts { random, password_policy, hasher, .. } = &ports.required;
        let (random, hasher) = (random.clone(), hasher.clone());
        let ttl = policy.first_password_ttl;
        Self { random, policy: password_policy.clone(), hasher, ttl }
    }

    /// For a command that needs nothing else of menjin.
    pub fn standalone(
        random: Arc<dyn Random>,
        policy: Arc<dyn PasswordPolicy>,
        hasher: Arc<dyn PasswordHasher>,
        ttl: Duration,
    ) -> Self {
        Self { random, policy, hasher, ttl }
    }

    /// The hash of the password that is given for this name and address, or of one that is generated;
    /// and the password if it is generated.
    pub(crate) async fn hash<E>(
        &self,
        given: Option<NewPassword>,
        username: &Username,
        email: &Email,
    ) -> Result<(PasswordHash, Option<NewPassword>), Error<E>>
    where
        E: std::error::Error + From<PolicyViolation> + From<Overloaded> + 'static,
    {
        let (password, is_generated) = match given {
            Some(given) => {
                let judged = self.policy.check(&given, username.as_str(), email.as_str());
                judged.map_err(|violation| Error::Refused(violation.into()))?;
                (given, false)
            }
            None => (self.generate()?, true),
        };
        let hash = self.hasher.hash(&password).await.map_err(Error::cast)?;
        Ok((hash, is_generated.then_some(password)))
    }

    /// A password of 60 random bits, which can be read aloud and typed: three groups of four digits and
    /// capital letters. Both dialects take it.
    pub(crate) fn generate(&self) -> Result<NewPassword, PortError> {
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
    /// Stores the password, and tells the owner.
    pub change: ChangeUser,
    /// Makes it, if none is given.
    pub passwords: FirstPasswords,
}

impl SetPassword {
    /// On these ports, with this policy.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        let passwords = FirstPasswords::new(ports, policy);
        Self { change: ChangeUser::new(ports, policy), passwords }
    }

    /// For a command that needs nothing else of menjin.
    pub fn standalone(change: ChangeUser, passwords: FirstPasswords) -> Self {
        Self { change, passwords }
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
        let found = self.change.accounts.find(id).await?;
        let user = found.ok_or_else(|| refused(UserNotFound.into()))?;
        // Before it costs a hash. The store asks again.
        let reach = authority.reach.check(user.role);
        reach.map_err(|error| refused(ChangeUserError::from(error).into()))?;
        let (hash, generated) = self.passwords.hash(given, &user.username, &user.email).await?;
        let request = &authority.context.request;
        let mail = self.change.post.mail(MailKind::PasswordChanged, None, request)?;
        let change = AccountChange::SetPassword { hash, first, mail };
        self.change.change(id, change, authority).await.map_err(Error::cast)?;
        Ok(generated)
    }
}
