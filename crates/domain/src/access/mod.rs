//! Who calls, and what they may do.

mod guard;
mod principal;

pub use guard::AdminGuard;
pub use principal::{Forbidden, Principal};
