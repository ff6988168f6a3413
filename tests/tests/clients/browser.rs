//! The documentation pages in Chromium.

use crate::Served;
use crate::tools::{chromium, node, succeed};

#[tokio::test(flavor = "multi_thread")]
async fn the_documentation_pages_work_in_a_browser() {
    let served = Served::start(&[]).await;
    let mut test = node();
    test.args(["--test", "browser.test.mjs"]);
    test.env("MENJIN_URL", &served.server.url).env("MENJIN_TEST_CHROMIUM", chromium());
    succeed(&mut test);
}
