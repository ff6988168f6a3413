//! Load: clients that each hold a connection and ask again as soon as they are answered, or at given
//! moments.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::net::SocketAddr;
use std::num::NonZero;
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use tokio::runtime::Builder;
use tokio::task::LocalSet;

use crate::http::{Answer, Connection};
use crate::stats::{Latencies, float};

/// What a client sends, and what it makes of the answers.
pub(crate) trait Client: Send + 'static {
    /// The bytes of the next request.
    fn request(&mut self) -> &[u8];

    /// Looks at an answer; an error stops everything.
    fn answered(&mut self, answer: Answer<'_>) -> anyhow::Result<()>;
}

/// Sends the same thing again and again, and takes no other status than these.
#[derive(Clone)]
pub(crate) struct Same {
    pub(crate) request: Vec<u8>,
    pub(crate) statuses: &'static [u16],
}

impl Client for Same {
    fn request(&mut self) -> &[u8] {
        &self.request
    }

    fn answered(&mut self, answer: Answer<'_>) -> anyhow::Result<()> {
        if !self.statuses.contains(&answer.status) {
            bail!("answered {}: {}", answer.status, String::from_utf8_lossy(answer.body));
        }
        Ok(())
    }
}

/// What came of it.
#[derive(Default)]
pub(crate) struct Outcome {
    /// Of those that were due after the warm-up, by status.
    pub(crate) latencies: BTreeMap<u16, Latencies>,
    /// The same from when they were sent, which is later where the one before took long.
    served: BTreeMap<u16, Latencies>,
    /// Those that were answered after the warm-up and before the end, by status.
    finished: BTreeMap<u16, u32>,
    /// All that were answered, the warm-up included.
    pub(crate) answered: u32,
    /// How long the measuring took.
    took: Duration,
}

impl Outcome {
    /// Answers of this status a second.
    pub(crate) fn rate(&self, status: u16) -> f64 {
        let number = self.finished.get(&status).copied().unwrap_or(0);
        f64::from(number) / self.took.as_secs_f64()
    }

    /// The latencies of answers of this status; none is an error, since nothing was measured.
    pub(crate) fn of(&self, status: u16) -> anyhow::Result<&Latencies> {
        self.latencies.get(&status).with_context(|| format!("no answer was {status}"))
    }

    /// How long answers of this status took from when their requests were sent; none is an error.
    pub(crate) fn served(&self, status: u16) -> anyhow::Result<&Latencies> {
        self.served.get(&status).with_context(|| format!("no answer was {status}"))
    }

    /// The share of answers that had this status, of those that were due after the warm-up.
    pub(crate) fn share(&self, status: u16) -> f64 {
        let number = |latencies: &Latencies| float(latencies.len());
        let all: f64 = self.latencies.values().map(number).sum();
        self.latencies.get(&status).map_or(0.0, number) / all.max(1.0)
    }

    fn add(&mut self, other: Self) {
        for (status, latencies) in other.latencies {
            self.latencies.entry(status).or_default().extend(latencies);
        }
        for (status, latencies) in other.served {
            self.served.entry(status).or_default().extend(latencies);
        }
        for (status, number) in other.finished {
            *self.finished.entry(status).or_default() += number;
        }
        self.answered += other.answered;
    }
}

/// When requests are sent.
#[derive(Clone, Copy)]
pub(crate) enum Pace {
    /// As soon as the one before was answered.
    Unbroken,
    /// This long after the one before was to be sent; what waited for its turn counts as waiting.
    Every(Duration),
    /// The same on average, at moments that nobody has agreed upon (a Poisson process).
    AtRandom(Duration),
}

/// The gaps between the requests of one client.
struct Gaps {
    pace: Pace,
    state: u64,
}

impl Gaps {
    fn new(pace: Pace) -> Self {
        Self { pace, state: RandomState::new().hash_one(0) | 1 }
    }

    /// A number above 0 and at most 1 (xorshift64*).
    fn chance(&mut self) -> f64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        let top = u32::try_from(self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32);
        (f64::from(top.unwrap_or(0)) + 1.0) / (f64::from(u32::MAX) + 1.0)
    }

    /// `None`: at once.
    fn next(&mut self) -> Option<Duration> {
        match self.pace {
            Pace::Unbroken => None,
            Pace::Every(period) => Some(period),
            Pace::AtRandom(mean) => Some(mean.mul_f64(-self.chance().ln())),
        }
    }

    /// Before the first: so that clients take turns, or begin at random.
    fn first(&mut self, index: u32, number: usize) -> Duration {
        match self.pace {
            Pace::Unbroken => Duration::ZERO,
            Pace::Every(period) => period * index / u32::try_from(number).unwrap_or(u32::MAX),
            Pace::AtRandom(_) => self.next().unwrap_or_default(),
        }
    }
}

/// How long to send.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    pub(crate) warm_up: Duration,
    pub(crate) measured: Duration,
    /// How long what was sent before the end is waited for. What takes longer is dropped.
    pub(crate) patience: Duration,
}

/// Runs clients against a server, each on a connection of its own.
pub(crate) fn run<C: Client>(
    address: SocketAddr,
    clients: Vec<C>,
    pace: Pace,
    span: Span,
) -> anyhow::Result<Outcome> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).div_ceil(2);
    let each = clients.len().div_ceil(threads).max(1);
    let mut clients = clients.into_iter();
    let mut groups = Vec::new();
    loop {
        let group: Vec<C> = clients.by_ref().take(each).collect();
        if group.is_empty() {
            break;
        }
        groups.push(thread::spawn(move || run_group(address, group, pace, span)));
    }
    let mut outcome = Outcome { took: span.measured, ..Outcome::default() };
    for group in groups {
        outcome.add(joined(group.join())?);
    }
    Ok(outcome)
}

/// What a thread came to; its panic is an error.
pub(crate) fn joined<T>(ended: thread::Result<anyhow::Result<T>>) -> anyhow::Result<T> {
    ended.unwrap_or_else(|_panic| bail!("a thread of the load generator panicked"))
}

fn run_group<C: Client>(
    address: SocketAddr,
    clients: Vec<C>,
    pace: Pace,
    span: Span,
) -> anyhow::Result<Outcome> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async move {
        let started = Instant::now();
        let window =
            Window { from: started + span.warm_up, to: started + span.warm_up + span.measured };
        let (number, outcome) = (clients.len(), Rc::new(RefCell::new(Outcome::default())));
        let tasks: Vec<_> = (0u32..)
            .zip(clients)
            .map(|(index, client)| {
                let mut gaps = Gaps::new(pace);
                let first = started + gaps.first(index, number);
                let outcome = Rc::clone(&outcome);
                tokio::task::spawn_local(drive(address, client, gaps, first, window, outcome))
            })
            .collect();
        let all = async {
            for task in tasks {
                task.await??;
            }
            anyhow::Ok(())
        };
        if let Ok(ended) = tokio::time::timeout_at((window.to + span.patience).into(), all).await {
            ended?;
        }
        Ok(outcome.take())
    })
}

#[derive(Clone, Copy)]
struct Window {
    from: Instant,
    to: Instant,
}

async fn drive<C: Client>(
    address: SocketAddr,
    mut client: C,
    mut gaps: Gaps,
    first: Instant,
    window: Window,
    outcome: Rc<RefCell<Outcome>>,
) -> anyhow::Result<()> {
    let mut due = first;
    // Not before there is something to send: a server need not wait for long.
    tokio::time::sleep_until(due.into()).await;
    let mut connection = Connection::open(address).await.context("cannot connect")?;
    while due < window.to {
        if due > Instant::now() {
            tokio::time::sleep_until(due.into()).await;
        }
        let sent = Instant::now();
        let answer = connection.exchange(client.request()).await.context("no answer")?;
        let now = Instant::now();
        let mut outcome = outcome.borrow_mut();
        outcome.answered += 1;
        if due >= window.from {
            outcome.latencies.entry(answer.status).or_default().push(now - due);
            outcome.served.entry(answer.status).or_default().push(now - sent);
        }
        if (window.from..window.to).contains(&now) {
            *outcome.finished.entry(answer.status).or_default() += 1;
        }
        client.answered(answer)?;
        drop(outcome);
        due = gaps.next().map_or(now, |gap| due + gap);
    }
    Ok(())
}
