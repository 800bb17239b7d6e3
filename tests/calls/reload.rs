//! A new configuration while calls run.

use hotline::acd::AgentState;
use hotline::call::cause::Cause;
use hotline::engine::happened::What;

use super::main_job::in_talk;
use crate::office::phone::Manner;
use crate::office::world;
use crate::office::{Office, secs};

const CALLER: &str = "13812341234";

fn dials_in(office: &mut Office) {
    office.caller(CALLER);
    office.dials(CALLER, "95500");
    office.until("the menu is heard", |office| office.hears(CALLER, "main"));
}

#[test]
fn a_call_under_way_hears_its_own_prompts_after_new_ones_came() {
    let mut office = Office::seeded(71);
    office.caller(CALLER);
    office.dials(CALLER, "95500");
    office.until("the call is answered", |office| office.phones[CALLER].is_talking());
    office.reload(world::build_with_prompts(world::demo_config(), &["aaa", "bbb", "ccc"]));
    office.until("the main menu is heard, and nothing else", |office| office.hears(CALLER, "main"));
}

#[test]
fn an_agent_hired_again_is_ready_when_the_phone_registers_again() {
    let mut office = Office::seeded(72);
    office.agent("1001", Manner::LetsRing);
    let mut config = world::demo_config();
    config.agents.remove(&"1001".into());
    office.reload(world::build(config));
    assert!(office.journal.iter().any(|entry| entry.what == What::PhoneVanished));
    office.reload(world::demo());
    assert_eq!(office.agent_state("1001"), AgentState::LoggedOut);
    office.registers("1001", 600);
    office.until("the agent is ready", |office| office.is_ready("1001"));
}

#[test]
fn an_agent_dismissed_in_mid_talk_may_finish_and_one_who_rings_is_withdrawn() {
    let mut office = Office::seeded(73);
    in_talk(&mut office);
    let mut config = world::demo_config();
    config.agents.remove(&"1001".into());
    office.reload(world::build(config.clone()));
    office.run(secs(10));
    assert!(office.talk_together(CALLER, "1001"));
    office.hangs_up(CALLER);
    office.until("the call is over", |office| office.last_cause() == Some(Cause::CallerHungUp));

    office.agent("1002", Manner::LetsRing);
    office.dials(CALLER, "95500");
    office.until("the menu is heard", |office| office.hears(CALLER, "main"));
    office.presses(CALLER, '9');
    office.until("the phone rings", |office| office.phones["1002"].is_ringing());
    config.agents.remove(&"1002".into());
    office.reload(world::build(config));
    office.until("it stops", |office| office.phones["1002"].is_idle());
    office.until("the caller waits on", |office| office.hears(CALLER, "music/hold"));
}

#[test]
fn the_number_and_the_queue_of_a_call_under_way_may_go() {
    let mut office = Office::seeded(74);
    dials_in(&mut office);
    let mut config = world::demo_config();
    let number = config.numbers.remove("95500").expect("the demo's number");
    config.numbers.insert("95501".to_owned(), number);
    office.reload(world::build(config));
    office.presses(CALLER, '9');
    office.until("music plays", |office| office.hears(CALLER, "music/hold"));
    office.caller("139");
    office.dials("139", "95500");
    office.until("nobody has that number", |office| office.phones["139"].last_status() == Some(404));
    office.hangs_up(CALLER);
    office.until("the call is over", |office| office.last_cause() == Some(Cause::Abandoned));
}

#[test]
fn phones_register_under_a_new_realm() {
    let mut office = Office::seeded(75);
    let mut config = world::demo_config();
    config.sip.realm = "bank.example".to_owned();
    office.reload(world::build(config));
    let source = "127.0.2.9:5060".parse().expect("an address");
    let register = "REGISTER sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.2.9:5060;branch=z9hG4bK1\r\n\
                    From: <sip:1001@127.0.0.1>;tag=1\r\nTo: <sip:1001@127.0.0.1>\r\nCall-ID: r\r\n\
                    CSeq: 1 REGISTER\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n";
    office.forge(source, register);
    let (_, challenge, _) = office.network.ladder.last().expect("an answer");
    assert!(String::from_utf8_lossy(&challenge.bytes).contains("realm=\"bank.example\""));
}
