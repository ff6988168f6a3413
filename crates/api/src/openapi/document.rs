//! The text of the document.

use serde_json::{Value, json};

/// The text of a document, with the paths in this order: the pages show them as they stand in the text.
/// A map of `serde_json` has no order but that of its keys.
pub(super) fn in_order(document: &Value, paths: &[String]) -> String {
    let pair = |name: &str, value: &str| format!("{}:{value}", json!(name));
    let member = |(name, value): (&String, &Value)| match value.as_object() {
        Some(values) if name == "paths" => {
            let paths = paths.iter().filter_map(|path| Some((path, values.get(path)?)));
            let paths: Vec<_> = paths.map(|(path, at)| pair(path, &at.to_string())).collect();
            pair(name, &format!("{{{}}}", paths.join(",")))
        }
        _ => pair(name, &value.to_string()),
    };
    let members: Vec<_> = document.as_object().into_iter().flatten().map(member).collect();
    format!("{{{}}}", members.join(","))
}
