//! Serving: from a listening socket to requests and answers.
//!
//! actix's own `HttpServer` is not used: it accepts requests that a proxy in front may read in
//! another way, and limits the time of only the first head of a connection. Here the same parts are
//! combined with [`GuardedStream`] between them. HTTP/2 is the job of a proxy in front.

use std::convert::Infallible;
use std::io;
use std::net::TcpListener;
use std::num::NonZeroUsize;
use std::rc::Rc;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use actix_http::HttpService;
use actix_server::{GracefulShutdownSignal, Server};
use actix_service::{Service, ServiceFactory, fn_factory, fn_service, map_config};
use actix_web::body::BoxBody;
use actix_web::dev::{AppConfig, ServiceRequest, ServiceResponse};
use actix_web::http::header::HeaderValue;
use actix_web::{App, Error, HttpResponse};
use rustls::ServerConfig;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::connection::Connections;
use crate::connection_state::Peer;
use crate::guarded_stream::{GuardedStream, Refusal};

/// How long actix continues to read after an answer that was sent before the end of its request.
const LINGERING: Duration = Duration::from_secs(1);

/// The one protocol that is offered over TLS (RFC 7301 §6).
const HTTP1: &[u8] = b"http/1.1";

/// How to serve.
#[derive(Debug)]
pub struct Serving {
    /// Where connections come from.
    pub listener: TcpListener,
    /// How to encrypt them, if they are. The protocol that is offered (ALPN) is set here: HTTP/1.1.
    pub tls: Option<ServerConfig>,
    /// The number of threads, at most 512. By default one per core.
    pub workers: Option<NonZeroUsize>,
    /// How long an idle connection stays open for the next request.
    pub keep_alive: Duration,
    /// How many connections there are at most. Further ones wait until one is closed.
    pub max_connections: NonZeroUsize,
    /// How long requests may take to end once the server is told to stop.
    pub shutdown_timeout: Duration,
}

/// Serves an application until the server is told to stop, by its handle. It handles no signals.
///
/// `app` makes the application of each worker, whose middleware uses [`InFlight`](crate::InFlight)
/// for every request. `refuse` renders the answer to what is refused before it becomes a request; it
/// is told the `Origin`, if that has arrived.
/// After that answer the connection is closed.
///
/// # Errors
/// The socket cannot be used.
pub fn serve<T, A, R>(serving: Serving, app: A, refuse: R) -> io::Result<Server>
where
    T: ServiceFactory<
            ServiceRequest,
            Config = (),
            Response = ServiceResponse<BoxBody>,
            Error = Error,
            InitError = (),
        > + 'static,
    A: Fn() -> App<T> + Clone + Send + 'static,
    R: Fn(Refusal, Peer, Option<&HeaderValue>) -> HttpResponse + Clone + Send + 'static,
{
    let mut server = Server::build()
        .shutdown_timeout(serving.shutdown_timeout.as_secs().max(1))
        .disable_signals();
    let workers = serving.workers.or_else(|| thread::available_parallelism().ok());
    let workers = workers.map_or(1, NonZeroUsize::get);
    let each = serving.max_connections.get().div_ceil(workers);
    server = server.workers(workers).max_concurrent_connections(each);
    let tls = serving.tls.map(|mut tls| {
        tls.alpn_protocols = vec![HTTP1.to_vec()];
        TlsAcceptor::from(Arc::new(tls))
    });
    let stopping = server.graceful_shutdown_signal();
    let server = server.listen("menjin", serving.listener, move || {
        let (app, refuse) = (app.clone(), refuse.clone());
        let (tls, stopping) = (tls.clone(), stopping.clone());
        let keep_alive = serving.keep_alive;
        fn_factory(move || start(app(), refuse.clone(), tls.clone(), keep_alive, stopping.clone()))
    })?;
    Ok(server.run())
}

/// Makes the service of one worker, which serves whole connections.
async fn start<T, R>(
    app: App<T>,
    refuse: R,
    tls: Option<TlsAcceptor>,
    keep_alive: Duration,
    stopping: GracefulShutdownSignal,
) -> Result<impl Service<TcpStream, Response = (), Error = Infallible>, ()>
where
    T: ServiceFactory<
            ServiceRequest,
            Config = (),
            Response = ServiceResponse<BoxBody>,
            Error = Error,
            InitError = (),
        > + 'static,
    R: Fn(Refusal, Peer, Option<&HeaderValue>) -> HttpResponse + 'static,
{
    let stopped = stopping.clone();
    let http1 = HttpService::build()
        .keep_alive(keep_alive)
        // `GuardedStream` limits this time, for every request.
        .client_request_timeout(Duration::ZERO)
        .client_disconnect_timeout(LINGERING)
        .graceful_shutdown_signal(move || {
            let stopped = stopped.clone();
            async move { stopped.notified().await }
        })
        .on_connect_ext(|stream: &GuardedStream, data| {
            data.insert(stream.state());
        })
        .h1(map_config(app, |()| AppConfig::default()))
        .new_service(())
        .await?;
    let connections = Rc::new(Connections { http1, tls, refuse, stopping });
    Ok(fn_service(move |stream: TcpStream| {
        let connections = Rc::clone(&connections);
        async move {
            connections.serve(stream).await;
            Ok::<_, Infallible>(())
        }
    }))
}
