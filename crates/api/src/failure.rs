//! Which error belongs where.
//!
//! Handlers and extractors return [`Failure`]: what went wrong, without a status, a text or a
//! dialect. It is made in three ways only:
//!
//! * an **extractor** refuses a part of the request (`Invalid`, `TooLarge`, `Unauthenticated`, …);
//! * a **use-case** refuses: its error turns into a `Failure` by `From`, here, and a variant that
//!   is missing here does not compile;
//! * a **port** fails: `Unavailable` if trying again may help, `Internal` if not. Causes go to the
//!   log, with the request's id; the client never sees one.
//!
//! Each dialect turns it into status, headers and body in one exhaustive match of its own
//! (`v1/render.rs`, `envelope/render.rs`). The middleware `http/answer.rs` calls that, once, for every failure.

use std::time::Duration;

use actix_web::ResponseError;
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

use crate::problem::{Located, Place, Problem};

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("no such route")]
    RouteNotFound,
    #[error("the route does not know the method")]
    MethodNotAllowed { allow: &'static str },
    #[error("the body is too large")]
    TooLarge,
    #[error("the media type is not supported")]
    UnsupportedMediaType,
    #[error("the request did not arrive in time")]
    RequestTimeout,
    #[error("the head of the request is too large")]
    HeadTooLarge,
    #[error("the request cannot be read")]
    BadRequest,
    #[error("the request is not valid")]
    Invalid(Vec<Located>),
    #[error("not authenticated")]
    Unauthenticated { token_sent: bool },
    #[error("user name or password is wrong")]
    InvalidCredentials,
    #[error("the refresh token is not valid")]
    InvalidRefreshToken,
    #[error("forbidden")]
    Forbidden,
    #[error("no such user")]
    UserNotFound,
    #[error("the user name is taken")]
    UsernameTaken,
    #[error("the e-mail address is taken")]
    EmailTaken,
    #[error(transparent)]
    Policy(#[from] PolicyViolation),
    #[error("the current password is wrong")]
    WrongPassword,
    #[error("the new password and its confirmation differ")]
    ConfirmationDiffers,
    #[error("the new password equals the current one")]
    PasswordUnchanged,
    #[error("the last active administrator stays")]
    LastAdmin,
    #[error("no such cache entry")]
    EntryNotFound,
    #[error("too many attempts")]
    TooManyAttempts { retry_after: Duration },
    #[error("no capacity to hash a password")]
    Overloaded,
    #[error("a back end is unavailable")]
    Unavailable(#[source] PortError),
    #[error("the cache does not work")]
    CacheFailed(#[source] Option<PortError>),
    #[error("a fault of the server's")]
    Internal(#[source] Option<PortError>),
}

/// The middleware renders failures; actix needs to be told that they are errors.
impl ResponseError for Failure {}

impl Failure {
    /// One problem with one part of the request.
    pub(crate) fn invalid(place: Place, field: Option<&str>, problem: Problem) -> Self {
        Self::Invalid(vec![Located { place, field: field.map(str::to_owned), problem }])
    }

    /// The cause, for the log; a refusal has none.
    pub(crate) fn cause(&self) -> Option<&PortError> {
        match self {
            Self::Unavailable(error) => Some(error),
            Self::CacheFailed(error) | Self::Internal(error) => error.as_ref(),
            _ => None,
        }
    }
}

impl From<Located> for Failure {
    fn from(located: Located) -> Self {
        Self::Invalid(vec![located])
    }
}

impl From<PortError> for Failure {
    fn from(error: PortError) -> Self {
        match error {
            PortError::Unavailable { .. } => Self::Unavailable(error),
            PortError::Internal { .. } => Self::Internal(Some(error)),
        }
    }
}

impl From<Forbidden> for Failure {
    fn from(Forbidden: Forbidden) -> Self {
        Self::Forbidden
    }
}

impl From<TooManyAttempts> for Failure {
    fn from(error: TooManyAttempts) -> Self {
        Self::TooManyAttempts { retry_after: error.retry_after }
    }
}

impl From<RegisterError> for Failure {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::Policy(violation) => violation.into(),
            RegisterError::UsernameTaken => Self::UsernameTaken,
            RegisterError::EmailTaken => Self::EmailTaken,
            RegisterError::TooManyAttempts(error) => error.into(),
            RegisterError::Overloaded => Self::Overloaded,
            RegisterError::Port(error) => error.into(),
        }
    }
}

impl From<LoginError> for Failure {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::InvalidCredentials => Self::InvalidCredentials,
            LoginError::TooManyAttempts(error) => error.into(),
            LoginError::Overloaded => Self::Overloaded,
            LoginError::Port(error) => error.into(),
        }
    }
}

impl From<AuthenticateError> for Failure {
    fn from(error: AuthenticateError) -> Self {
        match error {
            AuthenticateError::InvalidToken(invalid) => {
                tracing::debug!(reason = invalid.reason, "access token refused");
                Self::Unauthenticated { token_sent: true }
            }
            AuthenticateError::Port(error) => error.into(),
        }
    }
}

impl From<RefreshError> for Failure {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::InvalidToken(invalid) => {
                tracing::debug!(reason = invalid.reason, "refresh token refused");
                Self::InvalidRefreshToken
            }
            RefreshError::Port(error) => error.into(),
        }
    }
}

impl From<ChangePasswordError> for Failure {
    fn from(error: ChangePasswordError) -> Self {
        match error {
            ChangePasswordError::ConfirmationDiffers => Self::ConfirmationDiffers,
            ChangePasswordError::Unchanged => Self::PasswordUnchanged,
            ChangePasswordError::Policy(violation) => violation.into(),
            ChangePasswordError::WrongPassword => Self::WrongPassword,
            ChangePasswordError::TooManyAttempts(error) => error.into(),
            ChangePasswordError::Stale => Self::Unauthenticated { token_sent: true },
            ChangePasswordError::Overloaded => Self::Overloaded,
            ChangePasswordError::Port(error) => error.into(),
        }
    }
}

impl From<UpdateOwnProfileError> for Failure {
    fn from(error: UpdateOwnProfileError) -> Self {
        match error {
            UpdateOwnProfileError::EmailTaken => Self::EmailTaken,
            UpdateOwnProfileError::Stale => Self::Unauthenticated { token_sent: true },
            UpdateOwnProfileError::Port(error) => error.into(),
        }
    }
}

impl From<GetUserError> for Failure {
    fn from(error: GetUserError) -> Self {
        match error {
            GetUserError::Forbidden(error) => error.into(),
            GetUserError::NotFound => Self::UserNotFound,
            GetUserError::Port(error) => error.into(),
        }
    }
}

impl From<ListUsersError> for Failure {
    fn from(error: ListUsersError) -> Self {
        match error {
            ListUsersError::Forbidden(error) => error.into(),
            ListUsersError::Port(error) => error.into(),
        }
    }
}

impl From<ActivateUserError> for Failure {
    fn from(error: ActivateUserError) -> Self {
        match error {
            ActivateUserError::Forbidden(error) => error.into(),
            ActivateUserError::NotFound => Self::UserNotFound,
            ActivateUserError::Port(error) => error.into(),
        }
    }
}

impl From<DeactivateUserError> for Failure {
    fn from(error: DeactivateUserError) -> Self {
        match error {
            DeactivateUserError::Forbidden(error) => error.into(),
            DeactivateUserError::NotFound => Self::UserNotFound,
            DeactivateUserError::LastAdmin => Self::LastAdmin,
            DeactivateUserError::Port(error) => error.into(),
        }
    }
}

impl From<GetLockoutError> for Failure {
    fn from(error: GetLockoutError) -> Self {
        match error {
            GetLockoutError::Forbidden(error) => error.into(),
            GetLockoutError::NotFound => Self::UserNotFound,
            GetLockoutError::Port(error) => error.into(),
        }
    }
}

impl From<ClearLockoutError> for Failure {
    fn from(error: ClearLockoutError) -> Self {
        match error {
            ClearLockoutError::Forbidden(error) => error.into(),
            ClearLockoutError::NotFound => Self::UserNotFound,
            ClearLockoutError::Port(error) => error.into(),
        }
    }
}

impl From<ListRecordsError> for Failure {
    fn from(error: ListRecordsError) -> Self {
        match error {
            ListRecordsError::Forbidden(error) => error.into(),
            ListRecordsError::Port(error) => error.into(),
        }
    }
}

impl From<CacheDenied> for Failure {
    fn from(denied: CacheDenied) -> Self {
        match denied {
            CacheDenied::Off => Self::RouteNotFound,
            CacheDenied::Unauthenticated => Self::Unauthenticated { token_sent: false },
            CacheDenied::Forbidden(error) => error.into(),
        }
    }
}

impl From<ReadEntryError> for Failure {
    fn from(error: ReadEntryError) -> Self {
        match error {
            ReadEntryError::Denied(denied) => denied.into(),
            ReadEntryError::NotFound => Self::EntryNotFound,
            ReadEntryError::Port(error) => Self::CacheFailed(Some(error)),
        }
    }
}

impl From<WriteEntryError> for Failure {
    fn from(error: WriteEntryError) -> Self {
        match error {
            WriteEntryError::Denied(denied) => denied.into(),
            WriteEntryError::TooLarge => Self::TooLarge,
            WriteEntryError::Port(error) => Self::CacheFailed(Some(error)),
        }
    }
}

impl From<ProbeCacheError> for Failure {
    fn from(error: ProbeCacheError) -> Self {
        match error {
            ProbeCacheError::Denied(denied) => denied.into(),
            ProbeCacheError::Mismatch => Self::CacheFailed(None),
            ProbeCacheError::Port(error) => Self::CacheFailed(Some(error)),
        }
    }
}
