//! Calls for which the bank's own servers are asked.

use std::time::Duration;

use hotline::call::cause::Cause;
use hotline::config::HttpHost;
use hotline::engine::happened::{HttpFailure, HttpOutcome, What};
use hotline::engine::input::World;
use hotline::ivr::http::HttpResponse;

use crate::office::network::Faults;
use crate::office::{Office, ms, world};

const CALLER: &str = "13812341234";

const FLOW: &str = r#"
flow: main
languages: [zh-CN]
start: lookup
vars: { segment: text, pin: secret }
nodes:
  lookup:
    http: { to: crm, path: "/customers/{$caller}", timeout: 800ms, answer: { segment: $segment }, next: which,
            on_status: { 404: pin }, on_failed: desk }
  which: { switch: { cases: [ { when: "$segment == 'vip'", then: vip } ], else: desk } }
  pin:
    collect: { into: pin, prompts: acct, min: 6, max: 6, next: verify, on_no_input: { then: desk }, on_invalid: { then: desk } }
  verify: { http: { method: post, to: crm, path: /verify, body: { pin: $pin }, next: vip, on_failed: desk } }
  vip: { queue: { to: senior, on_timeout: bye, on_full: bye } }
  desk: { queue: { to: general, on_timeout: bye, on_full: bye } }
  bye: { hangup: { prompts: goodbye } }
"#;

/// The demo bank with a host `crm` that may be asked so often at once.
fn bank(max_in_flight: usize) -> World {
    let mut config = world::demo_config();
    let host = HttpHost {
        url: "http://127.0.0.1:9090/api".to_owned(),
        authorities: [].into(),
        secrets: true,
        headers: [].into(),
        timeout: HttpHost::TIMEOUT,
        max_in_flight,
    };
    config.http.hosts.insert("crm".to_owned(), host);
    world::with_flow_and(config, FLOW)
}

/// A caller for whom the bank is being asked.
fn asking(seed: u64) -> Office {
    let mut office = Office::with(seed, bank(10), Faults::NONE);
    office.trace = Some(String::new());
    calls(&mut office, CALLER);
    office.until("the bank is asked", |office| !office.requests.is_empty());
    office
}

fn calls(office: &mut Office, number: &str) {
    office.caller(number);
    office.dials(number, "95500");
}

fn types_the_pin(office: &mut Office) {
    office.until("the call is answered", |office| office.phones[CALLER].is_talking());
    for key in "271828".chars() {
        office.presses(CALLER, key);
    }
}

fn queue(office: &Office) -> Option<&str> {
    office.last_record().queue.as_ref().map(|queue| queue.as_str())
}

/// How requests ended, in order, with their milliseconds.
fn ends(office: &Office) -> Vec<(HttpOutcome, u64)> {
    let end = |what: &What| match what {
        What::HostAnswered { host, outcome, ms, .. } if host == "crm" => Some((*outcome, *ms)),
        _ => None,
    };
    office.journal.iter().filter_map(|entry| end(&entry.what)).collect()
}

#[test]
fn callers_come_to_different_queues_by_what_the_bank_answers() {
    for (status, body, expected) in [
        (200, r#"{"segment": "vip"}"#, "senior"),
        (200, r#"{"segment": "mass"}"#, "general"),
        (200, r#"{"segment": 7}"#, "general"),
        (403, "", "general"),
    ] {
        let mut office = asking(201);
        office.run(ms(120));
        office.host_answers(status, body);
        assert_eq!(queue(&office), Some(expected));
        assert_eq!(ends(&office), [(HttpOutcome::Status(status), 120)]);
    }
}

#[test]
fn a_pin_goes_to_the_bank_and_nowhere_else() {
    let mut office = asking(202);
    office.host_answers(404, "");
    types_the_pin(&mut office);
    office.until("the bank is asked", |office| !office.requests.is_empty());
    assert_eq!(office.requests[0].1.body.as_deref(), Some(r#"{"pin":"271828"}"#));
    office.host_answers(200, "the answer is not looked at");
    assert_eq!(queue(&office), Some("senior"));
    let journal = format!("{:?}", office.journal);
    let trace = office.trace.take().unwrap_or_default();
    assert!(trace.contains("HttpRequest") && !trace.contains("271828") && !journal.contains("271828"));
    assert!(!trace.contains("/customers/"), "nor who was asked about");
}

#[test]
fn a_caller_who_hangs_up_meanwhile_is_gone_and_the_answer_is_nobodys() {
    let mut office = asking(203);
    office.run(ms(300));
    office.hangs_up(CALLER);
    office.until("the call is over", |office| office.last_cause() == Some(Cause::LeftMenu));
    let entries = office.journal.len();
    office.host_answers(200, r#"{"segment": "vip"}"#);
    assert!(matches!(ends(&office)[..], [(HttpOutcome::Failed(HttpFailure::Abandoned), 300..)]));
    assert_eq!(office.journal.len(), entries, "nothing more is said of it");
}

#[test]
fn an_answer_to_a_try_that_was_given_up_comes_too_late() {
    let mut office = asking(204);
    office.run(ms(800));
    assert_eq!(office.requests.len(), 2, "asked once more");
    let answer = |text: &str| Ok(HttpResponse { status: 200, body: text.to_owned() });
    let (first, second) = (office.requests[0].0, office.requests[1].0);
    office.host_ends(first, answer(r#"{"segment": "mass"}"#));
    assert_eq!(queue(&office), None);
    office.host_ends(second, answer(r#"{"segment": "vip"}"#));
    assert_eq!(queue(&office), Some("senior"));
    office.host_ends(second, answer(r#"{"segment": "mass"}"#));
    assert_eq!(queue(&office), Some("senior"), "an answer that comes twice changes nothing");
    let timeout = (HttpOutcome::Failed(HttpFailure::Timeout), 800);
    assert_eq!(ends(&office), [timeout, (HttpOutcome::Status(200), 0)]);
}

#[test]
fn a_bank_that_does_not_answer_leads_to_a_person_in_time() {
    let mut office = asking(205);
    let asked = office.now;
    office.until("the caller waits", |office| queue(office) == Some("general"));
    assert_eq!(office.now.since(asked), Duration::from_millis(1_600));
}

#[test]
fn a_try_that_was_given_up_does_not_keep_the_next_one_out() {
    let mut office = Office::with(209, bank(1), Faults::NONE);
    calls(&mut office, CALLER);
    office.until("the bank is asked", |office| !office.requests.is_empty());
    office.run(ms(800));
    assert_eq!(office.requests.len(), 2, "asked once more, though one at once is all that it takes");
    assert_eq!(ends(&office), [(HttpOutcome::Failed(HttpFailure::Timeout), 800)]);
}

#[test]
fn a_host_is_asked_so_often_at_once_and_others_go_on_without_it() {
    let mut office = Office::with(206, bank(1), Faults::NONE);
    calls(&mut office, CALLER);
    office.until("the bank is asked", |office| !office.requests.is_empty());
    calls(&mut office, "13900000000");
    office.until("the second waits already", |office| queue(office) == Some("general"));
    assert_eq!(ends(&office), [(HttpOutcome::Failed(HttpFailure::Busy), 0)]);
    office.host_answers(200, r#"{"segment": "vip"}"#);
    calls(&mut office, "13700000000");
    office.until("the third is asked about", |office| !office.requests.is_empty());
}

#[test]
fn a_host_that_a_reload_took_away_is_not_asked() {
    let mut office = asking(207);
    office.host_answers(404, "");
    office.reload(world::demo());
    types_the_pin(&mut office);
    office.until("the caller waits", |office| queue(office) == Some("general"));
    let last = ends(&office).pop();
    assert_eq!(last, Some((HttpOutcome::Failed(HttpFailure::UnknownHost), 0)));
    assert!(office.requests.is_empty());
}
