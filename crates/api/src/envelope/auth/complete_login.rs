//! `POST /api/auth/mfa`.

use menjin_domain::mfa::FactorCode;
use menjin_web::values::Token;

use super::login::{DONE, LoginData};
use crate::envelope::responses::Success;
use crate::prelude::*;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/api/auth/mfa", complete_login)
        .success("The token of a new session, and the user")
        .message(DONE)
        .refusals(&[ErrorKind::InvalidMfaToken, ErrorKind::InvalidCode])
        .refusals(&[ErrorKind::TooManyAttempts, ErrorKind::TooManySessions])
        .refusals(ErrorKind::OF_THE_STORE)
}

request! {
    /// The second step of a login.
    struct CompleteLoginRequest as "EnvelopeMfaLogin" {
        /// Of the answer `mfa_required`: it is good for five minutes and five codes.
        mfa_token: Required<Token>,
        code: Required<FactorCode>,
    }
}

/// Log in with a code, after the password.
///
/// A code is taken once, wherever it is used. A recovery code is gone then.
#[api_v2_operation(operation_id = "envelope_complete_login", tags("Authentication (envelope)"))]
async fn complete_login(
    api: Data<Api>,
    client: Client,
    Body(body): Body<CompleteLoginRequest>,
) -> Answer<Success<LoginData>> {
    let (token, code) = (body.mfa_token.value()?, body.code.value()?);
    let logged_in = api.services.complete_login.execute(&token, &code, client.0).await?;
    Ok(Success(DONE, LoginData::from(logged_in)))
}
