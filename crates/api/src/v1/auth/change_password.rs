//! `POST /api/v1/auth/change-password`.

use actix_web::http::Method;
use actix_web::web::Data;
use menjin_domain::common::RequestContext;
use menjin_domain::credentials::{CandidatePassword, ChangePasswordInput, NewPassword};
use menjin_web::field::Required;
use menjin_web::{ApiError, ErrorKind, Text, request};
use paperclip::actix::api_v2_operation;

use crate::endpoint::Endpoint;
use crate::http::body::Body;
use crate::http::caller::{Caller, Ordered};
use crate::http::client::Client;
use crate::http::reply::Answer;
use crate::state::Api;
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
    Ordered(caller, Body(body)): Ordered<Caller, Body<ChangePasswordRequest>>,
    client: Client,
) -> Answer<Done> {
    api.use_cases.change_password.execute(&caller, body.into_input(client.0)?).await?;
    Ok(Done(DONE))
}
