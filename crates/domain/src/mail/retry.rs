//! Use-case: trying a mail again that was given up.

use std::sync::Arc;

use crate::access::Allowed;
use crate::access::rights::MailsRetry;
use crate::common::Error;
use crate::mail::deliver::destination;
use crate::mail::{MailId, MailKind, MailRecord, Outbox};
use crate::one_time::OneTimeTokenRepository;
use crate::ports::Ports;

/// Why a mail is not tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RetryMailError {
    /// There is none of this id.
    #[error("no such mail")]
    NotFound,
    /// It was not given up, its token is no longer live, or the account has another address.
    #[error("the mail cannot be tried again")]
    NotRetriable,
}

/// Queues a mail again, if it would still go to the same address.
#[non_exhaustive]
pub struct RetryMail {
    /// The mails.
    pub outbox: Option<Arc<dyn Outbox>>,
    /// Knows whom they go to.
    pub one_time: Arc<dyn OneTimeTokenRepository>,
}

impl RetryMail {
    /// On these ports.
    pub(crate) fn new(ports: &Ports) -> Self {
        Self {
            outbox: ports.mail.as_ref().map(|mail| mail.outbox.clone()),
            one_time: ports.one_time_tokens.clone(),
        }
    }

    /// Runs the use-case.
    ///
    /// # Errors
    /// See [`RetryMailError`].
    pub async fn execute(
        &self,
        allowed: &Allowed<MailsRetry>,
        id: MailId,
    ) -> Result<MailRecord, Error<RetryMailError>> {
        let outbox = self.outbox.as_ref().ok_or(Error::Refused(RetryMailError::NotFound))?;
        let mail = outbox.find(id).await?.ok_or(Error::Refused(RetryMailError::NotFound))?;
        let recipient = match mail.user_id {
            Some(user) => self.one_time.find_recipient_by_id(user).await?,
            None => None,
        };
        let context = allowed.context().clone();
        let sent_to = mail.recipient.as_deref();
        let address = match &recipient {
            Some(recipient) => {
                let roles = allowed.roles();
                destination(mail.kind, recipient, sent_to, context.at, roles)
            }
            // Whoever is invited has no account yet.
            None => sent_to.filter(|_| mail.kind == MailKind::Invitation),
        };
        if address.is_none() || address != sent_to {
            return Err(Error::Refused(RetryMailError::NotRetriable));
        }
        outbox.retry(id, context).await
    }
}
