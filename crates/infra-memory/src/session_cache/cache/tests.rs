//! Tests of the session cache, among them all interleavings of its readers and writers.

use std::sync::Arc;

use menjin_domain::accounts::{Email, User, Username, UsernameLength};
use menjin_domain::common::{ClientInfo, UserId};
use menjin_domain::sessions::{Generation, Session};

use super::*;

pub(in crate::session_cache) const SESSION: SessionId = SessionId(uuid::Uuid::from_u128(7));
const TTL: Duration = Duration::from_secs(1);

pub(in crate::session_cache) fn at(millis: i64) -> Timestamp {
    Timestamp::from_timestamp_millis(1_700_000_000_000 + millis).unwrap()
}

/// A session whose user's `updated_at` shows which version was read.
pub(in crate::session_cache) fn live(version: i64) -> LiveSession {
    LiveSession {
        session: Session {
            id: SESSION,
            user_id: UserId::FIRST,
            generation: Generation::FIRST,
            created_at: at(0),
            last_used_at: at(0),
            authenticated_at: at(0),
            has_factor: false,
            expires_at: at(500_000),
            ends_at: at(500_000),
            client: ClientInfo::local(),
        },
        user: Arc::new(User { updated_at: Some(at(version)), ..user() }),
    }
}

fn user() -> User {
    let name = Username::parse("mike", UsernameLength::DEFAULT).unwrap();
    User::new(UserId::FIRST, name, Email::parse("mike@example.com").unwrap(), at(0))
}

fn cache() -> SessionCache {
    SessionCache::new(100, TTL)
}

#[test]
fn a_copy_is_good_for_its_time() {
    let cache = cache();
    cache.fill(cache.begin(at(0)), &live(1));
    assert_eq!(cache.get(SESSION, at(999)), Some(live(1)));
    assert_eq!(cache.get(SESSION, at(1000)), None);
    assert_eq!(cache.get(SESSION, at(-1)), None, "the clock was put back");
}

#[test]
fn a_copy_does_not_outlive_its_session() {
    let cache = cache();
    cache.fill(cache.begin(at(499_900)), &live(1));
    assert!(cache.get(SESSION, at(499_999)).is_some());
    assert_eq!(cache.get(SESSION, at(500_000)), None);
}

#[test]
fn either_mark_voids_a_copy() {
    for invalidation in [Invalidation::User(UserId::FIRST), Invalidation::Session(SESSION)] {
        let cache = cache();
        cache.fill(cache.begin(at(0)), &live(1));
        cache.invalidate(invalidation);
        assert_eq!(cache.get(SESSION, at(1)), None);
        cache.fill(cache.begin(at(1)), &live(2));
        assert_eq!(cache.get(SESSION, at(2)), Some(live(2)));
    }
}

#[test]
fn others_are_left_alone() {
    let cache = cache();
    cache.fill(cache.begin(at(0)), &live(1));
    let mine = cache.mark(Invalidation::User(UserId::FIRST));
    let other = (2..1000)
        .map(|id| Invalidation::User(UserId::try_from(id).unwrap()))
        .find(|other| !std::ptr::eq(cache.mark(*other), mine))
        .unwrap();
    cache.invalidate(other);
    assert!(cache.get(SESSION, at(1)).is_some());
}

#[test]
fn who_cannot_hear_uses_no_copies_nor_those_from_before() {
    let cache = cache();
    cache.fill(cache.begin(at(0)), &live(1));
    cache.set_hearing(false);
    assert_eq!(cache.get(SESSION, at(1)), None);
    let deaf = cache.begin(at(1));
    cache.set_hearing(true);
    assert_eq!(cache.get(SESSION, at(1)), None, "something may have been missed");
    cache.fill(deaf, &live(2));
    assert_eq!(cache.get(SESSION, at(1)), None, "read while deaf");
    cache.fill(cache.begin(at(1)), &live(3));
    assert!(cache.get(SESSION, at(1)).is_some());
}

#[test]
fn without_a_time_to_live_nothing_is_kept() {
    let cache = SessionCache::new(100, Duration::ZERO);
    cache.fill(cache.begin(at(0)), &live(1));
    assert_eq!(cache.get(SESSION, at(0)), None);
}

#[test]
fn other_processes_are_heard() {
    let cache = cache();
    let message = Invalidation::User(UserId::FIRST).to_bytes();
    for message in [&message[..], b"from the future"] {
        cache.fill(cache.begin(at(0)), &live(1));
        assert!(cache.get(SESSION, at(0)).is_some());
        cache.received(message);
        assert_eq!(cache.get(SESSION, at(0)), None);
    }
    cache.lost();
    cache.fill(cache.begin(at(0)), &live(1));
    assert_eq!(cache.get(SESSION, at(0)), None);
    cache.live();
    cache.fill(cache.begin(at(0)), &live(1));
    assert!(cache.get(SESSION, at(0)).is_some());
}

/// One step of one actor. Threads can be switched between steps.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    /// A reader looks into the cache and takes a ticket.
    Begin,
    /// It reads the store.
    Read,
    /// The reader caches what it has read.
    Fill,
    /// A writer changes the store.
    Write,
    /// It invalidates.
    Invalidate,
    /// The writer answers: from now on, no reader may see an older version.
    Answer,
}

const READER: [Step; 3] = [Step::Begin, Step::Read, Step::Fill];
const WRITER: [Step; 3] = [Step::Write, Step::Invalidate, Step::Answer];

/// Runs actors in the order of a schedule, and returns the oldest version that a lookup at the end
/// may give.
fn run(actors: &[[Step; 3]], schedule: &[usize]) {
    let cache = cache();
    let (mut stored, mut acknowledged) = (0, 0);
    let mut next = vec![0; actors.len()];
    let mut tickets = vec![None; actors.len()];
    let mut values = vec![0; actors.len()];
    for &actor in schedule {
        match actors[actor][next[actor]] {
            Step::Begin => tickets[actor] = Some(cache.begin(at(0))),
            Step::Read => values[actor] = stored,
            Step::Fill => cache.fill(tickets[actor].unwrap(), &live(values[actor])),
            Step::Write => {
                stored += 1;
                values[actor] = stored;
            }
            Step::Invalidate => cache.invalidate(Invalidation::User(UserId::FIRST)),
            Step::Answer => acknowledged = acknowledged.max(values[actor]),
        }
        next[actor] += 1;
        if let Some(seen) = cache.get(SESSION, at(0)) {
            let seen = seen.user.updated_at.unwrap();
            assert!(
                seen >= at(acknowledged),
                "{actors:?} {schedule:?}: saw an acknowledged change undone"
            );
        }
    }
}

/// Every order in which actors of three steps each can be interleaved.
fn schedules(left: &mut [usize], schedule: &mut Vec<usize>, visit: &mut impl FnMut(&[usize])) {
    if left.iter().all(|steps| *steps == 0) {
        return visit(schedule);
    }
    for actor in 0..left.len() {
        if left[actor] > 0 {
            left[actor] -= 1;
            schedule.push(actor);
            schedules(left, schedule, visit);
            schedule.pop();
            left[actor] += 1;
        }
    }
}

#[test]
fn no_interleaving_brings_an_acknowledged_change_back() {
    for actors in [&[READER, WRITER][..], &[READER, READER, WRITER], &[READER, WRITER, WRITER]] {
        let mut runs = 0;
        schedules(&mut vec![3; actors.len()], &mut Vec::new(), &mut |schedule| {
            run(actors, schedule);
            runs += 1;
        });
        let expected = [20, 1680][actors.len() - 2];
        assert_eq!(runs, expected, "every schedule was run");
    }
}

/// The same on real threads: steps of a model cannot show the order of memory accesses.
#[test]
fn threads_see_no_acknowledged_change_undone() {
    let cache = cache();
    let (stored, acknowledged) = (AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while stored.load(Ordering::SeqCst) < 20_000 {
                    let ticket = cache.begin(at(0));
                    let value = i64::try_from(stored.load(Ordering::SeqCst)).unwrap();
                    cache.fill(ticket, &live(value));
                    let floor = i64::try_from(acknowledged.load(Ordering::SeqCst)).unwrap();
                    if let Some(seen) = cache.get(SESSION, at(0)) {
                        assert!(seen.user.updated_at.unwrap() >= at(floor));
                    }
                }
            });
        }
        scope.spawn(|| {
            for value in 1..=20_000 {
                stored.store(value, Ordering::SeqCst);
                cache.invalidate(Invalidation::User(UserId::FIRST));
                acknowledged.store(value, Ordering::SeqCst);
            }
        });
    });
}
