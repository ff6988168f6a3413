//! Passwords: their rules, the ports that hash and judge them, and changing one.

mod change_password;
mod forgot_password;
mod hasher;
mod make_reset_link;
mod password;
mod policy;
mod port;
mod prompt;
mod reset_password;
mod set_password;

pub use change_password::{ChangePassword, ChangePasswordError, ChangePasswordInput};
pub use forgot_password::{ForgotPassword, ForgotPasswordInput};
#[cfg(feature = "mock")]
pub use hasher::MockPasswordHasher;
pub use hasher::{Overloaded, PasswordHasher, Permit, Verification};
pub use make_reset_link::{MakeResetLink, MakeResetLinkError};
pub use password::{CandidatePassword, FirstPassword, NewPassword, PasswordHash, PasswordLength};
#[cfg(feature = "mock")]
pub use policy::MockPasswordPolicy;
pub use policy::{PasswordPolicy, PolicyViolation};
#[cfg(feature = "mock")]
pub use port::MockCredentialRepository;
pub use port::{CredentialRepository, CredentialVersion, Credentials, PasswordChange};
pub use prompt::{PasswordPrompt, PromptError};
pub use reset_password::{ResetPassword, ResetPasswordError, ResetPasswordInput};
pub use set_password::{FirstPasswords, PasswordChoice, SetPassword, SetPasswordError};
