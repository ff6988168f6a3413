//! What every dialect shares.

pub(crate) mod answer;
pub(crate) mod body;
pub(crate) mod caller;
pub(crate) mod client;
pub(crate) mod cors;
pub(crate) mod field;
pub(crate) mod figures;
pub(crate) mod headers;
pub(crate) mod json;
pub(crate) mod locale;
pub(crate) mod parse;
pub(crate) mod path;
pub(crate) mod patience;
pub(crate) mod query;
pub(crate) mod refusal;
pub(crate) mod routes;
pub(crate) mod scope;
pub(crate) mod server;
pub(crate) mod time;
pub(crate) mod unfit;
pub(crate) mod unread;
