//! Callers who hear a prompt, each at another place of it.

use std::io;
use std::time::Duration;

use super::Wish;
use super::bridge;
use crate::load::figures::{Report, Run, millis};
use crate::load::fleet::{Fleet, Stage};
use crate::load::process;
use crate::load::server::{Plan, SPEECH, Scratch, Tapes};

/// Callers promised.
const CALLERS: usize = 3_000;

/// A frame's promised distance from its slot at p99, milliseconds.
const SLOT_MS: f64 = 3.0;

/// Frames of a second.
const FRAMES: f64 = 50.0;

pub fn prompts(wish: &Wish) -> io::Result<Report> {
    let loads = wish.loads(&[CALLERS]);
    let mut report =
        Report::titled("prompts", &format!("{loads:?} callers hear a prompt, {} s", wish.window.as_secs()));
    for _ in 0..wish.repeat {
        for callers in &loads {
            let runs = once(*callers, wish)?;
            report.runs.extend(runs);
        }
    }
    for callers in loads {
        let get = |report: &Report, key| report.median("callers who listen", callers, key);
        let (slot, loss) = (get(&report, "slot_p99_ms"), get(&report, "loss_percent"));
        let text = format!("{callers} callers: frames within 3 ms of their slot at p99");
        report.promise(&text, slot, |slot| slot < SLOT_MS);
        report.promise(&format!("{callers} callers: frames missing under 0.1 %"), loss, |loss| loss < 0.1);
    }
    Ok(report)
}

fn once(callers: usize, wish: &Wish) -> io::Result<Vec<Run>> {
    let scratch = Scratch::new("prompts")?;
    let plan = Plan::bench(&scratch.path().join("data"), 1, Tapes::None)?;
    let server = bridge::started(&plan, &plan.write(scratch.path())?)?;
    let mut fleet = Fleet::new(plan.host, plan.sip())?;
    (fleet.busy, fleet.audio.speaking) = (true, false);
    let empty = server.usage();
    for caller in 0..callers {
        fleet.dials(&format!("138{caller:08}"), SPEECH)?;
        // Not a whole number of frames apart, so that they are spread as real callers are.
        fleet.run(Duration::from_micros(1_000_000 / wish.rate + 137));
    }
    if !fleet.run_until(Duration::from_secs(10), |fleet| fleet.talking(false) == callers) {
        return Err(io::Error::other(format!("{} of {callers} hear the bank", fleet.talking(false))));
    }
    let mut runs = Vec::new();
    for (subject, speaking) in [("callers who listen", false), ("callers who also send", true)] {
        fleet.audio.speaking = speaking;
        // Long enough to learn each caller's grid.
        fleet.run(Duration::from_secs(3));
        let (before, began, drops) = (server.usage(), fleet.now(), process::all_udp_drops());
        fleet.open_window();
        fleet.run(wish.window);
        fleet.close_window();
        let seconds = fleet.now().since(began).as_secs_f64();
        let used = server.usage().since(before);
        let mut run = Run::new(subject, callers);
        let talking = fleet.callers().filter(|(_, talk)| talk.stage == Stage::Talking).count();
        run.put("established", "calls established", "", talking as f64);
        let heard = fleet.window().callers.heard;
        bridge::cost(&mut run, used, empty, seconds, callers, heard);
        run.put("heard", "frames heard", "", heard as f64);
        let expected = callers as f64 * FRAMES * seconds;
        // The window's ends fall between frames.
        let missing = (expected - heard as f64 - callers as f64).max(0.0) * 100.0 / expected;
        run.put("loss_percent", "frames missing", "%", missing);
        let slot = |share| millis(fleet.window().slot_error.value_at_quantile(share));
        run.put("slot_p50_ms", "distance from its slot, p50", "ms", slot(0.5));
        run.put("slot_p99_ms", "distance from its slot, p99", "ms", slot(0.99));
        run.put("slot_p99_9_ms", "distance from its slot, p99.9", "ms", slot(0.999));
        run.put("slot_max_ms", "distance from its slot, max", "ms", millis(fleet.window().slot_error.max()));
        run.put(
            "drops",
            "dropped by the kernel for a full socket",
            "",
            (process::all_udp_drops() - drops) as f64,
        );
        run.valid = fleet.window().is_valid();
        runs.push(run);
    }
    Ok(runs)
}
