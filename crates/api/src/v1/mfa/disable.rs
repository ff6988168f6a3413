//! `POST /api/v1/users/me/mfa/totp/disable`.

use super::enrol::FactorRequest;
use crate::prelude::*;
use crate::v1::responses::Done;

const DONE: Text = Text { zh: "验证器应用已移除", en: "The authenticator app is removed" };

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/api/v1/users/me/mfa/totp/disable", disable)
        .success("No code of the app is asked for any more")
        .message(DONE)
        .refusals(&[ErrorKind::NoFactor])
        .refusals(ErrorKind::OF_A_PROMPT_WITH_CODE)
}

/// Give up one's own authenticator app.
///
/// All other sessions of the user end. Without a passkey, the recovery codes go as well. Where the role needs a
/// second factor, nothing is possible then but to set up another.
#[api_v2_operation(operation_id = "disable_totp", tags("Second factor"))]
async fn disable(
    api: Data<Api>,
    Ordered(caller, Body(body)): Ordered<Caller, Body<FactorRequest>>,
    client: Client,
) -> Answer<Done> {
    let (current, code) = body.values()?;
    api.services.disable_mfa.execute(&caller, &current, code.as_ref(), client.0).await?;
    Ok(Done(DONE))
}
