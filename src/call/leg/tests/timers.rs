//! Session timers (RFC 4028) in calls.

use super::script::{header, invite, line, reply};
use super::*;

#[test]
fn two_servers_keep_a_long_call_alive_and_notice_when_the_other_is_gone() {
    let mut world = World::new(2);
    let (ours, theirs) = world.talk();
    world.run(secs(4_000));
    assert_eq!(world.count(A, "UPDATE"), 4);
    assert_eq!((world.events(A, ours), world.events(B, theirs)), (vec![], vec![]));
    for start in ["UPDATE", "BYE", "SIP"] {
        world.lose(start, usize::MAX);
    }
    world.run(secs(1_900));
    let gone = |events: Vec<LegEvent>| matches!(events[..], [LegEvent::Ended { by: EndedBy::Fault, .. }]);
    assert!(gone(world.events(A, ours)));
    assert_eq!(world.events(B, theirs), [ended(Cause::SessionExpired, EndedBy::Fault)]);
    world.nothing_is_left();
}

#[test]
fn a_too_short_interval_is_refused_with_the_least_one() {
    let mut world = World::new(1);
    world.says(&invite().with("Supported: timer").with("Session-Expires: 30").text());
    assert_eq!(header(&world.hears("SIP/2.0 422"), "Min-SE"), "90");
    assert!(world.nodes[0].invitations.is_empty() && world.nodes[0].legs.is_empty());
}

#[test]
fn the_peer_that_refreshes_in_time_keeps_its_session() {
    let mut world = World::new(1);
    let timer = "Session-Expires: 90;refresher=uac";
    let (leg, ok) = world.peer_talks(invite().with("Supported: timer").with(timer));
    assert_eq!(header(&ok, "Session-Expires"), "90;refresher=uac");
    assert_eq!(header(&ok, "Require"), "timer");
    world.run(secs(45));
    world.says(&line("UPDATE", 11).inside(&ok).with("Supported: timer").with(timer).text());
    world.hears("SIP/2.0 200");
    world.run(secs(59));
    assert_eq!(world.events(0, leg), []);
    world.run(secs(2));
    assert_eq!(world.events(0, leg), [ended(Cause::SessionExpired, EndedBy::Fault)]);
    world.heard("BYE");
    world.nothing_is_left();
}

#[test]
fn we_refresh_by_reinvite_where_update_is_not_allowed() {
    let mut world = World::new(1);
    let timer = "Session-Expires: 100;refresher=uas";
    let (leg, ok) = world.peer_talks(invite().with("Supported: timer").with(timer));
    assert_eq!(header(&ok, "Session-Expires"), "100;refresher=uas");
    world.run(secs(51));
    let again = world.heard("INVITE").remove(0);
    assert!(again.ends_with("v=0 answer"), "the same session");
    assert_eq!(header(&again, "Session-Expires"), "100;refresher=uac");
    world.says(&reply(&again, "200 OK", "", "Session-Expires: 100;refresher=uac\r\n", "v=0 offer"));
    assert_eq!(world.events(0, leg), [], "nothing has changed for the engine");
    world.run(secs(51));
    let again = world.heard("INVITE").remove(0);
    world.says(&reply(&again, "200 OK", "", "Session-Expires: 100;refresher=uac\r\n", "v=0 new"));
    assert_eq!(world.events(0, leg), [LegEvent::OfferAnswered { answer: Bytes::from_static(b"v=0 new") }]);
}

#[test]
fn a_refused_update_falls_back_to_reinvite() {
    let mut world = World::new(1);
    let timer = "Session-Expires: 100;refresher=uac\r\nAllow: INVITE, UPDATE\r\n";
    world.peer_answers(timer);
    world.run(secs(51));
    let update = world.heard("UPDATE").remove(0);
    world.says(&reply(&update, "501 What", "", "", ""));
    world.hears("INVITE");
}

#[test]
fn a_refresh_that_asks_for_longer_is_made_again_with_it() {
    let mut world = World::new(1);
    let timer = "Session-Expires: 100;refresher=uac\r\nAllow: INVITE, UPDATE\r\n";
    world.peer_answers(timer);
    world.run(secs(51));
    let update = world.heard("UPDATE").remove(0);
    world.says(&reply(&update, "422 Longer", "", "Min-SE: 300\r\n", ""));
    assert_eq!(header(&world.hears("UPDATE"), "Session-Expires"), "300;refresher=uac");
}

#[test]
fn an_invite_that_asks_too_little_is_sent_again_with_the_peers_least() {
    let mut world = World::new(1);
    let (leg, invite) = world.rings_peer();
    assert_eq!(header(&invite, "Session-Expires"), "1800;refresher=uac");
    world.says(&reply(&invite, "422 Longer", "phone", "Min-SE: 3600\r\n", ""));
    world.hears("ACK");
    let again = world.hears("INVITE");
    assert_eq!(header(&again, "Session-Expires"), "3600;refresher=uac");
    assert_eq!(header(&again, "Min-SE"), "3600");
    assert_eq!(header(&again, "CSeq"), "2 INVITE");
    assert_eq!(header(&again, "From"), header(&invite, "From"));
    world.says(&reply(&again, "200 OK", "phone", "", "v=0 answer"));
    assert_eq!(header(&world.hears("ACK"), "CSeq"), "2 ACK");
    assert_eq!(world.events(0, leg), [answered(Some(ANSWER))]);
}

#[test]
fn a_peer_that_always_asks_for_longer_is_refused() {
    let mut world = World::new(1);
    let (leg, mut invite) = world.rings_peer();
    for _ in 0..3 {
        world.says(&reply(&invite, "422 Longer", "phone", "Min-SE: 3600\r\n", ""));
        invite = world.hears("INVITE");
    }
    world.says(&reply(&invite, "422 Longer", "phone", "Min-SE: 3600\r\n", ""));
    assert_eq!(world.events(0, leg), [refused(Cause::Unreachable, 422)]);
}
