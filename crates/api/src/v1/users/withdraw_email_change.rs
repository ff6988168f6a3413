//! `DELETE /api/v1/users/me/email`.

use crate::prelude::*;
use crate::v1::responses::Done;

const DONE: Text =
    Text { zh: "已撤回邮箱更换", en: "The change of the e-mail address is withdrawn" };

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::DELETE, "/api/v1/users/me/email", withdraw_email_change)
        .success("No address is pending any more")
        .message(DONE)
}

/// Withdraw an e-mail address that is not yet confirmed.
///
/// The link that was sent to it does not work any more. Without a pending address nothing changes.
#[api_v2_operation(operation_id = "withdraw_email_change", tags("User Management"))]
async fn withdraw_email_change(api: Data<Api>, caller: Caller, client: Client) -> Answer<Done> {
    api.services.withdraw_email_change.execute(&caller, client.0).await?;
    Ok(Done(DONE))
}
