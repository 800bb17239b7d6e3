//! Calls that are relayed, beside bare forwarders and rtpengine on the same work.

use std::io;

use super::Wish;
use super::bridge::{Bridge, Manner, Subject};
use crate::load::figures::{Report, Run};
use crate::load::forwarder::Kind;

/// Calls at once.
const LOADS: [usize; 4] = [100, 500, 1_000, 1_500];

/// The search for the most calls a core holds goes on from the last load by so many.
const STEP: usize = 200;
const MOST: usize = 4_000;

/// A call is held while the loss of all is under this, percent, and their latency at p99 under that, milliseconds.
const LOSS_PERCENT: f64 = 0.1;
const LATENCY_MS: f64 = 5.0;

const HOTLINE: Subject = Subject::Hotline(Manner::Plain);
const ENGINE: Subject = Subject::Rtpengine(None);

pub fn relay(wish: &Wish) -> io::Result<Report> {
    let loads = wish.loads(&LOADS);
    let title = format!("{loads:?} calls, both ways, {} s each", wish.window.as_secs());
    let mut report = Report::titled("relay", &title);
    let mut subjects = vec![
        HOTLINE,
        Subject::Hotline(Manner::Shared),
        Subject::Forwarder(Kind::Connected),
        Subject::Forwarder(Kind::Shared),
        ENGINE,
        Subject::Rtpengine(Some(1)),
    ];
    subjects.extend(wish.against.clone().map(|(at, number)| Subject::Elsewhere { at, number }));
    subjects.retain(|subject| wish.wants(subject.name()));
    for _ in 0..wish.repeat {
        for subject in &subjects {
            let runs = climb(subject, &loads, wish)?;
            report.runs.extend(runs);
        }
    }
    promises(&mut report, &loads);
    Ok(report)
}

/// One start of `subject`, filled step by step. A comparator that does not hold a load is not asked for more.
pub fn climb(subject: &Subject, loads: &[usize], wish: &Wish) -> io::Result<Vec<Run>> {
    let most = loads.iter().copied().max().unwrap_or(0);
    let mut bridge = Bridge::start(subject, most, wish)?;
    let mut runs = Vec::new();
    for load in loads {
        if let Err(error) = bridge.grow(*load) {
            eprintln!("{}, {load} calls: {error}", subject.name());
            break;
        }
        let run = bridge.measure(wish.window);
        eprintln!("{}", line(&run));
        let held = is_held(&run);
        runs.push(run);
        if !held && matches!(subject, Subject::Rtpengine(_) | Subject::Elsewhere { .. }) {
            break;
        }
    }
    bridge.end()?;
    Ok(runs)
}

/// The most calls that a core holds.
pub fn held(wish: &Wish) -> io::Result<Report> {
    search("held", &HOTLINE, wish.loads(&[1_500])[0], 1_500, wish)
}

/// Climbs from `from` until a load is not held.
pub fn search(
    name: &str,
    subject: &Subject,
    from: usize,
    promised: usize,
    wish: &Wish,
) -> io::Result<Report> {
    let title =
        format!("the most calls held on a core, from {from} on by {STEP}, {} s each", wish.window.as_secs());
    let mut report = Report::titled(name, &title);
    let mut bridge = Bridge::start(subject, MOST, wish)?;
    let (mut held, mut load) = (0, from);
    while load <= MOST && bridge.grow(load).is_ok() {
        let run = bridge.measure(wish.window);
        eprintln!("{}", line(&run));
        let (valid, is_held) = (run.valid, is_held(&run));
        report.runs.push(run);
        if !is_held || !valid {
            break;
        }
        held = load;
        load += STEP;
    }
    bridge.end()?;
    let last = report.runs.last().map(|run| if run.valid { "server" } else { "generator" });
    let text = format!("at least {promised} calls held (the {} gave out first)", last.unwrap_or("set-up"));
    report.promise(&text, Some(held as f64), |held| held >= promised as f64);
    // The step that ended the search is not a measurement of anything.
    report.runs.iter_mut().for_each(|run| run.valid = true);
    Ok(report)
}

fn is_held(run: &Run) -> bool {
    let under = |key, limit| run.get(key).is_some_and(|value| value < limit);
    under("loss_percent", LOSS_PERCENT) && under("latency_p99_ms", LATENCY_MS)
}

/// A run on one line.
pub fn line(run: &Run) -> String {
    let get = |key| run.get(key).unwrap_or(f64::NAN);
    format!(
        "{:<30} {:>5} calls: {:>6.2} % per 100, {:>6.2} µs a packet, loss {:.4} %, p50 {:.3} p99 {:.3} p99.9 {:.3} max {:.2} ms, {:.1} KiB a call, late p99 {:.3} max {:.2} ms, others {:.1} %{}",
        run.subject,
        run.load,
        get("cpu_per_100_calls"),
        get("micros_per_packet"),
        get("loss_percent"),
        get("latency_p50_ms"),
        get("latency_p99_ms"),
        get("latency_p99_9_ms"),
        get("latency_max_ms"),
        get("rss_per_call_kib"),
        get("late_p99_ms"),
        get("late_max_ms"),
        get("others_percent"),
        if run.valid { "" } else { " INVALID" },
    )
}

fn promises(report: &mut Report, loads: &[usize]) {
    let cpu =
        |report: &Report, subject: &Subject, load| report.median(subject.name(), load, "cpu_per_100_calls");
    for load in [500, 1_000].into_iter().filter(|load| loads.contains(load)) {
        let ours = cpu(report, &HOTLINE, load);
        let bare = cpu(report, &Subject::Forwarder(Kind::Connected), load);
        let engine = cpu(report, &ENGINE, load);
        let ratio = |other: Option<f64>| Some(ours? / other?);
        let text =
            format!("CPU per call at {load} calls at most 1.25 × the bare forwarder with connected sockets");
        report.promise_if(&text, ratio(bare), |ratio| ratio <= 1.25);
        let text = format!("CPU per call at {load} calls at most 0.45 × rtpengine's");
        report.promise_if(&text, ratio(engine), |ratio| ratio <= 0.45);
    }
    let ours = HOTLINE.name();
    let p99 = report.median(ours, 1_000, "latency_p99_ms");
    report.promise_if("one-way latency p99 under 0.5 ms at 1,000 calls", p99, |p99| p99 < 0.5);
    let all: Option<Vec<f64>> = loads.iter().map(|load| cpu(report, &HOTLINE, *load)).collect();
    if let Some(all) = all.filter(|all| all.len() > 1) {
        let (low, high) =
            all.iter().fold((f64::MAX, 0.0_f64), |(low, high), at| (low.min(*at), high.max(*at)));
        report.promise(
            "CPU per call flat within 15 % over all loads (highest / lowest)",
            Some(high / low),
            |ratio| ratio <= 1.15,
        );
    }
    let most = loads.iter().copied().max().unwrap_or(0);
    let memory = report.median(ours, most, "rss_per_call_kib");
    report.promise_if("memory per relayed call under 48 KiB", memory, |kib| kib < 48.0);
    let worst = |key| {
        report.runs.iter().filter(|run| run.subject == ours).filter_map(|run| run.get(key)).reduce(f64::max)
    };
    let (spoiled, failed, loss) = (worst("spoiled"), worst("failed"), worst("loss_percent"));
    report
        .promise_if("every packet of G.711 comes bit for bit as it was sent", spoiled, |count| count == 0.0);
    report.promise_if("no call fails", failed, |count| count == 0.0);
    report.promise_if("RTP loss under 0.1 %", loss, |loss| loss < LOSS_PERCENT);
}
