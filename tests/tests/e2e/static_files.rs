//! Files that are the same for everybody, and the address that the API document names.

use std::io::Write as _;
use std::process::{Command, Stdio};

use menjin_tests::app::TestApp;
use menjin_tests::client::Client;
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::json;

/// A file as it came.
struct Sent {
    status: u16,
    headers: HeaderMap,
    bytes: Vec<u8>,
}

impl Sent {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// Asks with these headers.
async fn get(client: &Client, path: &str, headers: &[(&str, &str)]) -> Sent {
    let request = client.request(Method::GET, path);
    let asked =
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let response = asked.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Sent { status, headers, bytes: response.bytes().await.unwrap().to_vec() }
}

/// What the pages load, as they write it.
fn named_in(page: &str) -> Vec<String> {
    let quoted =
        page.split('"').filter(|text| text.starts_with("docs/") || text.starts_with("redoc/"));
    quoted.map(ToOwned::to_owned).collect()
}

#[tokio::test]
async fn j21_what_the_pages_load_is_kept_by_its_hash_and_compressed() {
    let app = TestApp::start().await;
    let client = app.anonymous();
    let mut compressed = 0;
    for page in ["/docs", "/redoc"] {
        let html = get(&client, page, &[]).await;
        assert_eq!(html.header("cache-control"), Some("no-cache"), "{page}");
        let named = named_in(str::from_utf8(&html.bytes).unwrap());
        assert!(named.len() >= 2, "{named:?}");
        for file in named {
            let (path, hash) = file.split_once("?v=").unwrap();
            let plain = get(&client, &format!("/{file}"), &[]).await;
            let kept = Some("public, max-age=31536000, immutable");
            assert_eq!((plain.status, plain.header("cache-control")), (200, kept), "{file}");
            let tag = plain.header("etag").unwrap();
            assert_eq!(tag, format!("\"{hash}\""), "{file}");
            assert_eq!(plain.header("content-encoding"), None, "{file}");
            let again = get(&client, &format!("/{file}"), &[("if-none-match", tag)]).await;
            assert_eq!((again.status, again.bytes.len()), (304, 0), "{file}");
            // Another version of the program is asked, or nobody knows the hash.
            for address in [format!("/{path}"), format!("/{path}?v=0123456789abcdef")] {
                let other = get(&client, &address, &[]).await;
                let caching = other.header("cache-control");
                assert_eq!((other.status, caching), (200, Some("no-cache")), "{address}");
            }
            let takes = [("accept-encoding", "br;q=0.9, gzip, deflate")];
            let small = get(&client, &format!("/{file}"), &takes).await;
            if plain.bytes.len() < 10_000 {
                assert_eq!(small.header("content-encoding"), None, "{file}");
                continue;
            }
            compressed += 1;
            assert_eq!(small.header("content-encoding"), Some("gzip"), "{file}");
            assert!(small.header("vary").unwrap().contains("accept-encoding"), "{file}");
            assert_ne!(small.header("etag"), Some(tag), "{file}");
            assert!(small.bytes.len() * 3 < plain.bytes.len(), "{file}");
            assert_eq!(unpacked(&small.bytes), plain.bytes, "{file}");
            let refused = [("accept-encoding", "gzip;q=0, identity")];
            let big = get(&client, &format!("/{file}"), &refused).await;
            assert_eq!(big.header("content-encoding"), None, "{file}");
        }
    }
    assert_eq!(compressed, 3);
}

fn unpacked(gzip: &[u8]) -> Vec<u8> {
    let mut command = Command::new("gzip");
    command.arg("-dc").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (mut input, gzip) = (child.stdin.take().unwrap(), gzip.to_vec());
    let writer = std::thread::spawn(move || input.write_all(&gzip).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output.stdout
}

/// Where people reach the server is what the document and the first page name.
#[tokio::test]
async fn j21_the_document_names_the_public_url() {
    for (public_url, prefix) in [
        ("https://site.example/auth/", "/auth"),
        ("https://site.example", ""),
        ("http://[2001:db8::7]:8000/a/b", "/a/b"),
    ] {
        let app = TestApp::start_with(&[("server.public_url", public_url)]).await;
        let client = app.anonymous();
        let document = client.get("/openapi.json").await.body;
        let public_url = public_url.trim_end_matches('/');
        assert_eq!(document["servers"], json!([{ "url": public_url }]));
        let schemes = &document["components"]["securitySchemes"];
        let flow = &schemes["OAuth2PasswordBearer"]["flows"]["password"];
        assert_eq!(flow["tokenUrl"], format!("{public_url}/api/v1/auth/login"));
        let root = client.get("/").await.body;
        for (name, path) in [
            ("docs", "docs"),
            ("redoc", "redoc"),
            ("openapi", "openapi.json"),
            ("health", "health"),
        ] {
            assert_eq!(root[name], format!("{prefix}/{path}"));
        }
    }
}
