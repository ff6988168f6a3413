//! What use-cases need to cause a mail.

use std::sync::Arc;
use std::time::Duration;

use crate::common::{Clock, Locale, PortError, RequestContext};
use crate::lockout::Limit;
use crate::mail::{Link, MailKind, Mailer, NewMail, Outbox};
use crate::one_time::{EmailChangeMails, OneTimeToken, Purpose, TokenMaker};
use crate::ports::Ports;

/// The ports of mail. Without them the use-cases send none.
#[derive(Clone)]
#[expect(missing_docs, reason = "each field is named after its port, which is documented")]
pub struct MailPorts {
    pub outbox: Arc<dyn Outbox>,
    pub mailer: Arc<dyn Mailer>,
    pub tokens: Arc<dyn TokenMaker>,
}

/// What can be decided about mails.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct MailSettings {
    /// Where people reach the server, without a slash at the end. Links are built from nothing else.
    pub public_url: String,
    /// The language of accounts that have none.
    pub locale: Locale,
    /// How long the token of a reset lives.
    pub reset_lifetime: Duration,
    /// How many requests for mails one network may make.
    pub per_network: Limit,
    /// How many new passwords one account may ask for. One in the life of a token always goes.
    pub resets_per_account: Limit,
    /// How many mails that anybody can cause are sent in all, of each kind.
    pub in_all: Limit,
}

impl MailSettings {
    /// With links to this address, and the defaults of all else.
    pub fn new(public_url: String) -> Self {
        const HOUR: Duration = Duration::from_secs(60 * 60);
        Self {
            public_url,
            locale: Locale::default(),
            reset_lifetime: Duration::from_secs(30 * 60),
            // A school is one network.
            per_network: Limit { max: 100, window: HOUR },
            resets_per_account: Limit { max: 3, window: HOUR },
            in_all: Limit { max: 1000, window: HOUR },
        }
    }
}

impl MailSettings {
    /// The link with a token.
    pub(crate) fn link(&self, purpose: Purpose, token: OneTimeToken) -> Link {
        let page = format!("{}{}", self.public_url, purpose.page());
        Link { page, token, lifetime: purpose.lifetime(self.reset_lifetime) }
    }
}

impl Default for MailSettings {
    fn default() -> Self {
        Self::new("http://127.0.0.1:8000".to_owned())
    }
}

/// Makes the mails that a use-case causes. Without mail it makes none.
#[derive(Clone)]
pub struct Post {
    tokens: Option<Arc<dyn TokenMaker>>,
    clock: Arc<dyn Clock>,
}

impl Post {
    /// On these ports.
    pub fn new(ports: &Ports) -> Self {
        let tokens = ports.mail.as_ref().map(|mail| mail.tokens.clone());
        Self { tokens, clock: ports.required.clock.clone() }
    }

    /// One that makes no mails.
    pub fn none(clock: Arc<dyn Clock>) -> Self {
        Self { tokens: None, clock }
    }

    /// One that makes mails with these tokens.
    pub fn with(tokens: Arc<dyn TokenMaker>, clock: Arc<dyn Clock>) -> Self {
        Self { tokens: Some(tokens), clock }
    }

    /// Whether mails are sent at all.
    pub(crate) fn sends_mails(&self) -> bool {
        self.tokens.is_some()
    }

    /// The mails of a change of the address: to the one before, and to the new one if that is still to
    /// be proved; `None` if no mails are sent.
    ///
    /// # Errors
    /// The operating system gives no randomness.
    pub(crate) fn of_email_change(
        &self,
        is_proved: bool,
        request: &RequestContext,
    ) -> Result<Option<EmailChangeMails>, PortError> {
        let purpose = Purpose::UndoEmailChange;
        let notice = self.with_token(MailKind::EmailChanged, purpose, None, request)?;
        let Some((notice, undo)) = notice else { return Ok(None) };
        let kind = MailKind::VerifyEmail;
        let verification = if is_proved { None } else { self.mail(kind, None, request)? };
        Ok(Some(EmailChangeMails { notice, undo: undo.digest(), verification }))
    }

    /// A mail, and the token that will be in it; `None` if no mails are sent.
    ///
    /// # Errors
    /// The operating system gives no randomness.
    pub(crate) fn with_token(
        &self,
        kind: MailKind,
        purpose: Purpose,
        locale: Option<Locale>,
        request: &RequestContext,
    ) -> Result<Option<(NewMail, OneTimeToken)>, PortError> {
        let Some(tokens) = &self.tokens else { return Ok(None) };
        let Some(mail) = self.mail(kind, locale, request)? else { return Ok(None) };
        let token = tokens.token(&mail.seed, purpose);
        let token = token.ok_or_else(|| PortError::internal("tokens", "a seed without its key"))?;
        Ok(Some((mail, token)))
    }

    /// A mail for a request in a language; `None` if no mails are sent.
    ///
    /// # Errors
    /// The operating system gives no randomness.
    pub fn mail(
        &self,
        kind: MailKind,
        locale: Option<Locale>,
        request: &RequestContext,
    ) -> Result<Option<NewMail>, PortError> {
        let Some(tokens) = &self.tokens else { return Ok(None) };
        Ok(Some(NewMail {
            kind,
            to: None,
            name: None,
            locale,
            seed: tokens.seed()?,
            client: request.client.clone(),
            created_at: self.clock.now(),
        }))
    }
}
