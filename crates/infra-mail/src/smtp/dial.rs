//! Connections to a mail server: encrypted where that is asked for, and logged in.
//!
//! STARTTLS is spoken here, as the library keeps what came in clear behind the reply to it, and reads
//! it as if it had come encrypted. Whoever sits between could answer in the server's place
//! (CVE-2011-0411 and the like).

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::extension::ClientId;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use secrecy::ExposeSecret as _;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::errors::{Broken, Step};
use super::{SmtpConfig, SmtpTls};
use crate::failure::passing;
use crate::message::MailConfigError;

/// The longest reply in clear that is read, in bytes.
const MAX_REPLY: usize = 16 * 1024;

/// How long one of several addresses of a server is tried, at most.
const ONE_ADDRESS: Duration = Duration::from_secs(10);

/// The best first: an encrypted connection hides both alike.
const MECHANISMS: [Mechanism; 2] = [Mechanism::Plain, Mechanism::Login];

/// A mail server.
pub(super) struct Server {
    host: String,
    port: u16,
    tls: Option<Tls>,
    hello: Option<ClientId>,
    credentials: Option<Credentials>,
}

struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
    is_started: bool,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl Server {
    pub(super) fn new(config: SmtpConfig) -> Result<Self, MailConfigError> {
        let host = config.host;
        // An IPv6 address as in a URL.
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&host);
        let Ok(name) = ServerName::try_from(bare.to_owned()) else {
            return Err(MailConfigError::Host(host));
        };
        let tls = match config.tls {
            SmtpTls::None => None,
            tls => Some(Tls {
                connector: connector(config.ca.as_deref())?,
                name,
                is_started: tls == SmtpTls::StartTls,
            }),
        };
        let hello = config.hello_name.map(|name| {
            let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
            if is_name && !name.is_empty() {
                Ok(ClientId::Domain(name))
            } else {
                Err(MailConfigError::HelloName(name))
            }
        });
        let credentials = match (config.username, config.password) {
            (None, None) => None,
            (Some(name), Some(password)) => {
                Some(Credentials::new(name, password.expose_secret().to_owned()))
            }
            _ => return Err(MailConfigError::HalfCredentials),
        };
        let host = bare.to_owned();
        Ok(Self { host, port: config.port, tls, hello: hello.transpose()?, credentials })
    }

    /// A new connection that takes mails.
    pub(super) async fn connect(&self, patience: Duration) -> Result<AsyncSmtpConnection, Broken> {
        let mut stream = self.dial(patience).await?;
        let hello = self.hello.clone().unwrap_or_else(|| literal(&stream));
        let stream: Box<dyn AsyncTokioStream> = match &self.tls {
            None => Box::new(stream),
            Some(tls) => {
                let greeting = if tls.is_started {
                    start_tls(&mut stream, &hello).await?;
                    GREETING
                } else {
                    b""
                };
                let stream = tls.connector.connect(tls.name.clone(), stream).await;
                let stream = stream.map_err(|error| Broken::tls(error.to_string()))?;
                Box::new(Encrypted { greeting, stream })
            }
        };
        let failed = |error: SmtpError| Broken::smtp(Step::Connection, &error);
        let connecting = AsyncSmtpConnection::connect_with_transport(stream, &hello);
        let mut connection = connecting.await.map_err(failed)?;
        if let Some(credentials) = &self.credentials {
            connection.auth(&MECHANISMS, credentials).await.map_err(failed)?;
        }
        Ok(connection)
    }

    /// Connects to the first of the server's addresses that answers.
    async fn dial(&self, patience: Duration) -> Result<TcpStream, Broken> {
        let failed = |error: io::Error| Broken::io(&error);
        let found = tokio::net::lookup_host((self.host.as_str(), self.port)).await;
        let addresses: Vec<SocketAddr> = found.map_err(failed)?.collect();
        // One that never answers leaves time for the others.
        let patience = if addresses.len() > 1 { ONE_ADDRESS.min(patience / 3) } else { patience };
        let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for address in addresses {
            match timeout(patience, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    stream.set_nodelay(true).map_err(failed)?;
                    return Ok(stream);
                }
                Ok(Err(error)) => last = error,
                Err(_elapsed) => last = io::Error::from(io::ErrorKind::TimedOut),
            }
        }
        Err(Broken::io(&last))
    }
}

/// What a client without a name is called (RFC 5321 §4.1.4).
fn literal(stream: &TcpStream) -> ClientId {
    match stream.local_addr().map(|address| address.ip().to_canonical()) {
        Ok(IpAddr::V4(address)) => ClientId::Ipv4(address),
        Ok(IpAddr::V6(address)) => ClientId::Ipv6(address),
        Err(_closed) => ClientId::Domain("localhost".to_owned()),
    }
}

/// Speaks in clear until the server waits for the handshake.
async fn start_tls(stream: &mut TcpStream, hello: &ClientId) -> Result<(), Broken> {
    reply(stream, "220").await?;
    let extensions = ask(stream, &format!("EHLO {hello}\r\n"), "250").await?;
    let offers =
        |line: &str| line.get(4..).is_some_and(|it| it.trim().eq_ignore_ascii_case("STARTTLS"));
    if !extensions.lines().skip(1).any(offers) {
        return Err(Broken::tls("the mail server does not offer STARTTLS"));
    }
    ask(stream, "STARTTLS\r\n", "220").await?;
    Ok(())
}

async fn ask(stream: &mut TcpStream, command: &str, expected: &str) -> Result<String, Broken> {
    stream.write_all(command.as_bytes()).await.map_err(|error| Broken::io(&error))?;
    reply(stream, expected).await
}

/// Reads one reply. Nothing may follow it: the server has to wait for the next command.
async fn reply(stream: &mut TcpStream, expected: &str) -> Result<String, Broken> {
    let protocol = |said: &str| Broken::Other(passing("protocol", said));
    let mut bytes = Vec::new();
    loop {
        let read = stream.read_buf(&mut bytes).await.map_err(|error| Broken::io(&error))?;
        if read == 0 {
            return Err(Broken::Other(passing("connection", "closed by the mail server")));
        }
        if bytes.len() > MAX_REPLY {
            return Err(protocol("the reply is too long"));
        }
        if !bytes.ends_with(b"\n") {
            // The rest of a line after a whole reply is found with the line.
            continue;
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let mut whole = text.lines().enumerate().filter(|(_, line)| line.get(3..4) != Some("-"));
        match whole.next() {
            None => {}
            Some((at, _)) if at + 1 < text.lines().count() => {
                return Err(protocol("more came behind a reply, in clear, than there may be"));
            }
            Some((_, line)) if line.get(..3) == Some(expected) => return Ok(text),
            Some((_, line)) => {
                let code = line.get(..3).filter(|code| code.parse::<u16>().is_ok());
                let said = line.get(4..).unwrap_or_default();
                return Err(match code {
                    Some(code) => Broken::Other(passing(code, said)),
                    None => protocol(line),
                });
            }
        }
    }
}

fn connector(authorities: Option<&str>) -> Result<TlsConnector, MailConfigError> {
    let mut roots = RootCertStore::empty();
    if let Some(pem) = authorities {
        let bad = |reason: String| MailConfigError::Authorities(reason);
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            let certificate = certificate.map_err(|error| bad(error.to_string()))?;
            roots.add(certificate).map_err(|error| bad(error.to_string()))?;
        }
        if roots.is_empty() {
            return Err(bad("no certificate is in them".to_owned()));
        }
    } else {
        // Some systems carry certificates that cannot be read; the others are enough.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            return Err(MailConfigError::NoAuthorities);
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| MailConfigError::Authorities(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// What the library waits for at first, and servers send only once.
const GREETING: &[u8] = b"220 encrypted\r\n";

/// An encrypted connection, with a greeting before what comes from the server.
#[derive(Debug)]
struct Encrypted {
    greeting: &'static [u8],
    stream: TlsStream<TcpStream>,
}

impl AsyncTokioStream for Encrypted {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.get_ref().0.peer_addr()
    }
}

impl AsyncRead for Encrypted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let length = self.greeting.len().min(buffer.remaining());
        if let Some((part, rest)) = self.greeting.split_at_checked(length)
            && !part.is_empty()
        {
            buffer.put_slice(part);
            self.greeting = rest;
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Encrypted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
