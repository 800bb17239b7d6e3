//! What a dialled number reaches: the one place that decides it.

use crate::config::Config;
use crate::ids::AgentId;

/// What agents dial to change their state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StarCode {
    /// `*11`
    Ready,
    /// `*12`
    NotReady,
    /// `*13`
    WrapUpDone,
    /// Any other: the agent hears that it means nothing.
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// One of the bank's own numbers, answered by a flow.
    Hotline,
    Star(StarCode),
    /// An agent's own number: not served from outside, nor yet from inside.
    Agent(AgentId),
    Nobody,
}

pub fn route(config: &Config, dialled: &str) -> Destination {
    if config.numbers.contains_key(dialled) {
        return Destination::Hotline;
    }
    match dialled {
        "*11" => Destination::Star(StarCode::Ready),
        "*12" => Destination::Star(StarCode::NotReady),
        "*13" => Destination::Star(StarCode::WrapUpDone),
        star if star.starts_with('*') => Destination::Star(StarCode::Unknown),
        other => {
            let agent = AgentId::from(other);
            if config.agents.contains_key(&agent) { Destination::Agent(agent) } else { Destination::Nobody }
        }
    }
}
