//! The document as it is served.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use actix_web::http::header::EntityTag;
use actix_web::web::Bytes;
use serde_json::{Value, json};

/// The document, and the tag by which a client knows whether it has changed.
pub(crate) struct Document {
    pub(crate) bytes: Bytes,
    pub(crate) tag: EntityTag,
}

impl Document {
    /// Makes it, with the paths in this order: the pages show them as they stand in the text.
    pub(crate) fn new(document: &Value, paths: &[String]) -> Self {
        let bytes = Bytes::from(in_order(document, paths));
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        Self { bytes, tag: EntityTag::new_strong(format!("{:016x}", hasher.finish())) }
    }
}

/// The text of a document. A map of `serde_json` has no order but that of its keys.
fn in_order(document: &Value, paths: &[String]) -> String {
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
