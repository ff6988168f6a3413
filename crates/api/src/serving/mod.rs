//! Serving: from a socket that listens to requests and answers.
//!
//! actix's own `HttpServer` would do, but it takes requests that a proxy in front may read in another
//! way, and only the first head of a connection has a time. Here its parts are put together with
//! [`line`] in between.

mod chunks;
mod connection;
mod head;
mod line;
mod lines;
pub(crate) mod link;
mod patience;

use std::convert::Infallible;
use std::io;
use std::net::TcpListener;
use std::num::NonZeroUsize;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_http::HttpService;
use actix_server::{GracefulShutdownSignal, Server};
use actix_service::{Service, ServiceFactory, fn_factory, fn_service, map_config};
use actix_web::dev::AppConfig;
use actix_web::web::{Data, ServiceConfig as Services};
use rustls::ServerConfig;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use self::line::Line;
use crate::http::server::KEEP_ALIVE;
use crate::state::Api;

/// How long actix reads on after an answer that came before the end of its request.
const LINGERING: Duration = Duration::from_secs(1);

/// The protocol that is offered over TLS, by its name (RFC 7301 §6). A proxy in front may speak others.
const HTTP1: &[u8] = b"http/1.1";

/// Whether connections are encrypted here; every request finds it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IsTls(pub(crate) bool);

/// How to serve.
#[derive(Debug)]
pub struct Serving {
    /// Where connections come from.
    pub listener: TcpListener,
    /// How to encrypt them, if they are. The protocol that is offered (ALPN) is set here: HTTP/1.1.
    pub tls: Option<ServerConfig>,
    /// Threads, at most 512; one a core if none are given.
    pub workers: Option<NonZeroUsize>,
    /// How long requests may take to end once the server is told to stop.
    pub shutdown_timeout: Duration,
}

/// Serves until the server is told to stop, by its handle. It minds no signals.
///
/// # Errors
/// The socket cannot be used.
pub fn serve(api: Data<Api>, serving: Serving) -> io::Result<Server> {
    serve_with(api, serving, |_| {})
}

/// The same with routes of the embedder's own, which go before menjin's.
///
/// # Errors
/// The socket cannot be used.
pub fn serve_with(
    api: Data<Api>,
    serving: Serving,
    more: impl Fn(&mut Services) + Clone + Send + 'static,
) -> io::Result<Server> {
    let mut server = Server::build()
        .shutdown_timeout(serving.shutdown_timeout.as_secs().max(1))
        .disable_signals();
    if let Some(workers) = serving.workers {
        server = server.workers(workers.get());
    }
    let tls = serving.tls.map(|mut tls| {
        tls.alpn_protocols = vec![HTTP1.to_vec()];
        TlsAcceptor::from(Arc::new(tls))
    });
    let worker = Worker { api, more, tls, stopping: server.graceful_shutdown_signal() };
    let server = server.listen("menjin", serving.listener, move || {
        let worker = worker.clone();
        fn_factory(move || start(worker.clone()))
    })?;
    Ok(server.run())
}

/// What each worker is made of.
#[derive(Clone)]
struct Worker<F> {
    api: Data<Api>,
    more: F,
    tls: Option<TlsAcceptor>,
    stopping: GracefulShutdownSignal,
}

/// Makes the service of one worker: of a connection, everything.
async fn start<F: Fn(&mut Services) + 'static>(
    Worker { api, more, tls, stopping }: Worker<F>,
) -> Result<impl Service<TcpStream, Response = (), Error = Infallible>, ()> {
    let is_tls = IsTls(tls.is_some());
    let app = crate::app_with(api.clone(), more).app_data(is_tls);
    let app = map_config(app, |()| AppConfig::default());
    let stopped = stopping.clone();
    let http1 = HttpService::build()
        .keep_alive(KEEP_ALIVE)
        // The line keeps it.
        .client_request_timeout(Duration::ZERO)
        .client_disconnect_timeout(LINGERING)
        .graceful_shutdown_signal(move || {
            let stopped = stopped.clone();
            async move { stopped.notified().await }
        })
        .on_connect_ext(|line: &Line, data| {
            data.insert(line.link());
        })
        .h1(app);
    let http1 = http1.new_service(()).await?;
    let server = Rc::new(connection::Server { http1, tls, api, stopping });
    Ok(fn_service(move |stream: TcpStream| {
        let server = Rc::clone(&server);
        async move {
            server.serve(stream).await;
            Ok::<_, Infallible>(())
        }
    }))
}
