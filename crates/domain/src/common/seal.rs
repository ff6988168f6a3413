//! The port that encrypts what is kept.

use crate::common::PortError;

/// For what something is sealed. Each purpose has a key of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealPurpose {
    /// What a job is to do, what it reads, and what it reports.
    Jobs,
    /// The secrets of authenticators.
    TotpSecrets,
    /// Recovery codes, which are recognised and never opened.
    RecoveryCodes,
    /// The marks of forms, which are recognised and never opened.
    Forms,
}

impl SealPurpose {
    /// Its name, from which the key is derived. It never changes.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Jobs => "jobs",
            Self::TotpSecrets => "totp-secrets",
            Self::RecoveryCodes => "recovery-codes",
            Self::Forms => "forms",
        }
    }
}

/// Encrypts what is kept in a store, so that whoever can read the store alone learns nothing, and whoever
/// can write it cannot pass one thing off as another.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait Sealer: Send + Sync {
    /// Seals bytes for a purpose. The place names where they are kept, and MUST be needed to open them.
    ///
    /// # Errors
    /// The operating system gives no random bytes.
    fn seal(&self, purpose: SealPurpose, place: &str, plain: &[u8]) -> Result<Vec<u8>, PortError>;

    /// Opens what was sealed. `None`: it was not sealed for this purpose and place, or it was changed
    /// since, or its key is gone.
    fn open(&self, purpose: SealPurpose, place: &str, sealed: &[u8]) -> Option<Vec<u8>>;

    /// The id of the key that things are sealed with now: another one after the secret was changed.
    fn key_id(&self) -> String;

    /// By what a text is recognised that is not kept itself: an HMAC in hexadecimal digits, and the id of its
    /// key, for each key that is known; that of now comes first.
    fn fingerprints(
        &self,
        purpose: SealPurpose,
        place: &str,
        plain: &[u8],
    ) -> Vec<(String, String)>;
}

/// One that seals nothing and opens nothing: for what is put together without jobs.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoSealer;

impl Sealer for NoSealer {
    fn seal(&self, _: SealPurpose, _: &str, _: &[u8]) -> Result<Vec<u8>, PortError> {
        Err(PortError::internal("sealer", "there is none"))
    }

    fn open(&self, _: SealPurpose, _: &str, _: &[u8]) -> Option<Vec<u8>> {
        None
    }

    fn key_id(&self) -> String {
        String::new()
    }

    fn fingerprints(&self, _: SealPurpose, _: &str, _: &[u8]) -> Vec<(String, String)> {
        Vec::new()
    }
}
