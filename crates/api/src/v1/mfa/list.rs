//! `GET /api/v1/users/me/mfa`.

use menjin_domain::mfa::Factors;
use menjin_domain::passkeys::{Passkey, PasskeyName};

use crate::prelude::*;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::GET, "/api/v1/users/me/mfa", list).success("The second factors")
}

response! {
    /// A passkey. Times are RFC 3339 in UTC.
    struct PasskeyResponse as "Passkey" {
        id: i64 => { "minimum": 1, "example": 1 },
        name: String => { "maxLength": PasskeyName::MAX, "example": "iPhone" },
        created_at: Time,
        /// Null: never.
        last_used_at: Option<Time>,
    }
}

response! {
    /// The second factors of a user.
    struct FactorsResponse as "Factors" {
        /// Whether there is an authenticator app.
        totp: bool,
        /// The oldest first.
        passkeys: Vec<PasskeyResponse>,
    }
}

impl From<&Passkey> for PasskeyResponse {
    fn from(passkey: &Passkey) -> Self {
        Self {
            id: passkey.id.get(),
            name: passkey.name.as_str().to_owned(),
            created_at: Time(passkey.created_at),
            last_used_at: passkey.last_used_at.map(Time),
        }
    }
}

impl From<&Factors> for FactorsResponse {
    fn from(factors: &Factors) -> Self {
        Self {
            totp: factors.has_app,
            passkeys: factors.passkeys.iter().map(PasskeyResponse::from).collect(),
        }
    }
}

/// List one's own second factors.
///
/// The authenticator app, and the passkeys with their ids. Recovery codes are not listed: they are shown once.
#[api_v2_operation(operation_id = "list_factors", tags("Second factor"))]
async fn list(api: Data<Api>, caller: Enrolling) -> Answer<Reply<FactorsResponse>> {
    let factors = api.services.list_factors.execute(&caller).await?;
    Ok(Reply(FactorsResponse::from(&factors)))
}
