//! Who calls, and what they may do.

mod guard;
mod principal;
pub mod rights;
mod roles;

pub use guard::{Allowed, Denied, Forbidden, Guard, ReauthenticationRequired};
pub use principal::{Principal, Restriction};
pub use roles::{OutOfReach, Reach, Rights, Roles};
