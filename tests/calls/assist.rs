//! During a talk the agent sends the caller into a flow to type a secret, and gets them back.

use hotline::acd::AgentState;
use hotline::call::cause::Cause;
use hotline::engine::happened::{Party, Verdict, What};
use hotline::engine::input::Input;
use hotline::engine::staff::{Answer, Ask};
use hotline::ids::{AgentId, CallId};
use hotline::media::command::Source;
use hotline::media::event::Event as MediaEvent;
use hotline::recording::block::Mark;

use super::main_job::in_talk;
use crate::office::network::Faults;
use crate::office::phone::Manner;
use crate::office::{Office, ms, secs, world};

const CALLER: &str = "13812341234";
const AGENT: &str = "1001";
const CARD: &str = "6222020000000002";
const PIN: &str = "246810";

fn ask(call: CallId, only: Option<&str>) -> Ask {
    let (only, flow) = (only.map(AgentId::from), "secure_pin".into());
    Ask::Verify { user: "1001".to_owned(), only, call, flow }
}

fn call(office: &Office) -> CallId {
    office.last_record().call
}

fn verify(office: &mut Office) -> Answer {
    let call = call(office);
    office.ask(ask(call, Some(AGENT)))
}

/// A caller who has left the agent, and is asked for a card.
fn verifying(seed: u64) -> Office {
    let mut office = Office::seeded(seed);
    office.trace = Some(String::new());
    in_talk(&mut office);
    office.run(secs(5));
    office.requests.clear();
    assert_eq!(verify(&mut office), Answer::Done);
    office.until("the card is asked for", |office| office.hears(CALLER, "acct"));
    office
}

fn types(office: &mut Office, keys: &str) {
    for key in keys.chars() {
        office.run(ms(150));
        office.presses(CALLER, key);
    }
}

/// The caller types all that is asked for; the bank is asked.
fn types_all(office: &mut Office) {
    types(office, CARD);
    types(office, "#");
    types(office, PIN);
    office.until("the bank is asked", |office| !office.requests.is_empty());
}

fn verdicts(office: &Office) -> Vec<(Verdict, Option<String>)> {
    let verdict = |what: &What| match what {
        What::VerifyEnded { result, level } => Some((*result, level.clone())),
        _ => None,
    };
    office.journal.iter().filter_map(|entry| verdict(&entry.what)).collect()
}

fn stage(office: &mut Office) -> (&'static str, Option<String>) {
    let live = office.snapshot().calls.remove(0);
    (live.stage, live.agent.map(|agent| agent.to_string()))
}

fn talks(office: &mut Office) -> bool {
    matches!(office.agent_state(AGENT), AgentState::Talking { .. })
}

/// What the agent's phone is sent.
fn agent_hears(office: &Office) -> &Source {
    let port = office.phones[AGENT].remote_port().expect("the agent is in a call");
    &office.sound.at(port).expect("the stream is open").hears
}

fn again(office: &mut Office) {
    office.until("they talk again", |office| office.talk_together(CALLER, AGENT));
}

#[test]
fn a_caller_types_a_pin_unheard_and_comes_back_to_the_same_agent() {
    let mut office = verifying(301);
    office.agent("1002", Manner::Answers(secs(1)));
    assert_eq!(stage(&mut office), ("verifying", Some(AGENT.to_owned())));
    assert!(matches!(agent_hears(&office), Source::Loop(_)), "music meanwhile");
    types(&mut office, CARD);
    assert!(matches!(agent_hears(&office), Source::Loop(_)) && talks(&mut office));
    assert_eq!(office.taped(CALLER), None, "nothing of it is on the tape");
    types(&mut office, "#");
    types(&mut office, PIN);
    office.until("the bank is asked", |office| !office.requests.is_empty());
    let body = format!(r#"{{"card":"{CARD}","pin":"{PIN}"}}"#);
    assert_eq!(office.requests[0].1.body.as_deref(), Some(&*body));
    office.host_answers(200, "{}");
    assert!(office.hears(CALLER, "sv_ok"));
    again(&mut office);
    assert_eq!(verdicts(&office), [(Verdict::Ok, Some("pin".to_owned()))]);
    assert_eq!(stage(&mut office), ("talking", Some(AGENT.to_owned())));
    office.run(secs(1));
    assert_eq!(office.taped(CALLER), Some(call(&office)));
    let pause = Mark::Pause { reason: "secret digits".to_owned() };
    assert_eq!(office.marks, [pause, Mark::Resume]);
    let offers = office.journal.iter().filter(|entry| matches!(entry.what, What::Offered { .. })).count();
    assert_eq!(offers, 1, "no second agent was offered the call");
    office.hangs_up(CALLER);
    office.until("it is over", |office| office.last_cause() == Some(Cause::CallerHungUp));
    assert!(office.last_record().talk_ms > 10_000, "the talk counts as one");
}

#[test]
fn the_agent_is_told_how_many_keys_are_typed_and_nobody_which() {
    let mut office = verifying(302);
    types_all(&mut office);
    office.host_answers(401, "");
    again(&mut office);
    assert_eq!(verdicts(&office), [(Verdict::Fail, None)]);
    let typed = office.journal.iter().filter_map(|entry| match (&entry.what, &entry.agent) {
        (What::KeysTyped { keys, of }, Some(agent)) if agent.as_str() == AGENT => Some((*keys, *of)),
        _ => None,
    });
    let typed: Vec<_> = typed.collect();
    assert_eq!(typed[..2], [(1, 19), (2, 19)]);
    assert_eq!(typed[typed.len() - 6..], [1, 2, 3, 4, 5, 6].map(|keys| (keys, 6)));
    let journal = serde_json::to_string(&office.journal).expect("JSON");
    let trace = office.trace.take().unwrap_or_default();
    for secret in [CARD, PIN] {
        assert!(!journal.contains(secret) && !trace.contains(secret));
    }
}

#[test]
fn star_five_on_the_agents_own_phone_starts_it_and_a_slow_one_or_another_does_not() {
    let mut office = Office::seeded(303);
    in_talk(&mut office);
    for (keys, pause) in [("*6", 0), ("5", 0), ("*5", 4), ("*", 0)] {
        for key in keys.chars() {
            office.presses(AGENT, key);
            office.run(secs(pause));
        }
        assert_eq!(stage(&mut office).0, "talking", "{keys}");
        office.run(secs(4));
    }
    office.presses(AGENT, '*');
    office.run(ms(400));
    office.presses(AGENT, '5');
    assert_eq!(stage(&mut office).0, "verifying");
    assert!(office.hears(CALLER, "sv_intro"));
    office.presses(AGENT, '*');
    office.presses(AGENT, '5');
    assert_eq!(stage(&mut office).0, "verifying", "the second time changes nothing");
    let started = office.journal.iter().filter(|e| matches!(e.what, What::VerifyStarted { .. })).count();
    assert_eq!(started, 1);
}

#[test]
fn it_is_refused_where_nobody_talks_for_another_agent_and_for_flows_that_do_not_come_back() {
    let mut office = verifying(304);
    assert!(matches!(verify(&mut office), Answer::Refused(_)), "the caller is typing already");
    let id = call(&office);
    assert_eq!(office.ask(ask(id, Some("1002"))), Answer::NotFound);
    assert_eq!(office.ask(ask(CallId(999), None)), Answer::NotFound);
    types(&mut office, "*");
    again(&mut office);
    for flow in ["main", "account", "nobody"] {
        let ask = Ask::Verify { user: "boss".to_owned(), only: None, call: id, flow: flow.into() };
        assert!(matches!(office.ask(ask), Answer::Refused(_)), "{flow}");
    }
    assert_eq!(office.ask(ask(id, None)), Answer::Done, "a supervisor may");
}

#[test]
fn a_star_takes_the_caller_back_and_the_tape_rests_until_they_are_back() {
    let mut office = verifying(305);
    types(&mut office, "6222*");
    assert!(office.hears(CALLER, "sv_cancel"));
    types(&mut office, "0200");
    assert_eq!(office.taped(CALLER), None, "keys that were still to come are on no tape");
    assert!(matches!(agent_hears(&office), Source::Loop(_)), "nor in the agent's ear");
    again(&mut office);
    assert_eq!(verdicts(&office), [(Verdict::Cancelled, None)]);
}

#[test]
fn after_a_minute_the_agent_has_the_caller_back_and_hears_nothing_of_the_last_keys() {
    let mut office = verifying(306);
    let began = office.journal.iter().find(|entry| matches!(entry.what, What::VerifyStarted { .. }));
    let began = began.expect("it has begun").at;
    // Always in time, never done.
    for key in CARD[..14].chars() {
        office.presses(CALLER, key);
        office.run(ms(3_900));
    }
    types(&mut office, "#");
    office.until("the time is over", |office| office.hears(CALLER, "sv_timeout"));
    assert_eq!(office.now.since(began), secs(60));
    types(&mut office, "02");
    assert!(matches!(agent_hears(&office), Source::Loop(_)) && office.taped(CALLER).is_none());
    again(&mut office);
    assert_eq!(verdicts(&office), [(Verdict::Timeout, None)]);
}

#[test]
fn a_bank_that_does_not_answer_is_a_failure_in_time() {
    let mut office = verifying(307);
    types_all(&mut office);
    let asked = office.now;
    office.until("the caller is told", |office| office.hears(CALLER, "sv_fail"));
    assert_eq!((office.now.since(asked), office.requests.len()), (secs(2), 1), "and it was asked once");
    again(&mut office);
    assert_eq!(verdicts(&office), [(Verdict::Fail, None)]);
}

#[test]
fn an_agent_who_hangs_up_meanwhile_costs_the_caller_nothing_but_the_agent() {
    let mut office = verifying(308);
    office.agent("1002", Manner::Answers(secs(1)));
    types(&mut office, "6222");
    office.hangs_up(AGENT);
    office.run(secs(1));
    assert_eq!(stage(&mut office), ("verifying", None), "they type to the end: it must not be on the tape");
    assert!(matches!(office.agent_state(AGENT), AgentState::WrapUp { .. }));
    types(&mut office, &CARD[4..]);
    types(&mut office, "#");
    types(&mut office, PIN);
    office.until("the bank is asked", |office| !office.requests.is_empty());
    office.host_answers(200, "{}");
    office.until("another agent has them", |office| office.talk_together(CALLER, "1002"));
    assert_eq!(verdicts(&office), [(Verdict::Ok, Some("pin".to_owned()))]);
}

#[test]
fn who_lost_their_agent_meanwhile_stands_at_the_head_of_the_queue() {
    let mut office = verifying(309);
    let first = call(&office);
    for other in ["13900000001", "13900000002"] {
        super::races::waits(&mut office, other);
    }
    office.hangs_up(AGENT);
    office.run(secs(1));
    types(&mut office, "*");
    office.until("music plays", |office| office.hears(CALLER, "music/hold"));
    let waiting: Vec<_> = office.snapshot().queues.into_iter().flat_map(|queue| queue.waiting).collect();
    assert_eq!((waiting[0].call, waiting.len()), (first, 3));
    office.agent("1002", Manner::Answers(secs(1)));
    office.until("they talk first", |office| office.talk_together(CALLER, "1002"));
}

#[test]
fn an_agents_phone_that_dies_meanwhile_is_missed_when_the_caller_is_done() {
    let mut office = verifying(314);
    office.vanishes(AGENT);
    let port = office.phones[AGENT].remote_port().expect("the agent is in a call");
    let stream = office.sound.streams.iter().find(|(_, stream)| stream.port == port).map(|(id, _)| *id);
    office.media_event(MediaEvent::Silent { stream: stream.expect("the agent's stream") });
    for key in CARD[..11].chars() {
        office.presses(CALLER, key);
        office.run(ms(3_500));
    }
    assert_eq!(stage(&mut office), ("verifying", None), "asked whether it is there, it did not answer");
    types(&mut office, "*");
    office.until("music plays", |office| office.hears(CALLER, "music/hold"));
    assert_eq!(verdicts(&office), [(Verdict::Cancelled, None)]);
}

#[test]
fn a_caller_who_hangs_up_in_the_middle_ends_the_agents_talk() {
    let mut office = verifying(310);
    types(&mut office, "6222");
    office.hangs_up(CALLER);
    office.until("it is over", |office| office.last_cause().is_some());
    assert_eq!(
        (office.last_cause(), office.last_record().ended_by),
        (Some(Cause::CallerHungUp), Some(Party::Caller))
    );
    assert_eq!(verdicts(&office), [(Verdict::Hangup, None)]);
    office.until("the agent's phone is idle", |office| office.phones[AGENT].is_idle());
    assert!(matches!(office.agent_state(AGENT), AgentState::WrapUp { .. }));
    assert!(!office.tapes[&call(&office)]);
}

#[test]
fn a_server_that_stops_ends_both_legs_and_one_that_drains_neither() {
    let mut office = verifying(311);
    office.input(Input::Drain);
    types_all(&mut office);
    office.host_answers(200, "{}");
    again(&mut office);
    assert_eq!(verify(&mut office), Answer::Done);
    office.input(Input::Stop);
    office.run(secs(40));
    assert!(office.engine.is_idle() && office.sound.streams.is_empty());
    assert_eq!(verdicts(&office).last(), Some(&(Verdict::Hangup, None)));
    assert_eq!(office.last_cause(), Some(Cause::ServerStopped));
}

#[test]
fn a_reload_that_takes_the_flow_away_takes_nobody_out_of_it() {
    let mut office = verifying(312);
    office.reload(world::with_flow(
        "flow: main\nlanguages: [zh-CN]\nstart: a\nnodes:\n  a: { hangup: { prompts: goodbye } }\n",
    ));
    types_all(&mut office);
    // The host went with it: the configuration of the office above has none. So it fails, and comes back.
    while let Some((id, _)) = office.requests.pop() {
        let failure = hotline::ivr::http::HttpFailure::Unreachable;
        office.host_ends(id, Err(failure));
    }
    again(&mut office);
    assert_eq!(verdicts(&office).len(), 1);
    assert!(matches!(verify(&mut office), Answer::Refused(_)), "the flow is gone");
}

#[test]
fn holds_and_new_descriptions_on_either_leg_change_nothing_until_they_are_back() {
    let mut office = verifying(313);
    office.holds(AGENT, true);
    office.run(secs(1));
    types(&mut office, "6222");
    assert_eq!(stage(&mut office).0, "verifying");
    assert!(matches!(agent_hears(&office), Source::Loop(_)));
    office.holds(AGENT, false);
    office.run(secs(1));
    assert!(matches!(agent_hears(&office), Source::Loop(_)), "off hold, and still not with the caller");
    types(&mut office, "*");
    again(&mut office);
    office.holds(AGENT, true);
    office.until("the caller hears music", |office| office.hears(CALLER, "music/hold"));
    assert_eq!(verify(&mut office), Answer::Done, "a caller on hold can be asked");
    assert!(office.hears(CALLER, "sv_intro"));
    types(&mut office, "*");
    office.until("the agent holds them still", |office| office.hears(CALLER, "music/hold"));
    assert!(!office.talk_together(CALLER, AGENT));
    office.holds(AGENT, false);
    again(&mut office);
}

#[test]
fn a_lossy_network_changes_nothing_about_it() {
    for seed in 0..8 {
        let mut office = Office::with(320 + seed, world::demo(), Faults::ROUGH);
        in_talk(&mut office);
        assert_eq!(verify(&mut office), Answer::Done);
        office.holds(AGENT, true);
        office.run(secs(4));
        office.holds(AGENT, false);
        types(&mut office, "*");
        again(&mut office);
        office.hangs_up(CALLER);
        office.until("it is over", |office| office.engine.is_idle());
    }
}
