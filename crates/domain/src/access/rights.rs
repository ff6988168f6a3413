//! The rights that use-cases require. Which roles have them, the settings say ([`Roles`](super::Roles)).

use std::fmt;
use std::str::FromStr;

/// A right, as a type: [`Allowed`](super::Allowed) proves that a caller has it.
pub trait Right: Send + Sync + 'static {
    /// The right, as a value.
    const ID: RightId;
}

impl RightId {
    /// Whether it needs a session whose owner gave the password a short while ago
    /// ([`Policy::step_up`](crate::ports::Policy::step_up)): what it allows makes others powerful, or
    /// cannot be undone, or gives everything away (OWASP ASVS 5.0, 7.5.3).
    pub fn needs_step_up(self) -> bool {
        matches!(
            self,
            Self::UsersSetPassword
                | Self::UsersRemoveFactor
                | Self::UsersDelete
                | Self::UsersImport
                | Self::UsersExport
                | Self::RolesGrant
        )
    }
}

/// Not the name of a right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is no right: there are {}", names())]
pub struct UnknownRight;

fn names() -> String {
    RightId::ALL.iter().map(|right| right.as_str()).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for RightId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Makes a type, and a value, of each right.
macro_rules! rights {
    ($($(#[$doc:meta])* $type:ident = $name:literal;)*) => {
        /// A right, as a value: what roles have lists of.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum RightId {
            $($(#[$doc])* $type,)*
        }

        impl RightId {
            /// One of each.
            pub const ALL: &[Self] = &[$(Self::$type,)*];

            /// The name, as the API document and the settings write it.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$type => $name,)*
                }
            }
        }

        impl FromStr for RightId {
            type Err = UnknownRight;

            fn from_str(text: &str) -> Result<Self, UnknownRight> {
                match text {
                    $($name => Ok(Self::$type),)*
                    _ => Err(UnknownRight),
                }
            }
        }

        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq)]
            pub struct $type;

            impl Right for $type {
                const ID: RightId = RightId::$type;
            }
        )*
    };
}

rights! {
    /// Looking at any account.
    UsersRead = "users.read";
    /// Taking away the second factor of any account.
    UsersRemoveFactor = "users.remove_factor";
    /// Making accounts and changing any account.
    UsersWrite = "users.write";
    /// Giving any account a password, and another address.
    UsersSetPassword = "users.set_password";
    /// Banning any account for a while, and undoing that.
    UsersBan = "users.ban";
    /// Deleting any account, and restoring it.
    UsersDelete = "users.delete";
    /// Making and changing accounts from a table.
    UsersImport = "users.import";
    /// Downloading all accounts as a table.
    UsersExport = "users.export";
    /// Seeing and clearing the lockout of any account.
    UsersUnlock = "users.unlock";
    /// Giving roles, and changing the accounts of people who have rights.
    RolesGrant = "roles.grant";
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
    /// Seeing the settings of the server; secrets are masked.
    SettingsRead = "settings.read";
    /// Using the cache where it is for administrators.
    CacheUse = "cache.use";
}
