//! The documentation pages in Chromium, and pages of other origins.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;

use menjin_tests::browser::Browser;
use menjin_tests::process::{Server, output_given};
use menjin_tests::servers::balancer::{GUARDED, LoadBalancer, PREFIX};

use crate::Served;
use crate::tools::{chromium, firefox, node, python, succeed};

#[tokio::test(flavor = "multi_thread")]
async fn the_documentation_pages_work_in_a_browser() {
    let served = Served::start(&[]).await;
    let mut test = node();
    test.args(["--test", "browser.test.mjs"]);
    test.env("MENJIN_URL", &served.server.url).env("MENJIN_TEST_CHROMIUM", chromium());
    succeed(&mut test);
}

/// A proxy serves menjin below a path of its own, whether menjin knows it or not. The pages call where
/// they came from, which need not be where the document says.
#[tokio::test(flavor = "multi_thread")]
async fn j21_the_documentation_pages_work_below_a_path_prefix() {
    for public_url in ["", "https://site.example/auth/"] {
        let served = Served::start(&[("MENJIN__SERVER__PUBLIC_URL", public_url)]).await;
        let proxy = LoadBalancer::nginx(&[&served.server.url]);
        let mut test = node();
        test.args(["--test", "--test-name-pattern=Swagger UI|ReDoc", "browser.test.mjs"]);
        test.env("MENJIN_URL", format!("{}{PREFIX}", proxy.url));
        test.env("MENJIN_TEST_CHROMIUM", chromium());
        let said = succeed(&mut test);
        assert!(said.contains("pass 3"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn k5_k6_the_pages_of_mails_work_in_a_browser_with_a_script_and_without() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = crate::menjin(folder.path());
    let server = Server::start(command.env("MENJIN__MAIL__CHECK_EVERY", "20ms"));
    let mut invite = crate::menjin(folder.path());
    let port = server.url.rsplit(':').next().unwrap();
    invite.args(["invitations", "create", "--role", "student", "--max-uses", "2", "--port", port]);
    let said = succeed(&mut invite);
    let link = said.lines().find(|line| line.contains('#')).unwrap();
    let mut test = node();
    test.args(["--test", "mail.test.mjs"]).env("MENJIN_INVITATION", link);
    test.env("MENJIN_URL", &server.url).env("MENJIN_TEST_CHROMIUM", chromium());
    succeed(&mut test);
}

/// An application without a login of its own, behind nginx.
#[tokio::test(flavor = "multi_thread")]
async fn g9_nginx_lets_in_who_is_logged_in_and_leads_others_to_the_login() {
    let served = Served::start(&[]).await;
    let proxy = LoadBalancer::nginx(&[&served.server.url]);
    let browser = Browser::new(&proxy.url);
    let page = format!("{GUARDED}/page");
    let stranger = browser.open(&page).await;
    let login = stranger.location.unwrap();
    let login = login.strip_prefix(&proxy.url).unwrap();
    assert_eq!((stranger.status, login), (302, "/account/login?next=/app/page"));
    let token = browser.open(login).await.form_token();
    let fields = [("username", "mike"), ("password", "password123"), ("next", &*page)];
    assert!(browser.send("/account/login", &token, &fields).await.leads_to(&page));
    let answer = browser.request(reqwest::Method::GET, &page).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["x-seen-user"], "2");
    let token = browser.open("/account/profile").await.form_token();
    browser.send("/account/logout", &token, &[]).await;
    assert_eq!(browser.open(&page).await.status, 302);
}

/// Attacks by a client that finds pages and forms by itself, over http and as if behind a proxy with TLS.
#[tokio::test(flavor = "multi_thread")]
async fn g3_g4_g6_attacks_on_the_pages_from_elsewhere_do_nothing() {
    for public in ["", "https://site.example"] {
        let folder = tempfile::tempdir().unwrap();
        let mut command = crate::menjin(folder.path());
        command.env("MENJIN__HASHING__COST", "4").env("MENJIN__THROTTLE__ENABLED", "false");
        let server = Server::start(command.env("MENJIN__SERVER__PUBLIC_URL", public));
        create_administrator(folder.path());
        let mut test = python("python");
        test.arg("pages_test.py").env("MENJIN_URL", &server.url);
        test.env("MENJIN_PUBLIC", if public.is_empty() { &server.url } else { public });
        succeed(&mut test);
    }
}

/// A server with an administrator, whom the tests of pages know.
fn with_administrator(folder: &Path) -> Server {
    let mut command = crate::menjin(folder);
    let server = Server::start(command.env("MENJIN__HASHING__COST", "4"));
    create_administrator(folder);
    server
}

fn create_administrator(folder: &Path) {
    let mut create = crate::menjin(folder);
    create.args(["admin", "create", "--password-stdin", "--username", "root"]);
    create.args(["--email", "root@example.com"]);
    let made = output_given(&mut create, "correct horse 7");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// Pictures of all pages are left in `target/pages`.
#[tokio::test(flavor = "multi_thread")]
async fn g1_g2_the_pages_of_an_account_are_fit_to_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_administrator(folder.path());
    let pictures = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/pages");
    let mut test = node();
    test.args(["--test", "pages.test.mjs"]).env("MENJIN_PICTURES", pictures);
    test.env("MENJIN_URL", &server.url).env("MENJIN_TEST_CHROMIUM", chromium());
    succeed(&mut test);
}

#[tokio::test(flavor = "multi_thread")]
async fn g1_g2_the_pages_are_fit_to_be_used_in_firefox() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_administrator(folder.path());
    let mut test = node();
    test.args(["--test", "firefox.test.mjs"]);
    test.env("MENJIN_URL", &server.url).env("MENJIN_TEST_FIREFOX", firefox());
    succeed(&mut test);
}

#[tokio::test(flavor = "multi_thread")]
async fn h6_a_browser_shows_answers_to_pages_that_may_call_only() {
    let (allowed, foreign) = (serve_a_page(), serve_a_page());
    let served = Served::start(&[("MENJIN__CORS__ORIGINS", &allowed)]).await;
    let mut test = node();
    test.args(["--test", "cors.test.mjs"]);
    test.env("MENJIN_URL", &served.server.url).env("MENJIN_TEST_CHROMIUM", chromium());
    test.env("MENJIN_ALLOWED_PAGE", allowed).env("MENJIN_FOREIGN_PAGE", foreign);
    succeed(&mut test);
}

/// An origin with an empty page, until the process ends.
fn serve_a_page() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            // A connection that the browser opens ahead of need says nothing: others must not wait.
            std::thread::spawn(move || {
                let head = BufReader::new(stream.try_clone().unwrap()).lines();
                let asked = head.map_while(Result::ok).take_while(|line| !line.is_empty()).count();
                let page = "<!doctype html><title>a page</title><body></body>";
                let answer = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\
                     Connection: close\r\n\r\n{page}",
                    page.len()
                );
                if asked > 0 {
                    drop(stream.write_all(answer.as_bytes()));
                }
            });
        }
    });
    origin
}
