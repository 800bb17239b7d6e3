//! A flow that sends the caller to one agent, or to another number.

use hotline::acd::AgentState;
use hotline::call::cause::Cause;
use hotline::engine::happened::What;

use crate::office::network::Faults;
use crate::office::phone::Manner;
use crate::office::{Office, secs, world};

const CALLER: &str = "138";

const TO_AGENT: &str = "flow: main
languages: [zh-CN, en]
start: colleague
nodes:
  colleague:
    transfer: { agent: 1001, on_failed: bye }
  bye:
    hangup: { prompts: goodbye }
";

const ROUND: &str = "flow: main
languages: [zh-CN, en]
start: again
nodes:
  again:
    transfer: { number: 95500, on_failed: bye }
  bye:
    hangup: { prompts: goodbye }
";

const IF_STAFFED: &str = "flow: main
languages: [zh-CN, en]
start: wait
nodes:
  wait:
    queue: { to: sme, prompts: to_agent, on_timeout: bye, on_full: bye, on_empty: bye }
  bye:
    hangup: { prompts: goodbye }
";

fn office(seed: u64, flow: &str, manner: Manner) -> Office {
    let mut office = Office::with(seed, world::with_flow(flow), Faults::NONE);
    office.agent("1001", manner);
    office.caller(CALLER);
    office.dials(CALLER, "95500");
    office
}

fn fails(mut office: Office, state: fn(&AgentState) -> bool) {
    office.until("the flow says goodbye", |office| office.hears(CALLER, "goodbye"));
    let now = office.agent_state("1001");
    assert!(state(&now), "{now:?}");
    office.until("the call is over", |office| office.last_cause() == Some(Cause::FlowEnded));
    office.run(secs(60));
    assert!(office.sound.streams.is_empty() && office.phones["1001"].is_idle());
}

#[test]
fn an_agent_who_picks_up_a_transfer_talks_and_wraps_up() {
    let mut office = office(91, TO_AGENT, Manner::Answers(secs(2)));
    office.until("music plays meanwhile", |office| office.hears(CALLER, "music/hold"));
    office.until("they talk", |office| office.talk_together(CALLER, "1001"));
    office.hangs_up("1001");
    office.until("the call is over", |office| office.last_cause() == Some(Cause::AgentHungUp));
    assert!(matches!(office.agent_state("1001"), AgentState::WrapUp { .. }));
}

#[test]
fn a_transfer_nobody_picks_up_goes_back_to_the_flow_after_its_ring_time() {
    let office = office(92, TO_AGENT, Manner::LetsRing);
    fails(office, |state| matches!(state, AgentState::NotReady { reason, .. } if reason == "no_answer"));
}

#[test]
fn a_transfer_declined_goes_back_to_the_flow() {
    let office = office(93, TO_AGENT, Manner::Declines);
    fails(office, |state| matches!(state, AgentState::NotReady { reason, .. } if reason == "rejected"));
}

#[test]
fn a_transfer_to_an_agent_who_leaves_goes_back_to_the_flow() {
    let mut office = office(94, TO_AGENT, Manner::LetsRing);
    office.until("the phone rings", |office| office.phones["1001"].is_ringing());
    office.registers("1001", 0);
    office.run(secs(1));
    assert!(office.phones["1001"].is_idle(), "at once, not at the end of the ring time");
    fails(office, |state| *state == AgentState::LoggedOut);
}

#[test]
fn a_caller_who_hangs_up_during_a_transfer_costs_the_agent_nothing() {
    let mut office = office(95, TO_AGENT, Manner::LetsRing);
    office.until("the phone rings", |office| office.phones["1001"].is_ringing());
    office.hangs_up(CALLER);
    office.until("it stops", |office| office.phones["1001"].is_idle());
    assert!(office.is_ready("1001"));
    assert_eq!(office.last_cause(), Some(Cause::Abandoned));
}

#[test]
fn a_number_that_sends_the_caller_to_itself_is_left_after_eight_rounds() {
    let mut office = office(96, ROUND, Manner::LetsRing);
    office.until("the flow says goodbye", |office| office.hears(CALLER, "goodbye"));
    let rounds = office.journal.iter().filter(|entry| matches!(entry.what, What::Transferred { .. })).count();
    assert_eq!(rounds, 8);
}

#[test]
fn a_queue_nobody_is_there_for_is_not_entered_if_the_flow_says_so() {
    let mut office = office(99, IF_STAFFED, Manner::LetsRing);
    office.until("the flow says goodbye", |office| office.hears(CALLER, "goodbye"));
    assert!(!office.journal.iter().any(|entry| matches!(entry.what, What::QueueEntered { .. })));
}
