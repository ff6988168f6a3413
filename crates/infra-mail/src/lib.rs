//! # menjin-infra-mail
//!
//! The adapters for the port [`Mailer`](menjin_domain::mail::Mailer):
//!
//! * [`SmtpMailer`] hands mails over to a mail server.
//! * [`FileMailer`] writes them into a folder, for development; [`SentMails`] reads them there.
//!
//! Both write a mail down by [`Templates`]: built in, in each language, as text and as HTML, and
//! replaceable from a folder.

mod address;
mod files;
mod message;
mod smtp;
mod templates;

pub use files::{FileMailer, SentMail, SentMails};
pub use message::Sender;
pub use smtp::{SmtpConfig, SmtpMailer, SmtpTls};
pub use templates::{TemplateError, Templates, Written};

/// Why mails cannot be sent with these settings.
#[derive(Debug, thiserror::Error)]
pub enum MailConfigError {
    /// The address of the sender is none.
    #[error("`{0}` is not an address, nor `Name <address>`")]
    BadSender(String),
    /// The certificates of authorities cannot be used.
    #[error("the certificates of authorities: {0}")]
    BadAuthorities(String),
    /// The folder cannot be used.
    #[error("{}: {source}", .path.display())]
    BadFolder {
        /// The folder.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
}
