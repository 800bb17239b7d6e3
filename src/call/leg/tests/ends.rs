//! Endings, and what crosses them.

use super::script::{invite, line, peer, reply};
use super::*;

#[test]
fn hanging_up_before_any_provisional_cancels_as_soon_as_one_comes() {
    let mut world = World::new(2);
    let ours = world.call(A, address(B));
    world.hang_up(A, ours, Cause::CallerHungUp);
    assert_eq!(world.events(A, ours), [ended(Cause::CallerHungUp, EndedBy::Us)]);
    world.run(ms(50));
    let theirs = world.invited(B);
    assert_eq!(world.events(B, theirs), [ended(Cause::Cancelled, EndedBy::Peer)]);
    assert!(world.nodes[A].legs.is_empty());
    world.nothing_is_left();
}

#[test]
fn hanging_up_a_ringing_phone_cancels_it() {
    let mut world = World::new(2);
    let (ours, theirs) = world.knock();
    world.ring(B, theirs);
    world.run(ms(20));
    world.hang_up(A, ours, Cause::Abandoned);
    world.run(ms(20));
    assert_eq!(world.events(A, ours), [LegEvent::Ringing, ended(Cause::Abandoned, EndedBy::Us)]);
    assert_eq!(world.events(B, theirs), [ended(Cause::Cancelled, EndedBy::Peer)]);
    assert_eq!(world.count(B, "SIP/2.0 487"), 1);
    world.nothing_is_left();
}

#[test]
fn a_phone_that_lost_the_race_is_told_who_won() {
    let mut world = World::new(1);
    let (leg, invite) = world.rings_peer();
    world.says(&reply(&invite, "180 Ringing", "phone", "", ""));
    world.hang_up(0, leg, Cause::AnsweredElsewhere);
    world.run(ms(20));
    assert!(world.hears("CANCEL").contains("SIP;cause=200;text=\"Call completed elsewhere\""));
}

#[test]
fn a_200_that_crosses_our_cancel_is_acknowledged_and_ended_with_bye() {
    let mut world = World::new(2);
    let (ours, theirs) = world.knock();
    world.accept(B, theirs, ANSWER);
    world.hang_up(A, ours, Cause::Abandoned);
    world.run(ms(100));
    assert_eq!(world.events(A, ours), [ended(Cause::Abandoned, EndedBy::Us)]);
    let confirmed = LegEvent::Confirmed { answer: None };
    assert_eq!(world.events(B, theirs), [confirmed, ended(Cause::CallerHungUp, EndedBy::Peer)]);
    world.nothing_is_left();
}

#[test]
fn both_hanging_up_at_once_is_one_end_for_each() {
    let mut world = World::new(2);
    let (ours, theirs) = world.talk();
    world.hang_up(A, ours, Cause::FlowEnded);
    world.hang_up(B, theirs, Cause::AgentHungUp);
    world.run(ms(100));
    assert_eq!(world.events(A, ours), [ended(Cause::FlowEnded, EndedBy::Us)]);
    assert_eq!(world.events(B, theirs), [ended(Cause::AgentHungUp, EndedBy::Us)]);
    assert_eq!(world.ladder.iter().filter(|l| l.contains("SIP/2.0 200")).count(), 3, "INVITE and two BYEs");
    world.nothing_is_left();
}

#[test]
fn a_lost_ack_is_made_good_by_the_repeated_200() {
    let mut world = World::new(2);
    let (ours, theirs) = world.knock();
    world.lose("ACK", 2);
    world.accept(B, theirs, ANSWER);
    world.run(ms(400));
    assert_eq!(world.events(B, theirs), []);
    world.run(secs(3));
    assert_eq!(world.events(B, theirs), [LegEvent::Confirmed { answer: None }]);
    assert_eq!(world.events(A, ours), [answered(Some(ANSWER))]);
    assert_eq!(world.count(A, "ACK"), 3);
}

#[test]
fn a_200_that_is_never_acknowledged_ends_in_bye() {
    let mut world = World::new(2);
    let (ours, theirs) = world.knock();
    world.lose("ACK", usize::MAX);
    world.accept(B, theirs, ANSWER);
    world.run(secs(33));
    assert_eq!(world.events(B, theirs), [ended(Cause::NeverConfirmed, EndedBy::Fault)]);
    assert_eq!(world.events(A, ours), [answered(Some(ANSWER)), ended(Cause::AgentHungUp, EndedBy::Peer)]);
    world.nothing_is_left();
}

#[test]
fn no_bye_leaves_before_the_ack_has_come() {
    let mut world = World::new(1);
    world.says(&invite().text());
    let leg = world.invited(0);
    world.accept(0, leg, ANSWER);
    world.hang_up(0, leg, Cause::FlowEnded);
    assert_eq!(world.events(0, leg), [ended(Cause::FlowEnded, EndedBy::Us)]);
    world.run(ms(100));
    let ok = world.hears("SIP/2.0 200");
    assert!(world.heard("BYE").is_empty());
    world.says(&line("ACK", 10).inside(&ok).text());
    let bye = world.hears("BYE");
    assert!(bye.contains("Reason: Q.850;cause=16;text=\"flow_ended\""), "{bye}");
    world.says(&reply(&bye, "200 OK", "", "", ""));
    world.nothing_is_left();
}

#[test]
fn without_any_ack_the_bye_leaves_when_the_200_is_given_up() {
    let mut world = World::new(1);
    world.says(&invite().text());
    let leg = world.invited(0);
    world.accept(0, leg, ANSWER);
    world.hang_up(0, leg, Cause::FlowEnded);
    world.run(secs(33));
    assert!(!world.heard("BYE").is_empty());
    world.nothing_is_left();
}

#[test]
fn a_cancel_that_crosses_our_200_changes_nothing() {
    let mut world = World::new(1);
    world.says(&invite().text());
    let leg = world.invited(0);
    world.accept(0, leg, ANSWER);
    world.says(&line("CANCEL", 10).branch("INVITE10").text());
    assert_eq!(world.events(0, leg), []);
    let ok = world.heard("SIP/2.0 200").remove(0);
    world.says(&line("ACK", 10).inside(&ok).text());
    world.says(&line("BYE", 11).inside(&ok).text());
    let gone = ended(Cause::CallerHungUp, EndedBy::Peer);
    assert_eq!(world.events(0, leg), [LegEvent::Confirmed { answer: None }, gone]);
    world.nothing_is_left();
}

#[test]
fn a_lost_bye_is_sent_again_and_a_deaf_peer_changes_nothing_for_us() {
    let mut world = World::new(2);
    let (ours, theirs) = world.talk();
    world.lose("BYE", 3);
    world.hang_up(A, ours, Cause::FlowEnded);
    world.run(secs(4));
    assert_eq!(world.events(B, theirs), [ended(Cause::CallerHungUp, EndedBy::Peer)]);
    let (ours, _) = world.talk();
    world.lose("BYE", usize::MAX);
    world.hang_up(A, ours, Cause::FlowEnded);
    assert_eq!(world.events(A, ours), [ended(Cause::FlowEnded, EndedBy::Us)]);
    world.run(secs(40));
    assert_eq!(world.nodes[A].legs.remains(), 0);
}

#[test]
fn a_caller_may_end_an_early_dialog_with_bye() {
    let mut world = World::new(1);
    world.says(&invite().text());
    let leg = world.invited(0);
    world.ring(0, leg);
    world.run(ms(20));
    let ringing = world.hears("SIP/2.0 180");
    world.says(&line("BYE", 11).inside(&ringing).text());
    assert_eq!(world.events(0, leg), [ended(Cause::Cancelled, EndedBy::Peer)]);
    world.hears("SIP/2.0 200");
    world.says(&line("ACK", 10).inside(&ringing).branch("INVITE10").text());
    world.hears("SIP/2.0 487");
    world.nothing_is_left();
}

#[test]
fn a_bye_before_our_200_is_acknowledged_ends_it() {
    let mut world = World::new(1);
    world.says(&invite().text());
    let leg = world.invited(0);
    world.accept(0, leg, ANSWER);
    world.run(ms(20));
    let ok = world.hears("SIP/2.0 200");
    world.says(&line("BYE", 11).inside(&ok).text());
    assert_eq!(world.events(0, leg), [ended(Cause::CallerHungUp, EndedBy::Peer)]);
    world.nothing_is_left();
}

#[test]
fn a_phone_that_is_not_there_is_unreachable() {
    let mut world = World::new(1);
    let leg = world.call(0, peer());
    world.run(secs(33));
    assert_eq!(world.events(0, leg), [ended(Cause::Unreachable, EndedBy::Fault)]);
    world.nothing_is_left();
}

#[test]
fn a_phone_that_dies_while_it_rings_is_given_up_after_the_cancel() {
    let mut world = World::new(1);
    let (leg, invite) = world.rings_peer();
    world.says(&reply(&invite, "180 Ringing", "phone", "", ""));
    world.hang_up(0, leg, Cause::NoAnswer);
    assert_eq!(world.events(0, leg), [LegEvent::Ringing, ended(Cause::NoAnswer, EndedBy::Us)]);
    world.nothing_is_left();
}

#[test]
fn refusals_end_the_leg_with_their_meaning() {
    for (status, cause) in [
        (302, Cause::Unreachable),
        (401, Cause::Forbidden),
        (404, Cause::UnknownNumber),
        (407, Cause::Forbidden),
        (480, Cause::NoAnswer),
        (486, Cause::Busy),
        (488, Cause::NotAcceptable),
        (503, Cause::Unreachable),
        (603, Cause::Declined),
    ] {
        let mut world = World::new(1);
        let (leg, invite) = world.rings_peer();
        world.says(&reply(&invite, &format!("{status} No"), "phone", "", ""));
        world.hears("ACK");
        assert_eq!(world.events(0, leg), [refused(cause, status)]);
        world.nothing_is_left();
    }
}

#[test]
fn hanging_up_twice_or_after_the_end_does_nothing() {
    let mut world = World::new(2);
    let (ours, theirs) = world.talk();
    world.hang_up(A, ours, Cause::FlowEnded);
    world.hang_up(A, ours, Cause::FlowEnded);
    world.run(ms(50));
    world.hang_up(B, theirs, Cause::AgentHungUp);
    world.accept(B, theirs, ANSWER);
    world.offer(A, ours, OFFER);
    world.run(ms(50));
    assert_eq!(world.count(A, "BYE"), 1);
    assert_eq!(world.events(A, ours).len(), 1);
    assert_eq!(world.events(B, theirs).len(), 1);
}

/// Brings a call of A's to B into a state; gives both legs, B's only if it knows of the call.
type Scene = fn(&mut World) -> (LegId, Option<LegId>);

/// Every state a leg can be hung up in.
const SCENES: [(&str, Scene); 12] = [
    ("calling", |world| (world.call(A, address(B)), None)),
    ("trying", |world| both(world.knock())),
    ("ringing", |world| {
        let legs = world.knock();
        world.ring(B, legs.1);
        world.run(ms(20));
        both(legs)
    }),
    ("a reliable answer not yet PRACKed", |world| {
        let legs = world.knock();
        world.progress(B, legs.1, ANSWER);
        both(legs)
    }),
    ("the 200 waiting for the PRACK", |world| {
        let legs = world.knock();
        world.progress(B, legs.1, ANSWER);
        world.accept(B, legs.1, ANSWER);
        both(legs)
    }),
    ("early media", |world| {
        let legs = world.knock();
        world.progress(B, legs.1, ANSWER);
        world.run(ms(50));
        both(legs)
    }),
    ("the 200 on its way", |world| {
        let legs = world.knock();
        world.accept(B, legs.1, ANSWER);
        both(legs)
    }),
    ("the ACK on its way", |world| {
        let legs = world.knock();
        world.accept(B, legs.1, ANSWER);
        world.run(ms(6));
        both(legs)
    }),
    ("talking", |world| both(world.talk())),
    ("an offer on its way", |world| {
        let legs = world.talk();
        world.offer(A, legs.0, b"v=0 hold");
        both(legs)
    }),
    ("an offer unanswered", |world| {
        let legs = world.talk();
        world.offer(A, legs.0, b"v=0 hold");
        world.run(ms(20));
        both(legs)
    }),
    ("both waiting after glare", |world| {
        let legs = world.talk();
        world.offer(A, legs.0, b"v=0 hold");
        world.offer(B, legs.1, b"v=0 hold");
        world.run(ms(11));
        both(legs)
    }),
];

fn both((ours, theirs): (LegId, LegId)) -> (LegId, Option<LegId>) {
    (ours, Some(theirs))
}

fn ends(events: &[LegEvent]) -> usize {
    events.iter().filter(|event| matches!(event, LegEvent::Ended { .. })).count()
}

#[test]
fn hanging_up_in_any_state_ends_both_legs_once_and_leaves_nothing() {
    for (name, scene) in SCENES {
        for who in [vec![A], vec![B], vec![A, B]] {
            let mut world = World::new(2);
            let (ours, theirs) = scene(&mut world);
            if who.contains(&A) {
                world.hang_up(A, ours, Cause::FlowEnded);
            }
            if who.contains(&B)
                && let Some(theirs) = theirs
            {
                world.hang_up(B, theirs, Cause::AgentHungUp);
            }
            if who == [B] && theirs.is_none() {
                continue;
            }
            world.nothing_is_left();
            let theirs = theirs.unwrap_or_else(|| world.invited(B));
            for (node, leg) in [(A, ours), (B, theirs)] {
                let events = world.events(node, leg);
                assert_eq!(ends(&events), 1, "{name}, hung up by {who:?}, node {node}: {events:?}");
            }
        }
    }
}

#[test]
fn a_transport_that_fails_ends_the_invite_at_once_and_a_bye_quietly() {
    let mut world = World::new(1);
    let leg = world.call(0, peer());
    world.act(0, |now, _, endpoint| endpoint.unreachable(now, Transport::Udp, peer(), None));
    assert_eq!(world.events(0, leg), [ended(Cause::Unreachable, EndedBy::Fault)]);
    world.mail.clear();
    world.run(ms(20));
    world.mail.clear();
    let (leg, _) = world.peer_answers("");
    world.offer(0, leg, b"v=0 hold");
    world.act(0, |now, _, endpoint| endpoint.unreachable(now, Transport::Udp, peer(), None));
    assert_eq!(world.events(0, leg), [LegEvent::OfferRefused { status: 503 }]);
    world.hang_up(0, leg, Cause::FlowEnded);
    world.act(0, |now, _, endpoint| endpoint.unreachable(now, Transport::Udp, peer(), None));
    world.nothing_is_left();
}
