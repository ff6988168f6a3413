//! Which error a use-case's refusal is, where it is of several kinds (see [`crate::error`]). Each match
//! is exhaustive: a refusal that is missing here does not compile.

use std::time::Duration;

use menjin_domain::access::{Denied, Restriction};
use menjin_domain::accounts::{
    BanIsOver, ChangeEmailError, ChangeUserError, ChangeUsers, ChangeUsersError, CreateAdminError,
    CreateUserError, CreateUserRefusal, DeleteOwnAccountError, DeletionScheduled, LastAdmin,
    ManageUserError, RegisterError, RequestUndoError, TooManyUsers, UndoEmailChangeError,
    UpdateOwnProfileError, VerifyEmailError,
};
use menjin_domain::cache::CacheDenied;
use menjin_domain::common::{Error, Violation};
use menjin_domain::credentials::{
    ChangePasswordError, PolicyViolation, PromptError, ResetPasswordError, SetPasswordError,
};
use menjin_domain::import::{CommitImportError, RowRefusal, StartImportError};
use menjin_domain::invitations::{
    AcceptInvitationError, CreateInvitationError, InvitationTerms, ResendInvitationError,
    TermsError,
};
use menjin_domain::lockout::TooManyAttempts;
use menjin_domain::mail::RetryMailError;
use menjin_domain::mfa::{ConfirmTotpError, DisableMfaError, EnrolTotpError, RemoveFactorError};
use menjin_domain::passkeys::{
    AddPasskeyError, BeginPasskeyError, LoginWithPasskeyError, RemovePasskeyError,
    RequestLoginError, RequestPasskeyError,
};
use menjin_domain::sessions::{
    CompleteLoginError, ExchangeCodeError, InvalidToken, LoginError, RequestFactorError,
    RevokeUserSessionsError,
};

use crate::error::{ApiError, ErrorKind};
use crate::problem::{FieldError, Problem};

impl From<TooManyAttempts> for ApiError {
    fn from(error: TooManyAttempts) -> Self {
        Self::too_many_attempts(error.retry_after)
    }
}

/// A use-case refused, or a port failed.
impl<R: Into<Self> + std::error::Error + 'static> From<Error<R>> for ApiError {
    fn from(error: Error<R>) -> Self {
        match error {
            Error::Refused(refusal) => refusal.into(),
            Error::Port(error) => error.into(),
        }
    }
}

/// The same of the clients' cache, which has an error of its own.
pub fn cache_failed<R: Into<ApiError> + std::error::Error + 'static>(error: Error<R>) -> ApiError {
    match error {
        Error::Refused(refusal) => refusal.into(),
        Error::Port(error) => ApiError::caused(ErrorKind::CacheFailed, error),
    }
}

/// An access token was refused.
pub fn unauthenticated(error: Error<InvalidToken>) -> ApiError {
    match error {
        Error::Refused(invalid) => {
            tracing::debug!(reason = invalid.reason, "access token refused");
            ErrorKind::InvalidToken.into()
        }
        Error::Port(error) => error.into(),
    }
}

impl From<PolicyViolation> for ApiError {
    fn from(violation: PolicyViolation) -> Self {
        match violation {
            PolicyViolation::TooCommon => ErrorKind::PasswordTooCommon.into(),
            PolicyViolation::EqualsIdentity => ErrorKind::PasswordEqualsIdentity.into(),
            PolicyViolation::TooWeak => ErrorKind::PasswordTooWeak.into(),
        }
    }
}

impl From<RegisterError> for ApiError {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::Policy(violation) => violation.into(),
            RegisterError::Closed => ErrorKind::RegistrationClosed.into(),
            RegisterError::ByInvitation => ErrorKind::RegistrationByInvitation.into(),
            RegisterError::RoleNeedsInvitation => ErrorKind::RoleNeedsInvitation.into(),
            RegisterError::UsernameReserved => ErrorKind::UsernameReserved.into(),
            RegisterError::UsernameTaken => ErrorKind::UsernameTaken.into(),
            RegisterError::EmailTaken => ErrorKind::EmailTaken.into(),
            RegisterError::TooManyAttempts(error) => error.into(),
            RegisterError::Overloaded(error) => error.into(),
        }
    }
}

impl From<CreateAdminError> for ApiError {
    fn from(error: CreateAdminError) -> Self {
        match error {
            CreateAdminError::Policy(violation) => violation.into(),
            CreateAdminError::UsernameTaken => ErrorKind::UsernameTaken.into(),
            CreateAdminError::EmailTaken => ErrorKind::EmailTaken.into(),
            CreateAdminError::Overloaded(error) => error.into(),
        }
    }
}

impl From<CreateUserError> for ApiError {
    fn from(error: CreateUserError) -> Self {
        match error {
            CreateUserError::UsernameTaken => ErrorKind::UsernameTaken.into(),
            CreateUserError::EmailTaken => ErrorKind::EmailTaken.into(),
        }
    }
}

impl From<TermsError> for ApiError {
    fn from(error: TermsError) -> Self {
        let max_lifetime = |max: Duration| Problem::AtMost { max: max.as_secs() };
        match error {
            TermsError::NeedsEmail => FieldError::in_body("email", Problem::RoleNeedsEmail),
            TermsError::ForOne => FieldError::in_body("max_uses", Problem::AtMost { max: 1 }),
            TermsError::BadLifetime { max } => FieldError::in_body("expires_in", max_lifetime(max)),
            TermsError::BadUses => {
                let max = InvitationTerms::MAX_USES.into();
                FieldError::in_body("max_uses", Problem::AtMost { max })
            }
        }
        .into()
    }
}

impl From<CreateInvitationError> for ApiError {
    fn from(error: CreateInvitationError) -> Self {
        match error {
            CreateInvitationError::RoleForbidden => ErrorKind::RoleForbidden.into(),
            CreateInvitationError::ReauthenticationRequired(error) => error.into(),
        }
    }
}

impl From<ResendInvitationError> for ApiError {
    fn from(error: ResendInvitationError) -> Self {
        match error {
            ResendInvitationError::NotFound(error) => error.into(),
            ResendInvitationError::Over(error) => error.into(),
            ResendInvitationError::RoleForbidden => ErrorKind::RoleForbidden.into(),
            ResendInvitationError::ReauthenticationRequired(error) => error.into(),
        }
    }
}

impl From<AcceptInvitationError> for ApiError {
    fn from(error: AcceptInvitationError) -> Self {
        match error {
            AcceptInvitationError::TokenInvalid(error) => error.into(),
            AcceptInvitationError::Closed => ErrorKind::RegistrationClosed.into(),
            AcceptInvitationError::EmailMissing => {
                FieldError::in_body("email", Problem::Missing).into()
            }
            AcceptInvitationError::AnotherEmail => {
                FieldError::in_body("email", Problem::NotTheInvited).into()
            }
            AcceptInvitationError::ForAnother => ErrorKind::InvitationForAnother.into(),
            AcceptInvitationError::AccountExists => ErrorKind::AccountExists.into(),
            AcceptInvitationError::FewerRights => ErrorKind::FewerRights.into(),
            AcceptInvitationError::Stale => ErrorKind::InvalidToken.into(),
            AcceptInvitationError::Policy(violation) => violation.into(),
            AcceptInvitationError::UsernameReserved => ErrorKind::UsernameReserved.into(),
            AcceptInvitationError::Taken(taken) => taken.into(),
            AcceptInvitationError::TooManyAttempts(error) => error.into(),
            AcceptInvitationError::Overloaded(error) => error.into(),
        }
    }
}

impl From<LoginError> for ApiError {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::InvalidCredentials => ErrorKind::InvalidCredentials.into(),
            LoginError::EmailNotVerified => ErrorKind::EmailNotVerified.into(),
            LoginError::MfaRequired(ticket) => Self::with_ticket(ErrorKind::MfaRequired, ticket),
            LoginError::WrongCode => ErrorKind::InvalidCode.into(),
            LoginError::TooManySessions(ticket) => {
                Self::with_ticket(ErrorKind::TooManySessions, ticket)
            }
            LoginError::TooManyAttempts(error) => error.into(),
            LoginError::Overloaded(error) => error.into(),
        }
    }
}

impl From<CompleteLoginError> for ApiError {
    fn from(error: CompleteLoginError) -> Self {
        match error {
            CompleteLoginError::InvalidTicket => ErrorKind::InvalidMfaToken.into(),
            CompleteLoginError::WrongCode => ErrorKind::InvalidCode.into(),
            CompleteLoginError::TooManyAttempts(error) => error.into(),
            CompleteLoginError::TooManySessions(ticket) => {
                Self::with_ticket(ErrorKind::TooManySessions, ticket)
            }
        }
    }
}

impl From<ExchangeCodeError> for ApiError {
    fn from(error: ExchangeCodeError) -> Self {
        match error {
            ExchangeCodeError::InvalidCode => ErrorKind::InvalidGrant.into(),
            ExchangeCodeError::TooManySessions(ticket) => {
                Self::with_ticket(ErrorKind::TooManySessions, ticket)
            }
        }
    }
}

impl From<EnrolTotpError> for ApiError {
    fn from(error: EnrolTotpError) -> Self {
        match error {
            EnrolTotpError::Prompt(error) => error.into(),
            EnrolTotpError::EmailNotVerified => ErrorKind::EmailNotVerified.into(),
        }
    }
}

impl From<ConfirmTotpError> for ApiError {
    fn from(error: ConfirmTotpError) -> Self {
        match error {
            ConfirmTotpError::NothingToConfirm => ErrorKind::NothingToConfirm.into(),
            ConfirmTotpError::WrongCode => ErrorKind::WrongCode.into(),
            ConfirmTotpError::TooManyAttempts(error) => error.into(),
        }
    }
}

impl From<DisableMfaError> for ApiError {
    fn from(error: DisableMfaError) -> Self {
        match error {
            DisableMfaError::Prompt(error) => error.into(),
            DisableMfaError::NoFactor(error) => error.into(),
        }
    }
}

impl From<BeginPasskeyError> for ApiError {
    fn from(error: BeginPasskeyError) -> Self {
        match error {
            BeginPasskeyError::NoPasskeys(error) => error.into(),
            BeginPasskeyError::Prompt(error) => error.into(),
            BeginPasskeyError::EmailNotVerified => ErrorKind::EmailNotVerified.into(),
            BeginPasskeyError::TooMany => ErrorKind::TooManyPasskeys.into(),
        }
    }
}

impl From<AddPasskeyError> for ApiError {
    fn from(error: AddPasskeyError) -> Self {
        match error {
            AddPasskeyError::NoPasskeys(error) => error.into(),
            AddPasskeyError::NothingToConfirm => ErrorKind::NothingToConfirm.into(),
            AddPasskeyError::BadAnswer(_) => ErrorKind::BadPasskey.into(),
        }
    }
}

impl From<RequestPasskeyError> for ApiError {
    fn from(error: RequestPasskeyError) -> Self {
        match error {
            RequestPasskeyError::NoPasskeys(error) => error.into(),
            RequestPasskeyError::HasNone => ErrorKind::NoPasskey.into(),
        }
    }
}

impl From<RequestUndoError> for ApiError {
    fn from(error: RequestUndoError) -> Self {
        match error {
            RequestUndoError::TokenInvalid(error) => error.into(),
            RequestUndoError::Passkey(error) => error.into(),
        }
    }
}

impl From<RequestFactorError> for ApiError {
    fn from(error: RequestFactorError) -> Self {
        match error {
            RequestFactorError::InvalidTicket => ErrorKind::InvalidMfaToken.into(),
            RequestFactorError::Passkey(error) => error.into(),
        }
    }
}

impl From<RemovePasskeyError> for ApiError {
    fn from(error: RemovePasskeyError) -> Self {
        match error {
            RemovePasskeyError::Prompt(error) => error.into(),
            RemovePasskeyError::NotFound(error) => error.into(),
        }
    }
}

impl From<RequestLoginError> for ApiError {
    fn from(error: RequestLoginError) -> Self {
        match error {
            RequestLoginError::NoPasskeys(error) => error.into(),
            RequestLoginError::TooManyAttempts(error) => error.into(),
        }
    }
}

impl From<LoginWithPasskeyError> for ApiError {
    fn from(error: LoginWithPasskeyError) -> Self {
        match error {
            LoginWithPasskeyError::NoPasskeys(error) => error.into(),
            LoginWithPasskeyError::Refused => ErrorKind::InvalidPasskey.into(),
            LoginWithPasskeyError::EmailNotVerified => ErrorKind::EmailNotVerified.into(),
            LoginWithPasskeyError::TooManyAttempts(error) => error.into(),
            LoginWithPasskeyError::TooManySessions(ticket) => {
                Self::with_ticket(ErrorKind::TooManySessions, ticket)
            }
        }
    }
}

impl From<RemoveFactorError> for ApiError {
    fn from(error: RemoveFactorError) -> Self {
        match error {
            RemoveFactorError::NotFound(error) => error.into(),
            RemoveFactorError::OutOfReach(error) => error.into(),
            RemoveFactorError::OwnAccount => ErrorKind::OwnAccount.into(),
            RemoveFactorError::NoFactor(error) => error.into(),
        }
    }
}

impl From<UndoEmailChangeError> for ApiError {
    fn from(error: UndoEmailChangeError) -> Self {
        match error {
            UndoEmailChangeError::TokenInvalid(error) => error.into(),
            UndoEmailChangeError::CodeRequired => ErrorKind::CodeRequired.into(),
            UndoEmailChangeError::WrongCode => ErrorKind::WrongCode.into(),
            UndoEmailChangeError::TooManyAttempts(error) => error.into(),
        }
    }
}

/// Of a refresh token; access tokens go through [`unauthenticated`].
impl From<InvalidToken> for ApiError {
    fn from(invalid: InvalidToken) -> Self {
        tracing::debug!(reason = invalid.reason, "refresh token refused");
        ErrorKind::InvalidRefreshToken.into()
    }
}

impl From<ChangePasswordError> for ApiError {
    fn from(error: ChangePasswordError) -> Self {
        match error {
            ChangePasswordError::ConfirmationDiffers => ErrorKind::ConfirmationDiffers.into(),
            ChangePasswordError::Unchanged => ErrorKind::PasswordUnchanged.into(),
            ChangePasswordError::Policy(violation) => violation.into(),
            ChangePasswordError::Prompt(error) => error.into(),
            ChangePasswordError::Overloaded(error) => error.into(),
        }
    }
}

impl From<ResetPasswordError> for ApiError {
    fn from(error: ResetPasswordError) -> Self {
        match error {
            ResetPasswordError::ConfirmationDiffers => ErrorKind::ConfirmationDiffers.into(),
            ResetPasswordError::TokenInvalid(error) => error.into(),
            ResetPasswordError::Policy(violation) => violation.into(),
            ResetPasswordError::Overloaded(error) => error.into(),
        }
    }
}

impl From<VerifyEmailError> for ApiError {
    fn from(error: VerifyEmailError) -> Self {
        match error {
            VerifyEmailError::TokenInvalid(error) => error.into(),
            VerifyEmailError::Prompt(error) => error.into(),
            VerifyEmailError::EmailTaken => ErrorKind::EmailTaken.into(),
        }
    }
}

impl From<RetryMailError> for ApiError {
    fn from(error: RetryMailError) -> Self {
        match error {
            RetryMailError::NotFound => ErrorKind::MailNotFound.into(),
            RetryMailError::NotRetriable => ErrorKind::MailNotRetriable.into(),
        }
    }
}

impl From<PromptError> for ApiError {
    fn from(error: PromptError) -> Self {
        match error {
            PromptError::WrongPassword => ErrorKind::WrongPassword.into(),
            PromptError::CodeRequired => ErrorKind::CodeRequired.into(),
            PromptError::WrongCode => ErrorKind::WrongCode.into(),
            PromptError::TooManyAttempts(error) => error.into(),
            PromptError::Stale => ErrorKind::InvalidToken.into(),
            PromptError::Overloaded(error) => error.into(),
        }
    }
}

impl From<ChangeEmailError> for ApiError {
    fn from(error: ChangeEmailError) -> Self {
        match error {
            ChangeEmailError::Unchanged => ErrorKind::EmailUnchanged.into(),
            ChangeEmailError::MailOff(error) => error.into(),
            ChangeEmailError::Prompt(error) => error.into(),
        }
    }
}

impl From<ChangeUserError> for ApiError {
    fn from(error: ChangeUserError) -> Self {
        match error {
            ChangeUserError::OutOfReach(error) => error.into(),
            ChangeUserError::LastAdmin(LastAdmin) => ErrorKind::LastAdmin.into(),
            ChangeUserError::DeletionScheduled(DeletionScheduled) => {
                ErrorKind::DeletionScheduled.into()
            }
            ChangeUserError::AddressForbidden => ErrorKind::Forbidden.into(),
            ChangeUserError::OwnAccount => ErrorKind::OwnAccount.into(),
            ChangeUserError::UsernameTaken => ErrorKind::UsernameTaken.into(),
            ChangeUserError::EmailTaken => ErrorKind::EmailTaken.into(),
        }
    }
}

impl From<ManageUserError> for ApiError {
    fn from(error: ManageUserError) -> Self {
        match error {
            ManageUserError::NotFound(error) => error.into(),
            ManageUserError::Refused(error) => error.into(),
            ManageUserError::UnknownRole => {
                FieldError::in_body("role", Violation::UnknownRole.into()).into()
            }
            ManageUserError::RoleForbidden => ErrorKind::RoleForbidden.into(),
            ManageUserError::Forbidden(error) => error.into(),
            ManageUserError::ReauthenticationRequired(error) => error.into(),
            ManageUserError::BanIsOver(BanIsOver) => {
                FieldError::in_body("until", Problem::NotInTheFuture).into()
            }
        }
    }
}

impl From<ChangeUsersError> for ApiError {
    fn from(error: ChangeUsersError) -> Self {
        match error {
            ChangeUsersError::Denied(error) => error.into(),
            ChangeUsersError::Role(error) => error.into(),
            ChangeUsersError::InProgress(error) => error.into(),
            ChangeUsersError::TooMany(TooManyUsers) => {
                let max = ChangeUsers::MAX;
                FieldError::in_body("filter", Problem::Items { max }).into()
            }
        }
    }
}

/// Of one of many users.
impl From<RowRefusal> for ApiError {
    fn from(error: RowRefusal) -> Self {
        match error {
            RowRefusal::NotFound => ErrorKind::UserNotFound.into(),
            RowRefusal::Change(error) => error.into(),
            RowRefusal::Taken(error) => error.into(),
            // Of rows of a table only.
            RowRefusal::TwoAccounts | RowRefusal::Exists | RowRefusal::Incomplete => {
                ErrorKind::Invalid.into()
            }
        }
    }
}

impl From<StartImportError> for ApiError {
    fn from(error: StartImportError) -> Self {
        match error {
            StartImportError::Forbidden(error) => error.into(),
            StartImportError::InProgress(error) => error.into(),
        }
    }
}

impl From<CommitImportError> for ApiError {
    fn from(error: CommitImportError) -> Self {
        match error {
            CommitImportError::NotFound(error) => error.into(),
            CommitImportError::NotChecked => ErrorKind::ImportNotChecked.into(),
            CommitImportError::RowsFail => ErrorKind::RowsFailed.into(),
            CommitImportError::Forbidden(error) => error.into(),
        }
    }
}

impl From<CreateUserRefusal> for ApiError {
    fn from(error: CreateUserRefusal) -> Self {
        match error {
            CreateUserRefusal::Role(error) => error.into(),
            CreateUserRefusal::Policy(violation) => violation.into(),
            CreateUserRefusal::Taken(error) => error.into(),
            CreateUserRefusal::Overloaded(error) => error.into(),
        }
    }
}

impl From<SetPasswordError> for ApiError {
    fn from(error: SetPasswordError) -> Self {
        match error {
            SetPasswordError::Manage(error) => error.into(),
            SetPasswordError::Policy(violation) => violation.into(),
            SetPasswordError::Overloaded(error) => error.into(),
        }
    }
}

impl From<RevokeUserSessionsError> for ApiError {
    fn from(error: RevokeUserSessionsError) -> Self {
        match error {
            RevokeUserSessionsError::UserNotFound(error) => error.into(),
            RevokeUserSessionsError::SessionNotFound(error) => error.into(),
            RevokeUserSessionsError::OutOfReach(error) => error.into(),
        }
    }
}

impl From<Denied> for ApiError {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Forbidden(error) => error.into(),
            Denied::ReauthenticationRequired(error) => error.into(),
        }
    }
}

impl From<Restriction> for ApiError {
    fn from(restriction: Restriction) -> Self {
        match restriction {
            Restriction::PasswordChange => ErrorKind::PasswordChangeRequired.into(),
            Restriction::FactorEnrolment => ErrorKind::MfaEnrolmentRequired.into(),
        }
    }
}

impl From<DeleteOwnAccountError> for ApiError {
    fn from(error: DeleteOwnAccountError) -> Self {
        match error {
            DeleteOwnAccountError::Prompt(error) => error.into(),
            DeleteOwnAccountError::LastAdmin => ErrorKind::LastAdmin.into(),
        }
    }
}

impl From<UpdateOwnProfileError> for ApiError {
    fn from(error: UpdateOwnProfileError) -> Self {
        match error {
            UpdateOwnProfileError::EmailTaken => ErrorKind::EmailTaken.into(),
            UpdateOwnProfileError::EmailNeedsConfirmation => {
                ErrorKind::EmailNeedsConfirmation.into()
            }
            UpdateOwnProfileError::EmailNeedsPassword => ErrorKind::EmailNeedsPassword.into(),
            UpdateOwnProfileError::Prompt(error) => error.into(),
        }
    }
}

impl From<CacheDenied> for ApiError {
    fn from(denied: CacheDenied) -> Self {
        match denied {
            CacheDenied::Off => ErrorKind::RouteNotFound.into(),
            CacheDenied::Unauthenticated => ErrorKind::NotAuthenticated.into(),
            CacheDenied::Denied(error) => error.into(),
        }
    }
}
