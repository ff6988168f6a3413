//! What the answers to failures have in common in every dialect.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, HttpResponseBuilder};

use serde::Serialize;

use crate::failure::Failure;
use crate::problem::Located;

/// An answer of this status with the headers that belong to the failure (RFC 6750 §3, RFC 9110
/// §10.2), for a dialect to add its body.
pub(crate) fn begin(failure: &Failure, status: StatusCode) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    match failure {
        Failure::MethodNotAllowed { allow } => {
            response.insert_header((ALLOW, *allow));
        }
        Failure::Unauthenticated { token_sent: true } | Failure::InvalidRefreshToken => {
            response.insert_header((WWW_AUTHENTICATE, r#"Bearer error="invalid_token""#));
        }
        Failure::Unauthenticated { token_sent: false } | Failure::InvalidCredentials => {
            response.insert_header((WWW_AUTHENTICATE, "Bearer"));
        }
        Failure::TooManyAttempts { retry_after } => {
            response.insert_header((RETRY_AFTER, whole_seconds(*retry_after)));
        }
        Failure::Overloaded | Failure::Unavailable(_) => {
            response.insert_header((RETRY_AFTER, 1));
        }
        // Whatever else the client sends on this connection is the rest of that body.
        Failure::RequestTimeout
        | Failure::HeadTooLarge
        | Failure::TooLarge
        | Failure::BadRequest => {
            response.force_close();
        }
        _ => {}
    }
    response
}

/// What is wrong with a request, as FastAPI lists it.
#[derive(Serialize)]
pub(crate) struct Problems {
    detail: Vec<ProblemView>,
}

#[derive(Serialize)]
struct ProblemView {
    loc: Vec<String>,
    msg: String,
    r#type: &'static str,
}

impl Problems {
    /// The list, with text and type of each problem as the dialect words them.
    pub(crate) fn new(
        problems: &[Located],
        describe: impl Fn(&Located) -> (String, &'static str),
    ) -> Self {
        let view = |located: &Located| {
            let mut loc = vec![located.place.as_str().to_owned()];
            loc.extend(located.field.clone());
            let (msg, r#type) = describe(located);
            ProblemView { loc, msg, r#type }
        };
        Self { detail: problems.iter().map(view).collect() }
    }
}

/// Rounded up: who waits that long is let in.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_rounded_up() {
        assert_eq!(whole_seconds(Duration::from_millis(1)), 1);
        assert_eq!(whole_seconds(Duration::from_secs(7)), 7);
    }
}
