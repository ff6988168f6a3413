//! Accounts: what an account is, its repository, and a file for each use-case on it.

mod account;
mod activate;
mod change_email;
mod create_admin;
mod deactivate;
mod delete;
mod disown;
mod email;
mod get;
mod list;
mod login_name;
mod port;
mod profile;
mod register;
mod registration_guard;
mod resend_verification;
mod role;
mod undo_email_change;
mod update_profile;
mod username;
mod verify_email;

pub use account::{Profile, User};
pub use activate::{ActivateUser, ActivateUserError};
pub use change_email::{
    ChangeEmail, ChangeEmailError, ChangeEmailInput, EmailChangeMode, WithdrawEmailChange,
};
pub use create_admin::{CreateAdmin, CreateAdminError, CreateAdminInput};
pub use deactivate::{DeactivateUser, DeactivateUserError};
pub use delete::{DeleteOwnAccountError, DeleteUser, DeleteUserError, RestoreUser};
pub use disown::DisownAccount;
pub use email::Email;
pub use get::{GetUser, UserNotFound};
pub use list::ListUsers;
pub use login_name::LoginName;
#[cfg(feature = "mock")]
pub use port::MockAccountRepository;
pub use port::{
    AccountRepository, AddressChange, CreateUserError, Deletion, DeletionScheduled, LastAdmin,
    NewUser, ProfileChanges, UpdateProfileError, UserPage, UserQuery,
};
pub use profile::{AvatarUrl, Bio, FullName, Phone};
pub use register::{Register, RegisterError, RegisterInput};
pub use registration_guard::RegistrationGuard;
pub use resend_verification::{ResendVerification, ResendVerificationInput};
pub use role::{RegistrableRole, Role, UnknownRole};
pub use undo_email_change::UndoEmailChange;
pub use update_profile::{UpdateOwnProfile, UpdateOwnProfileError, UpdateOwnProfileInput};
pub use username::{Username, UsernameLength};
pub use verify_email::{EmailProof, VerifyEmail, VerifyEmailError, VerifyEmailInput};
