//! `/console/audit`: who did what.

use std::collections::BTreeMap;

use menjin_domain::access::rights::{AuditRead, RightId, UsersRead};
use menjin_domain::audit::{
    AuditAction, AuditFilter, AuditOutcome, AuditPosition, AuditReason, AuditRecord,
    ListRecordsInput,
};
use menjin_domain::common::{RequestContext, UserId};
use menjin_web::Locale;

use super::user::parsed;
use crate::pages::navigation;
use crate::pages::page::{Field, Item, Search, moment};
use crate::pages::visitor::Visitor;
use crate::prelude::*;

pub(super) fn endpoints() -> [Endpoint; 1] {
    [Endpoint::hidden(Method::GET, "/console/audit", show)]
}

const TITLE: Text = navigation::AUDIT;
const NOTHING: Text = Text { zh: "没有记录。", en: "There is nothing." };

/// How many are shown at a time.
const LIMIT: u64 = 20;

/// The names of users, by their ids.
type Names = BTreeMap<i64, String>;

async fn show(api: Data<Api>, client: Client, visitor: Visitor) -> Answer<HttpResponse> {
    let allowed = visitor.allowed::<AuditRead>(&api, client.0.clone())?;
    let sent = |name| visitor.parameter(name).unwrap_or_default();
    let (user, action) = (sent("user_id"), sent("action"));
    let filter = AuditFilter {
        user: if user.is_empty() { None } else { Some(parsed(user)?) },
        action: action.parse().ok(),
        ..AuditFilter::default()
    };
    let before: Option<AuditPosition> = sent("before").parse().ok();
    let input = ListRecordsInput { filter, before, limit: LIMIT };
    let found = api.services.list_records.execute(&allowed, input).await?;
    let names = names(&api, &visitor, &found.records, client.0).await?;
    let mut page = visitor.page(TITLE);
    page.search = Some(search_form(user, action));
    page.items = found.records.iter().map(|record| item(record, &names, visitor.locale)).collect();
    if page.items.is_empty() {
        page.lines.push(NOTHING);
    }
    if let Some(next) = found.next {
        let query = [("user_id", user), ("action", action), ("before", &next.to_string())];
        let query = serde_urlencoded::to_string(query).unwrap_or_default();
        let text = Text { zh: "更早的记录", en: "Before that" };
        page.links = vec![(format!("audit?{query}").into(), text)];
    }
    page.respond()
}

/// The names of those who appear, if the caller may see them.
async fn names(
    api: &Api,
    visitor: &Visitor,
    records: &[AuditRecord],
    request: RequestContext,
) -> Answer<Names> {
    let caller = visitor.member()?;
    if !api.settings.roles.grants(caller.user.role, RightId::UsersRead) {
        return Ok(Names::new());
    }
    let allowed = visitor.allowed::<UsersRead>(api, request)?;
    let ids = records.iter().flat_map(|record| [record.event.context.actor, record.event.subject]);
    let mut names = Names::new();
    for id in ids.flatten() {
        if names.contains_key(&id.get()) {
            continue;
        }
        // Whoever is gone has no name any more.
        if let Ok(user) = api.services.get_user.execute(&allowed, id).await {
            names.insert(id.get(), user.username.as_str().to_owned());
        }
    }
    Ok(names)
}

fn search_form(user: &str, action: &str) -> Search {
    let number = Text { zh: "用户编号", en: "Id of a user" };
    let actions = AuditAction::ALL.iter().map(|action| action.as_str().to_owned());
    Search {
        fields: vec![
            Field::text("user_id", number, "off", user).optional().plain(),
            Field::filter("action", Text { zh: "操作", en: "What" }, action, actions),
        ],
        button: Text { zh: "查找", en: "Find" },
    }
}

fn item(record: &AuditRecord, names: &Names, locale: Locale) -> Item {
    let (event, context) = (&record.event, &record.event.context);
    let said = |text: Text| text.in_locale(locale);
    let name = |id: UserId| match names.get(&id.get()) {
        Some(name) => format!("{name} ({id})"),
        None => id.to_string(),
    };
    let nobody = said(Text { zh: "未登录的人", en: "nobody who was logged in" });
    let actor = context.actor.map_or_else(|| nobody.to_owned(), name);
    let mut details =
        vec![moment(context.at), format!("{} {actor}", said(Text { zh: "操作者", en: "By" }))];
    if let Some(subject) = event.subject.filter(|subject| Some(*subject) != context.actor) {
        details.push(format!("{} {}", said(Text { zh: "对象", en: "On" }), name(subject)));
    }
    if !event.changed.is_empty() {
        let fields: Vec<_> = event.changed.iter().map(|field| field.as_str()).collect();
        details.push(format!(
            "{} {}",
            said(Text { zh: "修改了", en: "Changed" }),
            fields.join(", ")
        ));
    }
    if event.outcome() == AuditOutcome::Failure {
        let reason = event.reason.map_or("", AuditReason::as_str);
        details.push(format!("{} {reason}", said(Text { zh: "失败", en: "Failed" })));
    }
    let address = said(Text { zh: "来自", en: "From" });
    details.push(format!("{address} {}", context.request.client.address));
    let link = event.subject.filter(|_| !names.is_empty()).map(|id| format!("user?id={id}"));
    Item { title: event.action.as_str().to_owned(), link, details, sends: Ok(None) }
}
