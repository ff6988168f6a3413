//! Mails as they go over the wire (RFC 5322).

use lettre::Message;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use menjin_domain::mail::{Mail, MailError};

use crate::MailConfigError;
use crate::address::mailbox;
use crate::templates::Templates;

/// Whom mails are from, and what they say.
#[derive(Debug, Clone)]
pub struct Sender {
    from: Mailbox,
    templates: Templates,
}

impl Sender {
    /// `from` is an address, or `Name <address>`.
    ///
    /// # Errors
    /// [`MailConfigError::BadSender`].
    pub fn new(from: &str, templates: Templates) -> Result<Self, MailConfigError> {
        let parsed = from.parse().map_err(|_invalid| MailConfigError::BadSender(from.to_owned()));
        Ok(Self { from: parsed?, templates })
    }

    /// Writes the message.
    pub(crate) fn message(&self, mail: &Mail) -> Result<Message, MailError> {
        let written = self.templates.write(mail).map_err(|error| fault("template", &error))?;
        let message = Message::builder()
            .from(self.from.clone())
            .to(mailbox(&mail.to)?)
            .subject(written.subject)
            .message_id(Some(format!("<{}>", mail.message_id)))
            .date_now();
        let message = [
            // RFC 3834 §5: no vacation answers this.
            ("Auto-Submitted", "auto-generated"),
            ("X-Auto-Response-Suppress", "All"),
            ("Content-Language", mail.locale.tag()),
        ]
        .into_iter()
        .fold(message, |message, (name, value)| {
            let name = HeaderName::new_from_ascii_str(name);
            message.raw_header(HeaderValue::new(name, value.to_owned()))
        });
        let part = |kind, body| SinglePart::builder().header(kind).body(body);
        let both = MultiPart::alternative()
            .singlepart(part(ContentType::TEXT_PLAIN, written.text))
            .singlepart(part(ContentType::TEXT_HTML, written.html));
        message.multipart(both).map_err(|error| fault("message", &error))
    }
}

/// A mail that cannot be written will not be better at the next try.
fn fault(code: &str, error: &dyn std::error::Error) -> MailError {
    MailError { is_final: true, code: code.to_owned(), text: error.to_string() }
}
