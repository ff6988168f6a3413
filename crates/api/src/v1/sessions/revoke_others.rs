//! `DELETE /api/v1/users/me/sessions`.

use crate::prelude::*;
use crate::v1::responses::Done;

const DONE: Text = Text { zh: "其他会话已全部结束", en: "All other sessions ended" };

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::DELETE, "/api/v1/users/me/sessions", revoke_others)
        .success("No other session of the user is live")
        .message(DONE)
}

/// End all other sessions of the current user.
///
/// The session of this request goes on; the tokens of all others stop working at once.
#[api_v2_operation(operation_id = "end_other_sessions", tags("User Management"))]
async fn revoke_others(api: Data<Api>, Owner(owner): Owner, client: Client) -> Answer<Done> {
    api.services.revoke_other_sessions.execute(owner, client.0).await?;
    Ok(Done(DONE))
}
