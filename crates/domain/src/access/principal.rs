//! The authenticated caller.

use std::sync::Arc;

use crate::accounts::User;
use crate::common::SessionId;

/// The authenticated caller of a use-case: the user as the store has it now, not as a token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The user, shared with the session cache.
    pub user: Arc<User>,
    /// The session that the token named.
    pub session_id: SessionId,
}
