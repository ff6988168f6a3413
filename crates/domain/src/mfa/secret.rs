//! Secrets and recovery codes, as they are stored.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use secrecy::ExposeSecret as _;

use crate::common::{PortError, SealPurpose, Sealer, UserId};
use crate::mfa::{FactorPorts, FactorRepository, RecoveryDigest, SealedSecret, TotpSecret};

/// Seals the secrets of accounts: with a key of its own, and bound to the account.
#[derive(Clone)]
pub(crate) struct FactorSealer(pub(crate) Arc<dyn Sealer>);

impl FactorSealer {
    pub(crate) fn seal(&self, of: UserId, secret: &TotpSecret) -> Result<SealedSecret, PortError> {
        let plain = secret.expose_secret().as_bytes();
        let sealed = self.0.seal(SealPurpose::TotpSecrets, &place(of), plain)?;
        Ok(SealedSecret { sealed: STANDARD_NO_PAD.encode(sealed), key_id: self.0.key_id() })
    }

    /// # Errors
    /// It was changed, or its key is gone: then `auth.secret` was changed, and the one before is not listed
    /// any more.
    pub(crate) fn open(&self, of: UserId, secret: &SealedSecret) -> Result<TotpSecret, PortError> {
        let opened = || {
            let sealed = STANDARD_NO_PAD.decode(&secret.sealed).ok()?;
            let plain = self.0.open(SealPurpose::TotpSecrets, &place(of), &sealed)?;
            String::from_utf8(plain).ok()
        };
        opened().map(TotpSecret::from).ok_or_else(|| {
            let unreadable = "it cannot be decrypted: has auth.secret changed, and is the one before missing \
                              from auth.verify_only_secrets?";
            PortError::internal("the secret of a second factor", unreadable)
        })
    }

    /// The secret under the newest key, if it is under another.
    pub(crate) fn renewed(
        &self,
        of: UserId,
        secret: &SealedSecret,
    ) -> Result<Option<SealedSecret>, PortError> {
        if secret.key_id == self.0.key_id() {
            return Ok(None);
        }
        self.seal(of, &self.open(of, secret)?).map(Some)
    }

    /// By what a recovery code is recognised, under each key that is known; the newest comes first.
    pub(crate) fn recognise(&self, of: UserId, code: &str) -> Vec<RecoveryDigest> {
        let marks = self.0.fingerprints(SealPurpose::RecoveryCodes, &place(of), code.as_bytes());
        let digest = |(key_id, digest)| RecoveryDigest { key_id, digest };
        marks.into_iter().map(digest).collect()
    }
}

fn place(of: UserId) -> String {
    format!("user/{of}")
}

/// Encrypts secrets anew that an older `auth.secret` protects, so that it can be taken away some day. They
/// are also renewed when they are used.
pub struct ResealFactors {
    repository: Arc<dyn FactorRepository>,
    sealer: FactorSealer,
}

impl ResealFactors {
    /// On these ports.
    pub fn new(ports: &FactorPorts) -> Self {
        let sealer = FactorSealer(ports.sealer.clone());
        Self { repository: ports.repository.clone(), sealer }
    }

    /// Renews some, and returns how many.
    ///
    /// # Errors
    /// The store failed.
    pub async fn execute(&self) -> Result<u64, PortError> {
        let mut renewed = 0;
        for (user, before) in self.repository.of_other_keys(&self.sealer.0.key_id()).await? {
            // One whose key is gone is no reason to leave the others.
            let Ok(Some(after)) = self.sealer.renewed(user, &before) else { continue };
            renewed += u64::from(self.repository.reseal(user, &before, &after).await?);
        }
        Ok(renewed)
    }

    /// How many accounts have a factor or recovery codes that need an older secret.
    ///
    /// # Errors
    /// The store failed.
    pub async fn left(&self) -> Result<u64, PortError> {
        self.repository.count_of_other_keys(&self.sealer.0.key_id()).await
    }
}
