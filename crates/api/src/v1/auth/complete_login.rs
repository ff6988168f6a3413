//! `POST /api/v1/auth/mfa`.

use menjin_domain::mfa::FactorCode;
use menjin_web::values::Token;

use crate::prelude::*;
use crate::v1::responses::Tokens;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/api/v1/auth/mfa", complete_login)
        .success("The tokens of a new session")
        .refusals(&[ErrorKind::InvalidMfaToken, ErrorKind::InvalidCode])
        .refusals(&[ErrorKind::TooManyAttempts, ErrorKind::TooManySessions])
        .refusals(ErrorKind::OF_THE_STORE)
}

request! {
    /// The second step of a login.
    struct CompleteLoginRequest as "UserMfaLogin" {
        /// Of the answer `mfa_required`: it is good for five minutes and five codes.
        mfa_token: Required<Token>,
        code: Required<FactorCode>,
    }
}

/// Log in with a code, after the password.
///
/// A code is taken once, wherever it is used. A recovery code is gone then.
#[api_v2_operation(operation_id = "complete_login", tags("Authentication"))]
async fn complete_login(
    api: Data<Api>,
    client: Client,
    Body(body): Body<CompleteLoginRequest>,
) -> Answer<Reply<Tokens>> {
    let (token, code) = (body.mfa_token.value()?, body.code.value()?);
    let logged_in = api.services.complete_login.execute(&token, &code, client.0).await?;
    Ok(Reply(Tokens::from(&logged_in.tokens)))
}
