//! Who gets whom, and why.

use super::*;

#[test]
fn a_caller_rings_the_idle_agent_at_once() {
    let mut floor = alone();
    let decided = floor.calls(1, "loans");
    assert_eq!((offers(&decided), floor.state("ann").as_str()), (vec![(1, "ann")], "offered 1"));
    assert_eq!(floor.acd.waiting()[0].offered_to, Some("ann".into()));
}

#[test]
fn the_agent_idle_longest_is_rung() {
    let mut floor = Floor::new(&[("ann", LOANS), ("bob", LOANS)]);
    floor.logs_in("bob");
    floor.passes(1);
    floor.logs_in("ann");
    assert_eq!(offers(&floor.calls(1, "loans")), [(1, "bob")]);
}

#[test]
fn of_agents_idle_equally_long_the_first_by_name_is_rung() {
    let mut floor = Floor::new(&[("ann", LOANS), ("bob", LOANS)]);
    floor.logs_in("bob");
    floor.logs_in("ann");
    assert_eq!(offers(&floor.calls(1, "loans")), [(1, "ann")]);
}

#[test]
fn an_agent_without_the_skill_or_below_its_level_is_passed_over() {
    let mut floor = Floor::new(&[("ann", &[("card", 9)]), ("bob", &[("loan", 2)]), ("cat", &[("loan", 3)])]);
    for agent in ["ann", "bob"] {
        floor.logs_in(agent);
    }
    assert_eq!(offers(&floor.calls(1, "loans")), []);
    assert_eq!(offers(&floor.logs_in("cat")), [(1, "cat")]);
}

#[test]
fn a_free_agent_takes_the_highest_priority_then_the_longest_wait_over_all_their_queues() {
    let mut floor = Floor::new(&[("ann", BOTH)]);
    floor.calls(4, "loans");
    floor.passes(1);
    floor.calls(3, "cards");
    floor.passes(1);
    floor.calls_as(2, "loans", Some(50));
    floor.calls_as(1, "cards", Some(50));
    let mut served = Vec::new();
    floor.logs_in("ann");
    while let Some(AgentState::Offered { call, .. }) = floor.acd.agent(&"ann".into()).cloned() {
        served.push(call.0);
        floor.leaves(call.0);
    }
    assert_eq!(served, [1, 2, 4, 3]);
}

#[test]
fn a_busy_agent_gets_no_second_offer() {
    let mut floor = alone();
    floor.calls(1, "loans");
    assert_eq!(offers(&floor.calls(2, "loans")), []);
    floor.answers("ann", 1);
    assert_eq!(offers(&floor.calls(3, "loans")), []);
    assert_eq!(floor.waiting(), [2, 3]);
}

#[test]
fn an_offer_says_how_long_both_were_idle_and_what_spoke_against_the_others() {
    let mut floor = Floor::new(&[
        ("ann", LOANS),
        ("bob", LOANS),
        ("cat", &[("card", 1)]),
        ("dan", &[("loan", 1)]),
        ("eve", LOANS),
        ("fay", LOANS),
    ]);
    floor.logs_in("ann");
    floor.passes(2);
    floor.logs_in("bob");
    floor.logs_in("fay");
    floor.not_ready("fay", "lunch");
    floor.passes(3);
    let reasons = reasons(&floor.calls(1, "loans"));
    assert_eq!((reasons.waited_ms, reasons.idle_ms), (0, 5_000));
    let state = |state: &str| Against::State { state: state.to_owned() };
    let against = [
        ("bob", Against::ShorterIdle { idle_ms: 3_000 }),
        ("cat", Against::MissingSkill { skill: "loan".to_owned() }),
        ("dan", Against::LevelTooLow { skill: "loan".to_owned(), has: 1, needs: 3 }),
        ("eve", state("logged_out")),
        ("fay", state("not_ready")),
    ];
    assert_eq!(reasons.others, against.map(|(id, why)| (AgentId::from(id), why)));
}

#[test]
fn reasons_name_at_most_twenty_others_the_ready_ones_first() {
    let names: Vec<String> = (0..60).map(|n| format!("{n:03}")).collect();
    let agents: Vec<(&str, &[(&str, u8)])> = names.iter().map(|name| (name.as_str(), LOANS)).collect();
    let mut floor = Floor::new(&agents);
    for name in &names[55..] {
        floor.logs_in(name);
    }
    let others = reasons(&floor.calls(1, "loans")).others;
    assert_eq!(others.len(), REASONS);
    let named: Vec<&str> = others[..6].iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(named, ["056", "057", "058", "059", "000", "001"]);
}
