//! `[cors]`: which pages of other origins may call the API.

use menjin_api::{Cors, Origin, RequestHeader};

use super::prelude::*;

#[derive(Debug, Clone, Deserialize, Serialize, Validate)]
#[garde(allow_unvalidated)]
pub(crate) struct CorsSettings {
    #[serde(with = "list")]
    origins: Vec<Origin>,
    credentials: bool,
    #[serde(with = "list")]
    headers: Vec<RequestHeader>,
    // Browsers cache a preflight for no longer.
    #[serde(with = "duration")]
    #[garde(custom(lasts(Duration::ZERO, DAY)))]
    max_age: Duration,
}

impl CorsSettings {
    pub(crate) fn config(&self) -> Cors {
        Cors {
            origins: self.origins.clone(),
            credentials: self.credentials,
            headers: self.headers.clone(),
            max_age: self.max_age,
        }
    }

    /// `*` must be alone, and without credentials.
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        let any = self.origins.iter().any(Origin::is_any);
        let alone = !any || self.origins.len() == 1;
        require("cors.origins", alone, "* leaves nothing for others to add")?;
        let reason = "not with cors.origins = *: any page could act as its visitor";
        require("cors.credentials", !(any && self.credentials), reason)
    }
}
