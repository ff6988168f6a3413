//! `POST /api/v1/users/me/mfa/passkeys`.

use menjin_domain::passkeys::PasskeyName;
use menjin_web::values::PasskeyAnswer;

use crate::prelude::*;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/api/v1/users/me/mfa/passkeys", add)
        .success(
            "The passkey is there, and is asked for at every log-in with a password from now on",
        )
        .refusals(&[ErrorKind::PasskeysOff, ErrorKind::NothingToConfirm, ErrorKind::BadPasskey])
}

request! {
    /// A passkey that the browser has made.
    struct AddRequest as "UserPasskey" {
        /// What to call it, such as the name of the device.
        name: Required<PasskeyName>,
        credential: Required<PasskeyAnswer>,
    }
}

response! {
    /// What has come of it.
    struct AddedResponse as "AddedPasskey" {
        /// For when the device is lost: each logs in once. They are shown only once, with the first factor of
        /// an account; null, if it has them already.
        recovery_codes: Option<Vec<String>> => { "example": ["7ZKM-0Q4B-XW9D-52HT", "0F3C-WV8T-M2KQ-7H1D"] },
    }
}

/// Add a passkey.
///
/// All other sessions of the user end.
#[api_v2_operation(operation_id = "add_passkey", tags("Passkeys"))]
async fn add(
    api: Data<Api>,
    Ordered(caller, Body(body)): Ordered<Enrolling, Body<AddRequest>>,
    client: Client,
) -> Answer<Reply<AddedResponse>> {
    let (name, answer) = (body.name.value()?, body.credential.value()?);
    let added = api.services.add_passkey.execute(&caller, name, &answer, client.0).await?;
    let recovery_codes = added.recovery_codes.map(|codes| codes.shown());
    Ok(Reply(AddedResponse { recovery_codes }))
}
