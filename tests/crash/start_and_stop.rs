//! Starting where one cannot run, and stopping as one should.

use std::net::{TcpListener, UdpSocket};
use std::time::Duration;

use nix::sys::signal::Signal;

use super::load::fleet::Stage;
use super::load::server::{self, Plan, Scratch, Server};
use super::{Bank, PATIENCE, call, json, plan, register};
use hotline::call::cause::Cause;

#[test]
fn a_draining_server_serves_its_calls_to_the_end_and_refuses_new_ones() {
    let mut bank = Bank::open("drain", 1);
    let mut fleet = bank.fleet();
    register(&mut fleet, &bank.plan);
    let caller = call(&mut fleet, 1, 1)[0];
    bank.server.signal(Signal::SIGTERM);
    assert!(bank.server.says("draining"), "{:#?}", bank.server.said);
    assert!(bank.server.says("the server is stopping"), "{:#?}", bank.server.said);
    let late = fleet.dials("13700000001", "95500").expect("an RTP port");
    fleet.run_until(PATIENCE, |fleet| matches!(fleet.talks[&late].stage, Stage::Ended { .. }));
    assert!(
        matches!(fleet.talks[&late].stage, Stage::Ended { status: Some(503), .. }),
        "{:?}",
        fleet.talks[&late].stage
    );

    // The old call still talks.
    let heard = |fleet: &super::load::fleet::Fleet| fleet.voice(caller);
    let before = heard(&fleet);
    fleet.run(Duration::from_secs(1));
    assert!(heard(&fleet) > before + 30, "audio goes on");
    assert!(bank.server.is_running());

    fleet.hangs_up(caller);
    fleet.run(Duration::from_secs(2));
    let status = bank.server.ended().expect("it ends by itself");
    assert_eq!(status.code(), Some(0), "{:#?}", bank.server.said);
    let (_, out, _) = server::command(&["calls", "--json", "--data", &bank.data()]).expect("calls runs");
    let records = json(&out);
    assert!(records.iter().all(|call| call["ended"].is_u64()), "{records:#?}");
    let (code, out, _) =
        server::command(&["recordings", "verify", "--json", "--data", &bank.data()]).expect("verify runs");
    assert_eq!((code, json(&out)[0]["report"]["verdict"].as_str()), (0, Some("whole")), "{out}");
}

#[test]
fn a_second_signal_ends_the_calls() {
    let mut bank = Bank::open("hurry", 1);
    let mut fleet = bank.fleet();
    register(&mut fleet, &bank.plan);
    let caller = call(&mut fleet, 1, 1)[0];
    bank.server.signal(Signal::SIGTERM);
    assert!(bank.server.says("draining"), "{:#?}", bank.server.said);
    bank.server.signal(Signal::SIGTERM);
    let over = fleet.run_until(PATIENCE, |fleet| matches!(fleet.talks[&caller].stage, Stage::Ended { .. }));
    assert!(over, "the caller is hung up on");
    fleet.run(Duration::from_secs(1));
    assert_eq!(bank.server.ended().expect("it ends").code(), Some(0), "{:#?}", bank.server.said);
    let (_, out, _) = server::command(&["calls", "--json", "--data", &bank.data()]).expect("calls runs");
    assert_eq!(json(&out)[0]["cause"], Cause::ServerStopped.word(), "{out}");
}

/// The one line of a server that cannot run.
fn refusal(plan: &Plan, scratch: &Scratch) -> String {
    let config = plan.write(scratch.path()).expect("a configuration");
    let mut server = Server::serve(plan, &config, None).expect("it starts");
    let status = server.ended().expect("it ends");
    assert_eq!(status.code(), Some(3), "{:#?}", server.said);
    let said: Vec<&String> = server.said.iter().filter(|line| !line.is_empty()).collect();
    assert_eq!(said.len(), 1, "one clear line, not {said:#?}");
    said[0].clone()
}

#[test]
fn a_taken_port_is_one_clear_line_and_exit_code_three() {
    let scratch = Scratch::new("taken").expect("a scratch folder");
    let plan = plan(&scratch, 1);
    let taken = UdpSocket::bind(plan.sip()).expect("still free");
    let line = refusal(&plan, &scratch);
    assert!(line.contains(&plan.sip().to_string()) && line.contains("in use"), "{line}");
    drop(taken);
    let _taken = TcpListener::bind(plan.http()).expect("still free");
    let line = refusal(&plan, &scratch);
    assert!(line.contains(&plan.http().to_string()) && line.contains("in use"), "{line}");
}

#[test]
fn a_data_folder_in_use_is_one_clear_line_and_exit_code_three() {
    let bank = Bank::open("owner", 1);
    let scratch = Scratch::new("intruder").expect("a scratch folder");
    let plan = Plan { data: bank.plan.data.clone(), ..plan(&scratch, 1) };
    let line = refusal(&plan, &scratch);
    assert!(line.contains("in use by another server") && line.contains(&bank.data()), "{line}");
}

#[test]
fn the_demo_says_the_same_of_a_taken_port() {
    let scratch = Scratch::new("demo-taken").expect("a scratch folder");
    let host = std::net::Ipv4Addr::LOCALHOST;
    let [sip, http] = server::free_ports(host).expect("free ports");
    let _taken = UdpSocket::bind((host, sip)).expect("still free");
    let mut demo = Server::demo(&scratch.path().join("data"), sip, http, None).expect("it starts");
    assert_eq!(demo.ended().expect("it ends").code(), Some(3), "{:#?}", demo.said);
    assert!(demo.said.len() == 1 && demo.said[0].contains(&sip.to_string()), "{:#?}", demo.said);
}

#[test]
fn a_bad_flag_is_usage_and_exit_code_two() {
    for args in [&["demo", "--sip-prot", "5060"][..], &["serve"], &["nonsense"], &["demo", "--sip-port", "x"]]
    {
        let (code, out, err) = server::command(args).expect("it runs");
        assert_eq!(code, 2, "{args:?}: {out}{err}");
        assert!(out.is_empty() && err.contains("--help"), "{err}");
    }
}

#[test]
fn a_bad_configuration_does_not_start_and_says_where() {
    let scratch = Scratch::new("bad-config").expect("a scratch folder");
    let plan = plan(&scratch, 1);
    let config = plan.write(scratch.path()).expect("a configuration");
    let text = std::fs::read_to_string(&config).expect("written");
    std::fs::write(&config, text.replace("wrap_up: 1s", "wrap_up: 1")).expect("writable");
    let (code, _, err) =
        server::command(&["serve", "--config", &config.display().to_string()]).expect("it runs");
    assert_eq!(code, 3, "{err}");
    assert!(err.contains("hotline.yaml:") && err.contains("wrap_up"), "{err}");
}
