//! Measures hashes per second on one core by the number of lanes, compared with the `bcrypt` crate:
//! `cargo bench -p menjin-bcrypt-lanes`.
//!
//! Plain and interleaved runs alternate, and medians are compared, so that a machine that changes
//! its speed favours neither. On Linux the processor time of the thread is measured, which leaves
//! out other work of the machine.
#![expect(clippy::print_stdout, reason = "it is what a benchmark is for")]

use std::hint::black_box;

use menjin_bcrypt_lanes::{Job, Key, Lanes};

const COST: u32 = 8;
const ROUNDS: usize = 15;
const SALT: [u8; 16] = *b"salt of 16 bytes";
const PASSWORD: &[u8] = b"correct horse battery staple";

#[cfg(target_os = "linux")]
fn seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    std::time::Duration::try_from(time).map_or(0.0, |time| time.as_secs_f64())
}

#[cfg(not(target_os = "linux"))]
fn seconds() -> f64 {
    static START: std::sync::LazyLock<std::time::Instant> =
        std::sync::LazyLock::new(std::time::Instant::now);
    START.elapsed().as_secs_f64()
}

fn timed(work: impl FnOnce()) -> f64 {
    let started = seconds();
    work();
    seconds() - started
}

fn plain() {
    black_box(bcrypt::bcrypt(COST, SALT, black_box(PASSWORD)));
}

/// All lanes at once, from joining to the last digest.
fn interleaved(lanes: &mut Lanes<usize>) {
    for number in 0..lanes.capacity() {
        let job = Key::raw(black_box(PASSWORD)).ok().and_then(|key| Job::new(key, SALT, COST).ok());
        assert!(job.is_some_and(|job| lanes.join(job, number).is_ok()), "a free lane takes a job");
    }
    while !lanes.is_empty() {
        black_box(lanes.step());
    }
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

fn main() {
    let mut lanes: Vec<_> = (1..=16_u8).map(|count| Lanes::new(count.into())).collect();
    let mut plain_times = Vec::new();
    let mut times = vec![Vec::new(); lanes.len()];
    for _ in 0..ROUNDS {
        for (lanes, times) in lanes.iter_mut().zip(&mut times) {
            plain_times.push(timed(plain));
            times.push(timed(|| interleaved(lanes)));
        }
    }
    let plain = median(plain_times);
    println!(
        "cost {COST}, one core, {ROUNDS} rounds; the bcrypt crate: {:.1} hashes/s",
        1.0 / plain
    );
    println!(
        "| lanes | hashes/s | against one after the other | time of a full batch against one hash |"
    );
    println!("| --- | --- | --- | --- |");
    for (count, times) in (1_u8..).zip(times) {
        let (batch, count) = (median(times), f64::from(count));
        println!(
            "| {count} | {:.1} | {:.2} | {:.2} |",
            count / batch,
            count * plain / batch,
            batch / plain
        );
    }
}
