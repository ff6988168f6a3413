//! A TCP proxy that makes a bad network of the way to a server.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// How the way to the server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// As it should be.
    Sound,
    /// All that the server says arrives so much later.
    Slow(Duration),
    /// Connections are made and stay open, and nothing arrives on either side.
    Hanging,
    /// Connections are closed, and new ones as soon as they are made.
    Cut,
}

/// A proxy before one server; it ends when dropped, with all of its connections.
pub struct Proxy {
    address: SocketAddr,
    network: watch::Sender<Network>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Before the server at this port of the loopback interface; sound at first.
    pub async fn before(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (network, state) = watch::channel(Network::Sound);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _address)) = listener.accept().await {
                tokio::spawn(connect(client, port, state.clone()));
            }
        });
        Self { address, network, accepting }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Makes the way so, for the connections that there are and for new ones.
    pub fn set(&self, network: Network) {
        self.network.send_replace(network);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // Its connections end with the sender of the state.
        self.accepting.abort();
    }
}

async fn connect(client: TcpStream, port: u16, state: watch::Receiver<Network>) {
    let both = async {
        goes_on(state.clone()).await;
        let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else { return };
        for stream in [&client, &server] {
            stream.set_nodelay(true).unwrap();
        }
        let ((from_client, to_client), (from_server, to_server)) =
            (client.into_split(), server.into_split());
        tokio::join!(
            hand_on(from_client, to_server, state.clone(), |_network| Duration::ZERO),
            hand_on(from_server, to_client, state.clone(), |network| match network {
                Network::Slow(by) => by,
                _ => Duration::ZERO,
            }),
        );
    };
    let mut ending = state.clone();
    tokio::select! {
        () = both => {}
        _cut_or_dropped = ending.wait_for(|network| *network == Network::Cut) => {}
    }
}

/// Hands on what arrives, each part in its time, until one side closes.
async fn hand_on(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    state: watch::Receiver<Network>,
    delay: fn(Network) -> Duration,
) {
    let (sender, mut parts) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    let reading = async {
        loop {
            let mut part = Vec::with_capacity(16 * 1024);
            let Ok(1..) = from.read_buf(&mut part).await else { break };
            let due = Instant::now() + delay(*state.borrow());
            drop(sender.send((due, part)));
        }
        drop(sender);
        // What has been read is still to be written.
        std::future::pending::<()>().await;
    };
    let writing = async {
        while let Some((due, part)) = parts.recv().await {
            tokio::time::sleep_until(due).await;
            goes_on(state.clone()).await;
            if to.write_all(&part).await.is_err() {
                return;
            }
        }
        drop(to.shutdown().await);
    };
    tokio::select! {
        () = reading => {}
        () = writing => {}
    }
}

/// Waits while it hangs.
async fn goes_on(mut state: watch::Receiver<Network>) {
    drop(state.wait_for(|network| *network != Network::Hanging).await);
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn echo() -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut stream, _address)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    tokio::io::copy(&mut from, &mut to).await
                });
            }
        });
        port
    }

    /// How long the answer takes; `None` if there is none, after some time or at once.
    async fn ask(stream: &mut TcpStream) -> Option<Duration> {
        let started = Instant::now();
        stream.write_all(b"a").await.ok()?;
        let answer = async { (stream.read_u8().await.ok()? == b'a').then(|| started.elapsed()) };
        tokio::time::timeout(Duration::from_millis(500), answer).await.ok()?
    }

    #[tokio::test]
    async fn the_network_is_as_it_was_made() {
        let proxy = Proxy::before(echo().await).await;
        let mut stream = TcpStream::connect(("127.0.0.1", proxy.port())).await.unwrap();
        assert!(ask(&mut stream).await.is_some());
        proxy.set(Network::Slow(Duration::from_millis(200)));
        assert!(ask(&mut stream).await.unwrap() >= Duration::from_millis(200));
        proxy.set(Network::Hanging);
        let mut other = TcpStream::connect(("127.0.0.1", proxy.port())).await.unwrap();
        assert_eq!((ask(&mut stream).await, ask(&mut other).await), (None, None));
        proxy.set(Network::Sound);
        for stream in [&mut stream, &mut other] {
            assert_eq!(stream.read_u8().await.unwrap(), b'a', "what was held up arrives");
            assert!(ask(stream).await.is_some());
        }
        proxy.set(Network::Cut);
        for stream in [&mut stream, &mut other] {
            assert_eq!(stream.read(&mut [0]).await.unwrap_or(0), 0, "it is closed");
        }
        let mut refused = TcpStream::connect(("127.0.0.1", proxy.port())).await.unwrap();
        assert_eq!(ask(&mut refused).await, None);
        proxy.set(Network::Sound);
        let mut stream = TcpStream::connect(("127.0.0.1", proxy.port())).await.unwrap();
        assert!(ask(&mut stream).await.is_some());
    }
}
