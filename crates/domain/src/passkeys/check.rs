//! Checking what a passkey has signed, wherever one is used.

use crate::audit::{AuditContext, AuditReason};
use crate::common::{PortError, UserId};
use crate::passkeys::challenges::user_handle;
use crate::passkeys::{Assertion, ChallengePurpose, Passkey, PasskeyPorts, PasskeyUse};
use crate::ports::Ports;

/// Checks the answers of authenticators.
#[derive(Clone)]
pub(crate) struct PasskeyCheck(PasskeyPorts);

impl PasskeyCheck {
    /// On these ports; `None`: there are no passkeys.
    pub(crate) fn new(ports: &Ports) -> Option<Self> {
        ports.passkeys.clone().map(Self)
    }

    /// The passkey that has signed a challenge that was given out for this, and what it has signed. The
    /// challenge is gone, whatever comes out.
    pub(crate) async fn signed(
        &self,
        answer: &str,
        purpose: ChallengePurpose,
        context: &AuditContext,
    ) -> Result<Result<(Passkey, Assertion), AuditReason>, PortError> {
        let PasskeyPorts { repository, verifier, party } = &self.0;
        let refused = |why: &dyn std::fmt::Display, reason| {
            tracing::info!(event = "passkey_refused", "{why}");
            Ok(Err(reason))
        };
        let claimed = match verifier.claimed(answer) {
            Ok(claimed) => claimed,
            Err(error) => return refused(&error, AuditReason::WrongPasskey),
        };
        if repository.take(&claimed.challenge, purpose, context.at).await?.is_none() {
            return refused(
                &"the challenge was not given out, or is over",
                AuditReason::ChallengeOver,
            );
        }
        let Some(passkey) = repository.find(&claimed.credential_id).await? else {
            return refused(&"nobody has this passkey", AuditReason::UnknownPasskey);
        };
        let owner = user_handle(passkey.user_id);
        let is_owner = match (purpose, claimed.user_handle) {
            // Whoever logs in is who the passkey says (WebAuthn Level 3 §7.2, step 6).
            (ChallengePurpose::Login, handle) => handle.as_ref() == Some(&owner),
            (ChallengePurpose::SecondFactor(user), handle) => {
                user == passkey.user_id && handle.is_none_or(|handle| handle == owner)
            }
            (ChallengePurpose::Creation(..), _) => false,
        };
        if !is_owner {
            return refused(&"it is the passkey of somebody else", AuditReason::UnknownPasskey);
        }
        match verifier.signed(answer, &passkey.public_key, party) {
            Ok(assertion) => Ok(Ok((passkey, assertion))),
            Err(error) => refused(&error, AuditReason::WrongPasskey),
        }
    }

    /// Keeps that a passkey was used; `false`: it is gone.
    pub(crate) async fn used(
        &self,
        passkey: &Passkey,
        assertion: Assertion,
        context: AuditContext,
    ) -> Result<bool, PortError> {
        let (user_id, sign_count) = (passkey.user_id, assertion.sign_count);
        let used = PasskeyUse { user_id, passkey: passkey.id, sign_count, context };
        if used.has_gone_back(passkey.sign_count) {
            tracing::warn!(event = "passkey_count_went_back", %user_id, passkey_id = %passkey.id);
        }
        self.0.repository.use_passkey(used).await
    }

    /// The answer of a second factor; `Err`: why it was not taken.
    pub(crate) async fn take(
        &self,
        user: UserId,
        answer: &str,
        context: AuditContext,
    ) -> Result<Result<(), AuditReason>, PortError> {
        let purpose = ChallengePurpose::SecondFactor(user);
        let (passkey, assertion) = match self.signed(answer, purpose, &context).await? {
            Ok(signed) => signed,
            Err(reason) => return Ok(Err(reason)),
        };
        let is_kept = self.used(&passkey, assertion, context).await?;
        Ok(if is_kept { Ok(()) } else { Err(AuditReason::UnknownPasskey) })
    }

    /// Whether the user has any.
    pub(crate) async fn has_any(&self, user: UserId) -> Result<bool, PortError> {
        Ok(!self.0.repository.list(user).await?.is_empty())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::passkeys::{
        BadAnswer, ClaimedAnswer, MockPasskeyRepository, MockPasskeyVerifier, PasskeyId,
        PasskeyName, RelyingParty, TakenChallenge,
    };
    use crate::testing::{self, USER, at};

    fn other_user() -> UserId {
        UserId::try_from(2).unwrap()
    }

    /// A passkey of the user.
    pub(crate) fn passkey() -> Passkey {
        Passkey {
            id: PasskeyId::try_from(5).unwrap(),
            user_id: USER,
            credential_id: "phone".to_owned(),
            public_key: "key".to_owned(),
            name: PasskeyName::parse("phone").unwrap(),
            sign_count: 3,
            created_at: at(0),
            last_used_at: None,
        }
    }

    pub(crate) const SIGNED: Assertion = Assertion { sign_count: 4, user_verified: true };

    /// What is there when an answer comes.
    pub(crate) struct World {
        pub(crate) purpose: ChallengePurpose,
        pub(crate) claimed: Result<Option<String>, BadAnswer>,
        pub(crate) is_given_out: bool,
        pub(crate) found: Option<Passkey>,
        pub(crate) signed: Result<Assertion, BadAnswer>,
        /// Whether the passkey is still there once it was verified.
        pub(crate) is_kept: bool,
    }

    impl World {
        pub(crate) fn new(purpose: ChallengePurpose) -> Self {
            let claimed = Ok(Some(user_handle(USER)));
            let found = Some(passkey());
            Self { purpose, claimed, is_given_out: true, found, signed: Ok(SIGNED), is_kept: true }
        }

        pub(crate) fn check(self) -> PasskeyCheck {
            PasskeyCheck(self.ports())
        }

        pub(crate) fn ports(self) -> PasskeyPorts {
            let (mut repository, mut verifier) =
                (MockPasskeyRepository::new(), MockPasskeyVerifier::new());
            let Self { purpose, claimed, is_given_out, found, signed, is_kept } = self;
            let is_looked_up = is_given_out && claimed.is_ok();
            verifier.expect_claimed().returning(move |answer| {
                assert_eq!(answer, "answer");
                claimed.clone().map(|user_handle| ClaimedAnswer {
                    challenge: "challenge".to_owned(),
                    credential_id: "phone".to_owned(),
                    user_handle,
                })
            });
            // The challenge is taken before anything else is looked at.
            repository
                .expect_take()
                .withf(move |text, asked, now| {
                    (text, *asked, *now) == ("challenge", purpose, at(9))
                })
                .returning(move |_, _, _| {
                    Ok(is_given_out.then_some(TakenChallenge { version: None }))
                });
            repository
                .expect_find()
                .withf(|id| id == "phone")
                .times(usize::from(is_looked_up))
                .returning(move |_| Ok(found.clone()));
            verifier.expect_signed().returning(move |_, key, party| {
                assert_eq!((key, party.id.as_str()), ("key", "app.example"));
                signed
            });
            repository.expect_use_passkey().returning(move |used| {
                assert_eq!((used.user_id, used.sign_count), (USER, 4));
                Ok(is_kept)
            });
            let (id, name) = ("app.example".to_owned(), "menjin".to_owned());
            let party = RelyingParty { id, name, origins: Vec::new() };
            PasskeyPorts { repository: Arc::new(repository), verifier: Arc::new(verifier), party }
        }
    }

    async fn signed(world: World) -> Result<(Passkey, Assertion), AuditReason> {
        let purpose = world.purpose;
        let context = AuditContext::anonymous(at(9), testing::request());
        world.check().signed("answer", purpose, &context).await.unwrap()
    }

    #[tokio::test]
    async fn y8_an_answer_is_of_the_challenge_the_owner_and_the_key() {
        for purpose in [ChallengePurpose::Login, ChallengePurpose::SecondFactor(USER)] {
            let world = || World::new(purpose);
            assert_eq!(signed(world()).await, Ok((passkey(), SIGNED)));
            let unreadable = World { claimed: Err(BadAnswer::Unreadable), ..world() };
            let unreadable = World { found: None, ..unreadable };
            assert_eq!(signed(unreadable).await, Err(AuditReason::WrongPasskey));
            let late = World { is_given_out: false, ..world() };
            assert_eq!(signed(late).await, Err(AuditReason::ChallengeOver));
            let unknown = World { found: None, ..world() };
            assert_eq!(signed(unknown).await, Err(AuditReason::UnknownPasskey));
            let other = Some(user_handle(other_user()));
            let of_another = World { claimed: Ok(other), ..world() };
            assert_eq!(signed(of_another).await, Err(AuditReason::UnknownPasskey));
            let forged = World { signed: Err(BadAnswer::WrongSignature), ..world() };
            assert_eq!(signed(forged).await, Err(AuditReason::WrongPasskey));
        }
        // Whoever has given a password is known; whoever has not has to be named.
        let unnamed = |purpose| World { claimed: Ok(None), ..World::new(purpose) };
        assert!(signed(unnamed(ChallengePurpose::SecondFactor(USER))).await.is_ok());
        let nobody = signed(unnamed(ChallengePurpose::Login)).await;
        assert_eq!(nobody, Err(AuditReason::UnknownPasskey));
        let foreign = Passkey { user_id: other_user(), ..passkey() };
        let foreign =
            World { found: Some(foreign), ..unnamed(ChallengePurpose::SecondFactor(USER)) };
        assert_eq!(signed(foreign).await, Err(AuditReason::UnknownPasskey));
    }

    #[tokio::test]
    async fn y8_a_passkey_that_goes_meanwhile_is_none() {
        for (is_kept, expected) in [(true, Ok(())), (false, Err(AuditReason::UnknownPasskey))] {
            let world = World { is_kept, ..World::new(ChallengePurpose::SecondFactor(USER)) };
            let context = AuditContext::anonymous(at(9), testing::request());
            assert_eq!(world.check().take(USER, "answer", context).await.unwrap(), expected);
        }
    }
}
