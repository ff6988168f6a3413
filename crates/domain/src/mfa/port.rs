//! The ports of the second factor.

use std::sync::Arc;

use async_trait::async_trait;
use secrecy::SecretString;

use crate::access::OutOfReach;
use crate::accounts::Authority;
use crate::audit::{AuditAction, AuditContext, AuditEvent};
use crate::common::{Error, NoSealer, PortError, Sealer, SessionId, Timestamp, UserId};
use crate::credentials::CredentialVersion;
use crate::mail::NewMail;
use crate::mfa::RecoveryDigest;

/// The secret that an authenticator shares with the server, in base 32.
pub type TotpSecret = SecretString;

/// A secret as it is stored: encrypted, in base64, and the id of the key that it was encrypted with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedSecret {
    /// What is encrypted.
    pub sealed: String,
    /// The id of the key.
    pub key_id: String,
}

/// The second factor of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFactor {
    /// Its secret.
    pub secret: SealedSecret,
    /// The step of the last code that was taken. An earlier one, or the same, is not taken any more.
    pub last_step: i64,
    /// Since when it is there.
    pub created_at: Timestamp,
}

/// A factor that is to be confirmed by its first code.
#[derive(Debug, Clone)]
pub struct Enrolment {
    /// Whose.
    pub user_id: UserId,
    /// The session in which it has to be confirmed.
    pub session_id: SessionId,
    /// The credential version for which the password, and a code, were verified.
    pub verified_version: CredentialVersion,
    /// The secret.
    pub secret: SealedSecret,
    /// Until when it can be confirmed.
    pub expires_at: Timestamp,
}

/// A factor that was confirmed.
#[derive(Debug, Clone)]
pub struct Confirmation {
    /// Whose.
    pub user_id: UserId,
    /// The session that it was begun in. It stays, and has the factor from now on.
    pub session_id: SessionId,
    /// The secret that it was begun with.
    pub secret: SealedSecret,
    /// The step of the code that confirmed it.
    pub step: i64,
    /// The recovery codes.
    pub recovery: Vec<RecoveryDigest>,
    /// What tells the owner.
    pub mail: Option<NewMail>,
    /// Who acts, when and from where.
    pub context: AuditContext,
}

/// A recovery code that is used.
#[derive(Debug, Clone)]
pub struct UsedRecoveryCode {
    /// Whose.
    pub user_id: UserId,
    /// What it may be recognised by, under each key that is known.
    pub digests: Vec<RecoveryDigest>,
    /// What tells the owner.
    pub mail: Option<NewMail>,
    /// Who acts, when and from where.
    pub context: AuditContext,
}

/// New recovery codes instead of all others.
#[derive(Debug, Clone)]
pub struct NewRecoveryCodes {
    /// Whose.
    pub user_id: UserId,
    /// The credential version for which the password was verified.
    pub verified_version: CredentialVersion,
    /// The codes.
    pub recovery: Vec<RecoveryDigest>,
    /// What tells the owner.
    pub mail: Option<NewMail>,
    /// Who acts, when and from where.
    pub context: AuditContext,
}

/// A factor that is taken away.
#[derive(Debug, Clone)]
pub struct Removal {
    /// Whose.
    pub user_id: UserId,
    /// The credential version for which the owner's password was verified; `None`: somebody else acts.
    pub verified_version: Option<CredentialVersion>,
    /// Whether the app alone goes. Then the recovery codes go only if the account has no passkey.
    pub keep_passkeys: bool,
    /// The session that stays.
    pub keep_session: Option<SessionId>,
    /// What tells the owner.
    pub mail: Option<NewMail>,
    /// Who acts, and whom they may change.
    pub authority: Authority,
}

impl Confirmation {
    /// What to record.
    pub fn event(&self) -> AuditEvent {
        self.context.clone().event(AuditAction::FactorAdded).on(self.user_id)
    }
}

impl UsedRecoveryCode {
    /// What to record.
    pub fn event(&self) -> AuditEvent {
        self.context.clone().event(AuditAction::RecoveryCodeUsed).on(self.user_id)
    }
}

impl NewRecoveryCodes {
    /// What to record.
    pub fn event(&self) -> AuditEvent {
        self.context.clone().event(AuditAction::RecoveryCodesRenewed).on(self.user_id)
    }
}

impl Removal {
    /// What to record.
    pub fn event(&self) -> AuditEvent {
        self.authority.context.clone().event(AuditAction::FactorRemoved).on(self.user_id)
    }
}

/// The second factors of accounts.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait FactorRepository: Send + Sync {
    /// The factor of an account.
    async fn find(&self, user: UserId) -> Result<Option<StoredFactor>, PortError>;

    /// Keeps a factor that is to be confirmed, instead of another one of the account that is not confirmed
    /// yet. The factor that the account has stays.
    async fn begin(&self, enrolment: Enrolment) -> Result<(), PortError>;

    /// The secret of the factor that is to be confirmed in this session, unless that has expired.
    async fn enrolment(
        &self,
        user: UserId,
        session: SessionId,
        at: Timestamp,
    ) -> Result<Option<SealedSecret>, PortError>;

    /// Makes the factor that of the account, with these recovery codes and no others, and raises the
    /// credential version. Ends all sessions of the user but the one in which it was confirmed, which has the
    /// factor from now on. Appends the mail, and records [`Confirmation::event`].
    ///
    /// MUST return `false`, and change nothing, unless the session is live, this secret is the one that can be
    /// confirmed in it, and the account is of the credential version that it was begun with.
    async fn confirm(&self, confirmation: Confirmation) -> Result<bool, PortError>;

    /// Takes the code of a step: `true` if the factor still has this secret and the step is later than any
    /// that was taken. Of any number of concurrent calls with one step exactly one MUST get `true`.
    async fn use_step(
        &self,
        user: UserId,
        secret: &SealedSecret,
        step: i64,
    ) -> Result<bool, PortError>;

    /// Takes a recovery code, which is gone then; appends the mail, and records
    /// [`UsedRecoveryCode::event`]. `false`: there is none with any of these digests. Of any number of
    /// concurrent calls exactly one MUST get `true`.
    async fn use_recovery_code(&self, used: UsedRecoveryCode) -> Result<bool, PortError>;

    /// Replaces all recovery codes, appends the mail, and records [`NewRecoveryCodes::event`].
    ///
    /// MUST return `false`, and change nothing, unless the account has a factor, is active and of the
    /// verified credential version.
    async fn replace_recovery_codes(&self, new: NewRecoveryCodes) -> Result<bool, PortError>;

    /// Takes the factor away, with one that is to be confirmed, the passkeys, the recovery codes and the count
    /// of wrong codes; raises the credential version, ends all sessions of the user but the one to keep, appends the
    /// mail, and records [`Removal::event`].
    ///
    /// MUST return `false`, and change nothing, unless the account has a factor (an app, if only that is to
    /// go), and is of the verified credential version if there is one. MUST return `OutOfReach` if the account is out of reach of the
    /// authority.
    async fn remove(&self, removal: Removal) -> Result<bool, Error<OutOfReach>>;

    /// Stores a secret encrypted with another key, if it is still the one before; `true` if so. It records
    /// nothing.
    async fn reseal(
        &self,
        user: UserId,
        before: &SealedSecret,
        after: &SealedSecret,
    ) -> Result<bool, PortError>;

    /// Some factors whose secrets are encrypted with another key than this.
    async fn of_other_keys(&self, key_id: &str) -> Result<Vec<(UserId, SealedSecret)>, PortError>;

    /// How many accounts have a factor or recovery codes that need another key than this.
    async fn count_of_other_keys(&self, key_id: &str) -> Result<u64, PortError>;
}

/// The codes of authenticators: TOTP (RFC 6238) with SHA-1, six digits and steps of 30 seconds, which every
/// app knows.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait Totp: Send + Sync {
    /// A new secret of 160 bits, in base 32 without padding.
    ///
    /// # Errors
    /// The operating system gives no randomness.
    fn secret(&self) -> Result<TotpSecret, PortError>;

    /// The step whose code this is: that of now, the one before or the one after. Steps are counted from
    /// 1970. MUST take the same time whatever digits are wrong.
    fn step(&self, secret: &TotpSecret, code: &str, at: Timestamp) -> Option<i64>;

    /// What an authenticator reads: `otpauth://totp/…`, with the name of the account.
    fn uri(&self, secret: &TotpSecret, account: &str) -> SecretString;
}

/// What the second factor needs.
#[derive(Clone)]
#[expect(missing_docs, reason = "each field is named after its port, which is documented")]
pub struct FactorPorts {
    pub repository: Arc<dyn FactorRepository>,
    pub totp: Arc<dyn Totp>,
    pub sealer: Arc<dyn Sealer>,
}

impl FactorPorts {
    /// None: nobody has a second factor, or can get one.
    pub fn none() -> Self {
        Self { repository: Arc::new(NoFactors), totp: Arc::new(NoTotp), sealer: Arc::new(NoSealer) }
    }
}

/// A repository of factors that there are none in.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFactors;

fn none() -> PortError {
    PortError::internal("second factors", "there is no store for second factors")
}

#[async_trait]
impl FactorRepository for NoFactors {
    async fn find(&self, _: UserId) -> Result<Option<StoredFactor>, PortError> {
        Ok(None)
    }

    async fn begin(&self, _: Enrolment) -> Result<(), PortError> {
        Err(none())
    }

    async fn enrolment(
        &self,
        _: UserId,
        _: SessionId,
        _: Timestamp,
    ) -> Result<Option<SealedSecret>, PortError> {
        Ok(None)
    }

    async fn confirm(&self, _: Confirmation) -> Result<bool, PortError> {
        Ok(false)
    }

    async fn use_step(&self, _: UserId, _: &SealedSecret, _: i64) -> Result<bool, PortError> {
        Ok(false)
    }

    async fn use_recovery_code(&self, _: UsedRecoveryCode) -> Result<bool, PortError> {
        Ok(false)
    }

    async fn replace_recovery_codes(&self, _: NewRecoveryCodes) -> Result<bool, PortError> {
        Ok(false)
    }

    async fn remove(&self, _: Removal) -> Result<bool, Error<OutOfReach>> {
        Ok(false)
    }

    async fn reseal(
        &self,
        _: UserId,
        _: &SealedSecret,
        _: &SealedSecret,
    ) -> Result<bool, PortError> {
        Ok(false)
    }

    async fn of_other_keys(&self, _: &str) -> Result<Vec<(UserId, SealedSecret)>, PortError> {
        Ok(Vec::new())
    }

    async fn count_of_other_keys(&self, _: &str) -> Result<u64, PortError> {
        Ok(0)
    }
}

/// Codes of authenticators that there are none of.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoTotp;

impl Totp for NoTotp {
    fn secret(&self) -> Result<TotpSecret, PortError> {
        Err(none())
    }

    fn step(&self, _: &TotpSecret, _: &str, _: Timestamp) -> Option<i64> {
        None
    }

    fn uri(&self, _: &TotpSecret, _: &str) -> SecretString {
        SecretString::default()
    }
}
