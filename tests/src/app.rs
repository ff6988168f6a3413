//! A whole server in this process.

use std::path::PathBuf;
use std::sync::Arc;

use menjin_domain::users::CreateAdminInput;
use menjin_domain::values::{Email, NewPassword, PasswordLength, Username, UsernameLength};
use menjin_server::settings::{Settings, Sources};
use menjin_server::{Application, Running};
use serde_json::json;
use tempfile::TempDir;

use crate::client::Client;
use crate::clock::TurnableClock;

/// The password of every user that a [`TestApp`] makes; the one of the documents' examples.
pub const PASSWORD: &str = "password123";

/// A server on a free port of the loopback interface, with a database in a folder of its own. Its
/// clock stands; it stops with the test's runtime.
pub struct TestApp {
    /// Turn it to let time pass.
    pub clock: TurnableClock,
    running: Running,
    folder: TempDir,
}

/// The settings of a test: cheap hashes, a database in this folder, and whatever else is given.
pub fn settings(folder: &TempDir, overrides: &[(&str, &str)]) -> Settings {
    let database = format!("sqlite://{}", folder.path().join("menjin.db").display());
    let fixed = [
        ("database.url", database.as_str()),
        ("server.port", "0"),
        ("server.workers", "2"),
        ("hashing.cost", "4"),
    ];
    let overrides = fixed.iter().chain(overrides);
    Settings::load(Sources {
        folder: folder.path().to_owned(),
        overrides: overrides.map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        ..Sources::default()
    })
    .unwrap()
}

impl TestApp {
    /// A server with the defaults.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// A server with these settings beside the defaults.
    pub async fn start_with(overrides: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(&folder, overrides);
        let clock = TurnableClock::default();
        let application =
            Application::build_with_clock(&settings, Arc::new(clock.clone())).await.unwrap();
        let running = menjin_server::run(&settings, application).unwrap();
        Self { clock, running, folder }
    }

    /// The file that holds the data.
    pub fn database(&self) -> PathBuf {
        self.folder.path().join("menjin.db")
    }

    /// Where it listens, as `http://127.0.0.1:…`.
    pub fn url(&self) -> String {
        format!("http://{}", self.running.address)
    }

    /// A client that is nobody.
    pub fn anonymous(&self) -> Client {
        Client::new(self.url())
    }

    /// A client logged in as a new user of this name.
    pub async fn user(&self, name: &str) -> Client {
        let client = self.anonymous();
        let body = json!({
            "username": name,
            "email": format!("{name}@example.com"),
            "password": PASSWORD,
        });
        let registered = client.post("/api/v1/auth/register", &body).await;
        assert_eq!(registered.status, 201, "{registered}");
        client.log_in(name, PASSWORD).await
    }

    /// A client logged in as a new administrator of this name.
    pub async fn admin(&self, name: &str) -> Client {
        let input = CreateAdminInput {
            username: Username::parse(name, UsernameLength::DEFAULT).unwrap(),
            email: Email::parse(&format!("{name}@example.com")).unwrap(),
            password: NewPassword::parse(PASSWORD, PasswordLength::DEFAULT).unwrap(),
        };
        let settings = settings(&self.folder, &[]);
        menjin_server::create_admin(&settings).await.unwrap().execute(input).await.unwrap();
        self.anonymous().log_in(name, PASSWORD).await
    }

    /// Stops the server as SIGTERM does and gives back the folder with its data.
    pub async fn stop(self) -> TempDir {
        self.running.stop().await.unwrap();
        self.folder
    }
}

/// A server with a route that panics, `GET /api/v1/panic`: what no release has.
pub async fn with_panicking_route() -> (String, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let application = Application::build(&settings(&folder, &[])).await.unwrap();
    let api = application.api.clone();
    let server = actix_web::HttpServer::new(move || {
        menjin_api::app_with(api.clone(), |services| {
            services.route("/api/v1/panic", actix_web::web::get().to(panicking));
        })
    });
    let server = server.workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", server.addrs().first().unwrap());
    tokio::spawn(server.run());
    (url, folder)
}

async fn panicking() -> actix_web::HttpResponse {
    panic!("canary: a panic of the test's")
}
