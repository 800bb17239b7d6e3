//! Shares, events, pauses, the question for the language, counting: told as telephone calls on a virtual clock.

use std::collections::BTreeMap;
use std::time::Duration;

use hotline::ivr::run::{Action, Caller, Event, Run, TransferTo};
use hotline::moment::Moment;

use super::bank;
use super::caller::Call;
use crate::office::{ms, secs};

const FLOW: &str = "
flow: test
languages: [zh-CN, en]
constants: { max_tries: number, desk: text }
start: lang
vars: { tries: number }
nodes:
  lang: { language: { prompts: lang, keys: { 1: zh-CN, 2: en }, default: en, timeout: 4s, next: pause } }
  pause: { wait: { for: 2s, next: main } }
  main:
    menu:
      prompts: main
      keys: { 1: split, 2: count, 3: desk, 9: agent }
      on_no_input: { then: agent }
      on_invalid: { then: agent }
  split: { percent: { ways: [{ share: 20, then: short }, { share: 80, then: long }] } }
  short: { play: { prompts: card_menu, next: main } }
  long: { play: { prompts: sme_menu, next: main } }
  count: { set: { tries: $tries + 1, next: enough } }
  enough: { switch: { cases: [{ when: '$tries >= $max_tries', then: locked }], else: main } }
  locked: { event: { name: auth_locked, value: $tries, next: told } }
  told: { event: { name: told, next: agent } }
  desk: { transfer: { number: $desk, on_failed: bye } }
  agent: { queue: { to: general, on_timeout: bye, on_full: bye } }
  bye: { hangup: }
";

fn seeded(seed: u64) -> Call {
    Call::from("13800001111", "zh-CN", bank::flow(FLOW), seed)
}

/// Has chosen Chinese and waited.
fn at_the_menu(seed: u64) -> Call {
    let mut call = seeded(seed);
    call.presses("1").waits(secs(2)).is_at("main");
    call.new.clear();
    call
}

impl Call {
    fn remarks(&self) -> Vec<(&str, &str)> {
        let remarks = self.new.iter().filter_map(|action| match action {
            Action::Remark { name, value } => Some((&**name, value.as_str())),
            _ => None,
        });
        remarks.collect()
    }
}

#[test]
fn the_language_is_asked_once_and_a_key_in_the_middle_answers() {
    let mut call = seeded(1);
    call.hears("en/lang").presses("1").is_at("pause");
    assert!(call.new.contains(&Action::StopPlaying));
    assert_eq!(call.remarks(), [("language", "zh-CN")]);
    assert_eq!(call.run.language(), "zh-CN");
}

#[test]
fn who_says_nothing_or_presses_another_key_gets_the_default_language_and_is_not_asked_again() {
    for wrong in ["", "7", "*"] {
        let mut call = seeded(1);
        call.listens().waits(ms(3_999)).is_at("lang").presses(wrong).waits(ms(1)).is_at("pause");
        assert_eq!(call.remarks(), [("language", "en")], "{wrong}");
        call.waits(ms(2_000)).hears("en/main");
    }
}

#[test]
fn a_pause_is_silent_lasts_as_long_as_it_says_and_no_key_ends_it() {
    let mut call = seeded(1);
    call.presses("2").is_at("pause");
    call.new.clear();
    call.waits(ms(1_000)).presses("3").waits(ms(999)).is_at("pause");
    assert!(call.new.is_empty(), "{:?}", call.new);
    // The key was kept for the menu.
    call.waits(ms(1)).is_at("desk");
}

#[test]
fn keys_typed_ahead_go_through_the_question_and_the_pause() {
    let mut call = seeded(1);
    call.presses("29").waits(ms(1_999)).is_at("pause").waits(ms(1)).is_at("agent");
    assert_eq!(call.run.language(), "en");
}

#[test]
fn nothing_wakes_a_pause_but_its_end() {
    let mut call = seeded(1);
    call.presses("1").listens().event(Event::Time).event(Event::TransferFailed).is_at("pause");
    assert_eq!(call.run.next_deadline(), Some(call.now + Duration::from_secs(2)));
}

#[test]
fn twenty_of_a_hundred_callers_go_one_way_and_eighty_the_other() {
    let mut ways: BTreeMap<String, usize> = BTreeMap::new();
    for seed in 0..10_000 {
        let mut call = at_the_menu(seed);
        call.presses("1");
        let way = call.run.node().to_owned();
        assert_eq!(call.remarks(), [("way", way.as_str())]);
        *ways.entry(way).or_default() += 1;
    }
    assert_eq!(ways.keys().collect::<Vec<_>>(), ["long", "short"]);
    assert!(ways["short"].abs_diff(2_000) <= 200, "{ways:?}");
}

#[test]
fn the_same_seed_goes_the_same_way_and_a_caller_who_comes_back_too() {
    for seed in 0..50 {
        let mut call = at_the_menu(seed);
        call.presses("1");
        let way = call.run.node().to_owned();
        call.listens().presses("1").is_at(&way);
        at_the_menu(seed).presses("1").is_at(&way);
    }
}

#[test]
fn the_third_try_is_counted_and_told_to_the_journal() {
    let mut call = at_the_menu(1);
    call.presses("2").is_at("main").presses("2").is_at("main");
    assert!(call.remarks().is_empty());
    call.presses("2").is_at("agent");
    assert_eq!(call.remarks(), [("auth_locked", "3"), ("told", "")]);
}

#[test]
fn a_number_that_the_configuration_names_is_dialled() {
    let mut call = at_the_menu(1);
    call.presses("3").is_at("desk");
    assert!(
        matches!(call.new.last(), Some(Action::Transfer { to: hotline::ivr::run::TransferTo::Number(number) }) if number == "95501")
    );
}

#[test]
fn counting_at_the_end_of_the_scale_stays_there() {
    let text = "
flow: test
languages: [en]
start: top
vars: { n: number }
nodes:
  top: { set: { n: 9223372036854775807 + 1, next: high } }
  high: { switch: { cases: [{ when: '$n == 9223372036854775807', then: bottom }], else: bye } }
  bottom: { set: { n: -9223372036854775808 - $n, next: low } }
  low: { switch: { cases: [{ when: '$n < -9223372036854775807', then: agent }], else: bye } }
  agent: { queue: { to: general, on_timeout: bye, on_full: bye } }
  bye: { hangup: }
";
    Call::to(bank::flow(text), "en").is_at("agent");
}

const OUT_OF_VARIABLES: &str = "
flow: test
languages: [zh-CN, en]
start: given
vars: { rank: number, who: text }
nodes:
  given: { set: { rank: RANK, who: '1002', next: colleague } }
  colleague: { transfer: { agent: $who, on_failed: desk } }
  desk: { queue: { to: general, priority: $rank, on_timeout: bye, on_full: bye } }
  bye: { hangup: }
";

#[test]
fn the_agent_and_the_priority_may_stand_in_variables_and_a_priority_stays_on_its_scale() {
    for (rank, priority) in [("80", 80), ("0", 0), ("250", 100), ("-5", 0)] {
        let flow = bank::flow(&OUT_OF_VARIABLES.replace("RANK", rank));
        let now = Moment::from_micros(1_795_000_000_000_000);
        let caller = Caller { number: "13800001111".into(), dialled: "95500".into(), language: "en".into() };
        let (mut run, actions) = Run::start(now, flow, caller, 7);
        let to = TransferTo::Agent("1002".into());
        assert!(actions.contains(&Action::Transfer { to }), "{actions:?}");
        let actions = run.handle(now, Event::TransferFailed);
        let waits =
            Action::Queue { queue: "general".into(), priority: Some(priority), leave_when_empty: false };
        assert!(actions.contains(&waits), "{rank}: {actions:?}");
    }
}
