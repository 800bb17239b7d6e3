//! What strangers try, and what it must not do.

use std::net::SocketAddr;

use hotline::call::cause::Cause;
use hotline::engine::happened::What;
use hotline::engine::input::Input;
use hotline::media::event::Event as MediaEvent;

use crate::office::phone::Manner;
use crate::office::{Office, secs};

const STRANGER: &str = "127.0.9.9:5060";
const ABROAD: &str = "203.0.113.7:5060";

fn invite(user: &str, from: &str, more: &str, number: usize) -> String {
    format!(
        "INVITE sip:{user}@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.9.9:5060;branch=z9hG4bK{number}\r\n\
         From: <sip:{from}@127.0.9.9>;tag=f{number}\r\nTo: <sip:{user}@127.0.0.1>\r\nCall-ID: c{number}\r\n\
         CSeq: 1 INVITE\r\nContact: <sip:victim@198.51.100.1>\r\nMax-Forwards: 70\r\n{more}Content-Length: 0\r\n\r\n"
    )
}

fn forge(office: &mut Office, source: &str, text: &str) -> String {
    let source: SocketAddr = source.parse().expect("an address");
    let answers = office.forge(source, text);
    answers.into_iter().rfind(|line| !line.contains(" 100 ")).unwrap_or_default()
}

/// From and dialled number of every attempt and call.
fn numbers(office: &Office) -> Vec<(String, String)> {
    let of = |what: &What| match what {
        What::CallArrived { from, dialled } | What::CallRefused { from, dialled, .. } => {
            Some((from.clone(), dialled.clone()))
        }
        _ => None,
    };
    office.journal.iter().filter_map(|entry| of(&entry.what)).collect()
}

#[test]
fn a_number_of_kilobytes_is_nobodys_and_rings_agents_all_the_same() {
    let mut office = Office::seeded(61);
    office.agent("1001", Manner::LetsRing);
    let long = "9".repeat(1_000);
    office.caller(&long);
    office.dials(&long, "95500");
    let who = long.clone();
    office.until("the menu is heard", |office| office.hears(&who, "main"));
    office.presses(&long, '9');
    office.until("the agent's phone rings", |office| office.phones["1001"].is_ringing());
    assert_eq!(numbers(&office), [("anonymous".to_owned(), "95500".to_owned())]);
}

#[test]
fn what_a_stranger_dials_is_noted_short_and_plain() {
    let mut office = Office::seeded(62);
    let answer = forge(&mut office, STRANGER, &invite("95500%00", "%1B%5B2J13812341234", "", 1));
    assert!(answer.contains(" 404 "), "{answer}");
    let long = "7".repeat(5_000);
    let answer = forge(&mut office, STRANGER, &invite(&long, "138%E2%80%AE1234", "", 2));
    assert!(answer.contains(" 404 "), "{answer}");
    let seen = numbers(&office);
    assert_eq!(seen[0], ("anonymous".to_owned(), "95500\u{fffd}".to_owned()));
    assert_eq!(seen[1], ("anonymous".to_owned(), "7".repeat(64)));
}

#[test]
fn escapes_in_a_user_part_are_no_way_around_the_rules() {
    let mut office = Office::seeded(63);
    office.agent("1001", Manner::LetsRing);
    let attempts = [
        ("%2a12", "138", " 401 "),
        ("%2A12", "1001", " 401 "),
        ("95500", "%31001", " 401 "),
        ("100%31", "138", " 404 "),
    ];
    for (number, (user, from, expected)) in attempts.into_iter().enumerate() {
        let answer = forge(&mut office, STRANGER, &invite(user, from, "", number));
        assert!(answer.contains(expected), "{user} from {from}: {answer}");
    }
    assert!(office.is_ready("1001"));
}

#[test]
fn no_answer_tells_a_stranger_which_agents_there_are() {
    let mut office = Office::seeded(71);
    office.agent("1001", Manner::LetsRing);
    let guess = "Authorization: Digest username=\"1001\", realm=\"127.0.0.1\", nonce=\"n\", uri=\"sip:a@b\", \
                 response=\"0\", algorithm=MD5, cnonce=\"c\", qop=auth, nc=00000001\r\n";
    let mut number = 0;
    for (source, more, expected) in
        [(STRANGER, "", " 404 "), (ABROAD, "", " 401 "), (STRANGER, guess, " 40"), (ABROAD, guess, " 40")]
    {
        let mut told = Vec::new();
        for user in ["1001", "1002", "1999", "4711"] {
            number += 1;
            told.push(forge(&mut office, source, &invite(user, "138", more, number)));
        }
        assert!(told[0].contains(expected), "{source}: {told:?}");
        assert!(told.iter().all(|answer| *answer == told[0]), "{source}: {told:?}");
    }
    for user in ["1001", "1999", "*11", "95500"] {
        for source in [STRANGER, ABROAD] {
            number += 1;
            let options = invite(user, "138", "", number).replace("INVITE", "OPTIONS");
            let answer = forge(&mut office, source, &options);
            assert!(answer.contains(" 200 "), "{user} from {source}: {answer}");
        }
    }
}

#[test]
fn a_flood_of_guesses_is_counted_but_not_noted_one_by_one() {
    let mut office = Office::seeded(72);
    office.agent_phone("1001", "wrong", Manner::LetsRing);
    office.registers("1001", 600);
    office.run(secs(5));
    let guess = |datagram: &[u8]| {
        let text = String::from_utf8_lossy(datagram).into_owned();
        (text.starts_with("REGISTER") && text.contains("Authorization:")).then_some(text)
    };
    let guess = office.network.ladder.iter().find_map(|(_, datagram, _)| guess(&datagram.bytes));
    let guess = guess.expect("the phone has tried");
    let source = office.phones["1001"].address.to_string();
    let before = office.snapshot().login_failures;
    for number in 0..500 {
        let again = guess.replace("branch=z9hG4bK", &format!("branch=z9hG4bKagain{number}"));
        let answer = forge(&mut office, &source, &again);
        assert!(answer.contains(" 401 ") || answer.contains(" 403 "), "{answer}");
    }
    assert_eq!(office.snapshot().login_failures - before, 500);
    let noted = office.journal.iter().filter(|entry| matches!(entry.what, What::LoginFailed { .. })).count();
    assert!((20..30).contains(&noted), "a second's worth: {noted}");
}

#[test]
fn malformed_calls_cost_real_callers_no_place() {
    let mut office = Office::seeded(73);
    for number in 0..300 {
        let answer = forge(&mut office, STRANGER, &invite("95500", "138", "Require: teleport\r\n", number));
        assert!(answer.contains(" 420 "), "{number}: {answer}");
    }
    let answer = forge(&mut office, STRANGER, &invite("95500", "138", "", 1_000));
    assert!(answer.contains(" 200 "), "{answer}");
}

#[test]
fn an_asserted_identity_counts_from_the_trunk_only() {
    let mut office = Office::seeded(64);
    let asserted = "P-Asserted-Identity: <sip:13900000000@127.0.9.9>\r\n";
    let answer = forge(&mut office, ABROAD, &invite("95500", "138", asserted, 1));
    assert!(answer.contains(" 401 "), "{answer}");
    let answer = forge(&mut office, STRANGER, &invite("95500", "138", asserted, 2));
    assert!(answer.contains(" 200 "), "{answer}");
    assert_eq!(numbers(&office), [("13900000000".to_owned(), "95500".to_owned())]);
    let agent = "P-Asserted-Identity: <sip:1001@127.0.9.9>\r\n";
    let answer = forge(&mut office, STRANGER, &invite("95500", "138", agent, 3));
    assert!(answer.contains(" 401 "), "{answer}");
}

#[test]
fn a_flood_of_refused_calls_is_counted_but_not_noted_one_by_one() {
    let mut office = Office::seeded(65);
    for number in 0..1_000 {
        let answer = forge(&mut office, STRANGER, &invite("4711", "138", "", number));
        assert!(answer.contains(" 404 "), "{answer}");
    }
    assert_eq!(office.snapshot().calls_refused, 1_000, "for the metrics, at once");
    assert_eq!(numbers(&office).len(), 20, "a second's worth");
    office.run(secs(60));
    forge(&mut office, STRANGER, &invite("4711", "138", "", 5_000));
    let last = office.journal.iter().rev().find_map(|entry| match entry.what {
        What::CallRefused { unnoted, .. } => Some(unnoted),
        _ => None,
    });
    assert_eq!(last, Some(980), "nothing is forgotten");
}

#[test]
fn a_caller_who_never_acknowledges_is_let_go_and_leaves_nothing() {
    let mut office = Office::seeded(66);
    for number in 0..50 {
        let answer = forge(&mut office, STRANGER, &invite("95500", "138", "", number));
        assert!(answer.contains(" 200 "), "{answer}");
    }
    assert_eq!(office.snapshot().calls.len(), 50);
    office.run(secs(120));
    let snapshot = office.snapshot();
    assert_eq!((snapshot.calls.len(), snapshot.legs, snapshot.transactions), (0, 0, 0));
    assert!(office.sound.streams.is_empty());
    assert!(office.records.values().all(|record| record.cause == Some(Cause::NeverConfirmed)));
}

#[test]
fn too_many_calls_a_second_are_told_to_come_later_and_the_next_second_is_served() {
    let mut office = Office::seeded(67);
    let mut refused = 0;
    for number in 0..300 {
        refused +=
            usize::from(forge(&mut office, STRANGER, &invite("95500", "138", "", number)).contains(" 503 "));
    }
    assert_eq!(refused, 100, "200 a second are let in");
    office.run(secs(1));
    let answer = forge(&mut office, STRANGER, &invite("95500", "138", "", 1_000));
    assert!(answer.contains(" 200 "), "{answer}");
}

#[test]
fn credentials_overheard_are_worth_nothing() {
    let mut office = Office::seeded(68);
    office.agent("1001", Manner::LetsRing);
    let overheard = |datagram: &[u8]| {
        let text = String::from_utf8_lossy(datagram).into_owned();
        (text.starts_with("REGISTER") && text.contains("Authorization:")).then_some(text)
    };
    let register = office.network.ladder.iter().find_map(|(_, datagram, _)| overheard(&datagram.bytes));
    let register = register.expect("the agent has registered");
    let at_home = office.phones["1001"].address.to_string();
    for (number, source) in [at_home.as_str(), STRANGER, ABROAD].into_iter().enumerate() {
        let again = register.replace("branch=z9hG4bK", &format!("branch=z9hG4bKagain{number}"));
        let answer = forge(&mut office, source, &again);
        assert!(answer.contains(" 401 "), "from {source}: {answer}");
    }
    // What proved a REGISTER proves no call.
    let authorization =
        register.lines().find(|line| line.starts_with("Authorization:")).expect("it is there");
    let more = format!("{}\r\n", authorization.replace("nc=00000001", "nc=00000002"));
    let answer = forge(&mut office, &at_home, &invite("*12", "1001", &more, 9));
    assert!(answer.contains(" 400 ") || answer.contains(" 401 "), "{answer}");
    assert!(office.is_ready("1001"));
}

#[test]
fn an_agent_registers_as_nobody_else() {
    let mut office = Office::seeded(69);
    office.agent_phone("1001", "demo-1001", Manner::LetsRing);
    office.registers("1001", 600);
    let proven = |datagram: &[u8]| {
        let text = String::from_utf8_lossy(datagram).into_owned();
        text.contains("Authorization:").then_some(text)
    };
    let caught = |office: &Office| office.network.ladder.iter().find_map(|(_, sent, _)| proven(&sent.bytes));
    // The right credentials, caught before they arrive.
    office.until("the phone proves who it is", |office| caught(office).is_some());
    let text = caught(&office).expect("it was sent");
    let to_another = text.replace("To: <sip:1001@", "To: <sip:1002@");
    assert_ne!(text, to_another);
    let source = office.phones["1001"].address.to_string();
    let answer = forge(&mut office, &source, &to_another);
    assert!(answer.contains(" 403 "), "{answer}");
    assert!(!office.is_ready("1002"));
}

#[test]
fn a_body_that_is_no_session_costs_no_port() {
    let mut office = Office::seeded(70);
    let body = "Content-Type: application/sdp\r\n";
    let invite = invite("95500", "138", body, 1)
        .replace("Content-Length: 0\r\n\r\n", "Content-Length: 5\r\n\r\nv=0\r\n");
    let answer = forge(&mut office, STRANGER, &invite);
    assert!(answer.contains(" 488 "), "{answer}");
    assert!(office.sound.streams.is_empty());
    assert_eq!(office.last_cause(), Some(Cause::NotAcceptable));
}

#[test]
fn while_the_journal_is_behind_new_calls_are_told_to_come_later() {
    let mut office = Office::seeded(60);
    office.input(Input::JournalCrowded(true));
    let answer = forge(&mut office, STRANGER, &invite("95500", "138", "", 1));
    assert!(answer.contains(" 503 "), "{answer}");
    office.input(Input::JournalCrowded(false));
    let answer = forge(&mut office, STRANGER, &invite("95500", "138", "", 2));
    assert!(answer.contains(" 200 "), "{answer}");
}

#[test]
fn while_the_only_media_worker_has_too_much_to_do_new_calls_are_told_to_come_later() {
    let mut office = Office::seeded(61);
    office.input(Input::Media { event: MediaEvent::Overloaded { worker: 0 } });
    let answer = forge(&mut office, STRANGER, &invite("95500", "138", "", 1));
    assert!(answer.contains(" 503 "), "{answer}");
    office.input(Input::Media { event: MediaEvent::Eased { worker: 0 } });
    let answer = forge(&mut office, STRANGER, &invite("95500", "138", "", 2));
    assert!(answer.contains(" 200 "), "{answer}");
}

#[test]
fn a_caller_whose_late_answer_cannot_be_used_is_hung_up_on() {
    let mut office = Office::seeded(79);
    let invite = invite("95500", "138", "", 1);
    let answer = forge(&mut office, STRANGER, &invite);
    assert!(answer.contains(" 200 "), "{answer}");
    let answered = office.network.ladder.iter().rev().find_map(|(_, datagram, _)| {
        let text = String::from_utf8_lossy(&datagram.bytes).into_owned();
        text.starts_with("SIP/2.0 200").then_some(text)
    });
    let answered = answered.expect("a 200 with our offer");
    let to = answered.lines().find(|line| line.starts_with("To:")).expect("a To");
    let body = "v=0\r\no=- 1 1 IN IP4 127.0.9.9\r\ns=-\r\nc=IN IP4 127.0.9.9\r\nt=0 0\r\n\
                m=audio 4000 RTP/AVP 18\r\n";
    let ack = format!(
        "ACK sip:95500@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.9.9:5060;branch=z9hG4bKack\r\n\
         From: <sip:138@127.0.9.9>;tag=f1\r\n{to}\r\nCall-ID: c1\r\nCSeq: 1 ACK\r\nMax-Forwards: 70\r\n\
         Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let bye = forge(&mut office, STRANGER, &ack);
    assert!(bye.starts_with("BYE "), "{bye}");
    assert_eq!(office.last_cause(), Some(Cause::NotAcceptable));
    office.run(secs(60));
    assert!(office.sound.streams.is_empty() && office.engine.is_idle());
}
