//! Callers in a small flow, told as telephone calls on a virtual clock.

use hotline::ids::QueueId;
use hotline::ivr::run::{Action, Event, MAX_IDLE, QueueExit, TYPE_AHEAD, TransferTo};

use super::caller::Call;
use super::{bank, hours};
use crate::office::secs;

const FLOW: &str = "
flow: test
languages: [zh-CN, en]
start: welcome
vars: { account: text, pin: secret, amount: number }
nodes:
  welcome: { play: { prompts: welcome, next: notice } }
  notice: { play: { prompts: rec_notice, barge_in: false, next: main } }
  main:
    menu:
      prompts: main
      keys: { 0: urgent, 1: account, 2: legal, 3: amount, 8: colleague, 9: agent, '*': main, '#': english }
      timeout: 5s
      retries: 2
      on_no_input: { prompts: noinput, then: agent }
      on_invalid: { prompts: invalid, then: confused }
  english: { set: { language: en, next: main } }
  account:
    collect:
      into: account
      prompts: acct
      min: 4
      max: 6
      timeout: 8s
      between_digits: 3s
      on_no_input: { prompts: noinput, then: agent }
      on_invalid: { prompts: invalid, then: agent }
      next: read_back
  read_back: { say: { before: acct_thanks, phone: $account, next: main } }
  amount:
    collect:
      into: amount
      prompts: acct
      max: 5
      on_no_input: { then: agent }
      on_invalid: { then: agent }
      next: read_amount
  read_amount: { say: { number: $amount, next: enough } }
  enough:
    switch:
      cases: [{ when: '$amount >= 100 and $caller starts_with \"138\"', then: colleague }]
      else: pin
  pin:
    collect:
      into: pin
      prompts: acct
      min: 4
      max: 4
      on_no_input: { then: agent }
      on_invalid: { then: agent }
      next: main
  legal:
    menu:
      prompts: closed
      barge_in: false
      keys: { 1: bye, 9: agent }
      on_no_input: { then: bye }
      on_invalid: { then: bye }
  colleague: { transfer: { agent: 1001, prompts: to_agent, on_failed: confused } }
  confused: { play: { prompts: sys_err, next: agent } }
  agent: { queue: { to: general, priority: 50, prompts: to_agent, on_timeout: bye, on_full: desk, on_empty: bye } }
  urgent: { queue: { to: urgent, on_timeout: urgent, on_full: desk } }
  desk: { transfer: { number: 95501, on_failed: bye } }
  bye: { hangup: { prompts: goodbye } }
";

fn in_language(language: &str) -> Call {
    Call::to(bank::flow(FLOW), language)
}

/// Has heard the welcome and the notice.
fn at_the_menu() -> Call {
    let mut call = in_language("zh-CN");
    call.hears("zh/welcome").listens().hears("zh/rec_notice").listens().hears("zh/main");
    call
}

impl Call {
    fn hears_nothing_new(&mut self) -> &mut Self {
        assert!(!self.new.iter().any(|a| matches!(a, Action::Play { .. })), "{:?}", self.new);
        self
    }

    fn is_interrupted(&mut self) -> &mut Self {
        assert!(self.new.contains(&Action::StopPlaying), "{:?}", self.new);
        self
    }

    fn is_not_interrupted(&mut self) -> &mut Self {
        assert!(!self.new.contains(&Action::StopPlaying), "{:?}", self.new);
        self
    }

    fn waits_in(&mut self, queue: &str) -> &mut Self {
        let queued = self
            .new
            .iter()
            .any(|a| matches!(a, Action::Queue { queue: q, .. } if *q == QueueId::from(queue)));
        assert!(queued, "{:?}", self.new);
        assert_eq!(self.run.next_deadline(), None);
        self
    }

    fn is_let_go(&mut self) -> &mut Self {
        assert_eq!(self.new.last(), Some(&Action::Hangup));
        assert_eq!(self.run.next_deadline(), None);
        self
    }
}

#[test]
fn nine_in_the_main_menu_reaches_the_general_queue() {
    at_the_menu().listens().presses("9").hears("zh/to_agent").listens().waits_in("general");
}

#[test]
fn a_key_during_the_menu_stops_the_prompt_and_acts_at_once() {
    at_the_menu().presses("0").is_interrupted().hears_nothing_new().waits_in("urgent").is_at("urgent");
}

#[test]
fn a_key_during_the_welcome_skips_it_but_the_recording_notice_is_heard_in_full() {
    let mut call = in_language("zh-CN");
    call.presses("9").is_interrupted().hears("zh/rec_notice");
    call.presses("5").is_not_interrupted().hears_nothing_new();
    call.listens().hears("zh/to_agent").listens().waits_in("general");
}

#[test]
fn digits_typed_ahead_answer_the_questions_that_follow() {
    let mut call = in_language("zh-CN");
    call.listens().hears("zh/rec_notice").presses("11381#");
    call.listens().hears("zh/acct_thanks zh/num_yao zh/num_3 zh/num_8 zh/num_yao").is_at("read_back");
}

#[test]
fn only_so_many_digits_are_kept() {
    let mut call = in_language("zh-CN");
    call.listens().presses(&"*".repeat(TYPE_AHEAD)).presses("9");
    // The stars each replay the menu; the nine came too late to be kept.
    call.listens().hears("zh/main").is_at("main");
}

#[test]
fn silence_three_times_leads_to_a_person() {
    let mut call = at_the_menu();
    call.listens().waits(secs(4)).hears_nothing_new().waits(secs(1)).hears("zh/noinput zh/main");
    call.listens().waits(secs(5)).hears("zh/noinput zh/main");
    call.listens().waits(secs(5)).hears("zh/to_agent").listens().waits_in("general");
}

#[test]
fn three_wrong_keys_lead_where_the_flow_says() {
    let mut call = at_the_menu();
    call.presses("7").is_interrupted().hears("zh/invalid zh/main");
    call.presses("7").hears("zh/invalid zh/main");
    call.presses("7").hears("zh/sys_err").listens().hears("zh/to_agent").listens().waits_in("general");
}

#[test]
fn silence_and_wrong_keys_count_together() {
    let mut call = at_the_menu();
    call.presses("7").hears("zh/invalid zh/main").listens().waits(secs(5)).hears("zh/noinput zh/main");
    call.listens().waits(secs(5)).hears("zh/to_agent");
}

#[test]
fn a_wrong_key_voids_what_was_typed_behind_it() {
    let mut call = in_language("zh-CN");
    call.listens().presses("79").listens().hears("zh/invalid zh/main").is_at("main");
    call.listens().hears_nothing_new();
}

#[test]
fn a_prompt_that_must_be_heard_keeps_the_key_until_its_end() {
    let mut call = at_the_menu();
    call.presses("2").hears("zh/closed").presses("9").is_not_interrupted().hears_nothing_new();
    call.listens().hears("zh/to_agent");
}

#[test]
fn the_star_repeats_and_the_hash_changes_the_language() {
    let mut call = at_the_menu();
    call.presses("*").hears("zh/main").presses("#").hears("en/main");
    assert_eq!(call.run.language(), "en");
    call.presses("9").hears("en/to_agent");
}

#[test]
fn a_caller_whose_language_the_flow_does_not_speak_hears_its_first() {
    in_language("fr").hears("zh/welcome");
    in_language("en").hears("en/welcome");
}

#[test]
fn an_entry_ends_by_hash_by_length_or_by_silence() {
    let heard = "zh/acct_thanks zh/num_2 zh/num_3 zh/num_4 zh/num_5";
    at_the_menu().presses("1").hears("zh/acct").presses("2345#").hears(heard);
    at_the_menu()
        .presses("1")
        .hears("zh/acct")
        .presses("2345")
        .hears_nothing_new()
        .waits(secs(3))
        .hears(heard);
    at_the_menu()
        .presses("1")
        .hears("zh/acct")
        .presses("234567")
        .hears(&format!("{heard} zh/num_6 zh/num_7"));
}

#[test]
fn a_hash_after_the_last_digit_belongs_to_the_entry_and_not_to_the_next_menu() {
    let mut call = at_the_menu();
    call.presses("1").hears("zh/acct").presses("234567#").is_at("read_back").is_not_interrupted_twice();
    call.listens().hears("zh/main");
    assert_eq!(call.run.language(), "zh-CN");
    // Typed ahead it is the same.
    let mut call = in_language("zh-CN");
    call.listens().presses("1234567#").listens().is_at("read_back");
    call.listens().hears("zh/main").is_at("main");
    assert_eq!(call.run.language(), "zh-CN");
}

impl Call {
    /// Only the collect's prompt was stopped, not the reading back.
    fn is_not_interrupted_twice(&mut self) -> &mut Self {
        assert_eq!(self.new.iter().filter(|a| **a == Action::StopPlaying).count(), 1);
        self
    }
}

#[test]
fn a_star_takes_an_entry_back_and_a_short_one_is_asked_again() {
    at_the_menu()
        .presses("1")
        .presses("99*2345#")
        .hears("zh/acct_thanks zh/num_2 zh/num_3 zh/num_4 zh/num_5");
    let mut call = at_the_menu();
    call.presses("1").presses("23#").hears("zh/invalid zh/acct").presses("#").hears("zh/invalid zh/acct");
    call.listens().waits(secs(8)).hears("zh/to_agent");
}

#[test]
fn numbers_are_read_as_numbers_and_compared_as_numbers() {
    let mut call = at_the_menu();
    call.presses("3105#").hears("zh/num_1 zh/num_hundred zh/num_0 zh/num_5");
    call.listens().hears("zh/to_agent").listens();
    assert_eq!(call.new.last(), Some(&Action::Transfer { to: TransferTo::Agent("1001".into()) }));
    let mut call = at_the_menu();
    call.presses("399#").hears("zh/num_9 zh/num_10 zh/num_9").listens().is_at("pin");
}

#[test]
fn secret_digits_appear_in_no_action_and_in_no_debug_output() {
    let mut call = at_the_menu();
    call.presses("31#").listens().is_at("pin");
    call.new.clear();
    call.presses("74");
    let half = format!("{:?}{:?}", call.run, call.new);
    call.presses("85").is_at("main");
    let whole = format!("{:?}{:?}", call.run, call.new);
    for text in [half, whole] {
        assert!(!text.contains("74") && !text.contains("1380000"), "{text}");
    }
}

#[test]
fn a_call_that_leaves_the_queue_goes_where_the_flow_says() {
    for (why, then) in [(QueueExit::Timeout, "bye"), (QueueExit::Full, "desk"), (QueueExit::Empty, "bye")] {
        let mut call = at_the_menu();
        call.presses("9").listens().waits_in("general").event(Event::QueueLeft(why)).is_at(then);
    }
    let mut call = at_the_menu();
    call.presses("9")
        .presses("123")
        .listens()
        .event(Event::QueueLeft(QueueExit::Timeout))
        .hears("zh/goodbye");
    call.listens().is_let_go().presses("1").listens().waits(secs(1_000)).is_let_go();
}

#[test]
fn the_queue_is_told_the_priority_and_whether_to_leave_when_empty() {
    let mut call = at_the_menu();
    call.presses("9").listens();
    let expected = Action::Queue { queue: "general".into(), priority: Some(50), leave_when_empty: true };
    assert!(call.new.contains(&expected));
    let mut call = at_the_menu();
    call.presses("0");
    assert!(call.new.contains(&Action::Queue {
        queue: "urgent".into(),
        priority: None,
        leave_when_empty: false
    }));
}

#[test]
fn a_failed_transfer_comes_back_to_the_flow() {
    let mut call = at_the_menu();
    call.presses("8").hears("zh/to_agent").listens().event(Event::TransferFailed).hears("zh/sys_err");
}

#[test]
fn a_prompt_that_never_ends_does_not_keep_the_call_for_ever() {
    let mut call = in_language("zh-CN");
    call.waits(MAX_IDLE - secs(1)).hears("zh/welcome").waits(secs(1)).is_let_go();
}

#[test]
fn waiting_in_a_queue_is_not_idling() {
    let mut call = at_the_menu();
    call.presses("9").listens().waits(MAX_IDLE * 3).waits_in("general");
    call.event(Event::QueueLeft(QueueExit::Full))
        .is_at("desk")
        .event(Event::TransferFailed)
        .hears("zh/goodbye");
}

#[test]
fn events_out_of_place_change_nothing() {
    let mut call = at_the_menu();
    call.event(Event::TransferFailed)
        .event(Event::QueueLeft(QueueExit::Full))
        .event(Event::Time)
        .presses("x")
        .is_at("main");
    assert!(call.new.is_empty(), "{:?}", call.new);
}

#[test]
fn opening_hours_follow_the_banks_calendar() {
    let calendar = "weekly: { mon-fri: [08:00-12:00, 13:00-24:00] }
      holidays: [2026-10-01..2026-10-07]
      working_days: { 2026-10-10: 09:00-17:00 }";
    hours::holds(
        "Asia/Shanghai",
        calendar,
        &[
            ("2026-11-20T00:00:00Z", true, "Friday at eight"),
            ("2026-11-19T23:59:59Z", false, "a second before"),
            ("2026-11-20T04:00:00Z", false, "noon"),
            ("2026-11-20T15:59:59Z", true, "a second to midnight"),
            ("2026-11-21T02:00:00Z", false, "Saturday"),
            ("2026-10-01T02:00:00Z", false, "the national holiday"),
            ("2026-10-08T02:00:00Z", true, "the day after it"),
            ("2026-10-10T02:00:00Z", true, "the Saturday worked for it"),
            ("2026-10-10T09:00:00Z", false, "that evening"),
        ],
    );
}

#[test]
fn thirty_keys_typed_ahead_through_a_long_way_back_do_not_end_the_call() {
    let back: String =
        (0..20).map(|n| format!("  s{n}: {{ set: {{ times: 1, next: s{} }} }}\n", n + 1)).collect();
    let flow = format!(
        "flow: test
languages: [en]
start: notice
vars: {{ times: number }}
nodes:
  notice: {{ play: {{ prompts: rec_notice, barge_in: false, next: main }} }}
  main: {{ menu: {{ prompts: main, keys: {{ 1: s0, 9: agent }}, on_no_input: {{ then: agent }}, on_invalid: {{ then: agent }} }} }}
{back}  s20: {{ switch: {{ cases: [ {{ when: \"$times == 2\", then: agent }} ], else: main }} }}
  agent: {{ queue: {{ to: general, on_timeout: bye, on_full: bye }} }}
  bye: {{ hangup: }}
"
    );
    let mut call = Call::to(bank::flow(&flow), "en");
    call.presses(&"1".repeat(31)).presses("9").listens();
    assert!(!call.new.contains(&Action::Hangup));
    assert!(
        call.new.iter().any(|action| matches!(action, Action::Queue { .. })),
        "the last key is the person's"
    );
}
