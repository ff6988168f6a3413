//! A bounded map in many pieces, each with its own lock: readers on different cores seldom wait for
//! each other, and no reader waits for a sweep of the whole map.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher as _, Hash};
use std::sync::{PoisonError, RwLock};

use foldhash::fast::RandomState;

/// How many pieces there are: more than most machines have cores.
const PIECES: usize = 64;

/// A piece with fewer entries than this is not swept, since a sweep would gain nothing.
const FEW: usize = 16;

/// A map whose keys are the server's own (ids, keyed hashes), so that nobody can choose keys that
/// all fall into one piece.
pub(crate) struct Shards<K, V> {
    pieces: Box<[Piece<K, V>]>,
    hasher: RandomState,
    /// How many entries a piece holds at most.
    room: usize,
}

/// Aligned to its own cache line: a reader writes to the lock, which would otherwise invalidate the
/// cache lines of the neighbouring pieces.
#[repr(align(64))]
struct Piece<K, V>(RwLock<Entries<K, V>>);

struct Entries<K, V> {
    map: HashMap<K, V, RandomState>,
    /// The number of entries at which the piece is swept.
    sweep_at: usize,
}

impl<K: Hash + Eq, V> Shards<K, V> {
    /// Room for about this many entries.
    pub(crate) fn new(capacity: usize) -> Self {
        let room = capacity.div_ceil(PIECES).max(1);
        let piece = || {
            let map = HashMap::with_hasher(RandomState::default());
            Piece(RwLock::new(Entries { map, sweep_at: FEW.min(room) }))
        };
        Self {
            pieces: std::iter::repeat_with(piece).take(PIECES).collect(),
            hasher: RandomState::default(),
            room,
        }
    }

    /// Reads a value, if it is there. The piece stays locked meanwhile.
    pub(crate) fn read<T>(&self, key: &K, read: impl FnOnce(&V) -> Option<T>) -> Option<T> {
        let entries = self.piece(key)?.0.read().unwrap_or_else(PoisonError::into_inner);
        entries.map.get(key).and_then(read)
    }

    /// Inserts a value. When a piece has twice as many entries as it kept at its last sweep, a
    /// sweep removes the entries that are not worth keeping. So memory holds at most twice what is
    /// worth keeping, and each insertion pays for a few entries at most. If there is still no room,
    /// a random half of the entries is removed.
    pub(crate) fn insert(&self, key: K, value: V, is_worth_keeping: impl Fn(&V) -> bool) {
        let Some(piece) = self.piece(&key) else { return };
        let mut entries = piece.0.write().unwrap_or_else(PoisonError::into_inner);
        if entries.map.len() >= entries.sweep_at && !entries.map.contains_key(&key) {
            entries.sweep(self.room, is_worth_keeping);
        }
        entries.map.insert(key, value);
    }

    /// How many entries there are.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        let len =
            |piece: &Piece<K, V>| piece.0.read().unwrap_or_else(PoisonError::into_inner).map.len();
        self.pieces.iter().map(len).sum()
    }

    fn piece(&self, key: &K) -> Option<&Piece<K, V>> {
        // Uses bits of the hash that the map itself does not use: the hasher of the map has its own
        // seed.
        let bits = usize::try_from(self.hasher.hash_one(key) >> 32).unwrap_or_default();
        self.pieces.get(bits % PIECES)
    }
}

impl<K: Hash + Eq, V> Entries<K, V> {
    fn sweep(&mut self, room: usize, is_worth_keeping: impl Fn(&V) -> bool) {
        self.map.retain(|_key, value| is_worth_keeping(value));
        if self.map.len() >= room {
            let mut stays = true;
            self.map.retain(|_key, _value| {
                stays = !stays;
                stays
            });
        }
        self.sweep_at = (self.map.len() * 2).max(FEW).min(room);
        self.map.shrink_to(self.sweep_at);
    }
}

impl<K, V> fmt::Debug for Shards<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shards").field("room", &self.room).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_is_read() {
        let shards = Shards::new(1000);
        shards.insert(1, 10, |_| true);
        shards.insert(1, 11, |_| true);
        shards.insert(2, 20, |_| true);
        assert_eq!(shards.read(&1, |value| Some(*value)), Some(11));
        assert_eq!(shards.read(&2, |_| None::<()>), None);
        assert_eq!(shards.read(&3, |value| Some(*value)), None);
        assert_eq!(shards.len(), 2);
    }

    #[test]
    fn it_never_holds_more_than_its_room() {
        for (capacity, most) in [(640, 640), (1, 64)] {
            let shards = Shards::new(capacity);
            for number in 0..100_000 {
                shards.insert(number, number, |_| true);
                assert_eq!(shards.read(&number, |value| Some(*value)), Some(number));
            }
            assert!((most / 2..=most).contains(&shards.len()), "{}", shards.len());
        }
    }

    #[test]
    fn what_is_not_worth_keeping_goes_first() {
        let shards = Shards::new(64 * 100);
        for number in 0..3000 {
            shards.insert(number, 1, |_| true);
        }
        for number in 3000..100_000 {
            shards.insert(number, 0, |value| *value == 1);
        }
        for number in 0..3000 {
            assert_eq!(shards.read(&number, |value| Some(*value)), Some(1), "{number}");
        }
    }

    #[test]
    fn what_is_not_worth_keeping_goes_long_before_the_room_is_used_up() {
        let shards = Shards::new(1_000_000);
        for number in 0..500_000_u32 {
            shards.insert(number, number, |value| number - value < 1000);
        }
        // Twice what is worth keeping, and the few entries that each piece may always have.
        let held = shards.len();
        assert!(held <= 64 * 16 * 2 + 2 * 1000, "{held}");
    }

    #[test]
    fn threads_do_not_lose_each_others_entries() {
        let shards = Shards::new(100_000);
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let shards = &shards;
                scope.spawn(move || {
                    for number in (0..8000).map(|number| number * 8 + thread) {
                        shards.insert(number, number, |_| true);
                    }
                });
            }
        });
        assert_eq!(shards.len(), 64_000);
    }
}
