//! The rights that use-cases require, and which roles have them.

use crate::accounts::Role;

/// A right, as a type: [`Allowed`](super::Allowed) proves that a caller has it.
pub trait Right: Send + Sync + 'static {
    /// The name, as the API document and settings write it.
    const NAME: &'static str;
}

/// Makes a type of each right.
macro_rules! rights {
    ($($(#[$doc:meta])* $type:ident = $name:literal;)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq)]
            pub struct $type;

            impl Right for $type {
                const NAME: &'static str = $name;
            }
        )*
    };
}

rights! {
    /// Looking at any account.
    UsersRead = "users.read";
    /// Changing any account.
    UsersWrite = "users.write";
    /// Deleting any account, and restoring it.
    UsersDelete = "users.delete";
    /// Seeing and clearing the lockout of any account.
    UsersUnlock = "users.unlock";
    /// Seeing the sessions of any account.
    SessionsRead = "sessions.read";
    /// Ending the sessions of any account.
    SessionsEnd = "sessions.end";
    /// Inviting, and seeing and revoking invitations.
    InvitationsWrite = "invitations.write";
    /// Reading the audit log.
    AuditRead = "audit.read";
    /// Seeing which mails were sent, and to whom.
    MailsRead = "mails.read";
    /// Sending a mail again.
    MailsRetry = "mails.retry";
    /// Using the cache where it is for administrators.
    CacheUse = "cache.use";
}

/// Whether a role has any right.
pub fn has_any(role: Role) -> bool {
    role == Role::Admin
}

/// Whether a role has all rights of another.
pub fn covers(role: Role, other: Role) -> bool {
    has_any(role) || !has_any(other)
}

/// Whether a role has a right: administrators have all, others none.
pub fn grants<R: Right>(role: Role) -> bool {
    has_any(role)
}
