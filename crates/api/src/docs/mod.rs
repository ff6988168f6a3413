//! `/docs` (Swagger UI) and `/redoc` (`ReDoc`), out of the binary: no content network is asked, and
//! the pages may load from this origin alone. `scripts/vendor-docs` fetches the assets.

use actix_web::HttpRequest;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};

use crate::prelude::*;

/// What a page may do: run and load what this server sends. Styles may also stand in the page, where
/// both put theirs.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                      img-src 'self' data:; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// A file in the binary.
struct Asset {
    path: &'static str,
    content_type: &'static str,
    content: &'static [u8],
}

const HTML: &str = "text/html; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";

macro_rules! asset {
    ($path:literal, $content_type:expr, $file:literal) => {
        Asset {
            path: $path,
            content_type: $content_type,
            content: include_bytes!(concat!("../../assets/", $file)),
        }
    };
}

const ASSETS: [Asset; 7] = [
    asset!("/docs", HTML, "swagger-ui/index.html"),
    asset!("/docs/start.js", JAVASCRIPT, "swagger-ui/start.js"),
    asset!("/docs/swagger-ui.css", CSS, "swagger-ui/swagger-ui.css"),
    asset!("/docs/swagger-ui-bundle.js", JAVASCRIPT, "swagger-ui/swagger-ui-bundle.js"),
    asset!("/redoc", HTML, "redoc/index.html"),
    asset!("/redoc/start.js", JAVASCRIPT, "redoc/start.js"),
    asset!("/redoc/redoc.standalone.js", JAVASCRIPT, "redoc/redoc.standalone.js"),
];

/// The pages and what they load.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    ASSETS.iter().map(|asset| Endpoint::hidden(Method::GET, asset.path, serve)).collect()
}

async fn serve(request: HttpRequest) -> Answer<HttpResponse> {
    let path = request.match_pattern();
    let asset = ASSETS.iter().find(|asset| path.as_deref() == Some(asset.path));
    let asset = asset.ok_or(ErrorKind::RouteNotFound)?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, asset.content_type))
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        // A new version of the binary may bring new ones: an hour is short enough to see them.
        .insert_header((CACHE_CONTROL, "public, max-age=3600"))
        .body(asset.content))
}
