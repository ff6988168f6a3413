//! What nearly every endpoint uses.

pub(crate) use actix_web::HttpResponse;
pub(crate) use actix_web::http::Method;
pub(crate) use actix_web::web::Data;
pub(crate) use menjin_web::field::{Nullable, Optional, Patch, Required};
pub(crate) use menjin_web::schema::Time;
pub(crate) use menjin_web::{ApiError, ErrorKind, Text, request, response};
pub(crate) use paperclip::actix::api_v2_operation;

pub(crate) use crate::dialect::ReplyContext;
pub(crate) use crate::endpoint::Endpoint;
pub(crate) use crate::http::body::{Body, BodyOrForm, ListBody};
pub(crate) use crate::http::caller::{
    Authorized, CacheUser, Caller, Enrolling, MaybeCaller, Ordered, Owner, RestrictedCaller,
};
pub(crate) use crate::http::client::Client;
pub(crate) use crate::http::path::Path;
pub(crate) use crate::http::query::Query;
pub(crate) use crate::http::reply::{Answer, Reply};
pub(crate) use crate::state::Api;
