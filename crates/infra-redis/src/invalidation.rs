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

/// How often the connection is asked whether it lives.
const PING_EVERY: Duration = Duration::from_millis(300);
/// How long its answer may take. The two together are what a dead connection goes unnoticed.
const PONG_WITHIN: Duration = Duration::from_millis(500);
/// How long to wait before the first and before any later try to connect again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// The invalidation channel, on publish and subscribe.
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

    /// Subscribed, and confirmed to be.
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

/// Tells the listener that it is live, and that it no longer is, however that comes about: also when
/// the task is aborted, or ends in a panic.
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

/// Hands messages on until the connection dies; says how it did.
async fn listen(
    mut sink: PubSubSink,
    mut messages: PubSubStream,
    listener: &dyn InvalidationListener,
) -> &'static str {
    // On its own: messages, however many, must not hold up the question, nor its answer them.
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

    /// Needs a tokio runtime around it, whose task does the listening.
    fn subscribe(&self, listener: Arc<dyn InvalidationListener>) -> Subscription {
        let task = tokio::spawn(self.clone().listen_for_ever(listener));
        Subscription::new(move || task.abort())
    }
}
