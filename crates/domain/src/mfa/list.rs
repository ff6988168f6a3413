//! Use-case: listing one's own second factors.

use std::sync::Arc;

use crate::access::Principal;
use crate::common::PortError;
use crate::mfa::FactorRepository;
use crate::passkeys::{Passkey, PasskeyPorts};
use crate::ports::Ports;

/// The second factors of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Factors {
    /// Whether it has an authenticator app.
    pub has_app: bool,
    /// Its passkeys, the oldest first.
    pub passkeys: Vec<Passkey>,
}

/// Lists the second factors of the caller.
#[non_exhaustive]
pub struct ListFactors {
    repository: Arc<dyn FactorRepository>,
    passkeys: Option<PasskeyPorts>,
}

impl ListFactors {
    /// On these ports.
    pub(crate) fn new(ports: &Ports) -> Self {
        let repository = ports.factors.repository.clone();
        Self { repository, passkeys: ports.passkeys.clone() }
    }

    /// Whether there are passkeys on this server.
    pub fn knows_passkeys(&self) -> bool {
        self.passkeys.is_some()
    }

    /// Whether the caller has a passkey.
    ///
    /// # Errors
    /// The store failed.
    pub async fn has_passkey(&self, caller: &Principal) -> Result<bool, PortError> {
        Ok(!self.passkeys_of(caller).await?.is_empty())
    }

    async fn passkeys_of(&self, caller: &Principal) -> Result<Vec<Passkey>, PortError> {
        match &self.passkeys {
            Some(ports) if caller.user.has_factor => ports.repository.list(caller.user.id).await,
            _ => Ok(Vec::new()),
        }
    }

    /// Runs the use-case.
    ///
    /// # Errors
    /// The store failed.
    pub async fn execute(&self, caller: &Principal) -> Result<Factors, PortError> {
        let user = &caller.user;
        Ok(Factors {
            has_app: user.has_factor && self.repository.find(user.id).await?.is_some(),
            passkeys: self.passkeys_of(caller).await?,
        })
    }
}
