//! Use-case: delivering what is in the outbox. Every replica runs it, again and again.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use sha2::{Digest as _, Sha256};

use crate::access::Roles;
use crate::accounts::{Email, User};
use crate::common::text::hex;
use crate::common::{Causes, Clock, PortError, Timestamp, UserId};
use crate::invitations::InvitationRepository;
use crate::lockout::{Admission, Limit, RateKey, RateLimiter};
use crate::mail::{
    Claim, Link, Mail, MailKind, MailPorts, MailSettings, Mailer, NewMail, Outbox, QueuedMail,
    Settlement, next_try,
};
use crate::one_time::{
    NewOneTimeToken, OneTimeToken, OneTimeTokenRepository, Purpose, Recipient, TokenMaker,
};
use crate::ports::{Policy, Ports};

/// For how long a worker has a mail for itself: longer than a try may take.
const LEASE: Duration = Duration::from_secs(120);

/// How many mails one call claims, and how many of them are sent at once.
const CLAIMED: u32 = 64;
const AT_ONCE: usize = 8;

/// How many verification mails an account may ask for, beside [`MailSettings`].
const VERIFICATIONS: [Limit; 2] = [
    Limit { max: 1, window: Duration::from_secs(60) },
    Limit { max: 5, window: Duration::from_secs(24 * 60 * 60) },
];

/// What became of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// What it was about.
    pub kind: MailKind,
    /// What became of it.
    pub settlement: Settlement,
}

/// Sends mails that are due.
///
/// A mail is made anew at each try: whose account it is about, where it goes to and what it says are
/// what holds at that moment. Its token is always the same, and is stored, as a digest, before the
/// mail leaves.
#[non_exhaustive]
pub struct DeliverMails {
    /// The mails.
    pub outbox: Arc<dyn Outbox>,
    /// Sends them.
    pub mailer: Arc<dyn Mailer>,
    /// Makes their tokens.
    pub tokens: Arc<dyn TokenMaker>,
    /// Knows their tokens, and whom they go to.
    pub one_time: Arc<dyn OneTimeTokenRepository>,
    /// Knows the invitations.
    pub invitations: Arc<dyn InvitationRepository>,
    /// Counts mails.
    pub rates: Arc<dyn RateLimiter>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Links and limits.
    pub settings: MailSettings,
    /// Which role has which rights.
    pub roles: Arc<Roles>,
}

impl DeliverMails {
    /// On these ports, with this policy; `None` if they have no mail.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Option<Self> {
        let MailPorts { outbox, mailer, tokens } = ports.mail.clone()?;
        Some(Self {
            outbox,
            mailer,
            tokens,
            one_time: ports.one_time_tokens.clone(),
            invitations: ports.invitations.clone(),
            rates: ports.required.rate_limiter.clone(),
            clock: ports.required.clock.clone(),
            settings: policy.mail.clone(),
            roles: policy.roles.clone(),
        })
    }

    /// Sends mails that are due, as many as one call claims, and says what became of each. If it
    /// returns none, no mail is due.
    ///
    /// # Errors
    /// The store failed. Claimed mails are tried again when their claims have ended.
    pub async fn execute(&self) -> Result<Vec<Delivered>, PortError> {
        let at = self.clock.now();
        let claim = Claim { at, until: at + LEASE, limit: CLAIMED };
        let claimed = self.outbox.claim(claim).await?;
        let deliveries = claimed.into_iter().map(|mail| async move {
            let delivered = self.deliver(&mail).await;
            if let Err(error) = &delivered {
                tracing::warn!(mail_id = %mail.id, error = %Causes(error), "a mail was not settled");
            }
            delivered.ok()
        });
        let delivered = futures_util::stream::iter(deliveries).buffer_unordered(AT_ONCE);
        Ok(delivered.filter_map(std::future::ready).collect().await)
    }

    async fn deliver(&self, mail: &QueuedMail) -> Result<Delivered, PortError> {
        let (user, address, settlement) = self.attempt(mail).await?;
        self.outbox.settle(mail, user, address, settlement.clone()).await?;
        let kind = mail.mail.kind;
        match &settlement {
            Settlement::Sent { .. } => {
                tracing::info!(event = "mail_sent", mail_id = %mail.id, %kind);
            }
            Settlement::Again { error, .. } => {
                tracing::warn!(event = "mail_deferred", mail_id = %mail.id, %kind, code = %error.code);
            }
            Settlement::Failed { error, .. } => {
                tracing::warn!(event = "mail_failed", mail_id = %mail.id, %kind, code = %error.code);
            }
            Settlement::Postponed { .. } | Settlement::Dropped => {}
        }
        Ok(Delivered { kind, settlement })
    }

    /// Tries to send a mail; returns whose it is and where it goes to, if that is known.
    async fn attempt(
        &self,
        queued: &QueuedMail,
    ) -> Result<(Option<UserId>, Option<String>, Settlement), PortError> {
        if queued.mail.kind == MailKind::Invitation {
            let settlement = self.send_invitation(queued).await?;
            return Ok((None, queued.mail.to.clone(), settlement));
        }
        let recipient = match (&queued.user_id, &queued.mail.name) {
            (Some(id), _) => self.one_time.find_recipient_by_id(*id).await?,
            (None, Some(name)) => self.one_time.find_recipient(name).await?,
            (None, None) => None,
        };
        let now = self.clock.now();
        let kind = queued.mail.kind;
        let Some((recipient, address)) = recipient.and_then(|recipient| {
            let to = queued.mail.to.as_deref();
            let address = destination(kind, &recipient, to, now, &self.roles)?.to_owned();
            Some((recipient, address))
        }) else {
            return Ok((None, None, Settlement::Dropped));
        };
        let settlement = match self.hold(queued, &recipient, now).await? {
            Some(held) => held,
            None => self.send(queued, &recipient, &address).await?,
        };
        Ok((Some(recipient.user.id), Some(address), settlement))
    }

    async fn send(
        &self,
        queued: &QueuedMail,
        recipient: &Recipient,
        address: &str,
    ) -> Result<Settlement, PortError> {
        let kind = queued.mail.kind;
        let link = match kind.purpose() {
            None => None,
            // The change is told whether or not it can still be undone.
            Some(Purpose::UndoEmailChange) => self.undo_link(queued).await?,
            Some(purpose) => match self.link(queued, recipient, address, purpose).await? {
                Some(link) => Some(link),
                None => return Ok(Settlement::Dropped),
            },
        };
        let lifetime = link.as_ref().map(|link| link.lifetime);
        self.hand_over(queued, Some(&recipient.user), address, link, lifetime).await
    }

    /// Sends an invitation, if it is open and its link is the one in this mail.
    async fn send_invitation(&self, queued: &QueuedMail) -> Result<Settlement, PortError> {
        let purpose = Purpose::Invitation;
        let (Some(to), Some(token)) = (&queued.mail.to, self.token(queued, purpose)) else {
            return Ok(Settlement::Dropped);
        };
        let now = self.clock.now();
        let found = self.invitations.find_by_token(&token.digest()).await?;
        let Some(invitation) = found.filter(|invitation| invitation.is_open(now, &self.roles))
        else {
            return Ok(Settlement::Dropped);
        };
        let left = (invitation.expires_at - now).to_std().unwrap_or_default();
        let link = Link { lifetime: left, ..self.settings.link(purpose, token) };
        self.hand_over(queued, None, to, Some(link), None).await
    }

    /// Writes the mail down and sends it. The token in it then lives for `lifetime`.
    async fn hand_over(
        &self,
        queued: &QueuedMail,
        user: Option<&User>,
        to: &str,
        link: Option<Link>,
        lifetime: Option<Duration>,
    ) -> Result<Settlement, PortError> {
        let NewMail { kind, locale, client, created_at, .. } = &queued.mail;
        let mail = Mail {
            message_id: self.message_id(queued),
            kind: *kind,
            to: to.to_owned(),
            locale: user.and_then(|user| user.locale).or(*locale).unwrap_or(self.settings.locale),
            username: user.and_then(shown_name),
            deletes_at: user.and_then(|user| user.deletes_at),
            link,
            client: client.clone(),
            at: *created_at,
        };
        let sent = self.mailer.send(&mail).await;
        let at = self.clock.now();
        let token_expires_at = lifetime.map(|lifetime| at + lifetime);
        Ok(match sent {
            Ok(()) => Settlement::Sent { at, token_expires_at },
            Err(error) => {
                let next = next_try(queued.id, queued.attempts, at, queued.queued_at);
                match next.filter(|_| !error.is_final) {
                    Some(due_at) => Settlement::Again { due_at, error },
                    None => Settlement::Failed { token_expires_at, error },
                }
            }
        })
    }

    /// Makes the token of a mail, and stores its digest; `None` if the token is not live.
    async fn link(
        &self,
        queued: &QueuedMail,
        recipient: &Recipient,
        address: &str,
        purpose: Purpose,
    ) -> Result<Option<Link>, PortError> {
        let Some(token) = self.token(queued, purpose) else { return Ok(None) };
        let client = queued.mail.client.clone();
        let now = self.clock.now();
        let new = NewOneTimeToken::new(&token, purpose, recipient, address, client, now);
        let issued = self.one_time.issue(NewOneTimeToken { mail: Some(queued.id), ..new });
        Ok(issued.await?.then(|| self.settings.link(purpose, token)))
    }

    /// The link that undoes a change of the address; `None` if there is no such token, or it is void.
    async fn undo_link(&self, queued: &QueuedMail) -> Result<Option<Link>, PortError> {
        let purpose = Purpose::UndoEmailChange;
        let Some(token) = self.token(queued, purpose) else { return Ok(None) };
        let found = self.one_time.find(&token.digest(), purpose, self.clock.now()).await?;
        Ok(found.map(|_holder| self.settings.link(purpose, token)))
    }

    /// The token of a mail; `None` if its key is no longer known.
    fn token(&self, queued: &QueuedMail, purpose: Purpose) -> Option<OneTimeToken> {
        let token = self.tokens.token(&queued.mail.seed, purpose);
        if token.is_none() {
            let key_id = &queued.mail.seed.key_id;
            tracing::warn!(mail_id = %queued.id, key_id, "a mail's token is of a secret that is no longer known");
        }
        token
    }

    /// What becomes of a mail that anybody can cause if a limit is in its way; `None` if none is. A mail
    /// that was tried before has been counted.
    async fn hold(
        &self,
        queued: &QueuedMail,
        recipient: &Recipient,
        now: Timestamp,
    ) -> Result<Option<Settlement>, PortError> {
        let (kind, user) = (queued.mail.kind, recipient.user.id);
        if kind == MailKind::ResetPassword
            && let Some(due_at) = recipient.reset_after.filter(|after| *after > now)
        {
            return Ok(Some(self.held_until(due_at, queued, user).await?));
        }
        if !kind.is_for_anybody() || queued.attempts > 0 {
            return Ok(None);
        }
        let of_account: &[Limit] = match kind {
            MailKind::ResetPassword => &[self.settings.resets_per_account],
            _ => &VERIFICATIONS,
        };
        let keys =
            (0..).zip(of_account).map(|(n, limit)| (RateKey::MailsTo(kind, user, n), *limit));
        let mut counted = Vec::new();
        for (key, limit) in keys.chain([(RateKey::Mails(kind), self.settings.in_all)]) {
            let Admission::Refused { retry_after } = self.rates.reserve(key, limit, now).await?
            else {
                counted.push(key);
                continue;
            };
            let is_of_account = matches!(key, RateKey::MailsTo(..));
            if is_of_account && self.is_the_only_one(queued, recipient, now).await? {
                continue;
            }
            for key in counted {
                self.rates.release(key).await?;
            }
            let due_at = now + retry_after.max(Duration::from_secs(1));
            return Ok(Some(self.held_until(due_at, queued, user).await?));
        }
        Ok(None)
    }

    /// What becomes of a mail that may not go before this time: one that waits is enough.
    async fn held_until(
        &self,
        due_at: Timestamp,
        queued: &QueuedMail,
        user: UserId,
    ) -> Result<Settlement, PortError> {
        let is_one_more = self.outbox.has_other(queued, user).await?;
        Ok(if is_one_more { Settlement::Dropped } else { Settlement::Postponed { due_at } })
    }

    /// Whether the account has no live token for a new password: then somebody who has lost the
    /// password has nothing else, however often others have asked in that name.
    async fn is_the_only_one(
        &self,
        queued: &QueuedMail,
        recipient: &Recipient,
        now: Timestamp,
    ) -> Result<bool, PortError> {
        if queued.mail.kind != MailKind::ResetPassword {
            return Ok(false);
        }
        let purpose = Purpose::ResetPassword;
        Ok(self.one_time.count_live(recipient.user.id, purpose, now).await? == 0)
    }

    /// The same at each try, and of no use to guess the token by.
    fn message_id(&self, queued: &QueuedMail) -> String {
        let digest = Sha256::digest(format!("message-id {}", queued.mail.seed.random).as_bytes());
        let digest = hex(digest.get(..8).unwrap_or_default());
        let after_scheme = self.settings.public_url.split("://").nth(1).unwrap_or_default();
        let host = after_scheme.split(['/', ':']).next().unwrap_or_default();
        let host = if host.is_empty() || host.starts_with('[') { "localhost" } else { host };
        format!("{}.{digest}@{host}", queued.id)
    }
}

/// Where a mail goes to, which may have been queued for an address of its own; `None` if it is not to be
/// sent.
pub(super) fn destination<'a>(
    kind: MailKind,
    recipient: &'a Recipient,
    to: Option<&'a str>,
    now: Timestamp,
    roles: &Roles,
) -> Option<&'a str> {
    let user = &recipient.user;
    let is_active = user.is_active_at(now);
    match kind {
        MailKind::VerifyEmail => (is_active && !user.is_verified).then(|| user.email.as_str()),
        MailKind::ResetPassword => recipient.reset_address(now, roles),
        MailKind::ChangeEmail => {
            let pending = user.pending_email.as_ref().filter(|_| is_active);
            pending.map(Email::as_str)
        }
        MailKind::Invitation => to,
        MailKind::EmailChanged | MailKind::EmailRestored => {
            Some(to.unwrap_or(recipient.recovery_address(now)))
        }
        // One that was restored meanwhile is not deleted.
        MailKind::AccountDeletion => {
            user.deletes_at.is_some().then(|| recipient.recovery_address(now))
        }
        MailKind::PasswordChanged
        | MailKind::FactorAdded
        | MailKind::FactorRemoved
        | MailKind::FactorLocked
        | MailKind::RecoveryCodeUsed
        | MailKind::RecoveryCodesRenewed
        | MailKind::Test => Some(recipient.recovery_address(now)),
    }
}

/// The user name, unless a mail program could make a link of it: whoever registers with somebody
/// else's address writes no text into that mailbox.
fn shown_name(user: &User) -> Option<String> {
    let name = user.username.as_str();
    (!name.contains(['.', '/', ':', '。', '．', '：', '／'])).then(|| name.to_owned())
}

#[cfg(test)]
mod tests;
