//! The second factor with authenticators of other makers.

use std::fs;
use std::process::Command;

use crate::Served;
use crate::tools::{chromium, node, python, scratch, succeed};

/// pyotp takes what the server gives, and logs in; zbar reads the QR code as a browser shows it.
#[tokio::test(flavor = "multi_thread")]
async fn y1_authenticators_of_other_makers_work() {
    let served = Served::start(&[("MENJIN__MAIL__MODE", "off")]).await;
    let folder = scratch("second-factor");
    let (qr, uri) = (folder.join("qr.svg"), folder.join("uri"));
    let picture = folder.join("qr.png");
    let mut test = python("python");
    test.arg("mfa_test.py").env("MENJIN_URL", &served.server.url);
    succeed(test.env("MENJIN_QR", &qr).env("MENJIN_URI", &uri));
    let mut test = node();
    test.args(["--test", "mfa.test.mjs"]).env("MENJIN_TEST_CHROMIUM", chromium());
    succeed(test.env("MENJIN_QR", &qr).env("MENJIN_PICTURE", &picture));
    let read = succeed(Command::new("zbarimg").args(["--quiet", "--raw"]).arg(&picture));
    assert_eq!(read.lines().next().unwrap(), fs::read_to_string(&uri).unwrap());
}

/// Chromium and its virtual authenticator, on pages that nothing breaks.
#[tokio::test(flavor = "multi_thread")]
async fn y8_a_browser_makes_and_uses_passkeys() {
    let served = Served::start(&[("MENJIN__MAIL__MODE", "off")]).await;
    let mut test = node();
    test.args(["--test", "passkeys.test.mjs"]).env("MENJIN_TEST_CHROMIUM", chromium());
    succeed(test.env("MENJIN_URL", &served.server.url));
}
