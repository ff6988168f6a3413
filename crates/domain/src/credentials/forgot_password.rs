//! Use-case: asking for a link to a new password.

use crate::accounts::LoginName;
use crate::common::{Error, Locale, RequestContext};
use crate::mail::{MailKind, MailOff, MailRequests};
use crate::ports::{Policy, Ports};

/// Who has forgotten a password.
#[derive(Debug, Clone)]
pub struct ForgotPasswordInput {
    /// A user name or e-mail address.
    pub name: LoginName,
    /// The language of the request.
    pub locale: Option<Locale>,
    /// Where from.
    pub request: RequestContext,
}

/// Queues a mail to whoever has the name. Nobody is looked up before the answer: whether somebody has
/// the name shows neither in what is answered nor in how long it takes (OWASP ASVS 5.0, 6.3.8).
#[non_exhaustive]
pub struct ForgotPassword {
    /// Queues mails for names.
    pub requests: MailRequests,
}

impl ForgotPassword {
    /// On these ports, with this policy.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        Self { requests: MailRequests::new(ports, policy) }
    }

    /// Runs the use-case.
    ///
    /// # Errors
    /// [`MailOff`].
    pub async fn execute(&self, input: ForgotPasswordInput) -> Result<(), Error<MailOff>> {
        let ForgotPasswordInput { name, locale, request } = input;
        self.requests.queue(MailKind::ResetPassword, name, locale, request).await
    }
}
