//! Connecting, with TLS or without.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use diesel::connection::CacheSize;
use diesel::{ConnectionError, ConnectionResult};
use diesel_async::{AsyncConnection as _, AsyncPgConnection, SimpleAsyncConnection as _};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use menjin_domain::common::BoxError;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{CancelToken, Client, Connection, NoTls, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::config::{Target, host_names};
use crate::tls;

/// How long each of several hosts may take to connect. One that is silent must not keep the others
/// from being tried.
const HOST_PATIENCE: Duration = Duration::from_millis(1500);

/// How many connections are made at once by tasks of their own.
const MAX_CONNECTING: usize = 16;

/// Makes connections to one database.
#[derive(Clone)]
pub(crate) struct Connector {
    hosts: Arc<[tokio_postgres::Config]>,
    /// The number of the host that answered last.
    last: Arc<AtomicUsize>,
    connecting: Arc<Semaphore>,
    /// `None`: TLS is never used.
    tls: Option<MakeRustlsConnect>,
    /// The statement that sets up each session.
    setup: Arc<str>,
}

impl Connector {
    /// Reads the files that TLS needs.
    pub(crate) fn new(target: Target, statement_timeout: Duration) -> Result<Self, BoxError> {
        let tls = tls::client_config(&target.tls, target.own.as_ref())?;
        let tls = tls.map(MakeRustlsConnect::new);
        // The only timeout that also holds outside of transactions. PgBouncer applies it to any of
        // its connections, or to none; behind PgBouncer the deadline of the call has to be enough.
        let setup = format!("SET statement_timeout = {}", statement_timeout.as_millis()).into();
        let (hosts, last) = (target.hosts.into(), target.last);
        let connecting = Arc::new(Semaphore::new(MAX_CONNECTING));
        Ok(Self { hosts, last, connecting, tls, setup })
    }

    /// Whether another host may be the one that takes writes.
    pub(crate) fn has_several_hosts(&self) -> bool {
        self.hosts.len() > 1
    }

    /// Connects to the first host that can be used, beginning with the one that answered last.
    async fn to_some_host<T>(
        &self,
        connect: impl Fn(Self, tokio_postgres::Config) -> BoxFuture<'static, ConnectionResult<T>>,
    ) -> ConnectionResult<T> {
        if let [host] = &*self.hosts {
            return connect(self.clone(), host.clone()).await;
        }
        let (mut reasons, mut all_refused) = (Vec::new(), true);
        let last = self.last.load(Ordering::Relaxed);
        let in_turn = self.hosts.iter().enumerate();
        let (before, from) = (in_turn.clone().take(last), in_turn.skip(last));
        for (number, host) in from.chain(before) {
            let patience = host.get_connect_timeout().copied().unwrap_or(HOST_PATIENCE);
            let reason = match timeout(patience, connect(self.clone(), host.clone())).await {
                Ok(Ok(connected)) => {
                    self.last.store(number, Ordering::Relaxed);
                    return Ok(connected);
                }
                Ok(Err(error)) => {
                    all_refused &= matches!(error, ConnectionError::InvalidConnectionUrl(_));
                    error.to_string()
                }
                Err(_elapsed) => {
                    all_refused = false;
                    "it does not answer".to_owned()
                }
            };
            reasons.push(format!("{}: {reason}", host_names(host)));
        }
        let reasons = reasons.join("; ");
        Err(if all_refused {
            ConnectionError::InvalidConnectionUrl(reasons)
        } else {
            ConnectionError::BadConnection(reasons)
        })
    }

    /// Connects for a caller who may not have the time to wait for all hosts. If there are several,
    /// the task goes on without the caller, so that the next one finds the host that answers.
    pub(crate) async fn connect_beside(
        &self,
        prepared_statements: bool,
    ) -> ConnectionResult<AsyncPgConnection> {
        if !self.has_several_hosts() {
            return self.connect(prepared_statements).await;
        }
        let bad = |error: String| ConnectionError::BadConnection(error);
        let permit = Arc::clone(&self.connecting).acquire_owned().await;
        let permit = permit.map_err(|closed| bad(closed.to_string()))?;
        let connector = self.clone();
        let task = tokio::spawn(async move {
            let connected = connector.connect(prepared_statements).await;
            drop(permit);
            connected
        });
        task.await.map_err(|error| bad(error.to_string()))?
    }

    /// Connects, and keeps statements prepared if wanted. diesel-async names all its statements,
    /// and behind PgBouncer in transaction mode a name lives as long as a transaction. So with
    /// `prepared_statements = false` each call is a transaction, even a single read.
    pub(crate) async fn connect(
        &self,
        prepared_statements: bool,
    ) -> ConnectionResult<AsyncPgConnection> {
        let connected = self.to_some_host(|connector, host| {
            async move {
                match &connector.tls {
                    Some(tls) => connector.connect_by(&host, tls.clone()).await,
                    None => connector.connect_by(&host, NoTls).await,
                }
            }
            .boxed()
        });
        let mut postgres = connected.await?;
        if !prepared_statements {
            postgres.set_prepared_statement_cache_size(CacheSize::Disabled);
        }
        Ok(postgres)
    }

    async fn connect_by<T>(
        &self,
        host: &tokio_postgres::Config,
        tls: T,
    ) -> ConnectionResult<AsyncPgConnection>
    where
        T: MakeTlsConnect<Socket, Stream: Send + 'static, TlsConnect: Send> + Send,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        let (client, mut connection) = host.connect(tls).await.map_err(|error| bad(&error))?;
        // diesel-async sets up the session with prepared statements. Through PgBouncer these work
        // only within a transaction, so diesel-async gets the connection inside of one.
        let begin = client.batch_execute("BEGIN");
        drive(&mut connection, begin).await.map_err(|error| bad(&error))?;
        let connected = AsyncPgConnection::try_from_client_and_connection(client, connection);
        let mut postgres = connected.await?;
        let setup = format!("{}; COMMIT", self.setup);
        postgres.batch_execute(&setup).await.map_err(ConnectionError::CouldntSetupConfiguration)?;
        Ok(postgres)
    }

    /// Connects without diesel. The runtime that this is called on drives the connection.
    pub(crate) async fn client(&self) -> ConnectionResult<Client> {
        let connected = self.to_some_host(|connector, host| {
            async move {
                match &connector.tls {
                    Some(tls) => connector.client_by(&host, tls.clone()).await,
                    None => connector.client_by(&host, NoTls).await,
                }
            }
            .boxed()
        });
        connected.await
    }

    async fn client_by<T>(&self, host: &tokio_postgres::Config, tls: T) -> ConnectionResult<Client>
    where
        T: MakeTlsConnect<Socket, Stream: Send + 'static, TlsConnect: Send> + Send,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        let (client, connection) = host.connect(tls).await.map_err(|error| bad(&error))?;
        // When the connection ends, each caller that waits for an answer on it gets the error.
        tokio::spawn(async move { drop(connection.await) });
        client.batch_execute(&self.setup).await.map_err(|error| bad(&error))?;
        Ok(client)
    }

    /// Asks the server to cancel the current statement of a connection. The server may or may not
    /// do so.
    pub(crate) async fn cancel(&self, token: CancelToken) -> Result<(), tokio_postgres::Error> {
        match &self.tls {
            Some(tls) => token.cancel_query(tls.clone()).await,
            None => token.cancel_query(NoTls).await,
        }
    }
}

/// Awaits an answer on a connection that no task drives yet.
async fn drive<S, T>(
    connection: &mut Connection<Socket, S>,
    answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, tokio_postgres::Error>
where
    S: tokio_postgres::tls::TlsStream + Unpin,
{
    let mut answer = std::pin::pin!(answer);
    loop {
        tokio::select! {
            biased;
            result = &mut answer => return result,
            message = poll_fn(|context| connection.poll_message(context)) => match message {
                Some(Ok(_notice)) => {}
                Some(Err(error)) => return Err(error),
                // The connection is closed; the answer reports it.
                None => return answer.await,
            },
        }
    }
}

/// The whole chain of causes: the first line alone is "error connecting to server".
fn bad(error: &tokio_postgres::Error) -> ConnectionError {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let line = error.to_string();
        if !text.contains(&line) {
            text = format!("{text}: {line}");
        }
        cause = error.source();
    }
    match error.code() {
        // Class 28: user or password are refused. The next try ends in the same way.
        Some(state) if state.code().starts_with("28") => {
            ConnectionError::InvalidConnectionUrl(text)
        }
        _ => ConnectionError::BadConnection(text),
    }
}
