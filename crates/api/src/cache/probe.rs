//! `POST /cache/test`.

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
async fn probe(api: Data<Api>, caller: CacheCaller) -> Answer<Done> {
    api.use_cases.probe_cache.execute(caller.as_ref()).await?;
    Ok(Done(DONE))
}
