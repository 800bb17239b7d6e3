//! Calls of which two things are true at once that were built apart.

use std::sync::Arc;

use hotline::config::{Bot, Config};
use hotline::engine::happened::{Verdict, What};
use hotline::engine::input::{Input, World};
use hotline::engine::output::BotOrder;
use hotline::engine::releases::{Publication, Trial};
use hotline::engine::staff::{Answer, Ask};
use hotline::ids::ReleaseId;

use crate::office::network::Faults;
use crate::office::phone::Manner;
use crate::office::{Office, ms, secs, world};

const CALLER: &str = "13812341234";
const AGENT: &str = "1001";
const SECURE: &str = include_str!("../../ivr-flows/secure_pin.yaml");
const SURVEY: &str = include_str!("../../ivr-flows/survey.yaml");

/// A queue at once, with these fields besides.
fn desk(fields: &str) -> String {
    format!(
        "flow: main
languages: [zh-CN, en]
start: desk
nodes:
  desk: {{ queue: {{ to: general, on_timeout: bye, on_full: bye, {fields} }} }}
  bye: {{ hangup: }}
"
    )
}

/// A flow for agents with these nodes.
fn for_agents(nodes: &str) -> String {
    format!("flow: secure_pin\nlanguages: [zh-CN, en]\nstart: first\nnodes:\n{nodes}")
}

fn with_bot() -> Config {
    let mut config = world::demo_config();
    let bot = Bot {
        url: "ws://127.0.0.1:7000/".to_owned(),
        authorities: [].into(),
        headers: [].into(),
        connect_timeout: Bot::CONNECT,
        max_calls: 2,
    };
    config.bots.insert("assistant".to_owned(), bot);
    config
}

fn calls(world: World) -> Office {
    let mut office = Office::with(21, world, Faults::NONE);
    office.caller(CALLER);
    office.dials(CALLER, "95500");
    office
}

/// A caller who talks with 1001, in a bank with this flow for agents.
fn talk(config: Config, agents_flow: &str) -> Office {
    let flows = [("main.yaml", &*desk("")), ("secure_pin.yaml", agents_flow)];
    let mut office = calls(world::with_flows_and(config, &flows));
    office.agent(AGENT, Manner::Answers(ms(500)));
    office.until("they talk", |office| office.talk_together(CALLER, AGENT));
    office
}

fn verify(office: &mut Office) -> Answer {
    let call = office.last_record().call;
    office.ask(Ask::Verify { user: AGENT.to_owned(), only: None, call, flow: "secure_pin".into() })
}

fn noted(office: &Office, is: impl Fn(&What) -> bool) -> bool {
    office.journal.iter().any(|entry| is(&entry.what))
}

#[test]
fn an_agent_who_is_being_announced_cannot_send_the_caller_away() {
    let flows = [("main.yaml", &*desk("agent_id: true")), ("secure_pin.yaml", SECURE)];
    let mut office = calls(world::with_flows(&flows));
    office.agent(AGENT, Manner::Answers(ms(500)));
    office.until("the agent is announced", |office| office.hears(CALLER, "agent_id_pre"));
    assert!(matches!(verify(&mut office), Answer::Refused(_)));
    office.presses(AGENT, '*');
    office.presses(AGENT, '5');
    office.until("they talk all the same", |office| office.talk_together(CALLER, AGENT));
    assert!(!noted(&office, |what| matches!(what, What::VerifyStarted { .. })));
    assert_eq!(verify(&mut office), Answer::Done, "now they do");
}

#[test]
fn a_caller_whose_agent_went_while_they_typed_is_comforted_in_the_queue_again() {
    let flows = [
        ("main.yaml", &*desk("tell: {}, comfort: { prompts: comfort, every: 10s }")),
        ("secure_pin.yaml", SECURE),
    ];
    let mut office = calls(world::with_flows(&flows));
    office.until("the place is told", |office| office.hears(CALLER, "q_next"));
    office.agent(AGENT, Manner::Answers(ms(50)));
    office.until("the agent picks up in the middle", |office| office.talk_together(CALLER, AGENT));
    assert_eq!(verify(&mut office), Answer::Done);
    let (user, reason) = ("admin".to_owned(), "lunch".to_owned());
    office.ask(Ask::SetNotReady { user, agent: AGENT.into(), reason });
    office.hangs_up(AGENT);
    office.run(ms(300));
    office.presses(CALLER, '*');
    office.until("they wait again", |office| office.hears(CALLER, "music/hold"));
    office.until("and are not forgotten", |office| office.hears(CALLER, "comfort"));
}

#[test]
fn nothing_is_said_while_a_phone_rings_though_the_tape_has_its_time() {
    let flow = desk("tell: {}").replace("start: desk", "start: pin\nvars: { pin: secret }").replace(
        "nodes:\n",
        "nodes:\n  pin: { collect: { into: pin, prompts: pin, min: 6, max: 6, next: desk, on_no_input: { then: bye }, on_invalid: { then: bye } } }\n",
    );
    let mut office = Office::with(21, world::with_flow(&flow), Faults::NONE);
    office.agent(AGENT, Manner::LetsRing);
    office.run(secs(1));
    office.caller(CALLER);
    office.dials(CALLER, "95500");
    office.until("the PIN is asked for", |office| office.hears(CALLER, "pin"));
    "271828".chars().for_each(|key| office.presses(CALLER, key));
    office.until("a phone rings", |office| office.phones[AGENT].is_ringing());
    office.until("the tape goes on", |office| office.taped(CALLER).is_some());
    office.run(ms(100));
    assert!(office.phones[AGENT].is_ringing() && !office.hears(CALLER, "q_next"));
}

#[test]
fn an_agent_still_sees_what_the_bot_found_out_while_the_caller_types() {
    let mut office = talk(world::demo_config(), SECURE);
    assert_eq!(verify(&mut office), Answer::Done);
    let call = office.last_record().call;
    let answer = office.ask(Ask::Handover { call });
    assert_eq!(answer, Answer::Handover { agent: Some(AGENT.into()), handover: None });
}

#[test]
fn a_message_before_a_secret_is_on_the_tape() {
    let flow = "flow: main
languages: [zh-CN, en]
start: message
vars: { pin: secret }
nodes:
  message: { record: { name: complaint, prompts: leave_msg, max: 30s, next: pin, on_short: pin, on_failed: pin } }
  pin: { collect: { into: pin, prompts: pin, min: 6, max: 6, next: bye, on_no_input: { then: bye }, on_invalid: { then: bye } } }
  bye: { hangup: }
";
    let mut office = calls(world::with_flow(flow));
    office.until("they speak", |office| noted(office, |what| matches!(what, What::MessageBegan { .. })));
    assert!(office.taped(CALLER).is_some(), "what they say is kept");
    office.run(secs(5));
    office.presses(CALLER, '#');
    office.until("the PIN is asked for", |office| office.hears(CALLER, "pin"));
    assert_eq!(office.taped(CALLER), None, "and the PIN is not");
}

#[test]
fn there_are_no_messages_while_an_agent_waits_and_the_tape_rests() {
    let nodes = "  first: { record: { name: word, prompts: leave_msg, max: 30s, next: done, on_short: done, on_failed: failed } }
  done: { agent_return: { result: ok, prompts: sv_ok } }
  failed: { agent_return: { result: fail, prompts: sv_fail } }
";
    let mut office = talk(world::demo_config(), &for_agents(nodes));
    assert_eq!(verify(&mut office), Answer::Done);
    office.until("they talk again", |office| office.talk_together(CALLER, AGENT));
    assert!(!noted(&office, |what| matches!(what, What::MessageBegan { .. })));
    assert!(noted(&office, |what| matches!(what, What::VerifyEnded { result: Verdict::Fail, .. })));
}

#[test]
fn a_star_takes_a_caller_back_from_a_bot_to_the_agent_who_waits() {
    let nodes = "  first: { bot: { to: assistant, max: 5m, next: done, on_person: done, on_failed: failed } }
  done: { agent_return: { result: ok, prompts: sv_ok } }
  failed: { agent_return: { result: fail, prompts: sv_fail } }
";
    for star in [true, false] {
        let mut office = talk(with_bot(), &for_agents(nodes));
        assert_eq!(verify(&mut office), Answer::Done);
        office.run(secs(1));
        assert!(matches!(office.bots[..], [BotOrder::Begin { .. }]));
        if star {
            office.presses(CALLER, '*');
        }
        // Without it the time for such flows is over.
        office.run(secs(600));
        assert!(office.talk_together(CALLER, AGENT), "by a star: {star}");
        assert!(matches!(office.bots[..], [BotOrder::Begin { .. }, BotOrder::End { .. }]));
    }
}

#[test]
fn a_call_on_a_trial_is_asked_and_verified_by_the_flows_on_trial() {
    let main = desk("").replace("general", "cards");
    let (survey, secure) = (SURVEY.to_owned(), SECURE.to_owned());
    let bank = |survey: &str, secure: &str| {
        world::with_flows(&[("main.yaml", &*main), ("survey.yaml", survey), ("secure_pin.yaml", secure)])
    };
    let of_new = |text: &str, start: &str| {
        text.replacen("nodes:\n", &format!("nodes:\n  on_trial: {{ goto: {start} }}\n"), 1).replacen(
            &format!("start: {start}"),
            "start: on_trial",
            1,
        )
    };
    let (old, new) = (bank(&survey, &secure), bank(&of_new(&survey, "rate"), &of_new(&secure, "intro")));
    let mut office = Office::with(21, old.clone(), Faults::NONE);
    let trial = Trial {
        release: ReleaseId(2),
        flows: new.flows.clone(),
        library: Arc::clone(&new.library),
        percent: 100,
    };
    let publication =
        Publication { release: ReleaseId(1), flows: old.flows.clone(), trial: Some(trial), note: None };
    office.input(Input::Publish(Box::new(publication)));
    office.agent(AGENT, Manner::Answers(ms(500)));
    office.caller(CALLER);
    office.dials(CALLER, "95500");
    office.until("they talk", |office| office.talk_together(CALLER, AGENT));
    let on_trial = |office: &Office| {
        let entered = |entry: &&_| matches!(entry, What::NodeEntered { node } if node == "on_trial");
        office.journal.iter().map(|entry| &entry.what).filter(entered).count()
    };
    assert_eq!(verify(&mut office), Answer::Done);
    assert_eq!(on_trial(&office), 1);
    office.presses(CALLER, '*');
    office.until("they talk again", |office| office.talk_together(CALLER, AGENT));
    office.run(secs(2));
    office.hangs_up(AGENT);
    office.until("the caller is asked", |office| office.hears(CALLER, "svy"));
    assert_eq!(on_trial(&office), 2);
}

#[test]
fn a_secret_typed_ahead_in_a_flow_that_was_called_is_not_on_the_tape() {
    let main = "flow: main
languages: [zh-CN, en]
start: greet
vars: { pin: secret }
nodes:
  greet: { call: { flow: greeting, next: pin } }
  pin: { collect: { into: pin, prompts: pin, min: 6, max: 6, next: bye, on_no_input: { then: bye }, on_invalid: { then: bye } } }
  bye: { hangup: }
";
    let greeting = "flow: greeting
languages: [zh-CN, en]
start: hello
nodes:
  hello: { play: { prompts: welcome, barge_in: false, next: back } }
  back: { return: }
";
    let mut office = calls(world::with_flows(&[("main.yaml", main), ("greeting.yaml", greeting)]));
    office.until("they are greeted", |office| office.hears(CALLER, "welcome"));
    assert_eq!(office.taped(CALLER), None, "who knows what is coming types ahead");
}
