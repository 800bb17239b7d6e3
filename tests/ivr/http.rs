//! Callers for whom the bank's own servers are asked, on a virtual clock.

use std::time::Duration;

use hotline::ivr::http::{HttpFailure, HttpRequest, HttpResponse, Method};
use hotline::ivr::run::{Action, Event};

use super::bank;
use super::caller::Call;
use crate::office::ms;

const FLOW: &str = r#"
flow: test
languages: [zh-CN]
start: lookup
vars: { segment: text, ticket: number, pin: secret, last4: text }
nodes:
  lookup:
    http: { to: weather, path: "/customers/{$caller}?via={$dialled}", timeout: 800ms,
            answer: { customer.segment: $segment, customer.tickets.0: $ticket },
            next: who, on_status: { 404: stranger }, on_failed: desk }
  who: { switch: { cases: [ { when: "$segment == 'vip' and $ticket > 7", then: vip } ], else: pin } }
  vip: { queue: { to: senior, on_timeout: bye, on_full: bye } }
  stranger: { play: { prompts: welcome, next: pin } }
  pin:
    collect: { into: pin, prompts: acct, min: 6, max: 6, next: verify, on_no_input: { then: desk }, on_invalid: { then: desk } }
  verify:
    http: { method: post, to: bank, path: /verify, body: { pin: $pin, who: { number: $caller, ticket: $ticket, by: ivr, try: 1, quick: true } },
            timeout: 2s, retries: 1, answer: { last4: $last4 }, next: menu, on_status: { 409: locked }, on_failed: desk }
  menu:
    menu: { prompts: main, keys: { 1: pin_again, 9: desk }, on_no_input: { then: desk }, on_invalid: { then: desk } }
  pin_again:
    collect: { into: pin, prompts: acct, min: 6, max: 6, next: block, on_no_input: { then: desk }, on_invalid: { then: desk } }
  block:
    http: { method: delete, to: bank, path: "/cards/{$last4}", body: { pin: $pin }, next: bye, on_failed: desk }
  locked: { queue: { to: urgent, on_timeout: bye, on_full: bye } }
  desk: { queue: { to: general, on_timeout: bye, on_full: bye } }
  bye: { hangup: { prompts: goodbye } }
"#;

/// Somebody whom the bank looks up by this number.
fn caller(number: &str) -> Call {
    Call::from(number, "zh-CN", bank::flow(FLOW), 7)
}

/// A stranger who has typed the PIN 271828, which the bank is being asked about.
fn whose_pin_is_checked() -> Call {
    let mut call = caller("1380000");
    call.answers(404, "").listens().listens().presses("271828").is_at("verify");
    call
}

impl Call {
    fn answers(&mut self, status: u16, body: &str) -> &mut Self {
        assert!(self.run.awaits().is_some(), "nobody has been asked");
        self.told(Event::HttpDone(Ok(HttpResponse { status, body: body.into() })))
    }

    fn fails(&mut self, why: HttpFailure) -> &mut Self {
        self.told(Event::HttpDone(Err(why)))
    }

    /// What was asked last.
    fn asks(&self) -> HttpRequest {
        let asked = self.new.iter().rev().find_map(|action| match action {
            Action::Http { request } => Some(request.as_ref().clone()),
            _ => None,
        });
        asked.unwrap_or_else(|| panic!("nobody is asked: {:?}", self.new))
    }

    fn asks_nobody(&mut self) -> &mut Self {
        assert!(!self.new.iter().any(|action| matches!(action, Action::Http { .. })), "{:?}", self.new);
        assert_eq!(self.run.awaits(), None);
        self
    }
}

#[test]
fn a_caller_is_looked_up_by_number_and_goes_on_by_the_answer() {
    let mut call = caller("+86 138/0000");
    let asked = call.asks();
    assert_eq!((asked.method, &*asked.host, asked.body.as_deref()), (Method::Get, "weather", None));
    assert_eq!(asked.path, "/customers/%2B86%20138%2F0000?via=95500");
    assert_eq!((asked.timeout, call.run.awaits()), (Duration::from_millis(800), Some(asked.number)));
    call.answers(200, r#"{"customer": {"segment": "vip", "tickets": [8, 9]}}"#).is_at("vip");
    caller("1").answers(201, r#"{"customer": {"segment": "vip", "tickets": [7]}}"#).is_at("pin");
}

#[test]
fn each_status_goes_where_the_flow_says_and_all_others_to_on_failed() {
    caller("1").answers(404, "no JSON").is_at("stranger");
    for status in [302, 400, 401, 409, 451] {
        caller("1").answers(status, "{}").is_at("desk").asks_nobody();
    }
}

#[test]
fn an_answer_that_lacks_a_field_or_has_it_of_another_kind_has_failed_and_changes_nothing() {
    let long = format!(r#"{{"customer": {{"segment": "{}", "tickets": [1]}}}}"#, "x".repeat(201));
    for body in [
        "",
        "<html>",
        "{}",
        r#"{"customer": {"segment": "vip"}}"#,
        r#"{"customer": {"segment": 5, "tickets": [8]}}"#,
        r#"{"customer": {"segment": "vip", "tickets": ["8"]}}"#,
        &long,
    ] {
        let mut call = caller("1");
        call.answers(200, body).is_at("desk");
        let remark =
            Action::Remark { name: "http".into(), value: "the answer lacks what the flow wants".into() };
        assert!(call.new.contains(&remark));
    }
}

#[test]
fn what_only_reads_is_asked_once_more_by_itself() {
    for why in [HttpFailure::Unreachable, HttpFailure::Timeout] {
        let mut call = caller("1");
        let first = call.asks();
        let second = call.fails(why).asks();
        assert_eq!((&second.path, second.number), (&first.path, first.number + 1));
        call.fails(why).is_at("desk").asks_nobody();
    }
    caller("1").answers(503, "").answers(404, "").is_at("stranger");
    for why in [HttpFailure::Busy, HttpFailure::TooLarge, HttpFailure::Malformed, HttpFailure::UnknownHost] {
        caller("1").fails(why).is_at("desk").asks_nobody();
    }
}

#[test]
fn what_changes_something_is_asked_again_only_if_the_flow_says_so() {
    let mut call = whose_pin_is_checked();
    let (first, second) = (call.asks(), call.fails(HttpFailure::Unreachable).asks());
    assert_eq!(first.body, second.body);
    call.answers(200, r#"{"last4": "0042"}"#).listens().presses("1").is_at("pin_again");
    let mut call = whose_pin_is_checked();
    call.answers(500, "").answers(500, "").is_at("desk").asks_nobody();
}

#[test]
fn a_host_that_never_answers_costs_the_caller_its_timeout_and_no_more() {
    let mut call = caller("1");
    let first = call.asks().number;
    assert_eq!(call.run.next_deadline(), Some(call.now + Duration::from_millis(800)));
    call.waits(ms(799));
    assert_eq!(call.run.awaits(), Some(first));
    call.waits(ms(1));
    assert_eq!(call.run.awaits(), Some(first + 1), "asked once more; an answer to the first comes too late");
    call.new.clear();
    call.waits(ms(800)).is_at("desk").asks_nobody();
}

#[test]
fn an_answer_that_comes_twice_or_to_nobody_changes_nothing() {
    let mut call = caller("1");
    call.answers(404, "").is_at("stranger");
    call.told(Event::HttpDone(Ok(HttpResponse { status: 200, body: String::new() }))).is_at("stranger");
    assert!(call.new.is_empty(), "{:?}", call.new);
    call.listens().fails(HttpFailure::Timeout).is_at("pin");
}

#[test]
fn keys_pressed_while_a_host_is_asked_answer_the_next_question() {
    let mut call = whose_pin_is_checked();
    call.presses("9").is_at("verify");
    call.answers(200, r#"{"last4": "0042"}"#).is_at("desk");
}

#[test]
fn a_secret_is_sent_in_the_body_and_is_gone_then() {
    let mut call = whose_pin_is_checked();
    let body: serde_json::Value = serde_json::from_str(&call.asks().body.expect("a body")).expect("JSON");
    let who = serde_json::json!({ "number": "1380000", "ticket": 0, "by": "ivr", "try": 1, "quick": true });
    assert_eq!(body, serde_json::json!({ "pin": "271828", "who": who }));
    let printed = format!("{:?}{:?}{:?}", call.run, call.new, Event::HttpDone(Err(HttpFailure::Busy)));
    assert!(!printed.contains("271828") && !printed.contains("1380000"), "{printed}");
    // The run has nothing left to send: the next node that needs it asks the caller first.
    call.answers(200, r#"{"last4": "0042"}"#).listens().presses("1").is_at("pin_again").asks_nobody();
    call.presses("314159").is_at("block");
    assert_eq!(call.asks().body.as_deref(), Some(r#"{"pin":"314159"}"#));
}

#[test]
fn a_number_that_would_lead_elsewhere_is_not_asked_about() {
    for number in ["", ".", ".."] {
        caller(number).is_at("desk").asks_nobody();
    }
    assert_eq!(caller("../x").asks().path, "/customers/..%2Fx?via=95500");
}

#[test]
fn texts_with_quotes_stay_inside_their_quotes() {
    let number = "1\",\"pin\":\"\\\u{1}";
    let mut call = caller(number);
    call.answers(404, "").listens().listens().presses("271828");
    let body: serde_json::Value = serde_json::from_str(&call.asks().body.expect("a body")).expect("JSON");
    assert_eq!(body["who"]["number"], number);
}

#[test]
fn amounts_and_days_come_from_one_host_and_go_to_another_exactly() {
    let flow = r#"
flow: test
languages: [zh-CN]
start: balance
vars: { balance: money, limit: money, due: date }
nodes:
  balance:
    http: { to: bank, path: /balance, answer: { balance: $balance, due: $due }, next: note, on_failed: desk }
  note:
    http: { method: put, to: weather, path: "/notes/{$due}?of={$balance}", body: { amount: $balance, limit: $limit, due: $due },
            next: desk, on_failed: desk }
  desk: { queue: { to: general, on_timeout: bye, on_full: bye } }
  bye: { hangup: }
"#;
    for balance in ["12345.67", "\"12345.67\""] {
        let mut call = Call::to(bank::flow(flow), "zh-CN");
        let asked = call.answers(200, &format!(r#"{{"balance": {balance}, "due": "2026-10-01"}}"#)).asks();
        assert_eq!(asked.path, "/notes/2026-10-01?of=12345.67");
        let body: serde_json::Value = serde_json::from_str(&asked.body.expect("a body")).expect("JSON");
        assert_eq!(body, serde_json::json!({ "amount": "12345.67", "limit": null, "due": "2026-10-01" }));
    }
}
