//! `/account/email`: another address, once it is proved.

use menjin_domain::access::Principal;
use menjin_domain::accounts::{
    AddressChange, AttributeChanges, ChangeEmailInput, Email, LoginName, ProfileChanges,
    ResendVerificationInput, UpdateOwnProfileInput,
};
use menjin_domain::common::Patch as Change;
use menjin_domain::credentials::CandidatePassword;
use menjin_web::values::Token;

use super::form::{CodeIfAny, PageForm};
use super::navigation;
use super::page::{Page, see_other};
use super::parts::{Button, Field};
use super::visitor::Visitor;
use crate::prelude::*;

const PATH: &str = "/account/email";

pub(super) fn endpoints() -> [Endpoint; 2] {
    [Endpoint::hidden(Method::GET, PATH, show), Endpoint::hidden(Method::POST, PATH, act)]
}

const TITLE: Text = navigation::EMAIL;
const SENT: Text = Text {
    zh: "确认邮件已发送至新邮箱，点击其中的链接后生效。",
    en: "A mail is on its way to the new address, which changes by the link in it.",
};
const CHANGED: Text = Text { zh: "邮箱已更换。", en: "Your address is changed." };
const WITHDRAWN: Text =
    Text { zh: "已撤回邮箱更换。", en: "The change of your address is withdrawn." };
const RESENT: Text = Text { zh: "验证邮件已发送。", en: "The mail is on its way." };

request! {
    struct EmailForm {
        email: Required<Email>,
        current_password: Required<CandidatePassword>,
        code: Nullable<CodeIfAny>,
        action: Optional<Token>,
    }
}

fn form(visitor: &Visitor, caller: &Principal, typed: &str) -> Page {
    let user = &caller.user;
    let mut page = visitor.page(TITLE);
    let (proved, not) =
        (Text { zh: "已验证", en: "verified" }, Text { zh: "未验证", en: "not verified" });
    let standing = if user.is_verified { proved } else { not };
    page.facts = vec![
        (Text { zh: "当前邮箱", en: "Address" }, user.email.as_str().to_owned()),
        (Text { zh: "状态", en: "State" }, standing.in_locale(visitor.locale).to_owned()),
    ];
    if let Some(pending) = &user.pending_email {
        let label = Text { zh: "等待确认", en: "Waiting for proof" };
        page.facts.push((label, pending.as_str().to_owned()));
    }
    let label = Text { zh: "新邮箱", en: "New address" };
    page.fields = vec![
        Field::text("email", label, "email", typed),
        Field::current_password("current_password"),
    ];
    if user.has_factor {
        page.fields.push(Field::code());
    }
    page.buttons = vec![Button::new("change", Text { zh: "更换邮箱", en: "Change the address" })];
    if user.pending_email.is_some() {
        let text = Text { zh: "撤回更换", en: "Withdraw the change" };
        page.buttons.push(Button::danger("withdraw", text).alone());
    }
    if !user.is_verified {
        let text =
            Text { zh: "重新发送验证邮件", en: "Send the mail for verification again" };
        page.buttons.push(Button::new("resend", text).alone());
    }
    page
}

async fn show(visitor: Visitor) -> Answer<HttpResponse> {
    let page = form(&visitor, visitor.member()?, "");
    match visitor.parameter("done") {
        Some("sent") => page.noting(SENT).respond(),
        Some("changed") => page.noting(CHANGED).respond(),
        Some("withdrawn") => page.noting(WITHDRAWN).respond(),
        Some("resent") => page.noting(RESENT).respond(),
        _ => page.respond(),
    }
}

async fn act(
    api: Data<Api>,
    client: Client,
    visitor: Visitor,
    sent: PageForm<EmailForm>,
) -> Answer<HttpResponse> {
    let caller = visitor.member()?;
    let again = form(&visitor, caller, &sent.typed("email"));
    match sent.typed("action").as_str() {
        "withdraw" => {
            api.services.withdraw_email_change.execute(caller, client.0).await?;
            return Ok(see_other("email?done=withdrawn"));
        }
        "resend" => {
            let Ok(name) = LoginName::parse(caller.user.username.as_str()) else {
                return again.respond();
            };
            let (locale, request) = (Some(visitor.locale), client.0);
            let input = ResendVerificationInput { name, locale, request };
            return match api.services.resend_verification.execute(input).await {
                Ok(()) => Ok(see_other("email?done=resent")),
                Err(error) => again.refuse(error),
            };
        }
        _ => {}
    }
    let fields = match sent.fields {
        Ok(fields) => fields,
        Err(error) => return again.refuse(error),
    };
    let (email, current, code) =
        (fields.email.value()?, fields.current_password.value()?, fields.code.value()?);
    if api.services.deliver_mails.is_some() {
        let input = ChangeEmailInput { email, current, code, request: client.0 };
        return match api.services.change_email.execute(caller, input).await {
            Ok(()) => Ok(see_other("email?done=sent")),
            Err(error) => again.refuse(error),
        };
    }
    // No link can be sent: then the password is all there is to it.
    let changes = ProfileChanges {
        email: Some(email),
        full_name: Change::Keep,
        phone: Change::Keep,
        bio: Change::Keep,
        avatar: Change::Keep,
        locale: Change::Keep,
        attributes: AttributeChanges::new(),
        address: AddressChange::default(),
    };
    let input = UpdateOwnProfileInput { changes, current: Some(current), code, request: client.0 };
    match api.services.update_profile.execute(caller, input).await {
        Ok(_user) => Ok(see_other("email?done=changed")),
        Err(error) => again.refuse(error),
    }
}
