//! Rows of the outbox.

use std::fmt;
use std::str::FromStr;

use crate::accounts::LoginName;
use crate::common::{ClientInfo, Locale, Timestamp, UserId};
use crate::mail::MailKind;
use crate::one_time::TokenSeed;

/// The id of a mail: 1 to 2⁶³ − 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MailId(i64);

/// The number is not a possible id of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id of a mail is an integer from 1 to 2^63 - 1")]
pub struct InvalidMailId;

impl MailId {
    /// The id as stores and clients see it.
    pub fn get(self) -> i64 {
        self.0
    }
}

impl TryFrom<i64> for MailId {
    type Error = InvalidMailId;

    fn try_from(id: i64) -> Result<Self, InvalidMailId> {
        if id >= 1 { Ok(Self(id)) } else { Err(InvalidMailId) }
    }
}

impl fmt::Display for MailId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A mail to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMail {
    /// What it is about.
    pub kind: MailKind,
    /// The address that it goes to, if that is not the account's: one that the account had before.
    pub to: Option<String>,
    /// Who was asked for, if a name is all that is known: whose it is, is found out later.
    pub name: Option<LoginName>,
    /// The language that the request was in; an account's own goes before.
    pub locale: Option<Locale>,
    /// From what its token is made.
    pub seed: TokenSeed,
    /// Where its cause came from.
    pub client: ClientInfo,
    /// Now.
    pub created_at: Timestamp,
}

/// A mail that a worker has claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedMail {
    /// Its id.
    pub id: MailId,
    /// How often it was claimed, this time included: whoever settles it says which claim it was.
    pub claims: i64,
    /// How often it was tried, before this time.
    pub attempts: u32,
    /// When it was queued, or queued again by an administrator.
    pub queued_at: Timestamp,
    /// Whose account it is about; `None` if a name is all that is known.
    pub user_id: Option<UserId>,
    /// The rest.
    pub mail: NewMail,
}

/// How far a mail is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MailState {
    /// It is to be sent.
    Queued,
    /// The mail server has taken it.
    Sent,
    /// It was given up.
    Failed,
}

impl MailState {
    /// One of each.
    pub const ALL: [Self; 3] = [Self::Queued, Self::Sent, Self::Failed];

    /// The name in stores and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Failed => "failed",
        }
    }
}

impl FromStr for MailState {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or(())
    }
}

/// A mail, as administrators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailRecord {
    /// Its id.
    pub id: MailId,
    /// What it is about.
    pub kind: MailKind,
    /// How far it is.
    pub state: MailState,
    /// Whose account it is about, if that is known.
    pub user_id: Option<UserId>,
    /// Where it goes to: what its cause said, else where it was last tried; `None` before that.
    pub recipient: Option<String>,
    /// How often it was tried.
    pub attempts: u32,
    /// Why the last try failed: a code, and what the mail server said.
    pub error: Option<(String, String)>,
    /// When it was queued for the first time.
    pub created_at: Timestamp,
    /// When it is tried next, while it is queued.
    pub due_at: Timestamp,
    /// When it was sent.
    pub sent_at: Option<Timestamp>,
}
