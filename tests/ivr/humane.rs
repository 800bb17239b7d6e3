//! Whatever callers do, or cannot do, a person is near: the checker says where not.

use hotline::diagnostic::Diagnostic;
use hotline::diagnostic::Source;
use hotline::ivr::humane::Way;
use hotline::ivr::{self, World};
use std::time::Duration;

use super::bank::{self, Names};

/// A flow whose main menu is as it should be; `more` stands in place of nodes, `keys` in place of keys.
pub(super) fn bank_with(head: &str, keys: &str, more: &str) -> String {
    format!(
        "flow: test
languages: [zh-CN, en]
start: opening
{head}
nodes:
  opening:
    play: {{ prompts: welcome, next: main }}
  main:
    menu:
      prompts: main
      keys: {{ 7: complaint, 9: agent{keys} }}
      on_no_input: {{ prompts: noinput, then: agent }}
      on_invalid: {{ prompts: invalid, then: agent }}
  complaint:
    queue: {{ to: complaint, on_timeout: agent, on_full: agent }}
  agent:
    queue: {{ to: general, prompts: to_agent, on_timeout: bye, on_full: bye }}
  bye:
    hangup: {{ prompts: goodbye }}
{more}"
    )
}

/// The codes with what they are about.
pub(super) fn said(text: &str) -> Vec<String> {
    let found = bank::findings("test.yaml", text);
    found.iter().map(|d: &Diagnostic| format!("{} {}", d.code, d.message)).collect()
}

/// The flow as one that a number leads to.
fn said_of_entry(text: &str) -> Vec<String> {
    let names = Names::all();
    let world = World { entries: ["test".into()].into(), ..bank::world(&names) };
    let compiled = ivr::compile(&[Source::new("test.yaml", text)], &world).expect("no errors");
    compiled.warnings.iter().map(|d| format!("{} {}", d.code, d.message)).collect()
}

#[test]
fn a_menu_whose_silence_wrong_keys_and_nine_lead_to_a_person_is_humane_and_its_worst_case_is_told() {
    let text = bank_with("", "", "");
    assert_eq!(said(&text), [""; 0]);
    let compiled = bank::compile("test.yaml", &text).expect("it is right");
    let [reach] = &compiled.reaches[..] else { panic!("one flow, one reach") };
    // Each prompt takes three seconds: welcome, the menu three times, "no input" twice, "to an agent".
    let failing = Way { questions: 1, prompts: Duration::from_secs(3 + 3 * 3 + 2 * 3 + 3) };
    assert_eq!((reach.silent, reach.confused), (Some(failing), Some(failing)));
    assert_eq!(reach.asking, Some(Way { questions: 1, prompts: Duration::from_secs(9) }));
    assert_eq!(reach.depth, 1);
    let line = "test: at worst a person is reached by silence after 1 question and 21 s of prompts";
    assert!(reach.to_string().starts_with(line), "{reach}");
}

#[test]
fn a_question_whose_silence_ends_the_call_is_told_of() {
    let cold = "  cold:
    menu:
      prompts: card_menu
      keys: { 9: agent }
      on_no_input: { then: bye }
      on_invalid: { then: agent }
";
    assert_eq!(
        said(&bank_with("", ", 2: cold", cold)),
        ["flow-070 at `cold`, a caller who keeps silent reaches no person"]
    );
}

#[test]
fn the_key_for_a_person_must_lead_to_one_wherever_callers_are_asked() {
    let cards = "  cards:
    menu:
      prompts: card_menu
      keys: { 1: agent, 9: bye }
      on_no_input: { then: agent }
      on_invalid: { then: agent }
";
    let text = bank_with("", ", 2: cards", cards);
    assert_eq!(
        said(&text),
        ["flow-070 at `cards`, a caller who presses the key for a person reaches no person"]
    );
    assert_eq!(said(&text.replace("start:", "humane: { person_key: 1 }\nstart:")), [""; 0]);
}

#[test]
fn two_menus_that_lead_to_each_other_are_told_of_once_and_their_callers_never_reach_anybody() {
    let ring = "  one:
    menu: { prompts: card_menu, keys: { 9: two }, on_no_input: { then: agent }, on_invalid: { then: two } }
  two:
    menu: { prompts: sme_menu, keys: { 9: one }, on_no_input: { then: agent }, on_invalid: { then: one } }
";
    let text = bank_with("", ", 2: one", ring);
    assert_eq!(said(&text), ["flow-070 at `one`, a caller who presses wrong keys reaches no person"]);
    let compiled = bank::compile("test.yaml", &text).expect("warnings keep nothing from running");
    let reach = &compiled.reaches[0];
    assert!(reach.silent.is_some() && reach.confused.is_none() && reach.asking.is_none());
    assert!(reach.to_string().contains("by wrong keys never, by the key for a person never"), "{reach}");
}

#[test]
fn a_question_behind_which_some_are_hung_up_on_is_told_of_though_others_are_asked_again() {
    let branch = "  ask:
    menu: { prompts: card_menu, keys: { 1: agent }, on_no_input: { then: sort }, on_invalid: { then: sort } }
  sort:
    switch: { cases: [ { when: \"$caller == '1'\", then: main } ], else: bye }
";
    let text = bank_with("", ", 2: ask", branch);
    assert_eq!(said(&text), ["flow-070 at `ask`, a caller who keeps silent reaches no person"]);
}

#[test]
fn after_hours_a_goodbye_will_do() {
    let night = "  desk:
    hours: { zone: Asia/Shanghai, weekly: { mon-fri: 08:00-21:00 }, open: agent, closed: night }
  night:
    menu:
      prompts: closed
      keys: { 0: agent }
      on_no_input: { then: bye }
      on_invalid: { then: bye }
";
    assert_eq!(said(&bank_with("", ", 2: desk", night)), [""; 0]);
}

#[test]
fn one_question_after_another_before_a_person_is_told_of_where_it_begins_to_be_too_much() {
    let collects: String = (1..=4)
        .map(|n| {
            let next = if n == 4 { "agent".to_owned() } else { format!("ask{}", n + 1) };
            format!(
                "  ask{n}:
    collect:
      into: account
      prompts: acct
      max: 6
      retries: 0
      on_no_input: {{ then: {next} }}
      on_invalid: {{ then: agent }}
      next: {next}
"
            )
        })
        .collect();
    let head = "vars: { account: text }";
    assert_eq!(
        said(&bank_with(head, ", 1: ask1", &collects)),
        ["flow-071 from `ask1`, a caller who keeps silent is asked 4 times before a person answers"]
    );
    let patient = format!("{head}\nhumane: {{ questions: 4 }}");
    assert_eq!(said(&bank_with(&patient, ", 1: ask1", &collects)), [""; 0]);
}

#[test]
fn a_minute_of_prompts_before_a_person_is_too_much() {
    let talk = "  talk:
    play: { prompts: [rec_notice, rec_notice, rec_notice, rec_notice, rec_notice, rec_notice, rec_notice], next: long }
  long:
    menu:
      prompts: [main, main, main, main, main]
      keys: { 9: agent }
      timeout: 5s
      retries: 3
      on_no_input: { then: agent }
      on_invalid: { then: agent }
";
    assert_eq!(
        said(&bank_with("", ", 1: talk", talk)),
        ["flow-072 from `long`, a caller who keeps silent hears 63 s of prompts before a person answers"]
    );
    assert_eq!(
        said(&bank_with("humane: { prompts: 70s }", ", 1: talk", talk)),
        ["flow-072 from `talk`, a caller who keeps silent hears 84 s of prompts before a person answers"]
    );
    assert_eq!(said(&bank_with("humane: { prompts: 90s }", ", 1: talk", talk)), [""; 0]);
}

#[test]
fn a_fourth_menu_behind_three_is_too_deep() {
    let menus: String = (1..=3)
        .map(|n| {
            let key = if n == 3 { "8: agent".to_owned() } else { format!("1: menu{}", n + 1) };
            format!(
                "  menu{n}:
    menu:
      prompts: card_menu
      keys: {{ {key}, 9: agent }}
      on_no_input: {{ then: agent }}
      on_invalid: {{ then: agent }}
"
            )
        })
        .collect();
    assert_eq!(said(&bank_with("", ", 1: menu1", &menus)), ["flow-073 at `menu3` callers are 4 menus deep"]);
}

#[test]
fn a_number_whose_main_menu_has_no_key_for_complaints_is_told_of() {
    let text = bank_with("", "", "");
    assert_eq!(said_of_entry(&text), ["flow-074 no way for complaints is named, and `main` is a main menu"]);
    let named = text.replace("start:", "humane: { complaints: complaint }\nstart:");
    assert_eq!(said_of_entry(&named), [""; 0]);
    let hidden = named.replace("7: complaint, ", "1: deeper, ")
        + "  deeper:
    menu:
      prompts: cmp_menu
      keys: { 1: complaint, 9: agent }
      on_no_input: { then: agent }
      on_invalid: { then: agent }
";
    assert_eq!(said_of_entry(&hidden), ["flow-074 no key of the main menu `main` leads to complaints"]);
    let slip = text.replace("start:", "humane: { complaints: complain }\nstart:");
    let found = bank::findings("test.yaml", &slip);
    assert_eq!((found[0].code, found[0].position()), ("flow-003", (3, 23)));
}
