//! Challenges, and what goes to the browser with them.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::accounts::User;
use crate::common::random::bytes;
use crate::common::{Clock, Error, PortError, Random, SessionId, UserId};
use crate::credentials::CredentialVersion;
use crate::passkeys::{
    Challenge, ChallengePurpose, CredentialId, NewChallenge, PasskeyPorts, RelyingParty,
    RequestPasskeyError,
};
use crate::ports::{Ports, RequiredPorts};

/// How long a challenge is good: as long as a ticket of a login.
pub const CHALLENGE_TTL: Duration = Duration::from_secs(5 * 60);

/// What a browser is asked for, to make a passkey (WebAuthn Level 3 §5.4).
#[derive(Debug, Clone)]
pub struct PasskeyCreation {
    /// What is signed.
    pub challenge: Challenge,
    /// The site.
    pub party: RelyingParty,
    /// What the authenticator knows the user by, in base64url without padding.
    pub user_handle: String,
    /// The user name, which the authenticator shows.
    pub username: String,
    /// The passkeys that the user has: the same authenticator makes no second one.
    pub exclude: Vec<CredentialId>,
    /// How long the answer may take.
    pub expires_in: Duration,
}

/// What a browser is asked for, to use a passkey (WebAuthn Level 3 §5.5).
#[derive(Debug, Clone)]
pub struct PasskeyRequest {
    /// What is signed.
    pub challenge: Challenge,
    /// The site.
    pub party_id: String,
    /// The passkeys of the user; none: any that the authenticator has for the site.
    pub allow: Vec<CredentialId>,
    /// Whether the authenticator has to ask for a PIN, a finger or a face.
    pub needs_verification: bool,
    /// How long the answer may take.
    pub expires_in: Duration,
}

/// Gives out challenges.
#[derive(Clone)]
pub(crate) struct Challenges {
    pub(crate) ports: PasskeyPorts,
    random: Arc<dyn Random>,
    clock: Arc<dyn Clock>,
}

impl Challenges {
    /// On these ports; `None`: there are no passkeys.
    pub(crate) fn new(ports: &Ports) -> Option<Self> {
        let RequiredPorts { random, clock, .. } = &ports.required;
        let ports = ports.passkeys.clone()?;
        Some(Self { ports, random: random.clone(), clock: clock.clone() })
    }

    async fn begin(
        &self,
        purpose: ChallengePurpose,
        version: Option<CredentialVersion>,
    ) -> Result<Challenge, PortError> {
        let challenge = URL_SAFE_NO_PAD.encode(bytes(&*self.random)?);
        let expires_at = self.clock.now() + CHALLENGE_TTL;
        let new = NewChallenge { challenge: challenge.clone(), purpose, version, expires_at };
        self.ports.repository.begin(new).await?;
        Ok(challenge)
    }

    /// To make a passkey in this session, whose user has given the password for this credential version.
    pub(crate) async fn creation(
        &self,
        user: &User,
        session: SessionId,
        version: CredentialVersion,
        exclude: Vec<CredentialId>,
    ) -> Result<PasskeyCreation, PortError> {
        let purpose = ChallengePurpose::Creation(user.id, session);
        Ok(PasskeyCreation {
            challenge: self.begin(purpose, Some(version)).await?,
            party: self.ports.party.clone(),
            user_handle: user_handle(user.id),
            username: user.username.as_str().to_owned(),
            exclude,
            expires_in: CHALLENGE_TTL,
        })
    }

    /// To use a passkey of this user's as the second factor.
    ///
    /// # Errors
    /// [`RequestPasskeyError::HasNone`].
    pub(crate) async fn second_factor(
        &self,
        user: UserId,
    ) -> Result<PasskeyRequest, Error<RequestPasskeyError>> {
        let passkeys = self.ports.repository.list(user).await?;
        if passkeys.is_empty() {
            return Err(Error::Refused(RequestPasskeyError::HasNone));
        }
        let allow = passkeys.into_iter().map(|passkey| passkey.credential_id).collect();
        Ok(self.request(ChallengePurpose::SecondFactor(user), allow).await?)
    }

    /// To log in with a passkey alone.
    pub(crate) async fn login(&self) -> Result<PasskeyRequest, PortError> {
        self.request(ChallengePurpose::Login, Vec::new()).await
    }

    async fn request(
        &self,
        purpose: ChallengePurpose,
        allow: Vec<CredentialId>,
    ) -> Result<PasskeyRequest, PortError> {
        Ok(PasskeyRequest {
            challenge: self.begin(purpose, None).await?,
            party_id: self.ports.party.id.clone(),
            allow,
            needs_verification: purpose == ChallengePurpose::Login,
            expires_in: CHALLENGE_TTL,
        })
    }
}

/// What an authenticator knows a user by: the id. It says nothing about the person (WebAuthn Level 3 §14.6.1).
pub(crate) fn user_handle(user: UserId) -> String {
    URL_SAFE_NO_PAD.encode(user.get().to_be_bytes())
}
