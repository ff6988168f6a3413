//! `[registration]`: the role of accounts that register themselves.

use menjin_domain::access::Roles;
use menjin_domain::accounts::{RegistrableRole, Role};
use menjin_domain::ports;

use super::prelude::*;

#[derive(Debug, Clone, Deserialize, Serialize, Validate)]
#[garde(allow_unvalidated)]
pub(crate) struct RegistrationSettings {
    #[serde(with = "text")]
    default_role: Role,
    #[serde(deserialize_with = "text::name")]
    pub(crate) mode: RegistrationMode,
    #[serde(deserialize_with = "text::name")]
    pub(crate) require_verification: RequiredVerification,
    #[serde(with = "duration")]
    #[garde(custom(lasts(Duration::ZERO, LONGEST)))]
    unverified_keep: Duration,
    #[serde(with = "list")]
    pub(crate) reserved_names: Vec<String>,
}

impl RegistrationSettings {
    /// After how long accounts are deleted that nobody has proved or used; `None`: never.
    pub(crate) fn unverified_keep(&self) -> Option<Duration> {
        Some(self.unverified_keep).filter(|keep| !keep.is_zero())
    }

    /// Whether anybody may register.
    pub(crate) fn is_open(&self) -> bool {
        self.mode == RegistrationMode::Open
    }

    /// The role of an account that registers through `/api/v1`.
    ///
    /// # Errors
    /// There is no such role, or it may not be taken by registration.
    pub(crate) fn default_role(&self, roles: &Roles) -> Result<RegistrableRole, SettingsError> {
        let role = self.default_role;
        let bad = |reason: &str| {
            let reason = format!("{:?} {reason}", role.as_str());
            SettingsError::bad("registration.default_role", reason)
        };
        if !roles.knows(role) {
            return Err(bad("is no role: write a section [roles.NAME] for it"));
        }
        if roles.has_any(role) {
            return Err(bad("has rights, and nobody gets those by registering"));
        }
        RegistrableRole::try_from(role).map_err(|_admin| bad("cannot be the role"))
    }
}

/// What needs a verified address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RequiredVerification {
    /// Nothing.
    Off,
    /// Logging in.
    Login,
}

/// Who may register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RegistrationMode {
    /// Anybody.
    Open,
    /// Whoever has an invitation.
    Invite,
    /// Nobody.
    Closed,
}

impl From<RegistrationMode> for ports::RegistrationMode {
    fn from(mode: RegistrationMode) -> Self {
        match mode {
            RegistrationMode::Open => Self::Open,
            RegistrationMode::Invite => Self::Invite,
            RegistrationMode::Closed => Self::Closed,
        }
    }
}
