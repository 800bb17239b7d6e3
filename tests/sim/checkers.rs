//! What must be true at any time, and what when all is over.

use std::collections::BTreeMap;

use hotline::acd::AgentState;
use hotline::engine::view::Snapshot;
use hotline::ids::AgentId;

use crate::office::Office;

pub fn at_any_time(office: &mut Office) -> Result<(), String> {
    let snapshot = office.snapshot();
    an_agent_is_in_one_call(&snapshot)?;
    states_and_calls_agree(&snapshot)?;
    nobody_waits_while_an_eligible_agent_idles(office, &snapshot)?;
    an_answered_call_has_its_streams(office, &snapshot)
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

fn an_answered_call_has_its_streams(office: &Office, snapshot: &Snapshot) -> Result<(), String> {
    let least: usize = snapshot
        .calls
        .iter()
        .map(|call| match call.stage {
            "arriving" => 0,
            "talking" => 2,
            _ => 1,
        })
        .sum();
    if office.sound.streams.len() < least {
        return Err(format!("{} streams for calls that need {least}", office.sound.streams.len()));
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
