//! Days at the office under a seed: callers and agents who do as they please, a network that loses, doubles and delays.
//!
//! After every step the checkers look at everything; a failure prints the seed and the SIP ladder.
//! `HOTLINE_SIM_CALLS` sets how many calls are simulated in all (default `CALLS`), `HOTLINE_SIM_SEED` runs one seed only.

mod checkers;
mod journal;
mod people;

use std::time::Duration;

use crate::office::network::Faults;
use crate::office::{Office, ladder, secs, world};
use people::People;

/// Calls over all seeds in an ordinary test run.
const CALLS: usize = 10_000;

/// Calls of one seed: a day short enough that a failing one can be read.
const CALLS_PER_SEED: usize = 200;

/// After the last call everything must be over within this: the longest SIP timer, wrap-ups, and then some.
const AFTERMATH: Duration = secs(600);

/// One day: everything that happened, as text, if `traced`.
fn day(seed: u64, calls: usize, traced: bool) -> Option<String> {
    let mut office = Office::with(seed, world::demo(), Faults::ROUGH);
    office.trace = traced.then(String::new);
    let mut people = People::new(seed, calls);
    people.take_ports(&mut office);
    while let Some(at) = people.next() {
        advance(&mut office, seed, at);
        people.act(&mut office);
    }
    office.network.faults = Faults::NONE;
    people.go_home(&mut office);
    let end = office.now + AFTERMATH;
    advance(&mut office, seed, end);
    checked(&mut office, seed, checkers::all_over);
    checked(&mut office, seed, journal::is_complete_and_true);
    office.trace.take()
}

/// Lets time pass, checking after every event.
fn advance(office: &mut Office, seed: u64, end: hotline::moment::Moment) {
    while office.next_event().is_some_and(|at| at <= end) {
        let (at, before) = (office.next_event().unwrap_or(end), office.turns);
        office.step_to(at);
        if office.turns != before {
            checked(office, seed, checkers::at_any_time);
        }
    }
    office.step_to(end);
}

fn checked(office: &mut Office, seed: u64, check: fn(&mut Office) -> Result<(), String>) {
    if let Err(violation) = check(office) {
        panic!(
            "seed {seed}: {violation}\nrepeat with HOTLINE_SIM_SEED={seed}\n{}",
            ladder::print(&office.network)
        );
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn ten_thousand_calls_under_faults_keep_every_invariant() {
    if let Some(seed) = number("HOTLINE_SIM_SEED") {
        day(seed, CALLS_PER_SEED, false);
        return;
    }
    let calls = number("HOTLINE_SIM_CALLS").map_or(CALLS, |calls| calls as usize);
    // Two halves on two cores; which seeds run does not depend on it.
    let seeds = calls.div_ceil(CALLS_PER_SEED) as u64;
    let halves = [0, 1].map(|half| {
        std::thread::spawn(move || {
            for seed in (half..seeds).step_by(2) {
                day(seed, CALLS_PER_SEED, false);
            }
        })
    });
    for half in halves {
        if let Err(panic) = half.join() {
            std::panic::resume_unwind(panic);
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let first = day(7, 100, true).expect("traced");
    let second = day(7, 100, true).expect("traced");
    assert!(first.len() > 100_000, "a day leaves a trace");
    assert!(first == second, "two runs of one seed differ");
    let other = day(8, 100, true).expect("traced");
    assert!(first != other, "the seed matters");
}

#[test]
#[should_panic(expected = "SIP ladder")]
fn a_failing_seed_prints_its_ladder() {
    let mut office = Office::seeded(1);
    office.caller("138");
    office.dials("138", "95500");
    office.run(secs(3));
    checked(&mut office, 1, |_| Err("for the sake of this test".to_owned()));
}
