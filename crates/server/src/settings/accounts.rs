//! `[accounts]`: what people may do to their own accounts.

use menjin_domain::accounts::EmailChangeMode;

use super::prelude::*;

#[derive(Debug, Clone, Deserialize, Serialize, Validate)]
#[garde(allow_unvalidated)]
pub(crate) struct AccountsSettings {
    #[serde(deserialize_with = "text::name")]
    email_change: EmailChange,
    #[serde(with = "duration")]
    #[garde(custom(lasts(Duration::ZERO, YEAR)))]
    pub(crate) delete_grace: Duration,
}

/// How addresses change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum EmailChange {
    /// As it suits the rest: to be confirmed in production, if mails are sent there.
    Auto,
    /// At once.
    Direct,
    /// By a link to the new address.
    Confirm,
}

impl AccountsSettings {
    /// How addresses change on this server.
    pub(crate) fn email_change(&self, production: bool, has_mail: bool) -> EmailChangeMode {
        match self.email_change {
            EmailChange::Confirm => EmailChangeMode::Confirm,
            EmailChange::Auto if production && has_mail => EmailChangeMode::Confirm,
            EmailChange::Auto | EmailChange::Direct => EmailChangeMode::Direct,
        }
    }

    pub(super) fn check(&self, has_mail: bool) -> Result<(), SettingsError> {
        let can_confirm = has_mail || self.email_change != EmailChange::Confirm;
        require("accounts.email_change", can_confirm, {
            "no mails are sent (mail.mode = off), so nobody could confirm an address"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn q3_in_production_with_mail_addresses_are_confirmed_unless_it_is_said_otherwise() {
        use EmailChangeMode::{Confirm as ByLink, Direct as AtOnce};
        for (email_change, production, has_mail, expected) in [
            (EmailChange::Auto, false, true, AtOnce),
            (EmailChange::Auto, true, false, AtOnce),
            (EmailChange::Auto, true, true, ByLink),
            (EmailChange::Direct, true, true, AtOnce),
            (EmailChange::Confirm, false, true, ByLink),
        ] {
            let settings = AccountsSettings { email_change, delete_grace: Duration::ZERO };
            assert_eq!(settings.email_change(production, has_mail), expected, "{email_change:?}");
        }
    }
}
