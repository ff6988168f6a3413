//! Each digest equals that of the `bcrypt` crate, whichever jobs join and leave, and whenever they
//! do.
//!
//! `MENJIN_TEST_LANES_SECONDS=600 cargo test -p menjin-bcrypt-lanes differential` tests it for ten
//! minutes.

use std::time::{Duration, Instant};

use crate::{Job, Key, Lanes};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

/// What may happen between two iterations.
#[derive(Debug, Clone)]
enum Event {
    /// A job joins, if there is room.
    Join { password: Vec<u8>, raw: bool, salt: [u8; 16], cost: u32 },
    /// This many iterations pass.
    Steps(usize),
    /// The client of this lane goes away. Lanes are counted from the oldest.
    Gone(usize),
}

/// 0 to 80 bytes, often near a limit, often with NULs or repetitions.
fn password() -> impl Strategy<Value = Vec<u8>> {
    let length = prop_oneof![4 => 0_usize..=80, 2 => 70_usize..=74, 1 => 0_usize..=4];
    prop_oneof![
        4 => length.clone().prop_flat_map(|length| vec(any::<u8>(), length)),
        2 => length.clone().prop_flat_map(|length| vec(0_u8..3, length)),
        1 => (length, vec(any::<u8>(), 1..5))
            .prop_map(|(length, part)| part.into_iter().cycle().take(length).collect()),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let cost = prop_oneof![6 => 0_u32..4, 1 => 4_u32..7];
    prop_oneof![
        5 => (password(), any::<bool>(), any::<[u8; 16]>(), cost)
            .prop_map(|(password, raw, salt, cost)| Event::Join { password, raw, salt, cost }),
        3 => (0_usize..8).prop_map(Event::Steps),
        1 => (0_usize..16).prop_map(Event::Gone),
    ]
}

fn events() -> impl Strategy<Value = (usize, Vec<Event>)> {
    (1..=Lanes::<()>::MAX, vec(event(), 1..60))
}

/// The jobs in the lanes, with their expected digests.
struct Model {
    lanes: Lanes<u64>,
    riders: Vec<(u64, [u8; 24], u32)>,
    number: u64,
}

impl Model {
    fn join(&mut self, password: &[u8], raw: bool, salt: [u8; 16], cost: u32) {
        let (key, theirs) = if raw {
            let Ok(key) = Key::raw(password) else {
                assert!(password.is_empty() || password.len() > 72);
                return;
            };
            (key, password.to_vec())
        } else {
            // The `bcrypt` crate does the same before it calls its own raw function.
            let mut ended = [password, &[0]].concat();
            ended.truncate(72);
            assert_eq!(Key::new(password).is_ok(), password.len() < 72);
            (Key::truncated(password), ended)
        };
        self.number += 1;
        let job = Job::new(key, salt, cost).unwrap();
        match self.lanes.join(job, self.number) {
            Ok(()) => {
                let expected = bcrypt::bcrypt(cost, salt, &theirs);
                self.riders.push((self.number, expected, 1 << cost));
            }
            Err(full) => {
                assert_eq!((full.tag, full.job.cost()), (self.number, cost));
                assert_eq!(self.riders.len(), self.lanes.capacity());
            }
        }
    }

    fn step(&mut self) {
        let mut done = self.lanes.step();
        for (_, _, left) in &mut self.riders {
            *left -= 1;
        }
        self.riders.retain(|(number, expected, left)| {
            if *left > 0 {
                return true;
            }
            let found = done.iter().position(|(tag, _)| tag == number).unwrap();
            assert_eq!(done.swap_remove(found).1.as_bytes(), expected);
            false
        });
        assert!(done.is_empty(), "nobody else is done");
        assert_eq!(self.lanes.len(), self.riders.len());
    }

    fn run((capacity, events): (usize, Vec<Event>)) {
        let mut model = Self { lanes: Lanes::new(capacity), riders: Vec::new(), number: 0 };
        for event in events {
            match event {
                Event::Join { password, raw, salt, cost } => {
                    model.join(&password, raw, salt, cost);
                }
                Event::Steps(count) => (0..count).for_each(|_| model.step()),
                Event::Gone(place) if place < model.riders.len() => {
                    let (gone, ..) = model.riders.remove(place);
                    model.lanes.retain(|tag| *tag != gone);
                }
                Event::Gone(_) => model.lanes.retain(|_| true),
            }
            assert_eq!(model.lanes.len(), model.riders.len());
        }
        while !model.lanes.is_empty() {
            model.step();
        }
    }
}

#[test]
fn whoever_joins_and_leaves_when_each_digest_is_right() {
    let seconds =
        std::env::var("MENJIN_TEST_LANES_SECONDS").map_or(2, |text| text.parse().unwrap());
    let (deadline, mut rounds) = (Instant::now() + Duration::from_secs(seconds), 0);
    while rounds < 50 || Instant::now() < deadline {
        // A separate runner for each round, because a single runner gives up after a number of
        // cases.
        let mut runner = TestRunner::new(ProptestConfig { cases: 1, ..ProptestConfig::default() });
        if let Err(error) = runner.run(&events(), |events| {
            Model::run(events);
            Ok(())
        }) {
            panic!("{error}");
        }
        rounds += 1;
    }
    eprintln!("{rounds} rounds");
}

/// Every number of lanes, with all lanes in use, at the costs of the text form.
#[test]
fn every_number_of_lanes_computes_the_same() {
    let mut runner = TestRunner::default();
    for count in 1..=Lanes::<()>::MAX {
        let mut lanes = Lanes::new(count);
        let expected: Vec<[u8; 24]> = (0..count)
            .map(|number| {
                let input = (vec(any::<u8>(), 1..=72), any::<[u8; 16]>(), 4_u32..=5);
                let (password, salt, cost) = input.new_tree(&mut runner).unwrap().current();
                let job = Job::new(Key::raw(&password).unwrap(), salt, cost).unwrap();
                lanes.join(job, number).unwrap();
                bcrypt::bcrypt(cost, salt, &password)
            })
            .collect();
        let mut found = 0;
        while !lanes.is_empty() {
            for (number, digest) in lanes.step() {
                assert_eq!(digest.as_bytes(), &expected[number], "lane {number} of {count}");
                found += 1;
            }
        }
        assert_eq!(found, count);
    }
}
