//! What every dialect shares.

pub(crate) mod body;
pub(crate) mod caller;
pub(crate) mod client;
pub(crate) mod content;
pub(crate) mod cookie;
pub(crate) mod hasher;
pub(crate) mod locale;
pub(crate) mod middleware;
pub(crate) mod path;
pub(crate) mod query;
pub(crate) mod reply;
pub(crate) mod upload;
