//! Calls in bad weather: packets lost, doubled and overtaken, and both sides doing what they like.

use super::*;

const SEEDS: u64 = 320;

/// Calls per seed.
const CALLS: usize = 3;

/// One random act on one random leg of a node.
fn whim(world: &mut World, node: usize, known: &[LegId]) {
    let leg = known[world.rng.below(known.len() as u64) as usize];
    match world.rng.below(12) {
        0 => world.ring(node, leg),
        1 => world.progress(node, leg, ANSWER),
        2..=4 => world.accept(node, leg, ANSWER),
        5 => world.accept(node, leg, b"v=0 other answer"),
        6 => world.offer(node, leg, b"v=0 hold"),
        7 => world.offer(node, leg, b"v=0 resume"),
        8 => world.hang_up(node, leg, Cause::AgentHungUp),
        9 => world.answer_offer(node, leg, Ok(ANSWER)),
        _ => {}
    }
}

/// Answers most offers at once, as the engine does; collects which legs there are.
fn attend(world: &mut World, node: usize, known: &mut Vec<LegId>, seen: &mut Vec<(LegId, LegEvent)>) {
    known.extend(world.nodes[node].invitations.drain(..).map(|invitation| invitation.leg));
    for (leg, event) in std::mem::take(&mut world.nodes[node].events) {
        if matches!(event, LegEvent::Offered { .. } | LegEvent::OfferWanted) {
            let answer = if world.rng.below(4) == 0 { Err(488) } else { Ok(ANSWER) };
            world.answer_offer(node, leg, answer);
        }
        seen.push((leg, event));
    }
}

fn weather(seed: u64) -> Weather {
    Weather { loss: seed % 4 * 12, copies: seed % 3 * 10, delay_ms: (5, 5 + seed % 5 * 60) }
}

/// Runs one seed; gives the ladder and the events of both sides.
fn storm(seed: u64) -> (Vec<String>, [Vec<(LegId, LegEvent)>; 2]) {
    let mut world = World::seeded(2, seed, weather(seed));
    let mut known: [Vec<LegId>; 2] = Default::default();
    let mut seen: [Vec<(LegId, LegEvent)>; 2] = Default::default();
    for step in 0..60 {
        if step < CALLS {
            let leg = world.call(A, address(B));
            known[A].push(leg);
        }
        let pause = ms(1 + world.rng.below(400));
        world.run(pause);
        for node in [A, B] {
            attend(&mut world, node, &mut known[node], &mut seen[node]);
            if world.rng.below(4) == 0 && !known[node].is_empty() {
                whim(&mut world, node, &known[node]);
            }
        }
    }
    for node in [A, B] {
        for leg in known[node].clone() {
            world.hang_up(node, leg, Cause::ServerStopped);
        }
    }
    for _ in 0..300 {
        world.run(secs(1));
        for node in [A, B] {
            attend(&mut world, node, &mut known[node], &mut seen[node]);
            // A late INVITE finds a server that is going down.
            for leg in known[node].clone() {
                world.hang_up(node, leg, Cause::ServerStopped);
            }
        }
    }
    for node in [A, B] {
        let own = &world.nodes[node];
        let held = (own.legs.len(), own.legs.entries(), own.endpoint.transactions());
        assert_eq!(held, (0, 0, 0), "seed {seed}, node {node}:\n{}", world.ladder.join("\n"));
        assert_eq!(own.legs.next_deadline(), None, "seed {seed}, node {node}");
        for leg in &known[node] {
            let events: Vec<_> =
                seen[node].iter().filter(|(of, _)| of == leg).map(|(_, event)| event).collect();
            let ends = events.iter().filter(|event| matches!(event, LegEvent::Ended { .. })).count();
            let last = matches!(events.last(), Some(LegEvent::Ended { .. }));
            assert!(
                ends == 1 && last,
                "seed {seed}, node {node}, {leg:?}: {events:?}\n{}",
                world.ladder.join("\n")
            );
        }
        assert!(known[node].len() <= CALLS, "seed {seed}: a repeated INVITE became a second leg");
    }
    (world.ladder, seen)
}

#[test]
fn whatever_happens_each_leg_ends_once_and_nothing_is_left() {
    for seed in 0..SEEDS {
        storm(seed);
    }
}

#[test]
fn the_same_seed_gives_the_same_ladder() {
    for seed in [3, 11, 250] {
        assert_eq!(storm(seed), storm(seed));
    }
}

#[test]
fn the_storms_are_rough_enough_to_matter() {
    let mut answered = 0;
    let mut kinds = std::collections::BTreeSet::new();
    for seed in 0..60 {
        let (_, seen) = storm(seed);
        for (_, event) in seen.into_iter().flatten() {
            answered += usize::from(matches!(event, LegEvent::Confirmed { .. }));
            kinds.insert(match event {
                LegEvent::Ended { cause, by, .. } => format!("{by:?} {cause}"),
                LegEvent::OfferRefused { .. } => "refused".into(),
                LegEvent::OfferAnswered { .. } => "offered".into(),
                LegEvent::EarlyMedia { .. } => "early".into(),
                _ => "other".into(),
            });
        }
    }
    assert!(answered > 40, "{answered}");
    assert!(kinds.len() >= 7, "{kinds:?}");
}
