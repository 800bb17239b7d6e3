//! Every call on a sealed tape, beside the same calls without.

use std::io;

use super::Wish;
use super::bridge::{Bridge, Manner, Subject};
use super::relay::line;
use crate::load::figures::{Report, Run};
use crate::load::server;

const LOADS: [usize; 3] = [500, 1_000, 1_200];

/// Calls promised to be held.
const PROMISED: usize = 1_200;

pub fn recorded(wish: &Wish) -> io::Result<Report> {
    let loads = wish.loads(&LOADS);
    let title = format!("{loads:?} calls, every one on a sealed tape, {} s each", wish.window.as_secs());
    let mut report = Report::titled("recorded", &title);
    let (taped, bare) = (Subject::Hotline(Manner::Sealed), Subject::Hotline(Manner::Plain));
    for _ in 0..wish.repeat {
        for subject in [&taped, &bare] {
            let runs = once(subject, &loads, wish)?;
            report.runs.extend(runs);
        }
    }
    for load in &loads {
        let cpu = |subject: &Subject| report.median(subject.name(), *load, "cpu_per_100_calls");
        let ratio = cpu(&taped).and_then(|taped| Some(taped / cpu(&bare)?));
        let text = format!("CPU per recorded call at {load} calls at most 1.5 × the unrecorded");
        report.promise(&text, ratio, |ratio| ratio <= 1.5);
    }
    let most = loads.iter().copied().max().unwrap_or(0);
    let get = |key| report.median(taped.name(), most, key);
    let (loss, p99, bad, tapes) =
        (get("loss_percent"), get("latency_p99_ms"), get("tapes_bad"), get("tapes"));
    report.promise(&format!("{most} recorded calls held: loss under 0.1 %"), loss, |loss| loss < 0.1);
    report.promise(&format!("{most} recorded calls held: latency p99 under 5 ms"), p99, |p99| p99 < 5.0);
    report.promise("`verify` finds nothing wrong with any tape", bad, |bad| bad == 0.0);
    report.promise("there is a tape of every call", tapes, |tapes| tapes >= most as f64);
    if wish.loads.is_none() {
        report.promise("calls recorded at once", Some(most as f64), |calls| calls >= PROMISED as f64);
    }
    Ok(report)
}

fn once(subject: &Subject, loads: &[usize], wish: &Wish) -> io::Result<Vec<Run>> {
    let most = loads.iter().copied().max().unwrap_or(0);
    let mut bridge = Bridge::start(subject, most, wish)?;
    let mut runs = Vec::new();
    for load in loads {
        bridge.grow(*load)?;
        let run = bridge.measure(wish.window);
        eprintln!("{}", line(&run));
        runs.push(run);
    }
    let ended = bridge.end()?;
    if let (Subject::Hotline(Manner::Sealed), Some((plan, scratch)), Some(run)) =
        (subject, ended, runs.last_mut())
    {
        let (data, key) = (plan.data.display().to_string(), scratch.path().join("tape.key"));
        let args = ["recordings", "verify", "--data", &data, "--key-file", &key.display().to_string()];
        let (_, out, err) = server::command(&args)?;
        let (tapes, bad) =
            verdict(&out).ok_or_else(|| io::Error::other(format!("verify says {out}{err}")))?;
        run.put("tapes", "tapes verified", "", tapes as f64);
        run.put("tapes_bad", "of them with something wrong", "", bad as f64);
    }
    Ok(runs)
}

/// Of `verify`'s last words, `12 tapes, 0 bad`, the two numbers.
fn verdict(out: &str) -> Option<(usize, usize)> {
    let (whole, bad) = out.lines().find(|line| line.ends_with(" bad"))?.split_once(" tapes, ")?;
    Some((whole.parse().ok()?, bad.strip_suffix(" bad")?.parse().ok()?))
}
