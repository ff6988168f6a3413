//! Use-cases: making a passkey, in two steps.

use std::sync::Arc;

use crate::access::Principal;
use crate::audit::AuditContext;
use crate::common::{Clock, Error, Random, RequestContext};
use crate::credentials::{CandidatePassword, PasswordPrompt, PromptError};
use crate::lockout::PromptPurpose;
use crate::mail::{MailKind, Post};
use crate::mfa::{FactorCode, FactorSealer, RecoveryCodes};
use crate::passkeys::{
    BadAnswer, ChallengePurpose, Challenges, NewPasskey, NoPasskeys, PasskeyCreation, PasskeyName,
    PasskeyPorts,
};
use crate::ports::{Policy, Ports, RequiredPorts};

/// How many passkeys a user may have. Nobody has so many devices.
const MAX: usize = 20;

/// Why none can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BeginPasskeyError {
    /// There are none on this server.
    #[error(transparent)]
    NoPasskeys(#[from] NoPasskeys),
    /// The password or the code was not accepted.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// Mails are sent, and the address is not proved: the owner could not be told, nor helped.
    #[error("the e-mail address is not verified")]
    EmailNotVerified,
    /// There are as many as there may be.
    #[error("the user has as many passkeys as there may be")]
    TooMany,
}

/// Asks the caller's browser to make a passkey, after the password was given again, and a code where there is a
/// second factor already. Nothing has changed before [`AddPasskey`].
#[non_exhaustive]
pub struct BeginPasskey {
    challenges: Option<Challenges>,
    prompt: PasswordPrompt,
    post: Post,
}

impl BeginPasskey {
    /// On these ports, with this policy.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        Self {
            challenges: Challenges::new(ports),
            prompt: PasswordPrompt::new(ports, policy),
            post: Post::new(ports),
        }
    }

    /// Runs the use-case.
    ///
    /// # Errors
    /// See [`BeginPasskeyError`].
    pub async fn execute(
        &self,
        caller: &Principal,
        current: &CandidatePassword,
        code: Option<&FactorCode>,
        request: RequestContext,
    ) -> Result<PasskeyCreation, Error<BeginPasskeyError>> {
        let challenges = self.challenges.as_ref().ok_or(Error::Refused(NoPasskeys.into()))?;
        let purpose = PromptPurpose::FactorChange;
        let asked = self.prompt.ask(caller, purpose, current, code, request).await;
        let credentials = asked.map_err(Error::cast)?;
        if self.post.sends_mails() && !credentials.is_proved {
            return Err(Error::Refused(BeginPasskeyError::EmailNotVerified));
        }
        let passkeys = challenges.ports.repository.list(caller.user.id).await?;
        if passkeys.len() >= MAX {
            return Err(Error::Refused(BeginPasskeyError::TooMany));
        }
        let exclude = passkeys.into_iter().map(|passkey| passkey.credential_id).collect();
        let (session, version) = (caller.session_id, credentials.version);
        Ok(challenges.creation(&caller.user, session, version, exclude).await?)
    }
}

/// Why it was not added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddPasskeyError {
    /// There are none on this server.
    #[error(transparent)]
    NoPasskeys(#[from] NoPasskeys),
    /// None was begun in this session, or it was too long ago, or it is there already.
    #[error("there is nothing to confirm in this session, or no longer")]
    NothingToConfirm,
    /// The answer is none of an authenticator.
    #[error(transparent)]
    BadAnswer(#[from] BadAnswer),
}

/// A passkey was added.
#[derive(Debug)]
pub struct AddedPasskey {
    /// The recovery codes, if it is the first factor of the account. They are shown this once.
    pub recovery_codes: Option<RecoveryCodes>,
}

/// Adds the passkey that a browser has made, as a second factor of the account. All other sessions end.
#[non_exhaustive]
pub struct AddPasskey {
    ports: Option<PasskeyPorts>,
    sealer: FactorSealer,
    post: Post,
    random: Arc<dyn Random>,
    clock: Arc<dyn Clock>,
}

impl AddPasskey {
    /// On these ports.
    pub(crate) fn new(ports: &Ports) -> Self {
        let RequiredPorts { random, clock, .. } = &ports.required;
        Self {
            ports: ports.passkeys.clone(),
            sealer: FactorSealer(ports.factors.sealer.clone()),
            post: Post::new(ports),
            random: random.clone(),
            clock: clock.clone(),
        }
    }

    /// Runs the use-case with the answer of the browser.
    ///
    /// # Errors
    /// See [`AddPasskeyError`].
    pub async fn execute(
        &self,
        caller: &Principal,
        name: PasskeyName,
        answer: &str,
        request: RequestContext,
    ) -> Result<AddedPasskey, Error<AddPasskeyError>> {
        let ports = self.ports.as_ref().ok_or(Error::Refused(NoPasskeys.into()))?;
        let bad = |error: BadAnswer| {
            tracing::info!(event = "passkey_refused", user_id = %caller.user.id, "{error}");
            Error::Refused(AddPasskeyError::from(error))
        };
        let (user_id, session_id, now) = (caller.user.id, caller.session_id, self.clock.now());
        let claimed = ports.verifier.claimed(answer).map_err(bad)?;
        let purpose = ChallengePurpose::Creation(user_id, session_id);
        let taken = ports.repository.take(&claimed.challenge, purpose, now).await?;
        let Some(verified_version) = taken.and_then(|taken| taken.version) else {
            return Err(Error::Refused(AddPasskeyError::NothingToConfirm));
        };
        let made = ports.verifier.made(answer, &ports.party).map_err(bad)?;
        let recovery_codes =
            (!caller.user.has_factor).then(|| RecoveryCodes::draw(&*self.random)).transpose()?;
        let digests = recovery_codes.as_ref().map(|codes| codes.digests(user_id, &self.sealer));
        let new = NewPasskey {
            user_id,
            session_id,
            verified_version,
            credential_id: made.credential_id,
            public_key: made.public_key,
            name,
            sign_count: made.sign_count,
            recovery: digests,
            mail: self.post.mail(MailKind::FactorAdded, None, &request)?,
            context: AuditContext::by(caller, now, request),
        };
        if !ports.repository.add(new).await? {
            return Err(Error::Refused(AddPasskeyError::NothingToConfirm));
        }
        tracing::info!(event = "passkey_added", %user_id);
        Ok(AddedPasskey { recovery_codes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::common::MockSealer;
    use crate::credentials::CredentialVersion;
    use crate::passkeys::{
        ClaimedAnswer, MadePasskey, MockPasskeyRepository, MockPasskeyVerifier, RelyingParty,
        TakenChallenge,
    };
    use crate::testing::{self, SESSION, USER, at};

    /// Adds what the authenticator has made to an account that has a factor, or has none.
    async fn add(
        has_factor: bool,
        is_given_out: bool,
        made: Result<(), BadAnswer>,
    ) -> Result<AddedPasskey, Error<AddPasskeyError>> {
        let (mut repository, mut verifier) =
            (MockPasskeyRepository::new(), MockPasskeyVerifier::new());
        verifier.expect_claimed().returning(|_| {
            let (challenge, credential_id) = ("challenge".to_owned(), "phone".to_owned());
            Ok(ClaimedAnswer { challenge, credential_id, user_handle: None })
        });
        let version = CredentialVersion(4);
        let taken = TakenChallenge { version: Some(version) };
        repository
            .expect_take()
            .withf(|text, purpose, now| {
                let mine = ChallengePurpose::Creation(USER, SESSION);
                (text, *purpose, *now) == ("challenge", mine, at(9))
            })
            .times(1)
            .returning(move |_, _, _| Ok(is_given_out.then_some(taken)));
        verifier.expect_made().returning(move |_, _| {
            made.map(|()| MadePasskey {
                credential_id: "phone".to_owned(),
                public_key: "key".to_owned(),
                sign_count: 0,
            })
        });
        repository
            .expect_add()
            .withf(move |new| {
                let codes = new.recovery.as_ref().map(Vec::len);
                codes == (!has_factor).then_some(RecoveryCodes::COUNT)
                    && (new.user_id, new.verified_version) == (USER, version)
            })
            .times(usize::from(is_given_out && made.is_ok()))
            .returning(|_| Ok(true));
        let mut sealer = MockSealer::new();
        sealer
            .expect_fingerprints()
            .returning(|_, _, _| vec![("key".to_owned(), "digest".to_owned())]);
        let (id, name) = ("app.example".to_owned(), "menjin".to_owned());
        let use_case = AddPasskey {
            ports: Some(PasskeyPorts {
                repository: Arc::new(repository),
                verifier: Arc::new(verifier),
                party: RelyingParty { id, name, origins: Vec::new() },
            }),
            sealer: FactorSealer(Arc::new(sealer)),
            post: testing::factor_check(9).post,
            random: testing::random(),
            clock: testing::clock(9),
        };
        let mut caller = testing::principal();
        Arc::make_mut(&mut caller.user).has_factor = has_factor;
        let name = PasskeyName::parse("phone").unwrap();
        use_case.execute(&caller, name, "answer", testing::request()).await
    }

    #[tokio::test]
    async fn y8_recovery_codes_come_with_the_first_factor() {
        let first = add(false, true, Ok(())).await.unwrap();
        assert_eq!(first.recovery_codes.unwrap().shown().len(), RecoveryCodes::COUNT);
        assert!(add(true, true, Ok(())).await.unwrap().recovery_codes.is_none());
    }

    #[tokio::test]
    async fn y8_nothing_is_added_without_a_challenge_of_this_session_and_a_good_answer() {
        let late = add(false, false, Ok(())).await;
        let expected = matches!(late, Err(Error::Refused(AddPasskeyError::NothingToConfirm)));
        assert!(expected, "{late:?}");
        let bad = add(false, true, Err(BadAnswer::OtherOrigin)).await;
        let expected =
            matches!(bad, Err(Error::Refused(AddPasskeyError::BadAnswer(BadAnswer::OtherOrigin))));
        assert!(expected, "{bad:?}");
    }
}
