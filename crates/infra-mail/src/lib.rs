//! # menjin-infra-mail
//!
//! The adapters for the port [`Mailer`](menjin_domain::mail::Mailer).
//!
//! * [`FileMailer`] writes mails to a folder, for development and tests; [`SentMails`] reads them back.
//!
//! A mail is written down by [`Templates`]: a subject, a text and HTML in each language, any of which
//! an operator may replace.
//!
//! A token is in the mail itself and nowhere else. No error and no debug output shows it, and the
//! libraries beneath are built without their traces.

mod address;
mod failure;
mod files;
mod message;
mod templates;

pub use files::{FileMailer, SentMail, SentMailBody, SentMails};
pub use message::MailConfigError;
pub use templates::{TemplateError, Templates};
