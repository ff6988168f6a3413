//! `POST /api/v1/users/me/mfa/passkeys/{passkey_id}/remove`.

use menjin_domain::passkeys::PasskeyId;

use super::enrol::FactorRequest;
use crate::prelude::*;
use crate::v1::responses::Done;

const DONE: Text = Text { zh: "通行密钥已移除", en: "The passkey is removed" };

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/api/v1/users/me/mfa/passkeys/{passkey_id}/remove", remove)
        .success("The passkey logs nobody in any more")
        .message(DONE)
        .refusals(&[ErrorKind::PasskeyNotFound])
        .refusals(ErrorKind::OF_A_PROMPT_WITH_CODE)
}

/// Remove one of one's own passkeys.
///
/// All other sessions of the user end. The recovery codes go with the last factor. The passkey itself may
/// answer for the code.
#[api_v2_operation(operation_id = "remove_passkey", tags("Passkeys"))]
async fn remove(
    api: Data<Api>,
    Ordered(caller, (Path(id), Body(body))): Ordered<
        Caller,
        (Path<PasskeyId>, Body<FactorRequest>),
    >,
    client: Client,
) -> Answer<Done> {
    let (current, code) = body.values()?;
    let remove = &api.services.remove_passkey;
    remove.execute(&caller, id, &current, code.as_ref(), client.0).await?;
    Ok(Done(DONE))
}
