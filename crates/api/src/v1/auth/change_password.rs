//! `POST /api/v1/auth/change-password`.

use menjin_domain::common::RequestContext;
use menjin_domain::credentials::{CandidatePassword, ChangePasswordInput, NewPassword};

use crate::prelude::*;
use crate::v1::responses::Done;

const DONE: Text = Text { zh: "密码修改成功", en: "Password changed" };

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/api/v1/auth/change-password", change_password)
        .success("The password was changed")
        .message(DONE)
        .refusals(&[ErrorKind::WrongPassword, ErrorKind::ConfirmationDiffers])
        .refusals(&[ErrorKind::PasswordUnchanged])
        .refusals(ErrorKind::OF_A_NEW_PASSWORD)
}

request! {
    /// A change of one's own password.
    #[expect(clippy::struct_field_names, reason = "the names are the contract's")]
    struct ChangePasswordRequest as "UserChangePassword" {
        current_password: Required<CandidatePassword>,
        new_password: Required<NewPassword> => { "example": "newpassword456" },
        /// Equals `new_password`.
        confirm_password: Required<CandidatePassword> => { "example": "newpassword456" },
    }
}

impl ChangePasswordRequest {
    fn into_input(self, request: RequestContext) -> Result<ChangePasswordInput, ApiError> {
        Ok(ChangePasswordInput {
            current: self.current_password.value()?,
            new: self.new_password.value()?,
            confirmation: Some(self.confirm_password.value()?),
            request,
        })
    }
}

/// Change one's own password.
///
/// Every other session of the user ends.
#[api_v2_operation(operation_id = "change_password", tags("Authentication"))]
async fn change_password(
    api: Data<Api>,
    Ordered(caller, Body(body)): Ordered<RestrictedCaller, Body<ChangePasswordRequest>>,
    client: Client,
) -> Answer<Done> {
    api.services.change_password.execute(&caller, body.into_input(client.0)?).await?;
    Ok(Done(DONE))
}
