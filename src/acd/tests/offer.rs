//! The life of an offer.

use super::*;

#[test]
fn an_answer_takes_the_caller_out_of_the_queue() {
    let floor = talking();
    assert!(floor.waiting().is_empty());
    assert_eq!(floor.acd.next_deadline(), None);
}

#[test]
fn a_phone_nobody_picks_up_is_withdrawn_and_the_caller_rings_the_next_agent() {
    let mut floor = pair();
    floor.calls(1, "loans");
    floor.calls(2, "cards");
    assert!(withdrawn(&floor.passes(RING - 1)).is_empty());
    let decided = floor.passes(1);
    assert_eq!(withdrawn(&decided), [(1, "ann", Withdrawn::NoAnswer)]);
    assert_eq!(offers(&decided), [(1, "bob")]);
    assert_eq!(reasons(&decided).waited_ms, RING * 1000);
    assert_eq!(floor.state("ann"), "not_ready no_answer");
}

#[test]
fn a_caller_whose_offer_failed_is_back_at_the_head() {
    let mut floor = alone();
    floor.calls(1, "loans");
    floor.passes(1);
    floor.calls(2, "loans");
    floor.fails("ann", 1, OfferFailure::Rejected);
    assert_eq!(floor.waiting(), [1, 2]);
    assert_eq!(floor.state("ann"), "not_ready rejected");
    assert_eq!(offers(&floor.ready("ann")), [(1, "ann")]);
}

#[test]
fn an_unreachable_phone_sets_its_agent_aside() {
    let mut floor = alone();
    floor.calls(1, "loans");
    floor.fails("ann", 1, OfferFailure::Unreachable);
    floor.passes(3600);
    assert_eq!(floor.state("ann"), "not_ready unreachable");
}

#[test]
fn an_agent_with_a_busy_phone_is_tried_again_after_a_short_pause() {
    let mut floor = alone();
    floor.calls(1, "loans");
    floor.fails("ann", 1, OfferFailure::Busy);
    assert_eq!(floor.state("ann"), "not_ready busy");
    assert_eq!(offers(&floor.passes(BUSY_PAUSE.as_secs() - 1)), []);
    assert_eq!(offers(&floor.passes(1)), [(1, "ann")]);
}

#[test]
fn a_break_asked_for_in_the_pause_of_a_busy_phone_is_not_cut_short() {
    for reason in ["lunch", "busy"] {
        let mut floor = alone();
        floor.calls(1, "loans");
        floor.fails("ann", 1, OfferFailure::Busy);
        floor.not_ready("ann", reason);
        floor.passes(60);
        assert_eq!(floor.state("ann"), format!("not_ready {reason}"));
    }
}

#[test]
fn a_caller_who_leaves_costs_the_agent_nothing_of_their_idle_time() {
    let mut floor = pair();
    let since = floor.idle_since("ann");
    floor.passes(5);
    floor.calls(1, "loans");
    floor.passes(5);
    assert_eq!(withdrawn(&floor.leaves(1)), [(1, "ann", Withdrawn::CallerLeft)]);
    assert_eq!((floor.idle_since("ann"), floor.acd.next_deadline()), (since, None));
    assert_eq!(offers(&floor.calls(2, "loans")), [(2, "ann")]);
}

#[test]
fn an_agent_spared_by_one_caller_takes_the_next() {
    let mut floor = alone();
    floor.calls(1, "loans");
    floor.calls(2, "loans");
    assert_eq!(offers(&floor.leaves(1)), [(2, "ann")]);
}

#[test]
fn an_agent_who_logs_out_while_ringing_leaves_the_caller_at_the_head() {
    let mut floor = pair();
    floor.calls(1, "loans");
    let decided = floor.logs_out("ann");
    assert_eq!(withdrawn(&decided), [(1, "ann", Withdrawn::AgentLoggedOut)]);
    assert_eq!(offers(&decided), [(1, "bob")]);
    assert_eq!(floor.state("ann"), "logged_out");
}

#[test]
fn an_answer_after_the_withdrawal_changes_nothing() {
    let mut floor = pair();
    floor.calls(1, "loans");
    floor.passes(RING);
    assert_eq!(floor.answers("ann", 1), []);
    assert_eq!(
        (floor.state("ann").as_str(), floor.state("bob").as_str()),
        ("not_ready no_answer", "offered 1")
    );
    let mut floor = alone();
    floor.calls(1, "loans");
    floor.leaves(1);
    assert_eq!(floor.answers("ann", 1), []);
    assert_eq!(floor.state("ann"), "ready");
}

#[test]
fn what_comes_twice_or_late_or_about_strangers_changes_nothing() {
    let mut floor = alone();
    floor.calls(1, "loans");
    assert_eq!(floor.calls(1, "loans"), []);
    assert_eq!(floor.fails("ann", 9, OfferFailure::Busy), []);
    assert_eq!(floor.answers("ann", 9), []);
    assert_eq!(floor.answers("zoe", 1), []);
    assert_eq!(floor.ends("ann", 1), []);
    assert_eq!(floor.logs_in("ann"), []);
    floor.answers("ann", 1);
    assert_eq!(floor.answers("ann", 1), []);
    assert_eq!(floor.fails("ann", 1, OfferFailure::NoAnswer), []);
    assert_eq!(floor.calls(1, "loans"), []);
    assert_eq!(floor.leaves(1), []);
    assert_eq!(floor.leaves(9), []);
    assert_eq!(floor.ends("ann", 9), []);
    assert_eq!(floor.state("ann"), "talking 1");
    floor.ends("ann", 1);
    assert_eq!(floor.ends("ann", 1), []);
    assert_eq!(floor.state("ann"), "wrap_up");
    for event in
        [Event::LoggedIn("zoe".into()), Event::LoggedOut("zoe".into()), Event::SetReady("zoe".into())]
    {
        assert_eq!(floor.handle(event), []);
    }
    assert_eq!((floor.not_ready("zoe", "x"), floor.reserves("zoe", 7)), (vec![], vec![]));
}

#[test]
fn a_leave_said_twice_withdraws_once() {
    let mut floor = alone();
    floor.calls(1, "loans");
    assert_eq!(withdrawn(&floor.leaves(1)).len(), 1);
    assert_eq!(floor.leaves(1), []);
}
