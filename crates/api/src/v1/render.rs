//! Failures in the v1 dialect.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use menjin_domain::credentials::PolicyViolation;
use serde::Serialize;

use crate::failure::Failure;
use crate::http::refusal::{self, Problems};
use crate::http::scope::Scope;
use crate::messages::{Message, problem_text};

/// Any error but 422.
#[derive(Serialize)]
struct ErrorView<'a> {
    detail: &'static str,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

/// Status, reason and text of a failure: the one place where v1 chooses them.
fn describe(failure: &Failure) -> (StatusCode, &'static str, Message) {
    use StatusCode as S;
    match failure {
        Failure::RouteNotFound => (S::NOT_FOUND, "not_found", Message::RouteNotFound),
        Failure::MethodNotAllowed { .. } => {
            (S::METHOD_NOT_ALLOWED, "method_not_allowed", Message::MethodNotAllowed)
        }
        Failure::TooLarge => (S::PAYLOAD_TOO_LARGE, "body_too_large", Message::TooLarge),
        Failure::UnsupportedMediaType => {
            (S::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", Message::UnsupportedMediaType)
        }
        Failure::RequestTimeout => (S::REQUEST_TIMEOUT, "request_timeout", Message::RequestTimeout),
        Failure::HeadTooLarge => {
            (S::REQUEST_HEADER_FIELDS_TOO_LARGE, "head_too_large", Message::HeadTooLarge)
        }
        Failure::BadRequest | Failure::Invalid(_) => {
            (S::BAD_REQUEST, "bad_request", Message::BadRequest)
        }
        Failure::Unauthenticated { token_sent: false } => {
            (S::UNAUTHORIZED, "not_authenticated", Message::NotAuthenticated)
        }
        Failure::Unauthenticated { token_sent: true } => {
            (S::UNAUTHORIZED, "invalid_token", Message::InvalidToken)
        }
        Failure::InvalidCredentials => {
            (S::UNAUTHORIZED, "invalid_credentials", Message::InvalidCredentials)
        }
        Failure::InvalidRefreshToken => {
            (S::UNAUTHORIZED, "invalid_token", Message::InvalidRefreshToken)
        }
        Failure::Forbidden => (S::FORBIDDEN, "forbidden", Message::Forbidden),
        Failure::UserNotFound => (S::NOT_FOUND, "user_not_found", Message::UserNotFound),
        Failure::UsernameTaken => (S::BAD_REQUEST, "username_taken", Message::UsernameTaken),
        Failure::EmailTaken => (S::BAD_REQUEST, "email_taken", Message::EmailTaken),
        Failure::Policy(PolicyViolation::TooCommon) => {
            (S::BAD_REQUEST, "password_too_common", Message::PasswordTooCommon)
        }
        Failure::Policy(PolicyViolation::EqualsIdentity) => {
            (S::BAD_REQUEST, "password_equals_identity", Message::PasswordEqualsIdentity)
        }
        Failure::Policy(PolicyViolation::TooWeak) => {
            (S::BAD_REQUEST, "password_too_weak", Message::PasswordTooWeak)
        }
        Failure::WrongPassword => (S::BAD_REQUEST, "wrong_password", Message::WrongPassword),
        Failure::ConfirmationDiffers => {
            (S::BAD_REQUEST, "confirmation_differs", Message::ConfirmationDiffers)
        }
        Failure::PasswordUnchanged => {
            (S::BAD_REQUEST, "password_unchanged", Message::PasswordUnchanged)
        }
        Failure::LastAdmin => (S::BAD_REQUEST, "last_admin", Message::LastAdmin),
        Failure::EntryNotFound => (S::NOT_FOUND, "cache_key_not_found", Message::EntryNotFound),
        Failure::TooManyAttempts { .. } => {
            (S::TOO_MANY_REQUESTS, "too_many_attempts", Message::TooManyAttempts)
        }
        Failure::Overloaded => (S::SERVICE_UNAVAILABLE, "overloaded", Message::Overloaded),
        Failure::Unavailable(_) => (S::SERVICE_UNAVAILABLE, "unavailable", Message::Unavailable),
        Failure::CacheFailed(_) => (S::INTERNAL_SERVER_ERROR, "cache_failed", Message::CacheFailed),
        Failure::Internal(_) => (S::INTERNAL_SERVER_ERROR, "internal_error", Message::Internal),
    }
}

/// The reason by which programs tell failures apart.
pub(crate) fn code(failure: &Failure) -> &'static str {
    describe(failure).1
}

/// The answer to a request that failed.
pub(crate) fn render(failure: &Failure, scope: &Scope) -> HttpResponse {
    if let Failure::Invalid(problems) = failure {
        let problems = Problems::new(problems, |located| {
            (problem_text(located.problem, scope.locale), located.problem.kind())
        });
        return HttpResponse::UnprocessableEntity().json(problems);
    }
    let (status, code, message) = describe(failure);
    let request_id = status.is_server_error().then_some(scope.request_id.as_str());
    refusal::begin(failure, status).json(ErrorView {
        detail: message.text(scope.locale),
        code,
        request_id,
    })
}
