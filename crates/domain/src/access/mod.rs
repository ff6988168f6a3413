//! Who calls, and what they may do.

mod guard;
mod principal;
pub mod rights;
mod roles;

pub use guard::{Allowed, Forbidden, Guard};
pub use principal::{Principal, Restriction};
pub use roles::{OutOfReach, Reach, Rights, Roles};
