//! `/account/logout`: ends the session.

use menjin_web::values::Token;

use super::form::PageForm;
use super::page::see_other;
use super::visitor::Visitor;
use crate::prelude::*;

const PATH: &str = "/account/logout";

pub(super) fn endpoints() -> [Endpoint; 1] {
    [Endpoint::hidden(Method::POST, PATH, act)]
}

request! {
    struct LogoutForm {
        action: Optional<Token>,
    }
}

async fn act(
    api: Data<Api>,
    client: Client,
    visitor: Visitor,
    _form: PageForm<LogoutForm>,
) -> Answer<HttpResponse> {
    if let Some(caller) = visitor.caller() {
        api.services.logout.execute(caller, client.0).await?;
    }
    Ok(see_other("login"))
}
