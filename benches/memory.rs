//! `cargo bench --bench memory -- [--json] [--check]`: what an idle agent and a talking call cost the server in memory.

#[allow(dead_code, reason = "each user of the generator takes what it needs")]
mod load;

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use load::figures::Report;
use load::fleet::Fleet;
use load::server::{Plan, Scratch, Server};

/// Agents that register.
const AGENTS: usize = 1_000;

/// Calls that talk at once.
const CALLS: usize = 200;

/// What is promised, KiB.
const PER_AGENT_KIB: f64 = 64.0;
const PER_CALL_KIB: f64 = 96.0;

fn main() -> ExitCode {
    let has = |flag: &str| std::env::args().any(|word| word == flag);
    match measure() {
        Ok(report) => {
            let kept = report.print(has("--json"));
            if kept || !has("--check") { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("memory: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure() -> io::Result<Report> {
    let scratch = Scratch::new("memory")?;
    let plan = Plan::new(&scratch.path().join("data"), AGENTS + 1)?;
    let config = plan.write(scratch.path())?;
    let mut server = Server::serve(&plan, &config, None)?;
    if !server.says("ready") {
        return Err(io::Error::other(format!("the server did not start: {:?}", server.said)));
    }
    let mut fleet = Fleet::new(plan.host, plan.sip())?;
    let names: Vec<String> = plan.agent_names().collect();
    // The first of each kind pays for what all share.
    register(&mut fleet, &names[..1])?;
    let before = server.usage().rss_kib;
    register(&mut fleet, &names)?;
    let registered = server.usage().rss_kib;
    talk(&mut fleet, 1)?;
    let one = server.usage().rss_kib;
    talk(&mut fleet, CALLS)?;
    let all = server.usage().rss_kib;
    let mut report = Report::titled(&format!("memory: {AGENTS} idle agents, then {CALLS} talking calls"));
    report.put("rss_kib", "resident with one agent", format!("{before} KiB"), before);
    let each = registered.saturating_sub(before) as f64 / AGENTS as f64;
    report.put("kib_per_agent", "per idle registered agent", format!("{each:.1} KiB"), each);
    report.expect(each < PER_AGENT_KIB, "under 64 KiB per idle registered agent");
    report.put(
        "first_call_kib",
        "the first talking call",
        format!("{} KiB", one.saturating_sub(registered)),
        one.saturating_sub(registered),
    );
    let each = all.saturating_sub(one) as f64 / (CALLS - 1) as f64;
    report.put("kib_per_call", "per talking call beyond it", format!("{each:.1} KiB"), each);
    report.expect(each < PER_CALL_KIB, "under 96 KiB per talking call beyond the first");
    Ok(report)
}

fn register(fleet: &mut Fleet, names: &[String]) -> io::Result<()> {
    for name in names {
        if !fleet.logins.contains_key(name) {
            fleet.registers(name, &format!("load-{name}"));
            fleet.run(Duration::from_millis(2));
        }
    }
    let all = fleet.run_until(Duration::from_secs(20), |fleet| fleet.registered() == names.len());
    fleet.run(Duration::from_secs(1));
    if all { Ok(()) } else { Err(io::Error::other(format!("{} agents registered", fleet.registered()))) }
}

/// More callers, until `calls` of them talk with agents.
fn talk(fleet: &mut Fleet, calls: usize) -> io::Result<()> {
    let mut legs: Vec<_> = fleet.callers().map(|(leg, _)| leg).collect();
    let known = legs.len();
    for number in known..calls {
        legs.push(fleet.dials(&format!("1380000{number:04}"), "95500")?);
        fleet.run(Duration::from_millis(20));
    }
    fleet.run_until(Duration::from_secs(10), |fleet| fleet.talking(false) == calls);
    for leg in &legs[known..] {
        fleet.presses(*leg, '9');
    }
    let all_talk = |fleet: &Fleet| legs.iter().all(|leg| fleet.hears_voice(*leg));
    if !fleet.run_until(Duration::from_secs(60), all_talk) {
        return Err(io::Error::other("not everybody hears an agent"));
    }
    fleet.run(Duration::from_secs(3));
    Ok(())
}
