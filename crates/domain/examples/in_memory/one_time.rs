//! The one-time tokens, and what is done by them.

use std::cmp::Reverse;

use async_trait::async_trait;
use menjin_domain::accounts::{LoginName, User};
use menjin_domain::audit::{AuditAction, AuditContext};
use menjin_domain::common::{Error, PortError, Timestamp, UserId};
use menjin_domain::mail::NewMail;
use menjin_domain::one_time::{
    ConfirmEmailChangeError, Disowning, EmailChange, EmailChangeRequest, EmailChangeUndo,
    EmailVerification, NewAddress, NewOneTimeToken, OneTimeTokenRepository, PasswordReset, Purpose,
    RESET_DELAY, Recipient, TokenDigest, TokenHolder, TokenInvalid,
};

use super::rows::{Account, StoredToken};
use super::store::{State, Store};

impl State {
    pub(crate) fn is_live(&self, token: &StoredToken, at: Timestamp) -> bool {
        let NewOneTimeToken { purpose, email, user_id, version, expires_at, .. } = &token.made;
        let Some(account) = self.accounts.get(user_id) else { return false };
        let is_for_address = match purpose {
            Purpose::VerifyEmail => account.user.email.canonical() == email,
            Purpose::ChangeEmail => {
                let pending = account.user.pending_email.as_ref();
                pending.is_some_and(|pending| pending.canonical() == email)
            }
            Purpose::ResetPassword | Purpose::UndoEmailChange | Purpose::Invitation => true,
        };
        account.user.is_active_at(at)
            && is_for_address
            && !token.is_over
            && version.is_none_or(|version| version == account.version)
            && expires_at.is_none_or(|expires_at| expires_at > at)
    }

    /// The live token of this digest and purpose, and whose it is.
    fn find_token(
        &self,
        digest: &TokenDigest,
        purpose: Purpose,
        at: Timestamp,
    ) -> Option<(NewOneTimeToken, Recipient)> {
        let token = self.tokens.get(digest).filter(|token| token.made.purpose == purpose)?;
        let account = self.accounts.get(&token.made.user_id)?;
        self.is_live(token, at).then(|| (token.made.clone(), account.recipient()))
    }

    /// Whose a live token is.
    fn holder(&self, (token, of): (NewOneTimeToken, Recipient), at: Timestamp) -> TokenHolder {
        let is_older = |other: &&StoredToken| {
            other.made.user_id == token.user_id
                && other.made.purpose == Purpose::UndoEmailChange
                && other.made.created_at < token.created_at
                && self.is_live(other, at)
        };
        let account = self.accounts.get(&of.user.id);
        TokenHolder {
            is_proved: of.is_proved(),
            factor_since: account.and_then(|account| account.factor_since),
            is_oldest: token.purpose != Purpose::UndoEmailChange
                || !self.tokens.values().any(|other| is_older(&other)),
            user: of.user,
            version: of.version,
            email: token.email,
            gives_back: token.gives_back,
            client: token.client,
            created_at: token.created_at,
        }
    }

    /// The same, if it is this account's.
    fn token_of(
        &self,
        user: UserId,
        digest: &TokenDigest,
        purpose: Purpose,
        at: Timestamp,
    ) -> Result<(NewOneTimeToken, Recipient), Error<TokenInvalid>> {
        let found = self.find_token(digest, purpose, at);
        found.filter(|(token, _)| token.user_id == user).ok_or(Error::Refused(TokenInvalid))
    }

    pub(crate) fn add_token(&mut self, made: NewOneTimeToken) {
        self.tokens.insert(made.digest.clone(), StoredToken { made, is_over: false });
    }

    /// Makes tokens of an account void.
    pub(crate) fn void_tokens(&mut self, of: UserId, which: impl Fn(&NewOneTimeToken) -> bool) {
        for token in self.tokens.values_mut() {
            token.is_over |= token.made.user_id == of && which(&token.made);
        }
    }

    /// Leaves this many live tokens of an account and a purpose, the newest, and makes the others void.
    fn void_oldest(&mut self, of: UserId, purpose: Purpose, keep: u32, at: Timestamp) {
        let tokens = self.tokens.values().filter(|token| {
            token.made.user_id == of && token.made.purpose == purpose && self.is_live(token, at)
        });
        let mut live: Vec<_> = tokens.map(|token| &token.made).collect();
        live.sort_by_key(|made| Reverse(made.created_at));
        let keep = usize::try_from(keep).unwrap_or(usize::MAX);
        let oldest: Vec<_> = live.into_iter().skip(keep).map(|made| made.digest.clone()).collect();
        self.void_tokens(of, |made| oldest.contains(&made.digest));
    }
}

#[async_trait]
impl OneTimeTokenRepository for Store {
    async fn find_recipient(&self, name: &LoginName) -> Result<Option<Recipient>, PortError> {
        Ok(self.lock().find_by_name(name).map(Account::recipient))
    }

    async fn find_recipient_by_id(&self, id: UserId) -> Result<Option<Recipient>, PortError> {
        Ok(self.lock().accounts.get(&id).map(Account::recipient))
    }

    async fn issue(&self, token: NewOneTimeToken) -> Result<bool, PortError> {
        let mut state = self.lock();
        let NewOneTimeToken { digest, purpose, user_id, created_at: at, .. } = token.clone();
        let gives_address = purpose == Purpose::ChangeEmail;
        if gives_address && state.is_anothers(&token.email, Some(user_id), at) {
            return Ok(false);
        }
        if state.tokens.contains_key(&digest) {
            return Ok(state.find_token(&digest, purpose, at).is_some());
        }
        // The mail sets when it expires.
        let has_mail = token.mail.is_none_or(|mail| state.mails.contains_key(&mail));
        let others = token.max_live.saturating_sub(1);
        let token = StoredToken { made: token, is_over: false };
        if !has_mail || !state.is_live(&token, at) {
            return Ok(false);
        }
        state.void_oldest(user_id, purpose, others, at);
        state.tokens.insert(digest, token);
        Ok(true)
    }

    async fn count_live(
        &self,
        user: UserId,
        purpose: Purpose,
        at: Timestamp,
    ) -> Result<u64, PortError> {
        let state = self.lock();
        let live = state.tokens.values().filter(|token| {
            token.made.user_id == user && token.made.purpose == purpose && state.is_live(token, at)
        });
        Ok(live.count() as u64)
    }

    async fn find(
        &self,
        digest: &TokenDigest,
        purpose: Purpose,
        at: Timestamp,
    ) -> Result<Option<TokenHolder>, PortError> {
        let state = self.lock();
        Ok(state.find_token(digest, purpose, at).map(|found| state.holder(found, at)))
    }

    async fn reset_password(&self, reset: PasswordReset) -> Result<(), Error<TokenInvalid>> {
        let (mut state, event) = (self.lock(), reset.event());
        let PasswordReset { digest, user_id, version, hash, mail, at, .. } = reset;
        let (token, before) = state.token_of(user_id, &digest, Purpose::ResetPassword, at)?;
        let account = state.at_version(user_id, version).ok_or(Error::Refused(TokenInvalid))?;
        account.hash = hash;
        account.user.first_password = None;
        account.raise_version();
        account.user.updated_at = Some(at);
        // The link was in the mailbox of this address, which is the one for new passwords.
        if before.user.email.canonical() == token.email {
            account.set_mailbox(before.with_proof(true, at), at);
        }
        if before.user.has_factor && !before.is_proved() {
            state.take_factors_away(user_id, at);
        }
        state.void_tokens(user_id, |made| made.purpose != Purpose::UndoEmailChange);
        state.end_sessions(user_id, None, at);
        state.forget(user_id);
        if let Some(mail) = mail {
            state.append(mail, Some(user_id))?;
        }
        state.record(event);
        Ok(())
    }

    async fn verify_email(&self, proof: EmailVerification) -> Result<User, Error<TokenInvalid>> {
        let (mut state, event) = (self.lock(), proof.event());
        let EmailVerification { digest, user_id, with_password, at, .. } = proof;
        let (_, before) = state.token_of(user_id, &digest, Purpose::VerifyEmail, at)?;
        let mailbox = before.with_proof(with_password, at);
        let account = state.accounts.get_mut(&user_id).ok_or(Error::Refused(TokenInvalid))?;
        if !before.user.is_verified || mailbox.recovery != before.recovery {
            account.set_mailbox(mailbox, at);
        }
        let user = account.user.clone();
        if !before.user.is_verified {
            state.record(event);
        }
        Ok(user)
    }

    async fn disown(&self, disowning: Disowning) -> Result<(), Error<TokenInvalid>> {
        let mut state = self.lock();
        let (id, digest) = (disowning.user_id, &disowning.digest);
        let (_, of) = state.token_of(id, digest, Purpose::VerifyEmail, disowning.at)?;
        if of.is_proved() || disowning.roles.has_any(of.user.role) {
            return Err(Error::Refused(TokenInvalid));
        }
        state.delete_account(id);
        state.record(disowning.event());
        Ok(())
    }

    async fn request_email_change(&self, change: EmailChangeRequest) -> Result<bool, PortError> {
        let mut state = self.lock();
        let EmailChangeRequest { user_id, version, email, mail, context } = change;
        let Some(account) = state.at_version(user_id, version) else { return Ok(false) };
        account.user.pending_email = Some(email);
        account.pending_since = Some(context.at);
        state.append(mail, Some(user_id))?;
        state.record(context.event(AuditAction::EmailChangeRequested).on(user_id));
        Ok(true)
    }

    async fn withdraw_email_change(
        &self,
        id: UserId,
        context: AuditContext,
    ) -> Result<(), PortError> {
        let mut state = self.lock();
        let account = state.accounts.get_mut(&id);
        let pending = account.filter(|account| account.user.pending_email.is_some());
        let Some(account) = pending else { return Ok(()) };
        account.forget_pending();
        state.void_tokens(id, |made| made.purpose == Purpose::ChangeEmail);
        state.record(context.event(AuditAction::EmailChangeWithdrawn).on(id));
        Ok(())
    }

    async fn confirm_email_change(
        &self,
        change: EmailChange,
    ) -> Result<User, Error<ConfirmEmailChangeError>> {
        let (mut state, event) = (self.lock(), change.event());
        let EmailChange { digest, user_id, mails, at, .. } = change;
        let invalid = || Error::Refused(TokenInvalid.into());
        let found = state.token_of(user_id, &digest, Purpose::ChangeEmail, at);
        let (_, before) = found.map_err(Error::cast)?;
        let email = before.user.pending_email.clone().ok_or_else(invalid)?;
        if state.is_anothers(email.canonical(), Some(user_id), at) {
            return Err(Error::Refused(ConfirmEmailChangeError::EmailTaken));
        }
        state.void_tokens(user_id, |made| made.digest == digest);
        state.change_address(&before, &email, NewAddress::Confirmed, mails, at)?;
        let account = state.accounts.get_mut(&user_id).ok_or_else(invalid)?;
        account.forget_pending();
        let user = account.user.clone();
        state.record(event);
        Ok(user)
    }

    async fn undo_email_change(&self, undo: EmailChangeUndo) -> Result<User, Error<TokenInvalid>> {
        let (mut state, event) = (self.lock(), undo.event());
        let EmailChangeUndo { digest, user_id, mails, at, .. } = undo;
        let (token, before) = state.token_of(user_id, &digest, Purpose::UndoEmailChange, at)?;
        let keeps_factor = state.holder((token.clone(), before.clone()), at).keeps_factor();
        let email = token.gives_back.ok_or(Error::Refused(TokenInvalid))?;
        // Nobody gets a reserved address, unless the clock was put back.
        if state.is_anothers(email.canonical(), Some(user_id), at) {
            return Err(Error::Refused(TokenInvalid));
        }
        let account = state.accounts.get_mut(&user_id).ok_or(Error::Refused(TokenInvalid))?;
        account.set_mailbox(before.with_address_back(&email, at), at);
        account.raise_version();
        account.reset_after = Some(at + RESET_DELAY);
        if before.user.has_factor && !keeps_factor {
            state.take_factors_away(user_id, at);
        }
        // This one as well.
        state.void_tokens(user_id, |made| {
            made.purpose != Purpose::UndoEmailChange || made.created_at >= token.created_at
        });
        state.end_sessions(user_id, None, at);
        for (mail, to) in mails.into_iter().zip([email, before.user.email]) {
            let to = Some(to.as_str().to_owned());
            state.append(NewMail { to, ..mail }, Some(user_id))?;
        }
        state.record(event);
        let account = state.accounts.get(&user_id).ok_or(Error::Refused(TokenInvalid))?;
        Ok(account.user.clone())
    }

    async fn forget_pending_before(&self, before: Timestamp) -> Result<u64, PortError> {
        let mut forgotten = 0;
        for account in self.lock().accounts.values_mut() {
            if account.pending_since.is_some_and(|since| since < before) {
                account.forget_pending();
                forgotten += 1;
            }
        }
        Ok(forgotten)
    }

    async fn delete_before(&self, before: Timestamp) -> Result<u64, PortError> {
        let tokens = &mut self.lock().tokens;
        let all = tokens.len();
        tokens.retain(|_, token| token.made.created_at >= before);
        Ok((all - tokens.len()) as u64)
    }
}
