//! The port that limits failures per client network.

use std::fmt;

use async_trait::async_trait;
use uuid::Uuid;

use crate::common::{ClientNetwork, PortError, Timestamp, UserId};
use crate::lockout::{Admission, Limit};
use crate::mail::MailKind;

/// What is limited: failures of a client network, and mails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RateKey {
    /// Failed logins.
    FailedLogin(ClientNetwork),
    /// Failed registrations.
    FailedRegistration(ClientNetwork),
    /// Wrong codes for one ticket of a login, by the ticket's id.
    WrongCode(Uuid),
    /// Failed log-ins with a passkey alone.
    FailedPasskey(ClientNetwork),
    /// Challenges for passkeys that anybody may ask for.
    PasskeyRequest(ClientNetwork),
    /// Wrong codes of invitations.
    WrongInvitation(ClientNetwork),
    /// Requests for mails of a kind.
    MailRequest(MailKind, ClientNetwork),
    /// Mails of a kind to an account, by the number of the limit.
    MailsTo(MailKind, UserId, u8),
    /// Mails of a kind in all.
    Mails(MailKind),
}

impl fmt::Display for RateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FailedLogin(network) => write!(f, "login:{network}"),
            Self::FailedRegistration(network) => write!(f, "register:{network}"),
            Self::WrongCode(ticket) => write!(f, "code:{ticket}"),
            Self::FailedPasskey(network) => write!(f, "passkey-login:{network}"),
            Self::PasskeyRequest(network) => write!(f, "passkey:{network}"),
            Self::WrongInvitation(network) => write!(f, "invitation:{network}"),
            Self::MailRequest(kind, network) => write!(f, "mail:{kind}:{network}"),
            Self::MailsTo(kind, user, limit) => write!(f, "mails:{kind}:{user}:{limit}"),
            Self::Mails(kind) => write!(f, "mails:{kind}"),
        }
    }
}

/// Counts failures per client network, each for exactly one `window`: many people share one
/// address, and their mistakes of a whole day must not add up. It MAY forget its counts at a
/// restart.
///
/// The counts are not in SQL, where each failure would cost a write: this limit is a second line
/// behind the exact counts per account.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait RateLimiter: Send + Sync {
    /// Counts an attempt as a failure, or refuses it. MUST NOT admit more than the limit, however
    /// many calls run at once. No wait is longer than the window. Failures from before the clock was
    /// put back ([`was_put_back`](crate::lockout::was_put_back)) are dated now.
    async fn reserve(
        &self,
        key: RateKey,
        limit: Limit,
        at: Timestamp,
    ) -> Result<Admission, PortError>;

    /// Takes back the latest failure, since it was none. It MUST NOT leave a trace.
    async fn release(&self, key: RateKey) -> Result<(), PortError>;
}
