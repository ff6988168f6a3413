//! `POST /api/v1/auth/mfa/passkey`.

use menjin_web::values::Token;

use crate::prelude::*;
use crate::v1::mfa::passkey_options::RequestOptions;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/api/v1/auth/mfa/passkey", ask)
        .success("What to ask the browser for")
        .refusals(&[ErrorKind::InvalidMfaToken, ErrorKind::PasskeysOff, ErrorKind::NoPasskey])
        .refusals(ErrorKind::OF_THE_STORE)
}

request! {
    /// The second step of a login, with a passkey.
    struct FactorRequest as "UserMfaPasskey" {
        /// Of the answer `mfa_required`.
        mfa_token: Required<Token>,
    }
}

/// Ask for a passkey after the password.
///
/// Give the answer to `PublicKeyCredential.parseRequestOptionsFromJSON`, what comes out to
/// `navigator.credentials.get`, and send what that gives, as JSON text, as the `code` of
/// `POST /api/v1/auth/mfa`: within five minutes, and once.
#[api_v2_operation(operation_id = "request_factor", tags("Passkeys"))]
async fn ask(api: Data<Api>, Body(body): Body<FactorRequest>) -> Answer<Reply<RequestOptions>> {
    let token = body.mfa_token.value()?;
    Ok(Reply(api.services.complete_login.request_passkey(&token).await?.into()))
}
