//! Use-case: asking once more for the mail that proves an address.

use crate::accounts::LoginName;
use crate::common::{Error, Locale, RequestContext};
use crate::mail::{MailKind, MailOff, MailRequests};
use crate::ports::{Policy, Ports};

/// Whose address is to be proved.
#[derive(Debug, Clone)]
pub struct ResendVerificationInput {
    /// A user name or e-mail address.
    pub name: LoginName,
    /// The language of the request.
    pub locale: Option<Locale>,
    /// Where from.
    pub request: RequestContext,
}

/// Queues the mail to whoever has the name, if the account is not verified. Nothing shows whether
/// somebody has the name.
#[non_exhaustive]
pub struct ResendVerification {
    /// Queues mails for names.
    pub requests: MailRequests,
}

impl ResendVerification {
    /// On these ports, with this policy.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        Self { requests: MailRequests::new(ports, policy) }
    }

    /// Runs the use-case.
    ///
    /// # Errors
    /// [`MailOff`].
    pub async fn execute(&self, input: ResendVerificationInput) -> Result<(), Error<MailOff>> {
        let ResendVerificationInput { name, locale, request } = input;
        self.requests.queue(MailKind::VerifyEmail, name, locale, request).await
    }
}
