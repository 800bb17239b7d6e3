//! Emergency broadcasts and checks of entries: what the checker says of them, and runs without a phone.

use hotline::ivr::emergency::{Level, Notice, Piece};
use hotline::ivr::run::{Action, Event};
use hotline::media::prompts::PromptId;

use super::bank;
use super::caller::Call;
use super::faults::{self, Fault};

const GOOD: &str = "flow: test
languages: [zh-CN, en]
start: first
vars: { card: text, code: secret, sum: money, birth: text }
nodes:
  first: { emergency: { next: main, deflect: small, loss: urgent } }
  small:
    menu: { prompts: closed_menu, keys: { 0: urgent, 9: agent }, on_no_input: { then: agent }, on_invalid: { then: agent } }
  main:
    menu: { prompts: main, keys: { 1: card, 9: agent }, on_no_input: { then: agent }, on_invalid: { then: agent } }
  card:
    collect:
      into: card
      prompts: acct
      min: 8
      max: 19
      check: { luhn: 16, prompts: refuse }
      on_no_input: { then: agent }
      on_invalid: { prompts: invalid, then: agent }
      next: code
  code:
    collect:
      into: code
      prompts: pin
      min: 4
      max: 4
      check: day
      on_no_input: { then: agent }
      on_invalid: { prompts: invalid, then: agent }
      next: sum
  sum:
    collect:
      into: sum
      prompts: acct
      max: 6
      check: { from: 100, to: 50000 }
      on_no_input: { then: agent }
      on_invalid: { prompts: invalid, then: agent }
      next: birth
  birth:
    collect:
      into: birth
      prompts: acct
      max: 8
      check: { one_of: [01, 19560101] }
      on_no_input: { then: agent }
      on_invalid: { then: agent }
      next: agent
  urgent: { queue: { to: urgent, on_timeout: agent, on_full: agent } }
  agent: { queue: { to: general, on_timeout: bye, on_full: bye } }
  bye: { hangup: }
";

const FAULTS: &[Fault] = &[
    (", loss: urgent }", ", loss: urgnet }", "flow-003 urgnet"),
    ("deflect: small, loss", "deflect: «smal, loss", "flow-003"),
    ("next: main, deflect", "next: «mian, deflect", "flow-003"),
    ("loss: urgent }", "«lost: urgent }", "yaml-004"),
    ("loss: urgent }", "loss: urgent, «prompts: main }", "yaml-004"),
    ("  first: { emergency:", "  first: { «emergancy:", "flow-001"),
    (
        "  first: { emergency: { next: main, deflect: small, loss: urgent } }",
        "  «first: { emergency: { next: main, deflect: small, loss: bye } }",
        "flow-100",
    ),
    ("check: day", "check: «dya", "flow-101"),
    ("check: day", "check: «date", "flow-101"),
    ("check: day", "check: «phone", "flow-101"),
    ("check: day", "check: { «lunh: 16 }", "yaml-004"),
    ("check: day", "check: «{ prompts: main }", "yaml-010"),
    ("check: day", "check: { one_of: «['1234'] }", "flow-101"),
    ("check: day", "check: { from: «1 }", "flow-101"),
    ("check: day", "check: { date: «ddmm }", "flow-101"),
    ("luhn: 16", "luhn: «20", "flow-101"),
    ("luhn: 16", "luhn: «1", "yaml-008"),
    ("prompts: refuse", "prompts: «refuze", "flow-008"),
    ("from: 100, to: 50000", "from: «500, to: 100", "flow-101"),
    ("from: 100, to: 50000", "luhn: «5", "flow-101"),
    ("{ from: 100, to: 50000 }", "«{ from: 100, date: mmdd }", "yaml-010"),
    ("19560101]", "«195601011]", "flow-101 [01"),
    ("[01,", "[«0x,", "flow-101"),
];

const RIGHT: &[(&str, &str)] = &[
    ("loss: urgent", "loss: agent"),
    ("check: day", "check: luhn"),
    ("check: day", "check: { date: mmdd, prompts: [refuse, invalid] }"),
    ("check: { luhn: 16, prompts: refuse }", "check: { luhn: 16 }"),
    ("check: { luhn: 16, prompts: refuse }", "check: date"),
    ("check: { from: 100, to: 50000 }", "check: { from: 100 }"),
    ("check: { from: 100, to: 50000 }", "check: { to: 50000 }"),
    ("check: { one_of: [01, 19560101] }", "check: { one_of: \"19560101\" }"),
];

#[test]
fn each_planted_fault_is_found_where_it_is_and_what_is_close_and_right_is_not_complained_about() {
    faults::are_found(GOOD, FAULTS, &[]);
    faults::are_none(GOOD, RIGHT, &[]);
}

fn begins() -> Call {
    let call = Call::to(bank::flow(GOOD), "zh-CN");
    assert_eq!(call.new.last(), Some(&Action::AskBroadcast));
    call
}

impl Call {
    /// All that was played since the last look.
    fn heard(&self) -> Vec<String> {
        let played = self.new.iter().filter_map(|action| match action {
            Action::Play { prompts } => Some(prompts),
            _ => None,
        });
        played.flatten().map(|prompt| self.names.of(*prompt)).collect()
    }

    /// What they hear after these keys.
    fn types(&mut self, keys: &str) -> Vec<String> {
        self.new.clear();
        self.presses(keys).heard()
    }
}

fn notice(level: Level) -> Event {
    let pieces =
        vec![Piece::Prompt(PromptId(0)), Piece::Time("14:30".to_owned()), Piece::Prompt(PromptId(1))];
    Event::Broadcast(Some(Notice { level, pieces }))
}

#[test]
fn the_time_is_said_in_the_middle() {
    let mut call = begins();
    call.told(notice(Level::Info));
    let heard = call.heard();
    assert_eq!((heard[0].as_str(), heard[1].as_str()), ("zh/welcome", "zh/num_xiawu"));
    assert_eq!(heard.last().map(String::as_str), Some("zh/rec_notice"));
    assert_eq!(call.told(Event::Played).heard(), ["zh/main"]);
}

#[test]
fn a_late_answer_and_a_second_one_mean_nothing() {
    let mut call = begins();
    call.told(Event::Broadcast(None));
    assert_eq!(call.heard(), ["zh/main"]);
    assert_eq!(call.told(notice(Level::Full)).new, []);
    assert_eq!(call.told(Event::Broadcast(None)).new, []);
}

#[test]
fn keys_before_and_during_it_are_for_what_comes_after_except_for_a_loss() {
    let mut call = begins();
    call.told(notice(Level::Info)).types("*9");
    assert_eq!(call.new, [], "kept");
    call.told(Event::Played);
    assert_eq!(call.heard(), ["zh/main"], "a star is no key here, so the nine is void with it");
    let mut call = begins();
    call.told(notice(Level::Deflect)).presses("9").told(Event::Played);
    assert_eq!(call.heard(), ["zh/closed_menu"], "meant for a menu that does not come");
    let mut call = begins();
    call.told(notice(Level::Full)).types("0");
    assert_eq!(call.new.first(), Some(&Action::StopPlaying));
    assert!(matches!(call.new.last(), Some(Action::Queue { queue, .. }) if queue.as_str() == "urgent"));
}

fn at_card() -> Call {
    let mut call = begins();
    call.told(Event::Broadcast(None)).presses("1");
    call
}

#[test]
fn an_entry_that_a_check_turns_down_is_a_failed_answer_with_its_own_words() {
    let mut call = at_card();
    assert_eq!(call.types("6222020000000017#"), ["zh/refuse", "zh/acct"]);
    assert_eq!(call.types("622#"), ["zh/invalid", "zh/acct"], "too short is told as ever");
    assert_eq!(call.types("6222020000000007#"), ["zh/pin"]);
    assert_eq!(call.types("0230"), ["zh/invalid", "zh/pin"], "a secret can be checked too");
    assert!(!format!("{:?}", call.run).contains("0230"));
    assert_eq!(call.types("0229"), ["zh/acct"]);
    assert_eq!(call.types("99#"), ["zh/invalid", "zh/acct"]);
    assert_eq!(call.types("50001#"), ["zh/invalid", "zh/acct"]);
    assert_eq!(call.types("50000#"), ["zh/acct"]);
    assert!(matches!(call.presses("01#").new.last(), Some(Action::Queue { .. })));
}

#[test]
fn three_slips_lead_where_wrong_keys_lead() {
    let mut call = at_card();
    for _ in 0..3 {
        call.presses("6222020000000017#");
    }
    assert!(matches!(call.new.last(), Some(Action::Queue { queue, .. }) if queue.as_str() == "general"));
}
