//! Re-offers both ways: hold, resume, glare, refusals.

use super::script::{header, invite, line, reply};
use super::*;

const HOLD: &[u8] = b"v=0 hold";

fn offered(sdp: &'static [u8]) -> LegEvent {
    LegEvent::Offered { offer: Bytes::from_static(sdp) }
}

fn taken(sdp: &'static [u8]) -> LegEvent {
    LegEvent::OfferAnswered { answer: Bytes::from_static(sdp) }
}

#[test]
fn hold_and_resume_from_both_sides() {
    let mut world = World::new(2);
    let (ours, theirs) = world.talk();
    let sides = [(A, ours, B, theirs), (B, theirs, A, ours), (A, ours, B, theirs)];
    for (from, leg, to, other) in sides {
        world.offer(from, leg, HOLD);
        world.run(ms(20));
        assert_eq!(world.events(to, other), [offered(HOLD)]);
        world.answer_offer(to, other, Ok(b"v=0 held"));
        world.run(ms(20));
        assert_eq!(world.events(from, leg), [taken(b"v=0 held")]);
    }
    assert_eq!(world.count(A, "ACK") + world.count(B, "ACK"), 4);
    world.hang_up(A, ours, Cause::FlowEnded);
    world.nothing_is_left();
}

#[test]
fn a_refused_offer_keeps_the_session() {
    let mut world = World::new(2);
    let (ours, theirs) = world.talk();
    world.offer(A, ours, HOLD);
    world.run(ms(20));
    world.events(B, theirs);
    world.answer_offer(B, theirs, Err(488));
    world.run(ms(20));
    assert_eq!(world.events(A, ours), [LegEvent::OfferRefused { status: 488 }]);
    world.offer(B, theirs, HOLD);
    world.run(ms(20));
    assert_eq!(world.events(A, ours), [offered(HOLD)]);
    assert_eq!((world.nodes[A].legs.len(), world.nodes[B].legs.len()), (1, 1));
}

#[test]
fn offers_that_cross_are_both_made_again_the_callers_after_the_others() {
    let mut world = World::new(2);
    let (ours, theirs) = world.talk();
    world.offer(A, ours, b"v=0 from a");
    world.offer(B, theirs, b"v=0 from b");
    world.run(ms(30));
    assert_eq!((world.count(A, "SIP/2.0 491"), world.count(B, "SIP/2.0 491")), (1, 1));
    let start = world.now;
    let mut seen = Vec::new();
    while world.now.since(start) < secs(6) {
        world.run(ms(10));
        for (node, leg, name) in [(A, ours, "a"), (B, theirs, "b")] {
            for event in world.events(node, leg) {
                match event {
                    LegEvent::Offered { .. } => world.answer_offer(node, leg, Ok(ANSWER)),
                    LegEvent::OfferAnswered { .. } => seen.push((name, world.now.since(start))),
                    other => panic!("{other:?}"),
                }
            }
        }
    }
    let [("b", early), ("a", late)] = seen[..] else { panic!("{seen:?}") };
    assert!(early < secs(2) + ms(50), "{early:?}");
    assert!(late >= early && late < ms(4_100), "{late:?}");
}

#[test]
fn only_the_newest_of_the_waiting_offers_is_made() {
    let mut world = World::new(2);
    let (ours, theirs) = world.knock();
    world.offer(A, ours, b"v=0 never");
    world.offer(A, ours, b"v=0 first");
    world.accept(B, theirs, ANSWER);
    world.run(ms(50));
    assert_eq!(world.events(B, theirs), [LegEvent::Confirmed { answer: None }, offered(b"v=0 first")]);
    world.offer(A, ours, b"v=0 lost");
    world.offer(A, ours, b"v=0 last");
    world.answer_offer(B, theirs, Ok(ANSWER));
    world.run(ms(50));
    assert_eq!(world.events(B, theirs), [offered(b"v=0 last")]);
}

#[test]
fn a_reinvite_without_sdp_gets_our_offer_and_brings_the_answer_in_its_ack() {
    let mut world = World::new(1);
    let (leg, ok) = world.peer_talks(invite());
    world.says(&line("INVITE", 11).inside(&ok).text());
    assert_eq!(world.events(0, leg), [LegEvent::OfferWanted]);
    world.answer_offer(0, leg, Ok(OFFER));
    world.run(ms(20));
    assert!(world.hears("SIP/2.0 200").ends_with("v=0 offer"));
    world.says(&line("INVITE", 12).inside(&ok).text());
    world.hears("SIP/2.0 491");
    world.says(&line("ACK", 11).inside(&ok).sdp("v=0 answer").text());
    assert_eq!(world.events(0, leg), [taken(ANSWER)]);
}

#[test]
fn a_second_reinvite_while_one_is_unanswered_is_told_to_come_later() {
    let mut world = World::new(1);
    let (leg, ok) = world.peer_talks(invite());
    world.says(&line("INVITE", 11).inside(&ok).sdp("v=0 one").text());
    world.says(&line("INVITE", 12).inside(&ok).sdp("v=0 two").text());
    let later: u32 = header(&world.hears("SIP/2.0 500"), "Retry-After").parse().expect("a number");
    assert!(later <= 10);
    assert_eq!(world.events(0, leg), [offered(b"v=0 one")]);
}

#[test]
fn a_cancelled_reinvite_gets_487_and_the_session_stays() {
    let mut world = World::new(1);
    let (leg, ok) = world.peer_talks(invite());
    world.says(&line("INVITE", 11).inside(&ok).sdp("v=0 one").text());
    world.says(&line("CANCEL", 11).inside(&ok).branch("INVITE11").text());
    world.hears("SIP/2.0 487");
    world.says(&line("ACK", 11).inside(&ok).branch("INVITE11").text());
    world.events(0, leg);
    world.answer_offer(0, leg, Ok(ANSWER));
    world.offer(0, leg, HOLD);
    world.run(ms(20));
    world.hears("INVITE");
    assert_eq!(world.nodes[0].legs.len(), 1);
}

#[test]
fn a_reinvite_implies_the_ack_that_was_lost() {
    let mut world = World::new(1);
    world.says(&invite().text());
    let leg = world.invited(0);
    world.accept(0, leg, ANSWER);
    world.run(ms(20));
    let ok = world.hears("SIP/2.0 200");
    world.says(&line("INVITE", 11).inside(&ok).sdp("v=0 hold").text());
    assert_eq!(world.events(0, leg), [LegEvent::Confirmed { answer: None }, offered(HOLD)]);
}

#[test]
fn an_update_with_an_offer_is_answered_and_one_without_only_refreshes() {
    let mut world = World::new(1);
    let (leg, ok) = world.peer_talks(invite());
    world.says(&line("UPDATE", 11).inside(&ok).text());
    assert!(world.hears("SIP/2.0 200").ends_with("\r\n\r\n"));
    assert_eq!(world.events(0, leg), []);
    let moved = "Contact: <sip:moved@10.0.0.99:5060>\r\n";
    let mut update = line("UPDATE", 12).inside(&ok).sdp("v=0 hold");
    update.headers = update.headers.replace("Contact: <sip:peer@10.0.0.99:5060>\r\n", moved);
    world.says(&update.text());
    assert_eq!(world.events(0, leg), [offered(HOLD)]);
    world.answer_offer(0, leg, Ok(ANSWER));
    world.hang_up(0, leg, Cause::FlowEnded);
    world.run(ms(20));
    world.hears("SIP/2.0 200");
    world.hears("BYE sip:moved@");
}

#[test]
fn a_reinvite_of_ours_that_finds_no_dialog_ends_the_call() {
    for status in ["481 Gone", "408 Timeout"] {
        let mut world = World::new(1);
        let (leg, _) = world.peer_answers("");
        world.offer(0, leg, HOLD);
        world.run(ms(20));
        let again = world.hears("INVITE");
        world.says(&reply(&again, status, "", "", ""));
        assert_eq!(world.events(0, leg), [ended(Cause::Unreachable, EndedBy::Fault)]);
        world.hears("BYE");
        world.nothing_is_left();
    }
}

#[test]
fn a_reinvite_of_ours_that_is_told_when_is_made_again_then() {
    let mut world = World::new(1);
    let (leg, _) = world.peer_answers("");
    world.offer(0, leg, HOLD);
    world.run(ms(20));
    let again = world.hears("INVITE");
    world.says(&reply(&again, "500 Later", "", "Retry-After: 3\r\n", ""));
    world.hears("ACK");
    world.run(ms(2_900));
    assert!(world.heard("INVITE").is_empty());
    world.run(ms(200));
    let again = world.hears("INVITE");
    assert_eq!(header(&again, "CSeq"), "3 INVITE");
    world.says(&reply(&again, "200 OK", "", "", "v=0 answer"));
    assert_eq!(header(&world.hears("ACK"), "CSeq"), "3 ACK");
    assert_eq!(world.events(0, leg), [taken(ANSWER)]);
}

#[test]
fn an_offer_that_always_meets_glare_is_refused_in_the_end() {
    let mut world = World::new(1);
    let (leg, _) = world.peer_answers("");
    world.offer(0, leg, HOLD);
    for attempt in 0..6 {
        world.run(ms(2_050));
        assert_eq!(world.heard("INVITE").is_empty(), attempt > 0, "the owner of the Call-ID waits longest");
        world.run(ms(2_000));
        let Some(again) = world.heard("INVITE").pop() else { panic!("attempt {attempt}") };
        world.says(&reply(&again, "491 Request Pending", "", "", ""));
        world.hears("ACK");
    }
    assert_eq!(world.events(0, leg), [LegEvent::OfferRefused { status: 491 }]);
    world.run(secs(10));
    assert!(world.heard("INVITE").is_empty());
}

#[test]
fn a_reinvite_that_is_never_answered_is_cancelled_and_counts_as_refused() {
    let mut world = World::new(1);
    let (leg, _) = world.peer_answers("");
    world.offer(0, leg, HOLD);
    world.run(ms(20));
    let again = world.hears("INVITE");
    world.says(&reply(&again, "100 Trying", "", "", ""));
    world.run(ms(64_100));
    assert_eq!(world.events(0, leg), [LegEvent::OfferRefused { status: 408 }]);
    world.hears("CANCEL");
    world.says(&reply(&again, "200 OK", "", "", "v=0 answer"));
    world.hears("ACK");
    world.hang_up(0, leg, Cause::FlowEnded);
    world.nothing_is_left();
}

#[test]
fn hanging_up_during_an_exchange_leaves_nothing_unanswered() {
    let mut world = World::new(2);
    let (ours, theirs) = world.talk();
    world.offer(A, ours, HOLD);
    world.run(ms(20));
    world.hang_up(B, theirs, Cause::AgentHungUp);
    world.run(ms(50));
    let refused = LegEvent::OfferRefused { status: 487 };
    assert_eq!(world.events(A, ours), [refused, ended(Cause::AgentHungUp, EndedBy::Peer)]);
    assert_eq!(world.count(B, "SIP/2.0 487"), 1);
    world.nothing_is_left();
    let (ours, _) = world.talk();
    world.offer(A, ours, HOLD);
    world.hang_up(A, ours, Cause::FlowEnded);
    world.nothing_is_left();
}

#[test]
fn a_long_call_with_many_exchanges_holds_no_more_than_a_short_one() {
    let mut world = World::new(1);
    let (leg, ok) = world.peer_talks(invite());
    world.run(secs(40));
    let before = world.nodes[0].legs.entries();
    for cseq in 11..31 {
        world.says(&line("INVITE", cseq).inside(&ok).sdp("v=0 hold").text());
        world.answer_offer(0, leg, if cseq % 3 == 0 { Err(488) } else { Ok(ANSWER) });
        world.run(ms(20));
        world.says(&line("ACK", cseq).inside(&ok).text());
    }
    assert_eq!(world.nodes[0].legs.entries(), before);
}

#[test]
fn a_phone_that_comes_from_another_port_is_answered_there_from_then_on() {
    let mut world = World::new(1);
    let (leg, ok) = world.peer_talks(invite());
    let moved = SocketAddr::from(([10, 0, 0, 99], 6070));
    let text = line("INVITE", 11).inside(&ok).sdp("v=0 hold").text();
    world.transmit(Packet { from: moved, to: address(0), bytes: Bytes::from(text) });
    world.run(ms(20));
    world.answer_offer(0, leg, Ok(ANSWER));
    world.says(&line("ACK", 11).inside(&ok).text());
    world.hang_up(0, leg, Cause::FlowEnded);
    assert!(world.ladder.last().is_some_and(|line| line.contains("> 10.0.0.99:6070 BYE")));
}
