//! Callers who hear amounts, days, times and durations, and flows that decide by them.

use std::time::Duration;

use hotline::ivr::run::{Action, Event};
use hotline::ivr::{self, Catalogue};
use hotline::media::prompts::PromptId;

use super::bank;
use super::caller::Call;

const FLOW: &str = "
flow: test
languages: [zh-CN, en]
start: untouched
vars: { amount: money, copy: money, due: date, opens: time, waited: duration }
nodes:
  untouched: { say: { before: welcome, money: $amount, next: unset } }
  unset:
    switch:
      cases:
        - { when: \"$amount == 0 or $amount != 0 or $due < 2026-10-01\", then: bye }
      else: ask
  ask:
    collect:
      into: amount
      prompts: acct
      max: 9
      on_no_input: { then: bye }
      on_invalid: { then: bye }
      next: compare
  compare:
    switch:
      cases:
        - { when: \"$amount > 20000\", then: agent }
        - { when: \"$amount == 12345.00\", then: fill }
      else: read_amount
  read_amount: { say: { money: $amount, next: bye } }
  fill: { set: { copy: $amount, amount: 12345.67, due: 2026-10-01, opens: 14:05, waited: 1h30m, next: check } }
  check:
    switch:
      cases:
        - when: \"$copy == 12345 and $amount > $copy and $due < 2026-10-02 and $opens >= 14:05 and $waited <= 90m\"
          then: say_copy
      else: bye
  say_copy: { say: { money: $copy, next: say_amount } }
  say_amount: { say: { money: $amount, next: say_due } }
  say_due: { say: { date: $due, next: say_opens } }
  say_opens: { say: { time: $opens, next: say_waited } }
  say_waited: { say: { duration: $waited, next: bye } }
  agent: { queue: { to: general, on_timeout: bye, on_full: bye } }
  bye: { hangup: { prompts: goodbye } }
";

/// A bank that has not recorded 分.
struct WithoutFen(bank::Names);

impl Catalogue for WithoutFen {
    fn find(&self, language: &str, name: &str) -> Option<PromptId> {
        self.0.find(language, name).filter(|_| name != "num_fen")
    }

    fn duration(&self, prompt: PromptId) -> Duration {
        self.0.duration(prompt)
    }

    fn names(&self, language: &str) -> Vec<String> {
        self.0.names(language)
    }
}

/// Has heard the welcome and is asked for an amount.
fn asked_in(language: &str) -> Call {
    let mut call = Call::to(bank::flow(FLOW), language);
    call.hears_out("welcome").hears_out("acct");
    call
}

impl Call {
    /// These prompts, whatever the language, and then they end. `num_` is left out.
    fn hears_out(&mut self, expected: &str) -> &mut Self {
        let played = self.new.iter().rev().find_map(|action| match action {
            Action::Play { prompts } => Some(prompts.clone()),
            _ => None,
        });
        let names: Vec<String> = played
            .unwrap_or_default()
            .iter()
            .map(|prompt| {
                let name = self.names.of(*prompt);
                let name = name.rsplit('/').next().unwrap_or_default();
                name.strip_prefix("num_").unwrap_or(name).to_owned()
            })
            .collect();
        assert_eq!(names.join(" "), expected, "{:?}", self.new);
        self.told(Event::Played)
    }
}

#[test]
fn an_amount_nobody_has_set_is_not_said_and_no_comparison_with_it_holds() {
    asked_in("zh-CN").is_at("ask");
}

#[test]
fn a_caller_types_whole_yuan_and_hears_them_back() {
    asked_in("zh-CN").presses("2000#").hears_out("liang thousand yuan zheng").hears_out("goodbye");
    asked_in("en").presses("10005#").hears_out("10 thousand and 5 yuan").hears_out("goodbye");
}

#[test]
fn a_large_amount_goes_to_a_person() {
    asked_in("en").presses("20001#").is_at("agent");
    asked_in("en").presses("20000#").is_at("read_amount");
}

#[test]
fn what_was_set_is_compared_copied_and_said_in_mandarin() {
    asked_in("zh-CN")
        .presses("12345#")
        .hears_out("1 wan liang thousand 3 hundred 4 10 5 yuan zheng")
        .hears_out("1 wan liang thousand 3 hundred 4 10 5 yuan 6 jiao 7 fen")
        .hears_out("2 0 2 6 nian 10 yue 1 ri")
        .hears_out("xiawu liang point 0 5 fen")
        .hears_out("1 xiaoshi 3 10 minute")
        .hears_out("goodbye");
}

#[test]
fn what_was_set_is_compared_copied_and_said_in_english() {
    asked_in("en")
        .presses("12345#")
        .hears_out("12 thousand 3 hundred and 40 5 yuan")
        .hears_out("12 thousand 3 hundred and 40 5 point 6 7 yuan")
        .hears_out("month_10 ord_1 20 20 6")
        .hears_out("2 oh 5 pm")
        .hears_out("1 hour and 30 minutes")
        .hears_out("goodbye");
}

#[test]
fn a_word_that_a_value_may_need_is_missed_by_the_checker_and_not_by_a_caller() {
    let (all, lacking) = (bank::Names::all(), WithoutFen(bank::Names::all()));
    let world = ivr::World { catalogue: &lacking, ..bank::world(&all) };
    let source = hotline::diagnostic::Source::new("test.yaml", FLOW);
    let found = ivr::compile(&[source], &world).expect_err("a word is missing");
    let said: Vec<_> = found.iter().map(|found| (found.code, found.message.as_str())).collect();
    // Three times money and one time of day; a duration of 1h30m might be one with seconds another day.
    assert_eq!(said, [("flow-008", "to say this in zh-CN, prompts are missing: num_fen"); 6]);
}
