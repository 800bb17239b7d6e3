//! `kill -9` in the middle of calls.

use std::time::Duration;

use hotline::moment::Moment;
use nix::sys::signal::Signal;

use super::load::server::{self, Server};
use super::{Bank, PATIENCE, call, json, register};

/// Most of a tape that a crash may cost.
const MISSING: Duration = Duration::from_millis(1_000);

/// How soon after its restart a server must answer a call.
const BACK: Duration = Duration::from_secs(2);

const CALLERS: usize = 20;
const AGENTS: usize = 6;

#[test]
fn kill_dash_nine_during_twenty_calls_costs_a_second_of_tape_and_no_record() {
    let mut bank = Bank::open("killed", AGENTS);
    let mut fleet = bank.fleet();
    register(&mut fleet, &bank.plan);
    call(&mut fleet, CALLERS, AGENTS);
    fleet.run(Duration::from_secs(4));
    bank.server.signal(Signal::SIGKILL);
    let killed = fleet.now();
    bank.server.ended().expect("it is dead");

    restart(&mut bank);
    verify_tapes(&bank, killed);
    check_records(&bank, killed);

    // The second restart finds nothing left to close.
    let before = records(&bank);
    bank.server.signal(Signal::SIGTERM);
    bank.server.ended().expect("it ends");
    restart(&mut bank);
    let after = records(&bank);
    let still = |call: &serde_json::Value| after.iter().any(|now| now == call);
    assert!(before.iter().filter(|call| call["cause"] == "server_restarted").all(still), "records changed");
}

/// Starts the server again; a caller who dials at once must be answered soon.
fn restart(bank: &mut Bank) {
    let mut fleet = bank.fleet();
    let began = fleet.now();
    bank.server = Server::serve(&bank.plan, bank.config().as_ref(), None).expect("the server starts");
    let mut leg = fleet.dials("13700000000", "95500").expect("an RTP port");
    let limit = began + PATIENCE;
    // A caller who hears nothing dials again; ours does so sooner than people.
    while fleet.talking(false) == 0 && fleet.now() < limit {
        if !fleet.run_until(Duration::from_millis(250), |fleet| fleet.talking(false) == 1) {
            fleet.hangs_up(leg);
            leg = fleet.dials("13700000000", "95500").expect("an RTP port");
        }
    }
    let took = fleet.now().since(began);
    bank.server.listen();
    assert!(took < BACK, "answered {took:?} after the restart: {:#?}", bank.server.said);
    println!("answered {} ms after the restart", took.as_millis());
    fleet.hangs_up(leg);
    fleet.run(Duration::from_millis(500));
}

fn verify_tapes(bank: &Bank, killed: Moment) {
    let (code, out, err) =
        server::command(&["recordings", "verify", "--json", "--data", &bank.data()]).expect("verify runs");
    assert_eq!(code, 0, "{out}{err}");
    let reports = json(&out);
    let mut worst = 0;
    let mut old = 0;
    for verified in &reports {
        let report = &verified["report"];
        assert!(report["verdict"] == "whole" || report["verdict"] == "unfinished", "{verified:#}");
        let started = report["started"].as_u64().expect("a start");
        if Moment::from_micros(started) > killed {
            continue;
        }
        old += 1;
        let taped = Moment::from_micros(started)
            + Duration::from_millis(report["length_ms"].as_u64().expect("a length"));
        let missing = killed.since(taped).as_millis();
        worst = worst.max(missing);
        assert!(missing <= MISSING.as_millis(), "{missing} ms are missing: {report:#}");
    }
    assert_eq!(old, CALLERS, "every call has its tape");
    println!("at most {worst} ms of a tape are missing");
}

fn check_records(bank: &Bank, killed: Moment) {
    let records = records(bank);
    let old: Vec<_> = records.iter().filter(|call| call["cause"] == "server_restarted").collect();
    assert_eq!(old.len(), CALLERS, "{records:#?}");
    let slack = MISSING;
    for call in old {
        let ended = Moment::from_micros(call["ended"].as_u64().unwrap_or_else(|| panic!("open: {call:#}")));
        assert!(
            ended <= killed + slack && killed <= ended + slack,
            "ended {ended:?}, killed {killed:?}: {call:#}"
        );
        assert!(call["recorded"] == true, "{call:#}");
    }
    let with_agents = records.iter().filter(|call| call["agent"].is_string()).count();
    assert_eq!(with_agents, AGENTS, "who talked with whom is kept");
}

fn records(bank: &Bank) -> Vec<serde_json::Value> {
    let (code, out, err) = server::command(&["calls", "--json", "--data", &bank.data()]).expect("calls runs");
    assert_eq!(code, 0, "{err}");
    json(&out)
}
