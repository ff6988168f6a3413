//! `/account/delete`: deletes one's own account.

use menjin_domain::access::Principal;
use menjin_domain::credentials::CandidatePassword;
use menjin_web::values::Token;

use super::form::{CodeIfAny, PageForm};
use super::page::{Page, moment};
use super::parts::{Button, Field};
use super::visitor::Visitor;
use crate::prelude::*;

const PATH: &str = "/account/delete";

pub(super) fn endpoints() -> [Endpoint; 2] {
    [Endpoint::hidden(Method::GET, PATH, show), Endpoint::hidden(Method::POST, PATH, act)]
}

pub(super) const TITLE: Text = Text { zh: "删除账户", en: "Delete my account" };
const WARNING: Text = Text {
    zh: "账户会立即停用，所有设备退出登录；到期后所有个人数据将被删除，无法恢复。",
    en: "Your account stops working at once, and you are logged out everywhere. After a time of grace all \
         your data is deleted, for good.",
};
const DONE: Text = Text {
    zh: "账户已停用。在下面的时间之前，管理员可以恢复它。",
    en: "Your account has stopped working. Until the time below an administrator can restore it.",
};

request! {
    struct DeleteForm {
        current_password: Required<CandidatePassword>,
        code: Nullable<CodeIfAny>,
        action: Optional<Token>,
    }
}

fn form(visitor: &Visitor, caller: &Principal) -> Page {
    let mut page = visitor.page(TITLE).saying(WARNING);
    page.fields = vec![Field::current_password("current_password")];
    if caller.user.has_factor {
        page.fields.push(Field::code());
    }
    page.buttons = vec![Button::danger("delete", TITLE)];
    page.links = vec![("profile".into(), Text { zh: "取消", en: "Cancel" })];
    page
}

async fn show(visitor: Visitor) -> Answer<HttpResponse> {
    form(&visitor, visitor.member()?).respond()
}

async fn act(
    api: Data<Api>,
    client: Client,
    visitor: Visitor,
    sent: PageForm<DeleteForm>,
) -> Answer<HttpResponse> {
    let caller = visitor.member()?;
    let again = form(&visitor, caller);
    let fields = match sent.fields {
        Ok(fields) => fields,
        Err(error) => return again.refuse(error),
    };
    let (current, code) = (fields.current_password.value()?, fields.code.value()?);
    let delete = &api.services.delete_own_account;
    match delete.execute(caller, &current, code.as_ref(), client.0).await {
        Ok(user) => {
            let mut page = visitor.page(TITLE).noting(DONE).logged_out();
            let label = Text { zh: "删除时间", en: "Deleted for good" };
            page.facts.extend(user.deletes_at.map(|at| (label, moment(at))));
            page.respond()
        }
        Err(error) => again.refuse(error),
    }
}
