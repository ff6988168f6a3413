//! The store: connections, deadlines, the health probe.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use deadpool::managed::{BuildError, Object, Pool, PoolError, QueueMode};
use diesel::connection::SimpleConnection as _;
use diesel::sql_types::BigInt;
use diesel::{ConnectionError, SqliteConnection};
use menjin_domain::common::Timestamp;
use menjin_domain::health::HealthProbe;
use menjin_infra_sql::cleanup::in_parts;
use menjin_infra_sql::prelude::*;
use menjin_infra_sql::sql_types::Moment;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::error::{COMPONENT, OrPortError, failed, is_busy};
use crate::lookups::Lookups;
use crate::open::{self, Claim, OpenError, SqliteConfig};
use crate::pool::{Access, Connection, DEADLINE, Manager, Write};
use crate::writes::Writes;

/// How long a call may wait in total for a connection and for writes of other processes.
const PATIENCE: Duration = Duration::from_millis(2500);
/// The store: `AccountRepository`, `SessionRepository`, `LockoutRepository`, `AuditRepository` and
/// `HealthProbe` on one SQLite file. Clones are cheap and share their connections.
///
/// Its methods need a tokio runtime. A call whose future is dropped either still does all of its
/// work, or none.
#[derive(Clone)]
pub struct SqliteStore {
    path: Arc<Path>,
    reader: Pool<Manager>,
    /// One connection. SQLite has one writer anyway; the queue of this pool is fair, and waiting
    /// for SQLite's lock is not.
    pub(crate) writer: Pool<Manager>,
    pub(crate) writes: Arc<Writes>,
    pub(crate) lookups: Arc<Lookups>,
    probed: Arc<Mutex<Probed>>,
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path).finish_non_exhaustive()
    }
}

impl SqliteStore {
    /// Opens the file. Creates the file (mode 0600) and its folder (mode 0700) if they are missing,
    /// and runs the missing migrations. Of several processes that start at once, one migrates.
    ///
    /// Blocks: for milliseconds, unless another process is migrating.
    pub fn open(config: SqliteConfig) -> Result<Self, OpenError> {
        let applied = Self::migrate(&config.path)?;
        if !applied.is_empty() {
            tracing::info!(?applied, path = %config.path.display(), "database migrated");
        }
        let url: Arc<str> = open::url(&config.path)?.into();
        let pool = |access, size| {
            let url = Arc::clone(&url);
            pool(Manager { url, access }, size)
                .map_err(|source| OpenError::unusable(&config.path, source))
        };
        Ok(Self {
            reader: pool(Access::Read, config.readers.max(1))?,
            writer: pool(Access::Write, 1)?,
            writes: Writes::new(1),
            // The other connections are for longer reads.
            lookups: Lookups::new(config.readers / 2),
            probed: Arc::default(),
            path: config.path.into(),
        })
    }

    /// Claims the file for the server of this process, as long as the claim is held. Only servers
    /// need a claim: what runs for a moment may run beside one.
    pub fn claim(path: &Path) -> Result<Claim, OpenError> {
        open::claim(path)
    }

    /// Runs the missing migrations and returns their names. Creates file and folder if they are
    /// missing. Blocks.
    pub fn migrate(path: &Path) -> Result<Vec<String>, OpenError> {
        open::migrate(path)
    }

    /// The names of the missing migrations. If there is no file, these are all of them, and no file
    /// is created. Blocks.
    pub fn pending_migrations(path: &Path) -> Result<Vec<String>, OpenError> {
        open::pending(path)
    }

    /// The file.
    pub fn path(&self) -> PathBuf {
        self.path.to_path_buf()
    }

    /// Moves the contents of the write-ahead log into the file, and closes the connections: later
    /// calls are `Unavailable`. This is not needed for safety, but leaves a single file to copy.
    pub async fn close(&self) -> Result<(), PortError> {
        let checkpoint = run(&self.writer, |connection, _patience| {
            connection
                .read(|sqlite| diesel::sql_query("PRAGMA wal_checkpoint(TRUNCATE)").execute(sqlite))
        });
        let result = checkpoint.await.and_then(|done| done.or_port_error().map(drop));
        self.reader.close();
        self.writer.close();
        result
    }

    /// A connection that reads.
    pub(crate) async fn reader(&self, started: Instant) -> Result<Object<Manager>, PortError> {
        lend(&self.reader, started).await
    }

    /// Commits these writes, which have been waiting since then, together.
    pub(crate) async fn commit(&self, since: Instant, writes: Vec<Write>) -> Result<(), PortError> {
        let work =
            |connection: &mut Connection, patience| connection.write_together(patience, writes);
        run_since(since, &self.writer, work).await?
    }

    /// Reads with one statement.
    pub(crate) async fn read<T, E>(
        &self,
        work: impl FnOnce(&mut SqliteConnection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<PortError> + Send + 'static,
    {
        run(&self.reader, |connection, _patience| connection.read(work)).await?
    }

    /// Reads with several statements, which all see the same moment.
    pub(crate) async fn read_together<T, E>(
        &self,
        work: impl FnOnce(&mut SqliteConnection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<PortError> + Send + 'static,
    {
        run(&self.reader, |connection, _patience| connection.read_together(work)).await?
    }

    /// Runs a statement that deletes rows older than a moment. The statement takes the moment and
    /// the greatest number of rows.
    pub(crate) async fn delete_in_parts(
        &self,
        statement: &'static str,
        before: Timestamp,
    ) -> Result<u64, PortError> {
        let delete = |part| {
            self.write(move |sqlite| {
                let statement = diesel::sql_query(statement);
                let statement = statement.bind::<Moment, _>(Micros::from(before));
                statement.bind::<BigInt, _>(part).execute(sqlite).or_port_error()
            })
        };
        in_parts(delete).await
    }
}

#[async_trait]
impl HealthProbe for SqliteStore {
    async fn check(&self) -> Result<(), PortError> {
        self.read(|sqlite| {
            let any = users::table.select(users::id).limit(1);
            any.get_result::<i64>(sqlite).optional().or_port_error().map(drop)
        })
        .await?;
        self.takes_writes().await
    }
}

/// How long the answer to whether the file takes writes holds. Anybody may ask for the health of a
/// server, and each answer costs a sync of the disk.
const ANSWER_HOLDS: Duration = Duration::from_secs(1);
/// How long the probe waits for the connection that writes, and for each of its steps.
const PROBE_PATIENCE: Duration = Duration::from_millis(700);
/// A write that changes nothing, but goes to the disk. (An update to the same values would not.)
const PROBE: &str = "INSERT INTO login_throttles (subject, network, failures, last_failure_at)
     VALUES ('probe', '', 1, 0);
     DELETE FROM login_throttles WHERE subject = 'probe'";

/// When the file was last probed, and why it takes no writes, if it takes none.
type Probed = Option<(Instant, Option<PortError>)>;

impl SqliteStore {
    /// Whether the file takes writes: the disk may be full, or the file may only be read. Only a
    /// write can tell.
    async fn takes_writes(&self) -> Result<(), PortError> {
        let hangs = |elapsed| PortError::unavailable(COMPONENT, elapsed);
        let mut probed = timeout(PROBE_PATIENCE, self.probed.lock()).await.map_err(hangs)?;
        if let Some((at, failure)) = &*probed
            && at.elapsed() < ANSWER_HOLDS
        {
            return failure.as_ref().map_or(Ok(()), |error| Err(error.again()));
        }
        let result = match timeout(PROBE_PATIENCE, self.writer.get()).await {
            // Others are writing.
            Err(_elapsed) => return Ok(()),
            Ok(Err(error)) => Err(no_connection(error)),
            Ok(Ok(mut connection)) => {
                let write = move || {
                    connection
                        .write(Duration::ZERO, |sqlite| sqlite.batch_execute(PROBE).or_port_error())
                };
                match timeout(PROBE_PATIENCE, tokio::task::spawn_blocking(write)).await {
                    Ok(Ok(Err(error))) if is_busy(&error) => Ok(()),
                    Ok(Ok(written)) => written,
                    Ok(Err(panic)) => Err(PortError::internal(COMPONENT, panic)),
                    Err(elapsed) => Err(hangs(elapsed)),
                }
            }
        };
        *probed = Some((Instant::now(), result.as_ref().err().map(PortError::again)));
        result
    }
}

fn pool(manager: Manager, size: usize) -> Result<Pool<Manager>, BuildError> {
    // The connection that was used last has the warmest caches.
    Pool::builder(manager).max_size(size).queue_mode(QueueMode::Lifo).build()
}

/// Lends a connection to work on a thread that may block. The connection belongs to the work until
/// it is done: a caller who leaves neither stops the work half-way nor gives the connection to
/// another call.
async fn run<T: Send + 'static>(
    pool: &Pool<Manager>,
    work: impl FnOnce(&mut Connection, Duration) -> T + Send + 'static,
) -> Result<T, PortError> {
    run_since(Instant::now(), pool, work).await
}

/// The same for a call that has been waiting.
async fn run_since<T: Send + 'static>(
    started: Instant,
    pool: &Pool<Manager>,
    work: impl FnOnce(&mut Connection, Duration) -> T + Send + 'static,
) -> Result<T, PortError> {
    let mut connection = lend(pool, started).await?;
    let patience = PATIENCE.saturating_sub(started.elapsed());
    let work = tokio::task::spawn_blocking(move || work(&mut connection, patience));
    match tokio::time::timeout_at(started + DEADLINE, work).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) if error.is_panic() => Err(PortError::internal(COMPONENT, error)),
        Ok(Err(shutting_down)) => Err(PortError::unavailable(COMPONENT, shutting_down)),
        Err(elapsed) => Err(PortError::unavailable(COMPONENT, elapsed)),
    }
}

async fn lend(pool: &Pool<Manager>, started: Instant) -> Result<Object<Manager>, PortError> {
    tokio::time::timeout_at(started + PATIENCE, pool.get())
        .await
        .map_err(|_elapsed| PortError::unavailable(COMPONENT, "all connections are in use"))?
        .map_err(no_connection)
}

fn no_connection(error: PoolError<ConnectionError>) -> PortError {
    match error {
        // A pragma has failed.
        PoolError::Backend(ConnectionError::CouldntSetupConfiguration(error)) => failed(error),
        error => PortError::unavailable(COMPONENT, error),
    }
}
