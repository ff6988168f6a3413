//! `/account/reset-password`: chooses a new password by the link in a mail.

use menjin_domain::credentials::{CandidatePassword, NewPassword, ResetPasswordInput};
use menjin_domain::one_time::OneTimeToken;
use menjin_web::values::Token;

use super::form::PageForm;
use super::page::Page;
use super::parts::{Button, Field};
use super::visitor::Visitor;
use crate::prelude::*;

const PATH: &str = "/account/reset-password";

pub(super) fn endpoints() -> [Endpoint; 2] {
    [Endpoint::hidden(Method::GET, PATH, show), Endpoint::hidden(Method::POST, PATH, act)]
}

const TITLE: Text = Text { zh: "设置新密码", en: "Choose a new password" };
const DONE: Text = Text {
    zh: "密码已更新，所有会话均已结束。请使用新密码登录。",
    en: "Your password is set, and all sessions have ended. Log in with the new one.",
};

request! {
    struct ResetPasswordForm {
        token: Required<OneTimeToken>,
        new_password: Required<NewPassword>,
        confirm_password: Required<CandidatePassword>,
        action: Optional<Token>,
    }
}

/// The form, with the token if it is known.
fn form(visitor: &Visitor, token: &str) -> Page {
    let mut page = visitor.page(TITLE);
    page.fields = vec![
        Field::token(token),
        Field::new_password("new_password", Text { zh: "新密码", en: "New password" }),
        Field::new_password(
            "confirm_password",
            Text { zh: "再次输入新密码", en: "The new password again" },
        ),
    ];
    page.buttons =
        vec![Button::new("reset", Text { zh: "设置新密码", en: "Set the new password" })];
    page
}

async fn show(visitor: Visitor) -> Answer<HttpResponse> {
    form(&visitor, "").respond()
}

async fn act(
    api: Data<Api>,
    client: Client,
    visitor: Visitor,
    sent: PageForm<ResetPasswordForm>,
) -> Answer<HttpResponse> {
    let token = sent.typed("token");
    let fields = match sent.fields {
        Ok(fields) => fields,
        Err(error) => return form(&visitor, &token).refuse(error),
    };
    let input = ResetPasswordInput {
        token: fields.token.value()?,
        new: fields.new_password.value()?,
        confirmation: Some(fields.confirm_password.value()?),
        request: client.0,
    };
    match api.services.reset_password.execute(input).await.map_err(ApiError::from) {
        Ok(()) => visitor.page(TITLE).noting(DONE).with_login().respond(),
        // A link that does not work is no use for another try.
        Err(error) if error.kind == ErrorKind::TokenInvalid => form(&visitor, "").refuse(error),
        Err(error) => form(&visitor, &token).refuse(error),
    }
}
