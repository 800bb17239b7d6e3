//! Before the answer: reliable provisionals both ways, forks, delayed offers.

use super::script::{header, invite, line, reply};
use super::*;

#[test]
fn the_200_waits_for_the_prack_of_a_reliable_answer() {
    let mut world = World::new(2);
    let (ours, theirs) = world.knock();
    world.lose("PRACK", 1);
    world.progress(B, theirs, ANSWER);
    world.accept(B, theirs, ANSWER);
    world.run(ms(100));
    assert_eq!(world.events(A, ours), [LegEvent::EarlyMedia { answer: Bytes::from_static(ANSWER) }]);
    world.run(secs(2));
    assert_eq!(world.events(A, ours), [answered(None)]);
    assert_eq!(world.events(B, theirs), [LegEvent::Confirmed { answer: None }]);
    world.hang_up(A, ours, Cause::FlowEnded);
    world.nothing_is_left();
}

#[test]
fn a_provisional_that_is_never_pracked_ends_the_call() {
    let mut world = World::new(2);
    let (ours, theirs) = world.knock();
    world.lose("PRACK", usize::MAX);
    world.progress(B, theirs, ANSWER);
    world.run(secs(40));
    assert_eq!(world.events(B, theirs), [ended(Cause::NeverConfirmed, EndedBy::Fault)]);
    assert_eq!(world.events(A, ours).last(), Some(&refused(Cause::Unreachable, 504)));
    world.nothing_is_left();
}

#[test]
fn a_peer_without_100rel_gets_plain_provisionals() {
    let mut world = World::new(1);
    world.says(&invite().text());
    let leg = world.invited(0);
    world.progress(0, leg, ANSWER);
    world.run(secs(2));
    let progress = world.hears("SIP/2.0 183");
    assert!(!progress.contains("RSeq") && progress.ends_with("v=0 answer"));
    world.accept(0, leg, ANSWER);
    world.run(ms(20));
    assert!(world.hears("SIP/2.0 200").ends_with("v=0 answer"));
}

#[test]
fn a_peer_that_requires_100rel_gets_even_ringing_reliably_and_one_at_a_time() {
    let mut world = World::new(1);
    world.says(&invite().with("Require: 100rel").text());
    let leg = world.invited(0);
    world.ring(0, leg);
    world.progress(0, leg, ANSWER);
    world.accept(0, leg, ANSWER);
    world.run(ms(20));
    let ringing = world.hears("SIP/2.0 180");
    assert_eq!((header(&ringing, "RSeq"), header(&ringing, "Require")), ("1".into(), "100rel".into()));
    assert!(world.heard("SIP/2.0 183").is_empty());
    let ok = world.hears("SIP/2.0 200");
    assert!(ok.ends_with("v=0 answer"), "nothing with SDP was unacknowledged");
    world.says(&line("PRACK", 11).inside(&ok).with("RAck: 1 10 INVITE").text());
    assert!(header(&world.hears("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 10.0.0.99"), "CSeq").contains("PRACK"));
}

#[test]
fn a_progress_that_must_wait_follows_the_prack() {
    let mut world = World::new(1);
    world.says(&invite().with("Require: 100rel").text());
    let leg = world.invited(0);
    world.ring(0, leg);
    world.progress(0, leg, ANSWER);
    world.run(ms(20));
    let ringing = world.hears("SIP/2.0 180");
    world.says(&line("PRACK", 11).inside(&ringing).with("RAck: 1 10 INVITE").text());
    let progress = world.hears("SIP/2.0 183");
    assert_eq!(header(&progress, "RSeq"), "2");
    world.says(&line("PRACK", 12).inside(&ringing).with("RAck: 2 10 INVITE").text());
    world.accept(0, leg, ANSWER);
    world.run(ms(20));
    let ok = world.heard("SIP/2.0 200").pop().expect("a 200");
    assert!(ok.contains("INVITE") && ok.ends_with("\r\n\r\n"), "the answer was given: {ok}");
}

#[test]
fn a_prack_that_matches_nothing_gets_481_and_one_with_an_offer_488() {
    let mut world = World::new(1);
    world.says(&invite().with("Supported: 100rel").text());
    let leg = world.invited(0);
    world.progress(0, leg, ANSWER);
    world.run(ms(20));
    let progress = world.hears("SIP/2.0 183");
    world.says(&line("PRACK", 11).inside(&progress).with("RAck: 9 10 INVITE").text());
    world.hears("SIP/2.0 481");
    world.says(&line("PRACK", 12).inside(&progress).with("RAck: 1 10 INVITE").sdp("v=0 more").text());
    world.hears("SIP/2.0 488");
    world.run(secs(40));
    assert_eq!(world.events(0, leg), [], "it was acknowledged all the same");
}

#[test]
fn the_peers_reliable_provisionals_are_pracked_in_order_only() {
    let mut world = World::new(1);
    let (leg, invite) = world.rings_peer();
    let provisional = |rseq: u32, sdp: &str| {
        let headers = format!("Require: 100rel\r\nRSeq: {rseq}\r\n");
        reply(&invite, "183 Session Progress", "phone", &headers, sdp)
    };
    world.says(&provisional(7, ""));
    let prack = world.hears("PRACK sip:phone@10.0.0.99:5060");
    assert_eq!(header(&prack, "RAck"), "7 1 INVITE");
    assert_eq!(header(&prack, "CSeq"), "2 PRACK");
    world.says(&reply(&prack, "200 OK", "", "", ""));
    world.says(&provisional(9, "v=0 too soon"));
    assert!(world.heard("PRACK").is_empty());
    assert_eq!(world.events(0, leg), []);
    world.says(&provisional(8, "v=0 answer"));
    assert_eq!(header(&world.hears("PRACK"), "RAck"), "8 1 INVITE");
    assert_eq!(world.events(0, leg), [LegEvent::EarlyMedia { answer: Bytes::from_static(ANSWER) }]);
    world.says(&provisional(8, "v=0 answer"));
    assert_eq!(world.events(0, leg), []);
    world.says(&reply(&invite, "200 OK", "phone", "", ""));
    assert_eq!(world.events(0, leg), [answered(None)]);
}

#[test]
fn the_second_fork_that_answers_is_acknowledged_and_ended() {
    let mut world = World::new(1);
    let (leg, invite) = world.rings_peer();
    world.says(&reply(&invite, "180 Ringing", "one", "", ""));
    world.says(&reply(&invite, "183 Session Progress", "two", "", "v=0 two"));
    let early = LegEvent::EarlyMedia { answer: Bytes::from_static(b"v=0 two") };
    assert_eq!(world.events(0, leg), [LegEvent::Ringing, early]);
    world.says(&reply(&invite, "200 OK", "one", "", "v=0 answer"));
    world.hears("ACK sip:one@");
    assert_eq!(world.events(0, leg), [answered(Some(ANSWER))]);
    world.says(&reply(&invite, "200 OK", "two", "", "v=0 two"));
    world.hears("ACK sip:two@");
    let bye = world.hears("BYE sip:two@");
    assert!(bye.contains("answered_elsewhere"));
    world.says(&reply(&bye, "200 OK", "", "", ""));
    world.says(&reply(&invite, "200 OK", "two", "", "v=0 two"));
    world.hears("ACK sip:two@");
    assert!(world.heard("BYE").is_empty(), "one BYE is enough");
    assert_eq!((world.events(0, leg), world.nodes[0].legs.len()), (vec![], 1));
}

#[test]
fn a_repeated_200_is_acknowledged_again_even_after_the_call() {
    let mut world = World::new(1);
    let (leg, invite) = world.peer_answers("");
    let ok = reply(&invite, "200 OK", "phone", "", "v=0 answer");
    world.says(&ok);
    world.hears("ACK");
    world.hang_up(0, leg, Cause::FlowEnded);
    world.says(&ok);
    world.hears("ACK");
}

#[test]
fn a_delayed_offer_is_ours_in_the_200_and_theirs_in_the_ack() {
    let mut world = World::new(1);
    world.says(&line("INVITE", 10).text());
    assert_eq!(world.nodes[0].invitations[0].offer, None);
    let leg = world.invited(0);
    world.progress(0, leg, OFFER);
    world.accept(0, leg, OFFER);
    world.run(ms(20));
    assert!(world.hears("SIP/2.0 183").ends_with("\r\n\r\n"));
    let ok = world.hears("SIP/2.0 200");
    assert!(ok.ends_with("v=0 offer"));
    world.says(&line("ACK", 10).inside(&ok).sdp("v=0 answer").text());
    assert_eq!(world.events(0, leg), [LegEvent::Confirmed { answer: Some(Bytes::from_static(ANSWER)) }]);
}

#[test]
fn an_ack_without_the_answer_it_owes_ends_the_call() {
    let mut world = World::new(1);
    world.says(&line("INVITE", 10).text());
    let leg = world.invited(0);
    world.accept(0, leg, OFFER);
    world.run(ms(20));
    let ok = world.hears("SIP/2.0 200");
    world.says(&line("ACK", 10).inside(&ok).text());
    assert_eq!(world.events(0, leg), [ended(Cause::ProtocolError, EndedBy::Fault)]);
    world.hears("BYE");
    world.nothing_is_left();
}

#[test]
fn a_200_without_any_answer_ends_the_call() {
    let mut world = World::new(1);
    let (leg, invite) = world.rings_peer();
    world.says(&reply(&invite, "200 OK", "phone", "", ""));
    world.hears("ACK");
    world.hears("BYE");
    let fault = LegEvent::Ended { cause: Cause::ProtocolError, by: EndedBy::Fault, status: Some(200) };
    assert_eq!(world.events(0, leg), [fault]);
    world.nothing_is_left();
}

#[test]
fn an_early_update_is_answered_once_the_first_answer_is_settled() {
    let mut world = World::new(1);
    world.says(&invite().with("Supported: 100rel").with("Allow: UPDATE").text());
    let leg = world.invited(0);
    world.progress(0, leg, ANSWER);
    world.run(ms(20));
    let progress = world.hears("SIP/2.0 183");
    world.says(&line("UPDATE", 11).inside(&progress).sdp("v=0 more").text());
    header(&world.hears("SIP/2.0 500"), "Retry-After");
    world.says(&line("PRACK", 12).inside(&progress).with("RAck: 1 10 INVITE").text());
    world.hears("SIP/2.0 200");
    world.says(&line("UPDATE", 13).inside(&progress).sdp("v=0 more").text());
    assert_eq!(world.events(0, leg), [LegEvent::Offered { offer: Bytes::from_static(b"v=0 more") }]);
    world.answer_offer(0, leg, Ok(b"v=0 fine"));
    world.run(ms(20));
    assert!(world.hears("SIP/2.0 200").ends_with("v=0 fine"));
    world.offer(0, leg, b"v=0 ours");
    world.run(ms(20));
    let update = world.hears("UPDATE");
    world.says(&reply(&update, "200 OK", "", "", "v=0 theirs"));
    let taken = LegEvent::OfferAnswered { answer: Bytes::from_static(b"v=0 theirs") };
    assert_eq!(world.events(0, leg), [taken]);
}

#[test]
fn a_long_ringing_is_repeated_each_minute() {
    let mut world = World::new(1);
    world.says(&invite().text());
    let leg = world.invited(0);
    world.ring(0, leg);
    world.run(secs(125));
    assert_eq!(world.heard("SIP/2.0 180").len(), 3);
}
