//! Callers who hear amounts, days, times and durations, and flows that decide by them.

use std::time::Duration;

use hotline::ivr::run::{Action, Caller, Event, Run};
use hotline::ivr::{self, Catalogue};
use hotline::media::prompts::PromptId;
use hotline::moment::Moment;

use super::bank;

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

struct Call {
    run: Run,
    now: Moment,
    names: bank::Names,
    new: Vec<Action>,
}

impl Call {
    /// Has heard the welcome and is asked for an amount.
    fn asked_in(language: &str) -> Call {
        let now = Moment::from_micros(1_795_000_000_000_000);
        let caller =
            Caller { number: "13800001111".into(), dialled: "95500".into(), language: language.into() };
        let (run, new) = Run::start(now, bank::flow(FLOW), caller);
        let mut call = Call { run, now, names: bank::Names::all(), new };
        call.hears("welcome").hears("acct");
        call
    }

    fn types(&mut self, keys: &str) -> &mut Self {
        for key in keys.chars() {
            self.new.extend(self.run.handle(self.now, Event::Digit(key)));
        }
        self
    }

    /// These prompts, whatever the language, and then they end. `num_` is left out.
    fn hears(&mut self, expected: &str) -> &mut Self {
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
        self.new = self.run.handle(self.now, Event::Played);
        self
    }

    fn is_at(&mut self, node: &str) -> &mut Self {
        assert_eq!(self.run.node(), node);
        self
    }
}

#[test]
fn an_amount_nobody_has_set_is_not_said_and_no_comparison_with_it_holds() {
    Call::asked_in("zh-CN").is_at("ask");
}

#[test]
fn a_caller_types_whole_yuan_and_hears_them_back() {
    Call::asked_in("zh-CN").types("2000#").hears("liang thousand yuan zheng").hears("goodbye");
    Call::asked_in("en").types("10005#").hears("10 thousand and 5 yuan").hears("goodbye");
}

#[test]
fn a_large_amount_goes_to_a_person() {
    Call::asked_in("en").types("20001#").is_at("agent");
    Call::asked_in("en").types("20000#").is_at("read_amount");
}

#[test]
fn what_was_set_is_compared_copied_and_said_in_mandarin() {
    Call::asked_in("zh-CN")
        .types("12345#")
        .hears("1 wan liang thousand 3 hundred 4 10 5 yuan zheng")
        .hears("1 wan liang thousand 3 hundred 4 10 5 yuan 6 jiao 7 fen")
        .hears("2 0 2 6 nian 10 yue 1 ri")
        .hears("xiawu liang point 0 5 fen")
        .hears("1 xiaoshi 3 10 minute")
        .hears("goodbye");
}

#[test]
fn what_was_set_is_compared_copied_and_said_in_english() {
    Call::asked_in("en")
        .types("12345#")
        .hears("12 thousand 3 hundred and 40 5 yuan")
        .hears("12 thousand 3 hundred and 40 5 point 6 7 yuan")
        .hears("month_10 ord_1 20 20 6")
        .hears("2 oh 5 pm")
        .hears("1 hour and 30 minutes")
        .hears("goodbye");
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
