//! `/account/accept-invitation`: makes the account of somebody who was invited.

use menjin_domain::accounts::{Email, FullName, Profile, Username};
use menjin_domain::common::{Locale, RequestContext};
use menjin_domain::credentials::NewPassword;
use menjin_domain::invitations::{AcceptInvitationInput, Invitation};
use menjin_domain::one_time::OneTimeToken;
use menjin_web::values::Token;

use super::form::PageForm;
use super::page::Page;
use super::parts::{Button, Field};
use super::visitor::Visitor;
use crate::prelude::*;

const PATH: &str = "/account/accept-invitation";

pub(super) fn endpoints() -> [Endpoint; 2] {
    [Endpoint::hidden(Method::GET, PATH, show), Endpoint::hidden(Method::POST, PATH, act)]
}

const TITLE: Text = Text { zh: "接受邀请", en: "Accept your invitation" };
const ACCEPTED: Text = Text {
    zh: "账户已创建，现在可以登录了。您可以关闭此页面。",
    en: "Your account is made, and you can log in. You may close this page.",
};

request! {
    struct AcceptInvitationForm {
        token: Optional<Token>,
        username: Required<Username>,
        email: Optional<Email>,
        full_name: Nullable<FullName>,
        password: Required<NewPassword>,
        action: Optional<Token>,
    }
}

async fn show(visitor: Visitor) -> Answer<HttpResponse> {
    visitor.page(TITLE).asking_for_token().respond()
}

async fn act(
    api: Data<Api>,
    client: Client,
    visitor: Visitor,
    sent: PageForm<AcceptInvitationForm>,
) -> Answer<HttpResponse> {
    let request = client.0;
    let refuse = |error: ApiError| visitor.page(TITLE).asking_for_token().refuse(error);
    let Ok(token) = OneTimeToken::parse(&sent.typed("token")) else {
        return refuse(ErrorKind::TokenInvalid.into());
    };
    let accept_invitation = &api.services.accept_invitation;
    let found = accept_invitation.look(&token, request.clone()).await.map_err(ApiError::from);
    let invitation = match found {
        Ok(invitation) => invitation,
        Err(error) => return refuse(error),
    };
    let again = form(&visitor, &token, &invitation, |name| sent.typed(name));
    if sent.typed("action") != "accept" {
        return again.respond();
    }
    let fields = match sent.fields {
        Ok(fields) => fields,
        Err(error) => return again.refuse(error),
    };
    let accepted = match input(fields, token, visitor.locale, request) {
        Ok(input) => accept_invitation.execute(input).await.map_err(ApiError::from),
        Err(error) => Err(error),
    };
    match accepted {
        Ok(_user) => visitor.page(TITLE).noting(ACCEPTED).with_login().respond(),
        Err(error) => again.refuse(error),
    }
}

fn input(
    fields: AcceptInvitationForm,
    token: OneTimeToken,
    locale: Locale,
    request: RequestContext,
) -> Result<AcceptInvitationInput, ApiError> {
    Ok(AcceptInvitationInput {
        token,
        username: fields.username.value()?,
        email: fields.email.value()?,
        profile: Profile { full_name: fields.full_name.value()?, ..Profile::default() },
        password: fields.password.value()?,
        locale: Some(locale),
        request,
    })
}

fn form(
    visitor: &Visitor,
    token: &OneTimeToken,
    invitation: &Invitation,
    typed: impl Fn(&str) -> String,
) -> Page {
    let mut page = visitor.page(TITLE);
    let role = (Text { zh: "角色", en: "Role" }, invitation.role.as_str().to_owned());
    page.facts = vec![role];
    page.fields = vec![Field::token(token.expose())];
    match &invitation.email {
        Some(email) => {
            let label = Text { zh: "邮箱", en: "E-mail address" };
            page.facts.push((label, email.as_str().to_owned()));
        }
        None => page.fields.push(Field::email(typed("email"))),
    }
    let (name, full_name) =
        (Text { zh: "用户名", en: "User name" }, Text { zh: "姓名", en: "Full name" });
    page.fields.extend([
        Field::text("username", name, "username", typed("username")),
        Field::text("full_name", full_name, "name", typed("full_name")).optional(),
        Field::new_password("password", Text { zh: "密码", en: "Password" }),
    ]);
    page.buttons = vec![Button::new("accept", Text { zh: "创建账户", en: "Make the account" })];
    page.lines = vec![Text {
        zh: "如果您已有账户，请登录后在应用中接受邀请。",
        en: "If you have an account, log in and accept the invitation in the application.",
    }];
    page
}
