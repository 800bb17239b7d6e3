//! Calls in which the caller talks with a bot, and whatever can cross in them.

use std::time::Duration;

use hotline::call::cause::Cause;
use hotline::config::Bot;
use hotline::engine::happened::{BotFailure, BotOutcome, What};
use hotline::engine::input::World;
use hotline::engine::output::BotOrder;
use hotline::engine::staff::{Answer, Ask};
use hotline::ids::TalkId;
use hotline::ivr::bot::{BotEnd, BotResult, Line};
use hotline::media::command::Source;

use crate::office::network::Faults;
use crate::office::phone::Manner;
use crate::office::{Office, ms, secs, world};

const CALLER: &str = "13812341234";

const FLOW: &str = r#"
flow: main
languages: [zh-CN]
start: talk
vars: { intent: text }
nodes:
  talk:
    bot: { to: assistant, with: { number: $caller }, into: { intent: $intent }, max: 1m, next: which, on_person: desk, on_failed: sorry }
  which: { switch: { cases: [ { when: "$intent == 'vip'", then: vip } ], else: bye } }
  sorry: { play: { prompts: sys_err, next: desk } }
  vip: { queue: { to: senior, on_timeout: bye, on_full: bye } }
  desk: { queue: { to: general, on_timeout: bye, on_full: bye } }
  bye: { hangup: { prompts: goodbye } }
"#;

/// The demo bank with a bot for so many callers at once.
fn bank(max_calls: usize) -> World {
    let mut config = world::demo_config();
    let bot = Bot {
        url: "ws://127.0.0.1:7000/".to_owned(),
        authorities: [].into(),
        headers: [].into(),
        connect_timeout: Bot::CONNECT,
        max_calls,
    };
    config.bots.insert("assistant".to_owned(), bot);
    world::with_flow_and(config, FLOW)
}

/// A caller who talks with the bot.
fn talking(seed: u64) -> Office {
    let mut office = Office::with(seed, bank(2), Faults::NONE);
    office.trace = Some(String::new());
    calls(&mut office, CALLER);
    office
}

fn calls(office: &mut Office, number: &str) {
    office.caller(number);
    office.dials(number, "95500");
    let who = number.to_owned();
    office.until("the call is answered", |office| office.phones[&who].is_talking());
}

/// Those who were connected with the bot, in order.
fn begun(office: &Office) -> Vec<TalkId> {
    let id = |order: &BotOrder| match order {
        BotOrder::Begin { id, .. } => Some(*id),
        _ => None,
    };
    office.bots.iter().filter_map(id).collect()
}

fn ended(office: &Office, talk: TalkId) -> bool {
    office.bots.iter().any(|order| matches!(order, BotOrder::End { id } if *id == talk))
}

fn finds_out(slots: &str, person: bool) -> BotEnd {
    let line = Line { who: "caller".to_owned(), text: "my card 6222021234 is gone".to_owned() };
    BotEnd::Result(Box::new(BotResult { slots: slots.to_owned(), transcript: vec![line], person }))
}

fn queue(office: &Office) -> Option<&str> {
    office.last_record().queue.as_ref().map(|queue| queue.as_str())
}

fn outcomes(office: &Office) -> Vec<BotOutcome> {
    let left = |what: &What| match what {
        What::BotLeft { outcome, .. } => Some(*outcome),
        _ => None,
    };
    office.journal.iter().filter_map(|entry| left(&entry.what)).collect()
}

#[test]
fn a_caller_goes_where_the_bot_says() {
    for (end, expected) in [
        (finds_out(r#"{"intent": "vip"}"#, false), Some("senior")),
        (finds_out("{}", true), Some("general")),
        (finds_out("{}", false), Some("general")),
        (BotEnd::Failed(BotFailure::Broken), Some("general")),
        (BotEnd::Closed, None),
    ] {
        let mut office = talking(301);
        office.run(secs(20));
        let id = begun(&office)[0];
        office.bot_ends(id, end);
        office.run(secs(2));
        assert_eq!(queue(&office), expected);
        let entries = office.journal.len();
        office.bot_ends(id, finds_out(r#"{"intent": "vip"}"#, true));
        assert_eq!(office.journal.len(), entries, "an end that comes twice changes nothing");
    }
}

#[test]
fn the_agent_gets_what_the_bot_found_out_and_nothing_else_has_it() {
    let mut office = talking(302);
    office.agent("1001", Manner::Answers(secs(1)));
    let id = begun(&office)[0];
    office.bot_ends(id, finds_out(r#"{"card": "6222021234"}"#, true));
    office.until("they talk", |office| office.talk_together(CALLER, "1001"));
    let call = office.snapshot().calls[0].call;
    let Answer::Handover { agent, handover: Some(handover) } = office.ask(Ask::Handover { call }) else {
        panic!("nothing was handed over")
    };
    assert_eq!(agent, Some("1001".into()));
    assert_eq!(handover.result.slots, r#"{"card": "6222021234"}"#);
    assert_eq!(handover.result.transcript[0].text, "my card 6222021234 is gone");
    let trace = office.trace.take().unwrap_or_default();
    assert!(trace.contains("BotRequest") && !trace.contains("622202"));
    office.hangs_up(CALLER);
    office.until("the call is over", |office| office.last_cause().is_some());
    assert_eq!(office.ask(Ask::Handover { call }), Answer::NotFound, "it is gone with the call");
}

#[test]
fn a_caller_who_hangs_up_is_gone_for_the_bot_too() {
    let mut office = talking(303);
    office.run(secs(3));
    office.hangs_up(CALLER);
    office.until("the call is over", |office| office.last_cause() == Some(Cause::LeftMenu));
    let id = begun(&office)[0];
    assert!(ended(&office, id));
    assert_eq!(outcomes(&office), [BotOutcome::Failed(BotFailure::Abandoned)]);
    let entries = office.journal.len();
    office.bot_ends(id, BotEnd::Failed(BotFailure::Abandoned));
    assert_eq!(office.journal.len(), entries, "it was said before");
}

#[test]
fn a_bot_that_goes_on_and_on_is_ended_in_time() {
    let mut office = talking(304);
    let began = office.now;
    office.until("the flow goes on", |office| office.hears(CALLER, "sys_err"));
    assert!(office.now.since(began) <= Duration::from_secs(61));
    let id = begun(&office)[0];
    assert!(ended(&office, id));
    assert_eq!(outcomes(&office), [BotOutcome::Failed(BotFailure::TooLong)]);
    office.bot_ends(id, finds_out(r#"{"intent": "vip"}"#, false));
    office.run(secs(2));
    assert_eq!(queue(&office), Some("general"));
}

#[test]
fn only_so_many_talk_with_a_bot_until_one_has_left_it() {
    let mut office = talking(305);
    calls(&mut office, "13900000002");
    calls(&mut office, "13900000003");
    office.run(ms(100));
    assert_eq!(outcomes(&office), [BotOutcome::Failed(BotFailure::Busy)]);
    assert!(office.hears("13900000003", "sys_err"));
    let first = begun(&office)[0];
    office.hangs_up(CALLER);
    office.run(secs(1));
    calls(&mut office, "13900000004");
    assert_eq!(begun(&office).len(), 2, "the bot has not let go of the first");
    office.bot_ends(first, BotEnd::Failed(BotFailure::Abandoned));
    calls(&mut office, "13900000005");
    assert_eq!(begun(&office).len(), 3);
}

#[test]
fn keys_go_to_the_bot_and_are_in_no_trace() {
    let mut office = talking(306);
    for key in "271828".chars() {
        office.presses(CALLER, key);
    }
    let keys: String = office
        .bots
        .iter()
        .filter_map(|order| match order {
            BotOrder::Key { key, .. } => Some(key.0),
            _ => None,
        })
        .collect();
    assert_eq!(keys, "271828");
    let trace = office.trace.take().unwrap_or_default();
    assert_eq!(trace.matches("Key(..)").count(), 6);
}

#[test]
fn a_bot_that_a_reload_takes_away_keeps_whom_it_has_and_gets_nobody_else() {
    let mut office = talking(307);
    let mut without = bank(2);
    let mut config = (*without.config).clone();
    config.bots.clear();
    without.config = config.into();
    office.reload(without);
    calls(&mut office, "13900000002");
    assert_eq!(outcomes(&office), [BotOutcome::Failed(BotFailure::UnknownBot)]);
    let id = begun(&office)[0];
    office.bot_ends(id, finds_out(r#"{"intent": "vip"}"#, false));
    office.run(secs(1));
    let senior = |office: &Office| {
        office.journal.iter().any(
            |entry| matches!(&entry.what, What::QueueEntered { queue, .. } if queue.as_str() == "senior"),
        )
    };
    assert!(senior(&office), "who talked with it goes on");
}

#[test]
fn what_the_caller_heard_before_ends_with_the_bot() {
    let mut office = talking(308);
    let id = begun(&office)[0];
    let port = office.phones[CALLER].remote_port().expect("a call");
    office.bot_ends(id, BotEnd::Closed);
    assert!(office.hears(CALLER, "goodbye"));
    assert!(!matches!(office.sound.at(port).map(|stream| &stream.hears), Some(Source::Silence)));
    office.until("the call is over", |office| office.last_cause() == Some(Cause::FlowEnded));
}

#[test]
fn a_lossy_network_changes_nothing_of_it() {
    for seed in 310..316 {
        let mut office = Office::with(seed, bank(2), Faults::ROUGH);
        calls(&mut office, CALLER);
        office.agent("1001", Manner::Answers(secs(1)));
        let id = begun(&office)[0];
        office.bot_ends(id, finds_out("{}", true));
        office.until("they talk", |office| office.talk_together(CALLER, "1001"));
        assert_eq!(begun(&office).len(), 1);
    }
}
