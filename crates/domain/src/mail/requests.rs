//! Mails that somebody who is not logged in asks for, by a name.

use std::sync::Arc;

use crate::accounts::LoginName;
use crate::common::{Clock, Error, Locale, RequestContext};
use crate::lockout::{Admission, Limit, RateKey, RateLimiter};
use crate::mail::{MailKind, NewMail, Outbox, Post};
use crate::ports::{Policy, Ports};

/// No mails are sent here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this server sends no mails")]
pub struct MailOff;

/// Queues a mail for whoever has a name: one row, whoever that is.
#[non_exhaustive]
pub struct MailRequests {
    /// The mails; `None` if none are sent.
    pub outbox: Option<Arc<dyn Outbox>>,
    /// Makes them.
    pub post: Post,
    /// Counts requests.
    pub rates: Arc<dyn RateLimiter>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// How many requests of each kind a network may make.
    pub limit: Limit,
}

impl MailRequests {
    /// On these ports, with this policy.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        Self {
            outbox: ports.mail.as_ref().map(|mail| mail.outbox.clone()),
            post: Post::new(ports),
            rates: ports.required.rate_limiter.clone(),
            clock: ports.required.clock.clone(),
            limit: policy.mail.per_network,
        }
    }

    /// Queues the mail. Over the network's limit it queues none, and says nothing of it.
    ///
    /// # Errors
    /// [`MailOff`].
    pub(crate) async fn queue(
        &self,
        kind: MailKind,
        name: LoginName,
        locale: Option<Locale>,
        request: RequestContext,
    ) -> Result<(), Error<MailOff>> {
        let Some(outbox) = &self.outbox else { return Err(Error::Refused(MailOff)) };
        let Some(mail) = self.post.mail(kind, locale, &request)? else {
            return Err(Error::Refused(MailOff));
        };
        let network = request.network();
        let key = RateKey::MailRequest(kind, network);
        if let Admission::Refused { .. } =
            self.rates.reserve(key, self.limit, self.clock.now()).await?
        {
            tracing::warn!(event = "mail_requests_limited", %kind, %network, "too many requests for mails");
            return Ok(());
        }
        // A text that is longer than any name, or none, is nobody's, and need not be kept.
        let is_possible = (1..=MAX_NAME).contains(&name.canonical().len());
        let name = if is_possible { name } else { nobody() };
        outbox.enqueue(NewMail { name: Some(name), ..mail }, None).await?;
        Ok(())
    }
}

/// Longer than the canonical form of any name or address, in bytes.
const MAX_NAME: usize = 1024;

/// A name that is too short for a user name.
fn nobody() -> LoginName {
    LoginName::Username("-".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lockout::MockRateLimiter;
    use crate::mail::MockOutbox;
    use crate::one_time::{MockTokenMaker, TokenSeed};
    use crate::testing;

    fn requests(outbox: Option<MockOutbox>, admission: Admission) -> MailRequests {
        let mut tokens = MockTokenMaker::new();
        let seed = TokenSeed { random: "00".repeat(32), key_id: "k".into() };
        tokens.expect_seed().returning(move || Ok(seed.clone()));
        let mut rates = MockRateLimiter::new();
        rates.expect_reserve().returning(move |_, _, _| Ok(admission));
        MailRequests {
            outbox: outbox.map(|outbox| Arc::new(outbox) as Arc<dyn Outbox>),
            post: Post::with(Arc::new(tokens), testing::clock(5)),
            rates: Arc::new(rates),
            clock: testing::clock(5),
            limit: Limit { max: 1, window: std::time::Duration::from_secs(60) },
        }
    }

    async fn ask(requests: &MailRequests) -> Result<(), Error<MailOff>> {
        let name = LoginName::parse("mike").unwrap();
        let locale = Some(Locale::En);
        requests.queue(MailKind::ResetPassword, name, locale, testing::request()).await
    }

    #[tokio::test]
    async fn w1_one_row_is_written_whoever_has_the_name() {
        let mut outbox = MockOutbox::new();
        outbox
            .expect_enqueue()
            .withf(|mail, user| {
                mail.kind == MailKind::ResetPassword
                    && mail.name == LoginName::parse("mike").ok()
                    && mail.locale == Some(Locale::En)
                    && mail.created_at == testing::at(5)
                    && user.is_none()
            })
            .times(1)
            .return_once(|_, _| Ok(()));
        ask(&requests(Some(outbox), Admission::Admitted)).await.unwrap();
    }

    #[tokio::test]
    async fn w1_a_text_that_is_no_name_is_a_row_too() {
        for text in ["", " ", &"x".repeat(5000)] {
            let mut outbox = MockOutbox::new();
            outbox
                .expect_enqueue()
                .withf(|mail, _| mail.name == Some(nobody()))
                .times(1)
                .return_once(|_, _| Ok(()));
            let requests = requests(Some(outbox), Admission::Admitted);
            let name = LoginName::parse(text).unwrap();
            let request = testing::request();
            requests.queue(MailKind::ResetPassword, name, None, request).await.unwrap();
        }
    }

    #[tokio::test]
    async fn w5_over_the_limit_of_the_network_nothing_is_written_or_said() {
        let refused = Admission::Refused { retry_after: std::time::Duration::from_secs(9) };
        ask(&requests(Some(MockOutbox::new()), refused)).await.unwrap();
    }

    #[tokio::test]
    async fn without_mail_it_is_said() {
        let refused = ask(&requests(None, Admission::Admitted)).await;
        assert!(matches!(refused, Err(Error::Refused(MailOff))));
    }
}
