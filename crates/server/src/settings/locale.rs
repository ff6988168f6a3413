//! `[locale]`: the language of messages.

use menjin_api::Locale;

use super::prelude::*;
use super::text::Parsed;

#[derive(Debug, Clone, Deserialize, Serialize, Validate)]
#[garde(allow_unvalidated)]
pub(crate) struct LocaleSettings {
    #[serde(with = "text")]
    pub(crate) default: Parsed<Locale>,
}
