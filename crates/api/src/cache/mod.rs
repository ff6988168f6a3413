//! `/cache/*`: values that clients keep for each other, in a namespace of their own.

mod bodies;

use actix_web::web::{Data, Json, ServiceConfig, get, post};
use menjin_domain::cache::EntryTtl;
use serde::Serialize;
use serde_json::value::RawValue;

use bodies::EntryBody;

use crate::failure::Failure;
use crate::http::body::Body;
use crate::http::caller::{After, CacheCaller};
use crate::http::locale::Locale;
use crate::http::path::CacheKeyParam;
use crate::http::routes::resource;
use crate::messages::Message;
use crate::state::Api;
use crate::v1::MessageView;

/// Registers the routes. Everything below `/cache/` is a key, slashes included, so that a bad one is
/// told to be bad. `test` can be read, but not written: `POST` there is the probe.
pub(crate) fn routes(services: &mut ServiceConfig) {
    let methods = "GET, HEAD, POST";
    services
        .service(resource("/cache/{key:test}", methods, vec![get().to(read), post().to(probe)]))
        .service(resource("/cache/{key:.*}", methods, vec![get().to(read), post().to(write)]));
}

#[derive(Serialize)]
struct EntryView {
    key: String,
    data: Box<RawValue>,
    ttl: u64,
}

#[derive(Serialize)]
struct WrittenView {
    message: &'static str,
    key: String,
    ttl: u64,
}

/// `POST /cache/test`: writes, reads back and deletes a probe.
async fn probe(
    api: Data<Api>,
    caller: CacheCaller,
    locale: Locale,
) -> Result<Json<MessageView>, Failure> {
    api.use_cases.probe_cache.execute(caller.as_ref()).await?;
    Ok(Json(MessageView::new(Message::CacheWorks, locale)))
}

/// `GET /cache/{key}`.
async fn read(
    api: Data<Api>,
    After(caller, key): After<CacheCaller, CacheKeyParam>,
) -> Result<Json<EntryView>, Failure> {
    let found = api.use_cases.read_entry.execute(caller.as_ref(), &key.0).await?;
    // Only `write` fills this namespace: anything but JSON is a fault of the cache's.
    let data = serde_json::from_slice(&found.value).map_err(|error| {
        tracing::error!(%error, "a cache entry is not JSON");
        Failure::CacheFailed(None)
    })?;
    // Rounded up: what is still there has at least a second.
    let ttl = found.ttl.as_secs() + u64::from(found.ttl.subsec_nanos() > 0);
    Ok(Json(EntryView { key: key.0.to_string(), data, ttl }))
}

/// `POST /cache/{key}`.
async fn write(
    api: Data<Api>,
    After(caller, (key, body)): After<CacheCaller, (CacheKeyParam, Body<EntryBody>)>,
    locale: Locale,
) -> Result<Json<WrittenView>, Failure> {
    let (value, ttl): (Vec<u8>, EntryTtl) = body.to_entry()?;
    api.use_cases.write_entry.execute(caller.as_ref(), &key.0, value, ttl).await?;
    let message = Message::EntryWritten.text(locale);
    Ok(Json(WrittenView { message, key: key.0.to_string(), ttl: ttl.get().as_secs() }))
}
