//! What callers type, on every path: a secret is there when it is needed, and no number of theirs comes to the journal.

use super::bank;

/// A flow that asks for a PIN and has the bank check it; `more` stands in place of nodes, `failed` is where it goes on
/// if the bank cannot.
fn checking(failed: &str, more: &str) -> String {
    format!(
        "flow: test
languages: [en]
start: pin
vars: {{ pin: secret }}
nodes:
  pin:
    collect: {{ into: pin, prompts: pin, min: 6, max: 6, on_no_input: {{ then: agent }}, on_invalid: {{ then: agent }}, next: verify }}
  verify:
    http: {{ method: post, to: bank, path: /verify, body: {{ pin: $pin }}, next: agent, on_failed: {failed} }}
  agent: {{ queue: {{ to: general, on_timeout: bye, on_full: bye }} }}
  bye: {{ hangup: {{ prompts: goodbye }} }}
{more}"
    )
}

/// The codes with where they stand and what they say.
fn said(text: &str) -> Vec<String> {
    let found = bank::findings("test.yaml", text);
    found.iter().map(|d| format!("{} {}:{} {}", d.code, d.position().0, d.position().1, d.message)).collect()
}

#[test]
fn a_secret_that_is_typed_anew_before_each_use_is_there() {
    // That the PIN is asked for without end while the bank is away is another matter.
    let of_secrets =
        |text: &str| said(text).into_iter().filter(|told| !told.starts_with("flow-131 ")).count();
    assert_eq!(of_secrets(&checking("pin", "")), 0);
    let once_more = "  sorry: { play: { prompts: sys_err, next: pin } }\n";
    assert_eq!(of_secrets(&checking("sorry", once_more)), 0);
}

#[test]
fn a_second_host_is_not_sent_what_the_first_one_has_had() {
    let second = "  again: { http: { method: post, to: bank, path: /again, body: { pin: $pin }, next: agent, on_failed: agent } }\n";
    let text = checking("again", second);
    assert_eq!(said(&text), ["flow-129 12:71 `pin` may have been used up when the call comes here"]);
    let found = bank::findings("test.yaml", &text);
    let rendered = found[0].render();
    assert!(
        rendered.contains("test.yaml:12:71") && rendered.contains("here it goes, and is gone"),
        "{rendered}"
    );
    assert!(rendered.lines().any(|line| line.starts_with(" 9 |")), "the first use is shown too: {rendered}");
}

#[test]
fn a_request_that_comes_round_again_without_a_new_entry_is_told_of() {
    let round = "  wait: { collect: { into: other, prompts: acct, max: 2, on_no_input: { then: agent }, on_invalid: { then: agent }, next: verify } }\n";
    let text = checking("wait", round).replace("pin: secret }", "pin: secret, other: text }");
    assert_eq!(
        said(&text),
        ["flow-129 9:65 `pin` is used up here, and the call may come here again without it"]
    );
}

#[test]
fn a_path_that_passes_the_question_by_is_told_of() {
    let text = checking("agent", "").replace("start: pin", "start: sort")
        + "  sort: { switch: { cases: [ { when: \"$caller == '1'\", then: verify } ], else: pin } }\n";
    assert_eq!(said(&text), ["flow-129 9:65 `pin` may not have been typed when the call comes here"]);
    // Who gave no answer has typed nothing.
    let text = checking("agent", "").replace("on_no_input: { then: agent }", "on_no_input: { then: verify }");
    assert_eq!(said(&text), ["flow-129 9:65 `pin` may not have been typed when the call comes here"]);
}

const VERIFY: &str = "flow: verify
languages: [en]
parameters: { pin: secret }
results: { ok: text }
start: ask
nodes:
  ask: { http: { method: post, to: bank, path: /verify, body: { pin: $pin }, next: yes, on_failed: no } }
  \"yes\": { return: { ok: 'yes' } }
  \"no\": { return: { ok: 'no' } }
";

/// What is said of the second of two flows.
fn said_of_two(called: &str, calling: &str) -> Vec<String> {
    let names = bank::Names::all();
    let sources = [("verify.yaml", called), ("test.yaml", calling)]
        .map(|(name, text)| hotline::diagnostic::Source::new(name, text));
    let found = match hotline::ivr::compile(&sources, &bank::world(&names)) {
        Ok(compiled) => compiled.warnings,
        Err(found) => found,
    };
    let place = |d: &hotline::diagnostic::Diagnostic| {
        format!("{} {} {}:{}", d.code, d.source.name, d.position().0, d.position().1)
    };
    found.iter().map(place).collect()
}

#[test]
fn a_secret_handed_to_another_flow_is_gone_and_there_it_has_come_in() {
    let head = checking("agent", "").replace("pin: secret }", "pin: secret, ok: text }");
    let calling = |then: &str| {
        let text = head.replace("next: verify }", "next: hand_on }");
        text + &format!(
            "  hand_on: {{ call: {{ flow: verify, with: {{ pin: $pin }}, into: {{ ok: $ok }}, next: sort }} }}
  sort: {{ switch: {{ cases: [ {{ when: \"$ok == 'yes'\", then: agent }} ], else: {then} }} }}\n"
        )
    };
    assert_eq!(said_of_two(VERIFY, &calling("verify")), ["flow-129 test.yaml 9:65"]);
    let typed_anew = calling("second")
        + "  second: { collect: { into: pin, prompts: pin, max: 6, on_no_input: { then: agent }, on_invalid: { then: agent }, next: verify } }\n";
    assert_eq!(said_of_two(VERIFY, &typed_anew), [""; 0]);
}

#[test]
fn one_secret_is_not_handed_to_two_parameters() {
    let called = VERIFY
        .replace("{ pin: secret }", "{ pin: secret, again: secret }")
        .replace("body: { pin: $pin }", "body: { pin: $pin, again: $again }");
    let calling = checking("agent", "").replace("pin: secret }", "pin: secret, ok: text }").replace(
        "http: { method: post, to: bank, path: /verify, body: { pin: $pin }, next: agent, on_failed: agent }",
        "call: { flow: verify, with: { pin: $pin, again: $pin }, into: { ok: $ok }, next: sort }",
    ) + "  sort: { switch: { cases: [ { when: \"$ok == 'yes'\", then: agent } ], else: agent } }\n";
    assert_eq!(said_of_two(&called, &calling), ["flow-129 test.yaml 9:53"]);
}

/// A flow that takes a number by keys, `max` of them, works on it and writes something down.
fn telling(max: usize, set: &str, value: &str) -> String {
    format!(
        "flow: test
languages: [en]
start: ask
vars: {{ typed: number, other: number }}
nodes:
  ask:
    collect: {{ into: typed, prompts: acct, max: {max}, on_no_input: {{ then: agent }}, on_invalid: {{ then: agent }}, next: work }}
  work: {{ set: {{ {set}, next: tell }} }}
  tell: {{ event: {{ name: told, value: {value}, next: agent }} }}
  agent: {{ queue: {{ to: general, on_timeout: bye, on_full: bye }} }}
  bye: {{ hangup: {{ prompts: goodbye }} }}
"
    )
}

#[test]
fn a_number_of_many_keys_comes_to_the_journal_on_no_way() {
    let fault = ["flow-130 9:39 a number that callers type would be in the journal"];
    assert_eq!(said(&telling(15, "other: 1", "$typed")), fault);
    assert_eq!(said(&telling(3, "other: $typed", "$other")), fault);
    assert_eq!(said(&telling(15, "other: $typed - 1", "$other")), fault);
    assert_eq!(said(&telling(15, "other: 3, typed: $other + 1", "$typed")), fault);
    assert_eq!(said(&telling(2, "other: $typed + 1", "$other")), [""; 0]);
    assert_eq!(said(&telling(15, "other: $other + 1, typed: $typed", "$other")), [""; 0]);
}

const COUNTS: &str = "flow: verify
languages: [en]
parameters: { number: number }
results: { more: number }
start: tell
nodes:
  tell: { event: { name: told, value: $number, next: back } }
  back: { return: { more: $number + 1 } }
";

#[test]
fn a_typed_number_does_not_come_to_the_journal_through_another_flow_either() {
    let calling = |max: usize, given: &str| {
        telling(max, "other: 1", "$other").replace(
            "work: { set: { other: 1, next: tell } }",
            &format!("work: {{ call: {{ flow: verify, with: {{ number: {given} }}, into: {{ more: $other }}, next: tell }} }}"),
        )
    };
    let quiet = COUNTS.replace("event: { name: told, value: $number, next: back }", "goto: back");
    assert_eq!(said_of_two(COUNTS, &calling(2, "$typed")), [""; 0]);
    // Given, and told there; come back, and told here.
    assert_eq!(
        said_of_two(COUNTS, &calling(15, "$typed")),
        ["flow-130 test.yaml 8:49", "flow-130 test.yaml 9:39"]
    );
    assert_eq!(said_of_two(&quiet, &calling(15, "$typed")), ["flow-130 test.yaml 9:39"]);
    let unused = calling(15, "3");
    let said = said_of_two(COUNTS, &unused);
    assert_eq!(said, [""; 0]);
}

/// A flow that asks for a text of up to 15 keys, with this check, and has the caller called back at `number`.
fn calling_back(check: &str, number: &str) -> String {
    format!(
        "flow: test
languages: [en]
start: ask
vars: {{ typed: text, other: text }}
nodes:
  ask:
    collect: {{ into: typed, prompts: acct, max: 15, {check}on_no_input: {{ then: agent }}, on_invalid: {{ then: agent }}, next: work }}
  work: {{ set: {{ other: $typed, next: wish }} }}
  wish: {{ callback: {{ number: {number}, queue: general, next: agent, on_refused: agent }} }}
  agent: {{ queue: {{ to: general, on_timeout: bye, on_full: bye }} }}
  bye: {{ hangup: {{ prompts: goodbye }} }}
"
    )
}

#[test]
fn an_account_that_is_typed_is_not_called_back_and_a_telephone_number_is() {
    let fault =
        ["flow-130 9:31 a number that callers type as something else would be in the journal and be called"];
    assert_eq!(said(&calling_back("", "$other")), fault);
    assert_eq!(said(&calling_back("check: luhn, ", "$other")), fault);
    assert_eq!(said(&calling_back("check: phone, ", "$other")), [""; 0]);
    let unused = calling_back("", "$caller")
        .replace("set: { other: $typed, next: wish }", "say: { digits: $typed, next: wish }");
    assert_eq!(said(&unused.replace(", other: text", "")), [""; 0]);
    // What another check has let through as something else stays that, whatever else comes into the variable.
    let both = calling_back("check: phone, ", "$other").replace("next: wish }", "next: more }")
        + "  more: { collect: { into: other, prompts: acct, max: 15, on_no_input: { then: agent }, on_invalid: { then: agent }, next: wish } }\n";
    assert_eq!(said(&both), fault);
}

#[test]
fn nor_is_it_called_back_through_another_flow() {
    let called = "flow: verify
languages: [en]
parameters: { number: text }
results: { same: text }
start: wish
nodes:
  wish: { callback: { number: $number, queue: general, next: back, on_refused: back } }
  back: { return: { same: $number } }
";
    let quiet = called
        .replace("callback: { number: $number, queue: general, next: back, on_refused: back }", "goto: back");
    let calling = |check: &str| {
        let call = "call: { flow: verify, with: { number: $typed }, into: { same: $other }, next: wish }";
        calling_back(check, "$other").replace("set: { other: $typed, next: wish }", call)
    };
    assert_eq!(said_of_two(called, &calling("check: phone, ")), [""; 0]);
    assert_eq!(said_of_two(called, &calling("")), ["flow-130 test.yaml 8:49", "flow-130 test.yaml 9:31"]);
    assert_eq!(said_of_two(&quiet, &calling("")), ["flow-130 test.yaml 9:31"]);
}
