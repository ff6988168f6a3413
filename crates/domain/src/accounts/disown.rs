//! Use-case: deleting an account that somebody else made with one's own address.

use std::sync::Arc;

use crate::access::Roles;
use crate::common::{Clock, Error, RequestContext};
use crate::one_time::{Disowning, OneTimeToken, OneTimeTokenRepository, Purpose, TokenInvalid};
use crate::ports::{Policy, Ports};

/// Deletes an account that nobody has proved an address of, by the token that was sent to its address:
/// whoever has the mailbox decides, and not whoever typed the address.
#[non_exhaustive]
pub struct DisownAccount {
    /// The tokens.
    pub tokens: Arc<dyn OneTimeTokenRepository>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Which role has which rights.
    pub roles: Arc<Roles>,
}

impl DisownAccount {
    /// On these ports, with this policy.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        let (tokens, clock) = (ports.one_time_tokens.clone(), ports.required.clock.clone());
        Self { tokens, clock, roles: policy.roles.clone() }
    }

    /// Runs the use-case.
    ///
    /// # Errors
    /// [`TokenInvalid`] also if the account has been verified since.
    pub async fn execute(
        &self,
        token: &OneTimeToken,
        request: RequestContext,
    ) -> Result<(), Error<TokenInvalid>> {
        let (digest, at) = (token.digest(), self.clock.now());
        let found = self.tokens.find(&digest, Purpose::VerifyEmail, at).await?;
        let user_id = found.ok_or(Error::Refused(TokenInvalid))?.user.id;
        let roles = self.roles.clone();
        self.tokens.disown(Disowning { digest, user_id, roles, at, request }).await?;
        tracing::info!(event = "account_disowned", %user_id);
        Ok(())
    }
}
