//! Resources that know their methods.

use actix_web::HttpResponse;
use paperclip::actix::web::{self, Resource, Route};

use crate::failure::Failure;

/// A resource with these routes; any other method is answered with 405 and `Allow`.
///
/// `allow` is what the header says (RFC 9110 §10.2.1). `HEAD` is there wherever `GET` is: the
/// middleware turns it into one, and the server leaves the body out.
pub(crate) fn resource(path: &str, allow: &'static str, routes: Vec<Route>) -> Resource {
    let resource = web::resource(path).default_service(web::to(move || async move {
        Err::<HttpResponse, _>(Failure::MethodNotAllowed { allow })
    }));
    routes.into_iter().fold(resource, Resource::route)
}
