//! `POST /api/v1/auth/reauthenticate`.

use menjin_domain::credentials::CandidatePassword;
use menjin_domain::mfa::FactorCode;

use crate::prelude::*;
use crate::v1::responses::Done;

const DONE: Text = Text { zh: "身份已确认", en: "Confirmed" };

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/api/v1/auth/reauthenticate", reauthenticate)
        .success("The password was right")
        .message(DONE)
        .refusals(ErrorKind::OF_A_PROMPT_WITH_CODE)
}

request! {
    /// The password of the caller.
    struct ReauthenticateRequest as "Reauthentication" {
        current_password: Required<CandidatePassword>,
        /// A code of the second factor, where there is one.
        code: Optional<FactorCode>,
    }
}

/// Give the password again, and a code where there is a second factor.
///
/// What is critical, such as giving roles, setting passwords and deleting users, is answered with 403
/// `reauthentication_required` if the password of this session was given longer ago than
/// `admin.step_up`. After this it can be tried again. The tokens stay as they are.
#[api_v2_operation(operation_id = "reauthenticate", tags("Authentication"))]
async fn reauthenticate(
    api: Data<Api>,
    Ordered(caller, Body(body)): Ordered<Caller, Body<ReauthenticateRequest>>,
    client: Client,
) -> Answer<Done> {
    let (current, code) = (body.current_password.value()?, body.code.value()?);
    api.services.reauthenticate.execute(&caller, &current, code.as_ref(), client.0).await?;
    Ok(Done(DONE))
}
