//! Use-case: taking away the second factor of somebody who has lost it.

use std::sync::Arc;

use crate::access::rights::UsersRemoveFactor;
use crate::access::{Allowed, OutOfReach};
use crate::accounts::{AccountRepository, Authority, UserNotFound};
use crate::common::{Error, UserId};
use crate::mail::{MailKind, Post};
use crate::mfa::{FactorRepository, NoFactor, Removal};
use crate::ports::Ports;

/// Why it stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RemoveFactorError {
    /// Nobody has the id.
    #[error(transparent)]
    NotFound(#[from] UserNotFound),
    /// The account has rights that whoever acts does not have.
    #[error(transparent)]
    OutOfReach(#[from] OutOfReach),
    /// Nobody takes their own away like this: that needs the password and a code.
    #[error("this is not done to one's own account")]
    OwnAccount,
    /// There is none.
    #[error(transparent)]
    NoFactor(#[from] NoFactor),
}

/// Takes a second factor away, with the passkeys and recovery codes. All sessions of the user end, the count of wrong
/// codes is cleared, and the owner is told.
#[non_exhaustive]
pub struct RemoveFactor {
    accounts: Arc<dyn AccountRepository>,
    repository: Arc<dyn FactorRepository>,
    post: Post,
}

impl RemoveFactor {
    /// On these ports.
    pub(crate) fn new(ports: &Ports) -> Self {
        Self::standalone(
            ports.required.accounts.clone(),
            ports.factors.repository.clone(),
            Post::new(ports),
        )
    }

    /// Of its parts, for a command that needs nothing else.
    pub fn standalone(
        accounts: Arc<dyn AccountRepository>,
        repository: Arc<dyn FactorRepository>,
        post: Post,
    ) -> Self {
        Self { accounts, repository, post }
    }

    /// Runs the use-case.
    ///
    /// # Errors
    /// See [`RemoveFactorError`].
    pub async fn execute(
        &self,
        allowed: &Allowed<UsersRemoveFactor>,
        user: UserId,
    ) -> Result<(), Error<RemoveFactorError>> {
        if allowed.caller() == user {
            return Err(Error::Refused(RemoveFactorError::OwnAccount));
        }
        self.by(user, allowed.authority()).await
    }

    /// The same for the owner of the machine.
    ///
    /// # Errors
    /// See [`RemoveFactorError`].
    pub async fn by(
        &self,
        user: UserId,
        authority: Authority,
    ) -> Result<(), Error<RemoveFactorError>> {
        self.accounts.find(user).await?.ok_or(Error::Refused(UserNotFound.into()))?;
        let mail = self.post.mail(MailKind::FactorRemoved, None, &authority.context.request)?;
        let removal = Removal {
            user_id: user,
            verified_version: None,
            keep_passkeys: false,
            keep_session: None,
            mail,
            authority,
        };
        if !self.repository.remove(removal).await.map_err(Error::cast)? {
            return Err(Error::Refused(NoFactor.into()));
        }
        tracing::info!(event = "factor_removed", user_id = %user);
        Ok(())
    }
}
