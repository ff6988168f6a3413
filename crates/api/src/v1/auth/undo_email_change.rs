//! `POST /api/v1/auth/undo-email-change`.

use menjin_domain::mfa::FactorCode;
use menjin_domain::one_time::OneTimeToken;

use crate::prelude::*;
use crate::v1::responses::Done;

const DONE: Text = Text {
    zh: "邮箱已恢复，所有会话均已结束",
    en: "The e-mail address is back, and all sessions have ended",
};

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/api/v1/auth/undo-email-change", undo_email_change)
        .success("The account has its address before the change")
        .message(DONE)
        .refusals(&[ErrorKind::TokenInvalid, ErrorKind::CodeRequired, ErrorKind::WrongCode])
        .refusals(&[ErrorKind::TooManyAttempts])
        .refusals(ErrorKind::OF_THE_STORE)
}

request! {
    /// The link in the mail about a changed e-mail address.
    struct UndoEmailChangeRequest as "UserUndoEmailChange" {
        token: Required<OneTimeToken>,
        /// A code of the second factor, if there was one before the change.
        code: Optional<FactorCode>,
    }
}

/// Take back a change of the e-mail address, by the link in the mail about it.
///
/// All sessions and links of the account end, and a second factor that came after the change goes. A new password can be asked for a day later.
#[api_v2_operation(operation_id = "undo_email_change", tags("Authentication"))]
async fn undo_email_change(
    api: Data<Api>,
    client: Client,
    Body(body): Body<UndoEmailChangeRequest>,
) -> Answer<Done> {
    let (token, code) = (body.token.value()?, body.code.value()?);
    api.services.undo_email_change.execute(&token, code.as_ref(), client.0).await?;
    Ok(Done(DONE))
}
