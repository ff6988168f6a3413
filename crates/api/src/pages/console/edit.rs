//! `/console/edit?id=…`: what an account says of its owner.

use menjin_domain::access::Allowed;
use menjin_domain::access::rights::{UsersRead, UsersWrite};
use menjin_domain::accounts::{
    AddressChange, AttributeChanges, Bio, Email, FullName, Phone, ProfileChanges, User, Username,
};
use menjin_domain::common::{RequestContext, UserId};
use menjin_web::values::Token;

use super::undone;
use super::user::parsed;
use crate::pages::form::PageForm;
use crate::pages::navigation;
use crate::pages::page::{Page, see_other};
use crate::pages::parts::{Button, Field};
use crate::pages::profile::stored;
use crate::pages::visitor::Visitor;
use crate::prelude::*;

const PATH: &str = "/console/edit";

pub(super) fn endpoints() -> [Endpoint; 2] {
    [Endpoint::hidden(Method::GET, PATH, show), Endpoint::hidden(Method::POST, PATH, act)]
}

request! {
    struct EditForm {
        id: Required<Token>,
        username: Required<Username>,
        email: Required<Email>,
        full_name: Patch<FullName>,
        phone: Patch<Phone>,
        bio: Patch<Bio>,
        action: Optional<Token>,
    }
}

fn form(visitor: &Visitor, id: UserId, value: impl Fn(&str) -> String) -> Page {
    let mut page = visitor.page(navigation::EDIT_USER);
    let email = Field::email(value("email")).with_hint(Text {
        zh: "更换邮箱后需要重新验证，原邮箱会收到通知。",
        en: "Another address is not verified any more, and the one before is told.",
    });
    page.fields = vec![
        Field::hidden("id", id.to_string()),
        Field::text("username", Text { zh: "用户名", en: "User name" }, "off", value("username")),
        email,
        Field::text("full_name", Text { zh: "姓名", en: "Full name" }, "off", value("full_name"))
            .optional(),
        Field::text("phone", Text { zh: "电话", en: "Telephone" }, "off", value("phone"))
            .optional(),
        Field::text("bio", Text { zh: "简介", en: "About them" }, "off", value("bio"))
            .lines()
            .optional(),
    ];
    page.buttons = vec![Button::new("save", Text { zh: "保存", en: "Save" })];
    page.links = vec![(format!("user?id={id}").into(), Text { zh: "返回", en: "Back" })];
    page
}

async fn show(api: Data<Api>, client: Client, visitor: Visitor) -> Answer<HttpResponse> {
    let id = parsed(visitor.parameter("id").unwrap_or_default())?;
    let user = user(&api, &visitor, id, client.0).await?;
    form(&visitor, id, |name| stored(&user, name)).respond()
}

/// The account, for whoever may change it.
async fn user(api: &Api, visitor: &Visitor, id: UserId, request: RequestContext) -> Answer<User> {
    visitor.allowed::<UsersWrite>(api, request.clone())?;
    let allowed: Allowed<UsersRead> = visitor.allowed(api, request)?;
    Ok(api.services.get_user.execute(&allowed, id).await?)
}

async fn act(
    api: Data<Api>,
    client: Client,
    visitor: Visitor,
    sent: PageForm<EditForm>,
) -> Answer<HttpResponse> {
    let id = parsed(&sent.typed("id"))?;
    let allowed = visitor.allowed::<UsersWrite>(&api, client.0)?;
    let PageForm { typed, fields } = sent;
    match save(&api, &allowed, id, fields).await {
        Ok(()) => Ok(see_other(&format!("user?id={id}&done"))),
        Err(error) => {
            let again = async { Ok(form(&visitor, id, |name| typed.get(name))) };
            undone(error, again).await
        }
    }
}

async fn save(
    api: &Api,
    allowed: &Allowed<UsersWrite>,
    id: UserId,
    fields: Result<EditForm, ApiError>,
) -> Answer<()> {
    let fields = fields?;
    let username = fields.username.value()?;
    let profile = ProfileChanges {
        email: Some(fields.email.value()?),
        full_name: fields.full_name.value()?,
        phone: fields.phone.value()?,
        bio: fields.bio.value()?,
        avatar: menjin_domain::common::Patch::Keep,
        locale: menjin_domain::common::Patch::Keep,
        attributes: AttributeChanges::new(),
        address: AddressChange::default(),
    };
    api.services.change_user.edit(allowed, id, Some(username), profile).await?;
    Ok(())
}
