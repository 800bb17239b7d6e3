//! Agents whom a flow sends a caller to.

use super::*;

#[test]
fn a_reserved_agent_is_offered_to_nobody_else_and_rings_until_told() {
    let mut floor = alone();
    assert_eq!(offers(&floor.reserves("ann", 7)), []);
    assert_eq!(floor.state("ann"), "offered 7");
    assert_eq!(offers(&floor.calls(1, "loans")), []);
    floor.passes(3600);
    assert_eq!(floor.state("ann"), "offered 7");
    floor.answers("ann", 7);
    assert_eq!(floor.state("ann"), "talking 7");
    floor.ends("ann", 7);
    assert_eq!(offers(&floor.passes(DEFAULT_WRAP_UP.as_secs() - 1)), []);
    assert_eq!(offers(&floor.passes(1)), [(1, "ann")]);
}

#[test]
fn only_a_ready_agent_and_a_call_in_no_queue_can_be_reserved() {
    let mut floor = talking();
    assert_eq!(floor.reserves("ann", 7), []);
    let mut floor = Floor::new(&[("ann", LOANS)]);
    assert_eq!(floor.reserves("ann", 7), []);
    floor.calls(1, "cards");
    floor.logs_in("ann");
    assert_eq!(floor.reserves("ann", 1), []);
    assert_eq!(floor.state("ann"), "ready");
}

#[test]
fn a_caller_who_leaves_ends_the_reservation() {
    let mut floor = alone();
    let since = floor.idle_since("ann");
    floor.passes(4);
    floor.reserves("ann", 7);
    assert_eq!(withdrawn(&floor.leaves(7)), [(7, "ann", Withdrawn::CallerLeft)]);
    assert_eq!(floor.idle_since("ann"), since);
    assert_eq!(offers(&floor.calls(7, "loans")), [(7, "ann")]);
}

#[test]
fn a_reservation_that_fails_sets_the_agent_aside() {
    let mut floor = alone();
    floor.reserves("ann", 7);
    floor.fails("ann", 7, OfferFailure::NoAnswer);
    assert_eq!((floor.state("ann").as_str(), floor.waiting().len()), ("not_ready no_answer", 0));
}

#[test]
fn a_reserved_agent_who_logs_out_is_withdrawn() {
    let mut floor = alone();
    floor.reserves("ann", 7);
    assert_eq!(withdrawn(&floor.logs_out("ann")), [(7, "ann", Withdrawn::AgentLoggedOut)]);
    floor.logs_in("ann");
    assert_eq!(offers(&floor.calls(7, "loans")), [(7, "ann")]);
}
