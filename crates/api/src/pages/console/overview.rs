//! `/console/overview`: how many users there are, what has happened in the last days, and whether all is well.

use menjin_domain::access::rights::{AuditRead, MailsRead, RightId, UsersRead};
use menjin_domain::accounts::UserQuery;
use menjin_domain::audit::{AuditAction, DayCount};
use menjin_domain::common::{PageStart, RequestContext};
use menjin_domain::mail::{MailQuery, MailState};

use crate::pages::navigation;
use crate::pages::page::Page;
use crate::pages::parts::Chart;
use crate::pages::visitor::Visitor;
use crate::prelude::*;

pub(super) fn endpoints() -> [Endpoint; 1] {
    [Endpoint::hidden(Method::GET, "/console/overview", show)]
}

/// What is counted by days.
const CHARTS: [(AuditAction, Text); 3] = [
    (AuditAction::LoggedIn, Text { zh: "登录次数", en: "Log-ins" }),
    (AuditAction::Registered, Text { zh: "注册人数", en: "Registrations" }),
    (
        AuditAction::LoginRefused,
        Text {
            zh: "因失败过多被拒绝的登录", en: "Log-ins refused after too many failures"
        },
    ),
];

async fn show(api: Data<Api>, client: Client, visitor: Visitor) -> Answer<HttpResponse> {
    let mut page = visitor.page(navigation::OVERVIEW);
    let caller = visitor.member()?;
    let may = |right| api.settings.roles.grants(caller.user.role, right);
    if !visitor.has_console() {
        return Err(ErrorKind::Forbidden.into());
    }
    if may(RightId::UsersRead) {
        users(&api, &visitor, &mut page, client.0.clone()).await?;
    }
    if may(RightId::MailsRead) {
        mails(&api, &visitor, &mut page, client.0.clone()).await?;
    }
    health(&api, &mut page).await;
    if may(RightId::AuditRead) {
        let allowed = visitor.allowed::<AuditRead>(&api, client.0)?;
        for (action, title) in CHARTS {
            let days = api.services.count_by_day.execute(&allowed, action).await?;
            page.charts.push(chart(title, &days));
        }
    }
    page.respond()
}

async fn users(
    api: &Api,
    visitor: &Visitor,
    page: &mut Page,
    request: RequestContext,
) -> Answer<()> {
    let allowed = visitor.allowed::<UsersRead>(api, request)?;
    for role in api.settings.roles.all() {
        let query = UserQuery { start: PageStart::Skip(0), limit: 1, role: Some(role) };
        let found = api.services.list_users.execute(&allowed, query).await?;
        let label = Text { zh: "用户", en: "Users" }.in_locale(page.locale);
        page.numbers.push((format!("{label} · {role}"), found.total.to_string()));
    }
    Ok(())
}

async fn mails(
    api: &Api,
    visitor: &Visitor,
    page: &mut Page,
    request: RequestContext,
) -> Answer<()> {
    let allowed = visitor.allowed::<MailsRead>(api, request)?;
    for (state, text) in [
        (MailState::Queued, Text { zh: "待发送邮件", en: "Mails waiting" }),
        (MailState::Failed, Text { zh: "发送失败的邮件", en: "Mails that failed" }),
    ] {
        let query = MailQuery { state: Some(state), user: None, after: None, limit: 1 };
        let found = api.services.list_mails.execute(&allowed, query).await?;
        page.numbers.push((text.in_locale(page.locale).to_owned(), found.total.to_string()));
    }
    Ok(())
}

async fn health(api: &Api, page: &mut Page) {
    let report = api.services.check_health.execute().await;
    for component in report.components {
        let text = if component.healthy {
            Text { zh: "正常", en: "works" }
        } else {
            Text { zh: "没有响应", en: "does not answer" }
        };
        let label = match component.name {
            "database" => Text { zh: "数据库", en: "Database" },
            "cache" => Text { zh: "缓存", en: "Cache" },
            name => Text { zh: name, en: name },
        };
        page.facts.push((label, text.in_locale(page.locale).to_owned()));
    }
}

fn chart(title: Text, days: &[DayCount]) -> Chart {
    let bars = days.iter().map(|day| (day.day.format("%m-%d").to_string(), day.count)).collect();
    Chart { title, bars }
}
