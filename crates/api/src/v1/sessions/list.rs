//! `GET /api/v1/users/me/sessions`.

use menjin_domain::common::SessionId;
use menjin_domain::sessions::{ListSessions, SessionPage, SessionPosition};
use menjin_web::device;
use menjin_web::schema::Written;
use menjin_web::values::Integer;

use crate::prelude::*;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::GET, "/api/v1/users/me/sessions", list)
        .success("The sessions of this page")
}

/// How many sessions a page has unless the client says.
const DEFAULT_LIMIT: u64 = 20;

request! {
    pub(super) struct SessionsQuery {
        /// The `next` of the page before.
        after: Optional<SessionPosition>,
        /// How many to show at most.
        limit: Optional<Integer<1, { ListSessions::MAX_LIMIT }>> => { "default": DEFAULT_LIMIT },
    }
}

response! {
    /// A session that is live: what a login began. Times are RFC 3339 in UTC.
    struct SessionResponse as "Session" {
        id: String => { "format": "uuid", "example": "0197c1f0-5a9e-7cc3-98c4-dc0c0c07398f" },
        created_at: Time,
        /// When its tokens were last refreshed.
        last_used_at: Time,
        /// When it ends at the latest.
        expires_at: Time,
        /// The client's address at the login.
        address: String => { "example": "192.0.2.7" },
        user_agent: Option<String> => { "example": "Mozilla/5.0 (Windows NT 10.0; Win64; x64)" },
        /// Program and system, as far as the `User-Agent` tells.
        device: Option<String> => { "example": "Firefox · Windows" },
        /// Whether it is the session of this request.
        current: bool => { "example": true },
    }
}

response! {
    /// A part of a user's sessions.
    pub(super) struct SessionsResponse as "Sessions" {
        sessions: Vec<SessionResponse>,
        /// How many there are, on all pages.
        total: u64 => { "minimum": 0, "example": 1 },
        /// Sent as `after` it gives the next page; null on the last.
        next: Option<Written<SessionPosition>>,
    }
}

impl SessionsQuery {
    /// Where the page begins, and how many it has at most.
    pub(super) fn page(self) -> Answer<(Option<SessionPosition>, u64)> {
        Ok((self.after.value()?, self.limit.value()?.unwrap_or(DEFAULT_LIMIT)))
    }
}

impl SessionsResponse {
    pub(super) fn new(page: &SessionPage, current: Option<SessionId>) -> Self {
        let session = |session: &menjin_domain::sessions::Session| SessionResponse {
            id: session.id.to_string(),
            created_at: Time(session.created_at),
            last_used_at: Time(session.last_used_at),
            expires_at: Time(session.expires_at),
            address: session.client.address.to_string(),
            user_agent: session.client.user_agent.clone(),
            device: session.client.user_agent.as_deref().and_then(device::name),
            current: current == Some(session.id),
        };
        Self {
            sessions: page.sessions.iter().map(session).collect(),
            total: page.total,
            next: page.next.as_ref().map(Written::from),
        }
    }
}

/// List the current user's sessions.
///
/// Those that are live, the newest first. `next` of a page, sent as `after`, gives the page after it.
#[api_v2_operation(operation_id = "list_own_sessions", tags("User Management"))]
async fn list(
    api: Data<Api>,
    Ordered(Owner(owner), Query(query)): Ordered<Owner, Query<SessionsQuery>>,
) -> Answer<Reply<SessionsResponse>> {
    let (after, limit) = query.page()?;
    let page = api.services.list_sessions.execute(owner, after, limit).await?;
    Ok(Reply(SessionsResponse::new(&page, owner.session_id)))
}
