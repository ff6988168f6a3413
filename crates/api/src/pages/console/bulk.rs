//! `/console/bulk`: the same done to many users. First it is shown what would become of each; nothing is done
//! before somebody has looked at that.

use std::time::Duration;

use menjin_domain::access::Allowed;
use menjin_domain::access::rights::{RightId, UsersWrite};
use menjin_domain::accounts::{
    Ban, BatchAction, BatchInput, BatchOf, BatchResult, ChangedUsers, ManageUserError, Role,
};
use menjin_domain::common::{RequestContext, Timestamp, UserId};
use menjin_web::problem::{FieldError, Problem};
use menjin_web::values::Token;

use super::{confirm, id_in, names, role_field, undone};
use crate::pages::form::{PageForm, Typed};
use crate::pages::page::{Page, see_other};
use crate::pages::parts::{Button, Field, Item};
use crate::pages::visitor::Visitor;
use crate::prelude::*;

pub(super) fn endpoints() -> [Endpoint; 1] {
    [Endpoint::hidden(Method::POST, "/console/bulk", act)]
}

const TITLE: Text = Text { zh: "批量操作", en: "Many users" };
const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);
const DONE: Text = Text { zh: "已完成。", en: "It is done." };
const PREVIEW: Text = Text {
    zh: "以下是将会发生的结果，尚未执行。",
    en: "This is what would become of each of them. Nothing is done yet.",
};

/// How the box of a user is called.
const CHOICE: &str = "user-";

/// What can be done, the right for it, and how it is called.
const ACTIONS: [(&str, RightId, Text); 6] = [
    ("activate", RightId::UsersWrite, Text { zh: "启用", en: "Activate" }),
    ("deactivate", RightId::UsersWrite, Text { zh: "停用", en: "Deactivate" }),
    ("end-sessions", RightId::SessionsEnd, Text { zh: "退出所有设备", en: "Log out all devices" }),
    ("ban-week", RightId::UsersBan, Text { zh: "封禁一周", en: "Ban for a week" }),
    ("set-role", RightId::RolesGrant, Text { zh: "更改角色", en: "Change the role" }),
    ("delete", RightId::UsersDelete, Text { zh: "删除", en: "Delete" }),
];

request! {
    struct BulkForm {
        what: Required<Token>,
        new_role: Optional<Role>,
        /// `preview` or `confirm`.
        action: Optional<Token>,
    }
}

/// The name of the box with which a user is chosen.
pub(super) fn choice(id: UserId) -> String {
    format!("{CHOICE}{id}")
}

/// What can be done to the users who are chosen; nothing, for whoever may do none of it.
pub(super) fn fields(api: &Api, may: impl Fn(RightId) -> bool) -> Vec<Field> {
    let actions = ACTIONS.iter().filter(|(_, right, _)| may(*right));
    let actions: Vec<_> = actions.map(|(sent, _, text)| (*sent, *text)).collect();
    if actions.is_empty() || !may(RightId::UsersWrite) {
        return Vec::new();
    }
    let what = Text { zh: "对选中的用户", en: "With the users that are chosen" };
    let mut fields = vec![Field::choice("what", what, "", actions)];
    if may(RightId::RolesGrant) {
        let label = Text { zh: "新角色（更改角色时）", en: "The role, to change it" };
        fields.push(role_field(api, "new_role", label, ""));
    }
    fields
}

async fn act(
    api: Data<Api>,
    client: Client,
    visitor: Visitor,
    sent: PageForm<BulkForm>,
) -> Answer<HttpResponse> {
    let allowed = visitor.allowed::<UsersWrite>(&api, client.0.clone())?;
    let PageForm { typed, fields } = sent;
    let ids: Vec<UserId> =
        typed.names().filter_map(|name| name.strip_prefix(CHOICE).and_then(id_in)).collect();
    let is_confirmed = typed.get("action") == "confirm";
    match change(&api, &allowed, &typed.get("what"), fields, ids, !is_confirmed).await {
        Ok(results) => {
            let page = page(&api, &visitor, &results, client.0).await?;
            if is_confirmed {
                return page.noting(DONE).respond();
            }
            asking(page, &typed, &results).respond()
        }
        // Nothing is shown here by itself, so it begins again with the list.
        Err(error) if error.0.kind == ErrorKind::ReauthenticationRequired => {
            Ok(see_other(&confirm::address("users")))
        }
        Err(error) => undone(error, async { Ok(with_back(visitor.page(TITLE))) }).await,
    }
}

async fn change(
    api: &Api,
    allowed: &Allowed<UsersWrite>,
    what: &str,
    fields: Result<BulkForm, ApiError>,
    ids: Vec<UserId>,
    dry_run: bool,
) -> Answer<Vec<BatchResult>> {
    let fields = fields?;
    if ids.is_empty() {
        return Err(ApiError::from(FieldError::in_body("ids", Problem::Missing)).into());
    }
    let role = fields.new_role.value()?;
    let action = action(what, role, allowed.context().at)?;
    let input = BatchInput { of: BatchOf::Ids(ids), action, dry_run };
    match api.services.change_users.execute(allowed, input).await? {
        ChangedUsers::Done(results) => Ok(results),
        // No page shows so many.
        ChangedUsers::Job(_) => Ok(Vec::new()),
    }
}

fn action(what: &str, role: Option<Role>, now: Timestamp) -> Result<BatchAction, ApiError> {
    let missing = |field| FieldError::in_body(field, Problem::Missing);
    Ok(match what {
        "activate" => BatchAction::Activate,
        "deactivate" => BatchAction::Deactivate,
        "end-sessions" => BatchAction::EndSessions,
        "ban-week" => {
            BatchAction::Ban(Ban::new(now + WEEK, None, now).map_err(ManageUserError::from)?)
        }
        "set-role" => BatchAction::SetRole(role.ok_or_else(|| missing("new_role"))?),
        "delete" => BatchAction::Delete,
        _ => return Err(missing("what").into()),
    })
}

async fn page(
    api: &Api,
    visitor: &Visitor,
    results: &[BatchResult],
    request: RequestContext,
) -> Answer<Page> {
    let names = names::of(api, visitor, results.iter().map(|result| result.id), request).await?;
    let mut page = with_back(visitor.page(TITLE));
    let said = |text: Text| text.in_locale(visitor.locale).to_owned();
    page.items = results
        .iter()
        .map(|result| Item {
            title: names.name(result.id),
            link: Some(format!("user?id={}", result.id)),
            details: vec![match result.outcome {
                Ok(true) => said(Text { zh: "更改", en: "changed" }),
                Ok(false) => said(Text { zh: "已是如此", en: "is so already" }),
                Err(refusal) => {
                    let error = ApiError::from(refusal);
                    said(error.kind.text())
                }
            }],
            ..Item::default()
        })
        .collect();
    Ok(page)
}

fn with_back(mut page: Page) -> Page {
    page.links = vec![("users".into(), Text { zh: "返回列表", en: "Back to the list" })];
    page
}

/// The page, asking whether it is to be done.
fn asking(page: Page, typed: &Typed, results: &[BatchResult]) -> Page {
    let mut page = page.saying(PREVIEW);
    let what = typed.get("what");
    let text = ACTIONS.iter().find(|(name, ..)| *name == what).map_or(DONE, |(.., text)| *text);
    page.facts = vec![(TITLE, text.in_locale(page.locale).to_owned())];
    page.fields =
        vec![Field::hidden("what", what), Field::hidden("new_role", typed.get("new_role"))];
    let choices = results.iter().map(|result| Field::hidden(choice(result.id), "true"));
    page.fields.extend(choices);
    if results.iter().any(|result| result.outcome == Ok(true)) {
        page.buttons = vec![Button::danger("confirm", text)];
    }
    page
}
