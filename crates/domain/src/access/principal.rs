//! The authenticated caller.

use std::sync::Arc;

use crate::accounts::User;
use crate::common::SessionId;

/// The authenticated caller of a use-case: the user as the store has it now, not as a token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The user, shared with whoever remembers the session.
    pub user: Arc<User>,
    /// The session that the token named.
    pub session_id: SessionId,
}

/// The caller may not do that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("only an administrator may do that")]
pub struct Forbidden;

impl Principal {
    /// Refuses everybody but administrators.
    ///
    /// # Errors
    /// [`Forbidden`].
    pub fn require_admin(&self) -> Result<(), Forbidden> {
        if self.user.is_superuser() { Ok(()) } else { Err(Forbidden) }
    }
}
