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
    DeactivateUserError, RegisterError, UpdateOwnProfileError, UserNotFound,
};
use menjin_domain::cache::{CacheDenied, CacheMismatch, EntryNotFound, EntryTooLarge};
use menjin_domain::common::{Error, PortError};
use menjin_domain::credentials::{ChangePasswordError, Overloaded, PolicyViolation};
use menjin_domain::lockout::TooManyAttempts;
use menjin_domain::sessions::{InvalidToken, LoginError};

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

impl From<Overloaded> for Failure {
    fn from(Overloaded: Overloaded) -> Self {
        Self::Overloaded
    }
}

/// A use-case refused, or a port failed.
impl<R: Into<Self> + std::error::Error + 'static> From<Error<R>> for Failure {
    fn from(error: Error<R>) -> Self {
        match error {
            Error::Refused(refusal) => refusal.into(),
            Error::Port(error) => error.into(),
        }
    }
}

/// The same of the clients' cache, which has a failure of its own.
pub(crate) fn cache_failure<R: Into<Failure> + std::error::Error + 'static>(
    error: Error<R>,
) -> Failure {
    match error {
        Error::Refused(refusal) => refusal.into(),
        Error::Port(error) => Failure::CacheFailed(Some(error)),
    }
}

/// An access token was refused.
pub(crate) fn unauthenticated(error: Error<InvalidToken>) -> Failure {
    match error {
        Error::Refused(invalid) => {
            tracing::debug!(reason = invalid.reason, "access token refused");
            Failure::Unauthenticated { token_sent: true }
        }
        Error::Port(error) => error.into(),
    }
}

impl From<RegisterError> for Failure {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::Policy(violation) => violation.into(),
            RegisterError::UsernameTaken => Self::UsernameTaken,
            RegisterError::EmailTaken => Self::EmailTaken,
            RegisterError::TooManyAttempts(error) => error.into(),
            RegisterError::Overloaded(error) => error.into(),
        }
    }
}

impl From<LoginError> for Failure {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::InvalidCredentials => Self::InvalidCredentials,
            LoginError::TooManyAttempts(error) => error.into(),
            LoginError::Overloaded(error) => error.into(),
        }
    }
}

/// Of a refresh token; access tokens go through [`unauthenticated`].
impl From<InvalidToken> for Failure {
    fn from(invalid: InvalidToken) -> Self {
        tracing::debug!(reason = invalid.reason, "refresh token refused");
        Self::InvalidRefreshToken
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
            ChangePasswordError::Overloaded(error) => error.into(),
        }
    }
}

impl From<UpdateOwnProfileError> for Failure {
    fn from(error: UpdateOwnProfileError) -> Self {
        match error {
            UpdateOwnProfileError::EmailTaken => Self::EmailTaken,
            UpdateOwnProfileError::Stale => Self::Unauthenticated { token_sent: true },
        }
    }
}

impl From<UserNotFound> for Failure {
    fn from(UserNotFound: UserNotFound) -> Self {
        Self::UserNotFound
    }
}

impl From<DeactivateUserError> for Failure {
    fn from(error: DeactivateUserError) -> Self {
        match error {
            DeactivateUserError::NotFound => Self::UserNotFound,
            DeactivateUserError::LastAdmin => Self::LastAdmin,
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

impl From<EntryNotFound> for Failure {
    fn from(EntryNotFound: EntryNotFound) -> Self {
        Self::EntryNotFound
    }
}

impl From<EntryTooLarge> for Failure {
    fn from(EntryTooLarge: EntryTooLarge) -> Self {
        Self::TooLarge
    }
}

impl From<CacheMismatch> for Failure {
    fn from(CacheMismatch: CacheMismatch) -> Self {
        Self::CacheFailed(None)
    }
}
