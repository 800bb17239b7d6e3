//! Whatever stands in a file, the checker answers; and whatever happens, a run goes on or ends.

use std::time::Duration;

use hotline::ivr::http::{HttpFailure, HttpResponse};
use hotline::ivr::run::{Action, Caller, Event, MAX_ACTIONS, QueueExit, Run};
use hotline::moment::Moment;

use super::bank;

const GOOD: &str = include_str!("good.yaml");
/// Bounded, so that the suite stays quick; `cargo bolero` runs them without bound.
const ROUNDS: usize = 1_500;

#[test]
fn no_file_makes_the_checker_panic() {
    bolero::check!().with_iterations(ROUNDS).with_type::<Vec<u8>>().for_each(|bytes| {
        for diagnostic in bank::findings("good.yaml", &String::from_utf8_lossy(bytes)) {
            assert!(!diagnostic.render().is_empty());
        }
    });
}

#[test]
fn no_damage_to_a_good_flow_makes_the_checker_panic() {
    bolero::check!().with_iterations(ROUNDS).with_type::<Vec<(u16, u8, u8)>>().for_each(|edits| {
        let mut bytes = GOOD.as_bytes().to_vec();
        for (at, length, with) in edits.iter().take(8) {
            let at = usize::from(*at) % bytes.len().max(1);
            let end = (at + usize::from(*length % 12)).min(bytes.len());
            let with = b"{}[]:,\"'#*&!|>- \n\t$x0\xff\xe4"[usize::from(*with) % 23];
            bytes.splice(at..end, [with]);
        }
        for diagnostic in bank::findings("good.yaml", &String::from_utf8_lossy(&bytes)) {
            assert!(!diagnostic.render().is_empty());
        }
    });
}

fn answer(status: u16, body: &str) -> Event {
    Event::HttpDone(Ok(HttpResponse { status, body: body.to_owned() }))
}

#[test]
fn whatever_happens_a_run_stays_bounded_and_a_silent_caller_is_not_kept_for_ever() {
    let names = bank::Names::all();
    let source = hotline::diagnostic::Source::new("good.yaml", GOOD);
    let compiled = hotline::ivr::compile(&[source], &bank::world(&names)).expect("a good flow");
    let flow = compiled.flows[&"good".into()].clone();
    bolero::check!().with_iterations(ROUNDS).with_type::<Vec<(u8, u8)>>().for_each(|events| {
        let caller = Caller { number: "1380000".into(), dialled: "95500".into(), language: "en".into() };
        let mut now = Moment::from_micros(1_795_000_000_000_000);
        let (mut run, _) = Run::start(now, flow.clone(), caller, 7);
        for (what, much) in events.iter().take(300) {
            now = now + Duration::from_millis(u64::from(*much) * 40);
            let event = match what % 27 {
                key @ 0..=15 => Event::Digit(char::from(b"0123456789*#ABCD"[usize::from(key)])),
                16..=19 => Event::Played,
                20 => Event::Time,
                21 => Event::QueueLeft(QueueExit::Timeout),
                22 => Event::QueueLeft(QueueExit::Full),
                23 => Event::HttpDone(Err(HttpFailure::Unreachable)),
                24 => answer(404, ""),
                25 => answer(200, r#"{"customer": {"account": "622202", "tries": 3}}"#),
                _ => Event::TransferFailed,
            };
            assert!(run.handle(now, event).len() <= MAX_ACTIONS);
        }
        // From here on nobody does anything: the call must come to an end, or to people.
        for _ in 0..50 {
            let Some(deadline) = run.next_deadline() else { return };
            let actions = run.handle(deadline, Event::Time);
            if actions.contains(&Action::Hangup) {
                return;
            }
            run.handle(deadline, Event::Played);
        }
        panic!("a silent caller is still at {}", run.node());
    });
}
