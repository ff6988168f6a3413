//! Failures in the envelope dialect.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use menjin_domain::credentials::PolicyViolation;
use serde::Serialize;

use super::views::Envelope;
use crate::failure::Failure;
use crate::http::refusal::{self, Problems};
use crate::http::scope::Scope;
use crate::messages::{Message, labelled_text};
use crate::problem::Located;

/// `data` of a fault of the server's: what to quote when asking for help.
#[derive(Serialize)]
struct FaultData<'a> {
    request_id: &'a str,
}

/// Status and text of a failure: the one place where this dialect chooses them.
fn describe(failure: &Failure) -> (StatusCode, Message) {
    use StatusCode as S;
    match failure {
        Failure::RouteNotFound => (S::NOT_FOUND, Message::RouteNotFound),
        Failure::UserNotFound => (S::NOT_FOUND, Message::UserNotFound),
        Failure::EntryNotFound => (S::NOT_FOUND, Message::EntryNotFound),
        Failure::MethodNotAllowed { .. } => (S::METHOD_NOT_ALLOWED, Message::MethodNotAllowed),
        Failure::TooLarge => (S::PAYLOAD_TOO_LARGE, Message::TooLarge),
        Failure::UnsupportedMediaType => (S::UNSUPPORTED_MEDIA_TYPE, Message::UnsupportedMediaType),
        Failure::RequestTimeout => (S::REQUEST_TIMEOUT, Message::RequestTimeout),
        Failure::HeadTooLarge => (S::REQUEST_HEADER_FIELDS_TOO_LARGE, Message::HeadTooLarge),
        Failure::Invalid(_) => (S::UNPROCESSABLE_ENTITY, Message::Invalid),
        Failure::BadRequest => (S::BAD_REQUEST, Message::BadRequest),
        Failure::UsernameTaken => (S::BAD_REQUEST, Message::UsernameTaken),
        Failure::EmailTaken => (S::BAD_REQUEST, Message::EmailTaken),
        Failure::Policy(PolicyViolation::TooCommon) => (S::BAD_REQUEST, Message::PasswordTooCommon),
        Failure::Policy(PolicyViolation::EqualsIdentity) => {
            (S::BAD_REQUEST, Message::PasswordEqualsIdentity)
        }
        Failure::Policy(PolicyViolation::TooWeak) => (S::BAD_REQUEST, Message::PasswordTooWeak),
        Failure::WrongPassword => (S::BAD_REQUEST, Message::OldPasswordWrong),
        Failure::ConfirmationDiffers => (S::BAD_REQUEST, Message::ConfirmationDiffers),
        Failure::PasswordUnchanged => (S::BAD_REQUEST, Message::PasswordUnchanged),
        Failure::LastAdmin => (S::BAD_REQUEST, Message::LastAdmin),
        Failure::Unauthenticated { token_sent: false } => {
            (S::UNAUTHORIZED, Message::NotAuthenticated)
        }
        Failure::Unauthenticated { token_sent: true } => (S::UNAUTHORIZED, Message::InvalidToken),
        Failure::InvalidCredentials => (S::UNAUTHORIZED, Message::InvalidCredentials),
        Failure::InvalidRefreshToken => (S::UNAUTHORIZED, Message::InvalidRefreshToken),
        Failure::Forbidden => (S::FORBIDDEN, Message::Forbidden),
        Failure::TooManyAttempts { .. } => (S::TOO_MANY_REQUESTS, Message::TooManyAttempts),
        Failure::Overloaded => (S::SERVICE_UNAVAILABLE, Message::Overloaded),
        Failure::Unavailable(_) => (S::SERVICE_UNAVAILABLE, Message::Unavailable),
        Failure::CacheFailed(_) => (S::INTERNAL_SERVER_ERROR, Message::CacheFailed),
        Failure::Internal(_) => (S::INTERNAL_SERVER_ERROR, Message::Internal),
    }
}

/// The answer to a request that failed.
pub(crate) fn render(failure: &Failure, scope: &Scope) -> HttpResponse {
    let (status, message) = describe(failure);
    let (code, message) = (status.as_u16(), message.text(scope.locale));
    let mut response = refusal::begin(failure, status);
    if let Failure::Invalid(problems) = failure {
        let data = Problems::new(problems, |located| describe_problem(located, scope));
        return response.json(Envelope { code, message, data });
    }
    let fault = FaultData { request_id: scope.request_id.as_str() };
    let data = status.is_server_error().then_some(fault);
    response.json(Envelope { code, message, data })
}

/// The type of a broken rule is always `value_error`, and the text names the field.
fn describe_problem(located: &Located, scope: &Scope) -> (String, &'static str) {
    let problem = located.problem;
    let text = labelled_text(problem, located.field.as_deref(), scope.locale);
    (text, if problem.is_rule_on_a_value() { "value_error" } else { problem.kind() })
}
