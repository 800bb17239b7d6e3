//! How agents come and go, and stand.

use super::*;

#[test]
fn logging_in_makes_ready_only_whom_the_configuration_says() {
    let mut floor = alone();
    assert_eq!(floor.state("ann"), "ready");
    floor.agents.insert("bob".into(), config::Agent { ready_on_register: false, ..agent(LOANS) });
    floor.configure();
    floor.logs_in("bob");
    assert_eq!(floor.state("bob"), "not_ready logged_in");
    floor.ready("bob");
    assert_eq!(floor.state("bob"), "ready");
}

#[test]
fn every_change_of_state_is_told_in_order() {
    let mut floor = alone();
    floor.calls(1, "loans");
    floor.passes(2);
    floor.answers("ann", 1);
    let decided = [floor.ends("ann", 1), floor.passes(WRAP_UP)].concat();
    let since = floor.now;
    let began = Moment::from_micros(since.as_micros() - WRAP_UP * 1_000_000);
    let state = |state| Decision::State { agent: "ann".into(), state };
    let told = [state(AgentState::WrapUp { since: began, until: since }), state(AgentState::Ready { since })];
    assert_eq!(decided, told);
}

#[test]
fn wrap_up_ends_by_itself_by_word_or_by_asking_for_ready() {
    for end in [Event::WrapUpDone("ann".into()), Event::SetReady("ann".into()), Event::Time] {
        let mut floor = talking();
        floor.calls(2, "loans");
        assert_eq!(offers(&floor.ends("ann", 1)), []);
        if end == Event::Time {
            assert_eq!(offers(&floor.passes(WRAP_UP - 1)), []);
            assert_eq!(offers(&floor.passes(1)), [(2, "ann")]);
        } else {
            assert_eq!(offers(&floor.handle(end)), [(2, "ann")]);
        }
        assert_eq!(withdrawn(&floor.passes(RING)), [(2, "ann", Withdrawn::NoAnswer)]);
        floor.passes(WRAP_UP);
        assert_eq!(floor.state("ann"), "not_ready no_answer");
    }
}

#[test]
fn a_queue_without_wrap_up_makes_ready_at_once() {
    let mut floor = Floor::with(&[("ann", LOANS)], |loans| loans.wrap_up = Duration::ZERO);
    floor.logs_in("ann");
    floor.calls(1, "loans");
    floor.answers("ann", 1);
    floor.ends("ann", 1);
    assert_eq!(floor.state("ann"), "ready");
}

#[test]
fn wrap_up_done_outside_wrap_up_is_ignored() {
    let mut floor = talking();
    assert_eq!(floor.handle(Event::WrapUpDone("ann".into())), []);
    floor.ends("ann", 1);
    floor.passes(WRAP_UP);
    floor.not_ready("ann", "lunch");
    assert_eq!(floor.handle(Event::WrapUpDone("ann".into())), []);
    assert_eq!(floor.state("ann"), "not_ready lunch");
}

#[test]
fn a_break_asked_for_while_talking_comes_after_wrap_up() {
    let mut floor = talking();
    floor.calls(2, "loans");
    assert_eq!(floor.not_ready("ann", "lunch"), []);
    floor.ends("ann", 1);
    assert_eq!(floor.state("ann"), "wrap_up");
    assert_eq!(offers(&floor.passes(WRAP_UP)), []);
    assert_eq!(floor.state("ann"), "not_ready lunch");
}

#[test]
fn a_break_asked_for_in_wrap_up_comes_after_it() {
    let mut floor = talking();
    floor.ends("ann", 1);
    floor.not_ready("ann", "lunch");
    assert_eq!(floor.state("ann"), "wrap_up");
    floor.handle(Event::WrapUpDone("ann".into()));
    assert_eq!(floor.state("ann"), "not_ready lunch");
}

#[test]
fn a_break_asked_for_while_ringing_comes_when_the_caller_leaves_or_the_offer_fails() {
    let mut floor = alone();
    floor.calls(1, "loans");
    floor.not_ready("ann", "lunch");
    floor.leaves(1);
    assert_eq!(floor.state("ann"), "not_ready lunch");
    let mut floor = alone();
    floor.calls(1, "loans");
    floor.not_ready("ann", "lunch");
    floor.fails("ann", 1, OfferFailure::Busy);
    floor.passes(60);
    assert_eq!(floor.state("ann"), "not_ready lunch");
}

#[test]
fn asking_for_ready_while_talking_takes_the_break_back() {
    let mut floor = talking();
    floor.not_ready("ann", "lunch");
    floor.ready("ann");
    floor.ends("ann", 1);
    floor.passes(WRAP_UP);
    assert_eq!(floor.state("ann"), "ready");
}

#[test]
fn an_agent_who_logs_out_while_talking_talks_on_and_is_out_afterwards() {
    let mut floor = talking();
    assert_eq!(floor.logs_out("ann"), []);
    assert_eq!(floor.state("ann"), "talking 1");
    assert!(!floor.acd.is_staffed(&"loans".into()));
    floor.ends("ann", 1);
    assert_eq!(floor.state("ann"), "logged_out");
    floor.logs_in("ann");
    assert_eq!(floor.state("ann"), "ready");
}

#[test]
fn an_agent_whose_phone_is_back_before_the_talk_ends_was_never_away() {
    let mut floor = talking();
    floor.logs_out("ann");
    floor.logs_in("ann");
    floor.ends("ann", 1);
    assert_eq!(floor.state("ann"), "wrap_up");
}

#[test]
fn logging_out_ends_ready_wrap_up_and_a_break() {
    let mut floor = alone();
    floor.logs_out("ann");
    assert_eq!(offers(&floor.calls(1, "loans")), []);
    assert_eq!(offers(&floor.logs_in("ann")), [(1, "ann")]);
    floor.answers("ann", 1);
    floor.ends("ann", 1);
    floor.logs_out("ann");
    assert_eq!((floor.state("ann").as_str(), floor.acd.next_deadline()), ("logged_out", None));
    floor.logs_in("ann");
    floor.not_ready("ann", "lunch");
    floor.logs_out("ann");
    assert_eq!(floor.state("ann"), "logged_out");
    assert_eq!((floor.ready("ann"), floor.not_ready("ann", "lunch")), (vec![], vec![]));
}

#[test]
fn asking_for_ready_twice_keeps_the_idle_time() {
    let mut floor = alone();
    let since = floor.idle_since("ann");
    floor.passes(9);
    assert_eq!(floor.ready("ann"), []);
    assert_eq!(floor.idle_since("ann"), since);
}

#[test]
fn a_queue_is_staffed_while_somebody_with_its_skills_is_logged_in() {
    let mut floor = alone();
    assert!(floor.acd.is_staffed(&"loans".into()));
    assert!(!floor.acd.is_staffed(&"cards".into()) && !floor.acd.is_staffed(&"none".into()));
    floor.not_ready("ann", "lunch");
    assert!(floor.acd.is_staffed(&"loans".into()));
    floor.logs_out("ann");
    assert!(!floor.acd.is_staffed(&"loans".into()));
}
