//! `POST /api/v1/invitations`.

use std::time::Duration;

use menjin_domain::access::Roles;
use menjin_domain::access::rights::InvitationsWrite;
use menjin_domain::accounts::{Email, Role};
use menjin_domain::common::Timestamp;
use menjin_domain::invitations::{CreateInvitationInput, InvitationState, InvitationTerms, Issued};
use menjin_web::schema::names;
use menjin_web::values::{Number, OrNone, ShownRole};

use crate::prelude::*;
use crate::v1::invitations::list::InvitationResponse;

const SHORTEST: u64 = InvitationTerms::MIN_LIFETIME.as_secs();
const LONGEST: u64 = InvitationTerms::MAX_LIFETIME.as_secs();
const MOST: u64 = InvitationTerms::MAX_USES as u64;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/api/v1/invitations", create)
        .success("The invitation, with its link")
        .refusals(&[ErrorKind::RoleForbidden, ErrorKind::ReauthenticationRequired])
}

request! {
    /// Who is invited to what.
    struct InvitationRequest as "InvitationCreate" {
        /// Who is invited. Without an address, whoever has the code is.
        email: Nullable<OrNone<Email>>,
        role: Required<Role>,
        /// Seconds for which the link works: 72 hours at most for a role with rights. By default a week,
        /// or as long as the role allows.
        expires_in: Nullable<Number<SHORTEST, LONGEST>> => { "example": 604_800 },
        /// How many may accept it: one, if it is for an address.
        max_uses: Nullable<Number<1, MOST>> => { "default": 1, "example": 1 },
    }
}

response! {
    /// An invitation with its link, which is shown only once.
    pub struct IssuedResponse as "IssuedInvitation" {
        id: i64 => { "minimum": 1, "example": 1 },
        email: Option<String> => { "format": "email", "example": null },
        role: ShownRole,
        state: &'static str
            => { "enum": names(&InvitationState::ALL, InvitationState::as_str), "example": "open" },
        uses: u64 => { "minimum": 0, "example": 0 },
        max_uses: u64 => { "minimum": 1, "example": 30 },
        created_at: Time,
        expires_at: Time,
        created_by: Option<i64> => { "minimum": 1, "example": 1 },
        /// The token in the link; of an invitation for many, a code that can be read aloud.
        token: String => { "example": "7ZKM-0Q4B-XW9D" },
        link: String
            => { "format": "uri", "example": "https://accounts.example/account/accept-invitation#7ZKM-0Q4B-XW9D" },
    }
}

impl IssuedResponse {
    /// An invitation as it is at this moment, with its link.
    pub fn new(issued: &Issued, now: Timestamp, roles: &Roles) -> Self {
        let token = issued.link.token.expose().to_owned();
        let link = format!("{}#{token}", issued.link.page);
        let shown = InvitationResponse::new(&issued.invitation, now, roles);
        let InvitationResponse { id, email, role, state, uses, max_uses, .. } = shown;
        let InvitationResponse { created_at, expires_at, created_by, .. } = shown;
        Self {
            id,
            email,
            role,
            state,
            uses,
            max_uses,
            created_at,
            expires_at,
            created_by,
            token,
            link,
        }
    }

    /// The link, with its token.
    pub fn link(&self) -> &str {
        &self.link
    }
}

/// Invite somebody, or many.
///
/// For administrators. No account is made before the invitation is accepted. One for an address is sent
/// there if the server sends mails; one without is for whoever has its code, such as a class.
#[api_v2_operation(operation_id = "create_invitation", tags("Invitations"))]
async fn create(
    api: Data<Api>,
    Ordered(Authorized(allowed), Body(body)): Ordered<
        Authorized<InvitationsWrite>,
        Body<InvitationRequest>,
    >,
    context: ReplyContext,
) -> Answer<Reply<IssuedResponse, 201>> {
    let max_uses = body.max_uses.value()?.and_then(|uses| u32::try_from(uses).ok());
    let terms = InvitationTerms::new(
        body.email.value()?,
        body.role.value()?,
        max_uses,
        body.expires_in.value()?.map(Duration::from_secs),
        allowed.roles(),
    );
    let terms = terms.map_err(ApiError::from)?;
    let input = CreateInvitationInput { terms, locale: Some(context.locale) };
    let issued = api.services.create_invitation.execute(&allowed, input).await?;
    Ok(Reply(IssuedResponse::new(&issued, allowed.context().at, allowed.roles())))
}
