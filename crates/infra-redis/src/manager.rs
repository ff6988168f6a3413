//! Connections: finds the right node, connects to it, and checks connections before reuse.

use std::time::Duration;

use deadpool::managed;
use deadpool_redis::Manager as NodeManager;
use deadpool_redis::redis::aio::{ConnectionLike, MultiplexedConnection, PubSub};
use deadpool_redis::redis::cluster::ClusterClient;
use deadpool_redis::redis::cluster_async::ClusterConnection;
use deadpool_redis::redis::{
    self, AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, ErrorKind, Pipeline,
    RedisError, RedisFuture, RedisResult, TlsCertificates, Value,
};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use crate::config::{Endpoints, at_address};

/// A connection to one node, or to a cluster.
pub(crate) enum Link {
    Node(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl ConnectionLike for Link {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Node(node) => node.req_packed_command(cmd),
            Self::Cluster(cluster) => cluster.req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Node(node) => node.req_packed_commands(pipeline, offset, count),
            Self::Cluster(cluster) => cluster.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Node(node) => node.get_db(),
            Self::Cluster(cluster) => cluster.get_db(),
        }
    }
}

/// Makes the connections of a pool.
pub(crate) struct Manager {
    source: Source,
    connecting: AsyncConnectionConfig,
}

enum Source {
    Single { node: NodeManager, address: ConnectionInfo },
    Sentinel { node: ConnectionInfo, master_name: String, sentinels: Vec<ConnectionInfo> },
    Cluster { cluster: ClusterClient, nodes: Vec<ConnectionInfo> },
}

impl Manager {
    /// With certificates, they are used wherever there is TLS.
    pub(crate) fn new(
        endpoints: Endpoints,
        certificates: Option<TlsCertificates>,
        timeout: Duration,
    ) -> RedisResult<Self> {
        let endpoints = match &certificates {
            Some(certificates) => endpoints.with(certificates)?,
            None => endpoints,
        };
        let connecting = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(timeout))
            .set_response_timeout(Some(timeout));
        let source = match endpoints {
            Endpoints::Single(address) => Source::Single {
                node: NodeManager::new_with_config(address.clone(), connecting.clone())?,
                address,
            },
            Endpoints::Sentinel { node, master_name, sentinels } => {
                Source::Sentinel { node, master_name, sentinels }
            }
            Endpoints::Cluster(nodes) => {
                // A node that hangs must leave time to ask the others.
                let builder = ClusterClient::builder(nodes.clone())
                    .connection_timeout(timeout / 3)
                    .response_timeout(timeout)
                    .retries(3)
                    .min_retry_wait(20)
                    .max_retry_wait(200);
                // For the nodes that the cluster names itself.
                let builder = match certificates {
                    Some(certificates) => builder.certs(certificates),
                    None => builder,
                };
                Source::Cluster { cluster: builder.build()?, nodes }
            }
        };
        Ok(Self { source, connecting })
    }

    /// Whether one hung connection means that the others hang as well.
    pub(crate) fn is_of_one_node(&self) -> bool {
        !matches!(self.source, Source::Cluster { .. })
    }

    /// A connection for a subscription. It has its own connection, because a subscribed connection
    /// can do nothing else.
    pub(crate) async fn subscriber(&self) -> RedisResult<PubSub> {
        let address = match &self.source {
            Source::Single { address, .. } => address.clone(),
            Source::Sentinel { node, master_name, sentinels } => {
                self.find_primary(node, master_name, sentinels).await?.0
            }
            // A cluster forwards messages to all of its nodes.
            Source::Cluster { nodes, .. } => return first(nodes.iter().map(subscriber_at)).await,
        };
        subscriber_at(&address).await
    }

    /// The primary, and a connection to it. All Sentinels are asked at once, because one that hangs
    /// must not delay the others. The first node that a Sentinel names and that calls itself
    /// primary is used.
    async fn find_primary(
        &self,
        node: &ConnectionInfo,
        name: &str,
        sentinels: &[ConnectionInfo],
    ) -> RedisResult<(ConnectionInfo, MultiplexedConnection)> {
        first(sentinels.iter().map(|sentinel| self.ask(sentinel, node, name))).await
    }

    async fn ask(
        &self,
        sentinel: &ConnectionInfo,
        node: &ConnectionInfo,
        name: &str,
    ) -> RedisResult<(ConnectionInfo, MultiplexedConnection)> {
        let mut sentinel = self.open(sentinel.clone()).await?;
        let mut question = redis::cmd("SENTINEL");
        question.arg("GET-MASTER-ADDR-BY-NAME").arg(name);
        let found: Option<(String, u16)> = question.query_async(&mut sentinel).await?;
        let Some((host, port)) = found else {
            let kind = ErrorKind::MasterNameNotFoundBySentinel;
            return Err((kind, "the Sentinels know no primary of this name").into());
        };
        let address = at_address(node, &ConnectionAddr::Tcp(host, port));
        let mut primary = self.open(address.clone()).await?;
        let role: Vec<Value> = redis::cmd("ROLE").query_async(&mut primary).await?;
        let is_primary = match role.first() {
            Some(Value::BulkString(role)) => role == b"master",
            Some(Value::SimpleString(role)) => role == "master",
            _ => false,
        };
        if !is_primary {
            return Err((ErrorKind::Io, "the node that a Sentinel named is no primary").into());
        }
        Ok((address, primary))
    }

    async fn open(&self, address: ConnectionInfo) -> RedisResult<MultiplexedConnection> {
        let client = Client::open(address)?;
        client.get_multiplexed_async_connection_with_config(&self.connecting).await
    }
}

async fn subscriber_at(address: &ConnectionInfo) -> RedisResult<PubSub> {
    Client::open(address.clone())?.get_async_pubsub().await
}

/// The first success of several futures that run at once; if none succeeds, the error that came
/// last.
async fn first<T>(
    all: impl Iterator<Item = impl Future<Output = RedisResult<T>>>,
) -> RedisResult<T> {
    let mut running: FuturesUnordered<_> = all.collect();
    let mut result = Err((ErrorKind::InvalidClientConfig, "there are no nodes").into());
    while let Some(ended) = running.next().await {
        result = ended;
        if result.is_ok() {
            break;
        }
    }
    result
}

impl managed::Manager for Manager {
    type Type = Link;
    type Error = RedisError;

    async fn create(&self) -> RedisResult<Link> {
        match &self.source {
            Source::Single { node, .. } => node.create().await.map(Link::Node),
            Source::Sentinel { node, master_name, sentinels } => {
                let (_, primary) = self.find_primary(node, master_name, sentinels).await?;
                Ok(Link::Node(primary))
            }
            Source::Cluster { cluster, .. } => {
                cluster.get_async_connection().await.map(Link::Cluster)
            }
        }
    }

    /// Costs a round trip, but a connection that broke while idle is replaced instead of failing a
    /// request.
    async fn recycle(
        &self,
        link: &mut Link,
        metrics: &managed::Metrics,
    ) -> managed::RecycleResult<RedisError> {
        match (link, &self.source) {
            (Link::Node(connection), Source::Single { node, .. }) => {
                node.recycle(connection, metrics).await
            }
            (Link::Node(connection), _) => {
                let _: Value = redis::cmd("PING").query_async(connection).await?;
                Ok(())
            }
            // A cluster connection repairs its own connections; a ping would test a random one of
            // them.
            (Link::Cluster(_), _) => Ok(()),
        }
    }
}
