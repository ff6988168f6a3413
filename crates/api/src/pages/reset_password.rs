//! `/account/reset-password`: chooses a new password by the link in a mail.

use actix_web::http::StatusCode;
use menjin_domain::common::Violation;
use menjin_domain::credentials::{CandidatePassword, NewPassword, ResetPasswordInput};
use menjin_domain::one_time::OneTimeToken;
use menjin_web::Locale;
use menjin_web::problem::Problem;
use menjin_web::values::Token;

use super::render::{Field, Page};
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
        token: Required<Token>,
        new_password: Required<Token>,
        confirm_password: Required<Token>,
        action: Optional<Token>,
    }
}

/// The form, with the token if it is known.
fn form(locale: Locale, token: &str) -> Page {
    let mut page = Page::new(locale, TITLE);
    page.fields = vec![
        Field::token(token, locale),
        Field::new_password("new_password", Text { zh: "新密码", en: "New password" }, locale),
        Field::new_password(
            "confirm_password",
            Text { zh: "再次输入新密码", en: "The new password again" },
            locale,
        ),
    ];
    page.buttons = vec![("reset", Text { zh: "设置新密码", en: "Set the new password" })];
    page
}

async fn show(context: ReplyContext) -> Answer<HttpResponse> {
    form(context.locale, "").respond(StatusCode::OK)
}

async fn act(
    api: Data<Api>,
    client: Client,
    context: ReplyContext,
    body: BodyOrForm<ResetPasswordForm>,
) -> Answer<HttpResponse> {
    let locale = context.locale;
    let sent = body.0.token.value()?;
    let (new, again) = (body.0.new_password.value()?, body.0.confirm_password.value()?);
    let violated = |violation: Violation| {
        let text = Problem::from(violation).text(locale);
        form(locale, &sent).refuse_saying(ErrorKind::Invalid, text)
    };
    let refuse = |kind, token: &str| form(locale, token).refuse(kind);
    let Ok(token) = OneTimeToken::parse(&sent) else {
        return refuse(ErrorKind::TokenInvalid, "");
    };
    let new = match NewPassword::parse(&new, api.settings.v1_password) {
        Ok(new) => new,
        Err(violation) => return violated(violation),
    };
    let confirmation = match CandidatePassword::parse(&again) {
        Ok(confirmation) => Some(confirmation),
        Err(violation) => return violated(violation),
    };
    let input = ResetPasswordInput { token, new, confirmation, request: client.0 };
    match api.services.reset_password.execute(input).await.map_err(ApiError::from) {
        Ok(()) => Page::saying(locale, TITLE, DONE).respond(StatusCode::OK),
        // A link that does not work is no use for another try.
        Err(error) if error.kind == ErrorKind::TokenInvalid => refuse(error.kind, ""),
        Err(error) if error.kind.status() < 500 => refuse(error.kind, &sent),
        Err(error) => Err(error.into()),
    }
}
