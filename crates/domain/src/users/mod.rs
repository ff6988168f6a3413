//! Accounts: the use-cases around profiles and their administration.

mod activate;
mod admin_guard;
mod create_admin;
mod deactivate;
mod get_user;
mod list_users;
mod update_profile;

pub use activate::{ActivateUser, ActivateUserError};
pub use admin_guard::AdminGuard;
pub use create_admin::{CreateAdmin, CreateAdminError, CreateAdminInput};
pub use deactivate::{DeactivateUser, DeactivateUserError};
pub use get_user::{GetUser, GetUserError};
pub use list_users::{ListUsers, ListUsersError};
pub use update_profile::{UpdateOwnProfile, UpdateOwnProfileError};
