//! `DELETE /api/v1/users/me/sessions/{session_id}`.

use menjin_domain::common::SessionId;

use crate::prelude::*;
use crate::v1::responses::Done;

const DONE: Text = Text { zh: "会话已结束", en: "Session ended" };

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::DELETE, "/api/v1/users/me/sessions/{session_id}", revoke)
        .success("The session is over")
        .message(DONE)
        .refusals(&[ErrorKind::SessionNotFound])
}

/// End one of the current user's sessions.
///
/// Its access token and its refresh token stop working at once. It may be the session of this request.
#[api_v2_operation(operation_id = "end_own_session", tags("User Management"))]
async fn revoke(
    api: Data<Api>,
    Ordered(Owner(owner), Path(id)): Ordered<Owner, Path<SessionId>>,
    client: Client,
) -> Answer<Done> {
    api.services.revoke_session.execute(owner, id, client.0).await?;
    Ok(Done(DONE))
}
