//! Accounts: the use-cases around profiles and their administration.

mod activate;
mod admin_guard;
mod create_admin;
mod deactivate;
mod get_user;
mod lift_lock;
mod list_users;
mod see_lock;
mod update_profile;

pub use activate::{ActivateUser, ActivateUserError};
pub use admin_guard::AdminGuard;
pub use create_admin::{CreateAdmin, CreateAdminError, CreateAdminInput};
pub use deactivate::{DeactivateUser, DeactivateUserError};
pub use get_user::{GetUser, GetUserError};
pub use lift_lock::{LiftLock, LiftLockError};
pub use list_users::{ListUsers, ListUsersError};
pub use see_lock::{Lock, LockCount, SeeLock, SeeLockError};
pub use update_profile::{UpdateOwnProfile, UpdateOwnProfileError};
