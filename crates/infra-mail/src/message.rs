//! From a mail to the message that is sent (RFC 5322).

use std::sync::Arc;

use lettre::address::Envelope;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder, MultiPart};
use lettre::{Address, Message};
use menjin_domain::mail::{Mail, MailError};

use crate::address::{address, mailbox};
use crate::failure::{lasting, passing};
use crate::templates::Templates;

/// The longest `Message-ID`: a line has 998 characters (RFC 5322 §2.1.1), and domains have 253.
const MAX_MESSAGE_ID: usize = 900;

/// Why mails cannot be sent with these settings.
#[derive(Debug, thiserror::Error)]
pub enum MailConfigError {
    /// The sender is not an address, nor a name and an address.
    #[error("the sender {0:?} is neither an address nor `Name <address>`")]
    Sender(String),
    /// The name of the mail server is neither a name nor an IP address.
    #[error("the mail server {0:?} is neither a host name nor an IP address")]
    Host(String),
    /// The name for `EHLO` is no host name.
    #[error("{0:?} is not a host name to greet a mail server with")]
    HelloName(String),
    /// A user name without a password, or a password without a user name.
    #[error("a user name for the mail server needs a password, and a password a user name")]
    HalfCredentials,
    /// The certificates of authorities are no certificates.
    #[error("the certificates to trust the mail server by: {0}")]
    Authorities(String),
    /// The system has no certificates of authorities, and the settings name none.
    #[error("the system has no certificates of authorities, and none are named")]
    NoAuthorities,
    /// No time or no connection is left to send a mail with.
    #[error("at least one connection and some time are needed to send mails")]
    Nothing,
}

/// Writes mails of one sender.
#[derive(Debug)]
pub(crate) struct Letters {
    templates: Arc<Templates>,
    from: Mailbox,
}

/// Checks whom mails are to be from: an address, or `Name <address>`.
///
/// # Errors
/// [`MailConfigError::Sender`].
pub fn check_sender(from: &str, templates: Arc<Templates>) -> Result<(), MailConfigError> {
    Letters::new(templates, from).map(drop)
}

impl Letters {
    pub(crate) fn new(templates: Arc<Templates>, from: &str) -> Result<Self, MailConfigError> {
        let bad = || MailConfigError::Sender(from.to_owned());
        let letters = Self { templates, from: mailbox(from).ok_or_else(bad)? };
        let own = letters.from.email.clone();
        let sample = letters.addressed(own).and_then(|builder| builder.body(String::new()));
        sample.map(|_message| letters).map_err(|_error| bad())
    }

    fn addressed(&self, to: Address) -> Result<MessageBuilder, lettre::error::Error> {
        // The library would read the addresses back from their headers, and knows no quotes there.
        let envelope = Envelope::new(Some(self.from.email.clone()), vec![to.clone()])?;
        let builder = Message::builder().from(self.from.clone()).to(Mailbox::new(None, to));
        Ok(builder.envelope(envelope))
    }

    /// The message: a text, and the same in HTML. The library puts the time in.
    pub(crate) fn write(&self, mail: &Mail) -> Result<Message, MailError> {
        let to = address(&mail.to)
            .ok_or_else(|| lasting("bad_address", "no mail can be sent to this address"))?;
        let written =
            self.templates.write(mail).map_err(|error| passing("template", error.to_string()))?;
        let failed = |error: lettre::error::Error| passing("message", error.to_string());
        self.addressed(to)
            .map_err(failed)?
            .subject(written.subject)
            .raw_header(message_id(&mail.message_id))
            .raw_header(header("Content-Language", mail.locale.tag()))
            // No program answers it (RFC 3834 §5), Exchange neither.
            .raw_header(header("Auto-Submitted", "auto-generated"))
            .raw_header(header("X-Auto-Response-Suppress", "All"))
            .multipart(MultiPart::alternative_plain_html(written.text, written.html))
            .map_err(failed)
    }
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

/// On one line, as some programs do not find it on the second.
fn message_id(id: &str) -> HeaderValue {
    let fits = |c: &char| c.is_ascii_graphic() && !matches!(c, '<' | '>');
    let id: String = id.chars().filter(fits).take(MAX_MESSAGE_ID).collect();
    let id = format!("<{id}>");
    let name = HeaderName::new_from_ascii_str("Message-ID");
    HeaderValue::dangerous_new_pre_encoded(name, id.clone(), id)
}

#[cfg(test)]
mod tests;
