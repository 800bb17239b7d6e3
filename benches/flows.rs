//! `cargo bench --bench flows -- [--quick] [--json] [--check] [--write]`: what the flow machine does in a second on one
//! thread, and how long the checker takes over flows of growing size. Calls are the demonstration bank's, of callers who
//! press what comes to them; time is the machine's own, nothing is waited for.

#[allow(dead_code, reason = "of the generator only the report is needed")]
mod load;

use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hotline::config;
use hotline::diagnostic::{Source, render_all};
use hotline::ivr::flow::Flow;
use hotline::ivr::http::HttpResponse;
use hotline::ivr::profile::Remembered;
use hotline::ivr::run::{Action, Caller, Event, QueueExit, Run as Walk};
use hotline::ivr::{self, World};
use hotline::media::prompts::Wordbook;
use hotline::moment::Moment;
use hotline::rng::Rng;
use load::figures::{Report, Run};
use load::page;

/// Events of a round.
const EVENTS: u64 = 2_000_000;
/// Flows of so many menus are checked; the last is as large as a flow may be.
const SIZES: [usize; 4] = [60, 125, 250, 498];
/// A check on each save is not felt below this, milliseconds.
const INSTANT_MS: f64 = 50.0;
/// Eight times the menus may take so many times as long; the square of it would be 69.
const GROWTH: f64 = 30.0;
/// The least of so many tries is what a check takes.
const TRIES: usize = 5;
/// A Monday morning, the bank open.
const AT: u64 = 1_795_000_000_000_000;
/// An answer that has something for everybody.
const ANSWER: &str = r#"{"segment":"mass","open_request":"no","manager":"","topic":"loan","verified":"yes","available":"10005.00","last4":"6688",
    "statement":"2345.60","due":"2026-12-10","limit":"20000.00","number":"202611280001","received":"2026-11-20"}"#;

fn main() -> ExitCode {
    match bench() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn bench() -> io::Result<bool> {
    let has = |flag: &str| std::env::args().any(|word| word == flag);
    let (events, rounds) = if has("--quick") { (EVENTS / 10, 1) } else { (EVENTS, 3) };
    let words = Wordbook::read("prompts".as_ref()).map_err(io::Error::other)?;
    let bank = config::demo("data", 0, 0);
    let world = World::of(&bank, &words);
    let mut report = Report::titled("flows", &format!("{events} events on one thread; flows checked"));
    for _ in 0..rounds {
        report.runs.push(steps(&world, events)?);
        for shape in Shape::ALL {
            let runs: Result<Vec<Run>, _> =
                SIZES.iter().map(|menus| checked(shape, *menus, &world)).collect();
            report.runs.extend(runs?);
        }
    }
    let steps = report.median(BANK, events as usize, "events_per_second");
    report.promise("the flow machine takes a million events a second", steps, |steps| steps >= 1e6);
    for shape in Shape::ALL {
        let of = |menus: usize| report.median(shape.name(), menus, "check_ms");
        let (least, most) = (of(SIZES[0]), of(SIZES[SIZES.len() - 1]));
        let grown = least.zip(most).map(|(least, most)| most / least);
        let name = shape.name();
        report.promise(&format!("{name}: checked in {INSTANT_MS} ms"), most, |most| most < INSTANT_MS);
        let text = format!("{name}: eight times the menus take less than {GROWTH} times as long");
        report.promise(&text, grown, |grown| grown < GROWTH);
    }
    let kept = report.print(has("--json"));
    if has("--write") {
        page::write(&report, &page::machine())?;
    }
    Ok(kept || !has("--check"))
}

const BANK: &str = "the demonstration bank";

/// Events into calls of the bank's own flow, one call after the other.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn steps(world: &World<'_>, events: u64) -> io::Result<Run> {
    let sources =
        config::flow_sources("ivr-flows".as_ref()).map_err(|found| io::Error::other(render_all(&found)))?;
    let compiled = ivr::compile(&sources, world).map_err(|found| io::Error::other(render_all(&found)))?;
    let flow = &compiled.flows[&"main".into()];
    let mut caller = Thumb { rng: Rng::seeded(1), now: Moment::from_micros(AT), calls: 0 };
    let began = Instant::now();
    let (mut left, mut nodes) = (events, 0);
    while left > 0 {
        nodes += caller.calls(flow, &mut left);
    }
    let seconds = began.elapsed().as_secs_f64();
    // What the caller's own deciding costs.
    let (keys, began) = (events.min(1_000_000), Instant::now());
    for _ in 0..keys {
        std::hint::black_box(caller.key());
    }
    let deciding = began.elapsed().as_nanos() as f64 / keys as f64;
    let mut run = Run::new(BANK, events as usize);
    run.put("events_per_second", "events a second", "", events as f64 / seconds);
    run.put("nodes_per_second", "nodes entered a second", "", nodes as f64 / seconds);
    run.put("nanos", "an event", "ns", seconds * 1e9 / events as f64);
    run.put("deciding_nanos", "of that the caller who decides", "ns", deciding);
    run.put(
        "clock_reads",
        "an event, in reads of the clock",
        "",
        seconds * 1e9 / events as f64 / clock_nanos(),
    );
    run.put("events_per_call", "events of a call", "", events as f64 / caller.calls as f64);
    Ok(run)
}

/// What one look at the clock costs: the measure of what is nothing.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn clock_nanos() -> f64 {
    const READS: u32 = 1_000_000;
    let began = Instant::now();
    for _ in 0..READS {
        std::hint::black_box(Instant::now());
    }
    began.elapsed().as_nanos() as f64 / f64::from(READS)
}

/// Somebody who presses keys in half of all prompts.
struct Thumb {
    rng: Rng,
    now: Moment,
    calls: u64,
}

impl Thumb {
    fn key(&mut self) -> char {
        char::from(b"0123456789*#"[self.rng.below(12) as usize])
    }

    /// One call, as far as events are left; the nodes it came to.
    fn calls(&mut self, flow: &Arc<Flow>, left: &mut u64) -> u64 {
        let caller =
            Caller { number: "13800001111".into(), dialled: "95500".into(), language: "zh-CN".into() };
        self.calls += 1;
        let (mut run, mut actions) = Walk::start(self.now, flow.clone(), caller, self.calls);
        let mut nodes = 0;
        while *left > 0 {
            *left -= 1;
            nodes += actions.iter().filter(|action| matches!(action, Action::Entered { .. })).count() as u64;
            let event = match actions.last() {
                Some(Action::Hangup) => break,
                Some(Action::Queue { .. }) => Event::QueueLeft(QueueExit::Timeout),
                Some(Action::Transfer { .. }) => Event::TransferFailed,
                Some(Action::AskBroadcast) => Event::Broadcast(None),
                Some(Action::Recall) => Event::Recalled(Remembered::new()),
                Some(Action::Http { .. }) => {
                    Event::HttpDone(Ok(HttpResponse { status: 200, body: ANSWER.to_owned() }))
                }
                Some(Action::Play { .. }) if self.rng.below(2) == 0 => Event::Played,
                _ if self.rng.below(8) == 0 => {
                    self.now = run.next_deadline().unwrap_or(self.now);
                    Event::Time
                }
                _ => Event::Digit(self.key()),
            };
            self.now = self.now + Duration::from_millis(700);
            actions = run.handle(self.now, event);
        }
        nodes
    }
}

/// How menus hang together.
#[derive(Clone, Copy)]
enum Shape {
    /// Each leads to the next by a key; silence, wrong keys and nine lead to a person.
    Row,
    /// Silence, wrong keys and nine lead to the next, and only from the last to a person.
    Stairs,
    /// Nine leads round for ever, silence and wrong keys to a goodbye: the checker must say so.
    Ring,
}

impl Shape {
    const ALL: [Shape; 3] = [Shape::Row, Shape::Stairs, Shape::Ring];

    fn name(self) -> &'static str {
        match self {
            Shape::Row => "menus in a row",
            Shape::Stairs => "menus down the stairs",
            Shape::Ring => "menus in a ring",
        }
    }

    fn flow(self, menus: usize) -> String {
        let mut text = "flow: large\nlanguages: [zh-CN, en]\nstart: m0\nnodes:\n".to_owned();
        for menu in 0..menus {
            let next = match (self, menu + 1 == menus) {
                (_, false) => format!("m{}", menu + 1),
                (Shape::Ring, true) => "m0".to_owned(),
                (_, true) => "agent".to_owned(),
            };
            let (fails, nine) = match self {
                Shape::Row => ("agent", "agent"),
                Shape::Stairs => (next.as_str(), next.as_str()),
                Shape::Ring => ("bye", next.as_str()),
            };
            let back = menu / 2;
            text.push_str(&format!(
                "  m{menu}: {{ menu: {{ prompts: main, keys: {{ 1: {next}, 2: m0, 3: m{back}, 8: agent, 9: {nine} }}, \
                 on_no_input: {{ prompts: noinput, then: {fails} }}, on_invalid: {{ then: {fails} }} }} }}\n"
            ));
        }
        text.push_str(
            "  agent: { queue: { to: general, prompts: to_agent, on_timeout: bye, on_full: bye } }\n",
        );
        text.push_str("  bye: { hangup: { prompts: goodbye } }\n");
        text
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn checked(shape: Shape, menus: usize, world: &World<'_>) -> io::Result<Run> {
    let source = Source::new("large.yaml", shape.flow(menus));
    let mut least = f64::MAX;
    let mut found = 0;
    for _ in 0..TRIES {
        let began = Instant::now();
        let compiled = ivr::compile(std::slice::from_ref(&source), world);
        least = least.min(began.elapsed().as_secs_f64() * 1e3);
        // More than a hundred warnings are an error, and such a flow is checked to the end all the same.
        let said = compiled.map_or_else(|found| found, |compiled| compiled.warnings);
        if let Some(fault) = said.iter().find(|diagnostic| !diagnostic.code.starts_with("flow-07")) {
            return Err(io::Error::other(fault.render()));
        }
        found = said.len();
    }
    let mut run = Run::new(shape.name(), menus);
    run.put("check_ms", "checked in", "ms", least);
    run.put("per_menu", "a menu", "µs", (least * 1e3 / menus as f64 * 10.0).round() / 10.0);
    run.put("warnings", "findings", "", found as f64);
    Ok(run)
}
