//! `[mfa]`: the second factor.

use menjin_domain::access::Roles;
use menjin_domain::accounts::Role;

use super::prelude::*;

#[derive(Debug, Clone, Deserialize, Serialize, Validate)]
#[garde(allow_unvalidated)]
pub(crate) struct MfaSettings {
    #[serde(with = "list")]
    required_for: Vec<String>,
    #[garde(length(chars, min = 1, max = 64))]
    pub(crate) issuer: String,
}

impl MfaSettings {
    /// The roles that need a second factor.
    ///
    /// # Errors
    /// There is no such role.
    pub(crate) fn required_for(&self, roles: &Roles) -> Result<Vec<Role>, SettingsError> {
        let role = |name: &String| {
            let role: Option<Role> = name.parse().ok().filter(|role| roles.knows(*role));
            let known = roles.all().map(|role| role.to_string()).collect::<Vec<_>>().join(", ");
            role.ok_or_else(|| {
                let reason = format!("{name:?} is no role: one of {known}");
                SettingsError::bad("mfa.required_for", reason)
            })
        };
        self.required_for.iter().map(role).collect()
    }
}
