//! The outbox.

use async_trait::async_trait;
use menjin_domain::audit::{AuditAction, AuditContext};
use menjin_domain::common::{Error, PortError, Timestamp, UserId};
use menjin_domain::mail::{
    Backlog, Claim, MailId, MailPage, MailQuery, MailRecord, MailState, NewMail, Outbox,
    QueuedMail, RetryMailError, Settlement,
};

use super::rows::StoredMail;
use super::store::{State, Store, next_id};

impl StoredMail {
    fn waits(&self) -> bool {
        self.state == MailState::Queued
    }

    fn is_due(&self, at: Timestamp) -> bool {
        self.waits() && self.due_at <= at && self.claimed_until.is_none_or(|until| until <= at)
    }

    fn record(&self) -> MailRecord {
        let QueuedMail { id, attempts, user_id, mail, .. } = &self.queued;
        MailRecord {
            id: *id,
            kind: mail.kind,
            state: self.state,
            user_id: *user_id,
            recipient: mail.to.clone(),
            attempts: *attempts,
            error: self.error.clone(),
            created_at: mail.created_at,
            due_at: self.due_at,
            sent_at: self.sent_at,
        }
    }
}

impl State {
    /// Appends a mail in the change that causes it.
    pub(crate) fn append(
        &mut self,
        mail: NewMail,
        user_id: Option<UserId>,
    ) -> Result<MailId, PortError> {
        let (id, at) = (next_id(&mut self.last_mail)?, mail.created_at);
        let stored = StoredMail {
            queued: QueuedMail { id, claims: 0, attempts: 0, queued_at: at, user_id, mail },
            state: MailState::Queued,
            due_at: at,
            claimed_until: None,
            error: None,
            sent_at: None,
        };
        self.mails.insert(id, stored);
        Ok(id)
    }
}

#[async_trait]
impl Outbox for Store {
    async fn enqueue(&self, mail: NewMail, user: Option<UserId>) -> Result<(), PortError> {
        self.lock().append(mail, user).map(drop)
    }

    async fn claim(&self, claim: Claim) -> Result<Vec<QueuedMail>, PortError> {
        let mails = &mut self.lock().mails;
        let mut due: Vec<_> = mails.values_mut().filter(|stored| stored.is_due(claim.at)).collect();
        // Notices go first.
        due.sort_by_key(|stored| (stored.queued.mail.kind.is_for_anybody(), stored.due_at));
        due.truncate(usize::try_from(claim.limit).unwrap_or(usize::MAX));
        let claimed = due.into_iter().map(|stored| {
            stored.claimed_until = Some(claim.until);
            stored.queued.claims += 1;
            stored.queued.clone()
        });
        Ok(claimed.collect())
    }

    async fn settle(
        &self,
        mail: &QueuedMail,
        user: Option<UserId>,
        recipient: Option<String>,
        settlement: Settlement,
    ) -> Result<bool, PortError> {
        let mut state = self.lock();
        let State { mails, tokens, .. } = &mut *state;
        let stored = mails.get_mut(&mail.id);
        let is_claim = |stored: &StoredMail| stored.waits() && stored.queued.claims == mail.claims;
        let Some(stored) = stored.filter(|stored| is_claim(stored)) else { return Ok(false) };
        stored.claimed_until = None;
        let queued = &mut stored.queued;
        if user.is_some() {
            // Once it is known whose it is, the name is of no more use.
            (queued.user_id, queued.mail.name) = (user, None);
        }
        queued.mail.to = recipient.or(queued.mail.to.take());
        if !matches!(settlement, Settlement::Postponed { .. }) {
            queued.attempts += 1;
        }
        let token_expires_at = match settlement {
            Settlement::Sent { at, token_expires_at } => {
                (stored.state, stored.sent_at, stored.error) = (MailState::Sent, Some(at), None);
                token_expires_at
            }
            Settlement::Again { due_at, error } => {
                (stored.due_at, stored.error) = (due_at, Some((error.code, error.text)));
                None
            }
            Settlement::Failed { token_expires_at, error } => {
                stored.state = MailState::Failed;
                stored.error = Some((error.code, error.text));
                token_expires_at
            }
            Settlement::Postponed { due_at } => {
                stored.due_at = due_at;
                None
            }
            Settlement::Dropped => {
                mails.remove(&mail.id);
                None
            }
        };
        if let Some(expires_at) = token_expires_at {
            for token in tokens.values_mut().filter(|token| token.made.mail == Some(mail.id)) {
                token.made.expires_at.get_or_insert(expires_at);
            }
        }
        Ok(true)
    }

    async fn has_other(&self, mail: &QueuedMail, user: UserId) -> Result<bool, PortError> {
        Ok(self.lock().mails.values().any(|stored| {
            let other = &stored.queued;
            stored.waits()
                && other.id != mail.id
                && other.mail.kind == mail.mail.kind
                && other.user_id == Some(user)
        }))
    }

    async fn find(&self, id: MailId) -> Result<Option<MailRecord>, PortError> {
        Ok(self.lock().mails.get(&id).map(StoredMail::record))
    }

    async fn list(&self, query: MailQuery) -> Result<MailPage, PortError> {
        let state = self.lock();
        let newest_first = state.mails.values().rev();
        let matching = newest_first.filter(|stored| {
            query.state.is_none_or(|state| stored.state == state)
                && query.user.is_none_or(|user| stored.queued.user_id == Some(user))
        });
        let page = matching
            .clone()
            .filter(|stored| query.after.is_none_or(|after| stored.queued.id < after));
        let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
        Ok(MailPage {
            total: matching.count() as u64,
            mails: page.take(limit).map(StoredMail::record).collect(),
        })
    }

    async fn retry(
        &self,
        id: MailId,
        context: AuditContext,
    ) -> Result<MailRecord, Error<RetryMailError>> {
        let (mut state, at) = (self.lock(), context.at);
        let has_dead_token = state.tokens.values().any(|token| {
            let has_expired = token.made.expires_at.is_some_and(|expires_at| expires_at <= at);
            token.made.mail == Some(id) && (token.is_over || has_expired)
        });
        let stored = state.mails.get_mut(&id).ok_or(Error::Refused(RetryMailError::NotFound))?;
        if stored.state != MailState::Failed || has_dead_token {
            return Err(Error::Refused(RetryMailError::NotRetriable));
        }
        (stored.state, stored.due_at) = (MailState::Queued, at);
        (stored.queued.queued_at, stored.queued.attempts) = (at, 0);
        let record = stored.record();
        let event = context.event(AuditAction::MailRetried);
        state.record(match record.user_id {
            Some(user) => event.on(user),
            None => event,
        });
        Ok(record)
    }

    async fn backlog(&self) -> Result<Backlog, PortError> {
        let state = self.lock();
        let waiting = state.mails.values().filter(|stored| stored.waits());
        Ok(Backlog {
            queued: waiting.clone().count() as u64,
            oldest: waiting.map(|stored| stored.queued.queued_at).min(),
        })
    }

    async fn delete_finished(&self, before: Timestamp) -> Result<u64, PortError> {
        let mails = &mut self.lock().mails;
        let all = mails.len();
        mails.retain(|_, stored| stored.waits() || stored.queued.queued_at >= before);
        Ok((all - mails.len()) as u64)
    }
}
