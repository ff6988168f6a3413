//! The channel by which replicas tell each other what to remove from their session caches.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use deadpool_redis::redis::aio::{PubSubSink, PubSubStream};
use deadpool_redis::redis::{Value, cmd};
use futures_util::StreamExt as _;
use menjin_domain::common::{Causes, PortError};
use menjin_domain::sessions::{InvalidationChannel, InvalidationListener, Subscription};
use tokio::time::{sleep, timeout};

use crate::client::RedisClient;
use crate::error::Failure;

/// How often the connection is pinged.
const PING_EVERY: Duration = Duration::from_millis(300);
/// How long the answer to a ping may take. A dead connection goes unnoticed for at most the sum of
/// the two.
const PONG_WITHIN: Duration = Duration::from_millis(500);
/// How long to wait before the first, and before each later, attempt to reconnect.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// The invalidation channel, built on publish and subscribe.
#[derive(Debug, Clone)]
pub struct RedisInvalidation {
    client: RedisClient,
}

impl RedisInvalidation {
    /// A channel on this Redis.
    pub fn new(client: RedisClient) -> Self {
        Self { client }
    }

    fn channel(&self) -> String {
        self.client.channel("invalidate")
    }

    /// A connection whose subscription is confirmed.
    async fn connect(&self) -> Result<(PubSubSink, PubSubStream), Failure> {
        let (mut sink, messages) = self.client.subscriber().await?.split();
        match timeout(self.client.timeout(), sink.subscribe(self.channel())).await {
            Ok(confirmed) => confirmed?,
            Err(_elapsed) => return Err(Failure::TooSlow),
        }
        Ok((sink, messages))
    }

    async fn listen_for_ever(self, listener: Arc<dyn InvalidationListener>) {
        let mut pause = PAUSES.0;
        let mut reported = false;
        loop {
            match self.connect().await {
                Ok((sink, messages)) => {
                    pause = PAUSES.0;
                    tracing::info!("subscribed to invalidations");
                    let live = Live::begin(&*listener);
                    let why = listen(sink, messages, &*listener).await;
                    drop(live);
                    tracing::warn!(why, "the subscription to invalidations is lost");
                    reported = true;
                }
                Err(error) if !reported => {
                    tracing::warn!(error = %Causes(&error), "cannot subscribe to invalidations");
                    reported = true;
                }
                Err(_reported) => {}
            }
            sleep(pause).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }
}

/// Tells the listener when it receives invalidations, and when it no longer does. Dropping this
/// tells the end, so that the listener learns of it also when the task is aborted or panics.
struct Live<'a>(&'a dyn InvalidationListener);

impl<'a> Live<'a> {
    fn begin(listener: &'a dyn InvalidationListener) -> Self {
        listener.live();
        Self(listener)
    }
}

impl Drop for Live<'_> {
    fn drop(&mut self) {
        self.0.lost();
    }
}

/// Passes messages on until the connection dies, and returns why it died.
async fn listen(
    mut sink: PubSubSink,
    mut messages: PubSubStream,
    listener: &dyn InvalidationListener,
) -> &'static str {
    // Pings run on their own: however many messages come, they must not delay a ping or its answer.
    let alive = async {
        loop {
            sleep(PING_EVERY).await;
            match timeout(PONG_WITHIN, sink.ping::<Value>()).await {
                Ok(Ok(_pong)) => {}
                Ok(Err(_closed)) => return "the connection is closed",
                Err(_elapsed) => return "the connection hangs",
            }
        }
    };
    let receiving = async {
        while let Some(message) = messages.next().await {
            listener.received(message.get_payload_bytes());
        }
        "the connection is closed"
    };
    tokio::select! {
        why = alive => why,
        why = receiving => why,
    }
}

#[async_trait]
impl InvalidationChannel for RedisInvalidation {
    async fn publish(&self, message: &[u8]) -> Result<(), PortError> {
        let mut publish = cmd("PUBLISH");
        publish.arg(self.channel()).arg(message);
        let _receivers: Value = self.client.command(&publish).await?;
        Ok(())
    }

    /// Must be called inside a tokio runtime: a task of that runtime listens.
    fn subscribe(&self, listener: Arc<dyn InvalidationListener>) -> Subscription {
        let task = tokio::spawn(self.clone().listen_for_ever(listener));
        Subscription::new(move || task.abort())
    }
}
