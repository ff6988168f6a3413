//! `POST /cache/test`.

use menjin_web::cache_failed;

use crate::prelude::*;
use crate::v1::responses::Done;

const DONE: Text = Text { zh: "缓存功能正常", en: "The cache works" };

pub(super) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/cache/{key:test}", probe)
        .success("The cache works")
        .message(DONE)
        .refusals(&[ErrorKind::CacheFailed])
}

/// Test the cache.
///
/// Writes, reads back and deletes a probe.
#[api_v2_operation(operation_id = "test_cache", tags("Cache"))]
async fn probe(api: Data<Api>, CacheUser(allowed): CacheUser) -> Answer<Done> {
    api.services.probe_cache.execute(allowed).await.map_err(cache_failed)?;
    Ok(Done(DONE))
}
