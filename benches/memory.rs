//! `cargo bench --bench memory -- [--json] [--check]`: what an idle agent and a talking call cost the server in memory.

#[allow(dead_code, reason = "each user of the generator takes what it needs")]
mod load;

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use load::figures::{Report, Run};
use load::fleet::Fleet;
use load::process;
use load::server::{DESK, Plan, Scratch, Server, Tapes};

/// Agents that register.
const AGENTS: usize = 1_000;

/// Calls that talk at once.
const CALLS: usize = 200;

/// What is promised, KiB.
const PER_AGENT_KIB: f64 = 64.0;
const PER_CALL_KIB: f64 = 48.0;

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
    let plan = Plan::bench(&scratch.path().join("data"), AGENTS + 1, Tapes::None)?;
    let config = plan.write(scratch.path())?;
    let mut server = Server::serve(&plan, &config, None)?;
    if !server.says("ready") {
        return Err(io::Error::other(format!("the server did not start: {:?}", server.said)));
    }
    process::wait_until_calm(server.pid());
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
    let mut run = Run::new("hotline", CALLS);
    run.put("rss_kib", "resident with one agent", "KiB", before as f64);
    let each = registered.saturating_sub(before) as f64 / AGENTS as f64;
    run.put("kib_per_agent", "per idle registered agent", "KiB", each);
    run.put("first_call_kib", "the first talking call", "KiB", one.saturating_sub(registered) as f64);
    let call = all.saturating_sub(one) as f64 / (CALLS - 1) as f64;
    run.put("kib_per_call", "per talking call beyond it", "KiB", call);
    let mut report = Report::titled("memory", &format!("{AGENTS} idle agents, then {CALLS} talking calls"));
    report.runs.push(run);
    report.promise("under 64 KiB per idle registered agent", Some(each), |kib| kib < PER_AGENT_KIB);
    report.promise("under 48 KiB per talking call beyond the first", Some(call), |kib| kib < PER_CALL_KIB);
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
        legs.push(fleet.dials(&format!("1380000{number:04}"), DESK)?);
        fleet.run(Duration::from_millis(20));
    }
    fleet.run_until(Duration::from_secs(10), |fleet| fleet.talking(false) == calls);
    let all_talk = |fleet: &Fleet| legs.iter().all(|leg| fleet.hears_voice(*leg));
    if !fleet.run_until(Duration::from_secs(60), all_talk) {
        return Err(io::Error::other("not everybody hears an agent"));
    }
    fleet.run(Duration::from_secs(3));
    Ok(())
}
