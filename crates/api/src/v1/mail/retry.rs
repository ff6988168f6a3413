//! `POST /api/v1/mails/{id}/retry`.

use menjin_domain::access::rights::MailsRetry;
use menjin_domain::mail::MailId;

use crate::prelude::*;
use crate::v1::mail::list::MailResponse;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/api/v1/mails/{mail_id}/retry", retry)
        .success("The mail is queued again")
        .refusals(&[ErrorKind::MailNotFound, ErrorKind::MailNotRetriable])
}

/// Send a mail again.
///
/// For administrators. One that was given up, while the link in it is valid and the account has the
/// same address.
#[api_v2_operation(operation_id = "retry_mail", tags("Mail"))]
async fn retry(
    api: Data<Api>,
    Ordered(Authorized(allowed), Path(id)): Ordered<Authorized<MailsRetry>, Path<MailId>>,
) -> Answer<Reply<MailResponse>> {
    let mail = api.services.retry_mail.execute(&allowed, id).await?;
    Ok(Reply(MailResponse::from(&mail)))
}
