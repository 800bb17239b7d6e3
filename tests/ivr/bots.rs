//! Callers who talk with bots, on a virtual clock, and what can be written wrong about it.

use std::time::Duration;

use hotline::ivr::bot::{BotEnd, BotFailure, BotRequest, BotResult};
use hotline::ivr::run::{Action, Event};

use super::bank;
use super::caller::Call;
use super::faults::{self, Fault};
use crate::office::secs;

const FLOW: &str = r#"flow: test
languages: [zh-CN]
start: account
vars: { account: text, intent: text, tries: number, limit: money, pin: secret }
nodes:
  account:
    collect: { into: account, prompts: acct, max: 4, next: talk, on_no_input: { then: desk }, on_invalid: { then: desk } }
  talk:
    bot:
      to: assistant
      with: { account: $account, language: $language, tries: $tries, limit: $limit, from: ivr }
      into: { intent: $intent, order.tries: $tries }
      max: 2m
      next: route
      on_person: desk
      on_failed: pin
  route: { switch: { cases: [ { when: "$intent == 'loss' and $tries > 1", then: urgent } ], else: bye } }
  pin:
    collect: { into: pin, prompts: main, min: 6, max: 6, on_no_input: { then: desk }, on_invalid: { then: desk }, next: check }
  check: { http: { method: post, to: bank, path: /pin, body: { pin: $pin }, next: say, on_failed: desk } }
  say: { say: { digits: $account, next: money } }
  money: { say: { money: $limit, next: desk } }
  urgent: { queue: { to: urgent, on_timeout: bye, on_full: bye } }
  desk: { queue: { to: general, on_timeout: bye, on_full: bye } }
  bye: { hangup: { prompts: goodbye } }
"#;

/// A caller who talks with the bot.
fn talking() -> Call {
    let mut call = Call::to(bank::flow(FLOW), "zh-CN");
    call.presses("6222").is_at("talk");
    call
}

impl Call {
    fn ends(&mut self, end: BotEnd) -> &mut Self {
        assert!(self.run.talks().is_some(), "nobody talks");
        self.told(Event::BotDone(end))
    }

    fn finds_out(&mut self, slots: &str, person: bool) -> &mut Self {
        let result = BotResult { slots: slots.to_owned(), transcript: Vec::new(), person };
        self.ends(BotEnd::Result(Box::new(result)))
    }

    /// What the bot was asked last.
    fn asked(&self) -> BotRequest {
        let asked = self.new.iter().rev().find_map(|action| match action {
            Action::Bot { request } => Some(request.as_ref().clone()),
            _ => None,
        });
        asked.unwrap_or_else(|| panic!("no bot is asked: {:?}", self.new))
    }
}

#[test]
fn a_bot_is_told_what_the_flow_knows_as_texts() {
    let call = talking();
    let asked = call.asked();
    let told: Vec<(&str, &str)> =
        asked.parameters.iter().map(|(name, value)| (&**name, value.as_str())).collect();
    let expected =
        [("account", "6222"), ("language", "zh-CN"), ("tries", "0"), ("limit", ""), ("from", "ivr")];
    assert_eq!(told, expected);
    assert_eq!(
        (&*asked.bot, asked.max, call.run.talks()),
        ("assistant", Duration::from_secs(120), Some(asked.number))
    );
}

#[test]
fn what_it_found_out_goes_into_variables_and_the_call_on_by_them() {
    talking().finds_out(r#"{"intent": "loss", "order": {"tries": 2}, "more": [1]}"#, false).is_at("urgent");
    talking().finds_out(r#"{"intent": "loss", "order": {"tries": 1}}"#, false).is_at("bye");
}

#[test]
fn a_bot_that_closes_without_a_word_lets_the_call_go_on_with_what_it_had() {
    let mut call = talking();
    call.ends(BotEnd::Closed).is_at("bye");
    assert_eq!(call.run.talks(), None);
}

#[test]
fn a_result_without_a_slot_that_is_wanted_or_of_another_kind_has_failed() {
    for slots in ["{}", r#"{"intent": "loss"}"#, r#"{"intent": 5, "order": {"tries": 2}}"#] {
        let mut call = talking();
        call.finds_out(slots, false).is_at("pin");
        let remark =
            Action::Remark { name: "bot".into(), value: "the result lacks what the flow wants".into() };
        assert!(call.new.contains(&remark), "{:?}", call.new);
    }
}

#[test]
fn who_is_handed_over_comes_to_a_person_whatever_the_bot_forgot() {
    talking().finds_out("{}", true).is_at("desk");
    talking().finds_out(r#"{"intent": "loss", "order": {"tries": 9}}"#, true).is_at("desk");
}

#[test]
fn a_bot_that_fails_or_goes_on_and_on_leads_elsewhere() {
    for why in BotFailure::ALL {
        talking().ends(BotEnd::Failed(why)).is_at("pin");
    }
    let mut call = talking();
    assert_eq!(call.run.next_deadline(), Some(call.now + Duration::from_secs(120)));
    call.waits(secs(119)).is_at("talk").waits(secs(1)).is_at("pin");
    assert!(
        call.new.contains(&Action::Remark { name: "bot".into(), value: "the bot's time is over".into() })
    );
    assert!(call.told(Event::BotDone(BotEnd::Closed)).new.is_empty(), "an end that comes too late");
}

#[test]
fn keys_are_the_bots_and_answer_no_later_question() {
    let mut call = talking();
    call.new.clear();
    assert!(call.presses("271828").new.is_empty());
    call.ends(BotEnd::Failed(BotFailure::Broken)).is_at("pin");
}

const FAULTS: &[Fault] = &[
    ("to: assistant", "to: «asistant", "flow-120"),
    ("to: assistant", "to: «\"wss://192.0.2.7/\"", "flow-120"),
    ("to: assistant", "to: assistant\n      «url: x", "yaml-004"),
    ("account: $account, language", "account: «$acount, language", "flow-009"),
    ("from: ivr", "from: «$pin", "flow-019"),
    ("from: ivr", "«\"who calls\": ivr", "flow-121"),
    ("from: ivr", "from: «[ivr]", "yaml-006"),
    ("intent: $intent, order", "intent: «$pin, order", "flow-122"),
    ("intent: $intent, order", "«intent..x: $intent, order", "flow-122"),
    ("order.tries: $tries", "order.tries: $tries, more: «$tries", "flow-122"),
    ("intent: $intent, order", "intent: «$intnet, order", "flow-009"),
    ("intent: $intent, order", "intent: «intent, order", "yaml-006"),
    ("max: 2m", "max: «2", "yaml-007"),
    ("max: 2m", "max: «2h", "yaml-008"),
    ("next: route\n", "next: «rout\n", "flow-003"),
    ("on_person: desk", "on_person: «dsk", "flow-003"),
    ("on_failed: pin\n", "on_failed: «pim\n", "flow-003"),
    ("on_failed: pin\n", "on_failed: «talk\n", "flow-014"),
];

/// Close to a fault and right.
const RIGHT: &[(&str, &str)] = &[
    ("      max: 2m\n", ""),
    ("max: 2m", "max: 30m"),
    ("on_person: desk", "on_person: urgent"),
    ("from: ivr", "from: \"\""),
    ("from: ivr", "From-1_x: $dialled"),
    ("      into: { intent: $intent, order.tries: $tries }\n", ""),
    ("      with: { account: $account, language: $language, tries: $tries, limit: $limit, from: ivr }\n", ""),
];

/// What is not used any more is another matter.
const BESIDE: &[&str] = &["flow-011", "flow-012", "flow-024"];

#[test]
fn each_planted_fault_is_found_where_it_is() {
    faults::are_found(FLOW, FAULTS, BESIDE);
}

#[test]
fn what_is_close_to_a_fault_and_right_is_not_complained_about() {
    faults::are_none(FLOW, RIGHT, BESIDE);
}
