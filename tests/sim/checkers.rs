//! What must be true at any time, and what when all is over.

use std::collections::BTreeMap;

use hotline::acd::AgentState;
use hotline::engine::view::{LiveCall, Snapshot};
use hotline::ids::AgentId;
use hotline::media::command::Source;

use crate::office::Office;
use crate::office::sound::Stream;

pub fn at_any_time(office: &mut Office) -> Result<(), String> {
    let snapshot = office.snapshot();
    an_agent_is_in_one_call(&snapshot)?;
    states_and_calls_agree(&snapshot)?;
    queues_and_calls_agree(&snapshot)?;
    nobody_waits_while_an_eligible_agent_idles(office, &snapshot)?;
    an_answered_call_has_its_streams(office, &snapshot)?;
    phones_that_ring_have_streams(office, &snapshot)
}

fn an_agent_is_in_one_call(snapshot: &Snapshot) -> Result<(), String> {
    let mut seen = BTreeMap::new();
    for call in &snapshot.calls {
        if let Some(agent) = &call.agent
            && let Some(other) = seen.insert(agent.clone(), call.call)
        {
            return Err(format!("agent {agent} is in {other} and in {}", call.call));
        }
    }
    Ok(())
}

/// The distributor's view of an agent and the calls' view are the same.
fn states_and_calls_agree(snapshot: &Snapshot) -> Result<(), String> {
    let call_of = |agent: &AgentId| snapshot.calls.iter().find(|call| call.agent.as_ref() == Some(agent));
    for agent in &snapshot.agents {
        let (id, call) = (&agent.agent, call_of(&agent.agent));
        let agrees = match &agent.state {
            AgentState::Talking { call: talking, .. } => {
                call.is_some_and(|call| call.call == *talking && call.stage == "talking")
            }
            AgentState::Offered { call: offered, .. } => {
                call.is_some_and(|call| call.call == *offered && call.stage == "ringing")
            }
            _ => call.is_none(),
        };
        if !agrees {
            return Err(format!("agent {id} is {:?}, but the calls say {call:?}", agent.state));
        }
    }
    Ok(())
}

/// Who stands in a queue is a call that waits or rings, in that queue and for that agent, and the other way round.
fn queues_and_calls_agree(snapshot: &Snapshot) -> Result<(), String> {
    let mut places = BTreeMap::new();
    for place in snapshot.queues.iter().flat_map(|queue| &queue.waiting) {
        if places.insert(place.call, place).is_some() {
            return Err(format!("{} stands in line twice", place.call));
        }
    }
    for call in &snapshot.calls {
        let place = places.remove(&call.call);
        let agrees = match call.stage {
            // A call that rings and has no queue was sent to that very agent by its flow.
            "ringing" if call.queue.is_none() => place.is_none(),
            "waiting" | "ringing" => place.is_some_and(|place| {
                call.queue.as_ref() == Some(&place.queue) && call.agent == place.offered_to
            }),
            _ => place.is_none(),
        };
        if !agrees {
            return Err(format!("the queues say {place:?}, but the calls {call:?}"));
        }
    }
    places.values().next().map_or(Ok(()), |place| Err(format!("{place:?} is of no call")))
}

fn nobody_waits_while_an_eligible_agent_idles(office: &Office, snapshot: &Snapshot) -> Result<(), String> {
    for queue in &snapshot.queues {
        let Some(waiting) = queue.waiting.iter().find(|waiting| waiting.offered_to.is_none()) else {
            continue;
        };
        let requires = &office.world().config.queues[&queue.queue].requires;
        let idle = snapshot.agents.iter().find(|agent| {
            matches!(agent.state, AgentState::Ready { .. })
                && requires.iter().all(|(skill, level)| agent.skills.get(skill) >= Some(level))
        });
        if let Some(agent) = idle {
            return Err(format!("{} waits in {} while {} idles", waiting.call, queue.queue, agent.agent));
        }
    }
    Ok(())
}

/// Where the demo's callers type secrets.
const SECRET: [&str; 2] = ["account/pin", "card_loss/identity"];

/// Each answered caller has one stream, known by the tape it feeds (in these offices every call is recorded); in a talk
/// it is joined with the agent's, who may be announced first. While somebody is on hold the agent's cannot be told from those of other calls.
fn an_answered_call_has_its_streams(office: &Office, snapshot: &Snapshot) -> Result<(), String> {
    let streams = &office.sound.streams;
    let taped = streams.values().filter(|stream| stream.recorded.is_some()).count();
    // While a secret is typed the tape rests.
    let heard = |call: &&LiveCall| call.stage != "menu" || !SECRET.contains(&call.node.as_str());
    let answered = snapshot.calls.iter().filter(|call| call.stage != "arriving").filter(heard);
    if taped != answered.clone().count() {
        return Err(format!("{taped} streams of callers for the calls {:?}", snapshot.calls));
    }
    for call in answered {
        let own = streams.iter().find(|(_, stream)| stream.recorded == Some(call.call));
        let Some((id, own)) = own else {
            return Err(format!("the caller has no stream: {call:?}"));
        };
        let agents = match &own.hears {
            Source::Peer { stream, .. } => streams.get(stream),
            _ => None,
        };
        let hears_caller = |stream: &Source| matches!(stream, Source::Peer { stream, .. } if stream == id);
        let joined = agents.is_some_and(|agents| hears_caller(&agents.hears));
        // Before they are joined both hear who has picked up.
        let announced = |stream: &Stream| matches!(stream.hears, Source::Prompts { .. });
        let introduced =
            announced(own) && streams.values().any(|other| other.recorded.is_none() && announced(other));
        if call.stage == "talking" && !call.held && !joined && !introduced {
            return Err(format!("the caller hears {:?}, not the agent: {call:?}", own.hears));
        }
    }
    Ok(())
}

/// For all calls together: until it is answered nothing tells which call a phone's stream is for.
fn phones_that_ring_have_streams(office: &Office, snapshot: &Snapshot) -> Result<(), String> {
    let unjoined = |stream: &&Stream| stream.recorded.is_none() && stream.hears == Source::Silence;
    let streams = office.sound.streams.values().filter(unjoined).count();
    let ringing = snapshot.calls.iter().filter(|call| call.stage == "ringing").count();
    if streams < ringing {
        return Err(format!("{streams} streams for {ringing} calls that ring"));
    }
    Ok(())
}

pub fn all_over(office: &mut Office) -> Result<(), String> {
    let snapshot = office.snapshot();
    if !snapshot.calls.is_empty() {
        return Err(format!("calls that never end: {:?}", snapshot.calls));
    }
    if (snapshot.legs, snapshot.transactions) != (0, 0) {
        return Err(format!("{} legs and {} transactions are left", snapshot.legs, snapshot.transactions));
    }
    if !office.sound.streams.is_empty() || office.sound.opened != office.sound.closed {
        return Err(format!("streams are left: {:?}", office.sound.streams));
    }
    if let Some(record) = office.records.values().find(|record| record.cause.is_none()) {
        return Err(format!("a record without an end: {record:?}"));
    }
    if let Some((call, _)) = office.tapes.iter().find(|(_, open)| **open) {
        return Err(format!("the tape of {call} is still open"));
    }
    for (name, phone) in &office.phones {
        if !phone.is_at_rest() && !office.network.dead.contains(&phone.address) {
            return Err(format!("phone {name} never came to rest: {:?}", phone.talks));
        }
    }
    stuck_agents(&snapshot)
}

fn stuck_agents(snapshot: &Snapshot) -> Result<(), String> {
    let stuck = snapshot.agents.iter().find(|agent| {
        matches!(
            agent.state,
            AgentState::Offered { .. } | AgentState::Talking { .. } | AgentState::WrapUp { .. }
        )
    });
    stuck.map_or(Ok(()), |agent| Err(format!("agent {} is stuck: {:?}", agent.agent, agent.state)))
}
