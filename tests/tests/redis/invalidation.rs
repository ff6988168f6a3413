//! The invalidation channel.

use std::sync::Arc;
use std::time::{Duration, Instant};

use menjin_domain::sessions::{InvalidationChannel as _, InvalidationListener};
use menjin_infra_redis::{RedisClient, RedisConfig, RedisInvalidation};
use menjin_tests::servers::redis::{RedisServer, shared_url};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::{config, unavailable};

#[derive(Debug, PartialEq, Eq)]
enum Heard {
    Live,
    Message(Vec<u8>),
    Lost,
}

struct Listener(mpsc::UnboundedSender<Heard>);

impl InvalidationListener for Listener {
    fn live(&self) {
        drop(self.0.send(Heard::Live));
    }

    fn received(&self, message: &[u8]) {
        drop(self.0.send(Heard::Message(message.to_vec())));
    }

    fn lost(&self) {
        drop(self.0.send(Heard::Lost));
    }
}

struct Subscriber {
    channel: RedisInvalidation,
    heard: mpsc::UnboundedReceiver<Heard>,
    subscription: menjin_domain::sessions::Subscription,
}

impl Subscriber {
    fn new(config: &RedisConfig) -> Self {
        let channel = RedisInvalidation::new(RedisClient::new(config).unwrap());
        let (sender, heard) = mpsc::unbounded_channel();
        let subscription = channel.subscribe(Arc::new(Listener(sender)));
        Self { channel, heard, subscription }
    }

    async fn next(&mut self) -> Heard {
        timeout(Duration::from_secs(10), self.heard.recv()).await.unwrap().unwrap()
    }

    async fn hears_nothing_for(&mut self, time: Duration) {
        let heard = timeout(time, self.heard.recv()).await;
        assert!(heard.is_err(), "{heard:?}");
    }
}

fn message(text: &str) -> Heard {
    Heard::Message(text.as_bytes().to_vec())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_publishes_all_of_the_installation_receive() {
    let config = config(&shared_url());
    let (mut one, mut two) = (Subscriber::new(&config), Subscriber::new(&config));
    let mut stranger = Subscriber::new(&crate::config(&shared_url()));
    for each in [&mut one, &mut two, &mut stranger] {
        assert_eq!(each.next().await, Heard::Live);
    }
    one.channel.publish(b"a").await.unwrap();
    two.channel.publish(b"\0\xff\r\n").await.unwrap();
    for each in [&mut one, &mut two] {
        assert_eq!(each.next().await, message("a"));
        assert_eq!(each.next().await, Heard::Message(b"\0\xff\r\n".to_vec()));
    }
    stranger.hears_nothing_for(Duration::from_millis(200)).await;
}

/// Many messages do not hold up the question whether the connection lives, nor it them.
#[tokio::test(flavor = "multi_thread")]
async fn messages_keep_their_order_over_many_pings() {
    let mut one = Subscriber::new(&config(&shared_url()));
    assert_eq!(one.next().await, Heard::Live);
    let (channel, started) = (one.channel.clone(), Instant::now());
    let publishing = tokio::spawn(async move {
        let mut sent = 0_u32;
        while started.elapsed() < Duration::from_millis(1500) {
            channel.publish(sent.to_string().as_bytes()).await.unwrap();
            sent += 1;
        }
        sent
    });
    let sent = publishing.await.unwrap();
    for number in 0..sent {
        assert_eq!(one.next().await, message(&number.to_string()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f9_a_lost_subscription_is_told_within_a_second() {
    let server = RedisServer::start(&[]);
    let mut one = Subscriber::new(&config(&server.url()));
    assert_eq!(one.next().await, Heard::Live);

    server.kill();
    let started = Instant::now();
    assert_eq!(one.next().await, Heard::Lost);
    assert!(started.elapsed() < Duration::from_millis(500), "{:?}", started.elapsed());
    unavailable(one.channel.publish(b"missed").await);
    server.restart();
    assert_eq!(one.next().await, Heard::Live);

    // Half-open: nothing is closed, nothing answered.
    server.stop();
    let started = Instant::now();
    assert_eq!(one.next().await, Heard::Lost);
    assert!(started.elapsed() < Duration::from_millis(1300), "{:?}", started.elapsed());
    one.hears_nothing_for(Duration::from_millis(1500)).await;
    server.cont();
    assert_eq!(one.next().await, Heard::Live);
    one.channel.publish(b"again").await.unwrap();
    assert_eq!(one.next().await, message("again"));
}

/// A server that accepts connections and answers nothing confirms nothing.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_live_before_it_is_confirmed() {
    let server = RedisServer::start(&[]);
    server.stop();
    let mut one = Subscriber::new(&RedisConfig {
        timeout: Duration::from_millis(300),
        ..config(&server.url())
    });
    one.hears_nothing_for(Duration::from_secs(1)).await;
    server.cont();
    assert_eq!(one.next().await, Heard::Live);
    // By the server's own account.
    let channels = server.ask("PUBSUB CHANNELS");
    assert!(channels.contains(":v1:invalidate"), "{channels}");
}

/// A user who may do all but subscribe is refused, and never live.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_subscription_is_not_live() {
    let server = RedisServer::start(&[]);
    server.ask("ACL SETUSER deaf on >secret ~* &* +@all -subscribe");
    let url = format!("redis://deaf:secret@{}", server.address());
    let mut one = Subscriber::new(&config(&url));
    one.hears_nothing_for(Duration::from_millis(700)).await;
    server.ask("ACL SETUSER deaf +subscribe");
    assert_eq!(one.next().await, Heard::Live);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_subscription_ends() {
    let server = RedisServer::start(&[]);
    let mut one = Subscriber::new(&config(&server.url()));
    assert_eq!(one.next().await, Heard::Live);
    drop(one.subscription);
    assert_eq!(one.heard.recv().await, Some(Heard::Lost));
    assert_eq!(one.heard.recv().await, None, "the listener is let go");
}
