//! `POST /api/v1/users/import`.

use menjin_domain::access::rights::UsersImport;
use menjin_domain::accounts::Role;
use menjin_domain::common::Timestamp;
use menjin_domain::import::{ImportOptions, OnConflict, StartImportInput, UpdateAlso};
use menjin_web::values::Flag;

use crate::http::upload::Upload;
use crate::prelude::*;
use crate::v1::users::get_import::ImportResponse;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/api/v1/users/import", import)
        .success("The file is being checked")
        .refusals(&[ErrorKind::JobInProgress])
}

request! {
    struct ImportQuery {
        /// What is done with rows whose user is there already.
        on_conflict: Optional<OnConflict> => { "default": "skip" },
        /// With `on_conflict=update`: what else is changed, with commas between them. Each needs its right:
        /// `users.set_password`, `roles.grant`, `users.write`.
        update: Optional<UpdateAlso>,
        /// The role of rows without one. By default that of registrations.
        role: Optional<Role>,
        /// Whether new users get a password if their row has none. Without one they cannot log in before
        /// they have got one by a link.
        generate_passwords: Optional<Flag> => { "default": false },
        /// From when on first passwords are good. By default at once.
        good_from: Optional<Timestamp>,
        /// Whether nothing is imported if a row fails.
        all_or_nothing: Optional<Flag> => { "default": false },
    }
}

impl ImportQuery {
    fn into_input(self, upload: Upload, api: &Api) -> Result<StartImportInput, ApiError> {
        let Upload { format, file } = upload;
        let default_role = self.role.value()?.unwrap_or_else(|| api.settings.default_role.into());
        let options = ImportOptions {
            on_conflict: self.on_conflict.value()?.unwrap_or_default(),
            update: self.update.value()?.unwrap_or_default(),
            default_role,
            length: api.settings.v1_password,
            generate_passwords: self.generate_passwords.value()?.unwrap_or(false),
            good_from: self.good_from.value()?,
            dry_run: true,
        };
        let all_or_nothing = self.all_or_nothing.value()?.unwrap_or(false);
        Ok(StartImportInput { format, file, options, all_or_nothing })
    }
}

/// Check a table of users.
///
/// CSV, NDJSON or an Excel workbook: as the one file of a form, or as the body (`text/csv`,
/// `application/x-ndjson`, or the media type of a workbook). The first row names the
/// columns; a template has all of them. Nothing is imported yet: the answer names the import, which says
/// what would be done. Then it is committed or cancelled; after an hour it is gone.
#[api_v2_operation(operation_id = "start_import", tags("User Management"))]
async fn import(
    api: Data<Api>,
    Ordered(Authorized(allowed), Ordered(Query(query), upload)): Ordered<
        Authorized<UsersImport>,
        Ordered<Query<ImportQuery>, Upload>,
    >,
    context: ReplyContext,
) -> Answer<Reply<ImportResponse, 202>> {
    let input = query.into_input(upload, &api)?;
    let id = api.services.start_import.execute(&allowed, input).await?;
    let report = api.services.get_import.execute(&allowed, id, 0).await?;
    Ok(Reply(ImportResponse::new(&report, context.locale)))
}
