//! SIPp as an outside witness, at a small scale: callers with audio of their own in the demo's menu and queue, and short calls.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use hotline::net::clock::Clock;

use super::{Wish, bridge};
use crate::load::figures::{Report, Run, Spread, percent};
use crate::load::process::{self, LOAD_CPU, Usage};
use crate::load::server::{self, Plan, Scratch};

/// Calls at once of the first part, and calls a second of both.
const CALLS: u64 = 200;
const RATE: u64 = 50;

pub fn sipp(wish: &Wish) -> io::Result<Report> {
    let time = wish.window.max(Duration::from_secs(8));
    let mut report = Report::titled("sipp", &format!("SIPp as the caller, {} s each", time.as_secs()));
    let stay = time + Duration::from_secs(CALLS / RATE);
    let talk = Sipp { scenario: "talk.xml", calls: CALLS, stay, audio: true };
    let ran = talk.against_server(time)?;
    let mut run = ran.run("calls with audio in menu and queue", CALLS);
    // SIPp does not read what it is sent; `relay` accounts for both directions.
    let lost = percent(ran.drops, CALLS * 50 * time.as_secs());
    run.put("unread_percent", "RTP from SIPp that the server did not read", "%", lost);
    report.runs.push(run);
    let calls = RATE * time.as_secs();
    let short = Sipp { scenario: "setup.xml", calls, stay: Duration::from_secs(1), audio: false };
    let run = short.against_server(time)?.run("calls of a second", calls);
    report.runs.push(run);
    let failed: f64 = report.runs.iter().filter_map(|run| run.get("failed")).sum();
    report.promise("no call fails", Some(failed), |failed| failed == 0.0);
    report.promise("of SIPp's audio under 0.1 % is not read", Some(lost), |lost| lost < 0.1);
    Ok(report)
}

/// A run of SIPp.
struct Sipp {
    scenario: &'static str,
    calls: u64,
    /// How long each call lasts.
    stay: Duration,
    audio: bool,
}

/// What came of it.
struct Ran {
    done: u64,
    failed: u64,
    setup_millis: Vec<f64>,
    empty: Usage,
    /// Around the middle of the run.
    used: Usage,
    seconds: f64,
    drops: u64,
}

impl Sipp {
    fn against_server(&self, time: Duration) -> io::Result<Ran> {
        let scratch = Scratch::new("sipp")?;
        let plan = Plan::new(&scratch.path().join("data"), 1)?;
        let server = bridge::started(&plan, &plan.write(scratch.path())?)?;
        let empty = server.usage();
        // SIPp writes what it measured beside its scenario.
        std::fs::copy(Path::new("benches/sipp").join(self.scenario), scratch.path().join(self.scenario))?;
        let mut command = self.command(&plan)?;
        if self.audio {
            // A minute of A-law, quiet, since only the packets matter.
            std::fs::write(scratch.path().join("voice.raw"), vec![0xD5; 60 * 8_000])?;
        }
        command.current_dir(scratch.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let clock = Clock::start();
        let mut sipp = command.spawn()?;
        // The first seconds set calls up; the last tear them down.
        let settle =
            if self.audio { Duration::from_secs(self.calls / RATE + 1) } else { Duration::from_secs(2) };
        wait(settle);
        let (before, from) = (server.usage(), clock.now());
        wait(time.saturating_sub(Duration::from_secs(3)));
        let (after, to) = (server.usage(), clock.now());
        let drops = process::udp_drops(plan.host);
        sipp.wait()?;
        let (done, failed) = outcome(scratch.path())?;
        let setup_millis = times(scratch.path())?;
        let seconds = to.since(from).as_secs_f64();
        Ok(Ran { done, failed, setup_millis, empty, used: after.since(before), seconds, drops })
    }

    fn command(&self, plan: &Plan) -> io::Result<Command> {
        let host = server::own_host();
        let [ours, media] = server::free_ports(host)?;
        let mut command = process::pinned("sipp", Some(LOAD_CPU));
        command.args([&plan.sip().to_string(), "-sf", self.scenario]);
        command.args(["-i", &host.to_string(), "-p", &ours.to_string(), "-mi", &host.to_string()]);
        command.args([
            "-mp",
            &(media & !1).to_string(),
            "-r",
            &RATE.to_string(),
            "-m",
            &self.calls.to_string(),
        ]);
        command.args(["-l", &self.calls.min(5_000).to_string(), "-d", &self.stay.as_millis().to_string()]);
        command.args(["-trace_rtt", "-rtt_freq", "1", "-trace_stat", "-nostdin", "-s", "95500"]);
        Ok(command)
    }
}

impl Ran {
    fn run(&self, subject: &str, calls: u64) -> Run {
        let mut run = Run::new(subject, calls as usize);
        run.put("done", "calls done", "", self.done as f64);
        run.put("failed", "calls failed", "", (self.failed + calls.saturating_sub(self.done)) as f64);
        let setup = Spread::of(self.setup_millis.clone());
        // SIPp's clock counts whole milliseconds: what it calls 0 took less than one.
        run.put("setup_p50_ms", "INVITE to 200, p50, in whole ms", "ms", setup.map_or(0.0, |s| s.median));
        run.put("setup_max_ms", "INVITE to 200, max, in whole ms", "ms", setup.map_or(0.0, |s| s.high));
        run.put("cpu_percent", "server's processor", "% of a core", self.used.busy * 100.0 / self.seconds);
        let grown = self.used.rss_kib.saturating_sub(self.empty.rss_kib);
        run.put("rss_grown_kib", "memory above the empty server", "KiB", grown as f64);
        run
    }
}

#[expect(clippy::disallowed_methods, reason = "SIPp works meanwhile, and there is nothing else to do")]
fn wait(time: Duration) {
    std::thread::sleep(time);
}

/// SIPp's last line of statistics: successful and failed calls, by the names in its first line.
fn outcome(folder: &Path) -> io::Result<(u64, u64)> {
    let text = written(folder, "_.csv")?;
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap_or("").split(';').collect();
    let last: Vec<&str> = lines.next_back().unwrap_or("").split(';').collect();
    let value = |name: &str| {
        let place = names.iter().position(|known| *known == name);
        place
            .and_then(|place| last.get(place)?.parse().ok())
            .ok_or_else(|| io::Error::other(format!("SIPp told no {name}")))
    };
    Ok((value("SuccessfulCall(C)")?, value("FailedCall(C)")?))
}

/// SIPp's response times, in milliseconds.
fn times(folder: &Path) -> io::Result<Vec<f64>> {
    let text = written(folder, "_rtt.csv")?;
    Ok(text.lines().skip(1).filter_map(|line| line.split(';').nth(1)?.parse().ok()).collect())
}

/// The file in `folder` whose name ends so.
fn written(folder: &Path, ending: &str) -> io::Result<String> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(ending) {
            return std::fs::read_to_string(path);
        }
    }
    Err(io::Error::other(format!("SIPp wrote no file {ending}")))
}
