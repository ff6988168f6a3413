//! Clients generated from `/openapi.json`.

use std::fs;

use menjin_tests::servers::balancer::{LoadBalancer, PREFIX};

use crate::Served;
use crate::tools::{clients, node, node_program, python, scratch, succeed};

#[tokio::test(flavor = "multi_thread")]
async fn a_generated_typescript_client_works() {
    let served = Served::start(&[]).await;
    // Below the packages, so that the compiler finds them.
    let folder = clients().join("generated");
    let document = format!("{}/openapi.json", served.server.url);
    succeed(
        node_program("openapi-typescript").arg(document).arg("-o").arg(folder.join("schema.d.ts")),
    );
    let out = scratch("typescript");
    succeed(node_program("tsc").arg("-p").arg(&folder).arg("--outDir").arg(&out));
    // Where the imports of packages resolve as well.
    let program = folder.join("client.generated.mjs");
    fs::copy(out.join("client.js"), &program).unwrap();
    // J21: below a path prefix, too.
    let proxy = LoadBalancer::nginx(&[&served.server.url]);
    for url in [served.server.url.clone(), format!("{}{PREFIX}", proxy.url)] {
        succeed(node().arg(&program).env("MENJIN_URL", url));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generated_python_client_works() {
    let served = Served::start(&[]).await;
    let out = scratch("python");
    let mut generate = python("openapi-python-client");
    generate.arg("generate").args(["--url", &format!("{}/openapi.json", served.server.url)]);
    generate.args(["--meta", "none", "--overwrite", "--fail-on-warning"]);
    generate.arg("--output-path").arg(out.join("menjin_client"));
    let path = std::env::var("PATH").unwrap_or_default();
    // It formats what it wrote with a tool of the same environment.
    let environment = python("python").get_program().to_owned();
    let folder = std::path::Path::new(&environment).parent().unwrap().display().to_string();
    succeed(generate.env("PATH", format!("{folder}:{path}")));
    // J21: below a path prefix, too.
    let proxy = LoadBalancer::nginx(&[&served.server.url]);
    for url in [served.server.url.clone(), format!("{}{PREFIX}", proxy.url)] {
        let mut test = python("python");
        test.arg("generated_test.py").env("PYTHONPATH", &out).env("MENJIN_URL", &url);
        succeed(&mut test);
    }
}
