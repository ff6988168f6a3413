//! Use-case: making a link to a new password, for whoever owns the machine.

use std::sync::Arc;

use crate::accounts::{LoginName, User};
use crate::audit::{AuditAction, AuditContext, AuditRepository};
use crate::common::{Clock, Error, PortError, RequestContext};
use crate::mail::{Link, MailSettings};
use crate::one_time::{NewOneTimeToken, OneTimeTokenRepository, Purpose, TokenMaker};

/// Why no link was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MakeResetLinkError {
    /// Nobody has the name.
    #[error("nobody has this name or address")]
    UnknownName,
    /// The account is inactive, or its user is banned.
    #[error("the account is not active")]
    Inactive,
    /// The account was changed meanwhile.
    #[error("the account has changed meanwhile: try again")]
    Changed,
}

/// Makes a link that needs no mail. It was in no mailbox, and proves no address.
#[non_exhaustive]
pub struct MakeResetLink {
    /// The tokens.
    pub tokens: Arc<dyn OneTimeTokenRepository>,
    /// Makes them.
    pub maker: Arc<dyn TokenMaker>,
    /// Records that a link was made.
    pub records: Arc<dyn AuditRepository>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where links lead, and how long they work.
    pub settings: MailSettings,
}

impl MakeResetLink {
    /// For a command that needs nothing else of menjin.
    pub fn standalone(
        tokens: Arc<dyn OneTimeTokenRepository>,
        maker: Arc<dyn TokenMaker>,
        records: Arc<dyn AuditRepository>,
        clock: Arc<dyn Clock>,
        settings: MailSettings,
    ) -> Self {
        Self { tokens, maker, records, clock, settings }
    }

    /// Runs the use-case; returns whose link it is, too.
    ///
    /// # Errors
    /// See [`MakeResetLinkError`].
    pub async fn execute(
        &self,
        name: &LoginName,
    ) -> Result<(User, Link), Error<MakeResetLinkError>> {
        let refused = Error::Refused;
        let found = self.tokens.find_recipient(name).await?;
        let recipient = found.ok_or(refused(MakeResetLinkError::UnknownName))?;
        if !recipient.user.is_active_at(self.clock.now()) {
            return Err(refused(MakeResetLinkError::Inactive));
        }
        let (purpose, now) = (Purpose::ResetPassword, self.clock.now());
        let token = self.maker.token(&self.maker.seed()?, purpose);
        let token = token.ok_or_else(|| PortError::internal("tokens", "a seed without its key"))?;
        let request = RequestContext::local();
        // No mailbox has this address.
        let client = request.client.clone();
        let new = NewOneTimeToken::new(&token, purpose, &recipient, "-", client, now);
        let link = self.settings.link(purpose, token);
        let new = NewOneTimeToken { expires_at: Some(now + link.lifetime), ..new };
        if !self.tokens.issue(new).await? {
            return Err(refused(MakeResetLinkError::Changed));
        }
        let event = AuditContext::anonymous(now, request).event(AuditAction::ResetLinkMade);
        self.records.append(vec![event.on(recipient.user.id)]).await?;
        Ok((recipient.user, link))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::MockAuditRepository;
    use crate::credentials::CredentialVersion;
    use crate::one_time::{
        MockOneTimeTokenRepository, MockTokenMaker, OneTimeToken, Recipient, Recovery, TokenSeed,
    };
    use crate::testing::{self, USER, at};

    async fn make(
        found: Option<User>,
        is_live: bool,
    ) -> Result<(User, Link), Error<MakeResetLinkError>> {
        let mut tokens = MockOneTimeTokenRepository::new();
        let recovery = Recovery::default();
        let version = CredentialVersion(3);
        let found = found.map(|user| Recipient { user, version, recovery, reset_after: None });
        tokens.expect_find_recipient().return_once(move |_| Ok(found));
        tokens
            .expect_issue()
            .withf(|new| {
                let proves = new.email != "-";
                let bound = new.version == Some(CredentialVersion(3)) && new.max_live == 3;
                bound && !proves && new.expires_at == Some(at(9 + 1800)) && new.user_id == USER
            })
            .return_once(move |_| Ok(is_live));
        let (mut maker, mut records) = (MockTokenMaker::new(), MockAuditRepository::new());
        let seed = TokenSeed { random: "00".repeat(32), key_id: "k".into() };
        maker.expect_seed().return_once(move || Ok(seed));
        maker.expect_token().return_once(|_, _| Some(OneTimeToken::from_bytes(&[7; 32])));
        records
            .expect_append()
            .withf(|events| events[0].action == AuditAction::ResetLinkMade)
            .times(usize::from(is_live))
            .return_once(|_| Ok(()));
        let use_case = MakeResetLink::standalone(
            Arc::new(tokens),
            Arc::new(maker),
            Arc::new(records),
            testing::clock(9),
            MailSettings::new("https://site.example".into()),
        );
        use_case.execute(&LoginName::parse("mike").unwrap()).await
    }

    #[tokio::test]
    async fn w6_a_link_is_made_and_recorded() {
        let (user, link) = make(Some(testing::user()), true).await.unwrap();
        assert_eq!(user.id, USER);
        assert_eq!(link.page, "https://site.example/account/reset-password");
    }

    #[tokio::test]
    async fn w6_nobody_gets_a_link_who_could_not_use_it() {
        let inactive = User { is_active: false, ..testing::user() };
        for (found, expected) in [
            (None, MakeResetLinkError::UnknownName),
            (Some(inactive), MakeResetLinkError::Inactive),
            (Some(testing::user()), MakeResetLinkError::Changed),
        ] {
            let refused = make(found, false).await;
            assert!(matches!(refused, Err(Error::Refused(error)) if error == expected));
        }
    }
}
