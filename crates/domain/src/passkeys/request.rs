//! Use-case: asking the browser of somebody who is logged in for a passkey.

use crate::access::Principal;
use crate::common::Error;
use crate::passkeys::{Challenges, NoPasskeys, PasskeyRequest};
use crate::ports::Ports;

/// Why there is nothing to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RequestPasskeyError {
    /// There are none on this server.
    #[error(transparent)]
    NoPasskeys(#[from] NoPasskeys),
    /// The caller has none.
    #[error("the user has no passkey")]
    HasNone,
}

/// Gives out a challenge for a passkey of the caller's, where something asks for a code of the second factor:
/// the answer is sent as the code.
#[non_exhaustive]
pub struct RequestPasskey(Option<Challenges>);

impl RequestPasskey {
    /// On these ports.
    pub(crate) fn new(ports: &Ports) -> Self {
        Self(Challenges::new(ports))
    }

    /// Runs the use-case.
    ///
    /// # Errors
    /// See [`RequestPasskeyError`].
    pub async fn execute(
        &self,
        caller: &Principal,
    ) -> Result<PasskeyRequest, Error<RequestPasskeyError>> {
        let challenges = self.0.as_ref().ok_or(Error::Refused(NoPasskeys.into()))?;
        challenges.second_factor(caller.user.id).await
    }
}
