//! `[attributes.NAME]`: what users carry beside the fields of the documents.

use std::collections::BTreeMap;

use menjin_domain::access::rights::RightId;
use menjin_domain::accounts::{AttributeKind, AttributeName, AttributeRule, AttributeRules};
use menjin_domain::import::ImportColumn;

use super::prelude::*;

/// The attributes by their names.
pub(crate) type AttributeTable = BTreeMap<String, AttributeSettings>;

#[derive(Debug, Clone, Default, Deserialize, Serialize, Validate)]
#[garde(allow_unvalidated)]
#[serde(default)]
pub(crate) struct AttributeSettings {
    r#type: String,
    #[serde(with = "list")]
    rights: Vec<RightId>,
    #[serde(deserialize_with = "flag")]
    searchable: bool,
    #[serde(with = "list")]
    headings: Vec<String>,
}

/// A truth value, which the environment and the command line write as a text: of what has no default, they
/// do not know the type.
fn flag<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Flag(bool),
        Text(String),
    }
    match Written::deserialize(deserializer)? {
        Written::Flag(flag) => Ok(flag),
        Written::Text(text) => text.trim().parse().map_err(serde::de::Error::custom),
    }
}

/// The attributes that the settings declare.
///
/// # Errors
/// A name that no attribute can have or that is a field of every user, a type that there is not, or a
/// heading that belongs to something else.
pub(crate) fn attributes(table: &AttributeTable) -> Result<AttributeRules, SettingsError> {
    let mut rules = Vec::new();
    for (name, settings) in table {
        let setting = |key: &str| format!("attributes.{name}{key}");
        let parsed: AttributeName =
            name.parse().map_err(|error| SettingsError::bad(setting(""), format!("{error}")))?;
        let is_free = |heading: &str| ImportColumn::of(heading).is_none();
        require(&setting(""), is_free(name), "every user has a field of this name")?;
        for heading in &settings.headings {
            require(&setting(".headings"), is_free(heading), "another field has this heading")?;
        }
        let kinds = AttributeKind::ALL;
        let kind = kinds.into_iter().find(|kind| kind.as_str() == settings.r#type);
        let known = || kinds.map(AttributeKind::as_str).join(", ");
        let kind = kind
            .ok_or_else(|| SettingsError::bad(setting(".type"), format!("one of {}", known())))?;
        let is_text = kind == AttributeKind::Text;
        let reason = "only attributes of the type text are searched";
        require(&setting(".searchable"), !settings.searchable || is_text, reason)?;
        let (rights, headings) = (settings.rights.clone(), settings.headings.clone());
        let is_searchable = settings.searchable;
        rules.push((parsed, AttributeRule { kind, rights, is_searchable, headings }));
    }
    Ok(AttributeRules::new(rules))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(name: &str, settings: AttributeSettings) -> Result<AttributeRules, String> {
        let table = AttributeTable::from([(name.to_owned(), settings)]);
        attributes(&table).map_err(|error| error.to_string())
    }

    fn of_type(kind: &str) -> AttributeSettings {
        AttributeSettings { r#type: kind.to_owned(), ..AttributeSettings::default() }
    }

    #[test]
    fn a13_what_makes_no_sense_stops_the_start_by_its_name() {
        let rules = declared("student_number", of_type("text")).unwrap();
        assert_eq!(rules.all().count(), 1);
        let with_heading =
            AttributeSettings { headings: vec!["邮箱".to_owned()], ..of_type("text") };
        let searched_number = AttributeSettings { searchable: true, ..of_type("integer") };
        for (name, settings, setting) in [
            ("student_number", of_type(""), "attributes.student_number.type"),
            ("student_number", of_type("number"), "attributes.student_number.type"),
            ("Class", of_type("text"), "attributes.Class"),
            ("email", of_type("text"), "attributes.email"),
            ("class", with_heading, "attributes.class.headings"),
            ("year", searched_number, "attributes.year.searchable"),
        ] {
            let error = declared(name, settings).unwrap_err();
            assert!(error.contains(setting), "{error}");
        }
    }
}
