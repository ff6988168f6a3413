//! `/cache/*`: values that clients keep for each other, in a namespace of their own.

mod bodies;

use actix_web::web::{Data, Json};
use menjin_domain::cache::EntryTtl;
use paperclip::actix::web::{ServiceConfig, get, post};
use paperclip::actix::{Apiv2Schema, api_v2_operation};
use serde::Serialize;
use serde_json::value::RawValue;

use bodies::EntryBody;

use crate::failure::{Failure, cache_failure};
use crate::http::body::Body;
use crate::http::caller::{After, CacheUser};
use crate::http::locale::Locale;
use crate::http::path::CacheKeyParam;
use crate::http::routes::resource;
use crate::messages::Message;
use crate::state::Api;
use crate::v1::MessageView;

/// Registers the routes. Everything below `/cache/` is a key, slashes included, so that a bad one is
/// told to be bad. `test` can be read, but not written: `POST` there is the probe.
pub(crate) fn routes(services: &mut ServiceConfig<'_>) {
    let methods = "GET, HEAD, POST";
    services
        .service(resource("/cache/{key:test}", methods, vec![get().to(read), post().to(probe)]))
        .service(resource("/cache/{key:.*}", methods, vec![get().to(read), post().to(write)]));
}

/// The object that a client put, as it was put.
#[derive(Serialize)]
#[serde(transparent)]
pub(crate) struct StoredObject(Box<RawValue>);

/// An entry and how long it has left.
#[derive(Serialize, Apiv2Schema)]
#[openapi(rename = "CacheEntry")]
struct EntryView {
    key: String,
    data: StoredObject,
    ttl: u64,
}

/// What was written and for how long.
#[derive(Serialize, Apiv2Schema)]
#[openapi(rename = "CacheWritten")]
struct WrittenView {
    message: &'static str,
    key: String,
    ttl: u64,
}

/// Test the cache.
///
/// Writes, reads back and deletes a probe.
#[api_v2_operation(operation_id = "test_cache", tags("Cache"))]
async fn probe(
    api: Data<Api>,
    user: CacheUser,
    locale: Locale,
) -> Result<Json<MessageView>, Failure> {
    api.services.probe_cache.execute(user.0).await.map_err(cache_failure)?;
    Ok(Json(MessageView::new(Message::CacheWorks, locale)))
}

/// Read a cache entry.
///
/// Only what was written by `POST` to the same path can be read.
#[api_v2_operation(operation_id = "read_cache", tags("Cache"))]
async fn read(
    api: Data<Api>,
    After(user, key): After<CacheUser, CacheKeyParam>,
) -> Result<Json<EntryView>, Failure> {
    let found = api.services.read_entry.execute(user.0, &key.0).await.map_err(cache_failure)?;
    // Only `write` fills this namespace: anything but JSON is a fault of the cache's.
    let data = serde_json::from_slice(&found.value).map(StoredObject).map_err(|error| {
        tracing::error!(%error, "a cache entry is not JSON");
        Failure::CacheFailed(None)
    })?;
    // Rounded up: what is still there has at least a second.
    let ttl = found.ttl.as_secs() + u64::from(found.ttl.subsec_nanos() > 0);
    Ok(Json(EntryView { key: key.0.to_string(), data, ttl }))
}

/// Write a cache entry.
///
/// It lives for the time given and replaces what is there. No entry can be written under the key `test`: there, `POST` is the test.
#[api_v2_operation(operation_id = "write_cache", tags("Cache"))]
async fn write(
    api: Data<Api>,
    After(user, After(key, body)): After<CacheUser, After<CacheKeyParam, Body<EntryBody>>>,
    locale: Locale,
) -> Result<Json<WrittenView>, Failure> {
    let (value, ttl): (Vec<u8>, EntryTtl) = body.to_entry()?;
    api.services.write_entry.execute(user.0, &key.0, value, ttl).await.map_err(cache_failure)?;
    let message = Message::EntryWritten.text(locale);
    Ok(Json(WrittenView { message, key: key.0.to_string(), ttl: ttl.get().as_secs() }))
}
