//! Agents and their phones.

use hotline::acd::AgentState;
use hotline::engine::happened::What;
use hotline::engine::staff::{Answer, Ask};

use crate::office::phone::Manner;
use crate::office::{Office, ms, secs};

#[test]
fn a_demo_agent_is_ready_as_soon_as_the_phone_registers() {
    let mut office = Office::seeded(21);
    office.agent("1001", Manner::LetsRing);
    assert!(office.is_ready("1001"));
    assert_eq!(office.agent_state("1002"), AgentState::LoggedOut);
}

#[test]
fn star_codes_change_the_agents_state() {
    let mut office = Office::seeded(22);
    office.agent("1001", Manner::LetsRing);
    dial_star(&mut office, "*12");
    assert!(matches!(office.agent_state("1001"), AgentState::NotReady { .. }));
    dial_star(&mut office, "*11");
    assert!(office.is_ready("1001"));
}

#[test]
fn a_star_code_from_an_agent_who_is_logged_out_confirms_nothing() {
    let mut office = Office::seeded(27);
    office.agent("1001", Manner::LetsRing);
    office.registers("1001", 0);
    office.until("logged out", |office| office.agent_state("1001") == AgentState::LoggedOut);
    for code in ["*11", "*12", "*13"] {
        office.dials("1001", code);
        office.until("the code is refused", |office| office.hears("1001", "star_unknown"));
        office.until("and hung up", |office| office.phones["1001"].is_idle());
    }
    assert_eq!(office.agent_state("1001"), AgentState::LoggedOut);
    assert!(!office.journal.iter().any(|entry| matches!(entry.what, What::StaffAction { .. })));
}

#[test]
fn every_new_answer_to_a_star_code_has_a_newer_version() {
    let mut office = Office::seeded(28);
    office.agent("1001", Manner::LetsRing);
    office.dials("1001", "*11");
    office.until("a voice confirms", |office| office.phones["1001"].is_talking());
    for hold in [true, false] {
        office.run(ms(200));
        office.holds("1001", hold);
    }
    office.until("and hangs up", |office| office.phones["1001"].is_idle());
    let answers = office.network.ladder.iter().filter_map(|(_, datagram, _)| {
        let text =
            std::str::from_utf8(&datagram.bytes).ok().filter(|text| text.starts_with("SIP/2.0 200"))?;
        let origin = text.lines().find(|line| line.starts_with("o="))?;
        origin.split(' ').nth(2)?.parse().ok()
    });
    let mut versions: Vec<u64> = answers.collect();
    versions.dedup();
    assert_eq!(versions, [1, 2, 3]);
}

fn dial_star(office: &mut Office, code: &str) {
    office.dials("1001", code);
    office.until("a voice confirms", |office| office.phones["1001"].is_talking());
    office.until("and hangs up", |office| office.phones["1001"].is_idle());
}

#[test]
fn an_agent_who_declines_is_set_aside_and_the_caller_goes_to_the_next() {
    let mut office = Office::seeded(23);
    office.agent("1001", Manner::Declines);
    office.run(secs(5));
    office.agent("1002", Manner::Answers(secs(1)));
    office.caller("138");
    office.dials("138", "95500");
    office.until("the menu is heard", |office| office.hears("138", "main"));
    office.presses("138", '9');
    office.until("the other agent talks", |office| office.talk_together("138", "1002"));
    assert!(
        matches!(office.agent_state("1001"), AgentState::NotReady { reason, .. } if reason == "rejected")
    );
}

#[test]
fn an_agent_whose_registration_expires_is_logged_out() {
    let mut office = Office::seeded(24);
    office.agent("1001", Manner::LetsRing);
    office.vanishes("1001");
    office.run(secs(3_700));
    assert_eq!(office.agent_state("1001"), AgentState::LoggedOut);
}

#[test]
fn staff_can_set_an_agent_not_ready_but_not_one_who_is_logged_out() {
    let mut office = Office::seeded(25);
    office.agent("1001", Manner::LetsRing);
    let order = |agent: &str| Ask::SetNotReady {
        user: "super".into(),
        agent: agent.into(),
        reason: "training".into(),
    };
    assert_eq!(office.ask(order("1001")), Answer::Done);
    assert!(
        matches!(office.agent_state("1001"), AgentState::NotReady { reason, .. } if reason == "training")
    );
    assert!(matches!(office.ask(order("1002")), Answer::Refused(_)));
    assert_eq!(office.ask(order("7777")), Answer::NotFound);
}

#[test]
fn an_agent_picks_up_by_hand() {
    let mut office = Office::seeded(26);
    office.agent("1001", Manner::LetsRing);
    office.caller("138");
    office.dials("138", "95500");
    office.until("the menu is heard", |office| office.hears("138", "main"));
    office.presses("138", '9');
    office.until("the phone rings", |office| office.phones["1001"].is_ringing());
    office.run(secs(3));
    office.picks_up("1001");
    office.until("they talk", |office| office.talk_together("138", "1001"));
}
