//! The cached sessions, and what invalidates them.

use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use foldhash::fast::RandomState;
use menjin_domain::common::{SessionId, Timestamp};
use menjin_domain::sessions::{InvalidationListener, LiveSession};

use super::invalidation::Invalidation;
use crate::shards::Shards;

/// How many marks there are. Two users that share a mark invalidate each other's sessions: this can
/// cause an unneeded miss, but never a wrong hit.
const MARKS: usize = 8192;

/// A cache of live sessions and their users.
///
/// A change of a session need not find the cache's entries for it. A counter numbers all
/// invalidations; each user and each session has a mark (shared by hash) with the number of its
/// latest invalidation. An entry carries the value that the counter had before the session was read
/// from the store, and is valid while neither of its marks is higher. So an invalidation is two
/// atomic additions. A read that began before an invalidation is void whenever it ends, even if its
/// entry is inserted after the invalidation.
///
/// The other half of the argument is the order of steps in a writer: first the store, then the
/// invalidation, then the answer. A read that sees the raised counter begins after the store was
/// changed.
pub struct SessionCache {
    entries: Shards<SessionId, Entry>,
    ttl: Duration,
    /// The number of the latest invalidation.
    counter: AtomicU64,
    marks: Box<[AtomicU64]>,
    /// The number of the latest invalidation of the whole cache.
    everything: AtomicU64,
    /// Whether this process would receive invalidations of other processes.
    hearing: AtomicBool,
    hasher: RandomState,
}

struct Entry {
    live: LiveSession,
    read_at: Timestamp,
    read_after: u64,
}

/// A ticket, taken before a read from the store begins.
#[derive(Debug, Clone, Copy)]
pub struct Ticket {
    at: Timestamp,
    after: u64,
}

impl SessionCache {
    /// Room for this many sessions, each valid for `ttl` at most; zero keeps none.
    pub fn new(capacity: usize, ttl: Duration) -> Self {
        Self {
            entries: Shards::new(capacity),
            ttl,
            counter: AtomicU64::new(0),
            marks: (0..MARKS).map(|_| AtomicU64::new(0)).collect(),
            everything: AtomicU64::new(0),
            hearing: AtomicBool::new(true),
            hasher: RandomState::default(),
        }
    }

    /// A session that is valid at `at`: its entry is within the time to live and was not
    /// invalidated since it was read, and the session has not expired.
    pub fn get(&self, id: SessionId, at: Timestamp) -> Option<LiveSession> {
        if !self.is_hearing() {
            return None;
        }
        self.entries.read(&id, |copy| self.is_good(copy, at).then(|| copy.live.clone()))
    }

    fn is_good(&self, copy: &Entry, at: Timestamp) -> bool {
        self.is_young(copy, at) && at < copy.live.session.expires_at && self.is_current(copy)
    }

    /// A clock that was put back makes an entry seem younger than it is, so such an entry is not
    /// used.
    fn is_young(&self, copy: &Entry, at: Timestamp) -> bool {
        (at - copy.read_at).to_std().is_ok_and(|age| age < self.ttl)
    }

    fn is_current(&self, copy: &Entry) -> bool {
        let session = &copy.live.session;
        let marks = [
            self.mark(Invalidation::User(session.user_id)),
            self.mark(Invalidation::Session(session.id)),
            &self.everything,
        ];
        marks.iter().all(|mark| mark.load(Ordering::SeqCst) <= copy.read_after)
    }

    /// Call this before the read from the store whose result is to be cached.
    pub fn begin(&self, at: Timestamp) -> Ticket {
        Ticket { at, after: self.counter.load(Ordering::SeqCst) }
    }

    /// Caches what was read since the ticket was taken.
    pub fn fill(&self, ticket: Ticket, live: &LiveSession) {
        // A session that was read while invalidations were not received needs no flag: when they
        // are received again, the whole cache is invalidated.
        if self.ttl.is_zero() || !self.is_hearing() {
            return;
        }
        let copy = Entry { live: live.clone(), read_at: ticket.at, read_after: ticket.after };
        let is_worth_keeping = |copy: &Entry| self.is_good(copy, ticket.at);
        self.entries.insert(live.session.id, copy, is_worth_keeping);
    }

    /// Invalidates the entries of something that has changed in the store, and every read that is
    /// in progress.
    pub fn invalidate(&self, invalidation: Invalidation) {
        self.raise(self.mark(invalidation));
    }

    /// Says whether invalidations of other processes are received. While they are not, no entry is
    /// used. Entries from before stay invalid for good, since an invalidation may have been missed.
    pub fn set_hearing(&self, hearing: bool) {
        self.raise(&self.everything);
        self.hearing.store(hearing, Ordering::SeqCst);
    }

    /// Whether invalidations of other processes are received.
    pub fn is_hearing(&self) -> bool {
        self.hearing.load(Ordering::SeqCst)
    }

    fn raise(&self, mark: &AtomicU64) {
        let number = self.counter.fetch_add(1, Ordering::SeqCst) + 1;
        mark.fetch_max(number, Ordering::SeqCst);
    }

    fn mark(&self, invalidation: Invalidation) -> &AtomicU64 {
        let hash = match invalidation {
            Invalidation::User(id) => self.hash((0, id.get())),
            Invalidation::Session(id) => self.hash((1, id.0)),
        };
        let index = usize::try_from(hash % self.marks.len() as u64).unwrap_or_default();
        // The remainder is within bounds. The fallback invalidates everything rather than nothing.
        self.marks.get(index).unwrap_or(&self.everything)
    }

    fn hash(&self, value: impl Hash) -> u64 {
        self.hasher.hash_one(value)
    }
}

/// The messages of other processes.
impl InvalidationListener for SessionCache {
    fn live(&self) {
        self.set_hearing(true);
    }

    fn received(&self, message: &[u8]) {
        match Invalidation::from_bytes(message) {
            Some(invalidation) => self.invalidate(invalidation),
            // The message is from a newer release. Whatever it means, invalidating the whole cache
            // covers it.
            None => self.raise(&self.everything),
        }
    }

    fn lost(&self) {
        self.set_hearing(false);
    }
}

impl fmt::Debug for SessionCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionCache").field("ttl", &self.ttl).finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(super) mod tests;
