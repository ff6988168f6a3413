//! `POST /api/v1/auth/passkey/options`.

use crate::prelude::*;
use crate::v1::mfa::passkey_options::RequestOptions;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/api/v1/auth/passkey/options", ask)
        .success("What to ask the browser for")
        .refusals(&[ErrorKind::PasskeysOff, ErrorKind::TooManyAttempts])
        .refusals(ErrorKind::OF_THE_STORE)
}

/// Ask for a passkey to log in with.
///
/// Give the answer to `PublicKeyCredential.parseRequestOptionsFromJSON`, what comes out to
/// `navigator.credentials.get`, and send what that gives to `POST /api/v1/auth/passkey`: within five minutes,
/// and once.
#[api_v2_operation(operation_id = "request_passkey_login", tags("Passkeys"))]
async fn ask(api: Data<Api>, client: Client) -> Answer<Reply<RequestOptions>> {
    Ok(Reply(api.services.login_with_passkey.request(&client.0).await?.into()))
}
