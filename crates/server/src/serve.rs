//! Serves: listens, cleans up, and stops without cutting off any request.

use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::dev::ServerHandle;
use anyhow::{Context as _, bail};
use chrono::TimeDelta;
use menjin::{Maintenance, Store};
use menjin_api::Serving;
use menjin_domain::common::{Causes, Clock as _};
use menjin_infra_memory::SystemClock;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::application::{Application, Missing, StartError};
use crate::banner::{ADMIN, Banner, Start};
use crate::settings::{Settings, SettingsError};
use crate::store;
use crate::tls::Certificate;
use crate::{logging, mail, metrics};

/// How much time there is to write the records of failures at the end, however long the requests
/// took.
const LAST_RECORDS: Duration = Duration::from_secs(1);

/// How long opening the database may take before this server answers that it waits for it.
const SILENCE: Duration = Duration::from_millis(500);

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
    /// Has the files of the certificate read again.
    certificate_asked: Arc<Notify>,
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
        self.application.menjin.stop_maintenance();
        self.server.await??;
        let left = self.shutdown_timeout.saturating_sub(started.elapsed());
        Ok(self.application.close(left.max(LAST_RECORDS)).await?)
    }

    /// The URL of the server, such as `http://127.0.0.1:8000` or `https://…`.
    pub fn url(&self) -> String {
        url(self.is_tls, self.address)
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
    run_at(Door::open(settings)?, settings, application)
}

/// Where requests come in.
struct Door {
    listener: TcpListener,
    address: SocketAddr,
    certificate: Option<Certificate>,
}

impl Door {
    fn open(settings: &Settings) -> Result<Self, StartError> {
        let certificate = Certificate::read(&settings.server)?;
        let wanted = settings.server.address();
        let listener = listen(wanted)
            .with_context(|| format!("cannot listen on {wanted} (server.host, server.port)"))?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address, certificate })
    }

    fn url(&self) -> String {
        url(self.certificate.is_some(), self.address)
    }

    /// Tells whoever asks that the process is alive, but cannot serve yet.
    fn serve_waiting(&self) -> Result<ServerHandle, StartError> {
        let serving = Serving {
            listener: self.listener.try_clone()?,
            tls: self.certificate.as_ref().map(Certificate::config).transpose()?,
            workers: NonZeroUsize::new(1),
            // Each answer closes its connection: one that is kept would break once the server itself serves.
            keep_alive: Duration::ZERO,
            max_connections: NonZeroUsize::MIN.saturating_add(255),
            shutdown_timeout: Duration::from_secs(1),
        };
        let server = menjin_api::serve_waiting(serving, env!("CARGO_PKG_VERSION"))?;
        let handle = server.handle();
        drop(tokio::spawn(server));
        Ok(handle)
    }
}

fn url(is_tls: bool, address: SocketAddr) -> String {
    format!("{}://{address}", if is_tls { "https" } else { "http" })
}

/// Opens the database. If that takes a while, because the database is not there yet or another
/// replica is migrating it, this server is alive meanwhile, and not ready.
async fn open_database(settings: &Settings, door: &Door) -> Result<Store, StartError> {
    let mut opening = std::pin::pin!(store::open_patiently(settings));
    if let Ok(store) = tokio::time::timeout(SILENCE, &mut opening).await {
        return store;
    }
    let waiting = door.serve_waiting()?;
    tracing::info!(event = "waiting", url = %door.url(), "alive, and not ready yet");
    let store = opening.await;
    waiting.stop(true).await;
    store
}

fn run_at(
    door: Door,
    settings: &Settings,
    application: Application,
) -> Result<Running, StartError> {
    let Door { listener, address, certificate } = door;
    let serving = Serving {
        listener,
        tls: certificate.as_ref().map(Certificate::config).transpose()?,
        workers: NonZeroUsize::new(settings.server.workers),
        keep_alive: settings.server.keep_alive,
        max_connections: settings.server.max_connections,
        shutdown_timeout: settings.server.shutdown_timeout,
    };
    let server = menjin_api::serve(application.api.clone(), serving)?;
    let handle = server.handle();
    application.menjin.start_maintenance(Maintenance {
        clean_up_every: settings.tidy.every,
        jobs_every: settings.jobs.check_every,
        mails_every: settings.mail.check_every,
    });
    let mut beside = vec![tokio::spawn(watch_the_clock())];
    if settings.mail.is_on() {
        let outbox = application.menjin.store().outbox.clone();
        beside.push(tokio::spawn(mail::measure_for_ever(outbox)));
    }
    let is_tls = certificate.is_some();
    let certificate_asked = Arc::new(Notify::new());
    let asked = &certificate_asked;
    beside.extend(
        certificate.map(|certificate| tokio::spawn(certificate.renew_for_ever(Arc::clone(asked)))),
    );
    let shutdown_timeout = settings.server.shutdown_timeout;
    let server = tokio::spawn(server);
    Ok(Running {
        address,
        handle,
        server,
        beside,
        is_tls,
        certificate_asked,
        shutdown_timeout,
        application,
    })
}

fn listen(wanted: SocketAddr) -> std::io::Result<TcpListener> {
    let listener = TcpListener::bind(wanted)?;
    rustix::net::listen(&listener, BACKLOG)?;
    Ok(listener)
}

/// How often the clock is looked at, and by how much it has to be off.
const CLOCK_EVERY: Duration = Duration::from_secs(5);
const STEP: TimeDelta = TimeDelta::seconds(2);

/// Says when the clock has been put forward or back: sessions, tokens and locks are dated by it.
async fn watch_the_clock() {
    let mut ticks = tokio::time::interval(CLOCK_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut last = (SystemClock.now(), Instant::now());
    loop {
        ticks.tick().await;
        let now = (SystemClock.now(), Instant::now());
        if let Some(step) = step_of(now.0 - last.0, now.1 - last.1) {
            let seconds = step.num_seconds();
            tracing::warn!(event = "clock_stepped", seconds, "the clock was put forward or back");
        }
        last = now;
    }
}

/// By how much the clock was put forward (or back, if negative) while this time passed, if it was.
fn step_of(by_clock: TimeDelta, passed: Duration) -> Option<TimeDelta> {
    let step = by_clock - TimeDelta::from_std(passed).unwrap_or(TimeDelta::MAX);
    (step.abs() > STEP).then_some(step)
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

/// The signals that the process answers. Those that it ignores are caught as well: the system would
/// end the process.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    quit: Signal,
    hang_up: Signal,
}

impl Signals {
    fn catch() -> std::io::Result<Self> {
        // They stay caught, though nobody waits for them.
        for ignored in [SignalKind::user_defined1(), SignalKind::user_defined2()] {
            drop(signal(ignored)?);
        }
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for a signal that stops the process. Returns its name. Calls this at each SIGHUP.
    async fn stop(&mut self, hang_up: impl Fn()) -> &'static str {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return "SIGTERM",
                _ = self.interrupt.recv() => return "SIGINT",
                _ = self.quit.recv() => return "SIGQUIT",
                _ = self.hang_up.recv() => hang_up(),
            }
        }
    }
}

/// Serves until SIGTERM, SIGINT or SIGQUIT; a second one of them stops at once. At SIGHUP the
/// settings and the certificate are read again: `read` reads the settings.
pub(crate) async fn until_signalled(
    settings: &Settings,
    start: &Start,
    read: impl Fn() -> Result<Settings, SettingsError>,
) -> Result<(), StartError> {
    // Before anything else, so that a signal during the start is not lost.
    let mut signals = Signals::catch()?;
    // Before any part that updates metrics, because each part asks for the recorder once.
    if let Some(address) = settings.metrics.listen {
        metrics::start(address.0)?;
    }
    raise_file_limit(settings.server.max_connections.get());
    // Held until the end. A second server must not even migrate the file.
    let _claim = store::claim(settings).await?;
    let door = Door::open(settings)?;
    let building = async {
        // This may wait for a database, or for the migration of another replica.
        let store = open_database(settings, &door).await?;
        // The port is known by now, also if it was left to the system.
        let settings = settings.listening_at(door.address);
        let application = Application::build_on(store, &settings, Arc::new(SystemClock)).await?;
        let missing = application.missing().await.unwrap_or_else(|error| {
            tracing::warn!(error = %Causes(&error), "it is not known whether there is an administrator");
            Missing::Nothing
        });
        // Where nobody registers, the first account is an administrator's.
        let is_open = settings.registration.is_open();
        let missing =
            if is_open || missing == Missing::Nothing { missing } else { Missing::Administrator };
        Ok::<_, StartError>((application, missing))
    };
    let (application, missing) = tokio::select! {
        built = building => built?,
        _ = signals.stop(|| reload(&read)) => return Ok(()),
    };
    let mut running = run_at(door, settings, application)?;
    announce(settings, &running, missing, start);
    let certificate_asked = Arc::clone(&running.certificate_asked);
    let hang_up = || {
        certificate_asked.notify_one();
        reload(&read);
    };
    let signal = tokio::select! {
        signal = signals.stop(hang_up) => signal,
        ended = &mut running.server => {
            ended??;
            bail!("the server has ended by itself");
        }
    };
    tracing::info!(event = "stopping", signal, "answering what is in flight");
    tokio::select! {
        stopped = running.stop() => stopped?,
        signal = signals.stop(|| ()) => {
            tracing::warn!(event = "stopped_at_once", signal);
            bail!("stopped at once by a second signal ({signal})");
        }
    }
    tracing::info!(event = "stopped");
    Ok(())
}

/// Reads the settings again, for the level of the log. The others hold until the next start.
fn reload(read: &impl Fn() -> Result<Settings, SettingsError>) {
    let level = read().map(|settings| settings.log.level).map_err(StartError::from);
    match level.and_then(|level| logging::set_level(&level).map(|()| level)) {
        Ok(level) => tracing::info!(event = "reloaded", %level),
        Err(error) => tracing::error!(event = "not_reloaded", "{error:#}: the old level is kept"),
    }
}

/// Says where the server listens, where the data is, and what to do next: to people in the last lines
/// of the start, to machines in events.
fn announce(settings: &Settings, running: &Running, missing: Missing, start: &Start) {
    let url = running.url();
    let data = running.application.database();
    if logging::for_people(&settings.log) {
        let banner = Banner { settings, address: running.address, url, data, missing, start };
        logging::print(&banner.text());
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
    fn j08_a_clock_that_steps_is_noticed() {
        let passed = Duration::from_secs(5);
        for (by_clock, step) in
            [(5, None), (7, None), (3, None), (8, Some(3)), (2, Some(-3)), (86_405, Some(86_400))]
        {
            let step = step.map(TimeDelta::seconds);
            assert_eq!(step_of(TimeDelta::seconds(by_clock), passed), step, "{by_clock}");
        }
        assert_eq!(step_of(TimeDelta::seconds(-86_395), passed), Some(TimeDelta::seconds(-86_400)));
    }

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
