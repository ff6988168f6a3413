//! Services that verify access tokens themselves, with libraries that are not ours.

use menjin_tests::process::{command, output};

use crate::Served;
use crate::tools::{node, python, succeed};

/// The names of an algorithm on the command line, to Python's cryptography, and in tokens.
const ALGORITHMS: [(&str, &str, &str); 2] = [
    ("eddsa", "ed25519.Ed25519PrivateKey.generate()", "EdDSA"),
    ("es256", "ec.generate_private_key(ec.SECP256R1())", "ES256"),
];

/// A key that `menjin keys generate` has made.
fn generated(algorithm: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut generate = command(env!("CARGO_BIN_EXE_menjin-under-test"), folder.path());
    let made = output(generate.args(["keys", "generate", "--algorithm", algorithm]));
    assert!(made.status.success());
    String::from_utf8(made.stdout).unwrap()
}

async fn signing_with(pem: &str) -> Served {
    Served::start(&[("MENJIN__AUTH__ACCESS_KEY", pem)]).await
}

/// With keys that OpenSSL has made, by way of Python's cryptography.
#[tokio::test(flavor = "multi_thread")]
async fn pyjwt_verifies_access_tokens() {
    for (_, generate, name) in ALGORITHMS {
        let script = format!(
            "from cryptography.hazmat.primitives.asymmetric import ec, ed25519\n\
             from cryptography.hazmat.primitives import serialization as s\n\
             print({generate}.private_bytes(\
             s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption()).decode(), end='')"
        );
        let served = signing_with(&succeed(python("python").args(["-c", &script]))).await;
        let mut test = python("python");
        test.arg("verify_tokens_test.py").env("MENJIN_ALGORITHM", name);
        succeed(test.env("MENJIN_URL", &served.server.url));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn jose_verifies_access_tokens() {
    for (kind, _, name) in ALGORITHMS {
        let served = signing_with(&generated(kind)).await;
        let mut test = node();
        test.args(["--test", "verify-tokens.test.mjs"]).env("MENJIN_ALGORITHM", name);
        succeed(test.env("MENJIN_URL", &served.server.url));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn others_read_the_keys_that_menjin_makes() {
    let script = "import os\n\
                  from cryptography.hazmat.primitives.serialization import load_pem_private_key\n\
                  load_pem_private_key(os.environ['PEM'].encode(), None)";
    for (kind, _, _) in ALGORITHMS {
        succeed(python("python").args(["-c", script]).env("PEM", generated(kind)));
    }
}
