//! The outbox.

use async_trait::async_trait;

use crate::audit::AuditContext;
use crate::common::{Error, PortError, Timestamp, UserId};
use crate::mail::{MailError, MailId, MailRecord, MailState, NewMail, QueuedMail, RetryMailError};

/// A claim on mails that are due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// Now.
    pub at: Timestamp,
    /// When the claim ends by itself, if the worker dies.
    pub until: Timestamp,
    /// How many at most.
    pub limit: u32,
}

/// What became of a claimed mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settlement {
    /// It was sent. The token in it expires then.
    Sent {
        /// When.
        at: Timestamp,
        /// When its token expires, if it has one.
        token_expires_at: Option<Timestamp>,
    },
    /// The try failed; the next is then.
    Again {
        /// When.
        due_at: Timestamp,
        /// Why it failed.
        error: MailError,
    },
    /// It is given up. The token in it expires then.
    Failed {
        /// When its token expires, if it has one.
        token_expires_at: Option<Timestamp>,
        /// Why.
        error: MailError,
    },
    /// It was not tried, because of a limit; the next try is then.
    Postponed {
        /// When.
        due_at: Timestamp,
    },
    /// It is not to be sent: nobody has the name, or the account is no longer as it was.
    Dropped,
}

/// Which mails to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MailQuery {
    /// Only those in this state.
    pub state: Option<MailState>,
    /// Only those about this account. Those whose account is not known yet are about none.
    pub user: Option<UserId>,
    /// Only those with a lower id.
    pub after: Option<MailId>,
    /// How many to return at most.
    pub limit: u32,
}

/// A part of the mails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailPage {
    /// The mails, newest first.
    pub mails: Vec<MailRecord>,
    /// How many match, on all pages.
    pub total: u64,
}

/// What waits in the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backlog {
    /// How many mails.
    pub queued: u64,
    /// When the oldest of them was queued.
    pub oldest: Option<Timestamp>,
}

/// The mails. What causes a mail appends it by a method of its own, in one change.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Appends a mail to the owner of a name, or of an account if there is one.
    async fn enqueue(&self, mail: NewMail, user: Option<UserId>) -> Result<(), PortError>;

    /// Claims mails that are due and that nobody else has claimed: notices before what anybody can
    /// cause, and the longest due first. MUST NOT give one mail to two workers before its claim ends,
    /// however many ask at once.
    async fn claim(&self, claim: Claim) -> Result<Vec<QueuedMail>, PortError>;

    /// Ends a claim. `recipient` is where the mail goes to, if that is known. Counts an attempt for all
    /// but [`Settlement::Postponed`]; an error is kept until another, or until it is sent. Does nothing, and
    /// returns `false`, if the mail was claimed again since.
    async fn settle(
        &self,
        mail: &QueuedMail,
        user: Option<UserId>,
        recipient: Option<String>,
        settlement: Settlement,
    ) -> Result<bool, PortError>;

    /// Whether another mail of this kind waits for this account.
    async fn has_other(&self, mail: &QueuedMail, user: UserId) -> Result<bool, PortError>;

    /// The mail of this id.
    async fn find(&self, id: MailId) -> Result<Option<MailRecord>, PortError>;

    /// A page of the matching mails, and the number of all that match.
    async fn list(&self, query: MailQuery) -> Result<MailPage, PortError>;

    /// Queues a mail again that was given up. Records `mail_retried`.
    ///
    /// MUST return `NotFound` if there is none of this id, and `NotRetriable` if it was not given up,
    /// or if it has a token that has expired at the time of the context, was used or made void.
    async fn retry(
        &self,
        id: MailId,
        context: AuditContext,
    ) -> Result<MailRecord, Error<RetryMailError>>;

    /// What waits.
    async fn backlog(&self) -> Result<Backlog, PortError>;

    /// Deletes some of the mails that were sent or given up and queued before this time; returns how
    /// many.
    async fn delete_finished(&self, before: Timestamp) -> Result<u64, PortError>;
}
