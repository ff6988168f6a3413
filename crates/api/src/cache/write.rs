//! `POST /cache/{key}`.

use menjin_domain::cache::{CacheKey, EntryTtl};
use menjin_web::schema::Written;
use menjin_web::{cache_failed, values};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::dialect::ReplyContext;
use crate::http::body::RawBody;
use crate::prelude::*;

const DONE: Text = Text { zh: "缓存设置成功", en: "Cache entry set" };

pub(super) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/cache/{key:.*}", write)
        .success("The entry was written")
        .refusals(&[ErrorKind::CacheFailed])
}

request! {
    /// An entry to be written.
    struct WriteRequest as "CacheWrite" {
        /// Any JSON object.
        data: Required<values::Object>,
        /// Seconds to live.
        ttl: Nullable<EntryTtl>,
    }
}

/// The entry as it stands in the body.
#[derive(Deserialize)]
struct SentData<'a> {
    #[serde(borrow)]
    data: &'a RawValue,
}

response! {
    /// What was written and for how long.
    struct WriteResponse as "CacheWritten" {
        message: &'static str => { "example": DONE.zh },
        key: Written<CacheKey>,
        /// Seconds to live.
        ttl: u64 => { "minimum": 1, "example": 60 },
    }
}

/// Write a cache entry.
///
/// It lives for the time given and replaces what is there. No entry can be written under the key `test`: there, `POST` is the test.
#[api_v2_operation(operation_id = "write_cache", tags("Cache"))]
async fn write(
    api: Data<Api>,
    Ordered(CacheUser(allowed), Ordered(Path(key), RawBody(body, bytes))): Ordered<
        CacheUser,
        Ordered<Path<CacheKey>, RawBody<WriteRequest>>,
    >,
    context: ReplyContext,
) -> Answer<Reply<WriteResponse>> {
    // As it was sent: parsing it would sort the names, and round numbers beyond 64 bits.
    let SentData { data } = serde_json::from_slice(&bytes).map_err(|error| {
        tracing::error!(%error, "a body that is valid has no data");
        ErrorKind::Internal
    })?;
    let value = data.get().as_bytes().to_vec();
    let ttl = body.ttl.value()?.unwrap_or(EntryTtl::DEFAULT);
    api.services.write_entry.execute(allowed, &key, value, ttl).await.map_err(cache_failed)?;
    let message = DONE.in_locale(context.locale);
    Ok(Reply(WriteResponse { message, key: Written::from(&key), ttl: ttl.get().as_secs() }))
}
