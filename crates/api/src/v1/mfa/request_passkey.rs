//! `POST /api/v1/users/me/mfa/passkeys/request`.

use super::passkey_options::RequestOptions;
use crate::prelude::*;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/api/v1/users/me/mfa/passkeys/request", ask)
        .success("What to ask the browser for")
        .refusals(&[ErrorKind::PasskeysOff, ErrorKind::NoPasskey])
}

/// Ask for a passkey where a code is needed.
///
/// Give the answer to `PublicKeyCredential.parseRequestOptionsFromJSON`, what comes out to
/// `navigator.credentials.get`, and send what that gives, as JSON text, as the `code`: within five minutes, and
/// once.
#[api_v2_operation(operation_id = "request_passkey", tags("Passkeys"))]
async fn ask(api: Data<Api>, caller: Enrolling) -> Answer<Reply<RequestOptions>> {
    Ok(Reply(api.services.request_passkey.execute(&caller).await?.into()))
}
