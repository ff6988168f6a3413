//! `GET /cache/{key}`.

use menjin_domain::cache::CacheKey;
use menjin_web::field::FieldType as _;
use menjin_web::schema::{Components, Schema, Written};
use menjin_web::{cache_failed, values};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::prelude::*;

pub(super) fn endpoint() -> Endpoint {
    Endpoint::new(Method::GET, "/cache/{key:.*}", read)
        .success("The entry")
        .refusals(&[ErrorKind::EntryNotFound, ErrorKind::CacheFailed])
}

/// The same for the key `test`, which has a path of its own for the sake of `POST`.
pub(super) fn endpoint_of_test() -> Endpoint {
    Endpoint::hidden(Method::GET, "/cache/{key:test}", read)
}

/// The object that a client put, as it was put.
#[derive(Serialize)]
#[serde(transparent)]
struct StoredObject(Box<RawValue>);

impl Schema for StoredObject {
    fn inline(components: &mut Components<'_>) -> Value {
        values::Object::schema(&components.rules)
    }
}

response! {
    /// An entry and how long it has left.
    struct Entry as "CacheEntry" {
        key: Written<CacheKey>,
        data: StoredObject,
        /// Seconds left.
        ttl: u64 => { "minimum": 1, "example": 50 },
    }
}

/// Read a cache entry.
///
/// Only what was written by `POST` to the same path can be read.
#[api_v2_operation(operation_id = "read_cache", tags("Cache"))]
async fn read(
    api: Data<Api>,
    Ordered(CacheUser(allowed), Path(key)): Ordered<CacheUser, Path<CacheKey>>,
) -> Answer<Reply<Entry>> {
    let found = api.services.read_entry.execute(allowed, &key).await.map_err(cache_failed)?;
    // Only `write` fills this namespace: anything but JSON is a fault of the cache's.
    let data = serde_json::from_slice(&found.value).map(StoredObject).map_err(|error| {
        tracing::error!(%error, "a cache entry is not JSON");
        ErrorKind::CacheFailed
    })?;
    // Rounded up: what is still there has at least a second.
    let ttl = found.ttl.as_secs() + u64::from(found.ttl.subsec_nanos() > 0);
    Ok(Reply(Entry { key: Written::from(&key), data, ttl }))
}
