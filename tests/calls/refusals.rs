//! Who may not call, and what they are told.

use crate::office::network::Faults;
use crate::office::phone::{Manner, State};
use crate::office::world;
use crate::office::{Office, secs};
use hotline::engine::happened::What;
use hotline::engine::input::Input;

fn refused_with(office: &mut Office, name: &str) -> u16 {
    let who = name.to_owned();
    office.until("an answer comes", |office| office.phones[&who].is_idle());
    office.phones[name].last_status().expect("a final answer")
}

#[test]
fn an_unknown_number_is_404() {
    let mut office = Office::seeded(31);
    office.caller("138");
    office.dials("138", "4711");
    assert_eq!(refused_with(&mut office, "138"), 404);
}

#[test]
fn a_caller_without_credentials_reaches_the_banks_own_numbers_only() {
    for (number, answer) in [("1001", 404), ("*11", 401), ("*99", 401)] {
        let mut office = Office::seeded(32);
        office.agent("1001", Manner::LetsRing);
        office.caller("138");
        office.dials("138", number);
        assert_eq!(refused_with(&mut office, "138"), answer, "{number}");
        assert!(office.is_ready("1001") && !office.phones["1001"].is_ringing());
    }
}

#[test]
fn a_caller_who_claims_to_be_an_agent_must_prove_it() {
    let mut office = Office::seeded(33);
    office.caller("1001");
    office.dials("1001", "95500");
    assert_eq!(refused_with(&mut office, "1001"), 401);
}

#[test]
fn an_agent_is_told_which_numbers_are_nobodys_and_which_are_not_to_be_dialled() {
    for (number, answer) in [("1002", 403), ("4711", 404)] {
        let mut office = Office::seeded(38);
        office.agent("1001", Manner::LetsRing);
        office.dials("1001", number);
        assert_eq!(refused_with(&mut office, "1001"), answer, "{number}");
    }
}

#[test]
fn a_wrong_password_does_not_register_and_leaves_a_trace() {
    let mut office = Office::seeded(34);
    office.agent_phone("1001", "wrong", Manner::LetsRing);
    let now = office.now;
    office.phone("1001").registers(now, 600);
    office.run(secs(5));
    assert!(!office.phones["1001"].is_registered());
    let source = office.phones["1001"].address.ip().to_string();
    let failed = What::LoginFailed { source, unnoted: 0 };
    assert!(office.journal.iter().any(|entry| entry.what == failed), "{:?}", office.journal);
    assert!(office.snapshot().login_failures > 0);
}

#[test]
fn a_right_password_is_no_failed_log_in() {
    let mut office = Office::seeded(39);
    office.agent("1001", Manner::LetsRing);
    assert_eq!(office.snapshot().login_failures, 0, "the first request without credentials is none");
}

#[test]
fn beyond_the_calls_limit_the_next_is_told_to_come_later() {
    let mut config = world::demo_config();
    config.limits.calls = 1;
    let mut office = Office::with(35, world::build(config), Faults::NONE);
    office.caller("138");
    office.dials("138", "95500");
    office.until("answered", |office| office.phones["138"].is_talking());
    office.caller("139");
    office.dials("139", "95500");
    assert_eq!(refused_with(&mut office, "139"), 503);
    assert!(matches!(office.phones["138"].talks.values().next().map(|t| &t.state), Some(State::Talking)));
}

#[test]
fn a_draining_server_ends_no_call_and_takes_no_new_one() {
    let mut office = Office::seeded(36);
    office.caller("138");
    office.dials("138", "95500");
    office.until("answered", |office| office.phones["138"].is_talking());
    office.input(Input::Drain);
    office.caller("139");
    office.dials("139", "95500");
    assert_eq!(refused_with(&mut office, "139"), 503);
    assert!(office.phones["138"].is_talking());
    assert!(!office.engine.is_idle());
    office.hangs_up("138");
    office.run(secs(60));
    assert!(office.engine.is_idle());
}
