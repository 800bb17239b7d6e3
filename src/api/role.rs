//! Who may do what: one table.

use crate::config::Role;

/// Something the API does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// See agents and their states.
    SeeAgents,
    /// Say that an agent is ready or not.
    OrderAgents,
    /// See calls under way, and what happens to them as it happens.
    SeeLive,
    SeeQueues,
    /// End a call.
    EndCalls,
    /// Send a caller who talks with an agent into a flow, where they type a secret.
    Verify,
    /// Read the records of calls.
    ReadCalls,
    /// See who wants to be called back.
    SeeCallbacks,
    /// Say that they have been.
    EndCallbacks,
    /// See which tapes there are and whether they are whole.
    SeeRecordings,
    PlayRecordings,
    /// Say what all callers hear in an emergency, or that it is over.
    Broadcast,
    /// See which messages callers left.
    SeeMessages,
    /// Say that one was heard or done.
    MarkMessages,
    /// See what a caller thinks of the agent they talked to: not for that agent.
    SeeRatings,
    /// Have what is remembered of a caller forgotten.
    ForgetCallers,
    /// See callers' numbers whole.
    SeeNumbers,
    /// See releases of the flows.
    SeeFlows,
    /// Publish flows, approve what others publish, go back.
    PublishFlows,
}

/// How far a right reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    Nothing,
    /// What is theirs: an agent's state, the calls they talked in.
    Own,
    All,
}

/// The table: who may do what, and with what.
pub fn reach(role: Role, right: Right) -> Reach {
    use Reach::{All, Nothing, Own};
    let [agent, supervisor, quality, admin, auditor] = match right {
        Right::SeeAgents => [Own, All, All, All, All],
        Right::OrderAgents => [Own, All, Nothing, All, Nothing],
        Right::SeeLive => [Own, All, All, All, All],
        Right::SeeQueues => [All, All, All, All, All],
        Right::EndCalls => [Nothing, All, Nothing, All, Nothing],
        Right::Verify => [Own, All, Nothing, All, Nothing],
        Right::ReadCalls => [Own, All, All, All, All],
        Right::SeeCallbacks => [Nothing, All, All, All, All],
        Right::EndCallbacks => [Nothing, All, Nothing, All, Nothing],
        Right::SeeRecordings => [Nothing, All, All, All, All],
        Right::PlayRecordings => [Nothing, All, All, All, All],
        Right::Broadcast => [Nothing, All, Nothing, All, Nothing],
        Right::SeeMessages => [Nothing, All, All, All, All],
        Right::MarkMessages => [Nothing, All, Nothing, All, Nothing],
        Right::SeeRatings => [Nothing, All, All, All, All],
        Right::ForgetCallers => [Nothing, All, Nothing, All, Nothing],
        Right::SeeNumbers => [Nothing, All, All, All, All],
        Right::SeeFlows => [Nothing, All, All, All, All],
        Right::PublishFlows => [Nothing, Nothing, Nothing, All, Nothing],
    };
    match role {
        Role::Agent => agent,
        Role::Supervisor => supervisor,
        Role::Quality => quality,
        Role::Admin => admin,
        Role::Auditor => auditor,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_only_looks_changes_nothing() {
        for role in [Role::Quality, Role::Auditor] {
            assert_eq!(reach(role, Right::OrderAgents), Reach::Nothing);
            assert_eq!(reach(role, Right::EndCalls), Reach::Nothing);
            assert_eq!(reach(role, Right::Broadcast), Reach::Nothing);
            assert_eq!(reach(role, Right::MarkMessages), Reach::Nothing);
            assert_eq!(reach(role, Right::ForgetCallers), Reach::Nothing);
        }
    }

    #[test]
    fn agents_reach_no_further_than_themselves_and_see_no_numbers() {
        for right in [Right::SeeAgents, Right::OrderAgents, Right::SeeLive, Right::ReadCalls] {
            assert_eq!(reach(Role::Agent, right), Reach::Own);
        }
        let none = [Right::EndCalls, Right::SeeRecordings, Right::PlayRecordings, Right::SeeNumbers];
        let none = none.into_iter().chain([Right::SeeMessages, Right::MarkMessages, Right::SeeRatings]);
        for right in none {
            assert_eq!(reach(Role::Agent, right), Reach::Nothing);
        }
    }
}
