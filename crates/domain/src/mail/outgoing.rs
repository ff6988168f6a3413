//! The port that sends a mail.

use std::time::Duration;

use async_trait::async_trait;

use crate::common::{ClientInfo, Locale, Timestamp};
use crate::mail::MailKind;
use crate::one_time::OneTimeToken;

/// The link in a mail, and the token in it.
#[derive(Debug, Clone)]
pub struct Link {
    /// The page, without the token: `https://site.example/account/reset-password`.
    pub page: String,
    /// The token: the link has it as its fragment, which no server and no proxy sees.
    pub token: OneTimeToken,
    /// How long it lives once the mail is handed over.
    pub lifetime: Duration,
}

/// A mail, ready to be written down in its language.
#[derive(Debug, Clone)]
pub struct Mail {
    /// `Message-ID` without the angle brackets: the same at each try.
    pub message_id: String,
    /// What it is about.
    pub kind: MailKind,
    /// The address, as its owner typed it.
    pub to: String,
    /// Its language.
    pub locale: Locale,
    /// The user name, where it can be shown: it never looks like an address.
    pub username: Option<String>,
    /// The link, if it has one.
    pub link: Option<Link>,
    /// When the account is gone, if it is to be deleted.
    pub deletes_at: Option<Timestamp>,
    /// Where its cause came from.
    pub client: ClientInfo,
    /// When that was.
    pub at: Timestamp,
}

/// Why a mail was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {text}")]
pub struct MailError {
    /// Whether trying again is of no use: the mail server refused the mail for good (RFC 5321
    /// §4.2.1: a reply of 5xx).
    pub is_final: bool,
    /// A code: the reply of the mail server such as `550`, or a word such as `timeout`.
    pub code: String,
    /// What was said, for administrators.
    pub text: String,
}

/// Writes mails down and hands them over.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Sends the mail. `Ok` means that the mail server has taken it. MUST return within a minute.
    async fn send(&self, mail: &Mail) -> Result<(), MailError>;
}
