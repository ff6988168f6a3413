//! `/console/new-user`: makes an account for somebody, with a first password.

use menjin_domain::access::Allowed;
use menjin_domain::access::rights::UsersWrite;
use menjin_domain::accounts::{CreateUserInput, Email, FullName, Profile, Role, Username};
use menjin_domain::credentials::PasswordChoice;
use menjin_web::values::Token;

use super::user::GENERATED;
use super::{new_role_field, undone};
use crate::pages::form::{PageForm, Typed};
use crate::pages::page::Page;
use crate::pages::parts::{Button, Field};
use crate::pages::visitor::Visitor;
use crate::prelude::*;

const PATH: &str = "/console/new-user";

pub(super) fn endpoints() -> [Endpoint; 2] {
    [Endpoint::hidden(Method::GET, PATH, show), Endpoint::hidden(Method::POST, PATH, act)]
}

pub(super) const TITLE: Text = Text { zh: "新建用户", en: "New user" };

request! {
    struct NewUserForm {
        username: Required<Username>,
        email: Required<Email>,
        full_name: Nullable<FullName>,
        role: Optional<Role>,
        action: Optional<Token>,
    }
}

fn form(api: &Api, visitor: &Visitor, typed: &Typed) -> Page {
    let mut page = visitor.page(TITLE);
    let (name, full_name) =
        (Text { zh: "用户名", en: "User name" }, Text { zh: "姓名", en: "Full name" });
    page.fields = vec![
        Field::text("username", name, "off", typed.get("username")),
        Field::email(typed.get("email")),
        Field::text("full_name", full_name, "off", typed.get("full_name")).optional(),
        new_role_field(api, Text { zh: "角色", en: "Role" }, typed),
    ];
    page.buttons = vec![Button::new("create", Text { zh: "创建", en: "Make the account" })];
    page.links = vec![("users".into(), Text { zh: "返回列表", en: "Back to the list" })];
    page
}

async fn show(api: Data<Api>, client: Client, visitor: Visitor) -> Answer<HttpResponse> {
    visitor.allowed::<UsersWrite>(&api, client.0)?;
    form(&api, &visitor, &Typed::default()).respond()
}

async fn act(
    api: Data<Api>,
    client: Client,
    visitor: Visitor,
    sent: PageForm<NewUserForm>,
) -> Answer<HttpResponse> {
    let allowed = visitor.allowed::<UsersWrite>(&api, client.0)?;
    let PageForm { typed, fields } = sent;
    match create(&api, &allowed, fields).await {
        Ok((user, password)) => {
            let mut page = visitor.page(TITLE).noting(GENERATED);
            page.facts = vec![(Text { zh: "用户名", en: "User name" }, user.username.to_string())];
            page.codes = password.into_iter().collect();
            let to = Text { zh: "查看用户", en: "Look at the user" };
            page.links = vec![
                (format!("user?id={}", user.id).into(), to),
                ("new-user".into(), Text { zh: "再建一个", en: "Another one" }),
            ];
            page.respond()
        }
        Err(error) => undone(error, async { Ok(form(&api, &visitor, &typed)) }).await,
    }
}

async fn create(
    api: &Api,
    allowed: &Allowed<UsersWrite>,
    fields: Result<NewUserForm, ApiError>,
) -> Answer<(menjin_domain::accounts::User, Option<String>)> {
    let fields = fields?;
    let role = fields.role.value()?;
    let input = CreateUserInput {
        username: fields.username.value()?,
        email: fields.email.value()?,
        role: role.unwrap_or_else(|| api.settings.default_role.into()),
        profile: Profile { full_name: fields.full_name.value()?, ..Profile::default() },
        locale: None,
        password: PasswordChoice { given: None, good_from: None },
        must_change: true,
    };
    let (user, made) = api.services.create_user.execute(allowed, input).await?;
    Ok((user, made.map(|password| password.expose().to_owned())))
}
