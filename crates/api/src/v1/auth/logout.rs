//! `POST /api/v1/auth/logout`.

use crate::prelude::*;
use crate::v1::responses::Done;

const DONE: Text = Text { zh: "登出成功", en: "Logged out" };

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/api/v1/auth/logout", logout)
        .success("The session is over")
        .message(DONE)
}

/// Log out.
///
/// Ends this session: its access token and its refresh token stop working.
#[api_v2_operation(operation_id = "logout", tags("Authentication"))]
async fn logout(api: Data<Api>, caller: RestrictedCaller, client: Client) -> Answer<Done> {
    api.services.logout.execute(&caller, client.0).await?;
    Ok(Done(DONE))
}
