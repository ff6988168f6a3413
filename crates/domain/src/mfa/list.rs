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

    /// Runs the use-case.
    ///
    /// # Errors
    /// The store failed.
    pub async fn execute(&self, caller: &Principal) -> Result<Factors, PortError> {
        let mut factors = Factors { has_app: false, passkeys: Vec::new() };
        if !caller.user.has_factor {
            return Ok(factors);
        }
        if let Some(ports) = &self.passkeys {
            factors.passkeys = ports.repository.list(caller.user.id).await?;
        }
        factors.has_app = self.repository.find(caller.user.id).await?.is_some();
        Ok(factors)
    }
}
