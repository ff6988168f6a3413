//! `POST /api/auth/change-password`.

use menjin_domain::common::RequestContext;
use menjin_domain::credentials::{CandidatePassword, ChangePasswordInput, NewPassword};

use crate::envelope::responses::{Nothing, Success};
use crate::prelude::*;

const DONE: Text = Text { zh: "密码修改成功", en: "Password changed" };

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/api/auth/change-password", change_password)
        .success("The password was changed")
        .message(DONE)
        .refusals(&[ErrorKind::WrongPassword, ErrorKind::PasswordUnchanged])
        .refusals(ErrorKind::OF_A_NEW_PASSWORD)
}

request! {
    /// A change of one's own password.
    struct ChangePasswordRequest as "EnvelopeChangePassword" {
        old_password: Required<CandidatePassword>,
        new_password: Required<NewPassword> => { "example": "newpassword456" },
    }
}

impl ChangePasswordRequest {
    fn into_input(self, request: RequestContext) -> Result<ChangePasswordInput, ApiError> {
        Ok(ChangePasswordInput {
            current: self.old_password.value()?,
            new: self.new_password.value()?,
            confirmation: None,
            request,
        })
    }
}

/// Change one's own password.
///
/// Every other session of the user ends.
#[api_v2_operation(operation_id = "envelope_change_password", tags("Authentication (envelope)"))]
async fn change_password(
    api: Data<Api>,
    Ordered(caller, Body(body)): Ordered<RestrictedCaller, Body<ChangePasswordRequest>>,
    client: Client,
) -> Answer<Success<Nothing>> {
    api.services.change_password.execute(&caller, body.into_input(client.0)?).await?;
    Ok(Success(DONE, Nothing))
}
