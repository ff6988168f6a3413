//! The same tests, with lanes.

use std::sync::Once;
use std::thread;

use super::*;

/// Returns to the plain engine when the test ends, also when it panics.
struct Guard;

impl Drop for Guard {
    fn drop(&mut self) {
        ENGINE.set(HashingEngine::Plain);
    }
}

fn run(test: fn()) {
    static PROVEN: Once = Once::new();
    ENGINE.set(HashingEngine::Lanes);
    let _guard = Guard;
    // The other pools use the result of this pool's trial, so that they begin with lanes.
    PROVEN.call_once(|| {
        let (pool, started) = (pool(), Instant::now());
        while !pool.workers.has_lanes() {
            // The threads have a low priority: what else the machine does comes first.
            assert!(started.elapsed() < Duration::from_secs(300), "the trial ends");
            thread::sleep(Duration::from_millis(1));
        }
    });
    assert!(pool().workers.has_lanes());
    test();
}

macro_rules! run_in_lanes {
    ($module:path: $($name:ident)*) => {$(
        #[test]
        fn $name() {
            use $module as tests;
            run(tests::$name);
        }
    )*};
}

run_in_lanes! {
    super:
    p01_64_characters_verify
    p02_nothing_is_cut_off
    p03_repetitions_of_the_key_differ
    p08_case_and_spaces_count
    p10_new_hashes_are_2b_of_the_configured_cost_and_salted
    p10_other_kinds_and_costs_are_to_be_hashed_again
    p10_published_vectors_verify
    nobodys_password_is_always_wrong
    an_empty_password_is_wrong_even_where_it_was_stored
    every_verification_costs_one_hash
    a_storm_is_refused_before_hashing
    a_client_who_left_costs_nothing
    what_cannot_work_does_not_start
    a_crowd_gets_each_its_own_verdict
    hashes_of_this_pool_verify_elsewhere
}

run_in_lanes! {
    super::stored:
    p10_hashes_of_other_systems_verify_and_are_to_be_hashed_again
    p11_u4_what_cannot_be_read_of_other_systems_is_wrong_at_once
    p11_what_cannot_be_read_is_wrong_within_a_second
}
