//! `cargo bench --bench growth -- [--quick] [--json] [--check]`: nothing grows over 50,000 simulated calls.
//!
//! The engine on the virtual clock of the tests' office. Callers come in waves; some leave the menu, some wait and give up,
//! some talk with an agent, numbers are always new. Living bytes are counted when all is quiet, early and late.

#[allow(dead_code, reason = "the office is the tests'; a bench takes what it needs")]
#[path = "../tests/office/mod.rs"]
mod office;

#[allow(dead_code, reason = "of the generator only the report is needed")]
#[path = "load/figures.rs"]
mod figures;

use std::alloc::{GlobalAlloc, Layout, System};
use std::process::ExitCode;
use std::sync::atomic::{AtomicI64, Ordering};

use figures::{Report, Run};
use hotline::net::clock::Clock;
use office::phone::{Manner, State};
use office::{Office, ms, secs};

/// Callers of one wave.
const WAVE: usize = 20;

/// Calls before the first count: every table has had its largest size by then.
const WARM_UP: usize = 5_000;

const CALLS: usize = 50_000;

/// What the living bytes may differ by. A single word kept for each call would be six times that.
const BOUND_BYTES: i64 = 64 * 1024;

/// After this all is quiet: the longest transaction timer, and wrap-up.
const QUIET: std::time::Duration = secs(120);

struct Counting;

static LIVING: AtomicI64 = AtomicI64::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: every call is passed to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVING.fetch_add(layout.size() as i64, Ordering::Relaxed);
        // SAFETY: the caller keeps `alloc`'s contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVING.fetch_sub(layout.size() as i64, Ordering::Relaxed);
        // SAFETY: the caller keeps `dealloc`'s contract.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        LIVING.fetch_add(size as i64 - layout.size() as i64, Ordering::Relaxed);
        // SAFETY: the caller keeps `realloc`'s contract.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

fn main() -> ExitCode {
    let has = |flag: &str| std::env::args().any(|word| word == flag);
    let (warm_up, calls) = if has("--quick") { (1_000, 5_000) } else { (WARM_UP, CALLS) };
    let clock = Clock::start();
    let began = clock.now();
    let mut day = Day::open();
    day.calls(warm_up);
    let early = day.living();
    day.calls(calls);
    let late = day.living();
    let mut run = Run::new("the engine, simulated", calls);
    run.put("answered", "calls answered", "", day.answered as f64);
    run.put("talked", "of them talked with an agent", "", day.talked as f64);
    run.put("living_early", "living before", "bytes", early as f64);
    run.put("living_late", "living after", "bytes", late as f64);
    let grown = late - early;
    run.put("grown", "grown by", "bytes", grown as f64);
    run.put("seconds", "took", "s", clock.now().since(began).as_secs_f64());
    let mut report = Report::titled("growth", &format!("{calls} simulated calls after {warm_up}"));
    report.runs.push(run);
    report.promise("living bytes are flat within 64 KiB", Some(grown as f64), |grown| {
        grown.abs() < BOUND_BYTES as f64
    });
    let unanswered = (warm_up + calls - day.answered) as f64;
    report.promise("every call is answered; those that are not", Some(unanswered), |calls| calls == 0.0);
    report.promise("agents talk", Some(day.talked as f64), |talked| talked > (calls / 10) as f64);
    if report.print(has("--json")) || !has("--check") { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

struct Day {
    office: Office,
    made: usize,
    answered: usize,
    talked: usize,
}

impl Day {
    fn open() -> Day {
        let mut office = Office::seeded(50_000);
        for agent in 1..=6 {
            office.agent(&format!("100{agent}"), Manner::Answers(ms(500)));
        }
        for place in 0..WAVE {
            office.caller(&place_name(place));
        }
        Day { office, made: 0, answered: 0, talked: 0 }
    }

    fn calls(&mut self, calls: usize) {
        for _ in 0..calls / WAVE {
            self.wave();
        }
    }

    /// Everybody calls: a quarter leaves the menu, a quarter speaks to nobody and is hung up on or queued by the flow,
    /// the rest wants an agent.
    fn wave(&mut self) {
        for place in 0..WAVE {
            self.made += 1;
            let name = place_name(place);
            self.office.phone(&name).name = format!("13{:09}", self.made);
            self.office.dials(&name, "95500");
        }
        self.office.run(secs(1));
        let answered = (0..WAVE).filter(|place| self.office.phones[&place_name(*place)].is_talking()).count();
        self.answered += answered;
        self.office.run(secs(2));
        for place in 0..WAVE {
            match place % 4 {
                0 => self.office.hangs_up(&place_name(place)),
                1 => {}
                _ => self.office.presses(&place_name(place), '9'),
            }
        }
        self.office.run(secs(6));
        let talking = |office: &Office| {
            (1..=6).filter(|agent| office.phones[&format!("100{agent}")].is_talking()).count()
        };
        self.talked += talking(&self.office);
        self.office.run(secs(4));
        for place in 0..WAVE {
            self.office.hangs_up(&place_name(place));
        }
        self.office.run(secs(10));
        if self.made.is_multiple_of(2_000) {
            self.refresh();
        }
    }

    /// Phones register anew, as they do within their hour.
    fn refresh(&mut self) {
        for agent in 1..=6 {
            self.office.registers(&format!("100{agent}"), 3_600);
        }
        self.office.run(secs(5));
        self.forget();
    }

    /// The tests' own books are not the product's memory.
    fn forget(&mut self) {
        let office = &mut self.office;
        office.journal = Vec::new();
        office.records.clear();
        office.tapes.clear();
        office.network.ladder = Vec::new();
        for phone in office.phones.values_mut() {
            phone.talks.retain(|_, talk| !matches!(talk.state, State::Ended { .. }));
            phone.last_call = None;
        }
    }

    /// Living bytes when nothing is under way.
    fn living(&mut self) -> i64 {
        self.office.run(QUIET);
        self.refresh();
        self.office.run(QUIET);
        self.forget();
        let snapshot = self.office.snapshot();
        assert!(snapshot.calls.is_empty(), "{:?}", snapshot.calls);
        LIVING.load(Ordering::Relaxed)
    }
}

fn place_name(place: usize) -> String {
    format!("place-{place:02}")
}
