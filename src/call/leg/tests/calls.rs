//! Calls as they should go.

use super::*;

#[test]
fn a_call_rings_is_answered_and_ended_by_the_caller() {
    let mut world = World::new(2);
    let (ours, theirs) = world.knock();
    world.ring(B, theirs);
    world.run(ms(20));
    assert_eq!(world.events(A, ours), [LegEvent::Ringing]);
    world.accept(B, theirs, ANSWER);
    world.run(ms(20));
    assert_eq!(world.events(A, ours), [answered(Some(ANSWER))]);
    assert_eq!(world.events(B, theirs), [LegEvent::Confirmed { answer: None }]);
    world.hang_up(A, ours, Cause::FlowEnded);
    assert_eq!(world.events(A, ours), [ended(Cause::FlowEnded, EndedBy::Us)]);
    world.run(ms(20));
    assert_eq!(world.events(B, theirs), [ended(Cause::CallerHungUp, EndedBy::Peer)]);
    assert_eq!((world.nodes[A].legs.len(), world.nodes[B].legs.len()), (0, 0));
    world.nothing_is_left();
}

#[test]
fn a_call_is_ended_by_the_called() {
    let mut world = World::new(2);
    let (ours, theirs) = world.talk();
    world.hang_up(B, theirs, Cause::AgentHungUp);
    world.run(ms(20));
    assert_eq!(world.events(A, ours), [ended(Cause::AgentHungUp, EndedBy::Peer)]);
    assert_eq!(world.events(B, theirs), [ended(Cause::AgentHungUp, EndedBy::Us)]);
    world.nothing_is_left();
}

#[test]
fn the_invitation_holds_the_offer_and_the_quoted_name() {
    let mut world = World::new(2);
    world.call(A, address(B));
    world.run(ms(20));
    let invitation = world.nodes[B].invitations.pop().expect("an invitation");
    assert_eq!(invitation.offer.as_deref(), Some(OFFER));
    let from = invitation.request.headers.from().expect("a From");
    assert_eq!(from.display.as_deref(), Some("Caf\u{e9} \"Bar\""));
}

#[test]
fn a_refusal_reaches_the_caller_with_its_status() {
    let mut world = World::new(2);
    let (ours, theirs) = world.knock();
    world.hang_up(B, theirs, Cause::Busy);
    assert_eq!(world.events(B, theirs), [ended(Cause::Busy, EndedBy::Us)]);
    world.run(ms(20));
    assert_eq!(world.events(A, ours), [refused(Cause::Busy, 486)]);
    world.nothing_is_left();
}

#[test]
fn early_media_is_heard_once_and_its_answer_stands() {
    let mut world = World::new(2);
    let (ours, theirs) = world.knock();
    world.progress(B, theirs, ANSWER);
    world.run(ms(50));
    let early = LegEvent::EarlyMedia { answer: Bytes::from_static(ANSWER) };
    assert_eq!(world.events(A, ours), [early]);
    assert_eq!(world.count(A, "PRACK"), 1);
    world.accept(B, theirs, ANSWER);
    world.run(ms(50));
    assert_eq!(world.events(A, ours), [answered(None)]);
    assert_eq!(world.events(B, theirs), [LegEvent::Confirmed { answer: None }]);
}

#[test]
fn another_answer_than_the_early_one_is_offered_after_the_ack() {
    let mut world = World::new(2);
    let (ours, theirs) = world.knock();
    world.progress(B, theirs, ANSWER);
    world.run(ms(50));
    world.events(A, ours);
    world.accept(B, theirs, b"v=0 another");
    world.run(ms(50));
    let offered = LegEvent::Offered { offer: Bytes::from_static(b"v=0 another") };
    assert_eq!(world.events(A, ours), [answered(None), offered]);
}

#[test]
fn many_calls_share_a_server_without_mixing() {
    let mut world = World::new(2);
    let pairs: Vec<_> = (0..20).map(|_| world.knock()).collect();
    for (place, (_, theirs)) in pairs.iter().enumerate() {
        if place % 2 == 0 {
            world.accept(B, *theirs, ANSWER);
        } else {
            world.hang_up(B, *theirs, Cause::Declined);
        }
    }
    world.run(ms(100));
    for (place, (ours, _)) in pairs.iter().enumerate() {
        let expected = if place % 2 == 0 { answered(Some(ANSWER)) } else { refused(Cause::Declined, 603) };
        assert_eq!(world.events(A, *ours), [expected], "call {place}");
    }
    assert_eq!(world.nodes[A].legs.len(), 10);
}
