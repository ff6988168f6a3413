//! `/console/import`: a table of users is checked, looked at, and imported.

use actix_web::HttpRequest;
use actix_web::web::Payload;
use menjin_domain::access::Allowed;
use menjin_domain::access::rights::UsersImport;
use menjin_domain::accounts::Role;
use menjin_domain::common::RequestContext;
use menjin_domain::import::{
    ImportColumn, ImportOptions, OnConflict, Outcome, ReportedRow, StartImportInput, UpdateAlso,
};
use menjin_domain::jobs::{Job, JobId, JobState};
use menjin_web::row_problem::row_problem;
use menjin_web::values::{Flag, Token};

use super::{id_in, new_role_field, undone};
use crate::downloads;
use crate::http::reply::Rejection;
use crate::http::upload::Upload;
use crate::pages::form::{PageForm, Typed};
use crate::pages::navigation;
use crate::pages::page::{Page, moment, see_other};
use crate::pages::parts::{Button, Field, Item};
use crate::pages::visitor::Visitor;
use crate::prelude::*;
use crate::v1;

const PATH: &str = "/console/import";
const STEP: &str = "/console/import-job";

pub(super) fn endpoints() -> [Endpoint; 7] {
    [
        Endpoint::hidden(Method::GET, PATH, show),
        Endpoint::hidden(Method::POST, PATH, start),
        Endpoint::hidden(Method::GET, STEP, show_job),
        Endpoint::hidden(Method::POST, STEP, act),
        Endpoint::hidden(Method::GET, "/console/import-template", template),
        Endpoint::hidden(Method::GET, "/console/import-failed", failed_rows),
        Endpoint::hidden(Method::GET, "/console/import-passwords", passwords),
    ]
}

const WHAT: Text = Text {
    zh: "请选择 CSV、Excel 或 NDJSON 文件，第一行为列名。系统先检查文件，您确认之后才会导入。",
    en: "Choose a CSV, Excel or NDJSON file whose first row names the columns. It is checked first; nothing is \
         imported before you say so.",
};

/// How many rows that fail are shown; all of them can be downloaded.
const SHOWN: usize = 50;

/// What is done with users who are there already.
const CONFLICTS: [(&str, Text); 3] = [
    ("skip", Text { zh: "保持不变", en: "stay as they are" }),
    ("update", Text { zh: "按文件更新", en: "are changed to what the file says" }),
    ("fail", Text { zh: "视为错误", en: "are a fault of the row" }),
];

request! {
    struct ImportForm {
        on_conflict: Optional<OnConflict>,
        role: Optional<Role>,
        generate_passwords: Optional<Flag>,
        all_or_nothing: Optional<Flag>,
    }
}

request! {
    struct StepForm {
        id: Required<Token>,
        action: Optional<Token>,
    }
}

async fn show(api: Data<Api>, client: Client, visitor: Visitor) -> Answer<HttpResponse> {
    visitor.allowed::<UsersImport>(&api, client.0)?;
    form(&api, &visitor, &Typed::default()).respond()
}

fn form(api: &Api, visitor: &Visitor, typed: &Typed) -> Page {
    let mut page = visitor.page(navigation::IMPORT).saying(WHAT);
    let there = Text { zh: "已存在的用户", en: "Users who are there already" };
    page.fields = vec![
        Field::file("file", Text { zh: "文件", en: "File" }),
        Field::choice("on_conflict", there, &typed.get("on_conflict"), CONFLICTS.to_vec()),
        new_role_field(api, Text { zh: "未注明角色时", en: "Role of rows without one" }, typed),
        Field::check(
            "generate_passwords",
            Text {
                zh: "为没有密码的新用户生成初始密码",
                en: "Make a first password for new users without one",
            },
        ),
        Field::check(
            "all_or_nothing",
            Text {
                zh: "有任何一行出错则全部不导入", en: "Import nothing if a row fails"
            },
        ),
    ];
    page.buttons = vec![Button::new("check", Text { zh: "检查", en: "Check" })];
    let template = Text { zh: "下载模板", en: "Download a template" };
    page.links = vec![("import-template".into(), template)];
    page
}

async fn start(
    api: Data<Api>,
    client: Client,
    visitor: Visitor,
    request: HttpRequest,
    payload: Payload,
) -> Answer<HttpResponse> {
    let allowed = visitor.allowed::<UsersImport>(&api, client.0)?;
    let (PageForm { typed, fields }, upload) = PageForm::of_upload(&request, payload).await?;
    match checked(&api, &allowed, fields, upload).await {
        Ok(id) => Ok(see_other(&format!("import-job?id={}", id.get()))),
        Err(error) => undone(error, async { Ok(form(&api, &visitor, &typed)) }).await,
    }
}

async fn checked(
    api: &Api,
    allowed: &Allowed<UsersImport>,
    fields: Result<ImportForm, ApiError>,
    upload: Result<Upload, ApiError>,
) -> Answer<JobId> {
    let (fields, upload) = (fields?, upload?);
    let default_role = fields.role.value()?.unwrap_or_else(|| api.settings.default_role.into());
    let options = ImportOptions {
        on_conflict: fields.on_conflict.value()?.unwrap_or_default(),
        update: UpdateAlso::default(),
        default_role,
        length: api.settings.v1_password,
        generate_passwords: fields.generate_passwords.value()?.unwrap_or(false),
        good_from: None,
        dry_run: true,
    };
    let all_or_nothing = fields.all_or_nothing.value()?.unwrap_or(false);
    let Upload { format, file } = upload;
    let input = StartImportInput { format, file, options, all_or_nothing };
    Ok(api.services.start_import.execute(allowed, input).await?)
}

fn job_id(text: &str) -> Answer<JobId> {
    Ok(id_in(text).ok_or(ErrorKind::JobNotFound)?)
}

async fn show_job(api: Data<Api>, client: Client, visitor: Visitor) -> Answer<HttpResponse> {
    let id = job_id(visitor.parameter("id").unwrap_or_default())?;
    job_page(&api, &visitor, id, client.0).await?.respond()
}

async fn job_page(
    api: &Api,
    visitor: &Visitor,
    id: JobId,
    request: RequestContext,
) -> Answer<Page> {
    let allowed = visitor.allowed::<UsersImport>(api, request)?;
    let report = api.services.get_import.execute(&allowed, id, 0).await?;
    let job = &report.job;
    let number = id.get();
    let mut page = visitor.page(navigation::IMPORT).saying(said(job.state));
    page.fields = vec![Field::hidden("id", number.to_string())];
    page.is_waiting = job.state.is_at_work();
    page.facts = facts(job);
    let cancel = Button::danger("cancel", Text { zh: "取消", en: "Cancel" }).alone();
    match job.state {
        JobState::Checking | JobState::Running => {
            let again = Text { zh: "刷新", en: "Look again" };
            page.links = vec![(format!("import-job?id={number}").into(), again)];
            page.buttons = vec![cancel];
        }
        JobState::Checked => {
            let import = Text { zh: "确认导入", en: "Import" };
            page.buttons = vec![Button::new("commit", import), cancel];
        }
        JobState::Failed => {
            page.error = v1::job_failure(job, visitor.locale).map(|(_, message)| message);
            page.links =
                vec![("import".into(), Text { zh: "重新选择文件", en: "Choose another file" })];
        }
        JobState::Done => {
            page.links = vec![("users".into(), navigation::USERS)];
        }
    }
    let may_have_passwords = job.state == JobState::Done && job.tally.created > 0;
    if job.state.is_at_work() || !may_have_passwords && job.tally.failed == 0 {
        return Ok(page);
    }
    let results = downloads::all_results(api, &allowed, id).await?;
    if results.iter().any(|row| row.password.is_some()) {
        let text = Text { zh: "下载初始密码", en: "Download first passwords" };
        page.links.push((format!("import-passwords?id={number}").into(), text));
    }
    if job.tally.failed > 0 {
        page.items = results.iter().filter_map(|row| item(row, visitor)).take(SHOWN).collect();
        let text = Text { zh: "下载出错的行", en: "Download the rows that fail" };
        page.links.push((format!("import-failed?id={number}").into(), text));
    }
    Ok(page)
}

fn said(state: JobState) -> Text {
    match state {
        JobState::Checking => {
            Text { zh: "正在检查文件……", en: "The file is being checked…" }
        }
        JobState::Checked => Text {
            zh: "检查完毕，尚未导入。导入的结果将是：",
            en: "The file is checked, and nothing is imported yet. This is what importing it would do:",
        },
        JobState::Running => {
            Text { zh: "正在导入……", en: "The users are being imported…" }
        }
        JobState::Done => Text { zh: "导入完成。", en: "The import is done." },
        JobState::Failed => Text { zh: "导入失败。", en: "The import has failed." },
    }
}

fn facts(job: &Job) -> Vec<(Text, String)> {
    let tally = job.tally;
    vec![
        (Text { zh: "总行数", en: "Rows" }, tally.rows().to_string()),
        (Text { zh: "新建", en: "New users" }, tally.created.to_string()),
        (Text { zh: "更新", en: "Changed users" }, tally.updated.to_string()),
        (Text { zh: "不变", en: "Unchanged" }, tally.unchanged.to_string()),
        (Text { zh: "出错", en: "Rows that fail" }, tally.failed.to_string()),
        (Text { zh: "结果保留至", en: "Kept until" }, moment(job.expires_at)),
    ]
}

/// A row that fails.
fn item(row: &ReportedRow, visitor: &Visitor) -> Option<Item> {
    let Outcome::Failed(error) = &row.outcome else { return None };
    let (_, reason) = row_problem(&error.problem, visitor.locale);
    let column = error.column.map(|column| format!("{}: ", column.name())).unwrap_or_default();
    let label = Text { zh: "行", en: "Row" }.in_locale(visitor.locale);
    let named = |(column, _): &&(ImportColumn, String)| *column == ImportColumn::Username;
    let name = row.cells.iter().find(named).map_or("", |(_, text)| text.as_str());
    let details = vec![format!("{column}{reason}")];
    Some(Item { title: format!("{label} {} {name}", row.number), details, ..Item::default() })
}

async fn act(
    api: Data<Api>,
    client: Client,
    visitor: Visitor,
    sent: PageForm<StepForm>,
) -> Answer<HttpResponse> {
    let id = job_id(&sent.typed("id"))?;
    let here = format!("import-job?id={}", id.get());
    let allowed = visitor.allowed::<UsersImport>(&api, client.0.clone())?;
    let done = match sent.typed("action").as_str() {
        "commit" => {
            let committed = api.services.commit_import.execute(&allowed, id).await;
            committed.map(|_job| here.as_str()).map_err(Rejection::from)
        }
        "cancel" => {
            let cancelled = api.services.cancel_import.execute(&allowed, id).await;
            cancelled.map(|_gone| "import").map_err(Rejection::from)
        }
        _ => Ok(here.as_str()),
    };
    match done {
        Ok(to) => Ok(see_other(to)),
        Err(error) => undone(error, job_page(&api, &visitor, id, client.0)).await,
    }
}

async fn template(api: Data<Api>, client: Client, visitor: Visitor) -> Answer<HttpResponse> {
    visitor.allowed::<UsersImport>(&api, client.0)?;
    Ok(downloads::import_template(&api.settings.attributes, visitor.locale)?)
}

async fn failed_rows(api: Data<Api>, client: Client, visitor: Visitor) -> Answer<HttpResponse> {
    let allowed = visitor.allowed::<UsersImport>(&api, client.0)?;
    let id = job_id(visitor.parameter("id").unwrap_or_default())?;
    downloads::failed_rows(&api, &allowed, id, visitor.locale).await
}

async fn passwords(api: Data<Api>, client: Client, visitor: Visitor) -> Answer<HttpResponse> {
    let allowed = visitor.allowed::<UsersImport>(&api, client.0)?;
    let id = job_id(visitor.parameter("id").unwrap_or_default())?;
    downloads::first_passwords(&api, &allowed, id).await
}
