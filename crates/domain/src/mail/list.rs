//! Use-case: looking at the mails.

use std::sync::Arc;

use crate::access::Allowed;
use crate::access::rights::MailsRead;
use crate::common::PortError;
use crate::mail::{MailPage, MailQuery, Outbox};
use crate::ports::Ports;

/// Which mails.
pub type ListMailsInput = MailQuery;

/// Lists mails, the newest first. Without mail there are none.
#[non_exhaustive]
pub struct ListMails {
    /// The mails.
    pub outbox: Option<Arc<dyn Outbox>>,
}

impl ListMails {
    /// On these ports.
    pub(crate) fn new(ports: &Ports) -> Self {
        Self { outbox: ports.mail.as_ref().map(|mail| mail.outbox.clone()) }
    }

    /// Runs the use-case.
    ///
    /// # Errors
    /// The store failed.
    pub async fn execute(
        &self,
        _: &Allowed<MailsRead>,
        input: ListMailsInput,
    ) -> Result<MailPage, PortError> {
        match &self.outbox {
            Some(outbox) => outbox.list(input).await,
            None => Ok(MailPage { mails: Vec::new(), total: 0 }),
        }
    }
}
