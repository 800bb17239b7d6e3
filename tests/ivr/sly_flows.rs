//! Flows as somebody writes them in a hurry, or to get round the rules: what the checker says of them must be the truth,
//! and beside each fault stands the same flow mended, of which nothing is said.

use std::time::Duration;

use hotline::diagnostic::Source;
use hotline::ivr;
use hotline::ivr::humane::{Reach, Way};

use super::bank::{self, Names};
use super::humane::{bank_with, said};

const NOTHING: [&str; 0] = [];

/// A PIN that the bank's system turns down `limit` leads where it says; `count` counts.
fn pin(count: &str, cases: &str, otherwise: &str) -> String {
    let more = format!(
        "  pin:
    collect: {{ into: pin, prompts: pin, min: 6, max: 6, on_no_input: {{ then: agent }}, on_invalid: {{ then: agent }}, next: verify }}
  verify:
    http: {{ method: post, to: bank, path: /pin, body: {{ pin: $pin }}, next: done, on_status: {{ 401: wrong }}, on_failed: agent }}
  wrong:
    set: {{ {count}next: how_often }}
  how_often:
    switch: {{ cases: [ {cases} ], else: {otherwise} }}
  bad:
    play: {{ prompts: pin_bad_1, next: pin }}
  done:
    play: {{ prompts: acct_thanks, next: bye }}
"
    );
    let tries = if count.is_empty() { "" } else { ", tries: number" };
    bank_with(&format!("vars: {{ pin: secret{tries} }}"), ", 2: pin", &more)
}

/// A menu whose silence is counted by hand.
fn counted_silence(count: &str, when: &str, then: &str, otherwise: &str) -> String {
    let more = format!(
        "  ask:
    menu: {{ prompts: card_menu, keys: {{ 1: agent, 9: agent }}, retries: 0, on_no_input: {{ then: count }}, on_invalid: {{ then: count }} }}
  count:
    set: {{ {count}, next: how_often }}
  how_often:
    switch: {{ cases: [ {{ when: \"{when}\", then: {then} }} ], else: {otherwise} }}
"
    );
    let vars = if count.starts_with("again") { "again: text" } else { "tries: number" };
    bank_with(&format!("vars: {{ {vars} }}"), ", 2: ask", &more)
}

fn reach(text: &str) -> Reach {
    bank::compile("test.yaml", text).expect("it is right").reaches[0].clone()
}

fn way(questions: usize, seconds: u64) -> Option<Way> {
    Some(Way { questions, prompts: Duration::from_secs(seconds) })
}

#[test]
fn a_question_that_is_counted_by_hand_ends_and_its_rounds_are_in_the_worst_case() {
    let thrice = counted_silence("tries: $tries + 1", "$tries >= 3", "agent", "ask");
    assert_eq!(said(&thrice), NOTHING);
    // The menu three times and "to an agent"; the welcome and the main menu take longer.
    let long = thrice.replace("prompts: card_menu", "prompts: [card_menu, card_menu, card_menu]");
    assert_eq!(reach(&long).silent, way(1, 3 * 9 + 3));
    for (count, when, then, otherwise) in [
        ("tries: $tries + 1", "$tries == 2", "agent", "ask"),
        ("tries: $tries - 1", "$tries <= -2", "agent", "ask"),
        ("tries: 1 + $tries", "not $tries < 2", "agent", "ask"),
        ("tries: $tries + 2", "$tries > 0 and $tries < 4", "ask", "agent"),
        ("tries: 1", "$tries == 1", "agent", "ask"),
        ("again: \"yes\"", "$again == 'yes'", "agent", "ask"),
    ] {
        assert_eq!(said(&counted_silence(count, when, then, otherwise)), NOTHING, "{count} {when}");
    }
}

#[test]
fn a_counter_that_ends_nothing_does_not_hide_a_circle() {
    let endless = ["flow-014 the call goes round without a key being pressed: ask, count, how_often"];
    for (count, when) in [
        // It is set anew, compared the wrong way round, jumps over its mark, goes both ways, or is another one.
        ("tries: 1", "$tries >= 3"),
        ("tries: $tries + 1", "$tries < 0"),
        ("tries: $tries + 2", "$tries == 3"),
        ("tries: $tries - 1", "$tries >= 3"),
        ("tries: 0", "$tries == 1"),
        ("again: $caller", "$again == 'yes'"),
        ("tries: $tries + 1", "$tries >= 1000000"),
    ] {
        assert_eq!(said(&counted_silence(count, when, "agent", "ask")), endless, "{count} {when}");
    }
    let reset = counted_silence("tries: $tries + 1", "$tries >= 3", "agent", "reset")
        + "  reset: { set: { tries: 0, next: ask } }\n";
    let all = "flow-014 the call goes round without a key being pressed: ask, count, how_often, reset";
    assert_eq!(said(&reset), [all]);
}

#[test]
fn what_only_computes_is_a_circle_though_it_counts() {
    let spin = "  spin:
    set: { tries: $tries + 1, next: enough }
  enough:
    switch: { cases: [ { when: \"$tries >= 9\", then: agent } ], else: spin }
";
    let text = bank_with("vars: { tries: number }", ", 2: spin", spin);
    assert_eq!(said(&text), ["flow-014 the call goes round without a key being pressed: spin, enough"]);
}

#[test]
fn a_counted_question_that_ends_the_call_loses_its_callers() {
    let cold = counted_silence("tries: $tries + 1", "$tries >= 3", "bye", "ask");
    assert_eq!(said(&cold), ["flow-070 at `ask`, a caller who keeps silent reaches no person"]);
}

#[test]
fn entries_that_are_turned_down_lead_to_a_person_after_a_counted_number_of_them() {
    let wrong = "flow-131 at `pin`, a caller whose entries are turned down";
    let counted =
        |then: &str| pin("tries: $tries + 1, ", &format!("{{ when: \"$tries >= 3\", then: {then} }}"), "bad");
    assert_eq!(said(&counted("agent")), NOTHING);
    assert_eq!(said(&counted("bye")), [format!("{wrong} is sent away and reaches no person")]);
    let as_banks_do = "{ when: \"$tries == 1\", then: bad }, { when: \"$tries == 2\", then: bad }";
    assert_eq!(said(&pin("tries: $tries + 1, ", as_banks_do, "agent")), NOTHING);
    let endless = [format!("{wrong} is asked again without end")];
    assert_eq!(said(&pin("", "{ when: \"$caller == '1'\", then: agent }", "bad")), endless);
    assert_eq!(said(&pin("tries: 1, ", "{ when: \"$tries >= 3\", then: agent }", "bad")), endless);
    // The worst case has its rounds: the PIN three times, "wrong" twice, "to an agent".
    let long = counted("agent").replace("prompts: pin,", "prompts: [pin, pin, pin],");
    assert_eq!(reach(&long).confused, way(1, 3 * 9 + 2 * 3 + 3));
}

#[test]
fn two_entries_that_are_asked_for_in_turn_are_one_ring() {
    let both = "  first:
    collect: { into: account, prompts: acct, max: 6, min: 6, on_no_input: { then: agent }, on_invalid: { then: agent }, next: second }
  second:
    collect: { into: caller_is, prompts: acct, max: 6, min: 6, on_no_input: { then: agent }, on_invalid: { then: agent }, next: known }
  known:
    http: { to: bank, path: \"/a/{$account}/{$caller_is}\", next: bye, on_status: { 404: first }, on_failed: agent }
";
    let head = "vars: { account: text, caller_is: text }";
    let text = bank_with(head, ", 2: first", both);
    let wrong = "flow-131 at `first`, a caller whose entries are turned down is asked again without end";
    assert_eq!(said(&text), [wrong]);
    let text = text.replace("caller_is: text }", "caller_is: text, tries: number }");
    let counted = text.replace("404: first", "404: wrong")
        + "  wrong: { set: { tries: $tries + 1, next: enough } }
  enough: { switch: { cases: [ { when: \"$tries > 1\", then: agent } ], else: first } }
";
    assert_eq!(said(&counted), NOTHING);
}

#[test]
fn what_is_heard_behind_an_entry_or_a_key_counts_for_who_falls_silent_there() {
    let talk = "  account:
    collect: { into: account, prompts: acct, min: 6, max: 6, on_no_input: { then: agent }, on_invalid: { then: agent }, next: terms }
  terms:
    play: { prompts: [rec_notice, rec_notice, rec_notice, rec_notice, rec_notice, rec_notice, rec_notice, rec_notice], next: more }
  more:
    play: { prompts: [rec_notice, rec_notice, rec_notice, rec_notice], next: cards }
  cards:
    menu: { prompts: [card_menu, card_menu], keys: { 9: agent }, on_no_input: { prompts: noinput, then: agent }, on_invalid: { then: agent } }
";
    let text = bank_with("vars: { account: text }", ", 2: account", talk);
    let too_long =
        "flow-072 from `terms`, a caller who keeps silent hears 63 s of prompts before a person answers";
    assert_eq!(said(&text), [too_long]);
    assert_eq!(reach(&text.replace("start:", "humane: { prompts: 70s }\nstart:")).silent, way(1, 63));
    assert_eq!(
        said(&text.replace("rec_notice, rec_notice], next: more", "rec_notice], next: more")),
        NOTHING
    );
}

#[test]
fn who_is_refused_at_once_does_not_hide_how_far_the_others_have_to_go() {
    let blocked = |talk: &str| {
        bank_with(
            "vars: { segment: text }",
            "",
            "  sort:
    switch: { cases: [ { when: \"$segment == 'blocked'\", then: bye } ], else: long }
  long:
    play: { prompts: [TALK], next: main }
  who:
    http: { to: bank, path: \"/c/{$caller}\", answer: { segment: $segment }, next: sort, on_failed: main }
"
            .replace("TALK", talk)
            .as_str(),
        )
        .replace("next: main }\n  main:", "next: who }\n  main:")
    };
    let short = blocked("rec_notice");
    assert_eq!(said(&short), NOTHING);
    assert_eq!(reach(&short).silent, way(1, 21 + 3));
    let long = blocked(&["rec_notice"; 16].join(", "));
    assert_eq!(
        said(&long),
        ["flow-072 from `long`, a caller who keeps silent hears 66 s of prompts before a person answers"]
    );
}

/// Two flows of the bank: `main` behind 95500, `desk` behind 95501.
fn two_numbers(main: &str, desk: &str) -> Vec<String> {
    let names = Names::all();
    let flow = |name: &str, nodes: &str| {
        let text =
            format!("flow: {name}\nlanguages: [zh-CN]\nstart: begin\nnodes:\n{nodes}  bye: {{ hangup: }}\n");
        Source::new(format!("{name}.yaml"), text)
    };
    let sources = [flow("main", main), flow("desk", desk)];
    match ivr::compile(&sources, &bank::world(&names)) {
        Ok(compiled) => compiled.warnings.iter().map(|d| format!("{} {}", d.code, d.message)).collect(),
        Err(found) => panic!("{}", hotline::diagnostic::render_all(&found)),
    }
}

#[test]
fn a_transfer_to_a_number_of_the_bank_is_followed_into_its_flow() {
    let main = "  begin: { menu: { prompts: main, keys: { 9: over }, on_no_input: { then: over }, on_invalid: { then: over } } }
  over: { transfer: { number: 95501, on_failed: bye } }
";
    let lost = ["flow-070 at `begin`, a caller who keeps silent reaches no person"];
    assert_eq!(two_numbers(main, "  begin: { play: { prompts: closed, next: bye } }\n"), lost);
    let queue = "  begin: { queue: { to: general, on_timeout: bye, on_full: bye } }\n";
    assert_eq!(two_numbers(main, queue), NOTHING);
    // Each hands on to the other.
    let round = "  begin: { transfer: { number: 95500, on_failed: bye } }\n";
    assert_eq!(two_numbers(main, round), lost);
    // Their menus lead to each other by a key that no one of the three presses.
    let menu = "  begin: { menu: { prompts: main, keys: { 1: over, 9: agent }, on_no_input: { then: agent }, on_invalid: { then: agent } } }
  over: { transfer: { number: NUMBER, on_failed: agent } }
  agent: { queue: { to: general, on_timeout: bye, on_full: bye } }
";
    assert_eq!(two_numbers(&menu.replace("NUMBER", "95501"), &menu.replace("NUMBER", "95500")), NOTHING);
}

#[test]
fn a_number_in_a_variable_may_be_nobodys() {
    let hand = |failed: &str| {
        bank_with("vars: { to: text }", ", 2: ask", &format!("  ask:
    menu: {{ prompts: card_menu, keys: {{ 9: agent }}, on_no_input: {{ then: hand }}, on_invalid: {{ then: agent }} }}
  hand:
    transfer: {{ number: $to, on_failed: {failed} }}
"))
    };
    assert_eq!(said(&hand("bye")), ["flow-070 at `ask`, a caller who keeps silent reaches no person"]);
    assert_eq!(said(&hand("agent")), NOTHING);
}

#[test]
fn a_bot_that_is_asked_for_a_person_or_breaks_off_leads_to_one() {
    let bot = |next: &str, person: &str, failed: &str| {
        bank_with(
            "vars: { intent: text }",
            ", 2: talk",
            &format!(
                "  talk:
    bot: {{ to: assistant, into: {{ intent: $intent }}, next: {next}{person}, on_failed: {failed} }}
  route:
    switch: {{ cases: [ {{ when: \"$intent == 'loss'\", then: agent }} ], else: bye }}
"
            ),
        )
    };
    assert_eq!(said(&bot("route", ", on_person: agent", "agent")), NOTHING, "it has done what was wanted");
    let asks = "flow-070 at `talk`, a caller who presses the key for a person reaches no person";
    assert_eq!(said(&bot("route", "", "agent")), [asks.replace("presses the key", "asks")]);
    assert_eq!(said(&bot("route", ", on_person: bye", "agent")), [asks.replace("presses the key", "asks")]);
    let silent = "flow-070 at `talk`, a caller who keeps silent reaches no person";
    assert_eq!(said(&bot("route", ", on_person: agent", "bye")), [silent]);
}

#[test]
fn the_key_for_a_person_does_not_lead_out_of_the_queue_to_a_goodbye() {
    let key = |to: &str| {
        bank_with(
            "",
            ", 2: wait",
            &format!(
                "  wait:
    queue: {{ to: general, keys: {{ 9: {to} }}, on_timeout: bye, on_full: bye }}
"
            ),
        )
    };
    let lost = "flow-070 at `wait`, a caller who presses the key for a person reaches no person";
    assert_eq!(said(&key("bye")), [lost]);
    assert_eq!(said(&key("complaint")), NOTHING);
    // Two queues that lead to each other are people all the same.
    let both = key("complaint")
        .replace("on_timeout: agent, on_full: agent", "keys: { 9: wait }, on_timeout: agent, on_full: agent");
    assert_eq!(said(&both), NOTHING);
}

#[test]
fn one_key_that_is_an_entry_is_one_for_who_asks_for_a_person() {
    let copies = |check: &str| {
        bank_with("vars: { copies: number }", ", 2: copies", &format!("  copies:
    collect: {{ into: copies, prompts: acct, max: 1, {check}on_no_input: {{ then: agent }}, on_invalid: {{ then: agent }}, next: bye }}
"))
    };
    let lost = "flow-070 at `copies`, a caller who presses the key for a person reaches no person";
    assert_eq!(said(&copies("")), [lost]);
    assert_eq!(said(&copies("check: { from: 1, to: 8 }, ")), NOTHING);
}

#[test]
fn a_flow_that_comes_back_from_silence_to_a_goodbye_is_told_of_where_it_is_called() {
    let names = Names::all();
    let sub = "flow: sub\nlanguages: [zh-CN, en]\nstart: more\nnodes:\n  more:\n    menu: { prompts: person_or_end, keys: { 9: desk }, on_no_input: { then: back }, on_invalid: { then: desk } }\n  desk: { queue: { to: general, on_timeout: back, on_full: back } }\n  back: { return: {} }\n";
    let calls = |next: &str| {
        let text = bank_with("", ", 2: sub", &format!("  sub: {{ call: {{ flow: sub, next: {next} }} }}\n"));
        let sources = [Source::new("test.yaml", text), Source::new("sub.yaml", sub)];
        let compiled = ivr::compile(&sources, &bank::world(&names)).expect("no errors");
        compiled.warnings.iter().map(|d| format!("{} {}", d.code, d.message)).collect::<Vec<_>>()
    };
    assert_eq!(calls("bye"), ["flow-070 at `sub`, a caller who keeps silent reaches no person"]);
    assert_eq!(calls("main"), NOTHING);
}

#[test]
fn a_share_of_nought_lets_nobody_into_a_goodbye() {
    let part = |shares: [u8; 2]| {
        bank_with("", ", 2: ask", &format!("  ask:
    menu: {{ prompts: card_menu, keys: {{ 9: agent }}, on_no_input: {{ then: part }}, on_invalid: {{ then: agent }} }}
  part:
    percent: {{ ways: [ {{ share: {}, then: bye }}, {{ share: {}, then: agent }} ] }}
", shares[0], shares[1]))
    };
    assert_eq!(said(&part([1, 99])), ["flow-070 at `ask`, a caller who keeps silent reaches no person"]);
    assert_eq!(said(&part([0, 100])), NOTHING);
}

#[test]
fn a_large_flow_with_many_counters_is_checked() {
    let mut text = "flow: test\nlanguages: [zh-CN]\nstart: n0\nvars: {".to_owned();
    (0..3).for_each(|n| text.push_str(&format!(" c{n}: number,")));
    text.push_str(" }\nnodes:\n");
    for n in 0..160 {
        let (c, next) = (n % 3, (n + 1) % 160);
        text.push_str(&format!(
            "  n{n}: {{ menu: {{ prompts: main, keys: {{ 1: n{next}, 2: n{}, 9: agent }}, on_no_input: {{ then: s{n} }}, on_invalid: {{ then: agent }} }} }}
  s{n}: {{ set: {{ c{c}: $c{c} + 1, next: w{n} }} }}
  w{n}: {{ switch: {{ cases: [ {{ when: \"$c{c} >= 2\", then: agent }} ], else: n{n} }} }}
", (n * 7) % 160));
    }
    text.push_str("  agent: { queue: { to: general, on_timeout: bye, on_full: bye } }\n  bye: { hangup: }\n");
    // Followed through every count of three counters it would be 13,000 nodes.
    let found = bank::findings("test.yaml", &text);
    assert!(found.iter().all(|d| d.code == "flow-073"), "{}", hotline::diagnostic::render_all(&found));
}
