//! `/console/confirm`: the password again, before what is critical.

use menjin_domain::access::Principal;
use menjin_domain::credentials::CandidatePassword;
use menjin_web::values::Token;

use super::user::parsed;
use crate::pages::form::{CodeIfAny, PageForm};
use crate::pages::page::{Button, Field, Page, see_other};
use crate::pages::visitor::Visitor;
use crate::prelude::*;

const PATH: &str = "/console/confirm";

pub(super) fn endpoints() -> [Endpoint; 2] {
    [Endpoint::hidden(Method::GET, PATH, show), Endpoint::hidden(Method::POST, PATH, act)]
}

const TITLE: Text = Text { zh: "确认身份", en: "Confirm that it is you" };
const WHY: Text = Text {
    zh: "此操作需要再次输入密码。之后请重新执行该操作。",
    en: "Enter your password again for what you are about to do, and then do it once more.",
};

request! {
    struct ConfirmForm {
        current_password: Required<CandidatePassword>,
        code: Nullable<CodeIfAny>,
        /// The user that it is about.
        id: Required<Token>,
        action: Optional<Token>,
    }
}

fn form(visitor: &Visitor, caller: &Principal, id: &str) -> Page {
    let mut page = visitor.page(TITLE).saying(WHY);
    page.fields = vec![Field::current_password("current_password"), Field::hidden("id", id)];
    if caller.user.has_factor {
        page.fields.insert(1, Field::code());
    }
    page.buttons = vec![Button::new("confirm", Text { zh: "确认", en: "Confirm" })];
    page.links = vec![("users".into(), Text { zh: "取消", en: "Cancel" })];
    page
}

async fn show(visitor: Visitor) -> Answer<HttpResponse> {
    let id = visitor.parameter("id").unwrap_or_default();
    form(&visitor, visitor.member()?, id).respond()
}

async fn act(
    api: Data<Api>,
    client: Client,
    visitor: Visitor,
    sent: PageForm<ConfirmForm>,
) -> Answer<HttpResponse> {
    let caller = visitor.member()?;
    let id = sent.typed("id");
    let again = form(&visitor, caller, &id);
    let fields = match sent.fields {
        Ok(fields) => fields,
        Err(error) => return again.refuse(error),
    };
    let (current, code) = (fields.current_password.value()?, fields.code.value()?);
    let reauthenticate = &api.services.reauthenticate;
    if let Err(error) = reauthenticate.execute(caller, &current, code.as_ref(), client.0).await {
        return again.refuse(error);
    }
    let to = parsed(&id).map_or_else(|_none| "users".to_owned(), |id| format!("user?id={id}"));
    let mut response = see_other(&to);
    visitor.renew_cookie(&api, caller, &mut response).await?;
    Ok(response)
}
