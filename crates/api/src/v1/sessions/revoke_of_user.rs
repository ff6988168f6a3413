//! `DELETE /api/v1/users/{user_id}/sessions/{session_id}`.

use menjin_domain::access::rights::SessionsEnd;
use menjin_domain::common::{SessionId, UserId};

use crate::prelude::*;
use crate::v1::responses::Done;

const DONE: Text = Text { zh: "会话已结束", en: "Session ended" };

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::DELETE, "/api/v1/users/{user_id}/sessions/{session_id}", revoke)
        .success("The session is over")
        .message(DONE)
        .refusals(&[ErrorKind::SessionNotFound, ErrorKind::OutOfReach])
}

/// End one of a user's sessions.
///
/// For administrators. Its access token and its refresh token stop working at once.
#[api_v2_operation(operation_id = "end_user_session", tags("User Management"))]
async fn revoke(
    api: Data<Api>,
    Ordered(Authorized(allowed), Ordered(Path(user), Path(id))): Ordered<
        Authorized<SessionsEnd>,
        Ordered<Path<UserId>, Path<SessionId>>,
    >,
) -> Answer<Done> {
    api.services.revoke_user_sessions.one(&allowed, user, id).await?;
    Ok(Done(DONE))
}
