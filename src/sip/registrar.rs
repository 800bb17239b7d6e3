//! Registrations (RFC 3261 §10; flows kept as RFC 5626 asks).

use super::message::{Request, Response};
use super::transport::Flow;
use super::uri::Uri;
use crate::ids::AgentId;
use crate::moment::Moment;

/// A phone that can be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    pub contact: Uri,
    /// The flow it registered on: requests to it go back the same way.
    pub flow: Flow,
    pub expires: Moment,
    pub call_id: Box<str>,
    pub cseq: u32,
}

/// What a REGISTER or an expiry changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The agent had no phone and now has one.
    Appeared(AgentId),
    /// The agent's last phone went away or expired.
    Vanished(AgentId),
}

/// All bindings, by agent.
#[derive(Debug, Default)]
pub struct Registrar {
    // Private state belongs to this file.
}

impl Registrar {
    /// Handles an authenticated REGISTER for `agent`; the response is complete but for the To tag.
    pub fn register(
        &mut self,
        now: Moment,
        agent: &AgentId,
        request: &Request,
        flow: Flow,
    ) -> (Response, Option<Change>) {
        todo!()
    }

    /// The bindings of `agent`, freshest first; never an expired one.
    pub fn bindings(&self, now: Moment, agent: &AgentId) -> Vec<&Binding> {
        todo!()
    }

    /// Drops expired bindings.
    pub fn handle_time(&mut self, now: Moment) -> Vec<Change> {
        todo!()
    }

    /// Drops bindings that came over a closed connection: the phone can't be reached any more.
    pub fn connection_closed(&mut self, connection: super::transport::ConnectionId) -> Vec<Change> {
        todo!()
    }

    pub fn next_deadline(&self) -> Option<Moment> {
        todo!()
    }
}
