//! What callers in a queue are told, and how they leave it.

use super::*;

#[test]
fn a_caller_hears_their_position_on_entry_and_as_it_improves() {
    let mut floor = alone();
    assert_eq!(positions(&floor.calls(1, "loans")), [(1, 0)]);
    assert_eq!(positions(&floor.calls(2, "loans")), [(2, 1)]);
    assert_eq!(positions(&floor.calls(3, "loans")), [(3, 2)]);
    assert_eq!(positions(&floor.answers("ann", 1)), [(2, 0), (3, 1)]);
    assert_eq!(positions(&floor.leaves(2)), [(3, 0)]);
}

#[test]
fn a_caller_overtaken_by_a_higher_priority_is_not_told_the_same_place_again() {
    let mut floor = Floor::new(&[]);
    floor.calls(1, "loans");
    floor.calls(2, "loans");
    assert_eq!(positions(&floor.calls_as(3, "loans", Some(90))), [(3, 0)]);
    assert_eq!(floor.waiting(), [3, 1, 2]);
    assert_eq!(positions(&floor.calls_as(4, "loans", Some(5))), [(4, 3)]);
    assert_eq!(positions(&floor.leaves(3)), [(4, 2)]);
}

#[test]
fn improvements_are_told_to_the_first_fifty_only() {
    let mut floor = Floor::new(&[]);
    for call in 0..60 {
        floor.calls(call, "loans");
    }
    assert_eq!(positions(&floor.leaves(0)).len(), POSITION_WINDOW);
}

#[test]
fn who_stands_far_back_is_counted_when_somebody_asks() {
    let mut floor = Floor::new(&[]);
    for call in 0..60 {
        floor.calls(call, "loans");
    }
    (0..5).for_each(|call| drop(floor.leaves(call)));
    assert_eq!(floor.acd.ahead(CallId(59)), Some(54));
    assert_eq!(floor.acd.ahead(CallId(5)), Some(0));
    // Overtaken, they are told nothing worse.
    floor.calls_as(100, "loans", Some(90));
    assert_eq!((floor.acd.ahead(CallId(5)), floor.acd.ahead(CallId(59))), (Some(0), Some(54)));
    assert_eq!(floor.acd.ahead(CallId(999)), None);
}

#[test]
fn a_caller_back_from_a_talk_that_broke_off_is_first_again() {
    let mut floor = talking();
    let since = floor.now;
    floor.passes(5);
    floor.calls(2, "loans");
    floor.calls(3, "loans");
    floor.ends("ann", 1);
    let back = Event::Enqueue { call: CallId(1), queue: "loans".into(), priority: None, since };
    assert_eq!(positions(&floor.handle(back)), [(1, 0)]);
    assert_eq!(floor.waiting(), [1, 2, 3]);
}

#[test]
fn comfort_comes_at_its_interval_but_not_while_a_phone_rings() {
    let mut floor = Floor::with(&[("ann", LOANS)], |loans| loans.comfort = Some("comfort".to_owned()));
    floor.calls(1, "loans");
    let comforts = |decided: &[Decision]| {
        decided.iter().filter(|decision| **decision == Decision::Comfort { call: CallId(1) }).count()
    };
    assert_eq!(comforts(&floor.passes(29)), 0);
    assert_eq!(comforts(&floor.passes(1)), 1);
    assert_eq!(comforts(&floor.passes(60)), 2);
    floor.passes(20);
    floor.logs_in("ann");
    assert_eq!(comforts(&floor.passes(RING - 1)), 0, "the phone rings");
    assert_eq!(comforts(&floor.passes(1)), 1, "it was due meanwhile");
    assert_eq!(comforts(&floor.passes(30)), 1);
}

#[test]
fn a_comfort_interval_of_zero_is_silence() {
    let mut floor = Floor::with(&[], |loans| {
        loans.comfort = Some("comfort".to_owned());
        loans.comfort_every = Duration::ZERO;
    });
    floor.calls(1, "loans");
    assert_eq!(floor.passes(100), []);
}

#[test]
fn the_longest_wait_ends_in_the_flow() {
    let mut floor = Floor::with(&[("ann", LOANS)], |loans| loans.max_wait = Some(Duration::from_secs(60)));
    floor.calls(1, "loans");
    floor.passes(10);
    floor.calls(2, "loans");
    assert_eq!(expired(&floor.passes(49)), []);
    assert_eq!(expired(&floor.passes(1)), [(1, QueueExit::Timeout)]);
    assert_eq!(offers(&floor.logs_in("ann")), [(2, "ann")]);
}

#[test]
fn nobody_is_sent_away_while_a_phone_rings_for_them() {
    let mut floor = Floor::with(&[("ann", LOANS)], |loans| loans.max_wait = Some(Duration::from_secs(60)));
    floor.calls(1, "loans");
    floor.fails("ann", 1, OfferFailure::Busy);
    floor.passes(50);
    floor.logs_in("ann");
    assert_eq!(expired(&floor.passes(RING - 1)), []);
    assert_eq!(expired(&floor.passes(1)), [(1, QueueExit::Timeout)]);
    assert_eq!((floor.waiting(), floor.acd.next_deadline()), (vec![], None));
}

#[test]
fn a_full_and_an_unknown_queue_refuse_at_once() {
    let mut floor = Floor::with(&[], |loans| loans.max_waiting = 2);
    floor.calls(1, "loans");
    floor.calls(2, "loans");
    assert_eq!(expired(&floor.calls(3, "loans")), [(3, QueueExit::Full)]);
    assert_eq!(expired(&floor.calls(4, "nowhere")), [(4, QueueExit::Full)]);
    floor.leaves(1);
    assert_eq!(expired(&floor.calls(3, "loans")), []);
}

#[test]
fn the_wait_is_estimated_from_the_queues_own_talks() {
    let mut floor = Floor::new(&[("ann", &[("loan", 5)]), ("bob", &[("loan", 5)])]);
    floor.logs_in("ann");
    for call in 1..=3 {
        floor.calls(call, "loans");
        floor.answers("ann", call);
        floor.calls(100 + call, "loans");
        let known = floor.acd.estimate(CallId(100 + call));
        assert_eq!(known, None, "after {} talks", call - 1);
        floor.leaves(100 + call);
        floor.passes(100 - WRAP_UP);
        floor.ends("ann", call);
        floor.passes(WRAP_UP);
    }
    floor.not_ready("ann", "lunch");
    floor.calls(4, "loans");
    floor.calls(5, "loans");
    assert_eq!(floor.acd.estimate(CallId(4)), None, "nobody is at work");
    floor.ready("ann");
    assert_eq!(floor.acd.estimate(CallId(4)), Some(Duration::from_secs(100)), "notes are part of a talk");
    assert_eq!(floor.acd.estimate(CallId(5)), Some(Duration::from_secs(200)));
    floor.logs_in("bob");
    assert_eq!(floor.acd.estimate(CallId(5)), Some(Duration::from_secs(100)), "two share the work");
    assert_eq!(floor.acd.estimate(CallId(9)), None, "who is in no queue does not wait");
}
