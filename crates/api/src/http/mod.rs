//! What every dialect shares.

pub(crate) mod body;
pub(crate) mod caller;
pub(crate) mod client;
pub(crate) mod field;
pub(crate) mod hasher;
pub(crate) mod locale;
pub(crate) mod middleware;
pub(crate) mod parse;
pub(crate) mod path;
pub(crate) mod query;
pub(crate) mod refusal;
pub(crate) mod routes;
pub(crate) mod scope;
pub(crate) mod time;
