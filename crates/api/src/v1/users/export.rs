//! `GET /api/v1/users/export`.

use actix_web::HttpResponseBuilder;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::web::Bytes;
use futures_util::stream;
use menjin_domain::access::rights::UsersExport;
use menjin_domain::accounts::{Period, Role, SearchTerm, User, UserFilter};
use menjin_domain::common::{Causes, PortError, Timestamp};
use menjin_domain::import::{Cell, ExportColumn, UserExport};
use menjin_tables::CsvWriter;
use menjin_web::values::{ExportFormat, Flag};
use serde_json::{Map, Value};

use crate::prelude::*;

const FORMATS: &[&str] = &[ExportFormat::Csv.media_type(), ExportFormat::Ndjson.media_type()];

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::GET, "/api/v1/users/export", export)
        .file("The users, as a table", FORMATS)
}

request! {
    struct ExportQuery {
        /// As what.
        format: Optional<ExportFormat> => { "default": "csv" },
        /// How the user name, the e-mail address or the full name begins.
        q: Optional<SearchTerm>,
        /// Only those of this role.
        role: Optional<Role>,
        /// Only those that are active, or that are not.
        is_active: Optional<Flag>,
        /// Only those whose e-mail address is verified, or is not.
        is_verified: Optional<Flag>,
        /// Only those made at this time or later.
        created_since: Optional<Timestamp>,
        /// Only those made before this time.
        created_until: Optional<Timestamp>,
        /// Only those whose last log-in was at this time or later.
        last_login_since: Optional<Timestamp>,
        /// Only those whose last log-in was before this time.
        last_login_until: Optional<Timestamp>,
    }
}

impl ExportQuery {
    fn into_filter(self) -> Result<(UserFilter, ExportFormat), ApiError> {
        let filter = UserFilter {
            term: self.q.value()?.flatten(),
            role: self.role.value()?,
            is_active: self.is_active.value()?,
            is_verified: self.is_verified.value()?,
            created: Period {
                since: self.created_since.value()?,
                until: self.created_until.value()?,
            },
            last_login: Period {
                since: self.last_login_since.value()?,
                until: self.last_login_until.value()?,
            },
        };
        Ok((filter, self.format.value()?.unwrap_or(ExportFormat::Csv)))
    }
}

/// Download users.
///
/// As CSV for spreadsheets, in which a cell that looks like a formula begins with a quote mark, or as
/// NDJSON: all users, or those that match all filters. Both can be imported. No passwords are in it.
#[api_v2_operation(operation_id = "export_users", tags("User Management"))]
async fn export(
    api: Data<Api>,
    Ordered(Authorized(allowed), Query(query)): Ordered<
        Authorized<UsersExport>,
        Query<ExportQuery>,
    >,
) -> Answer<HttpResponse> {
    let (filter, format) = query.into_filter()?;
    let mut users = api.services.export_users.begin(&allowed, filter).await?;
    // The first part is here before the answer begins, so that an outage is answered as one.
    let first = users.next().await?.unwrap_or_default();
    let columns = ExportColumn::all(&api.settings.attributes);
    let head = page(&first, &columns, format, true).map_err(broken)?;
    let parts = stream::try_unfold((Some(head), users), move |(ready, users)| {
        let columns = columns.clone();
        async move { part(ready, users, &columns, format).await }
    });
    Ok(attachment("users", format).streaming(Box::pin(parts)))
}

/// An answer that browsers save as a file of this name.
pub(super) fn attachment(name: &str, format: ExportFormat) -> HttpResponseBuilder {
    let name = format!("attachment; filename=\"{name}.{}\"", format.as_str());
    let mut answer = HttpResponse::Ok();
    answer.insert_header((CONTENT_TYPE, format.media_type()));
    answer.insert_header((CONTENT_DISPOSITION, name));
    answer
}

/// The next part of the answer, and what comes after it.
async fn part(
    ready: Option<Bytes>,
    mut users: UserExport,
    columns: &[ExportColumn],
    format: ExportFormat,
) -> Result<Option<(Bytes, (Option<Bytes>, UserExport))>, std::io::Error> {
    if let Some(ready) = ready {
        return Ok(Some((ready, (None, users))));
    }
    let next = users.next().await.map_err(|error| {
        // The answer has begun: it ends before its end, which the client sees.
        tracing::error!(error = %Causes(&error), "an export broke off");
        std::io::Error::other(error)
    })?;
    let Some(next) = next else { return Ok(None) };
    Ok(Some((page(&next, columns, format, false)?, (None, users))))
}

fn broken(error: std::io::Error) -> PortError {
    PortError::internal("export", error)
}

/// Users as they are sent; the first page begins with the names of the columns.
fn page(
    users: &[User],
    columns: &[ExportColumn],
    format: ExportFormat,
    is_first: bool,
) -> std::io::Result<Bytes> {
    match format {
        ExportFormat::Csv => {
            let mut csv = CsvWriter::continuing(Vec::new());
            if is_first {
                csv = CsvWriter::new(Vec::new())?;
                csv.write(columns.iter().map(ExportColumn::name))?;
            }
            for user in users {
                let cells: Vec<_> =
                    columns.iter().map(|column| column.cell(user).into_text()).collect();
                csv.write(cells.iter().map(AsRef::as_ref))?;
            }
            Ok(csv.finish()?.into())
        }
        ExportFormat::Ndjson => {
            let mut lines = Vec::new();
            for user in users {
                serde_json::to_writer(&mut lines, &exported_user(user, columns))?;
                lines.push(b'\n');
            }
            Ok(lines.into())
        }
    }
}

/// A user as NDJSON has them.
pub fn exported_user(user: &User, columns: &[ExportColumn]) -> Map<String, Value> {
    let columns = columns.iter();
    columns.map(|column| (column.name().to_owned(), value(column.cell(user)))).collect()
}

fn value(cell: Cell<'_>) -> Value {
    match cell {
        Cell::Empty => Value::Null,
        Cell::Text(text) => text.into(),
        Cell::Flag(flag) => flag.into(),
        Cell::Number(number) => number.into(),
    }
}
