//! # menjin-infra-mail
//!
//! The adapters for the port [`Mailer`](menjin_domain::mail::Mailer):
//!
//! * [`SmtpMailer`] hands mails to a mail server (RFC 5321).
//! * [`FileMailer`] writes them to a folder, for development and tests; [`SentMails`] reads them back.
//!
//! Both write a mail down by [`Templates`]: a subject, a text and HTML in each language, any of which
//! an operator may replace.
//!
//! A token is in the mail itself and nowhere else. No error and no debug output shows it, and the
//! libraries beneath are built without their traces.

mod address;
mod failure;
mod files;
mod message;
mod smtp;
mod templates;

pub use files::{FileMailer, SentMail, SentMailBody, SentMails};
pub use message::{MailConfigError, check_sender};
pub use smtp::{SmtpConfig, SmtpMailer, SmtpTls};
pub use templates::{TemplateError, Templates};
