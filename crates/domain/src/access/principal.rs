//! The authenticated caller.

use std::sync::Arc;

use crate::accounts::User;
use crate::common::{SessionId, Timestamp};

/// The authenticated caller of a use-case: the user as the store has it now, not as a token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The user, shared with the session cache.
    pub user: Arc<User>,
    /// The session that the token named.
    pub session_id: SessionId,
    /// When the user last gave the password in this session.
    pub authenticated_at: Timestamp,
}

/// Why somebody who is logged in may do next to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Restriction {
    /// The password was set by somebody else.
    #[error("the password has to be changed first")]
    PasswordChange,
}

impl Principal {
    /// Whether the caller may do more than to see themselves, to do what is asked of them, and to log
    /// out. It follows from the account as it is now: once the password is changed, the same session may
    /// do everything.
    ///
    /// # Errors
    /// What is asked of the caller first.
    pub fn check_unrestricted(&self) -> Result<(), Restriction> {
        if self.user.must_change_password() { Err(Restriction::PasswordChange) } else { Ok(()) }
    }
}
