//! A second factor: codes of an authenticator app (TOTP, RFC 6238), and recovery codes for when it is lost. The
//! other kind is [passkeys](crate::passkeys), whose answers are taken wherever a code is.

mod check;
mod code;
mod confirm;
mod disable;
mod enrol;
mod list;
mod port;
mod recovery;
mod remove;
mod secret;

pub use check::{FactorCheck, FactorError, FactorMethod};
pub use code::FactorCode;
pub use confirm::{ConfirmTotp, ConfirmTotpError};
pub use disable::{DisableMfa, DisableMfaError};
pub use enrol::{EnrolTotp, EnrolTotpError, TotpEnrolment};
pub use list::{Factors, ListFactors};
pub use port::{
    Confirmation, Enrolment, FactorPorts, FactorRepository, NewRecoveryCodes, NoFactors, NoTotp,
    Removal, SealedSecret, StoredFactor, Totp, TotpSecret, UsedRecoveryCode,
};
#[cfg(feature = "mock")]
pub use port::{MockFactorRepository, MockTotp};
pub use recovery::{RecoveryCodes, RecoveryDigest, RenewRecoveryCodes};
pub use remove::{RemoveFactor, RemoveFactorError};
pub(crate) use secret::FactorSealer;
pub use secret::ResealFactors;

/// The factor is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the user has no second factor")]
pub struct NoFactor;
