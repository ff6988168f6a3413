//! `/account/password`: another password for whoever knows the one that there is.

use menjin_domain::access::{Principal, Restriction};
use menjin_domain::credentials::{CandidatePassword, ChangePasswordInput, NewPassword};
use menjin_web::values::Token;

use super::form::PageForm;
use super::navigation;
use super::page::{Page, see_other};
use super::parts::{Button, Field};
use super::visitor::Visitor;
use crate::prelude::*;

const PATH: &str = "/account/password";

pub(super) fn endpoints() -> [Endpoint; 2] {
    [Endpoint::hidden(Method::GET, PATH, show), Endpoint::hidden(Method::POST, PATH, act)]
}

const TITLE: Text = navigation::PASSWORD;
const DONE: Text = Text {
    zh: "密码已修改，其他设备上的登录均已结束。",
    en: "Your password is changed, and you are logged out everywhere else.",
};
const MUST: Text = Text {
    zh: "您的密码是由他人设置的，请先设置自己的密码。",
    en: "Somebody else has set your password. Choose one of your own first.",
};

/// Whom the page is for: somebody who has to change the password, too.
const ADMITTED: [Restriction; 2] = [Restriction::PasswordChange, Restriction::FactorEnrolment];

request! {
    struct ChangePasswordForm {
        current_password: Required<CandidatePassword>,
        new_password: Required<NewPassword>,
        confirm_password: Required<CandidatePassword>,
        action: Optional<Token>,
    }
}

fn form(visitor: &Visitor, caller: &Principal) -> Page {
    let mut page = visitor.page(TITLE);
    if caller.user.must_change_password() {
        page.lines.push(MUST);
    }
    page.fields = vec![
        Field::current_password("current_password"),
        Field::new_password("new_password", Text { zh: "新密码", en: "New password" }),
        Field::new_password(
            "confirm_password",
            Text { zh: "再次输入新密码", en: "The new password again" },
        ),
    ];
    page.buttons = vec![Button::new("change", Text { zh: "修改密码", en: "Change the password" })];
    page
}

async fn show(visitor: Visitor) -> Answer<HttpResponse> {
    let page = form(&visitor, visitor.member_under(&ADMITTED)?);
    match visitor.parameter("done") {
        Some(_) => page.noting(DONE).respond(),
        None => page.respond(),
    }
}

async fn act(
    api: Data<Api>,
    client: Client,
    visitor: Visitor,
    sent: PageForm<ChangePasswordForm>,
) -> Answer<HttpResponse> {
    let caller = visitor.member_under(&ADMITTED)?;
    let again = form(&visitor, caller);
    let fields = match sent.fields {
        Ok(fields) => fields,
        Err(error) => return again.refuse(error),
    };
    let input = ChangePasswordInput {
        current: fields.current_password.value()?,
        new: fields.new_password.value()?,
        confirmation: Some(fields.confirm_password.value()?),
        request: client.0,
    };
    if let Err(error) = api.services.change_password.execute(caller, input).await {
        return again.refuse(error);
    }
    // The session stays, and its cookie is another one from now on.
    let mut response = see_other("password?done");
    visitor.renew_cookie(&api, caller, &mut response).await?;
    Ok(response)
}
