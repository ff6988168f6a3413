//! `/console/invitations`: who is invited, and inviting somebody or a whole class.

use std::time::Duration;

use menjin_domain::access::Roles;
use menjin_domain::access::rights::InvitationsWrite;
use menjin_domain::accounts::{Email, Role};
use menjin_domain::common::{RequestContext, Timestamp};
use menjin_domain::invitations::{
    CreateInvitationInput, Invitation, InvitationQuery, InvitationState, InvitationTerms, Issued,
};
use menjin_web::problem::{FieldError, Problem};
use menjin_web::values::{Integer, Token};

use super::{id_in, new_role_field, undone, words};
use crate::pages::form::{IfAny, PageForm, Typed};
use crate::pages::navigation;
use crate::pages::page::{Page, moment, see_other};
use crate::pages::parts::{Button, Field, Item, ItemButton};
use crate::pages::visitor::Visitor;
use crate::prelude::*;

const PATH: &str = "/console/invitations";

pub(super) fn endpoints() -> [Endpoint; 2] {
    [Endpoint::hidden(Method::GET, PATH, show), Endpoint::hidden(Method::POST, PATH, act)]
}

const NONE: Text = Text { zh: "还没有邀请。", en: "Nobody is invited yet." };
const REVOKED: Text = Text { zh: "邀请已撤销。", en: "The invitation is revoked." };
const ISSUED: Text = Text {
    zh: "这是邀请链接，只显示一次。请发送给被邀请的人。",
    en: "This is the link of the invitation. It is shown once: send it to whoever is invited.",
};

/// How many are shown at a time.
const LIMIT: u32 = 20;
const SHORTEST: u64 = InvitationTerms::MIN_LIFETIME.as_secs();
const LONGEST: u64 = InvitationTerms::MAX_LIFETIME.as_secs();
const MOST: u64 = InvitationTerms::MAX_USES as u64;

/// For how long a link may work: what is sent, and how it is called.
const LIFETIMES: [(&str, Text); 4] = [
    ("86400", Text { zh: "1 天", en: "a day" }),
    ("259200", Text { zh: "3 天", en: "3 days" }),
    ("604800", Text { zh: "7 天", en: "a week" }),
    ("2592000", Text { zh: "30 天", en: "30 days" }),
];

request! {
    struct InvitationForm {
        email: Optional<IfAny<Email>>,
        role: Optional<Role>,
        expires_in: Optional<Integer<SHORTEST, LONGEST>>,
        max_uses: Optional<IfAny<Integer<1, MOST>>>,
        /// What is done with an invitation: `resend` or `revoke`, and its id.
        item: Optional<Token>,
        action: Optional<Token>,
    }
}

async fn show(api: Data<Api>, client: Client, visitor: Visitor) -> Answer<HttpResponse> {
    let page = page(&api, &visitor, client.0, &Typed::default()).await?;
    match visitor.parameter("done") {
        Some(_) => page.noting(REVOKED).respond(),
        None => page.respond(),
    }
}

async fn page(
    api: &Api,
    visitor: &Visitor,
    request: RequestContext,
    typed: &Typed,
) -> Answer<Page> {
    let allowed = visitor.allowed::<InvitationsWrite>(api, request)?;
    let after = visitor.parameter("after").and_then(id_in);
    let query = InvitationQuery { after, limit: LIMIT };
    let found = api.services.list_invitations.execute(&allowed, query).await?;
    let mut page = visitor.page(navigation::INVITATIONS);
    let now = allowed.context().at;
    let entry = |invitation: &Invitation| item(invitation, now, api, visitor);
    page.items = found.invitations.iter().map(entry).collect();
    if page.items.is_empty() {
        page.lines.push(NONE);
    }
    if found.invitations.len() == LIMIT as usize
        && let Some(last) = found.invitations.last()
    {
        let next = Text { zh: "更早的邀请", en: "Before that" };
        page.lead_to("invitations", &[("after", &last.id.to_string())], next);
    }
    let lifetime = Text { zh: "有效期", en: "Works for" };
    let how_many = Text { zh: "可使用次数", en: "How many may accept it" };
    page.fields = vec![
        Field::email(typed.get("email")).optional().with_hint(Text {
            zh: "留空则任何持有链接的人都可以接受，适合整个班级。",
            en: "Without an address, whoever has the link may accept it, such as a class.",
        }),
        new_role_field(api, Text { zh: "角色", en: "Role" }, typed),
        Field::choice(
            "expires_in",
            lifetime,
            &typed.get_or("expires_in", "604800"),
            LIFETIMES.to_vec(),
        ),
        Field::text("max_uses", how_many, "off", typed.get_or("max_uses", "1")).number().optional(),
    ];
    page.fields_title = Some(Text { zh: "新的邀请", en: "A new invitation" });
    page.buttons = vec![Button::new("invite", Text { zh: "邀请", en: "Invite" })];
    Ok(page)
}

fn item(invitation: &Invitation, now: Timestamp, api: &Api, visitor: &Visitor) -> Item {
    let said = |text: Text| text.in_locale(visitor.locale);
    let state = invitation.state(now, &api.settings.roles);
    let anybody = Text { zh: "持有链接的人", en: "Whoever has the link" };
    let title = invitation.email.as_ref().map_or_else(|| said(anybody), |email| email.as_str());
    let id = invitation.id.get();
    let mut buttons = Vec::new();
    if matches!(state, InvitationState::Open | InvitationState::Expired) {
        let again = Text { zh: "新的链接", en: "New link" };
        buttons.push(ItemButton::new(format!("resend:{id}"), again));
        let revoke = Text { zh: "撤销", en: "Revoke" };
        buttons.push(ItemButton::danger(format!("revoke:{id}"), revoke));
    }
    let until = Text { zh: "有效至", en: "Works until" };
    let used = Text { zh: "已接受", en: "Accepted" };
    Item {
        title: title.to_owned(),
        details: vec![
            format!(
                "{} · {} {}/{}",
                invitation.role,
                said(used),
                invitation.uses,
                invitation.max_uses
            ),
            format!("{} {}", said(until), moment(invitation.expires_at)),
        ],
        buttons,
        tag: Some(words::invitation_state(state)),
        ..Item::default()
    }
}

async fn act(
    api: Data<Api>,
    client: Client,
    visitor: Visitor,
    sent: PageForm<InvitationForm>,
) -> Answer<HttpResponse> {
    let PageForm { typed, fields } = sent;
    let done = change(&api, &visitor, &typed, fields, client.0.clone()).await;
    match done {
        Ok(None) => Ok(see_other("invitations?done")),
        Ok(Some(issued)) => {
            let empty = Typed::default();
            let mut page = page(&api, &visitor, client.0, &empty).await?.noting(ISSUED);
            page.codes = vec![format!("{}#{}", issued.link.page, issued.link.token.expose())];
            page.respond()
        }
        Err(error) => {
            let again = page(&api, &visitor, client.0, &typed);
            undone(error, again).await
        }
    }
}

/// Does it. Returns an invitation that has a new link.
async fn change(
    api: &Api,
    visitor: &Visitor,
    typed: &Typed,
    fields: Result<InvitationForm, ApiError>,
    request: RequestContext,
) -> Answer<Option<Issued>> {
    let allowed = visitor.allowed::<InvitationsWrite>(api, request)?;
    let locale = Some(visitor.locale);
    if let Some((what, id)) = typed.get("item").split_once(':') {
        let id = id_in(id).ok_or(ErrorKind::InvitationNotFound)?;
        return match what {
            "resend" => {
                Ok(Some(api.services.resend_invitation.execute(&allowed, id, locale).await?))
            }
            "revoke" => {
                api.services.revoke_invitation.execute(&allowed, id).await?;
                Ok(None)
            }
            _ => Ok(None),
        };
    }
    let terms = terms(fields?, allowed.roles())?;
    let input = CreateInvitationInput { terms, locale };
    Ok(Some(api.services.create_invitation.execute(&allowed, input).await?))
}

fn terms(fields: InvitationForm, roles: &Roles) -> Result<InvitationTerms, ApiError> {
    let missing = || FieldError::in_body("role", Problem::Missing);
    let max_uses = fields.max_uses.value()?.flatten().and_then(|uses| u32::try_from(uses).ok());
    let terms = InvitationTerms::new(
        fields.email.value()?.flatten(),
        fields.role.value()?.ok_or_else(missing)?,
        max_uses,
        fields.expires_in.value()?.map(Duration::from_secs),
        roles,
    );
    terms.map_err(ApiError::from)
}
