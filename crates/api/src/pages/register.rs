//! `/account/register`: makes an account, and logs in.

use menjin_domain::accounts::{Email, FullName, LoginName, Profile, RegisterInput, Username};
use menjin_domain::credentials::{CandidatePassword, NewPassword};
use menjin_domain::sessions::LoginInput;
use menjin_web::values::Token;

use super::form::PageForm;
use super::login::welcome;
use super::onward::{self, Onward};
use super::page::{Page, see_other};
use super::parts::{Button, Field};
use super::visitor::Visitor;
use crate::prelude::*;

const PATH: &str = "/account/register";

pub(super) fn endpoints() -> [Endpoint; 2] {
    [Endpoint::hidden(Method::GET, PATH, show), Endpoint::hidden(Method::POST, PATH, act)]
}

const TITLE: Text = Text { zh: "注册", en: "Make an account" };
const VERIFY_FIRST: Text = Text {
    zh: "账户已创建。请打开验证邮件中的链接，然后登录。",
    en: "Your account is made. Follow the link in the mail that we have sent you, and then log in.",
};

request! {
    struct RegisterForm {
        username: Required<Username>,
        email: Required<Email>,
        password: Required<NewPassword>,
        full_name: Nullable<FullName>,
        next: Optional<Token>,
        code_challenge: Optional<Token>,
        action: Optional<Token>,
    }
}

fn form(visitor: &Visitor, typed: impl Fn(&str) -> String) -> Page {
    let (next, challenge) = (typed("next"), typed("code_challenge"));
    let mut page = visitor.page(TITLE);
    let (name, full_name) =
        (Text { zh: "用户名", en: "User name" }, Text { zh: "姓名", en: "Full name" });
    page.fields = vec![
        Field::text("username", name, "username", typed("username")),
        Field::email(typed("email")),
        Field::new_password("password", Text { zh: "密码", en: "Password" }),
        Field::text("full_name", full_name, "name", typed("full_name")).optional(),
    ];
    page.fields.extend(onward::fields(&next, &challenge));
    page.buttons = vec![Button::new("register", Text { zh: "注册", en: "Make the account" })];
    page.links = vec![(
        onward::link("login", &next, &challenge).into(),
        Text { zh: "已有账户，去登录", en: "I have an account" },
    )];
    page
}

async fn show(visitor: Visitor) -> Answer<HttpResponse> {
    if visitor.caller().is_some() {
        return Ok(see_other("profile"));
    }
    form(&visitor, |name| visitor.parameter(name).unwrap_or_default().to_owned()).respond()
}

async fn act(
    api: Data<Api>,
    client: Client,
    visitor: Visitor,
    sent: PageForm<RegisterForm>,
) -> Answer<HttpResponse> {
    let again = form(&visitor, |name| sent.typed(name));
    let (password, next) = (sent.typed("password"), sent.typed("next"));
    let Some(to) = Onward::of(&visitor, &next, &sent.typed("code_challenge")) else {
        return onward::not_allowed(&visitor, TITLE).refused();
    };
    let fields = match sent.fields {
        Ok(fields) => fields,
        Err(error) => return again.refuse(error),
    };
    let username = fields.username.value()?;
    let name = LoginName::parse(username.as_str());
    let input = RegisterInput {
        username,
        email: fields.email.value()?,
        password: fields.password.value()?,
        role: api.settings.default_role,
        profile: Profile { full_name: fields.full_name.value()?, ..Profile::default() },
        locale: Some(visitor.locale),
        apply_policy: true,
        request: client.0.clone(),
    };
    if let Err(error) = api.services.register.execute(input).await {
        return again.refuse(error);
    }
    let (Ok(name), Ok(password)) = (name, CandidatePassword::parse(&password)) else {
        return Ok(see_other("login"));
    };
    let login = LoginInput { name, password, code: None, request: client.0 };
    match api.services.login.execute(login).await.map_err(ApiError::from) {
        Ok(logged_in) => welcome(&api, &visitor, &logged_in, to).await,
        // The account is there: whatever is in the way of the login is in the way of nothing else.
        Err(_refused) => {
            let mut page = visitor.page(TITLE).noting(VERIFY_FIRST);
            page.links = vec![("login".into(), Text { zh: "登录", en: "Log in" })];
            page.respond()
        }
    }
}
