//! Second factors.

use async_trait::async_trait;
use menjin_domain::access::OutOfReach;
use menjin_domain::common::{Error, PortError, SessionId, Timestamp, UserId};
use menjin_domain::lockout::LockoutSubject;
use menjin_domain::mail::NewMail;
use menjin_domain::mfa::{
    Confirmation, Enrolment, FactorRepository, NewRecoveryCodes, Removal, SealedSecret,
    StoredFactor, UsedRecoveryCode,
};

use super::rows::Account;
use super::store::{State, Store};

impl Account {
    /// After a factor has come or gone: with the last one go the recovery codes.
    pub(crate) fn settle_factor(&mut self, at: Timestamp) {
        self.user.has_factor = self.factor.is_some() || !self.passkeys.is_empty();
        self.factor_since = self.user.has_factor.then(|| self.factor_since.unwrap_or(at));
        if !self.user.has_factor {
            self.recovery_codes.clear();
        }
        self.raise_version();
    }
}

impl State {
    /// Takes the second factor of an account away, with all that belongs to it.
    pub(crate) fn take_factors_away(&mut self, id: UserId, at: Timestamp) {
        let Some(account) = self.accounts.get_mut(&id) else { return };
        (account.factor, account.enrolment) = (None, None);
        account.passkeys.clear();
        self.settle_factor(id, at);
    }

    /// The same for the count of wrong codes.
    pub(crate) fn settle_factor(&mut self, id: UserId, at: Timestamp) {
        let Some(account) = self.accounts.get_mut(&id) else { return };
        account.settle_factor(at);
        if !account.user.has_factor {
            self.failures.retain(|(subject, _), _| *subject != LockoutSubject::Codes(id));
        }
    }

    fn enrolment(&self, user: UserId, session: SessionId, at: Timestamp) -> Option<SealedSecret> {
        let begun = self.accounts.get(&user)?.enrolment.as_ref()?;
        let is_there = begun.session_id == session && begun.expires_at > at;
        is_there.then(|| begun.secret.clone())
    }

    pub(crate) fn notify(&mut self, user: UserId, mail: Option<NewMail>) -> Result<(), PortError> {
        mail.map_or(Ok(()), |mail| self.append(mail, Some(user)).map(drop))
    }
}

#[async_trait]
impl FactorRepository for Store {
    async fn find(&self, user: UserId) -> Result<Option<StoredFactor>, PortError> {
        Ok(self.lock().accounts.get(&user).and_then(|account| account.factor.clone()))
    }

    async fn begin(&self, enrolment: Enrolment) -> Result<(), PortError> {
        if let Some(account) = self.lock().accounts.get_mut(&enrolment.user_id) {
            account.enrolment = Some(enrolment);
        }
        Ok(())
    }

    async fn enrolment(
        &self,
        user: UserId,
        session: SessionId,
        at: Timestamp,
    ) -> Result<Option<SealedSecret>, PortError> {
        Ok(self.lock().enrolment(user, session, at))
    }

    async fn confirm(&self, confirmation: Confirmation) -> Result<bool, PortError> {
        let (mut state, event) = (self.lock(), confirmation.event());
        let Confirmation { user_id, session_id, secret, step, recovery, mail, context } =
            confirmation;
        let begun = state.enrolment(user_id, session_id, context.at);
        let live = state.find_live(session_id, context.at);
        let is_mine = live.is_some_and(|live| live.user.id == user_id);
        let account = state.accounts.get(&user_id);
        let is_current = account.is_some_and(|account| {
            let begun = account.enrolment.as_ref();
            begun.is_some_and(|begun| begun.verified_version == account.version)
        });
        if !is_mine || !is_current || begun.is_none_or(|begun| begun != secret) {
            return Ok(false);
        }
        if let Some(account) = state.accounts.get_mut(&user_id) {
            let (last_step, created_at) = (step, context.at);
            account.factor = Some(StoredFactor { secret, last_step, created_at });
            account.enrolment = None;
            account.recovery_codes = recovery;
            account.settle_factor(context.at);
        }
        if let Some(stored) = state.sessions.get_mut(&session_id) {
            stored.session.has_factor = true;
        }
        state.end_sessions(user_id, Some(session_id), context.at);
        state.notify(user_id, mail)?;
        state.record(event);
        Ok(true)
    }

    async fn use_step(
        &self,
        user: UserId,
        secret: &SealedSecret,
        step: i64,
    ) -> Result<bool, PortError> {
        let mut state = self.lock();
        let factor = state.accounts.get_mut(&user).and_then(|account| account.factor.as_mut());
        let factor = factor.filter(|it| it.secret == *secret && it.last_step < step);
        let Some(factor) = factor else { return Ok(false) };
        factor.last_step = step;
        Ok(true)
    }

    async fn use_recovery_code(&self, used: UsedRecoveryCode) -> Result<bool, PortError> {
        let (mut state, event) = (self.lock(), used.event());
        let Some(account) = state.accounts.get_mut(&used.user_id) else { return Ok(false) };
        let all = account.recovery_codes.len();
        account.recovery_codes.retain(|code| !used.digests.contains(code));
        if account.recovery_codes.len() == all {
            return Ok(false);
        }
        state.notify(used.user_id, used.mail)?;
        state.record(event);
        Ok(true)
    }

    async fn replace_recovery_codes(&self, new: NewRecoveryCodes) -> Result<bool, PortError> {
        let (mut state, event) = (self.lock(), new.event());
        let account = state.at_version(new.user_id, new.verified_version);
        let Some(account) = account.filter(|account| account.user.has_factor) else {
            return Ok(false);
        };
        account.recovery_codes = new.recovery;
        state.notify(new.user_id, new.mail)?;
        state.record(event);
        Ok(true)
    }

    async fn remove(&self, removal: Removal) -> Result<bool, Error<OutOfReach>> {
        let (mut state, event) = (self.lock(), removal.event());
        let Removal { user_id, verified_version, keep_passkeys, keep_session, mail, authority } =
            removal;
        let Some(account) = state.accounts.get(&user_id) else { return Ok(false) };
        authority.reach.check(account.user.role).map_err(Error::Refused)?;
        let is_other = verified_version.is_some_and(|version| version != account.version);
        let is_there =
            if keep_passkeys { account.factor.is_some() } else { account.user.has_factor };
        if !is_there || is_other {
            return Ok(false);
        }
        if keep_passkeys {
            if let Some(account) = state.accounts.get_mut(&user_id) {
                (account.factor, account.enrolment) = (None, None);
            }
            state.settle_factor(user_id, authority.context.at);
        } else {
            state.take_factors_away(user_id, authority.context.at);
        }
        state.end_sessions(user_id, keep_session, authority.context.at);
        state.notify(user_id, mail)?;
        state.record(event);
        Ok(true)
    }

    async fn reseal(
        &self,
        user: UserId,
        before: &SealedSecret,
        after: &SealedSecret,
    ) -> Result<bool, PortError> {
        let mut state = self.lock();
        let factor = state.accounts.get_mut(&user).and_then(|account| account.factor.as_mut());
        let Some(factor) = factor.filter(|it| it.secret == *before) else { return Ok(false) };
        factor.secret = after.clone();
        Ok(true)
    }

    async fn of_other_keys(&self, key_id: &str) -> Result<Vec<(UserId, SealedSecret)>, PortError> {
        let state = self.lock();
        let factors = state.accounts.iter().filter_map(|(id, it)| Some((*id, it.factor.as_ref()?)));
        let others = factors.filter(|(_, factor)| factor.secret.key_id != key_id);
        Ok(others.map(|(id, factor)| (id, factor.secret.clone())).collect())
    }

    async fn count_of_other_keys(&self, key_id: &str) -> Result<u64, PortError> {
        let is_other = |account: &&Account| {
            let factor = account.factor.as_ref().map(|factor| &factor.secret.key_id);
            let codes = account.recovery_codes.iter().map(|code| &code.key_id);
            factor.into_iter().chain(codes).any(|id| id != key_id)
        };
        Ok(self.lock().accounts.values().filter(is_other).count() as u64)
    }
}
