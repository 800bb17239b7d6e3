//! `cargo bench --bench calls -- [--quick] [--json] [--check] [relay] [sipp] [setup]`: the release binary under calls.
//!
//! The server has one processor, the generator the other. `relay`: 200 callers talk with 200 agents, both ways.
//! `sipp`: 200 SIPp callers with audio of their own in the demo's menu and queue. `setup`: 50 calls a second by SIPp.
//! `--check`: the exit code is 1 when a promise is not kept or the generator was late.

#[allow(dead_code, reason = "each user of the generator takes what it needs")]
mod load;

use std::io;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Duration;

use hotline::net::clock::Clock;
use load::figures::{Report, millis, percent, percentile};
use load::fleet::{Fleet, LATE, Seen, Stage};
use load::server::{self, Plan, Scratch, Server, Usage};

/// Processors: the program's and the generator's.
const SERVER_CPU: usize = 0;
const LOAD_CPU: usize = 1;

/// Calls at once of `relay` and `sipp`.
const CALLS: usize = 200;

/// Calls a second while they are set up, and of `setup`.
const RATE: u64 = 50;

/// Loss promised to stay under, percent.
const LOSS_PERCENT: f64 = 0.1;

/// The share of late slots, in percent, from which on a run says nothing about the server.
const LATE_PERCENT: f64 = 0.1;

/// What the command line asks for.
struct Wish {
    time: Duration,
    json: bool,
    check: bool,
    scenarios: Vec<String>,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let has = |flag: &str| words.iter().any(|word| word == flag);
    let named: Vec<String> = words.iter().filter(|word| !word.starts_with("--")).cloned().collect();
    let all = ["relay", "sipp", "setup"].map(str::to_owned).to_vec();
    let wish = Wish {
        time: Duration::from_secs(if has("--quick") { 10 } else { 60 }),
        json: has("--json"),
        check: has("--check"),
        scenarios: if named.is_empty() { all } else { named },
    };
    let mut kept = true;
    for scenario in &wish.scenarios {
        let report = match scenario.as_str() {
            "relay" => relay(&wish),
            "sipp" => sipp(&wish),
            "setup" => setup(&wish),
            other => Err(io::Error::other(format!("no scenario {other}: relay, sipp, setup"))),
        };
        match report {
            Ok(report) => kept &= report.print(wish.json),
            Err(error) => {
                eprintln!("{scenario}: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    if kept || !wish.check { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// 200 callers and 200 agents of our own; every packet of the window is accounted for.
fn relay(wish: &Wish) -> io::Result<Report> {
    let scratch = Scratch::new("relay")?;
    let plan = Plan::new(&scratch.path().join("data"), CALLS)?;
    let config = plan.write(scratch.path())?;
    let mut server = Server::serve(&plan, &config, Some(SERVER_CPU))?;
    server::pin_self(LOAD_CPU)?;
    if !server.says("ready") {
        return Err(io::Error::other(format!("the server did not start: {:?}", server.said)));
    }
    let mut fleet = Fleet::new(plan.host, plan.sip())?;
    let empty = server.usage();
    talk(&mut fleet, &plan)?;
    // Reports and the like of the set-up are over.
    fleet.run(Duration::from_secs(2));
    let before = server.usage();
    fleet.open_window();
    fleet.run(wish.time);
    fleet.close_window();
    let after = server.usage();
    fleet.run(Duration::from_millis(500));
    let failed = fleet.callers().filter(|(_, talk)| talk.stage != Stage::Talking).count();
    let mut report =
        Report::titled(&format!("relay: {CALLS} calls, two ways, {} s, recorded", wish.time.as_secs()));
    established(&mut report, fleet.talking(false), failed);
    let (callers, agents) = (fleet.counts(false), fleet.counts(true));
    let (sent, received) = (callers.sent + agents.sent, callers.received + agents.received);
    heard(&mut report, sent, received);
    let drops = server::udp_drops(plan.host);
    report.put("drops", "dropped in full socket buffers", drops, drops);
    latencies(&mut report, &mut fleet.seen);
    processor(&mut report, before, after, wish.time, CALLS);
    let packets = (received.max(1)) as f64;
    let per_packet = (after.user + after.system - before.user - before.system) * 1e6 / packets;
    report.put(
        "micros_per_packet",
        "processor per relayed packet",
        format!("{per_packet:.1} us"),
        per_packet,
    );
    memory(&mut report, empty, after, CALLS);
    fleet.everybody_hangs_up();
    fleet.run(Duration::from_secs(1));
    Ok(report)
}

/// Registers the agents, calls, presses 9, waits until all talk.
fn talk(fleet: &mut Fleet, plan: &Plan) -> io::Result<()> {
    for name in plan.agent_names() {
        fleet.registers(&name, &format!("load-{name}"));
        fleet.run(Duration::from_millis(2));
    }
    if !fleet.run_until(Duration::from_secs(20), |fleet| fleet.registered() == plan.agents) {
        return Err(io::Error::other(format!("{} of {} agents registered", fleet.registered(), plan.agents)));
    }
    let mut legs = Vec::new();
    for number in 0..plan.agents {
        legs.push(fleet.dials(&format!("1380000{number:04}"), "95500")?);
        fleet.run(Duration::from_micros(1_000_000 / RATE));
    }
    fleet.run_until(Duration::from_secs(10), |fleet| fleet.talking(false) == plan.agents);
    for leg in &legs {
        fleet.presses(*leg, '9');
    }
    let all_talk = |fleet: &Fleet| legs.iter().all(|leg| fleet.hears_voice(*leg));
    if !fleet.run_until(Duration::from_secs(60), all_talk) {
        let talking = legs.iter().filter(|leg| fleet.hears_voice(**leg)).count();
        let up = (fleet.talking(false), fleet.talking(true));
        return Err(io::Error::other(format!(
            "{talking} of {} hear an agent; callers, agents up: {up:?}",
            legs.len()
        )));
    }
    Ok(())
}

fn established(report: &mut Report, up: usize, failed: usize) {
    report.put("established", "calls established / failed", format!("{up} / {failed}"), up);
    report.put("failed", "failed", failed, failed);
    report.expect(failed == 0, "no call fails");
}

fn heard(report: &mut Report, expected: u64, received: u64) {
    let lost = percent(expected.saturating_sub(received), expected);
    report.put("rtp_expected", "RTP packets expected", expected, expected);
    report.put("rtp_received", "RTP packets received", received, received);
    report.put("rtp_loss_percent", "RTP loss", format!("{lost:.4} %"), lost);
    report.expect(expected > 0 && lost < LOSS_PERCENT, "RTP loss under 0.1 %");
}

fn latencies(report: &mut Report, seen: &mut Seen) {
    let setup = &mut seen.setup_micros;
    let (p50, p99) = (percentile(setup, 0.5), percentile(setup, 0.99));
    report.put("setup_p50_micros", "INVITE to 200, p50", millis(p50), p50);
    report.put("setup_p99_micros", "INVITE to 200, p99", millis(p99), p99);
    for (key, share) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99_9", 0.999), ("max", 1.0)] {
        let micros = percentile(&mut seen.latency_micros, share);
        report.put(
            &format!("one_way_{key}_micros"),
            &format!("one-way latency, {key}"),
            millis(micros),
            micros,
        );
    }
    let slots = &mut seen.slot_micros;
    let late = slots.iter().filter(|micros| **micros > LATE.as_micros() as u64).count() as u64;
    let share = percent(late, slots.len() as u64);
    let (p99, max) = (percentile(slots, 0.99), percentile(slots, 1.0));
    report.put("generator_late_p99_micros", "generator's own lateness, p99", millis(p99), p99);
    report.put("generator_late_max_micros", "generator's own lateness, max", millis(max), max);
    let verdict = if share < LATE_PERCENT { "valid" } else { "INVALID: the generator was late" };
    report.put("valid", "this run is", verdict, share < LATE_PERCENT);
    report.expect(share < LATE_PERCENT, "the generator keeps time");
}

fn processor(report: &mut Report, before: Usage, after: Usage, time: Duration, calls: usize) {
    let seconds = time.as_secs_f64();
    let share = |ticks: f64| ticks * 100.0 / seconds;
    let (user, system) = (share(after.user - before.user), share(after.system - before.system));
    report.put("cpu_user_percent", "server's processor, user", format!("{user:.1} % of a core"), user);
    report.put(
        "cpu_system_percent",
        "server's processor, system",
        format!("{system:.1} % of a core"),
        system,
    );
    let per_hundred = (user + system) * 100.0 / calls as f64;
    report.put(
        "cpu_percent_per_100_calls",
        "per 100 calls",
        format!("{per_hundred:.1} % of a core"),
        per_hundred,
    );
}

fn memory(report: &mut Report, empty: Usage, full: Usage, calls: usize) {
    report.put("rss_kib", "server's resident memory", format!("{} KiB", full.rss_kib), full.rss_kib);
    let each = full.rss_kib.saturating_sub(empty.rss_kib) as f64 / calls as f64;
    report.put("rss_kib_per_call", "per call, above the empty server", format!("{each:.1} KiB"), each);
}

/// SIPp's callers send audio of their own and hear the demo's menu, then its hold music.
fn sipp(wish: &Wish) -> io::Result<Report> {
    let stay = wish.time + Duration::from_secs(CALLS as u64 / RATE);
    let title =
        format!("sipp: {CALLS} calls with audio in the demo's menu and queue, {} s", wish.time.as_secs());
    let run = Sipp { scenario: "talk.xml", rate: RATE, calls: CALLS as u64, stay, audio: true };
    let ran = run.against_server(wish.time)?;
    let mut report = Report::titled(&title);
    ran.put(&mut report, CALLS as u64);
    // SIPp does not read what it is sent; `relay` accounts for both directions.
    report.put("drops", "RTP from SIPp that the server did not read", ran.drops, ran.drops);
    let lost = percent(ran.drops, CALLS as u64 * 50 * wish.time.as_secs());
    report.put("rtp_loss_percent", "of what SIPp sent", format!("{lost:.4} %"), lost);
    report.expect(lost < LOSS_PERCENT, "RTP loss under 0.1 %");
    processor(&mut report, ran.before, ran.after, wish.time, CALLS);
    memory(&mut report, ran.empty, ran.after, CALLS);
    Ok(report)
}

/// SIPp's callers come at 50 a second, hear a second of the bank and hang up.
fn setup(wish: &Wish) -> io::Result<Report> {
    let calls = RATE * wish.time.as_secs();
    let run = Sipp { scenario: "setup.xml", rate: RATE, calls, stay: Duration::from_secs(1), audio: false };
    let ran = run.against_server(wish.time)?;
    let mut report = Report::titled(&format!("setup: {RATE} calls/s for {} s", wish.time.as_secs()));
    ran.put(&mut report, calls);
    let seconds = ran.after.user + ran.after.system - ran.before.user - ran.before.system;
    let each = seconds * 1_000.0 / (ran.during.as_secs_f64() * RATE as f64);
    report.put("cpu_millis_per_call", "server's processor per call", format!("{each:.2} ms"), each);
    memory(&mut report, ran.empty, ran.after, calls as usize);
    Ok(report)
}

/// A run of SIPp.
struct Sipp {
    scenario: &'static str,
    rate: u64,
    calls: u64,
    /// How long each call lasts.
    stay: Duration,
    audio: bool,
}

/// What came of it.
struct Ran {
    done: u64,
    failed: u64,
    setup_micros: Vec<u64>,
    empty: Usage,
    /// Around the middle of the run, `during` apart.
    before: Usage,
    after: Usage,
    during: Duration,
    drops: u64,
}

impl Sipp {
    fn against_server(&self, time: Duration) -> io::Result<Ran> {
        let scratch = Scratch::new("sipp")?;
        let plan = Plan::new(&scratch.path().join("data"), 1)?;
        let mut server = Server::serve(&plan, &plan.write(scratch.path())?, Some(SERVER_CPU))?;
        if !server.says("ready") {
            return Err(io::Error::other(format!("the server did not start: {:?}", server.said)));
        }
        let host = server::own_host();
        let [ours, media] = server::free_ports(host)?;
        let empty = server.usage();
        // SIPp writes what it measured beside its scenario.
        std::fs::copy(Path::new("benches/sipp").join(self.scenario), scratch.path().join(self.scenario))?;
        let mut command = Command::new("taskset");
        command
            .args(["-c", &LOAD_CPU.to_string(), "sipp", &plan.sip().to_string()])
            .args(["-sf", self.scenario]);
        command.args(["-i", &host.to_string(), "-p", &ours.to_string(), "-mi", &host.to_string()]);
        command.args([
            "-mp",
            &(media & !1).to_string(),
            "-r",
            &self.rate.to_string(),
            "-m",
            &self.calls.to_string(),
        ]);
        command.args(["-l", &(self.calls.min(5_000)).to_string(), "-d", &self.stay.as_millis().to_string()]);
        command.args(["-trace_rtt", "-rtt_freq", "1", "-trace_stat", "-nostdin", "-s", "95500"]);
        if self.audio {
            write_voice(&scratch.path().join("voice.raw"))?;
        }
        command.current_dir(scratch.path()).stdin(std::process::Stdio::null());
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        let clock = Clock::start();
        let mut sipp = command.spawn()?;
        // The first seconds set calls up; the last tear them down.
        let settle =
            if self.audio { Duration::from_secs(self.calls / self.rate + 1) } else { Duration::from_secs(2) };
        wait(settle);
        let (before, from) = (server.usage(), clock.now());
        wait(time.saturating_sub(Duration::from_secs(3)));
        let (after, to) = (server.usage(), clock.now());
        let drops = server::udp_drops(plan.host);
        sipp.wait()?;
        let (done, failed) = outcome(scratch.path())?;
        let setup_micros = times(scratch.path())?;
        Ok(Ran { done, failed, setup_micros, empty, before, after, during: to.since(from), drops })
    }
}

impl Ran {
    fn put(&self, report: &mut Report, calls: u64) {
        report.put(
            "established",
            "calls done / failed",
            format!("{} / {}", self.done, self.failed),
            self.done,
        );
        report.put("failed", "failed", self.failed, self.failed);
        report.expect(self.failed == 0 && self.done == calls, "no call fails");
        let mut setup = self.setup_micros.clone();
        let (p50, p99) = (percentile(&mut setup, 0.5), percentile(&mut setup, 0.99));
        report.put("setup_p50_micros", "INVITE to 200, p50", whole_millis(p50), p50);
        report.put("setup_p99_micros", "INVITE to 200, p99", whole_millis(p99), p99);
        report.put("setup_measured", "of so many measured", setup.len(), setup.len());
    }
}

#[expect(clippy::disallowed_methods, reason = "SIPp works meanwhile, and there is nothing else to do")]
fn wait(time: Duration) {
    std::thread::sleep(time);
}

/// A minute of A-law for SIPp to send, as raw bytes: quiet, since only the packets matter.
fn write_voice(path: &Path) -> io::Result<()> {
    std::fs::write(path, vec![0xD5; 60 * 8_000])
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

/// SIPp's response times, in microseconds.
fn times(folder: &Path) -> io::Result<Vec<u64>> {
    let text = written(folder, "_rtt.csv")?;
    let millis = text.lines().skip(1).filter_map(|line| line.split(';').nth(1)?.parse::<f64>().ok());
    Ok(millis.map(|millis| (millis * 1_000.0) as u64).collect())
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

/// SIPp's clock counts whole milliseconds: what it calls 0 took less than one.
fn whole_millis(micros: u64) -> String {
    if micros < 1_000 { "under 1 ms".to_owned() } else { millis(micros) }
}
