//! `GET /api/v1/users/{user_id}/sessions`.

use menjin_domain::access::rights::SessionsRead;
use menjin_domain::common::UserId;

use super::list::{SessionsQuery, SessionsResponse};
use crate::prelude::*;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::GET, "/api/v1/users/{user_id}/sessions", list)
        .success("The sessions of this page")
        .refusals(&[ErrorKind::UserNotFound])
}

/// List a user's sessions.
///
/// For administrators. Those that are live, the newest first. `next` of a page, sent as `after`, gives
/// the page after it.
#[api_v2_operation(operation_id = "list_user_sessions", tags("User Management"))]
async fn list(
    api: Data<Api>,
    caller: Caller,
    Ordered(Authorized(allowed), Ordered(Path(id), Query(query))): Ordered<
        Authorized<SessionsRead>,
        Ordered<Path<UserId>, Query<SessionsQuery>>,
    >,
) -> Answer<Reply<SessionsResponse>> {
    let (after, limit) = query.page()?;
    let page = api.services.list_user_sessions.execute(&allowed, id, after, limit).await?;
    Ok(Reply(SessionsResponse::new(&page, Some(caller.session_id))))
}
