//! What people ask of the engine through the API, and what it answers.

use std::time::Duration;

use super::Engine;
use super::emergency;
use super::happened::{Broadcast, MessageState, Party, What};
use super::input::AskId;
use super::output::Output;
use super::releases::FlowsView;
use super::view::Snapshot;
use crate::acd;
use crate::call::cause::Cause;
use crate::ids::{AgentId, CallId, FlowId};
use crate::ivr::bot::Handover;
use crate::moment::Moment;

/// A question or a command. `user` is who asks, for the journal; the API has checked that they may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    Snapshot,
    /// Which releases of the flows are in force, and how a trial goes.
    Flows,
    SetReady {
        user: String,
        agent: AgentId,
    },
    SetNotReady {
        user: String,
        agent: AgentId,
        reason: String,
    },
    WrapUpDone {
        user: String,
        agent: AgentId,
    },
    /// What the last bot of this call found out.
    Handover {
        call: CallId,
    },
    HangUp {
        user: String,
        call: CallId,
    },
    /// What is broadcast now, and what was last.
    Emergency,
    /// Every caller hears this from now on, in place of what is on. `lasts`: from `limits::BROADCAST_LEAST` to `BROADCAST_MOST`.
    StartEmergency {
        user: String,
        broadcast: Broadcast,
        lasts: Duration,
    },
    StopEmergency {
        user: String,
    },
    /// A voice message was listened to or done.
    MarkMessage {
        user: String,
        call: CallId,
        number: u32,
        state: MessageState,
    },
    /// For the journal: a caller has been called back, or need not be. The API knows that the wish is open.
    CallbackDone {
        user: String,
        wish: u64,
    },
    /// The caller leaves the agent for this flow, types a secret, and comes back.
    Verify {
        user: String,
        /// Only if this agent talks in it.
        only: Option<AgentId>,
        call: CallId,
        flow: FlowId,
    },
    /// A caller wants that nothing is remembered of their number.
    Forget {
        user: String,
        number: String,
    },
    /// For the journal: a log-in refused by the API.
    LoginFailed {
        source: String,
    },
    /// For the journal: something the API did by itself, such as playing a recording.
    Note {
        user: String,
        call: Option<CallId>,
        action: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Snapshot(Box<Snapshot>),
    Flows(Box<FlowsView>),
    /// Also who has the call or is offered it; nothing if no bot handed anything over.
    Handover {
        agent: Option<AgentId>,
        handover: Option<Box<Handover>>,
    },
    Done,
    /// No such agent or call.
    NotFound,
    /// Not now: the agent is logged out.
    Refused(&'static str),
    /// What is asked for cannot be; why, for the person.
    Wrong(String),
    Emergency(Box<emergency::Status>),
}

impl Engine {
    pub(super) fn answer(&mut self, now: Moment, id: AskId, ask: Ask) {
        let answer = match ask {
            Ask::Snapshot => Answer::Snapshot(Box::new(self.snapshot(now))),
            Ask::Flows => Answer::Flows(Box::new(self.flows_view())),
            Ask::SetReady { user, agent } => {
                self.order_agent(now, user, &agent, "ready", acd::Event::SetReady(agent.clone()))
            }
            Ask::SetNotReady { user, agent, reason } => {
                let action = format!("not_ready:{reason}");
                let event = acd::Event::SetNotReady { agent: agent.clone(), reason };
                self.order_agent(now, user, &agent, &action, event)
            }
            Ask::WrapUpDone { user, agent } => {
                self.order_agent(now, user, &agent, "wrap_up_done", acd::Event::WrapUpDone(agent.clone()))
            }
            Ask::Handover { call } => match self.calls.get(&call) {
                None => Answer::NotFound,
                Some(call) => {
                    let (agent, handover) = (call.agent().cloned(), call.handover.clone());
                    Answer::Handover { agent, handover }
                }
            },
            Ask::HangUp { user, call } => self.hang_up_by_staff(now, user, call),
            Ask::Emergency => Answer::Emergency(Box::new(self.emergency.status())),
            Ask::StartEmergency { user, broadcast, lasts } => {
                self.start_broadcast(now, user, broadcast, lasts)
            }
            Ask::StopEmergency { user } => self.stop_broadcast(now, user),
            Ask::MarkMessage { user, call, number, state } => {
                self.mark_message(now, user, (call, number), state)
            }
            Ask::CallbackDone { user, wish } => {
                self.happened(now, None, None, What::CallbackDone { wish, user });
                Answer::Done
            }
            Ask::Verify { user, only, call, flow } => {
                self.verify_by_staff(now, user, only.as_ref(), call, &flow)
            }
            Ask::Forget { user, number } => self.forget(now, user, number),
            Ask::LoginFailed { source } => {
                // The API slows guessers down before it tells; a flood of phones must not hide them.
                self.login_failures.counts();
                self.happened(now, None, None, What::LoginFailed { source, unnoted: 0 });
                Answer::Done
            }
            Ask::Note { user, call, action } => {
                self.happened(now, call, None, What::StaffAction { user, action });
                Answer::Done
            }
        };
        self.out.push(Output::Answer { id, answer });
    }

    /// The one way in which people order agents about: `event` is about `agent`, `action` is its name in the journal.
    pub(super) fn order_agent(
        &mut self,
        now: Moment,
        user: String,
        agent: &AgentId,
        action: &str,
        event: acd::Event,
    ) -> Answer {
        match self.acd.agent(agent) {
            None => Answer::NotFound,
            Some(acd::AgentState::LoggedOut) => Answer::Refused("the agent's phone is not registered"),
            Some(_) => {
                let action = action.to_owned();
                self.happened(now, None, Some(agent.clone()), What::StaffAction { user, action });
                self.acd.handle(now, event);
                Answer::Done
            }
        }
    }

    fn hang_up_by_staff(&mut self, now: Moment, user: String, id: CallId) -> Answer {
        if !self.calls.contains_key(&id) && !self.knocking.contains_key(&id) {
            return Answer::NotFound;
        }
        self.happened(now, Some(id), None, What::StaffAction { user, action: "hang_up".to_owned() });
        self.end_knock(now, id, Cause::EndedByStaff, Party::Staff);
        if let Some(call) = self.calls.remove(&id) {
            self.end_call(now, call, Cause::EndedByStaff, Party::Staff);
        }
        Answer::Done
    }
}
