//! Messages and ratings: what may be written, and what the run makes of keys and time.

use hotline::ivr::run::{Action, Event, MessageEnd};

use super::bank;
use super::caller::Call;
use super::faults::{self, Fault};
use crate::office::ms;

const GOOD: &str = "
flow: test
languages: [zh-CN, en]
start: rate
nodes:
  rate:
    survey:
      prompts: svy
      scores: 1-5
      timeout: 5s
      barge_in: true
      on_low: { up_to: 2, then: why }
      on_no_answer: bye
      next: thanks
  why:
    record:
      name: dissatisfied
      prompts: svy_why
      max: 30s
      min: 2s
      end: \"#\"
      next: thanks
      on_short: short
      on_failed: failed
  short:
    play: { prompts: msg_short, next: why }
  failed:
    hangup: { prompts: msg_failed }
  thanks:
    hangup: { prompts: svy_thx }
  bye:
    hangup: { prompts: goodbye }
";

const FAULTS: &[Fault] = &[
    ("    record:\n", "    «recrod:\n", "flow-001"),
    ("    survey:\n", "    «surwey:\n", "flow-001"),
    // Messages.
    ("      max: 30s\n      min: 2s\n", "      max: 2s\n      min: «2s\n", "flow-093"),
    ("      max: 30s\n      min: 2s\n", "      max: «1s\n", "flow-093"),
    ("max: 30s", "max: «6m", "yaml-008"),
    ("max: 30s", "max: «30", "yaml-007"),
    ("min: 2s", "min: «100ms", "yaml-008"),
    ("end: \"#\"", "end: «\"1\"", "flow-095"),
    ("end: \"#\"", "end: «any", "flow-095"),
    ("end: \"#\"", "«ends: \"#\"", "yaml-004"),
    ("name: dissatisfied", "name: «not at all", "flow-026"),
    ("      name: dissatisfied\n", "", "yaml-005 record:"),
    ("prompts: svy_why", "prompts: «svy_wyh", "flow-008"),
    ("prompts: svy_why", "prompts: «only_zh", "flow-008"),
    ("on_short: short", "on_short: «shrot", "flow-003"),
    ("on_failed: failed", "on_failed: «faild", "flow-003"),
    ("next: thanks\n      on_short", "next: «why\n      on_short", "flow-014"),
    ("      on_short: short\n", "", "yaml-005 record:"),
    ("      on_failed: failed\n", "", "yaml-005 record:"),
    // Ratings.
    ("scores: 1-5", "scores: «5-1", "flow-096"),
    ("scores: 1-5", "scores: «1-10", "flow-096"),
    ("scores: 1-5", "scores: «five", "flow-096"),
    ("scores: 1-5", "scores: «3-3", "flow-096"),
    ("up_to: 2", "up_to: «5", "flow-097"),
    ("up_to: 2", "up_to: «0", "flow-097"),
    ("up_to: 2, ", "up_to: «two, ", "yaml-006"),
    ("up_to: 2, then: why", "up_to: 2, then: «whi", "flow-003"),
    ("on_low: { up_to: 2, then: why }", "on_low: «why", "yaml-006"),
    ("on_no_answer: bye", "on_no_answer: «by", "flow-003"),
    ("prompts: svy\n", "prompts: «svi\n", "flow-008"),
    ("timeout: 5s", "timeout: «2m", "yaml-008"),
];

/// What is close to a fault, and right.
const RIGHT: &[(&str, &str)] = &[
    ("      min: 2s\n", ""),
    ("min: 2s", "min: 500ms"),
    ("max: 30s", "max: 5m"),
    ("      max: 30s\n", ""),
    ("      min: 2s\n", "      min: 10s\n"),
    ("end: \"#\"", "end: \"*\""),
    ("end: \"#\"", "end: none"),
    ("      prompts: svy_why\n", ""),
    ("prompts: svy_why", "prompts: [svy_why, leave_msg]"),
    ("name: dissatisfied", "name: what_went_wrong"),
    ("scores: 1-5", "scores: 0-9"),
    ("      scores: 1-5\n", ""),
    ("up_to: 2", "up_to: 4"),
    ("up_to: 2", "up_to: 1"),
    ("      timeout: 5s\n      barge_in: true\n", ""),
    ("next: thanks\n      on_short: short", "next: thanks\n      on_short: why"),
];

#[test]
fn each_planted_fault_is_found_where_it_is_and_nothing_else_is() {
    faults::are_found(GOOD, FAULTS, &[]);
}

#[test]
fn what_is_close_to_a_fault_and_right_is_not_complained_about() {
    // A node that nothing leads to any more is another mistake.
    faults::are_none(GOOD, RIGHT, &["flow-012"]);
}

#[test]
fn without_a_tone_nobody_would_know_when_to_speak() {
    let names = bank::Names::without("music/beep");
    let source = hotline::diagnostic::Source::new("test.yaml", GOOD);
    let found = hotline::ivr::compile(&[source], &bank::world(&names)).expect_err("no tone");
    assert_eq!((found[0].code, found[0].position()), ("flow-094", (17, 13)));
}

fn begins() -> Call {
    Call::to(bank::flow(GOOD), "en")
}

/// Has given a low score and heard the tone.
fn speaks() -> Call {
    let mut call = begins();
    call.presses("2").listens();
    assert!(call.run.records(), "{:?}", call.run);
    call.new.clear();
    call
}

impl Call {
    fn has(&self, action: &Action) -> bool {
        self.new.contains(action)
    }
}

fn over(end: MessageEnd) -> Action {
    Action::MessageOver { end }
}

fn rated(score: Option<u8>) -> Action {
    Action::Surveyed { score }
}

#[test]
fn only_its_key_ends_a_message_and_only_after_the_tone() {
    let mut call = begins();
    call.presses("2");
    call.new.clear();
    call.presses("#3#");
    assert!(call.new.is_empty(), "before the tone is over keys mean nothing: {:?}", call.new);
    call.listens();
    assert_eq!(call.new, [Action::Record { name: "dissatisfied".into() }]);
    call.new.clear();
    call.waits(ms(3_000)).presses("0123456789*ABCD");
    assert!(call.new.is_empty(), "{:?}", call.new);
    call.presses("#");
    assert!(call.has(&over(MessageEnd::Key)));
    assert_eq!(call.run.node(), "thanks");
}

#[test]
fn a_message_is_as_short_and_as_long_as_it_may_be() {
    for (millis, key, end, node) in [
        (1_999, true, MessageEnd::Short, "why"),
        (2_000, true, MessageEnd::Key, "thanks"),
        (29_999, true, MessageEnd::Key, "thanks"),
        (30_000, false, MessageEnd::Longest, "thanks"),
    ] {
        let mut call = speaks();
        call.waits(ms(millis));
        if key {
            call.presses("#");
        }
        assert!(call.has(&over(end)), "{millis}: {:?}", call.new);
        // One that was too short is told so before it is asked for again.
        let node = if end == MessageEnd::Short { "short" } else { node };
        assert_eq!(call.run.node(), node, "{millis}");
    }
}

#[test]
fn a_call_that_ends_leaves_the_message_once() {
    let mut call = speaks();
    call.waits(ms(5_000));
    assert_eq!(call.run.hung_up(call.now), [over(MessageEnd::CallEnded)]);
    assert_eq!(call.run.hung_up(call.now), []);
    let mut call = speaks();
    call.waits(ms(1_000));
    assert_eq!(call.run.hung_up(call.now), [over(MessageEnd::Short)]);
    let mut call = begins();
    assert_eq!(call.run.hung_up(call.now), [], "nothing was being said");
}

#[test]
fn what_cannot_be_recorded_goes_where_the_flow_says() {
    let mut call = speaks();
    call.waits(ms(5_000)).event(Event::MessageFailed);
    assert!(call.has(&over(MessageEnd::Failed)));
    assert_eq!(call.run.node(), "failed");
    // Too late, and at a time when nothing is recorded.
    let before = call.new.len();
    call.event(Event::MessageFailed);
    assert_eq!(call.new.len(), before);
}

#[test]
fn who_speaks_for_long_is_not_taken_for_asleep() {
    let text = GOOD.replace("max: 30s", "max: 5m");
    let mut call = Call::to(bank::flow(&text), "en");
    // The last key was pressed nearly ten minutes ago when the message begins.
    call.presses("1").waits(ms(599_000));
    call.listens().waits(ms(299_999));
    assert!(call.run.records(), "{:?}", call.new);
    call.waits(ms(1));
    assert!(call.has(&over(MessageEnd::Longest)));
}

#[test]
fn scores_lead_where_they_should() {
    for (key, score, node) in
        [("1", 1, "why"), ("2", 2, "why"), ("3", 3, "thanks"), ("4", 4, "thanks"), ("5", 5, "thanks")]
    {
        let mut call = begins();
        call.listens().presses(key);
        assert!(call.has(&rated(Some(score))));
        assert_eq!(call.run.node(), node);
    }
}

#[test]
fn silence_is_no_score_at_once_and_a_wrong_key_when_it_comes_twice() {
    let mut call = begins();
    call.listens().waits(ms(5_000));
    assert!(call.has(&rated(None)));
    assert_eq!(call.run.node(), "bye");
    let mut call = begins();
    call.listens().presses("0");
    assert!(!call.has(&rated(None)));
    call.listens().presses("9");
    assert!(call.has(&rated(None)));
    let mut call = begins();
    call.listens().presses("0").listens().presses("5");
    assert_eq!(call.new.iter().filter(|action| matches!(action, Action::Surveyed { .. })).count(), 1);
    assert!(call.has(&rated(Some(5))));
}
