//! Tests of the choice between the plain mode and lanes.

use std::sync::{Arc, Mutex};

use menjin_bcrypt_lanes::Digest;

use super::super::trial::Sample;
use super::*;

/// Speeds as a processor may have them: each lane up to the `peak` adds `each`, and each lane after
/// the peak takes a tenth of that away.
fn rising(each: f64, peak: u32) -> Vec<f64> {
    let peak = f64::from(peak);
    (1..=16)
        .map(f64::from)
        .map(|lanes| each * (lanes.min(peak) - (lanes - peak).max(0.0) / 10.0))
        .collect()
}

fn best_of(speeds: &[Vec<f64>]) -> usize {
    match best(speeds) {
        Found::Best { lanes, .. } => lanes,
        Found::Wrong => panic!("nothing was wrong"),
    }
}

#[test]
fn the_fastest_number_of_lanes_is_chosen() {
    assert_eq!(best_of(&[rising(0.9, 5)]), 5);
    assert_eq!(best_of(&[rising(0.9, 16)]), 16);
    assert_eq!(best_of(&[rising(0.9, 1)]), 1);
    assert_eq!(best_of(&[rising(0.9, 4), rising(0.9, 6), rising(0.9, 6)]), 6);
    assert_eq!(best_of(&[vec![1.0; 16]]), 1);
}

#[test]
fn a_little_speed_is_given_for_fewer_lanes() {
    let mut speeds = vec![1.0, 2.0, 3.0, 4.0, 4.1, 4.09];
    speeds.resize(16, 2.0);
    assert_eq!(best(&[speeds]), Found::Best { lanes: 4, speed: 4.0 });
}

fn engine(choice: HashingEngine, lanes: Option<usize>, threads: usize) -> Engine {
    Engine::trying(Input::plain, choice, lanes, threads)
}

#[test]
fn until_they_are_tried_there_are_no_lanes() {
    for choice in [HashingEngine::Auto, HashingEngine::Lanes] {
        for lanes in [None, Some(3)] {
            let engine = engine(choice, lanes, 2);
            assert_eq!((engine.mode(), engine.is_settled()), (Mode::Plain, false));
            assert!(engine.trial().is_some());
        }
    }
    let plain = engine(HashingEngine::Plain, None, 2);
    assert!(plain.is_settled() && plain.trial().is_none());
}

#[test]
fn the_first_thread_decides_until_the_last_one_has() {
    let mut engine = engine(HashingEngine::Auto, None, 2);
    engine.tried(rising(0.9, 4));
    assert_eq!((engine.mode(), engine.is_settled()), (Mode::Lanes(4), false));
    engine.tried(rising(0.9, 8));
    assert_eq!((engine.mode(), engine.is_settled()), (Mode::Lanes(8), true));
}

#[test]
fn lanes_that_gain_nothing_are_taken_only_if_asked_for() {
    let slow = || rising(0.5, 2);
    for (choice, lanes, mode) in [
        (HashingEngine::Auto, None, Mode::Plain),
        (HashingEngine::Auto, Some(3), Mode::Lanes(3)),
        (HashingEngine::Lanes, None, Mode::Lanes(2)),
        (HashingEngine::Lanes, Some(1), Mode::Lanes(1)),
    ] {
        let mut engine = engine(choice, lanes, 1);
        engine.tried(slow());
        assert_eq!(engine.mode(), mode, "{choice:?} {lanes:?}");
    }
}

#[test]
fn once_distrusted_is_for_good_and_loud() {
    let (log, mut engine) = (Log::default(), engine(HashingEngine::Lanes, Some(4), 2));
    engine.tried(rising(0.9, 4));
    tracing::subscriber::with_default(log.subscriber(), || engine.distrust());
    assert!(log.text().contains("ERROR") && log.text().contains("wrong"), "{}", log.text());
    engine.tried(rising(0.9, 4));
    assert_eq!((engine.mode(), engine.is_settled()), (Mode::Plain, true));
}

fn tried(mut trial: Trial) -> Result<Vec<f64>, usize> {
    for samples in 0..1000 {
        match trial.sample() {
            Sample::More => {}
            Sample::Over(speeds) => return Ok(speeds),
            Sample::Wrong => return Err(samples),
        }
    }
    panic!("a trial ends")
}

#[test]
fn a_trial_measures_every_number_of_lanes() {
    let speeds = tried(Trial::new(Input::plain)).unwrap();
    assert_eq!(speeds.len(), 16);
    assert!(speeds.iter().all(|speed| speed.is_finite() && *speed > 0.0), "{speeds:?}");
}

/// One bit of one digest differs, in the last lane alone.
#[test]
fn a_trial_finds_any_difference() {
    let faulty = |input: &Input| {
        let mut bytes = *input.plain().as_bytes();
        bytes[23] ^= u8::from(input.salt() == [15; 16]);
        Digest::from(bytes)
    };
    assert_eq!(tried(Trial::new(faulty)).unwrap_err(), 16 + 15, "at the first sixteen lanes");
}

/// The log of the calling thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn subscriber(&self) -> impl tracing::Subscriber {
        let log = self.clone();
        tracing_subscriber::fmt().with_ansi(false).with_writer(move || log.clone()).finish()
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
