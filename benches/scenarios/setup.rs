//! Calls that come fast, and faster than can be served.

use std::io;
use std::time::Duration;

use super::Wish;
use super::bridge::{self, Bridge, Manner, Subject};
use crate::load::figures::{Report, Run, millis, percent};
use crate::load::fleet::Fleet;
use crate::load::knock::{Knock, Outcome};
use crate::load::process;
use crate::load::server::{Plan, SPEECH, Scratch, Tapes};
use crate::load::window::LATE_PERCENT;

/// Calls a second that are promised.
const RATE: u64 = 1_500;

/// How long a call hears the bank, nanoseconds.
const STAY: u64 = 300_000_000;

/// A call dialled so much after its time was dialled late, nanoseconds.
const LATE: u64 = 20_000_000;

/// Calls that talk while too many others come.
const TALKING: usize = 500;

/// How long the last calls may take to be over.
const PATIENCE: Duration = Duration::from_secs(6);

/// 1,500 calls a second: INVITE, 200, ACK, 300 ms of a prompt, BYE.
pub fn setup(wish: &Wish) -> io::Result<Report> {
    let seconds = if wish.quick { 5 } else { 30 };
    let rates = wish.loads(&[RATE as usize]);
    let mut report = Report::titled("setup", &format!("{rates:?} calls/s for {seconds} s"));
    for rate in rates {
        let scratch = Scratch::new("setup")?;
        let plan = Plan::bench(&scratch.path().join("data"), 1, Tapes::None)?;
        let server = bridge::started(&plan, &plan.write(scratch.path())?)?;
        let mut fleet = Fleet::new(plan.host, plan.sip())?;
        fleet.busy = true;
        let empty = server.usage();
        let (media, drops) = (fleet.audio.stranger(), process::all_udp_drops());
        let mut knock = Knock::new(plan.host, plan.sip(), SPEECH, media, rate as u64, seconds, STAY)?;
        let (before, began) = (server.usage(), fleet.now());
        fleet.run_beside(Duration::from_secs(seconds), || knock.turn());
        let (after, took) = (server.usage(), fleet.now().since(began));
        fleet.run_until_beside(PATIENCE, || {
            knock.turn();
            knock.is_over()
        });
        let mut run = Run::new("hotline", rate);
        outcome(&mut run, &knock.outcome);
        let used = after.since(before);
        run.put("cpu_percent", "server's processor", "% of a core", used.busy * 100.0 / took.as_secs_f64());
        let each = used.busy * 1e3 / knock.outcome.dialled.max(1) as f64;
        run.put("cpu_per_call_ms", "processor per call", "ms", each);
        let grown = after.rss_kib.saturating_sub(empty.rss_kib);
        run.put("rss_grown_kib", "memory above the empty server", "KiB", grown as f64);
        run.put(
            "drops",
            "dropped by the kernel for a full socket",
            "",
            (process::all_udp_drops() - drops) as f64,
        );
        report.runs.push(run);
    }
    let loads: Vec<usize> = report.groups().into_iter().map(|(load, _)| load).collect();
    for load in loads {
        let get = |report: &Report, key| report.median("hotline", load, key);
        let (failed, p99) = (get(&report, "failed"), get(&report, "setup_p99_ms"));
        report.promise(&format!("{load} calls/s: none fails"), failed, |failed| failed == 0.0);
        report.promise(&format!("{load} calls/s: INVITE to 200 p99 under 20 ms"), p99, |p99| p99 < 20.0);
    }
    Ok(report)
}

fn outcome(run: &mut Run, outcome: &Outcome) {
    let Outcome { dialled, answered, done, .. } = *outcome;
    run.put("dialled", "calls dialled", "", dialled as f64);
    run.put("answered", "answered", "", answered as f64);
    run.put("done", "BYE answered", "", done as f64);
    let failed = dialled - done.min(dialled);
    run.put("failed", "failed", "", failed as f64);
    run.put("repeated", "requests repeated", "", outcome.repeated as f64);
    let setup = |share| millis(outcome.setup.value_at_quantile(share));
    run.put("setup_p50_ms", "INVITE to 200, p50", "ms", setup(0.5));
    run.put("setup_p99_ms", "INVITE to 200, p99", "ms", setup(0.99));
    run.put("setup_max_ms", "INVITE to 200, max", "ms", millis(outcome.setup.max()));
    let late = &outcome.late;
    run.put("late_p99_ms", "generator's own lateness, p99", "ms", millis(late.value_at_quantile(0.99)));
    run.put("late_max_ms", "generator's own lateness, max", "ms", millis(late.max()));
    let too_late = late.count_between(LATE, u64::MAX);
    run.valid = percent(too_late, late.len()) <= LATE_PERCENT;
}

/// Three times what is promised, beside 500 calls that talk.
pub fn overload(wish: &Wish) -> io::Result<Report> {
    let seconds = if wish.quick { 5 } else { 15 };
    let title =
        format!("{} calls/s for {seconds} s to a server set to {RATE}, beside {TALKING} that talk", 3 * RATE);
    let mut report = Report::titled("overload", &title);
    let mut bridge = Bridge::start(
        &Subject::Hotline(Manner::Plain),
        TALKING,
        &Wish { limit: RATE as u32, ..wish.clone() },
    )?;
    bridge.grow(TALKING)?;
    report.runs.push(bridge.measure(Duration::from_secs(5)));
    let (plan, _) = bridge.plan().ok_or_else(|| io::Error::other("no server of ours"))?;
    let (host, sip) = (plan.host, plan.sip());
    let media = bridge.fleet.audio.stranger();
    let mut knock = Knock::new(host, sip, SPEECH, media, 3 * RATE, seconds, STAY)?;
    bridge.fleet.open_window();
    let began = bridge.fleet.now();
    bridge.fleet.run_beside(Duration::from_secs(seconds), || knock.turn());
    bridge.fleet.close_window();
    let took = bridge.fleet.now().since(began).as_secs_f64();
    bridge.fleet.run_until_beside(PATIENCE, || {
        knock.turn();
        knock.is_over()
    });
    let mut run = Run::new("hotline, overloaded", 3 * RATE as usize);
    outcome(&mut run, &knock.outcome);
    let late_callers = run.valid;
    let told = &knock.outcome;
    let refused_503 = told.refused.get(&503).copied().unwrap_or(0);
    run.put("refused", "refused", "", told.refusals() as f64);
    run.put("refused_percent", "refused", "% of the calls", percent(told.refusals(), told.dialled));
    run.put("other_refusals", "refused otherwise than with 503", "", (told.refusals() - refused_503) as f64);
    run.put("without_retry_after", "503 without Retry-After", "", (refused_503 - told.retry_after) as f64);
    let refusal = |share| millis(told.refusal.value_at_quantile(share));
    run.put("refusal_p50_ms", "INVITE to 503, p50", "ms", refusal(0.5));
    run.put("refusal_p99_ms", "INVITE to 503, p99", "ms", refusal(0.99));
    run.put("accepted_per_second", "answered a second", "", told.answered as f64 / took);
    run.put(
        "unserved",
        "answered and not served to the end",
        "",
        told.answered.saturating_sub(told.done) as f64,
    );
    run.put("unanswered", "gave up without an answer", "", told.unanswered as f64);
    bridge::heard(&mut run, &bridge.fleet);
    run.valid &= late_callers;
    report.runs.push(run);
    bridge.end()?;
    let get = |key| report.median("hotline, overloaded", 3 * RATE as usize, key);
    let (unserved, silent) = (get("unserved"), get("unanswered"));
    let (without, other) = (get("without_retry_after"), get("other_refusals"));
    let (p99, loss, refusal) = (get("latency_p99_ms"), get("loss_percent"), get("refusal_p99_ms"));
    report.promise("what was accepted is served", unserved, |count| count == 0.0);
    report.promise("nobody is left without an answer", silent, |count| count == 0.0);
    report.promise("every refusal is a 503", other, |count| count == 0.0);
    report.promise("every 503 has Retry-After", without, |count| count == 0.0);
    report.promise("INVITE to 503 p99 before a phone would repeat itself (T1, 500 ms)", refusal, |p99| {
        p99 < 500.0
    });
    report.promise("one-way latency p99 of running calls under 2 ms", p99, |p99| p99 < 2.0);
    report.promise("RTP loss of running calls under 0.1 %", loss, |loss| loss < 0.1);
    Ok(report)
}
