//! Accounts: what an account is, its repository, and a file for each use-case on it.

mod account;
mod attributes;
mod batch_job;
mod batch_spec;
mod change;
mod change_email;
mod change_many;
mod change_user;
mod create_admin;
mod create_user;
mod delete_own;
mod disown;
mod email;
mod get;
mod get_batch;
mod list;
mod login_name;
mod port;
mod profile;
mod register;
mod registration_guard;
mod resend_verification;
mod role;
mod search;
mod undo_email_change;
mod update_profile;
mod username;
mod verify_email;

pub use account::{Ban, Profile, User};
pub use attributes::{
    AttributeChanges, AttributeKind, AttributeName, AttributeProblem, AttributeRule,
    AttributeRules, AttributeValue, Attributes, InvalidAttributeName, attributes_of_stored,
    attributes_to_stored,
};
pub(crate) use batch_job::BatchJob;
pub use change::{Account, AccountChange, Authority, BanIsOver, ChangePlan, ChangeUserError, Ends};
pub use change_email::{
    ChangeEmail, ChangeEmailError, ChangeEmailInput, EmailChangeMode, WithdrawEmailChange,
};
pub use change_many::{
    BatchAction, BatchInput, BatchOf, BatchResult, ChangeUsers, ChangeUsersError, ChangedUsers,
    TooManyUsers,
};
pub use change_user::{ChangeUser, ManageUserError};
pub use create_admin::{CreateAdmin, CreateAdminError, CreateAdminInput};
pub use create_user::{CreateUser, CreateUserInput, CreateUserRefusal};
pub use delete_own::{DeleteOwnAccount, DeleteOwnAccountError};
pub use disown::DisownAccount;
pub use email::Email;
pub use get::{GetUser, UserNotFound};
pub use get_batch::GetBatch;
pub use list::ListUsers;
pub use login_name::LoginName;
#[cfg(feature = "mock")]
pub use port::MockAccountRepository;
pub use port::{
    AccountRepository, AddressChange, CreateUserError, DeletionScheduled, LastAdmin, NewUser,
    ProfileChanges, UpdateProfileError, UserPage, UserQuery,
};
pub use profile::{AvatarUrl, BanReason, Bio, FullName, Phone};
pub use register::{Register, RegisterError, RegisterInput};
pub use registration_guard::RegistrationGuard;
pub use resend_verification::{ResendVerification, ResendVerificationInput};
pub use role::{InvalidRole, RegistrableRole, Role};
pub use search::{
    FoundUsers, InvalidUserOrder, OnlyByName, Period, SearchTerm, SearchUsers, UserFilter,
    UserOrder, UserPosition, UserSearch, UserSort, search_form,
};
pub use undo_email_change::{RequestUndoError, UndoEmailChange, UndoEmailChangeError};
pub use update_profile::{UpdateOwnProfile, UpdateOwnProfileError, UpdateOwnProfileInput};
pub use username::{Username, UsernameLength};
pub use verify_email::{EmailProof, VerifyEmail, VerifyEmailError, VerifyEmailInput};
