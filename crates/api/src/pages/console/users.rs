//! `/console/users`: finds users.

use menjin_domain::access::rights::{RightId, UsersExport, UsersRead};
use menjin_domain::accounts::{
    Role, SearchTerm, User, UserFilter, UserOrder, UserPosition, UserSearch,
};
use menjin_web::Locale;
use menjin_web::problem::{FieldError, Problem};
use menjin_web::values::ExportFormat;

use super::user::standing;
use super::{bulk, new_user};
use crate::downloads;
use crate::pages::navigation;
use crate::pages::page::moment;
use crate::pages::parts::{Button, Field, Item, Search};
use crate::pages::visitor::Visitor;
use crate::prelude::*;

pub(super) fn endpoints() -> [Endpoint; 2] {
    [
        Endpoint::hidden(Method::GET, "/console/users", show),
        Endpoint::hidden(Method::GET, "/console/export", export),
    ]
}

const TITLE: Text = navigation::USERS;
const NOBODY: Text = Text { zh: "没有找到用户。", en: "Nobody was found." };

/// How many are shown at a time.
const LIMIT: u64 = 20;

/// The choices of the filter by activity.
const ACTIVE: [(&str, Text); 3] = [
    ("", Text { zh: "全部", en: "all" }),
    ("true", Text { zh: "已启用", en: "active" }),
    ("false", Text { zh: "已停用", en: "not active" }),
];

async fn show(api: Data<Api>, client: Client, visitor: Visitor) -> Answer<HttpResponse> {
    let allowed = visitor.allowed::<UsersRead>(&api, client.0)?;
    let sent = |name| visitor.parameter(name).unwrap_or_default();
    let (q, role, active) = (sent("q"), sent("role"), sent("is_active"));
    let mut page = visitor.page(TITLE);
    page.search = Some(search_form(&api, q, role, active));
    let filter = match filter(&api, &visitor) {
        Ok(filter) => filter,
        Err(problem) => {
            page.error = Some(problem.text(visitor.locale));
            return page.refused();
        }
    };
    // Without an order of its own whatever is asked for can be had.
    let Ok(order) = UserOrder::of(None, &filter) else { return page.respond() };
    let after: Option<UserPosition> = sent("after").parse().ok();
    let after = after.filter(|after| after.sort() == order.sort);
    let search = UserSearch { filter, order, after, limit: LIMIT };
    let (found, next) = api.services.search_users.execute(&allowed, search).await?;
    let now = allowed.context().at;
    let role_of_caller = visitor.member()?.user.role;
    let may = |right| api.settings.roles.grants(role_of_caller, right);
    page.items = found.users.iter().map(|user| item(user, now, visitor.locale)).collect();
    let fields = bulk::fields(&api, may);
    if !fields.is_empty() && !found.users.is_empty() {
        page.fields = fields;
        for (item, user) in page.items.iter_mut().zip(&found.users) {
            item.choice = Some(bulk::choice(user.id));
        }
        page.sends_to = Some("bulk");
        page.buttons = vec![Button::new("preview", Text { zh: "预览", en: "Preview" })];
    }
    if page.items.is_empty() {
        page.lines.push(NOBODY);
    }
    let total = if found.total_is_exact { String::new() } else { "≥ ".to_owned() };
    let label = Text { zh: "共", en: "In all" };
    page.facts = vec![(label, format!("{total}{}", found.total))];
    let query = [("q", q), ("role", role), ("is_active", active)];
    if let Some(next) = next {
        let next = next.to_string();
        let query = [&query[..], &[("after", &next)]].concat();
        page.lead_to("users", &query, Text { zh: "下一页", en: "Next page" });
    }
    if may(RightId::UsersWrite) {
        page.links.push(("new-user".into(), new_user::TITLE));
    }
    if may(RightId::UsersExport) {
        page.lead_to("export", &query, Text { zh: "导出（CSV）", en: "Export (CSV)" });
    }
    page.respond()
}

/// What is asked for in the address.
fn filter(api: &Api, visitor: &Visitor) -> Result<UserFilter, Problem> {
    let sent = |name| visitor.parameter(name).unwrap_or_default();
    let role: Option<Role> = sent("role").parse().ok();
    Ok(UserFilter {
        term: SearchTerm::parse(sent("q"))?,
        role: role.filter(|role| api.settings.roles.knows(*role)),
        is_active: sent("is_active").parse().ok(),
        ..UserFilter::default()
    })
}

/// Those whom the page shows, all of them, as a table.
async fn export(api: Data<Api>, client: Client, visitor: Visitor) -> Answer<HttpResponse> {
    let allowed = visitor.allowed::<UsersExport>(&api, client.0)?;
    let filter = filter(&api, &visitor).map_err(|problem| FieldError::in_body("q", problem));
    let filter = filter.map_err(ApiError::from)?;
    downloads::users(&api, &allowed, filter, ExportFormat::Csv).await
}

fn search_form(api: &Api, q: &str, role: &str, active: &str) -> Search {
    let label = Text { zh: "用户名、邮箱或姓名", en: "User name, address or full name" };
    let roles = api.settings.roles.all().map(|role| role.to_string());
    Search {
        fields: vec![
            Field::text("q", label, "off", q).optional().plain(),
            Field::filter("role", Text { zh: "角色", en: "Role" }, role, roles),
            Field::choice("is_active", Text { zh: "状态", en: "State" }, active, ACTIVE.to_vec()),
        ],
        button: Text { zh: "查找", en: "Find" },
    }
}

fn item(user: &User, now: menjin_domain::common::Timestamp, locale: Locale) -> Item {
    let full_name = user.profile.full_name.as_ref().map(|name| name.as_str().to_owned());
    let mut details: Vec<_> = full_name.into_iter().collect();
    details.push(user.email.as_str().to_owned());
    let last = user.last_login_at.map_or_else(
        || Text { zh: "从未登录", en: "never logged in" }.in_locale(locale).to_owned(),
        |at| {
            format!(
                "{} {}",
                Text { zh: "最近登录", en: "Last login" }.in_locale(locale),
                moment(at)
            )
        },
    );
    details.push(format!("{} · {last}", user.role));
    details.extend(standing(user, now, locale));
    Item {
        title: user.username.as_str().to_owned(),
        link: Some(format!("user?id={}", user.id)),
        details,
        ..Item::default()
    }
}
