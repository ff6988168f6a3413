//! `GET /api/v1/invitations`.

use menjin_domain::access::Roles;
use menjin_domain::access::rights::InvitationsWrite;
use menjin_domain::common::{Timestamp, UserId};
use menjin_domain::invitations::{
    Invitation, InvitationId, InvitationPage, InvitationQuery, InvitationState,
};
use menjin_web::schema::names;
use menjin_web::values::{Integer, ShownRole};

use crate::prelude::*;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::GET, "/api/v1/invitations", list).success("The invitations of this page")
}

/// How many invitations a page has unless the client says, and at most.
const DEFAULT_LIMIT: u64 = 20;
const MAX_LIMIT: u64 = 1000;

request! {
    struct InvitationsQuery {
        /// The `next` of the page before.
        after: Optional<InvitationId>,
        /// How many to show at most.
        limit: Optional<Integer<1, MAX_LIMIT>> => { "default": DEFAULT_LIMIT },
    }
}

response! {
    /// An invitation.
    pub struct InvitationResponse as "Invitation" {
        pub(super) id: i64 => { "minimum": 1, "example": 1 },
        /// Who is invited; null: whoever has the code.
        pub(super) email: Option<String> => { "format": "email", "example": null },
        pub(super) role: ShownRole,
        /// `void`: whoever made it may no longer invite.
        pub(super) state: &'static str
            => { "enum": names(&InvitationState::ALL, InvitationState::as_str), "example": "open" },
        /// How often it was accepted.
        pub(super) uses: u64 => { "minimum": 0, "example": 2 },
        /// How often it may be.
        pub(super) max_uses: u64 => { "minimum": 1, "example": 30 },
        pub(super) created_at: Time,
        pub(super) expires_at: Time,
        /// Who made it; null: the command line.
        pub(super) created_by: Option<i64> => { "minimum": 1, "example": 1 },
    }
}

impl InvitationResponse {
    /// An invitation as it is at this moment.
    pub fn new(invitation: &Invitation, now: Timestamp, roles: &Roles) -> Self {
        Self {
            id: invitation.id.get(),
            email: invitation.email.as_ref().map(|email| email.as_str().to_owned()),
            role: ShownRole(invitation.role),
            state: invitation.state(now, roles).as_str(),
            uses: invitation.uses.into(),
            max_uses: invitation.max_uses.into(),
            created_at: Time(invitation.created_at),
            expires_at: Time(invitation.expires_at),
            created_by: invitation.created_by.map(UserId::get),
        }
    }
}

response! {
    /// A part of the invitations.
    struct InvitationPageResponse as "Invitations" {
        invitations: Vec<InvitationResponse>,
        /// How many there are, on all pages.
        total: u64 => { "minimum": 0, "example": 1 },
        /// Sent as `after` it gives the next page; null on the last.
        next: Option<i64> => { "minimum": 1, "example": 1 },
    }
}

impl InvitationPageResponse {
    fn new(page: &InvitationPage, limit: u64, now: Timestamp, roles: &Roles) -> Self {
        let is_full = u64::try_from(page.invitations.len()).is_ok_and(|length| length == limit);
        let last = page.invitations.last().map(|invitation| invitation.id.get());
        let shown = page.invitations.iter().map(|it| InvitationResponse::new(it, now, roles));
        Self { invitations: shown.collect(), total: page.total, next: last.filter(|_| is_full) }
    }
}

/// List invitations.
///
/// For administrators. The newest come first.
#[api_v2_operation(operation_id = "list_invitations", tags("Invitations"))]
async fn list(
    api: Data<Api>,
    Ordered(Authorized(allowed), Query(query)): Ordered<
        Authorized<InvitationsWrite>,
        Query<InvitationsQuery>,
    >,
) -> Answer<Reply<InvitationPageResponse>> {
    let limit = query.limit.value()?.unwrap_or(DEFAULT_LIMIT);
    let input = InvitationQuery {
        after: query.after.value()?,
        limit: u32::try_from(limit).unwrap_or(u32::MAX),
    };
    let page = api.services.list_invitations.execute(&allowed, input).await?;
    Ok(Reply(InvitationPageResponse::new(&page, limit, allowed.context().at, allowed.roles())))
}
