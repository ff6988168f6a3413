//! Content that is the same for everybody until the next version of the program: the API document and
//! the files of the pages.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use actix_web::http::header::{
    AcceptEncoding, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, Encoding, EntityTag,
    Header as _, IfNoneMatch, VARY,
};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};

/// Content with the tag by which a client knows whether it has changed (RFC 9110 §8.8.3).
pub(crate) struct Content {
    media_type: &'static str,
    plain: Bytes,
    /// The same, compressed.
    gzip: Option<Bytes>,
    /// The hash of the content, in hexadecimal.
    pub(crate) hash: String,
}

impl Content {
    /// Takes the content, and what gzip makes of it if that is worth while.
    pub(crate) fn new(media_type: &'static str, plain: Bytes, gzip: Option<Bytes>) -> Self {
        let mut hasher = DefaultHasher::new();
        plain.hash(&mut hasher);
        Self { media_type, plain, gzip, hash: format!("{:016x}", hasher.finish()) }
    }

    /// Answers with the content in a form that the client takes, or with 304 if it has that form.
    pub(crate) fn serve(&self, request: &HttpRequest, caching: &'static str) -> HttpResponse {
        let gzip = self.gzip.as_ref().filter(|_| takes_gzip(request));
        // Each form has a tag of its own: a proxy may ask for parts of one.
        let suffix = if gzip.is_some() { "-gzip" } else { "" };
        let tag = EntityTag::new_strong(format!("{}{suffix}", self.hash));
        let is_known = has(request, &tag);
        let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
        response.insert_header((ETAG, tag.to_string())).insert_header((CACHE_CONTROL, caching));
        if self.gzip.is_some() {
            response.append_header((VARY, "accept-encoding"));
        }
        if is_known {
            return response.finish();
        }
        response.insert_header((CONTENT_TYPE, self.media_type));
        if gzip.is_some() {
            response.insert_header((CONTENT_ENCODING, "gzip"));
        }
        response.body(gzip.unwrap_or(&self.plain).clone())
    }
}

/// Whether the client has what the tag names (RFC 9110 §13.1.2).
fn has(request: &HttpRequest, tag: &EntityTag) -> bool {
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(tag)),
        Err(_) => false,
    }
}

fn takes_gzip(request: &HttpRequest) -> bool {
    let wanted = AcceptEncoding::parse(request);
    let offered = [Encoding::gzip(), Encoding::identity()];
    wanted.is_ok_and(|wanted| wanted.negotiate(offered.iter()) == Some(Encoding::gzip()))
}
