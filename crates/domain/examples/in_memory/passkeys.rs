//! Passkeys.

use async_trait::async_trait;
use menjin_domain::common::{PortError, Timestamp, UserId};
use menjin_domain::passkeys::{
    ChallengePurpose, NewChallenge, NewPasskey, Passkey, PasskeyRemoval, PasskeyRepository,
    PasskeyUse, TakenChallenge,
};

use super::store::{State, Store, next_id};

impl State {
    fn passkey(&self, credential_id: &str) -> Option<&Passkey> {
        let mut all = self.accounts.values().flat_map(|account| &account.passkeys);
        all.find(|passkey| passkey.credential_id == credential_id)
    }
}

#[async_trait]
impl PasskeyRepository for Store {
    async fn begin(&self, challenge: NewChallenge) -> Result<(), PortError> {
        self.lock().challenges.insert(challenge.challenge.clone(), challenge);
        Ok(())
    }

    async fn take(
        &self,
        challenge: &str,
        purpose: ChallengePurpose,
        at: Timestamp,
    ) -> Result<Option<TakenChallenge>, PortError> {
        let taken = self.lock().challenges.remove(challenge);
        let taken = taken.filter(|taken| taken.purpose == purpose && taken.expires_at > at);
        Ok(taken.map(|taken| TakenChallenge { version: taken.version }))
    }

    async fn list(&self, user: UserId) -> Result<Vec<Passkey>, PortError> {
        let state = self.lock();
        Ok(state.accounts.get(&user).map(|account| account.passkeys.clone()).unwrap_or_default())
    }

    async fn find(&self, credential_id: &str) -> Result<Option<Passkey>, PortError> {
        Ok(self.lock().passkey(credential_id).cloned())
    }

    async fn add(&self, new: NewPasskey) -> Result<bool, PortError> {
        let (mut state, event) = (self.lock(), new.event());
        let (user_id, at) = (new.user_id, new.context.at);
        let live = state.find_live(new.session_id, at);
        let fits = live.is_some_and(|live| {
            live.user.id == user_id && live.user.has_factor == new.recovery.is_none()
        });
        let is_current = state.at_version(user_id, new.verified_version).is_some();
        if !fits || !is_current || state.passkey(&new.credential_id).is_some() {
            return Ok(false);
        }
        let passkey = Passkey {
            id: next_id(&mut state.last_passkey)?,
            user_id,
            credential_id: new.credential_id,
            public_key: new.public_key,
            name: new.name,
            sign_count: new.sign_count,
            created_at: at,
            last_used_at: None,
        };
        if let Some(account) = state.accounts.get_mut(&user_id) {
            account.passkeys.push(passkey);
            if let Some(codes) = new.recovery {
                account.recovery_codes = codes;
            }
            account.settle_factor(at);
        }
        if let Some(stored) = state.sessions.get_mut(&new.session_id) {
            stored.session.has_factor = true;
        }
        state.end_sessions(user_id, Some(new.session_id), at);
        state.notify(user_id, new.mail)?;
        state.record(event);
        Ok(true)
    }

    async fn use_passkey(&self, used: PasskeyUse) -> Result<bool, PortError> {
        let mut state = self.lock();
        let account = state.accounts.get_mut(&used.user_id);
        let mut all = account.into_iter().flat_map(|account| &mut account.passkeys);
        let Some(passkey) = all.find(|it| it.id == used.passkey) else { return Ok(false) };
        let before = passkey.sign_count;
        passkey.sign_count = used.sign_count;
        passkey.last_used_at = Some(used.context.at);
        if used.has_gone_back(before) {
            state.record(used.event());
        }
        Ok(true)
    }

    async fn remove(&self, removal: PasskeyRemoval) -> Result<bool, PortError> {
        let (mut state, event) = (self.lock(), removal.event());
        let PasskeyRemoval { user_id, passkey, verified_version, keep_session, mail, context } =
            removal;
        let Some(account) = state.at_version(user_id, verified_version) else { return Ok(false) };
        let all = account.passkeys.len();
        account.passkeys.retain(|it| it.id != passkey);
        if account.passkeys.len() == all {
            return Ok(false);
        }
        state.settle_factor(user_id, context.at);
        state.end_sessions(user_id, Some(keep_session), context.at);
        state.notify(user_id, mail)?;
        state.record(event);
        Ok(true)
    }

    async fn delete_challenges(&self, before: Timestamp) -> Result<u64, PortError> {
        let challenges = &mut self.lock().challenges;
        let all = challenges.len();
        challenges.retain(|_, challenge| challenge.expires_at >= before);
        Ok((all - challenges.len()) as u64)
    }
}
