//! `/docs` (Swagger UI) and `/redoc` (`ReDoc`), out of the binary: no content network is asked, and
//! the pages may load from this origin alone. `scripts/vendor-docs` fetches the assets, and compresses
//! them.
//!
//! All addresses in the pages are relative: they work below any path prefix that a proxy adds.

use std::sync::LazyLock;

use actix_web::HttpRequest;
use actix_web::http::header::{CONTENT_SECURITY_POLICY, HeaderValue};
use actix_web::web::Bytes;

use crate::http::content::Content;
use crate::prelude::*;

/// What a page may do: run and load what this server sends. Styles may also stand in the page, where
/// both put theirs.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                      img-src 'self' data:; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// How long what an address names by the hash of its content is kept: it never changes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// All else is asked for anew each time: the next version of the program may bring another.
const UNTIL_CHANGED: &str = "no-cache";

/// A file in the binary.
struct Asset {
    path: &'static str,
    content_type: &'static str,
    plain: &'static [u8],
    gzip: Option<&'static [u8]>,
}

const HTML: &str = "text/html; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";

macro_rules! file {
    ($file:expr) => {
        include_bytes!(concat!("../../assets/", $file))
    };
}

macro_rules! asset {
    ($path:literal, $content_type:expr, $file:literal) => {
        Asset { path: $path, content_type: $content_type, plain: file!($file), gzip: None }
    };
    ($path:literal, $content_type:expr, $file:literal, compressed) => {
        Asset { gzip: Some(file!(concat!($file, ".gz"))), ..asset!($path, $content_type, $file) }
    };
}

/// What the pages load.
const ASSETS: [Asset; 5] = [
    asset!("/docs/start.js", JAVASCRIPT, "swagger-ui/start.js"),
    asset!("/docs/swagger-ui.css", CSS, "swagger-ui/swagger-ui.css", compressed),
    asset!("/docs/swagger-ui-bundle.js", JAVASCRIPT, "swagger-ui/swagger-ui-bundle.js", compressed),
    asset!("/redoc/start.js", JAVASCRIPT, "redoc/start.js"),
    asset!("/redoc/redoc.standalone.js", JAVASCRIPT, "redoc/redoc.standalone.js", compressed),
];

/// The pages, each with addresses like `docs/start.js`.
const PAGES: [(&str, &str); 2] = [
    ("/docs", include_str!("../../assets/swagger-ui/index.html")),
    ("/redoc", include_str!("../../assets/redoc/index.html")),
];

/// Assets and pages by their paths, once somebody asked for one.
static SERVED: LazyLock<Vec<(&str, Content)>> = LazyLock::new(|| {
    let mut served = Vec::new();
    for asset in ASSETS {
        let gzip = asset.gzip.map(Bytes::from_static);
        let plain = Bytes::from_static(asset.plain);
        served.push((asset.path, Content::new(asset.content_type, plain, gzip)));
    }
    for (path, page) in PAGES {
        // In the order of the assets; a page names few of them.
        let named = served.iter().fold(page.to_owned(), |page, (path, content)| {
            let relative = path.trim_start_matches('/');
            page.replace(&format!("\"{relative}\""), &format!("\"{relative}?v={}\"", content.hash))
        });
        served.push((path, Content::new(HTML, named.into(), None)));
    }
    served
});

/// The pages and what they load.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    let assets = ASSETS.iter().map(|asset| asset.path);
    let all = assets.chain(PAGES.map(|(path, _)| path));
    all.map(|path| Endpoint::hidden(Method::GET, path, serve)).collect()
}

async fn serve(request: HttpRequest) -> Answer<HttpResponse> {
    let path = request.match_pattern();
    let found = SERVED.iter().find(|(served, _)| path.as_deref() == Some(served));
    let (_, content) = found.ok_or(ErrorKind::RouteNotFound)?;
    // While replicas of two versions run, a page of one may ask the other for its files: those must
    // not be kept under that address.
    let is_named = request.query_string() == format!("v={}", content.hash);
    let mut response = content.serve(&request, if is_named { FOR_EVER } else { UNTIL_CHANGED });
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    Ok(response)
}
