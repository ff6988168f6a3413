//! Passwords: their rules, the ports that hash and judge them, and changing one.

mod change_password;
mod hasher;
mod password;
mod policy;
mod port;

pub use change_password::{ChangePassword, ChangePasswordError, ChangePasswordInput};
#[cfg(feature = "mock")]
pub use hasher::MockPasswordHasher;
pub use hasher::{Overloaded, PasswordHasher, Permit, Verification};
pub use password::{CandidatePassword, NewPassword, PasswordHash, PasswordLength};
#[cfg(feature = "mock")]
pub use policy::MockPasswordPolicy;
pub use policy::{PasswordPolicy, PolicyViolation};
#[cfg(feature = "mock")]
pub use port::MockCredentialRepository;
pub use port::{CredentialRepository, CredentialVersion, Credentials, PasswordChange};
