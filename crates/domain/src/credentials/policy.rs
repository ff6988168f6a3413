//! The port that judges new passwords.

use crate::credentials::NewPassword;

/// Why a password was refused.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize,
)]
pub enum PolicyViolation {
    /// It is among those that everybody tries first.
    #[error("the password is too common")]
    TooCommon,
    /// It is the user name or the e-mail address.
    #[error("the password is the user name or the e-mail address")]
    EqualsIdentity,
    /// It is too easy to guess.
    #[error("the password is too easy to guess")]
    TooWeak,
}

/// Which passwords are too easy to guess.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait PasswordPolicy: Send + Sync {
    /// Judges a password for the account with this name and address.
    fn check(
        &self,
        password: &NewPassword,
        username: &str,
        email: &str,
    ) -> Result<(), PolicyViolation>;
}
