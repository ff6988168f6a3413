//! `POST /api/v1/auth/passkey`.

use menjin_web::values::PasskeyAnswer;

use crate::prelude::*;
use crate::v1::responses::Tokens;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/api/v1/auth/passkey", login)
        .success("The tokens of a new session")
        .refusals(&[ErrorKind::InvalidPasskey, ErrorKind::PasskeysOff, ErrorKind::EmailNotVerified])
        .refusals(&[ErrorKind::TooManyAttempts, ErrorKind::TooManySessions])
        .refusals(ErrorKind::OF_THE_STORE)
}

request! {
    /// What a passkey has answered.
    struct PasskeyLoginRequest as "UserPasskeyLogin" {
        credential: Required<PasskeyAnswer>,
    }
}

/// Log in with a passkey alone.
///
/// Its authenticator has to ask its user for a PIN, a finger or a face: that is two factors in one, and no
/// code is asked for.
#[api_v2_operation(operation_id = "login_with_passkey", tags("Passkeys"))]
async fn login(
    api: Data<Api>,
    client: Client,
    Body(body): Body<PasskeyLoginRequest>,
) -> Answer<Reply<Tokens>> {
    let answer = body.credential.value()?;
    let logged_in = api.services.login_with_passkey.execute(&answer, client.0).await?;
    Ok(Reply(Tokens::from(&logged_in.tokens)))
}
