//! The ports of passkeys.

use std::sync::Arc;

use async_trait::async_trait;

use crate::audit::{AuditAction, AuditContext, AuditEvent};
use crate::common::{PortError, SessionId, Timestamp, UserId};
use crate::credentials::CredentialVersion;
use crate::mail::NewMail;
use crate::mfa::RecoveryDigest;
use crate::passkeys::{PasskeyId, PasskeyName};

/// Random bytes that an authenticator signs, in base64url without padding.
pub type Challenge = String;

/// The id that an authenticator gave to a passkey, in base64url without padding.
pub type CredentialId = String;

/// Who asks for passkeys: the site (WebAuthn Level 3 §4, Relying Party).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelyingParty {
    /// The domain for which passkeys are made: that of the pages, or one above it.
    pub id: String,
    /// What people read.
    pub name: String,
    /// The origins of the pages that may ask for passkeys, such as `https://app.example.com`.
    pub origins: Vec<String>,
}

/// A passkey of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passkey {
    /// Its id here.
    pub id: PasskeyId,
    /// Whose.
    pub user_id: UserId,
    /// The id that its authenticator gave it.
    pub credential_id: CredentialId,
    /// Its public key, a `COSE_Key` (RFC 9052 §7) in base64url without padding.
    pub public_key: String,
    /// What its owner calls it.
    pub name: PasskeyName,
    /// How often it has signed, as it says of itself. Many always say 0.
    pub sign_count: u32,
    /// Since when it is there.
    pub created_at: Timestamp,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
}

/// What a challenge is for. One for one thing opens nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChallengePurpose {
    /// Making a passkey, by this user in this session.
    Creation(UserId, SessionId),
    /// The second factor of this user.
    SecondFactor(UserId),
    /// Logging in with a passkey alone: whose it is, it says.
    Login,
}

impl ChallengePurpose {
    /// The user and the session that it is bound to.
    pub fn bound_to(self) -> (Option<UserId>, Option<SessionId>) {
        match self {
            Self::Creation(user, session) => (Some(user), Some(session)),
            Self::SecondFactor(user) => (Some(user), None),
            Self::Login => (None, None),
        }
    }
}

/// A challenge that was given out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewChallenge {
    /// Its bytes.
    pub challenge: Challenge,
    /// What for.
    pub purpose: ChallengePurpose,
    /// The credential version for which the password was verified, if it was.
    pub version: Option<CredentialVersion>,
    /// Until when it is good.
    pub expires_at: Timestamp,
}

/// A challenge that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TakenChallenge {
    /// See [`NewChallenge::version`].
    pub version: Option<CredentialVersion>,
}

/// A passkey that was made.
#[derive(Debug, Clone)]
pub struct NewPasskey {
    /// Whose.
    pub user_id: UserId,
    /// The session that it was made in. It stays, and has a factor from now on.
    pub session_id: SessionId,
    /// The credential version for which the password, and a code, were verified.
    pub verified_version: CredentialVersion,
    /// The id that its authenticator gave it.
    pub credential_id: CredentialId,
    /// Its public key, as in [`Passkey`].
    pub public_key: String,
    /// What its owner calls it.
    pub name: PasskeyName,
    /// How often it has signed.
    pub sign_count: u32,
    /// The recovery codes, if it is the first factor of the account.
    pub recovery: Option<Vec<RecoveryDigest>>,
    /// What tells the owner.
    pub mail: Option<NewMail>,
    /// Who acts, when and from where.
    pub context: AuditContext,
}

/// A passkey that has signed.
#[derive(Debug, Clone)]
pub struct PasskeyUse {
    /// Whose.
    pub user_id: UserId,
    /// Which one.
    pub passkey: PasskeyId,
    /// How often it has signed, as it says now.
    pub sign_count: u32,
    /// Who acts, when and from where.
    pub context: AuditContext,
}

/// A passkey that is taken away.
#[derive(Debug, Clone)]
pub struct PasskeyRemoval {
    /// Whose.
    pub user_id: UserId,
    /// Which one.
    pub passkey: PasskeyId,
    /// The credential version for which the owner's password was verified.
    pub verified_version: CredentialVersion,
    /// The session that stays.
    pub keep_session: SessionId,
    /// What tells the owner.
    pub mail: Option<NewMail>,
    /// Who acts, when and from where.
    pub context: AuditContext,
}

impl NewPasskey {
    /// What to record.
    pub fn event(&self) -> AuditEvent {
        self.context.clone().event(AuditAction::PasskeyAdded).on(self.user_id)
    }
}

impl PasskeyUse {
    /// Whether its count has gone back since this one: then the passkey may have been copied (WebAuthn
    /// Level 3 §6.1.1).
    pub fn has_gone_back(&self, before: u32) -> bool {
        (before > 0 || self.sign_count > 0) && self.sign_count <= before
    }

    /// What to record if the count has gone back.
    pub fn event(&self) -> AuditEvent {
        self.context.clone().event(AuditAction::PasskeyCountWentBack).on(self.user_id)
    }
}

impl PasskeyRemoval {
    /// What to record.
    pub fn event(&self) -> AuditEvent {
        self.context.clone().event(AuditAction::PasskeyRemoved).on(self.user_id)
    }
}

/// The passkeys of accounts, and the challenges that were given out for them.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait PasskeyRepository: Send + Sync {
    /// Keeps a challenge.
    async fn begin(&self, challenge: NewChallenge) -> Result<(), PortError>;

    /// Takes a challenge, which is gone then, whatever it was for. `None`: it was not for this, or has expired. Of
    /// any number of concurrent calls exactly one MUST get it.
    async fn take(
        &self,
        challenge: &str,
        purpose: ChallengePurpose,
        at: Timestamp,
    ) -> Result<Option<TakenChallenge>, PortError>;

    /// The passkeys of an account, the oldest first.
    async fn list(&self, user: UserId) -> Result<Vec<Passkey>, PortError>;

    /// The passkey with this id of its authenticator, whoever has it.
    async fn find(&self, credential_id: &str) -> Result<Option<Passkey>, PortError>;

    /// Adds a passkey to an account, and raises the credential version. Its recovery codes, if there are any,
    /// take the place of all others. Ends all sessions of the user but the one in which it was made, which
    /// has a factor from now on. Appends the mail, and records [`NewPasskey::event`].
    ///
    /// MUST return `false`, and change nothing, unless the session is live, the account is of the verified
    /// credential version, nobody has a passkey with this id, and there are recovery codes exactly if the
    /// account has no factor yet.
    async fn add(&self, new: NewPasskey) -> Result<bool, PortError>;

    /// Keeps what a passkey says of itself, and when it was used; records [`PasskeyUse::event`] if its count
    /// has gone back. `false`: the user has no such passkey any more.
    async fn use_passkey(&self, used: PasskeyUse) -> Result<bool, PortError>;

    /// Takes a passkey away. With the last factor of an account, its recovery codes go, and the count of wrong
    /// codes. Raises the credential version, ends all sessions of the user but the one to keep, appends the
    /// mail, and records [`PasskeyRemoval::event`].
    ///
    /// MUST return `false`, and change nothing, unless the user has this passkey, and the account is of the
    /// verified credential version.
    async fn remove(&self, removal: PasskeyRemoval) -> Result<bool, PortError>;

    /// Deletes challenges that were over before this, and returns how many. It MAY stop early, to answer in
    /// time.
    async fn delete_challenges(&self, before: Timestamp) -> Result<u64, PortError>;
}

/// What the answer of an authenticator says of itself, before anything of it is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedAnswer {
    /// The challenge that it answers.
    pub challenge: Challenge,
    /// The id of the passkey.
    pub credential_id: CredentialId,
    /// Whose passkey it is, in base64url without padding, if it says so.
    pub user_handle: Option<String>,
}

/// A passkey whose making was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadePasskey {
    /// Its id.
    pub credential_id: CredentialId,
    /// Its public key, as in [`Passkey`].
    pub public_key: String,
    /// How often it has signed.
    pub sign_count: u32,
}

/// What a passkey has signed, verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assertion {
    /// How often it has signed.
    pub sign_count: u32,
    /// Whether the authenticator has asked its user for more than to be there: a PIN, a finger, a face. Then
    /// it is two factors in one.
    pub user_verified: bool,
}

/// Why the answer of an authenticator was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadAnswer {
    /// It cannot be read, or is not of the kind that was asked for.
    #[error("it is not the answer of an authenticator to what was asked")]
    Unreadable,
    /// It was asked for by a page of another site, or within one.
    #[error(
        "it was made for another page: is its origin that of public_url, or listed in passkeys.origins?"
    )]
    OtherOrigin,
    /// It is for another site.
    #[error("it was made for another site: has passkeys.rp_id changed?")]
    OtherParty,
    /// The authenticator did not ask its user.
    #[error("the authenticator did not ask whether its user is there")]
    UserNotPresent,
    /// Its algorithm, or its attestation, was not asked for.
    #[error("it has an algorithm or an attestation that was not asked for")]
    NotAskedFor,
    /// The signature is wrong.
    #[error("its signature is wrong")]
    WrongSignature,
}

/// Verifies what authenticators sign (WebAuthn Level 3). An answer is the JSON of `PublicKeyCredential`, as
/// its method `toJSON()` makes it (§5.1).
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait PasskeyVerifier: Send + Sync {
    /// What an answer says of itself.
    ///
    /// # Errors
    /// [`BadAnswer::Unreadable`].
    fn claimed(&self, answer: &str) -> Result<ClaimedAnswer, BadAnswer>;

    /// Verifies the making of a passkey (§7.1), but for its challenge, which the caller has taken. Keys are
    /// ES256 or EdDSA (Ed25519); attestation is "none", or that of the key itself.
    ///
    /// # Errors
    /// See [`BadAnswer`].
    fn made(&self, answer: &str, party: &RelyingParty) -> Result<MadePasskey, BadAnswer>;

    /// Verifies what the passkey with this public key has signed (§7.2), but for its challenge, which the
    /// caller has taken, and for its id and user handle ([`claimed`](Self::claimed)), which the caller has
    /// compared.
    ///
    /// # Errors
    /// See [`BadAnswer`].
    fn signed(
        &self,
        answer: &str,
        public_key: &str,
        party: &RelyingParty,
    ) -> Result<Assertion, BadAnswer>;
}

/// What passkeys need.
#[derive(Clone)]
pub struct PasskeyPorts {
    /// The passkeys.
    pub repository: Arc<dyn PasskeyRepository>,
    /// Verifies.
    pub verifier: Arc<dyn PasskeyVerifier>,
    /// The site.
    pub party: RelyingParty,
}
