//! `/cache/*`: values that clients keep for each other. Clients see a namespace of their own, whatever
//! `cache_api.access` is.

mod probe;
mod read;
mod write;

use crate::endpoint::Endpoint;

/// All endpoints. Everything below `/cache/` is a key, slashes included, so that a bad one is told to
/// be bad. `test` can be read, but not written: `POST` there is the probe.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![read::endpoint_of_test(), probe::endpoint(), read::endpoint(), write::endpoint()]
}
