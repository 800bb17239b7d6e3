//! Callers in menus, who press a key in the middle of the prompt now and then: it stops, and another begins.

use std::io;
use std::time::Duration;

use hotline::ids::LegId;
use hotline::moment::Moment;
use hotline::rng::Rng;

use super::Wish;
use super::bridge;
use crate::load::figures::{Report, Run, millis};
use crate::load::fleet::{Fleet, Stage};
use crate::load::process;
use crate::load::server::{MENUS, Plan, Scratch, Tapes};

/// Callers promised.
const CALLERS: usize = 500;

/// A frame's promised distance from its slot at p99, milliseconds.
const SLOT_MS: f64 = 3.0;

/// From a key to the last frame of the prompt that it stops, promised at p99, milliseconds.
const STOP_MS: f64 = 40.0;

/// A caller presses a key about this often; not before the last one is done with.
const KEY_EVERY_MS: u64 = 2_000;
const KEY_SPREAD_MS: u64 = 1_000;

/// How often it is looked whose turn it is to press.
const LOOK: Duration = Duration::from_millis(1);

pub fn menus(wish: &Wish) -> io::Result<Report> {
    let loads = wish.loads(&[CALLERS]);
    let title = format!(
        "{loads:?} callers in menus, each presses a key every two seconds, {} s",
        wish.window.as_secs()
    );
    let mut report = Report::titled("menus", &title);
    for _ in 0..wish.repeat {
        for callers in &loads {
            report.runs.push(once(*callers, wish)?);
        }
    }
    for callers in loads {
        let get = |report: &Report, key| report.median("callers in menus", callers, key);
        let (slot, stop) = (get(&report, "slot_p99_ms"), get(&report, "stop_p99_ms"));
        let unanswered = get(&report, "unanswered");
        let text = format!("{callers} callers: frames within 3 ms of their slot at p99");
        report.promise(&text, slot, |slot| slot < SLOT_MS);
        let text = format!("{callers} callers: digit to prompt-stop under 40 ms at p99");
        report.promise(&text, stop, |stop| stop < STOP_MS);
        report.promise(&format!("{callers} callers: keys without effect"), unanswered, |keys| keys == 0.0);
    }
    Ok(report)
}

fn once(callers: usize, wish: &Wish) -> io::Result<Run> {
    let scratch = Scratch::new("menus")?;
    let plan = Plan::bench(&scratch.path().join("data"), 1, Tapes::None)?;
    let server = bridge::started(&plan, &plan.write(scratch.path())?)?;
    let mut fleet = Fleet::new(plan.host, plan.sip())?;
    fleet.busy = true;
    let empty = server.usage();
    for caller in 0..callers {
        fleet.dials(&format!("138{caller:08}"), MENUS)?;
        // Not a whole number of frames apart, so that they are spread as real callers are.
        fleet.run(Duration::from_micros(1_000_000 / wish.rate + 137));
    }
    if !fleet.run_until(Duration::from_secs(10), |fleet| fleet.talking(false) == callers) {
        return Err(io::Error::other(format!("{} of {callers} hear the bank", fleet.talking(false))));
    }
    // Long enough to learn each caller's grid.
    fleet.run(Duration::from_secs(3));
    let mut thumbs = Thumbs::of(&fleet);
    let (before, began, drops) = (server.usage(), fleet.now(), process::all_udp_drops());
    fleet.open_window();
    let end = began + wish.window;
    while fleet.now() < end {
        fleet.run(LOOK);
        thumbs.press(&mut fleet);
    }
    // The last keys are answered.
    fleet.run(Duration::from_millis(500));
    fleet.close_window();
    let seconds = fleet.now().since(began).as_secs_f64();
    let used = server.usage().since(before);
    let mut run = Run::new("callers in menus", callers);
    let talking = fleet.callers().filter(|(_, talk)| talk.stage == Stage::Talking).count();
    run.put("established", "calls established", "", talking as f64);
    let heard = fleet.window().callers.heard;
    bridge::cost(&mut run, used, empty, seconds, callers, heard);
    run.put("heard", "frames heard", "", heard as f64);
    run.put("keys", "keys pressed", "", thumbs.pressed as f64);
    run.put(
        "unanswered",
        "of them without effect",
        "",
        thumbs.pressed as f64 - fleet.window().changed.len() as f64,
    );
    let slot = |share| millis(fleet.window().slot_error.value_at_quantile(share));
    run.put("slot_p50_ms", "distance from its slot, p50", "ms", slot(0.5));
    run.put("slot_p99_ms", "distance from its slot, p99", "ms", slot(0.99));
    run.put("slot_p99_9_ms", "distance from its slot, p99.9", "ms", slot(0.999));
    run.put("slot_max_ms", "distance from its slot, max", "ms", millis(fleet.window().slot_error.max()));
    let stopped = |share| millis(fleet.window().stopped.value_at_quantile(share));
    run.put("stop_p50_ms", "first packet of a digit to the prompt's last, p50", "ms", stopped(0.5));
    run.put("stop_p99_ms", "first packet of a digit to the prompt's last, p99", "ms", stopped(0.99));
    run.put(
        "stop_max_ms",
        "first packet of a digit to the prompt's last, max",
        "ms",
        millis(fleet.window().stopped.max()),
    );
    let changed = |share| millis(fleet.window().changed.value_at_quantile(share));
    run.put("next_p50_ms", "first packet of a digit to the next prompt's first, p50", "ms", changed(0.5));
    run.put("next_p99_ms", "first packet of a digit to the next prompt's first, p99", "ms", changed(0.99));
    let dropped = process::all_udp_drops() - drops;
    run.put("drops", "dropped by the kernel for a full socket", "", dropped as f64);
    bridge::kept_time(&mut run, fleet.window());
    Ok(run)
}

/// Who presses when.
struct Thumbs {
    rng: Rng,
    next: Vec<(LegId, Moment)>,
    pressed: u64,
}

impl Thumbs {
    fn of(fleet: &Fleet) -> Thumbs {
        let (mut rng, now) = (Rng::seeded(500), fleet.now());
        let first =
            |(leg, _): (LegId, _)| (leg, now + Duration::from_micros(rng.below(KEY_EVERY_MS * 1_000)));
        let next = fleet.callers().map(first).collect();
        Thumbs { rng, next, pressed: 0 }
    }

    fn press(&mut self, fleet: &mut Fleet) {
        let now = fleet.now();
        for (leg, at) in self.next.iter_mut().filter(|(_, at)| *at <= now) {
            fleet.presses(*leg, '1');
            self.pressed += 1;
            let pause = KEY_EVERY_MS - KEY_SPREAD_MS / 2 + self.rng.below(KEY_SPREAD_MS);
            *at = now + Duration::from_millis(pause);
        }
    }
}
