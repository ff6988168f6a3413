//! A whole server in this process.

use std::net::TcpListener;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use menjin_api::Serving;
use menjin_domain::accounts::{CreateAdminInput, Email, LoginName, Username, UsernameLength};
use menjin_domain::credentials::{NewPassword, PasswordHash, PasswordLength};
use menjin_domain::mail::{Outbox, Settlement};
use menjin_infra_mail::{SentMail, SentMailBody, SentMails};
use menjin_server::settings::{Settings, Sources};
use menjin_server::{Application, Running};
use serde_json::json;
use tempfile::TempDir;

use crate::browser::Browser;
use crate::client::Client;
use crate::clock::TurnableClock;
use crate::servers::{postgres, redis};

/// The password of every user that a [`TestApp`] makes; the one of the documents' examples.
pub const PASSWORD: &str = "password123";

/// A server on a free port of the loopback interface, with a database in a folder of its own. Its
/// clock does not move by itself. The server stops with the test's runtime.
pub struct TestApp {
    /// Turn it to let time pass.
    pub clock: TurnableClock,
    running: Running,
    place: Place,
}

/// Where a test keeps its own data: in a folder, and in the profile with replicas also in a
/// database on PostgreSQL and a namespace in Redis.
pub struct Place {
    folder: TempDir,
    settings: Vec<(&'static str, String)>,
}

/// Whether this run is of the profile with replicas, on PostgreSQL and Redis:
/// `MENJIN_TEST_PROFILE=replicas`. The same tests run on both profiles.
pub fn on_replicas() -> bool {
    match std::env::var("MENJIN_TEST_PROFILE").as_deref() {
        Ok("replicas") => true,
        Ok("embedded") | Err(_) => false,
        Ok(other) => panic!("MENJIN_TEST_PROFILE={other}: embedded or replicas"),
    }
}

impl Place {
    /// A new one, of the profile of this run.
    pub async fn new() -> Self {
        if on_replicas() {
            return Self::for_replicas().await;
        }
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("menjin.db");
        let settings = vec![("database.url", format!("sqlite://{}", database.display()))];
        Self { folder, settings }
    }

    /// A new one of the profile with replicas.
    pub async fn for_replicas() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let redis = tokio::task::spawn_blocking(redis::shared_url).await.unwrap();
        let settings = vec![
            ("database.url", postgres::database().await.url),
            ("database.pool_size", "8".to_owned()),
            ("redis.url", redis),
            ("redis.namespace", redis::namespace()),
            ("auth.secret", "0123456789abcdef0123456789abcdef".to_owned()),
        ];
        Self { folder, settings }
    }

    /// The place of another replica on the same data, in the profile with replicas.
    #[must_use]
    pub fn for_another_replica(&self) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), settings: self.settings.clone() }
    }

    /// The folder of the mails.
    fn mails(&self) -> PathBuf {
        self.folder.path().join("mail")
    }

    /// The settings of a test: this place, cheap hashes, and the given ones.
    pub fn settings(&self, overrides: &[(&str, &str)]) -> Settings {
        let mails = self.mails();
        let fixed = [
            ("server.port", "0"),
            ("server.workers", "2"),
            ("hashing.cost", "4"),
            ("mail.folder", mails.to_str().unwrap()),
            // Tests deliver mails themselves.
            ("mail.check_every", "1h"),
            ("jobs.check_every", "100ms"),
        ];
        let place = self.settings.iter().map(|(key, value)| (*key, value.as_str()));
        let all = place.chain(fixed).chain(overrides.iter().copied());
        Settings::load(Sources {
            folder: self.folder.path().to_owned(),
            overrides: all.map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
            ..Sources::default()
        })
        .unwrap()
    }
}

impl TestApp {
    /// A server with the defaults.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// A server with these settings beside the defaults.
    pub async fn start_with(overrides: &[(&str, &str)]) -> Self {
        Self::start_at(Place::new().await, TurnableClock::default(), overrides).await
    }

    /// A server at a place that another server may have used before, with this clock.
    pub async fn start_at(place: Place, clock: TurnableClock, overrides: &[(&str, &str)]) -> Self {
        let settings = place.settings(overrides);
        let application =
            Application::build_with_clock(&settings, Arc::new(clock.clone())).await.unwrap();
        let running = menjin_server::run(&settings, application).unwrap();
        Self { clock, running, place }
    }

    /// Where it listens, as `http://127.0.0.1:…`, or `https://…` if the settings say so.
    pub fn url(&self) -> String {
        self.running.url()
    }

    /// A browser.
    pub fn browser(&self) -> Browser {
        Browser::new(self.url())
    }

    /// An anonymous client.
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
        let settings = self.place.settings(&[]);
        menjin_server::create_admin(&settings).await.unwrap().execute(input).await.unwrap();
        self.anonymous().log_in(name, PASSWORD).await
    }

    /// Deletes what has expired, as a server does every few minutes.
    pub async fn clean_up(&self) {
        self.running.application().menjin.cleanup.execute().await.unwrap();
    }

    /// Delivers the mails that are due, and says what became of each.
    pub async fn deliver(&self) -> Vec<Settlement> {
        let worker = self.running.application().menjin.deliver_mails.clone().unwrap();
        let mut all = Vec::new();
        loop {
            let delivered = worker.execute().await.unwrap();
            if delivered.is_empty() {
                return all;
            }
            all.extend(delivered.into_iter().map(|mail| mail.settlement));
        }
    }

    /// The mails that were sent to this address, the newest first, once all that are due are sent.
    pub async fn mails_to(&self, address: &str) -> Vec<SentMailBody> {
        self.deliver().await;
        let folder = SentMails::new(self.place.mails());
        let mut listed = folder.list().await.unwrap();
        listed.sort_by_key(|mail| std::cmp::Reverse(number_of(mail)));
        let mut mails = Vec::new();
        for mail in listed.iter().filter(|mail| mail.to == address) {
            mails.push(folder.read(&mail.id).await.unwrap().unwrap());
        }
        mails
    }

    /// The outbox in the server's database, opened beside the server.
    pub async fn outbox(&self) -> Arc<dyn Outbox> {
        self.store().await.outbox
    }

    /// The server's database, opened beside the server.
    async fn store(&self) -> menjin::Store {
        let database = self.place.settings(&[]).database().unwrap();
        menjin::Store::open(database.into()).await.unwrap()
    }

    /// The hash of a user's password, as stored in the row.
    pub async fn hash_of(&self, name: &str) -> String {
        let name = LoginName::parse(name).unwrap();
        let credentials =
            self.store().await.credentials.find_by_name(&name).await.unwrap().unwrap();
        credentials.hash.expose().to_owned()
    }

    /// Puts another hash into the row, as an import from another system would.
    pub async fn set_hash(&self, name: &str, hash: &str) {
        let (repository, name) = (self.store().await.credentials, LoginName::parse(name).unwrap());
        let credentials = repository.find_by_name(&name).await.unwrap().unwrap();
        let hash = PasswordHash::new(hash.to_owned());
        repository.rehash(credentials.user_id, credentials.version, hash).await.unwrap();
    }

    /// Restarts the server with these settings. All waiting audit records are written.
    pub async fn restart(self, overrides: &[(&str, &str)]) -> Self {
        let clock = self.clock.clone();
        Self::start_at(self.stop().await, clock, overrides).await
    }

    /// Stops the server as SIGTERM does and gives back the place with its data.
    pub async fn stop(self) -> Place {
        self.running.stop().await.unwrap();
        self.place
    }
}

/// The number of a mail, with which its id begins.
fn number_of(mail: &SentMail) -> u64 {
    mail.id.split('.').next().unwrap().parse().unwrap()
}

/// The token in a mail: what follows the `#` of its link.
pub fn token_in(mail: &SentMailBody) -> String {
    let after = mail.text.split_once('#').unwrap().1;
    after.split_whitespace().next().unwrap().to_owned()
}

/// A server with two additional routes that panic, `/api/v1/panic` and `/api/auth/panic`.
pub async fn with_panicking_routes(overrides: &[(&str, &str)]) -> (String, Place) {
    let place = Place::new().await;
    let application = Application::build(&place.settings(overrides)).await.unwrap();
    let api = application.api.clone();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = Serving {
        listener,
        tls: None,
        max_connections: NonZeroUsize::new(10_000).unwrap(),
        workers: NonZeroUsize::new(1),
        keep_alive: Duration::from_secs(75),
        shutdown_timeout: Duration::from_secs(1),
    };
    let server = menjin_api::serve_with(api, serving, |services| {
        for path in ["/api/v1/panic", "/api/auth/panic"] {
            services.route(path, actix_web::web::route().to(panicking));
        }
    });
    tokio::spawn(server.unwrap());
    (url, place)
}

async fn panicking() -> actix_web::HttpResponse {
    panic!("canary: a panic of the test's")
}
