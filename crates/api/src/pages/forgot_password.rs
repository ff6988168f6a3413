//! `/account/forgot-password`: sends a link for a new password.

use menjin_domain::accounts::LoginName;
use menjin_domain::credentials::ForgotPasswordInput;
use menjin_web::values::Token;

use super::form::PageForm;
use super::page::Page;
use super::parts::{Button, Field};
use super::visitor::Visitor;
use crate::prelude::*;

const PATH: &str = "/account/forgot-password";

pub(super) fn endpoints() -> [Endpoint; 2] {
    [Endpoint::hidden(Method::GET, PATH, show), Endpoint::hidden(Method::POST, PATH, act)]
}

const TITLE: Text = Text { zh: "忘记密码", en: "Forgotten password" };
const SENT: Text = Text {
    zh: "如果该账户存在，我们会发送一封邮件，其中的链接可以设置新密码。",
    en: "If there is such an account, a mail with a link for a new password is on its way.",
};

request! {
    struct ForgotPasswordForm {
        username: Required<LoginName>,
        action: Optional<Token>,
    }
}

fn form(visitor: &Visitor, typed: &str) -> Page {
    let label = Text { zh: "用户名或邮箱", en: "User name or e-mail address" };
    let mut page = visitor.page(TITLE);
    page.fields = vec![Field::text("username", label, "username", typed)];
    page.buttons = vec![Button::new("send", Text { zh: "发送邮件", en: "Send the mail" })];
    page.links = vec![("login".into(), Text { zh: "返回登录", en: "Back to the login" })];
    page
}

async fn show(visitor: Visitor) -> Answer<HttpResponse> {
    form(&visitor, "").respond()
}

async fn act(
    api: Data<Api>,
    client: Client,
    visitor: Visitor,
    sent: PageForm<ForgotPasswordForm>,
) -> Answer<HttpResponse> {
    let again = form(&visitor, &sent.typed("username"));
    let fields = match sent.fields {
        Ok(fields) => fields,
        Err(error) => return again.refuse(error),
    };
    let input = ForgotPasswordInput {
        name: fields.username.value()?,
        locale: Some(visitor.locale),
        request: client.0,
    };
    match api.services.forgot_password.execute(input).await {
        Ok(()) => {
            let mut page = visitor.page(TITLE).noting(SENT);
            page.links = vec![("login".into(), Text { zh: "返回登录", en: "Back to the login" })];
            page.respond()
        }
        Err(error) => again.refuse(error),
    }
}
