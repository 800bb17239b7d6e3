//! Registrations (RFC 3261 §10; flows kept as RFC 5626 asks).
//!
//! A phone is reached along the flow it registered on, not at its contact's address, which behind a NAT leads nowhere.
//! Path (RFC 3327) has its place in `Registration`: until an edge proxy stands before us, it is not looked at,
//! and a REGISTER that requires it is refused by whoever judges Require.

mod ask;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use self::ask::{Ask, Refusal, Wanted};
use super::message::{HeaderName, Request, Response};
use super::transport::{ConnectionId, Flow};
use super::uri::{Uri, equivalent};
use crate::ids::AgentId;
use crate::moment::Moment;

/// Most phones of one agent: desk, softphone, mobile and what they left behind before a restart.
/// Beyond it: the one refreshed longest ago goes.
pub const BINDINGS: usize = 10;

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

/// A binding and what tells that another REGISTER is about the same phone.
#[derive(Debug)]
struct Registration {
    binding: Binding,
    /// `+sip.instance` and `reg-id` (RFC 5626 §4.1): the same across restarts, whatever the contact.
    instance: Option<(Box<str>, Box<str>)>,
}

/// All bindings, by agent.
#[derive(Debug, Default)]
pub struct Registrar {
    /// Freshest first; never an empty list.
    agents: BTreeMap<AgentId, Vec<Registration>>,
    agenda: BTreeSet<(Moment, AgentId)>,
    connections: BTreeMap<ConnectionId, BTreeSet<AgentId>>,
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
        let before = self.agents.contains_key(agent);
        let mut list = self.take(agent);
        list.retain(|r| r.binding.expires > now);
        let refusal = match ask::read(request) {
            Ok(ask) => apply(&mut list, now, flow, ask),
            Err(refusal) => Err(refusal),
        };
        let response = match refusal {
            Ok(()) => accepted(now, request, &list),
            Err(refusal) => refused(request, refusal),
        };
        let after = !list.is_empty();
        self.put(agent, list);
        let change = match (before, after) {
            (false, true) => Some(Change::Appeared(agent.clone())),
            (true, false) => Some(Change::Vanished(agent.clone())),
            _ => None,
        };
        (response, change)
    }

    /// The bindings of `agent`, freshest first; never an expired one.
    pub fn bindings(&self, now: Moment, agent: &AgentId) -> Vec<&Binding> {
        let all = self.agents.get(agent).map(Vec::as_slice).unwrap_or_default();
        all.iter().map(|r| &r.binding).filter(|b| b.expires > now).collect()
    }

    /// Drops expired bindings.
    pub fn handle_time(&mut self, now: Moment) -> Vec<Change> {
        let mut changes = Vec::new();
        while let Some((at, agent)) = self.agenda.first()
            && *at <= now
        {
            let agent = agent.clone();
            changes.extend(self.keep(&agent, |binding| binding.expires > now));
        }
        changes
    }

    /// Drops bindings that came over a closed connection: the phone can't be reached any more.
    pub fn connection_closed(&mut self, connection: ConnectionId) -> Vec<Change> {
        let agents = self.connections.remove(&connection).unwrap_or_default();
        let gone = |binding: &Binding| binding.flow.connection == Some(connection);
        agents.iter().filter_map(|agent| self.keep(agent, |binding| !gone(binding))).collect()
    }

    /// Drops the bindings of every agent who is not to stay.
    pub fn retain(&mut self, stays: impl Fn(&AgentId) -> bool) -> Vec<Change> {
        let gone: Vec<AgentId> = self.agents.keys().filter(|agent| !stays(agent)).cloned().collect();
        gone.iter().filter_map(|agent| self.keep(agent, |_| false)).collect()
    }

    pub fn next_deadline(&self) -> Option<Moment> {
        self.agenda.first().map(|(at, _)| *at)
    }

    fn keep(&mut self, agent: &AgentId, keep: impl Fn(&Binding) -> bool) -> Option<Change> {
        let mut list = self.take(agent);
        let before = list.len();
        list.retain(|r| keep(&r.binding));
        let vanished = list.is_empty() && before > 0;
        self.put(agent, list);
        vanished.then(|| Change::Vanished(agent.clone()))
    }

    /// An agent's bindings, out of every index; `put` them back.
    fn take(&mut self, agent: &AgentId) -> Vec<Registration> {
        let list = self.agents.remove(agent).unwrap_or_default();
        for Registration { binding, .. } in &list {
            self.agenda.remove(&(binding.expires, agent.clone()));
            if let Some(connection) = binding.flow.connection
                && let Some(users) = self.connections.get_mut(&connection)
            {
                users.remove(agent);
                if users.is_empty() {
                    self.connections.remove(&connection);
                }
            }
        }
        list
    }

    fn put(&mut self, agent: &AgentId, list: Vec<Registration>) {
        for Registration { binding, .. } in &list {
            self.agenda.insert((binding.expires, agent.clone()));
            if let Some(connection) = binding.flow.connection {
                self.connections.entry(connection).or_default().insert(agent.clone());
            }
        }
        if !list.is_empty() {
            self.agents.insert(agent.clone(), list);
        }
    }
}

/// §10.3 steps 6 and 7: all of it or nothing.
fn apply(list: &mut Vec<Registration>, now: Moment, flow: Flow, ask: Ask) -> Result<(), Refusal> {
    let Ask { call_id, cseq, wanted } = ask;
    let in_order = |r: &Registration| r.binding.call_id != call_id || r.binding.cseq < cseq;
    match wanted {
        Wanted::List => Ok(()),
        Wanted::RemoveAll => {
            if !list.iter().all(in_order) {
                return Err(Refusal::OutOfOrder);
            }
            list.clear();
            Ok(())
        }
        Wanted::Contacts(contacts) => {
            let same = |r: &Registration, contact: &ask::Contact| {
                equivalent(&r.binding.contact, &contact.uri)
                    || (contact.instance.is_some() && r.instance == contact.instance)
            };
            if list.iter().any(|r| !in_order(r) && contacts.iter().any(|c| same(r, c))) {
                return Err(Refusal::OutOfOrder);
            }
            for contact in contacts {
                list.retain(|r| !same(r, &contact));
                if contact.lifetime.is_zero() {
                    continue;
                }
                let binding = Binding {
                    contact: contact.uri,
                    flow,
                    expires: now + contact.lifetime,
                    call_id: call_id.clone(),
                    cseq,
                };
                list.insert(0, Registration { binding, instance: contact.instance });
            }
            list.truncate(BINDINGS);
            Ok(())
        }
    }
}

/// §10.3 step 8: what is bound now, and for how many seconds.
fn accepted(now: Moment, request: &Request, list: &[Registration]) -> Response {
    let mut response = request.response(200);
    for Registration { binding, instance } in list {
        let left = binding.expires.since(now).as_secs();
        let mut value = format!("<{}>;expires={left}", binding.contact);
        if let Some((instance, reg_id)) = instance {
            let escaped = instance.replace('\\', "\\\\").replace('"', "\\\"");
            value.push_str(&format!(";+sip.instance=\"{escaped}\""));
            if !reg_id.is_empty() {
                value.push_str(&format!(";reg-id={reg_id}"));
            }
        }
        response.headers.push(HeaderName::Contact, value);
    }
    if let Some(date) = date(now) {
        response.headers.push(HeaderName::Date, date);
    }
    response
}

/// §20.17: phones without a clock of their own set it by this. `None` after the year 9999.
fn date(now: Moment) -> Option<String> {
    let micros = i64::try_from(now.as_micros()).ok()?;
    let stamp = jiff::Timestamp::from_microsecond(micros).ok()?;
    Some(stamp.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
}

fn refused(request: &Request, refusal: Refusal) -> Response {
    match refusal {
        Refusal::Malformed(why) => {
            let mut response = request.response(400);
            response.reason = why.into();
            response
        }
        Refusal::TooBrief => {
            let mut response = request.response(423);
            response.headers.push(HeaderName::MinExpires, ask::SHORTEST.as_secs().to_string());
            response
        }
        // §10.3: the update is aborted; 500 is what its steps give for that.
        Refusal::OutOfOrder => request.response(500),
    }
}
