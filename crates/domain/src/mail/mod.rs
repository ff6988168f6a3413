//! Mails: the outbox, which loses none, and their delivery.
//!
//! A mail begins as a row in the outbox, written with its cause in one atomic change. Workers on all
//! replicas deliver what is there. A row holds no body and no token: both are made at each try.

mod back_off;
mod deliver;
mod kind;
mod list;
mod outgoing;
mod port;
mod post;
mod queued;
mod requests;
mod retry;

pub use back_off::{GIVE_UP_AFTER, next_try};
pub use deliver::{DeliverMails, Delivered};
pub use kind::{MailKind, UnknownMailKind};
pub use list::{ListMails, ListMailsInput};
#[cfg(feature = "mock")]
pub use outgoing::MockMailer;
pub use outgoing::{Link, Mail, MailError, Mailer};
#[cfg(feature = "mock")]
pub use port::MockOutbox;
pub use port::{Backlog, Claim, MailPage, MailQuery, Outbox, Settlement};
pub use post::{MailPorts, MailSettings, Post};
pub use queued::{InvalidMailId, MailId, MailRecord, MailState, NewMail, QueuedMail};
pub use requests::{MailOff, MailRequests};
pub use retry::{RetryMail, RetryMailError};
