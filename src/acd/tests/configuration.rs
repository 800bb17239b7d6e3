//! New rules while people wait and talk.

use super::*;

#[test]
fn callers_of_a_queue_that_closes_leave_it_and_the_ringing_agent_is_spared() {
    let mut floor = Floor::new(&[("ann", BOTH)]);
    floor.logs_in("ann");
    let since = floor.idle_since("ann");
    floor.passes(3);
    floor.calls(1, "loans");
    floor.calls(2, "loans");
    floor.queues.remove(&QueueId::from("loans"));
    let decided = floor.configure();
    assert_eq!(withdrawn(&decided), [(1, "ann", Withdrawn::CallerLeft)]);
    assert_eq!(expired(&decided), [(2, QueueExit::Empty), (1, QueueExit::Empty)]);
    assert_eq!(positions(&decided), []);
    assert_eq!((floor.idle_since("ann"), floor.acd.next_deadline()), (since, None));
    assert_eq!(offers(&floor.calls(3, "cards")), [(3, "ann")]);
}

#[test]
fn those_who_wait_keep_their_place_when_the_rules_change() {
    let mut floor = Floor::new(&[("ann", &[("loan", 1)])]);
    floor.logs_in("ann");
    floor.calls(1, "loans");
    floor.calls(2, "loans");
    floor.queues.insert("a new one".into(), queue(&[]));
    floor.queues.insert("loans".into(), config::Queue { priority: 99, ..queue(&[("loan", 1)]) });
    assert_eq!(offers(&floor.configure()), [(1, "ann")]);
    assert_eq!(floor.waiting(), [1, 2]);
}

#[test]
fn an_agent_who_is_removed_finishes_the_talk_and_vanishes() {
    let mut floor = talking();
    floor.agents.clear();
    assert_eq!(floor.configure(), []);
    assert_eq!(floor.state("ann"), "talking 1");
    let told = Decision::State { agent: "ann".into(), state: AgentState::LoggedOut };
    assert_eq!(floor.ends("ann", 1), [told]);
    assert_eq!(floor.state("ann"), "unknown");
}

#[test]
fn an_agent_removed_by_mistake_and_brought_back_during_the_talk_stays() {
    let mut floor = talking();
    let agents = std::mem::take(&mut floor.agents);
    floor.configure();
    floor.agents = agents;
    floor.configure();
    floor.ends("ann", 1);
    assert_eq!(floor.state("ann"), "wrap_up");
    floor.calls(2, "loans");
    assert_eq!(offers(&floor.passes(WRAP_UP)), [(2, "ann")]);
}

#[test]
fn an_agent_removed_while_ringing_leaves_the_caller_to_another() {
    let mut floor = pair();
    floor.calls(1, "loans");
    floor.agents.remove(&AgentId::from("ann"));
    let decided = floor.configure();
    assert_eq!(withdrawn(&decided), [(1, "ann", Withdrawn::AgentLoggedOut)]);
    assert_eq!((offers(&decided), floor.state("ann").as_str()), (vec![(1, "bob")], "unknown"));
}

#[test]
fn a_ready_agent_who_is_removed_gets_no_caller() {
    let mut floor = alone();
    floor.agents.clear();
    floor.configure();
    assert_eq!(offers(&floor.calls(1, "loans")), []);
    assert_eq!(floor.logs_in("ann"), []);
}

#[test]
fn a_newcomer_is_logged_out_until_a_phone_registers() {
    let mut floor = Floor::new(&[]);
    floor.calls(1, "loans");
    floor.agents.insert("ann".into(), agent(LOANS));
    assert_eq!(floor.configure(), []);
    assert_eq!(floor.state("ann"), "logged_out");
    assert_eq!(offers(&floor.logs_in("ann")), [(1, "ann")]);
}
