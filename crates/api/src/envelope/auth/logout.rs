//! `POST /api/auth/logout`.

use crate::envelope::responses::Success;
use crate::prelude::*;

const DONE: Text = Text { zh: "登出成功", en: "Logged out" };

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/api/auth/logout", logout)
        .success("The session is over")
        .message(DONE)
}

response! {
    /// `data` of a log-out.
    struct LogoutData as "Logout" {
        user_id: i64 => { "minimum": 1, "example": 1 },
        username: String => { "example": "student001" },
    }
}

/// Log out.
///
/// Ends this session: its token stops working.
#[api_v2_operation(operation_id = "envelope_logout", tags("Authentication (envelope)"))]
async fn logout(
    api: Data<Api>,
    caller: RestrictedCaller,
    client: Client,
) -> Answer<Success<LogoutData>> {
    api.services.logout.execute(&caller, client.0).await?;
    let user = &caller.user;
    let data = LogoutData { user_id: user.id.get(), username: user.username.as_str().to_owned() };
    Ok(Success(DONE, data))
}
