//! What every dialect shares.

pub(crate) mod answer;
pub(crate) mod body;
pub(crate) mod caller;
pub(crate) mod client;
pub(crate) mod cors;
pub(crate) mod figures;
pub(crate) mod headers;
pub(crate) mod json;
pub(crate) mod locale;
pub(crate) mod path;
pub(crate) mod patience;
pub(crate) mod query;
pub(crate) mod reply;
pub(crate) mod server;
pub(crate) mod unfit;
pub(crate) mod unread;
