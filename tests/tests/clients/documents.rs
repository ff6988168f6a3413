//! The clients that the document prints, unmodified.

use crate::Served;
use crate::tools::{node, python, succeed};

#[tokio::test(flavor = "multi_thread")]
async fn the_documents_javascript_works() {
    let served = Served::start(&[]).await;
    succeed(node().args(["--test", "documents.test.mjs"]).env("MENJIN_URL", &served.server.url));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documents_python_works() {
    let served = Served::start(&[]).await;
    succeed(python("python").arg("documents_test.py").env("MENJIN_URL", &served.server.url));
}
