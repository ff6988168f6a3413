//! `/account/accept-invitation`: makes the account of somebody who was invited.

use actix_web::http::StatusCode;
use menjin_domain::accounts::{Email, FullName, Profile, Username, UsernameLength};
use menjin_domain::common::{RequestContext, Violation};
use menjin_domain::credentials::NewPassword;
use menjin_domain::invitations::{AcceptInvitationInput, Invitation};
use menjin_domain::one_time::OneTimeToken;
use menjin_web::Locale;
use menjin_web::problem::Problem;
use menjin_web::values::Token;

use super::render::{Field, Page};
use crate::prelude::*;

const PATH: &str = "/account/accept-invitation";

pub(super) fn endpoints() -> [Endpoint; 2] {
    [Endpoint::hidden(Method::GET, PATH, show), Endpoint::hidden(Method::POST, PATH, act)]
}

const TITLE: Text = Text { zh: "接受邀请", en: "Accept your invitation" };
const USERNAME: Text = Text { zh: "用户名", en: "User name" };
const EMAIL: Text = Text { zh: "邮箱", en: "E-mail address" };
const FULL_NAME: Text = Text { zh: "姓名（选填）", en: "Full name (optional)" };
const PASSWORD: Text = Text { zh: "密码", en: "Password" };
const ACCEPTED: Text = Text {
    zh: "账户已创建，现在可以登录了。您可以关闭此页面。",
    en: "Your account is made, and you can log in. You may close this page.",
};

request! {
    struct AcceptInvitationForm {
        token: Required<Token>,
        username: Optional<Token>,
        email: Optional<Token>,
        full_name: Optional<Token>,
        password: Optional<Token>,
        action: Optional<Token>,
    }
}

/// What was typed, to be shown again if it is refused. A password is not.
#[derive(Default)]
struct Typed {
    username: String,
    email: String,
    full_name: String,
}

async fn show(context: ReplyContext) -> Answer<HttpResponse> {
    Page::asking_for_token(context.locale, TITLE).respond(StatusCode::OK)
}

async fn act(
    api: Data<Api>,
    client: Client,
    context: ReplyContext,
    body: BodyOrForm<AcceptInvitationForm>,
) -> Answer<HttpResponse> {
    let (locale, request) = (context.locale, client.0);
    let AcceptInvitationForm { token, username, email, full_name, password, action } = body.0;
    let refuse = |kind| Page::asking_for_token(locale, TITLE).refuse(kind);
    let Ok(token) = OneTimeToken::parse(&token.value()?) else {
        return refuse(ErrorKind::TokenInvalid);
    };
    let accept_invitation = &api.services.accept_invitation;
    let found = accept_invitation.look(&token, request.clone()).await.map_err(ApiError::from);
    let invitation = match found {
        Ok(invitation) => invitation,
        Err(error) if error.kind.status() < 500 => return refuse(error.kind),
        Err(error) => return Err(error.into()),
    };
    let typed = Typed {
        username: username.value()?.unwrap_or_default(),
        email: email.value()?.unwrap_or_default(),
        full_name: full_name.value()?.unwrap_or_default(),
    };
    if action.value()?.as_deref() != Some("accept") {
        return form(locale, &token, &invitation, typed).respond(StatusCode::OK);
    }
    let password = password.value()?.unwrap_or_default();
    let answer = async {
        let input = input(&api, locale, &token, &typed, &password, request)?;
        Ok::<_, ApiError>(accept_invitation.execute(input).await?)
    };
    match answer.await {
        Ok(_user) => Page::saying(locale, TITLE, ACCEPTED).respond(StatusCode::OK),
        Err(error) if error.kind.status() < 500 => {
            let text = reason(&error, locale);
            form(locale, &token, &invitation, typed).refuse_saying(error.kind, text)
        }
        Err(error) => Err(error.into()),
    }
}

/// What is wrong, with the name of the field if it is one.
fn reason(error: &ApiError, locale: Locale) -> String {
    let Some(field) = error.fields.first() else {
        return error.kind.text().in_locale(locale).to_owned();
    };
    let name = match field.field.as_deref() {
        Some("username") => USERNAME,
        Some("email") => EMAIL,
        Some("full_name") => FULL_NAME,
        _ => PASSWORD,
    };
    let (name, problem) = (name.in_locale(locale), field.problem.text(locale));
    match locale {
        Locale::ZhCn => format!("{name}：{problem}"),
        Locale::En => format!("{name}: {problem}"),
    }
}

fn input(
    api: &Api,
    locale: Locale,
    token: &OneTimeToken,
    typed: &Typed,
    password: &str,
    request: RequestContext,
) -> Result<AcceptInvitationInput, ApiError> {
    use menjin_web::problem::FieldError;
    let field = |name, violation: Violation| FieldError::in_body(name, Problem::from(violation));
    let email = Some(&typed.email).filter(|email| !email.trim().is_empty());
    let email = email.map(|email| Email::parse(email)).transpose();
    let full_name = FullName::parse(&typed.full_name);
    Ok(AcceptInvitationInput {
        token: token.clone(),
        username: Username::parse(&typed.username, UsernameLength::DEFAULT)
            .map_err(|violation| field("username", violation))?,
        email: email.map_err(|violation| field("email", violation))?,
        profile: Profile {
            full_name: full_name.map_err(|violation| field("full_name", violation))?,
            ..Profile::default()
        },
        password: NewPassword::parse(password, api.settings.v1_password)
            .map_err(|violation| field("password", violation))?,
        locale: Some(locale),
        request,
    })
}

fn form(locale: Locale, token: &OneTimeToken, invitation: &Invitation, typed: Typed) -> Page {
    let mut page = Page::new(locale, TITLE);
    let role = (Text { zh: "角色", en: "Role" }, invitation.role.as_str().to_owned());
    page.facts = vec![role];
    page.fields = vec![Field::token(token.expose(), locale)];
    match &invitation.email {
        Some(email) => page.facts.push((EMAIL, email.as_str().to_owned())),
        None => page.fields.push(Field::text("email", EMAIL, locale, typed.email)),
    }
    page.fields.extend([
        Field::text("username", USERNAME, locale, typed.username),
        Field::text("full_name", FULL_NAME, locale, typed.full_name).optional(),
        Field::new_password("password", PASSWORD, locale),
    ]);
    page.buttons = vec![("accept", Text { zh: "创建账户", en: "Make the account" })];
    page.lines = vec![Text {
        zh: "如果您已有账户，请登录后在应用中接受邀请。",
        en: "If you have an account, log in and accept the invitation in the application.",
    }];
    page
}
