//! Which error a use-case's refusal is. Each match is exhaustive: a refusal that is missing here does
//! not compile.

use menjin_domain::access::Forbidden;
use menjin_domain::accounts::{
    ActivateUserError, DeactivateUserError, GetUserError, ListUsersError, RegisterError,
    UpdateOwnProfileError,
};
use menjin_domain::audit::ListRecordsError;
use menjin_domain::cache::{CacheDenied, ProbeCacheError, ReadEntryError, WriteEntryError};
use menjin_domain::common::PortError;
use menjin_domain::credentials::{ChangePasswordError, PolicyViolation};
use menjin_domain::lockout::{ClearLockoutError, GetLockoutError, TooManyAttempts};
use menjin_domain::sessions::{AuthenticateError, LoginError, RefreshError};

use crate::error::{ApiError, ErrorKind};

impl From<Forbidden> for ApiError {
    fn from(Forbidden: Forbidden) -> Self {
        ErrorKind::Forbidden.into()
    }
}

impl From<TooManyAttempts> for ApiError {
    fn from(refused: TooManyAttempts) -> Self {
        Self::too_many_attempts(refused.retry_after)
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
            RegisterError::UsernameTaken => ErrorKind::UsernameTaken.into(),
            RegisterError::EmailTaken => ErrorKind::EmailTaken.into(),
            RegisterError::TooManyAttempts(error) => error.into(),
            RegisterError::Overloaded => ErrorKind::Overloaded.into(),
            RegisterError::Port(error) => error.into(),
        }
    }
}

impl From<LoginError> for ApiError {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::InvalidCredentials => ErrorKind::InvalidCredentials.into(),
            LoginError::TooManyAttempts(error) => error.into(),
            LoginError::Overloaded => ErrorKind::Overloaded.into(),
            LoginError::Port(error) => error.into(),
        }
    }
}

impl From<AuthenticateError> for ApiError {
    fn from(error: AuthenticateError) -> Self {
        match error {
            AuthenticateError::InvalidToken(invalid) => {
                tracing::debug!(reason = invalid.reason, "access token refused");
                ErrorKind::InvalidToken.into()
            }
            AuthenticateError::Port(error) => error.into(),
        }
    }
}

impl From<RefreshError> for ApiError {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::InvalidToken(invalid) => {
                tracing::debug!(reason = invalid.reason, "refresh token refused");
                ErrorKind::InvalidRefreshToken.into()
            }
            RefreshError::Port(error) => error.into(),
        }
    }
}

impl From<ChangePasswordError> for ApiError {
    fn from(error: ChangePasswordError) -> Self {
        match error {
            ChangePasswordError::ConfirmationDiffers => ErrorKind::ConfirmationDiffers.into(),
            ChangePasswordError::Unchanged => ErrorKind::PasswordUnchanged.into(),
            ChangePasswordError::Policy(violation) => violation.into(),
            ChangePasswordError::WrongPassword => ErrorKind::WrongPassword.into(),
            ChangePasswordError::TooManyAttempts(error) => error.into(),
            ChangePasswordError::Stale => ErrorKind::InvalidToken.into(),
            ChangePasswordError::Overloaded => ErrorKind::Overloaded.into(),
            ChangePasswordError::Port(error) => error.into(),
        }
    }
}

impl From<UpdateOwnProfileError> for ApiError {
    fn from(error: UpdateOwnProfileError) -> Self {
        match error {
            UpdateOwnProfileError::EmailTaken => ErrorKind::EmailTaken.into(),
            UpdateOwnProfileError::Stale => ErrorKind::InvalidToken.into(),
            UpdateOwnProfileError::Port(error) => error.into(),
        }
    }
}

impl From<GetUserError> for ApiError {
    fn from(error: GetUserError) -> Self {
        match error {
            GetUserError::Forbidden(error) => error.into(),
            GetUserError::NotFound => ErrorKind::UserNotFound.into(),
            GetUserError::Port(error) => error.into(),
        }
    }
}

impl From<ListUsersError> for ApiError {
    fn from(error: ListUsersError) -> Self {
        match error {
            ListUsersError::Forbidden(error) => error.into(),
            ListUsersError::Port(error) => error.into(),
        }
    }
}

impl From<ActivateUserError> for ApiError {
    fn from(error: ActivateUserError) -> Self {
        match error {
            ActivateUserError::Forbidden(error) => error.into(),
            ActivateUserError::NotFound => ErrorKind::UserNotFound.into(),
            ActivateUserError::Port(error) => error.into(),
        }
    }
}

impl From<DeactivateUserError> for ApiError {
    fn from(error: DeactivateUserError) -> Self {
        match error {
            DeactivateUserError::Forbidden(error) => error.into(),
            DeactivateUserError::NotFound => ErrorKind::UserNotFound.into(),
            DeactivateUserError::LastAdmin => ErrorKind::LastAdmin.into(),
            DeactivateUserError::Port(error) => error.into(),
        }
    }
}

impl From<GetLockoutError> for ApiError {
    fn from(error: GetLockoutError) -> Self {
        match error {
            GetLockoutError::Forbidden(error) => error.into(),
            GetLockoutError::NotFound => ErrorKind::UserNotFound.into(),
            GetLockoutError::Port(error) => error.into(),
        }
    }
}

impl From<ClearLockoutError> for ApiError {
    fn from(error: ClearLockoutError) -> Self {
        match error {
            ClearLockoutError::Forbidden(error) => error.into(),
            ClearLockoutError::NotFound => ErrorKind::UserNotFound.into(),
            ClearLockoutError::Port(error) => error.into(),
        }
    }
}

impl From<ListRecordsError> for ApiError {
    fn from(error: ListRecordsError) -> Self {
        match error {
            ListRecordsError::Forbidden(error) => error.into(),
            ListRecordsError::Port(error) => error.into(),
        }
    }
}

impl From<CacheDenied> for ApiError {
    fn from(denied: CacheDenied) -> Self {
        match denied {
            CacheDenied::Off => ErrorKind::RouteNotFound.into(),
            CacheDenied::Unauthenticated => ErrorKind::NotAuthenticated.into(),
            CacheDenied::Forbidden(error) => error.into(),
        }
    }
}

impl From<ReadEntryError> for ApiError {
    fn from(error: ReadEntryError) -> Self {
        match error {
            ReadEntryError::Denied(denied) => denied.into(),
            ReadEntryError::NotFound => ErrorKind::EntryNotFound.into(),
            ReadEntryError::Port(error) => cache_failed(error),
        }
    }
}

impl From<WriteEntryError> for ApiError {
    fn from(error: WriteEntryError) -> Self {
        match error {
            WriteEntryError::Denied(denied) => denied.into(),
            WriteEntryError::TooLarge => ErrorKind::TooLarge.into(),
            WriteEntryError::Port(error) => cache_failed(error),
        }
    }
}

impl From<ProbeCacheError> for ApiError {
    fn from(error: ProbeCacheError) -> Self {
        match error {
            ProbeCacheError::Denied(denied) => denied.into(),
            ProbeCacheError::Mismatch => ErrorKind::CacheFailed.into(),
            ProbeCacheError::Port(error) => cache_failed(error),
        }
    }
}

/// The cache has an error of its own, whatever its back end says.
fn cache_failed(error: PortError) -> ApiError {
    ApiError::caused(ErrorKind::CacheFailed, error)
}
