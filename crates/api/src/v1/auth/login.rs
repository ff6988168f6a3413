//! `POST /api/v1/auth/login`.

use menjin_domain::accounts::LoginName;
use menjin_domain::credentials::CandidatePassword;
use menjin_domain::mfa::FactorCode;
use menjin_domain::sessions::LoginInput;

use crate::prelude::*;
use crate::v1::responses::Tokens;

/// Where OAuth2 sends its password grant.
pub(crate) const PATH: &str = "/api/v1/auth/login";

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, PATH, login)
        .success("The tokens of a new session")
        .refusals(&[ErrorKind::InvalidCredentials, ErrorKind::TooManyAttempts])
        .refusals(&[ErrorKind::MfaRequired, ErrorKind::InvalidCode])
        .refusals(&[ErrorKind::EmailNotVerified, ErrorKind::TooManySessions, ErrorKind::Overloaded])
        .refusals(ErrorKind::OF_THE_STORE)
}

request! {
    /// Whom to log in: JSON, or the form of OAuth2's password grant.
    struct LoginRequest as "UserLogin" {
        username: Required<LoginName>,
        password: Required<CandidatePassword>,
        /// A code of the second factor, of a client that asks first. Without one, whoever has a factor gets
        /// `mfa_required`.
        otp: Optional<FactorCode>,
    }
}

/// Log in and get an access token and a refresh token.
///
/// Takes JSON or the form of OAuth2's password grant. `username` is a user name or an e-mail
/// address.
///
/// Whoever has a second factor is answered with 401 `mfa_required` and an `mfa_token`: send it with a code to
/// `POST /api/v1/auth/mfa`, or send the code as `otp` with the password at once.
///
/// Where a user has as many sessions as there may be, and the oldest is not to end, the answer is 409
/// `too_many_sessions` with a `sessions_token`: as a bearer token it lists and ends one's own sessions. Then
/// log in again.
#[api_v2_operation(operation_id = "login", tags("Authentication"))]
async fn login(
    api: Data<Api>,
    client: Client,
    body: BodyOrForm<LoginRequest>,
) -> Answer<Reply<Tokens>> {
    let LoginRequest { username, password, otp } = body.0;
    let input = LoginInput {
        name: username.value()?,
        password: password.value()?,
        code: otp.value()?,
        request: client.0,
    };
    let logged_in = api.services.login.execute(input).await?;
    Ok(Reply(Tokens::from(&logged_in.tokens)))
}
