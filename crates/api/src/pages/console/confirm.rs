//! `/console/confirm`: the password again, before what is critical.

use menjin_domain::access::Principal;
use menjin_domain::credentials::CandidatePassword;
use menjin_web::values::Token;

use crate::pages::form::{CodeIfAny, PageForm};
use crate::pages::page::{Page, see_other};
use crate::pages::parts::{Button, Field};
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
        /// Where it leads to.
        to: Optional<Token>,
        action: Optional<Token>,
    }
}

/// The address of this page, for whoever came from there: the name of a page of the console, with its
/// parameters.
pub(in crate::pages) fn address(from: &str) -> String {
    let to = serde_urlencoded::to_string([("to", from)]).unwrap_or_default();
    format!("confirm?{to}")
}

/// Where to go on, if it is a page of the console: anybody can write an address.
fn onward(to: &str) -> &str {
    let (name, query) = to.split_once('?').unwrap_or((to, ""));
    let is_plain =
        |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_=&%.+".contains(&b));
    let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    if is_name && is_plain(query) { to } else { "users" }
}

fn form(visitor: &Visitor, caller: &Principal, to: &str) -> Page {
    let mut page = visitor.page(TITLE).saying(WHY);
    page.fields = vec![Field::current_password("current_password"), Field::hidden("to", to)];
    if caller.user.has_factor {
        page.fields.insert(1, Field::code());
    }
    page.buttons = vec![Button::new("confirm", Text { zh: "确认", en: "Confirm" })];
    page.links = vec![(onward(to).to_owned().into(), Text { zh: "取消", en: "Cancel" })];
    page
}

async fn show(visitor: Visitor) -> Answer<HttpResponse> {
    let to = visitor.parameter("to").unwrap_or_default();
    form(&visitor, visitor.member()?, to).respond()
}

async fn act(
    api: Data<Api>,
    client: Client,
    visitor: Visitor,
    sent: PageForm<ConfirmForm>,
) -> Answer<HttpResponse> {
    let caller = visitor.member()?;
    let to = sent.typed("to");
    let again = form(&visitor, caller, &to);
    let fields = match sent.fields {
        Ok(fields) => fields,
        Err(error) => return again.refuse(error),
    };
    let (current, code) = (fields.current_password.value()?, fields.code.value()?);
    let reauthenticate = &api.services.reauthenticate;
    if let Err(error) = reauthenticate.execute(caller, &current, code.as_ref(), client.0).await {
        return again.refuse(error);
    }
    let mut response = see_other(onward(&to));
    visitor.renew_cookie(&api, caller, &mut response).await?;
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g6_a_confirmation_leads_on_within_the_console() {
        for to in ["users", "user?id=3", "users?q=ann&role=admin&after=a%20b", "import?id=7"] {
            assert_eq!(onward(to), to);
        }
        for to in [
            "",
            "//evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "..",
            "../account/delete",
            "user/../..",
            "users?to=//evil.example",
            "\\\\evil.example",
            "users#x",
            "users\r\nx",
        ] {
            assert_eq!(onward(to), "users", "{to}");
        }
    }
}
