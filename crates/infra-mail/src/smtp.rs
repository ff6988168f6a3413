//! Handing mails to a mail server (RFC 5321).

mod dial;
mod errors;

use std::fmt;
use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use lettre::Message;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Rcpt, Rset};
use lettre::transport::smtp::extension::{Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::Response;
use menjin_domain::mail::{Mail, MailError, Mailer};
use secrecy::SecretString;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use crate::failure::{lasting, passing, shown};
use crate::message::{Letters, MailConfigError};
use crate::templates::Templates;
use dial::Server;
use errors::{Broken, Step};

/// A connection that nobody has used for this long is not used again: mail servers close them after a
/// few minutes, and gateways forget them earlier without a word.
const IDLE: Duration = Duration::from_secs(60);

/// The port promises an answer within a minute.
const LONGEST: Duration = Duration::from_secs(55);

/// Whether and how the connection is encrypted. Certificates are always verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpTls {
    /// It begins in clear, and goes on encrypted or not at all.
    StartTls,
    /// It is encrypted from its first byte.
    Implicit,
    /// It is in clear, the password and the tokens in mails included.
    None,
}

/// Which mail server takes the mails, and from whom they are.
#[derive(Debug, Clone)]
pub struct SmtpConfig {
    /// Its name or IP address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether the connection is encrypted.
    pub tls: SmtpTls,
    /// Who logs in, if anybody does.
    pub username: Option<String>,
    /// The password.
    pub password: Option<SecretString>,
    /// Certificates of authorities in PEM, which are trusted in place of the system's.
    pub ca: Option<String>,
    /// The sender: `Name <address>` or an address.
    pub from: String,
    /// The name to greet the server with; if there is none, the IP address of the connection.
    pub hello_name: Option<String>,
    /// How long handing over one mail may take in all; more than 55 seconds are 55 seconds.
    pub timeout: Duration,
    /// How many connections there are at most.
    pub connections: u32,
}

impl SmtpConfig {
    /// How long handing over a mail usually may take.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
}

/// Hands mails to a mail server.
///
/// Connections are kept for further mails. One on which anything went wrong, or whose mail was given
/// up half-way, is closed.
pub struct SmtpMailer {
    letters: Letters,
    server: Server,
    places: Semaphore,
    idle: Mutex<Vec<(Instant, AsyncSmtpConnection)>>,
    timeout: Duration,
}

impl SmtpMailer {
    /// Sends by this server. Does not connect to it yet.
    ///
    /// # Errors
    /// Settings that no mail can be sent with.
    pub fn new(config: SmtpConfig, templates: Arc<Templates>) -> Result<Self, MailConfigError> {
        let places = usize::try_from(config.connections).unwrap_or(Semaphore::MAX_PERMITS);
        if places == 0 || config.timeout.is_zero() {
            return Err(MailConfigError::Nothing);
        }
        Ok(Self {
            letters: Letters::new(templates, &config.from)?,
            places: Semaphore::new(places.min(Semaphore::MAX_PERMITS)),
            idle: Mutex::default(),
            timeout: config.timeout.min(LONGEST),
            server: Server::new(config)?,
        })
    }

    /// A connection that takes commands: one that was used before, or a new one.
    async fn connection(&self) -> Result<AsyncSmtpConnection, Broken> {
        while let Some((since, mut connection)) = self.take_idle() {
            // The reply to `RSET` is the next one only if no mail is half-way.
            if since.elapsed() < IDLE && connection.command(Rset).await.is_ok() {
                return Ok(connection);
            }
        }
        self.server.connect(self.timeout).await
    }

    fn take_idle(&self) -> Option<(Instant, AsyncSmtpConnection)> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn put_back(&self, connection: AsyncSmtpConnection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(since, _)| since.elapsed() < IDLE);
        idle.push((Instant::now(), connection));
    }

    async fn hand_over(&self, message: &Message) -> Result<(), Broken> {
        let closed = |error| Broken::Other(passing("closed", format!("{error}")));
        let _place = self.places.acquire().await.map_err(closed)?;
        let mut connection = self.connection().await?;
        // A connection that is dropped here, also by the time limit, is closed.
        let result = transaction(&mut connection, message).await;
        if result.as_ref().err().is_none_or(Broken::leaves_connection) {
            self.put_back(connection);
        }
        result
    }
}

/// One mail on a connection.
async fn transaction(
    connection: &mut AsyncSmtpConnection,
    message: &Message,
) -> Result<(), Broken> {
    let envelope = message.envelope();
    let mut addresses = envelope.to().iter().chain(envelope.from());
    let mut options = Vec::new();
    if !addresses.all(|address| AsRef::<str>::as_ref(address).is_ascii()) {
        // RFC 6531 §3.2. Servers that have it have 8BITMIME.
        if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
            let said = "the mail server does not take addresses with these characters (SMTPUTF8)";
            return Err(Broken::Unsent(lasting("smtputf8", said)));
        }
        options.push(MailParameter::SmtpUtfEight);
        options.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    let taken = 200..300;
    let from = MailFrom::new(envelope.from().cloned(), options);
    expect(&taken, connection.command(from).await)?;
    for to in envelope.to() {
        expect(&taken, connection.command(Rcpt::new(to.clone(), Vec::new())).await)?;
    }
    expect(&(354..355), connection.command(Data).await)?;
    expect(&taken, connection.message(&message.formatted()).await)
}

/// The library takes any reply for good that does not say no. One of the wrong kind would not mean
/// that the server has taken the mail.
fn expect(expected: &Range<u16>, reply: Result<Response, SmtpError>) -> Result<(), Broken> {
    let code = reply.map_err(|error| Broken::smtp(Step::Mail, &error))?.code();
    if expected.contains(&u16::from(code)) {
        return Ok(());
    }
    Err(Broken::Other(passing("protocol", format!("the reply {code} is none to what was said"))))
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let message = self.letters.write(mail).map_err(|error| shown(error, mail))?;
        // The library panics at some replies, such as an extension without a name. That must not end
        // the worker that delivers all mails. What it worked on is dropped.
        let sent = AssertUnwindSafe(self.hand_over(&message)).catch_unwind();
        let error = match timeout(self.timeout, sent).await {
            Ok(Ok(Ok(()))) => return Ok(()),
            Ok(Ok(Err(broken))) => broken.into(),
            Ok(Err(_panic)) => passing("protocol", "the reply of the mail server cannot be read"),
            Err(_elapsed) => {
                let said = format!("not taken within {} s", self.timeout.as_secs_f32());
                passing("timeout", said)
            }
        };
        Err(shown(error, mail))
    }
}

impl fmt::Debug for SmtpMailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpMailer").field("server", &self.server).finish_non_exhaustive()
    }
}
