//! Star codes: an agent's phone dials one, hears a word, and is hung up on.

use bytes::Bytes;

use super::Engine;
use super::Role;
use super::limits::SERVICE_LIFE;
use super::route::StarCode;
use super::staff::Answer;
use super::streams::{Lease, Owner};
use crate::acd;
use crate::call::cause::Cause;
use crate::call::customer::{Audio, Party};
use crate::call::legs::{Invitation, LegEvent};
use crate::ids::{AgentId, LegId, PlayId, StreamId};
use crate::media::command::Source;
use crate::moment::Moment;

/// The prompt for a code that nobody knows, or that does not hold for an agent who is logged out.
const NOT_OBEYED: &str = "star_unknown";

/// An agent's phone that dialled a star code.
#[derive(Debug)]
pub(super) enum Service {
    /// Not answered yet, and nothing done: the stream is being opened.
    Opening {
        stream: StreamId,
        /// `None` if the phone wants ours.
        offer: Option<Bytes>,
        agent: AgentId,
        code: StarCode,
    },
    /// Done, and being confirmed.
    Confirming(Box<Confirming>),
}

#[derive(Debug)]
pub(super) struct Confirming {
    party: Party,
    ends: Moment,
}

impl Service {
    fn stream(&self) -> StreamId {
        match self {
            Service::Opening { stream, .. } => *stream,
            Service::Confirming(confirming) => confirming.party.lease.stream,
        }
    }

    fn ends(&self) -> Option<Moment> {
        match self {
            // The stream has a deadline of its own.
            Service::Opening { .. } => None,
            Service::Confirming(confirming) => Some(confirming.ends),
        }
    }
}

impl Engine {
    /// An agent dialled a star code: heard as soon as it can be answered.
    pub(super) fn star(
        &mut self,
        now: Moment,
        invitation: Invitation,
        agent: Option<AgentId>,
        code: StarCode,
    ) {
        let Invitation { leg, offer, .. } = invitation;
        let Some(agent) = agent else {
            return self.legs.hang_up(now, &mut self.endpoint, leg, Cause::Forbidden);
        };
        let opened = self.streams.open(now, None, Owner::Service(leg), &mut self.rng, &mut self.out);
        let Some(stream) = opened else {
            return self.refuse_leg(now, leg, Cause::Overloaded);
        };
        self.roles.insert(leg, Role::Service);
        self.services.insert(leg, Service::Opening { stream, offer, agent, code });
    }

    /// The stream is open: does what the code says, and answers with a word about it.
    pub(super) fn confirm_star(&mut self, now: Moment, leg: LegId, lease: Lease) {
        let Some(Service::Opening { offer, agent, code, .. }) = self.services.get(&leg) else {
            return;
        };
        let (agent, code, offer) = (agent.clone(), *code, offer.clone());
        let audio = match self.first_description(lease, offer.as_ref(), None) {
            Ok(audio) => audio,
            Err(cause) => return self.legs.hang_up(now, &mut self.endpoint, leg, cause),
        };
        let party = Party { leg, lease, audio, version: 1 };
        if let Audio::Agreed { session, .. } = &party.audio {
            self.connect(lease, session.clone());
        }
        // Only now: a phone that could not be answered has changed nothing.
        let said = self.obey_star(now, &agent, code);
        self.legs.accept(now, &mut self.endpoint, leg, party.ours().write().into());
        let confirming = Confirming { party, ends: now + SERVICE_LIFE };
        self.services.insert(leg, Service::Confirming(Box::new(confirming)));
        self.say_to_agent(&agent, lease, said);
    }

    fn obey_star(&mut self, now: Moment, agent: &AgentId, code: StarCode) -> &'static str {
        let (event, action, said) = match code {
            StarCode::Ready => (acd::Event::SetReady(agent.clone()), "ready", "star_ready"),
            StarCode::NotReady => {
                let reason = "star_code".to_owned();
                let event = acd::Event::SetNotReady { agent: agent.clone(), reason };
                (event, "not_ready", "star_not_ready")
            }
            StarCode::WrapUpDone => {
                (acd::Event::WrapUpDone(agent.clone()), "wrap_up_done", "star_wrapup_done")
            }
            StarCode::Unknown => return NOT_OBEYED,
        };
        match self.order_agent(now, agent.to_string(), agent, action, event) {
            Answer::Done => said,
            // A word of success would leave the agent waiting for calls that cannot come.
            _ => NOT_OBEYED,
        }
    }

    /// In Chinese to who speaks it, else in English.
    fn say_to_agent(&mut self, agent: &AgentId, lease: Lease, said: &str) {
        let skills = self.world.config.agents.get(agent).map(|agent| &agent.skills);
        let chinese = skills.is_some_and(|skills| skills.keys().any(|skill| skill.as_str() == "lang.zh"));
        let language = if chinese { "zh-CN" } else { "en" };
        let prompts = self.world.library.find(language, said).into_iter().collect();
        let play = PlayId(self.next_play);
        self.next_play += 1;
        self.hear(lease, Source::Prompts { play, prompts });
    }

    pub(super) fn service_event(&mut self, now: Moment, leg: LegId, event: LegEvent) {
        if matches!(event, LegEvent::Ended { .. }) {
            return self.forget_service(leg);
        }
        let Some(mut service) = self.services.remove(&leg) else {
            return;
        };
        match &mut service {
            Service::Opening { .. } => self.not_yet_answered(now, leg, &event),
            Service::Confirming(confirming) => {
                // Digits and the like mean nothing here.
                let _ = self.descriptions(now, &mut confirming.party, event);
            }
        }
        self.services.insert(leg, service);
    }

    pub(super) fn service_played(&mut self, now: Moment, leg: LegId) {
        if self.services.contains_key(&leg) {
            self.legs.hang_up(now, &mut self.endpoint, leg, Cause::FlowEnded);
        }
    }

    /// A confirmation that never ended, because the phone never acknowledged or the prompt never played.
    pub(super) fn end_old_services(&mut self, now: Moment) {
        let old = self.services.iter().filter(|(_, service)| service.ends().is_some_and(|at| at <= now));
        let old: Vec<LegId> = old.map(|(leg, _)| *leg).collect();
        for leg in old {
            self.legs.hang_up(now, &mut self.endpoint, leg, Cause::FlowEnded);
        }
    }

    pub(super) fn next_service_end(&self) -> Option<Moment> {
        self.services.values().filter_map(Service::ends).min()
    }

    fn forget_service(&mut self, leg: LegId) {
        self.roles.remove(&leg);
        if let Some(service) = self.services.remove(&leg) {
            self.streams.close(service.stream(), &mut self.out);
        }
    }
}
