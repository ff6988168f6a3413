//! Tickets: what a login gives that has to go on in a second step.

use std::time::Duration;

use secrecy::SecretString;

use crate::common::{Timestamp, UserId};
use crate::credentials::CredentialVersion;
use crate::mfa::FactorMethod;

/// How long a ticket is good.
pub const TICKET_TTL: Duration = Duration::from_secs(5 * 60);

/// What a ticket is for. One for one thing opens nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TicketPurpose {
    /// Giving the second factor.
    SecondFactor,
    /// Listing and ending one's own sessions, by somebody who has as many as there may be.
    SessionLimit,
}

impl TicketPurpose {
    /// All of them.
    pub const ALL: &[Self] = &[Self::SecondFactor, Self::SessionLimit];
}

/// What a ticket says: this user gave the right password, and that has to be enough for one thing. It names
/// no session, since there is none yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketClaims {
    /// What for.
    pub purpose: TicketPurpose,
    /// `sub`.
    pub user_id: UserId,
    /// `ver`: the credential version for which the password was verified. For any other it is void.
    pub version: CredentialVersion,
    /// `jti`.
    pub token_id: uuid::Uuid,
    /// `iat`, whole seconds.
    pub issued_at: Timestamp,
    /// `exp`, whole seconds.
    pub expires_at: Timestamp,
}

/// A ticket, as the client gets it.
#[derive(Debug, Clone)]
pub struct Ticket {
    /// The signed claims.
    pub token: SecretString,
    /// How long it is good from now on.
    pub expires_in: Duration,
    /// Of what a code may be, where one is asked for.
    pub methods: Vec<FactorMethod>,
}
