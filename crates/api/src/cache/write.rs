//! `POST /cache/{key}`.

use menjin_domain::cache::{CacheKey, EntryTtl};
use menjin_web::schema::Written;
use menjin_web::{cache_failed, values};
use serde_json::Value;

use crate::dialect::ReplyContext;
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
    Ordered(CacheUser(allowed), Ordered(Path(key), Body(body))): Ordered<
        CacheUser,
        Ordered<Path<CacheKey>, Body<WriteRequest>>,
    >,
    context: ReplyContext,
) -> Answer<Reply<WriteResponse>> {
    let value = Value::Object(body.data.value()?).to_string().into_bytes();
    let ttl = body.ttl.value()?.unwrap_or(EntryTtl::DEFAULT);
    api.services.write_entry.execute(allowed, &key, value, ttl).await.map_err(cache_failed)?;
    let message = DONE.in_locale(context.locale);
    Ok(Reply(WriteResponse { message, key: Written::from(&key), ttl: ttl.get().as_secs() }))
}
