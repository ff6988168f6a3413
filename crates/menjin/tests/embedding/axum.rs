//! `examples/axum.rs`

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use menjin::Menjin;
use menjin::audit::AuditAction;
use menjin::common::Timestamp;
use reqwest::{Client, Method};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::example;

const PASSWORD: &str = "correct horse 7";

struct Service {
    process: Child,
    url: String,
}

impl Service {
    fn start(folder: &Path) -> Self {
        let mut command = example("axum", folder);
        let mut process = command.arg("127.0.0.1:0").stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stderr.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("{line}"));
        Self { process, url: url.to_owned() }
    }

    fn stop(mut self) {
        kill_process(Pid::from_child(&self.process), Signal::INT).unwrap();
        assert!(self.process.wait().unwrap().success());
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<Value>,
    ) -> (u16, Value) {
        // Who is installed first stays.
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = Client::builder().no_proxy().build().unwrap();
        let mut request = client.request(method, format!("{}{path}", self.url));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.ask(Method::POST, path, None, Some(body)).await
    }

    async fn get(&self, path: &str, token: &str) -> (u16, Value) {
        self.ask(Method::GET, path, Some(token), None).await
    }

    async fn log_in(&self, name: &str) -> String {
        let sent = json!({ "username": name, "password": PASSWORD });
        let (status, answer) = self.post("/login", sent).await;
        assert_eq!(status, 200, "{answer}");
        answer["access_token"].as_str().unwrap().to_owned()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn mike() -> Value {
    json!({ "username": "mike", "email": "mike@example.com", "password": PASSWORD })
}

#[tokio::test]
async fn somebody_registers_logs_in_and_out() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start(folder.path());
    let (status, made) = service.post("/register", mike()).await;
    assert_eq!((status, &made["username"]), (200, &json!("mike")), "{made}");
    let (status, again) = service.post("/register", mike()).await;
    assert_eq!((status, &again["code"]), (400, &json!("username_taken")), "{again}");
    let bad = json!({ "username": "no spaces", "email": "", "password": "" });
    let (status, bad) = service.post("/register", bad).await;
    assert_eq!((status, &bad["code"]), (422, &json!("invalid")), "{bad}");
    assert!(bad["message"].as_str().unwrap().starts_with("username: "), "{bad}");
    let wrong = json!({ "username": "mike", "password": "wrong" });
    let (status, wrong) = service.post("/login", wrong).await;
    assert_eq!((status, &wrong["code"]), (401, &json!("invalid_credentials")), "{wrong}");

    let token = service.log_in("mike").await;
    assert_eq!(service.get("/me", &token).await, (200, made));
    let (status, refused) = service.get("/users", &token).await;
    assert_eq!((status, &refused["code"]), (403, &json!("forbidden")), "{refused}");
    let left = service.ask(Method::POST, "/logout", Some(&token), None).await;
    assert_eq!(left.0, 204);
    let (status, over) = service.get("/me", &token).await;
    assert_eq!((status, &over["code"]), (401, &json!("invalid_token")), "{over}");
    let nobody = service.ask(Method::GET, "/me", None, None).await;
    assert_eq!((nobody.0, &nobody.1["code"]), (401, &json!("not_authenticated")));
}

#[tokio::test]
async fn tokens_outlive_a_restart_and_an_administrator_sees_the_users() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start(folder.path());
    service.post("/register", mike()).await;
    let token = service.log_in("mike").await;
    // Beside the service.
    crate::command_line::make_admin(folder.path(), PASSWORD);
    service.stop();
    let service = Service::start(folder.path());
    assert_eq!(service.get("/me", &token).await.0, 200, "the secret is kept");
    let root = service.log_in("root").await;
    let (status, users) = service.get("/users", &root).await;
    assert_eq!((status, users.as_array().unwrap().len()), (200, 2), "{users}");
    let second = example("axum", folder.path()).arg("127.0.0.1:0").output().unwrap();
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(!second.status.success() && said.contains("Claimed"), "{said}");
}

/// Clients that hang up while their right password is checked lock nobody out.
#[tokio::test]
async fn a_log_in_goes_on_though_its_client_has_gone() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start(folder.path());
    service.post("/register", mike()).await;
    let body = json!({ "username": "mike", "password": PASSWORD }).to_string();
    let address = service.url.strip_prefix("http://").unwrap();
    let builder = Menjin::builder().sqlite(folder.path().join("data/app.db"));
    let builder = builder.secret_file(folder.path().join("data/auth.secret"));
    let records = builder.beside_servers().build().await.unwrap().store().audit_records.clone();
    let all = (Timestamp::UNIX_EPOCH, Timestamp::MAX_UTC);
    // More often than failures are allowed.
    for number in 1..=12 {
        let mut gone = TcpStream::connect(address).unwrap();
        let head = "POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json";
        write!(gone, "{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
        // The service has read it, and hashes, before the connection ends.
        gone.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let mut answer = [0; 200];
        if let Ok(read) = gone.read(&mut answer) {
            panic!("answered at once: {}", String::from_utf8_lossy(&answer[..read]));
        }
        drop(gone);
        let done = async {
            while records.count(AuditAction::LoggedIn, all.0, all.1).await.unwrap() < number {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), done).await.unwrap();
    }
    service.log_in("mike").await;
}
