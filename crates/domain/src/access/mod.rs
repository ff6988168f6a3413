//! Who calls, and what they may do.

mod guard;
mod principal;
pub mod rights;

pub use guard::{Allowed, Forbidden, Guard};
pub use principal::Principal;
