//! What the manual shows, pasted alone, in both languages.

use std::fs;

use crate::Served;
use crate::tools::{clients, node, node_program, python, succeed};

/// The block of this kind in a page of the manual that has this text, for the server of the test.
fn shown(page: &str, kind: &str, with: &str, url: &str) -> String {
    let text = fs::read_to_string(format!("{}/../docs/src/{page}", env!("CARGO_MANIFEST_DIR")));
    let text = text.unwrap();
    let fence = format!("```{kind}\n");
    let mut blocks = text.split(&fence).skip(1);
    let block = blocks.find_map(|rest| rest.split("```").next().filter(|b| b.contains(with)));
    let block = block.unwrap_or_else(|| panic!("{page} shows no {kind} with {with}"));
    // By then the manual has changed the password.
    block.replace("http://127.0.0.1:8000", url).replace("password456", "password123")
}

#[tokio::test(flavor = "multi_thread")]
async fn j30_python_that_verifies_tokens_works_alone() {
    let mut generate = menjin_tests::process::command(
        env!("CARGO_BIN_EXE_menjin-under-test"),
        &std::env::temp_dir(),
    );
    let key = menjin_tests::process::output(generate.args(["keys", "generate"])).stdout;
    let key = String::from_utf8(key).unwrap();
    let served = Served::start(&[("MENJIN__AUTH__ACCESS_KEY", &key)]).await;
    for language in ["", "zh/"] {
        let page = format!("{language}guide/verifying-tokens.md");
        let script = shown(&page, "python", "PyJWKClient", &served.server.url);
        let printed = succeed(python("python").args(["-c", &script]));
        assert!(printed.contains("'aud': 'menjin'"), "{printed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn j30_typescript_works_with_the_settings_that_are_shown() {
    let served = Served::start(&[]).await;
    let url = &served.server.url;
    for language in ["", "zh/"] {
        let page = format!("{language}guide/clients.md");
        // Below the packages, so that the compiler finds them.
        let folder = tempfile::tempdir_in(clients()).unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("package.json", "{\"type\": \"module\"}");
        write("tsconfig.json", &shown(&page, "json", "compilerOptions", url));
        write("client.ts", &shown(&page, "typescript", "openapi-fetch", url));
        let document = format!("{url}/openapi.json");
        let schema = folder.path().join("schema.d.ts");
        succeed(node_program("openapi-typescript").arg(document).arg("-o").arg(schema));
        succeed(node_program("tsc").arg("-p").arg(folder.path()));
        let printed = succeed(node().arg(folder.path().join("client.js")));
        assert_eq!(printed.trim(), "mike");
    }
}
