//! `GET /api/v1/users/export`.

use menjin_domain::access::rights::UsersExport;
use menjin_domain::accounts::{Period, Role, SearchTerm, UserFilter};
use menjin_domain::common::Timestamp;
use menjin_web::values::{ExportFormat, Flag};

use crate::downloads;
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
    downloads::users(&api, &allowed, filter, format).await
}
