//! Serves: listens, cleans up, and stops without cutting off any request.

use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::dev::ServerHandle;
use anyhow::{Context as _, bail};
use menjin_api::Serving;
use menjin_domain::common::Causes;
use menjin_domain::health::{CleanedUp, Cleanup};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;

use crate::application::{Application, Missing, StartError};
use crate::banner::{ADMIN, Banner, Start};
use crate::settings::Settings;
use crate::tls::Certificate;
use crate::{logging, metrics};

/// How much time there is to write the records of failures at the end, however long the requests
/// took.
const LAST_RECORDS: Duration = Duration::from_secs(1);

/// How many connections may wait to be accepted. The standard library asks for 128: when many
/// clients come back after a restart, they do not fit, and wait for a second before they try again.
/// The system reduces this number to what it allows.
const BACKLOG: i32 = 4096;

/// A running server.
pub struct Running {
    /// The address on which it listens.
    pub address: SocketAddr,
    handle: ServerHandle,
    server: JoinHandle<std::io::Result<()>>,
    /// Background tasks that run as long as the server.
    beside: Vec<JoinHandle<()>>,
    is_tls: bool,
    shutdown_timeout: Duration,
    application: Application,
}

impl Running {
    /// Stops the server: it accepts no new requests and answers those in flight. Then it writes the
    /// records that still wait, and closes the database.
    ///
    /// # Errors
    /// The server or the database failed. No acknowledged change is lost.
    pub async fn stop(self) -> Result<(), StartError> {
        let started = Instant::now();
        self.handle.stop(true).await;
        self.beside.iter().for_each(JoinHandle::abort);
        self.server.await??;
        let left = self.shutdown_timeout.saturating_sub(started.elapsed());
        Ok(self.application.close(left.max(LAST_RECORDS)).await?)
    }

    /// The URL of the server, such as `http://127.0.0.1:8000` or `https://…`.
    pub fn url(&self) -> String {
        format!("{}://{}", if self.is_tls { "https" } else { "http" }, self.address)
    }

    /// The application that is served.
    pub fn application(&self) -> &Application {
        &self.application
    }
}

/// Starts serving an application; returns as soon as it listens.
///
/// # Errors
/// The address cannot be listened on, or the certificate cannot be read.
pub fn run(settings: &Settings, application: Application) -> Result<Running, StartError> {
    let certificate = Certificate::read(&settings.server)?;
    let wanted = settings.server.address();
    let listener = listen(wanted)
        .with_context(|| format!("cannot listen on {wanted} (server.host, server.port)"))?;
    let address = listener.local_addr()?;
    let serving = Serving {
        listener,
        tls: certificate.as_ref().map(Certificate::config).transpose()?,
        workers: NonZeroUsize::new(settings.server.workers),
        max_connections: settings.server.max_connections,
        shutdown_timeout: settings.server.shutdown_timeout,
    };
    let server = menjin_api::serve(application.api.clone(), serving)?;
    let handle = server.handle();
    let mut beside =
        vec![tokio::spawn(clean_up_for_ever(settings.tidy.every, application.cleanup.clone()))];
    let is_tls = certificate.is_some();
    beside.extend(certificate.map(|certificate| tokio::spawn(certificate.renew_for_ever())));
    let shutdown_timeout = settings.server.shutdown_timeout;
    let server = tokio::spawn(server);
    Ok(Running { address, handle, server, beside, is_tls, shutdown_timeout, application })
}

fn listen(wanted: SocketAddr) -> std::io::Result<TcpListener> {
    let listener = TcpListener::bind(wanted)?;
    rustix::net::listen(&listener, BACKLOG)?;
    Ok(listener)
}

/// Files besides connections: databases, logs, and whatever else a process has open.
const OTHER_FILES: u64 = 512;

/// Asks the system for as many open files as there may be connections. Shells and supervisors often
/// allow 1024 unless asked.
fn raise_file_limit(connections: usize) {
    let limit = getrlimit(Resource::Nofile);
    let wanted = connections as u64 + OTHER_FILES;
    let allowed = limit.maximum.map_or(wanted, |maximum| maximum.min(wanted));
    if limit.current.is_some_and(|current| current < allowed) {
        let raised = Rlimit { current: Some(allowed), maximum: limit.maximum };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            tracing::warn!(event = "file_limit", %error, "cannot be raised");
            return;
        }
    }
    let has_all = limit.current.is_none_or(|current| current >= wanted) || allowed >= wanted;
    if !has_all {
        tracing::warn!(
            event = "file_limit",
            allowed,
            wanted,
            "the system allows fewer open files than server.max_connections needs"
        );
    }
}

async fn clean_up_for_ever(every: Duration, cleanup: Arc<Cleanup>) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match cleanup.execute().await {
            Ok(cleaned_up) => {
                let CleanedUp { sessions, lockouts, records } = cleaned_up;
                tracing::debug!(sessions, lockouts, records, "cleaned up");
            }
            Err(error) => {
                tracing::warn!(error = %Causes(&error), "could not clean up");
            }
        }
    }
}

/// Serves until SIGTERM or SIGINT.
pub(crate) async fn until_signalled(settings: &Settings, start: &Start) -> Result<(), StartError> {
    // Before anything else, so that a signal during the start is not lost.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    // Before any part that updates metrics, because each part asks for the recorder once.
    if let Some(address) = settings.metrics.listen {
        metrics::start(address.0)?;
    }
    raise_file_limit(settings.server.max_connections.get());
    let application = tokio::select! {
        // Building may wait for a database, or for the migration of another replica.
        application = Application::build(settings) => application?,
        _ = terminate.recv() => return Ok(()),
        _ = interrupt.recv() => return Ok(()),
    };
    let missing = application.missing().await?;
    let mut running = run(settings, application)?;
    announce(settings, &running, missing, start);
    let signal = tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
        ended = &mut running.server => {
            ended??;
            bail!("the server has ended by itself");
        }
    };
    tracing::info!(event = "stopping", signal, "answering what is in flight");
    running.stop().await?;
    tracing::info!(event = "stopped");
    Ok(())
}

/// Says where the server listens, where the data is, and what to do next: to people in the last lines
/// of the start, to machines in events.
fn announce(settings: &Settings, running: &Running, missing: Missing, start: &Start) {
    let url = running.url();
    let data = running.application.database();
    if logging::for_people(&settings.log) {
        let banner = Banner { settings, address: running.address, url, data, missing, start };
        eprint!("{}", banner.text());
        return;
    }
    tracing::info!(event = "listening", %url, %data);
    if missing != Missing::Nothing {
        let command = start.command(ADMIN);
        tracing::warn!(event = "no_admin", %command, "there is no administrator yet");
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpStream};

    use super::*;

    #[test]
    fn l2_many_may_wait_to_be_accepted() {
        let listener = listen((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let address = listener.local_addr().unwrap();
        let limit = std::fs::read_to_string("/proc/sys/net/core/somaxconn");
        let limit = limit.map_or(128, |limit| limit.trim().parse().unwrap());
        let connect = |_| TcpStream::connect_timeout(&address, Duration::from_millis(500));
        let waiting: Vec<_> = (0..limit.min(400)).map(connect).collect::<Result<_, _>>().unwrap();
        drop(waiting);
    }
}
