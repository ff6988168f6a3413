//! The document as it is served.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use actix_web::http::header::EntityTag;
use actix_web::web::Bytes;
use serde_json::Value;

/// The document, and the tag by which a client knows whether it has changed.
pub(crate) struct Document {
    pub(crate) bytes: Bytes,
    pub(crate) tag: EntityTag,
}

impl Document {
    /// Makes it.
    pub(crate) fn new(document: &Value) -> Self {
        let bytes = Bytes::from(document.to_string());
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        Self { bytes, tag: EntityTag::new_strong(format!("{:016x}", hasher.finish())) }
    }
}
