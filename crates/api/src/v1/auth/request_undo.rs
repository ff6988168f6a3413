//! `POST /api/v1/auth/undo-email-change/passkey`.

use menjin_domain::one_time::OneTimeToken;

use crate::prelude::*;
use crate::v1::mfa::passkey_options::RequestOptions;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/api/v1/auth/undo-email-change/passkey", ask)
        .success("What to ask the browser for")
        .refusals(&[ErrorKind::TokenInvalid, ErrorKind::PasskeysOff, ErrorKind::NoPasskey])
        .refusals(ErrorKind::OF_THE_STORE)
}

request! {
    /// The link in the mail about a changed e-mail address.
    struct UndoPasskeyRequest as "UserUndoPasskey" {
        token: Required<OneTimeToken>,
    }
}

/// Ask for a passkey, to take back a change of the e-mail address.
///
/// What the browser gives is sent, as JSON text, as the `code` of `POST /api/v1/auth/undo-email-change`: within
/// five minutes, and once.
#[api_v2_operation(operation_id = "request_undo_passkey", tags("Passkeys"))]
async fn ask(
    api: Data<Api>,
    Body(body): Body<UndoPasskeyRequest>,
) -> Answer<Reply<RequestOptions>> {
    let token = body.token.value()?;
    Ok(Reply(api.services.undo_email_change.request_passkey(&token).await?.into()))
}
