//! Who may not call, and what they are told.

use crate::office::network::Faults;
use crate::office::phone::{Manner, State};
use crate::office::world;
use crate::office::{Office, ms, secs};
use hotline::call::cause::Cause;
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
fn a_server_that_is_behind_turns_new_calls_away_at_once_and_serves_who_is_in_one() {
    let mut office = Office::seeded(40);
    for name in ["138", "139", "140"] {
        office.caller(name);
    }
    office.dials("138", "95500");
    office.until("answered", |office| office.phones["138"].is_talking());
    office.waited = ms(150);
    let (transactions, legs) = (office.snapshot().transactions, office.snapshot().legs);
    office.dials("139", "95500");
    assert_eq!(refused_with(&mut office, "139"), 503);
    let seen = office.snapshot();
    assert_eq!((seen.calls_refused, seen.calls_turned_away, seen.overloaded), (1, 1, true));
    assert_eq!(
        (seen.transactions, seen.legs),
        (transactions, legs),
        "nothing is held of who was turned away"
    );
    let refused = office.journal.iter().find(|entry| matches!(entry.what, What::CallRefused { .. }));
    let what = refused.map(|entry| entry.what.clone());
    let (from, dialled) = ("139".to_owned(), "95500".to_owned());
    assert_eq!(what, Some(What::CallRefused { from, dialled, cause: Cause::Overloaded, unnoted: 0 }));
    office.hangs_up("138");
    office.until("the call is over", |office| office.last_record().ended.is_some());
    assert_ne!(office.last_cause(), Some(Cause::Overloaded));
}

#[test]
fn a_server_that_has_caught_up_takes_calls_again_and_its_alarm_ends_after_a_quiet_while() {
    let mut office = Office::seeded(41);
    for name in ["138", "139", "140"] {
        office.caller(name);
    }
    office.waited = ms(100);
    office.dials("138", "95500");
    assert_eq!(refused_with(&mut office, "138"), 503);
    office.waited = ms(50);
    office.dials("139", "95500");
    assert_eq!(refused_with(&mut office, "139"), 503, "better, but not well yet");
    office.waited = ms(5);
    office.dials("140", "95500");
    office.until("answered", |office| office.phones["140"].is_talking());
    let alarms = |office: &Office| {
        let of = |what: &What| match what {
            What::Alarm { name, .. } if name == "overload" => Some(true),
            What::AlarmCleared { name } if name == "overload" => Some(false),
            _ => None,
        };
        office.journal.iter().filter_map(|entry| of(&entry.what)).collect::<Vec<_>>()
    };
    assert_eq!(alarms(&office), [true]);
    office.run(secs(6));
    assert_eq!(alarms(&office), [true, false]);
}

#[test]
fn a_copy_of_an_invite_that_was_let_in_gets_its_answer_however_late_it_is() {
    let mut office = Office::seeded(42);
    let source = "127.0.9.9:5060".parse().expect("an address");
    let invite = "INVITE sip:95500@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.9.9:5060;rport;branch=z9hG4bKcopy\r\n\
                  From: <sip:138@127.0.9.9>;tag=1\r\nTo: <sip:95500@127.0.0.1>\r\nCall-ID: copy\r\n\
                  CSeq: 1 INVITE\r\nContact: <sip:138@127.0.9.9:5060>\r\nMax-Forwards: 70\r\n\
                  Content-Length: 0\r\n\r\n";
    assert_eq!(office.forge(source, invite), ["SIP/2.0 100 Trying", "SIP/2.0 200 OK"]);
    office.waited = secs(1);
    let late: Vec<String> = office.forge(source, invite);
    assert!(late.iter().all(|line| !line.contains("503")), "{late:?}");
    let other = invite.replace("copy", "other");
    assert_eq!(office.forge(source, &other), ["SIP/2.0 503 Service Unavailable"]);
    assert_eq!(office.snapshot().calls.len(), 1);
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
