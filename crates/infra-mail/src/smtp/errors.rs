//! What went wrong with a mail server, and whether it will again.

use std::error::Error as StdError;
use std::io;

use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::response::Severity;
use menjin_domain::mail::MailError;

use crate::failure::{lasting, passing};

/// How far it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Before any mail: a refusal is about this client or its settings, and ends when those do.
    Connection,
    /// At a mail.
    Mail,
}

/// A mail was not handed over.
#[derive(Debug)]
pub(super) enum Broken {
    /// The server said no. Its connection can be used on.
    Refused(MailError),
    /// The mail was not offered to the server. Its connection can be used on.
    Unsent(MailError),
    /// Anything else; the connection is of no use.
    Other(MailError),
}

impl From<Broken> for MailError {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Refused(error) | Broken::Unsent(error) | Broken::Other(error) => error,
        }
    }
}

/// Replies about the login (RFC 4954 §6), whichever command they answer: they end when somebody
/// mends the settings.
const LOGIN: [u16; 4] = [530, 534, 535, 538];

/// The server is closing the connection (RFC 5321 §3.8).
const CLOSING: u16 = 421;

impl Broken {
    pub(super) fn smtp(step: Step, error: &SmtpError) -> Self {
        if let Some(code) = error.status() {
            let said = error.source().map(ToString::to_string).unwrap_or_default();
            let number = u16::from(code);
            let is_permanent = code.severity == Severity::PermanentNegativeCompletion;
            let is_final = is_permanent && step == Step::Mail && !LOGIN.contains(&number);
            let make = if is_final { lasting } else { passing };
            let error = make(number.to_string(), said);
            return if number == CLOSING { Self::Other(error) } else { Self::Refused(error) };
        }
        let said = error.source().map_or_else(|| error.to_string(), ToString::to_string);
        let code = if is_about_tls(error) {
            "tls"
        } else if error.is_timeout() {
            "timeout"
        } else if error.is_client() {
            // No way to log in that both sides know.
            "login"
        } else if error.is_response() && said != "incomplete response" {
            "protocol"
        } else {
            "connection"
        };
        Self::Other(passing(code, said))
    }

    /// Reading from or writing to the server failed.
    pub(super) fn io(error: &io::Error) -> Self {
        let code = match error.kind() {
            io::ErrorKind::TimedOut => "timeout",
            _ if is_about_tls(error) => "tls",
            _ => "connection",
        };
        Self::Other(passing(code, error.to_string()))
    }

    /// The encryption failed.
    pub(super) fn tls(said: impl Into<String>) -> Self {
        Self::Other(passing("tls", said))
    }

    /// Whether the connection can be used for another mail.
    pub(super) fn leaves_connection(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::Unsent(_))
    }
}

/// Whether the error comes from the encryption, beneath all that carry it.
fn is_about_tls(error: &(dyn StdError + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if error.is::<rustls::Error>()
            || inner.is_some_and(<dyn StdError + Send + Sync>::is::<rustls::Error>)
        {
            return true;
        }
        next = error.source();
    }
    false
}
