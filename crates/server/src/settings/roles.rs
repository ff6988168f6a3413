//! `[roles.NAME]`: which role has which rights.

use std::collections::BTreeMap;

use menjin_domain::access::Roles;
use menjin_domain::access::rights::RightId;
use menjin_domain::accounts::Role;

use super::prelude::*;

/// The roles by their names.
pub(crate) type RoleTable = BTreeMap<String, RoleSettings>;

#[derive(Debug, Clone, Default, Deserialize, Serialize, Validate)]
#[garde(allow_unvalidated)]
#[serde(default)]
pub(crate) struct RoleSettings {
    #[serde(with = "list")]
    rights: Vec<RightId>,
}

/// The roles that the settings define, with those of the documents.
///
/// # Errors
/// A name that no role can have, or rights for `admin`.
pub(crate) fn roles(table: &RoleTable) -> Result<Roles, SettingsError> {
    let mut roles = Vec::new();
    for (name, settings) in table {
        let setting = || format!("roles.{name}");
        let role: Role =
            name.parse().map_err(|error| SettingsError::bad(setting(), format!("{error}")))?;
        require(&setting(), role != Role::ADMIN, "admin has all rights, and cannot have others")?;
        roles.push((role, settings.rights.iter().copied().collect()));
    }
    Ok(Roles::new(roles))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_settings_file_lists_every_right() {
        for right in menjin_domain::access::rights::RightId::ALL {
            let name = right.as_str();
            assert!(include_str!("../../../../config/default.toml").contains(name), "{name}");
        }
    }
}
