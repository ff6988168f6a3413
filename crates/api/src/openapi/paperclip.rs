//! paperclip reads ids, tags, summaries and descriptions above the handlers. What stands in their
//! signatures is nothing to it: that describes itself, by `endpoint.rs`.

use menjin_web::schema::Schema;
use menjin_web::values::PathParameter;
use paperclip::actix::OperationModifier;
use paperclip::v2::schema::{Apiv2Errors, Apiv2Schema};

use crate::dialect::ReplyContext;
use crate::envelope::Success;
use crate::http::body::Body;
use crate::http::caller::{
    Authorized, CacheUser, Caller, Enrolling, Ordered, Owner, PageCaller, RestrictedCaller,
};
use crate::http::client::Client;
use crate::http::path::Path;
use crate::http::query::Query;
use crate::http::reply::{Rejection, Reply};
use crate::v1::responses::Done;

macro_rules! unseen {
    ($([$($generics:tt)*] $type:ty;)*) => {$(
        impl<$($generics)*> Apiv2Schema for $type {}
        impl<$($generics)*> OperationModifier for $type {}
    )*};
}

unseen! {
    [] CacheUser;
    [] Caller;
    [] RestrictedCaller;
    [] Owner;
    [] PageCaller;
    [] Enrolling;
    [] Client;
    [] ReplyContext;
    [A, B] Ordered<A, B>;
    [R] Authorized<R>;
    [T, const FORM: bool] Body<T, FORM>;
    [const STATUS: u16] Done<STATUS>;
    [T, const STATUS: u16] Reply<T, STATUS>;
    [T: PathParameter] Path<T>;
    [T: Schema] Success<T>;
    [T] Query<T>;
}

impl Apiv2Errors for Rejection {}
