//! Agents' phones: rung when the distributor says so, answered by one of them, silenced otherwise.

use super::Engine;
use super::Role;
use super::happened::{OfferEnd, Party as Who, What};
use super::limits::PHONES_PER_OFFER;
use super::streams::{Lease, Owner};
use crate::acd::{self, AgentState, Decision, OfferFailure, Reasons, Withdrawn};
use crate::call::cause::Cause;
use crate::call::customer::{Audio, Call, FromQueue, Opening, Party, Ringing, Stage, Talk, Waiting};
use crate::call::legs::{EndedBy, Invite, LegEvent};
use crate::ids::{AgentId, CallId, LegId, QueueId, StreamId};
use crate::ivr::run::Event as RunEvent;
use crate::moment::Moment;
use crate::sdp::negotiate;
use crate::sip::transport::Flow;
use crate::sip::uri::{SipUri, Uri};

impl Engine {
    /// Carries out what the distributor decided.
    pub(super) fn decided(&mut self, now: Moment, decision: Decision) {
        match decision {
            Decision::Offer { call, agent, queue, reasons, .. } => {
                self.offer(now, call, agent, queue, reasons);
            }
            Decision::Withdraw { call, agent, why } => self.withdraw(now, call, &agent, why),
            Decision::State { agent, state } => {
                self.happened(now, None, Some(agent), What::StateChanged { state });
            }
            Decision::Position { call, ahead } => self.placed(now, call, ahead),
            Decision::Comfort { call } => self.comfort(now, call),
            Decision::Expired { call, queue, why } => {
                if let Some(call) = self.calls.remove(&call) {
                    let left = What::QueueLeft { queue, why: format!("{why:?}").to_lowercase() };
                    self.happened(now, Some(call.id), None, left);
                    self.back_to_flow(now, call, RunEvent::QueueLeft(why));
                }
            }
        }
    }

    fn offer(&mut self, now: Moment, id: CallId, agent: AgentId, queue: QueueId, reasons: Reasons) {
        // Caller or agent may have gone in this same turn: the distributor's withdrawal follows, and finds nothing.
        if !self.is_offered(&agent, id) {
            return;
        }
        let Some(mut call) = self.calls.remove(&id) else {
            return self.acd.handle(now, acd::Event::Leave(id));
        };
        let offered = What::Offered { queue: queue.clone(), reasons };
        self.happened(now, Some(id), Some(agent.clone()), offered);
        let ringing = self.ring_phones(now, &call, agent.clone());
        let failed = ringing.as_ref().err().copied();
        if let Stage::Waiting(waiting) = &mut call.stage {
            waiting.ringing = ringing.ok();
        }
        self.keep(call);
        if let Some(why) = failed {
            self.offer_failed(now, id, agent, queue, why);
        }
    }

    fn offer_failed(&mut self, now: Moment, call: CallId, agent: AgentId, queue: QueueId, why: OfferFailure) {
        let ended = What::OfferEnded { queue, why: OfferEnd::Failed(why) };
        self.happened(now, Some(call), Some(agent.clone()), ended);
        self.acd.handle(now, acd::Event::OfferFailed { agent, call, why });
    }

    /// Rings every phone of `agent`, the freshest registrations first, as soon as there are streams for them; why none
    /// can be rung.
    pub(super) fn ring_phones(
        &mut self,
        now: Moment,
        call: &Call,
        agent: AgentId,
    ) -> Result<Ringing, OfferFailure> {
        let bindings = self.registrar.bindings(now, &agent);
        let targets: Vec<(Uri, Flow)> = bindings
            .into_iter()
            .take(PHONES_PER_OFFER)
            .map(|binding| (binding.contact.clone(), binding.flow))
            .collect();
        if targets.is_empty() {
            return Err(OfferFailure::Unreachable);
        }
        let (worker, owner) = (Some(call.caller.lease.worker), Owner::Phone(call.id));
        let open = |(target, flow)| {
            let stream = self.streams.open(now, worker, owner, &mut self.rng, &mut self.out)?;
            Some(Opening { stream, target, flow })
        };
        let phones = targets.len();
        let opening: Vec<Opening> = targets.into_iter().filter_map(open).collect();
        let failed = (opening.len() < phones).then_some(OfferFailure::NoPort);
        let ringing = Ringing { agent, opening, phones: Vec::new(), failed };
        if ringing.is_over() { Err(OfferFailure::NoPort) } else { Ok(ringing) }
    }

    /// A phone's stream is open: the phone is sent its INVITE.
    pub(super) fn ring(&mut self, now: Moment, id: CallId, lease: Lease) {
        let Some(mut call) = self.calls.remove(&id) else {
            return self.streams.close(lease.stream, &mut self.out);
        };
        match opening_of(&mut call, lease.stream) {
            Some((agent, opening)) => {
                let party = self.invite(now, &call, &agent, opening, lease);
                if let Some(ringing) = call.ringing_mut() {
                    ringing.phones.push(party);
                }
            }
            None => self.streams.close(lease.stream, &mut self.out),
        }
        self.keep(call);
    }

    fn invite(&mut self, now: Moment, call: &Call, agent: &AgentId, opening: Opening, lease: Lease) -> Party {
        let codec = match &call.caller.audio {
            Audio::Agreed { session, .. } => Some(session.codec),
            Audio::Offered(_) => None,
        };
        let ours = negotiate::offer(&self.streams.local(lease, 1, codec, None, &mut self.rng));
        let Opening { target, flow, .. } = opening;
        let invite = Invite {
            target,
            to: Uri::Sip(SipUri::new(Some(agent.as_str()), flow.remote)),
            from_display: None,
            from: Uri::Sip(SipUri::new(Some(&call.from), flow.local)),
            flow,
            offer: ours.write().into(),
            extra: Vec::new(),
        };
        let leg = self.legs.invite(now, &mut self.endpoint, invite);
        self.roles.insert(leg, Role::Phone(call.id));
        Party { leg, lease, audio: Audio::Offered(ours), version: 1 }
    }

    /// There is no port for a phone that was to ring.
    pub(super) fn cannot_ring(&mut self, now: Moment, id: CallId, stream: StreamId) {
        if let Some(mut call) = self.calls.remove(&id) {
            opening_of(&mut call, stream);
            self.rings_on(now, call, OfferFailure::NoPort);
        }
    }

    fn withdraw(&mut self, now: Moment, id: CallId, agent: &AgentId, why: Withdrawn) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let Stage::Waiting(waiting) = &mut call.stage else {
            return self.withdraw_transfer(now, id, agent);
        };
        let Some(ringing) = waiting.ringing.take_if(|ringing| ringing.agent == *agent) else {
            return;
        };
        let queue = waiting.queue.clone();
        let (cause, end) = match why {
            Withdrawn::CallerLeft => (Cause::Abandoned, OfferEnd::CallerLeft),
            Withdrawn::NoAnswer => (Cause::NoAnswer, OfferEnd::Failed(OfferFailure::NoAnswer)),
            Withdrawn::AgentLoggedOut => (Cause::Unreachable, OfferEnd::Failed(OfferFailure::Unreachable)),
        };
        let ended = What::OfferEnded { queue, why: end };
        self.happened(now, Some(id), Some(agent.clone()), ended);
        self.silence(now, ringing, cause);
        // What was due to be said while the phone rang is due now.
        if let Some(call) = self.calls.remove(&id) {
            self.keep(call);
        }
    }

    /// The one agent a flow sent the caller to has gone.
    fn withdraw_transfer(&mut self, now: Moment, id: CallId, agent: &AgentId) {
        let Some(mut call) = self.calls.remove(&id) else {
            return;
        };
        // A flow may have sent the caller, who just left a queue by a key, to the very agent whose phone rang.
        let ours = !self.is_offered(agent, id)
            && matches!(&call.stage, Stage::Transferring { ringing, .. } if ringing.agent == *agent);
        match ours.then(|| call.take_ringing()).flatten() {
            Some(ringing) => {
                self.silence(now, ringing, Cause::Unreachable);
                self.back_to_flow(now, call, RunEvent::TransferFailed);
            }
            None => self.keep(call),
        }
    }

    /// Nobody picked up the transfer in `TRANSFER_RING`.
    pub(super) fn transfer_unanswered(&mut self, now: Moment, id: CallId) {
        let Some(mut call) = self.calls.remove(&id) else {
            return;
        };
        let over = matches!(call.stage, Stage::Transferring { until, .. } if until <= now);
        match over.then(|| call.take_ringing()).flatten() {
            Some(ringing) => {
                let (agent, why) = (ringing.agent.clone(), OfferFailure::NoAnswer);
                self.silence(now, ringing, Cause::NoAnswer);
                self.acd.handle(now, acd::Event::OfferFailed { agent, call: id, why });
                self.back_to_flow(now, call, RunEvent::TransferFailed);
            }
            None => self.keep(call),
        }
    }

    pub(super) fn phone_event(&mut self, now: Moment, id: CallId, leg: LegId, event: LegEvent) {
        let Some(mut call) = self.calls.remove(&id) else {
            return;
        };
        match self.negotiate(now, &mut call, leg, event) {
            Some(LegEvent::Digit { symbol, .. }) => self.agent_pressed(now, call, symbol),
            Some(LegEvent::EarlyMedia { answer }) => {
                if let Some(phone) = call.party_mut(leg) {
                    // An unusable early answer may yet be followed by a usable final one.
                    let _ = self.answered_with(phone, &answer);
                }
                self.keep(call);
            }
            Some(LegEvent::Answered { answer }) => self.phone_answered(now, call, leg, answer),
            Some(LegEvent::Ended { cause, by, .. }) => {
                self.roles.remove(&leg);
                self.phone_ended(now, call, leg, cause, by);
            }
            _ => self.keep(call),
        }
    }

    /// One phone was picked up: the others stop ringing, caller and agent hear each other.
    fn phone_answered(&mut self, now: Moment, mut call: Call, leg: LegId, answer: Option<bytes::Bytes>) {
        let usable = match (call.party_mut(leg), answer) {
            (None, _) => false,
            (Some(phone), Some(answer)) => self.answered_with(phone, &answer).is_ok(),
            (Some(phone), None) => matches!(phone.audio, Audio::Agreed { .. }),
        };
        // The distributor may have taken the offer back in this same turn, and its word is yet to be heard.
        let refused = if self.offer_stands(&call) { Cause::NotAcceptable } else { Cause::AnsweredElsewhere };
        if !usable || refused == Cause::AnsweredElsewhere {
            self.roles.remove(&leg);
            self.legs.hang_up(now, &mut self.endpoint, leg, refused);
            return self.phone_ended(now, call, leg, refused, EndedBy::Us);
        }
        let from_queue = match &call.stage {
            Stage::Waiting(Waiting { queue, priority, since, .. }) => {
                Some(FromQueue { queue: queue.clone(), priority: *priority, since: *since })
            }
            _ => None,
        };
        let Some((phone, ringing)) = call.pick_up(leg) else {
            return self.keep(call);
        };
        let agent = ringing.agent.clone();
        self.silence(now, ringing, Cause::AnsweredElsewhere);
        self.talk(now, call, agent, phone, from_queue);
    }

    fn offer_stands(&self, call: &Call) -> bool {
        call.stage.agent().is_some_and(|agent| self.is_offered(agent, call.id))
    }

    fn is_offered(&self, agent: &AgentId, id: CallId) -> bool {
        matches!(self.acd.agent(agent), Some(AgentState::Offered { call, .. }) if *call == id)
    }

    fn talk(&mut self, now: Moment, mut call: Call, agent: AgentId, phone: Party, from: Option<FromQueue>) {
        let id = call.id;
        self.acd.handle(now, acd::Event::Answered { agent: agent.clone(), call: id });
        if let Some(from) = &from {
            let ended = What::OfferEnded { queue: from.queue.clone(), why: OfferEnd::Answered };
            self.happened(now, Some(id), Some(agent.clone()), ended);
        }
        let waited = from.as_ref().map_or(0, |from| now.since(from.since).as_millis());
        let what = What::AgentAnswered {
            queue: from.as_ref().map(|from| from.queue.clone()),
            waited_ms: u64::try_from(waited).unwrap_or(u64::MAX),
        };
        self.happened(now, Some(id), Some(agent.clone()), what);
        let introducing = from.as_ref().and_then(|_| self.introduce(&call, &phone, &agent));
        call.stage = Stage::Talking(Talk {
            agent,
            from_queue: from,
            phone,
            since: now,
            introducing,
            held_by_caller: false,
            held_by_agent: false,
            star: None,
        });
        // Who was on hold before they met is on hold now.
        self.note_holds(now, &mut call);
        self.keep(call);
    }

    /// A phone's leg is over: it refused, or was hung up, or died.
    fn phone_ended(&mut self, now: Moment, mut call: Call, leg: LegId, cause: Cause, by: EndedBy) {
        if let Some(talk) = call.take_waiting_talk(leg) {
            self.end_talk(now, &mut call, talk, cause);
            return self.keep(call);
        }
        if let Some(talk) = call.take_talk(leg) {
            return self.agent_gone(now, call, talk, cause, by);
        }
        if let Some(ringing) = call.ringing_mut()
            && let Some(place) = ringing.phones.iter().position(|phone| phone.leg == leg)
        {
            let phone = ringing.phones.swap_remove(place);
            self.streams.close(phone.lease.stream, &mut self.out);
        }
        self.rings_on(now, call, failure(cause));
    }

    /// One phone less: when it was the last, or the agent declined, the offer has failed.
    ///
    /// 603 is the agent's word for all phones (RFC 3261 §21.6.2): the others stop ringing.
    fn rings_on(&mut self, now: Moment, mut call: Call, why: OfferFailure) {
        let Some(why) = call.ringing_mut().and_then(|ringing| ringing.lost(why)) else {
            return self.keep(call);
        };
        let (id, queue) = (call.id, call.stage.queue().cloned());
        let Some(ringing) = call.take_ringing() else {
            return self.keep(call);
        };
        let agent = ringing.agent.clone();
        self.silence(now, ringing, Cause::Declined);
        match queue {
            Some(queue) => {
                self.keep(call);
                self.offer_failed(now, id, agent, queue, why);
            }
            None => {
                self.acd.handle(now, acd::Event::OfferFailed { agent, call: id, why });
                self.back_to_flow(now, call, RunEvent::TransferFailed);
            }
        }
    }

    /// The agent hung up: the call is over. But an agent whose phone died, whom we had no port for, or who put down
    /// before a word was exchanged, leaves a caller who wants to talk, and who goes back to the head of the queue.
    fn agent_gone(&mut self, now: Moment, mut call: Call, talk: Talk, cause: Cause, by: EndedBy) {
        let (agent, from_queue) = (talk.agent.clone(), talk.from_queue.clone());
        let by = if talk.introducing.is_some() { EndedBy::Fault } else { by };
        self.end_talk(now, &mut call, talk, cause);
        match (by, from_queue) {
            (EndedBy::Fault | EndedBy::Us, Some(from)) => {
                // What was being said when the agent picked up has not been heard to its end.
                call.run.handle(now, RunEvent::Played);
                self.enqueue(now, &mut call, from.queue, from.priority, from.since);
                self.keep(call);
            }
            (EndedBy::Fault | EndedBy::Us, None) => self.end_call(now, call, cause, Who::Server),
            (EndedBy::Peer, from) => self.agent_hung_up(now, call, agent, from),
        }
    }

    /// No phone of the agent rings any more, or will.
    pub(super) fn silence(&mut self, now: Moment, ringing: Ringing, cause: Cause) {
        for opening in ringing.opening {
            self.streams.close(opening.stream, &mut self.out);
        }
        for phone in ringing.phones {
            self.hang_up_phone(now, phone, cause);
        }
    }

    /// Hangs up on a phone and forgets it; its last word is of no interest.
    pub(super) fn hang_up_phone(&mut self, now: Moment, phone: Party, cause: Cause) {
        if self.roles.remove(&phone.leg).is_some() {
            self.legs.hang_up(now, &mut self.endpoint, phone.leg, cause);
        }
        self.streams.close(phone.lease.stream, &mut self.out);
    }
}

/// Takes out the phone that waits for `stream`, and says whose it is.
fn opening_of(call: &mut Call, stream: StreamId) -> Option<(AgentId, Opening)> {
    let ringing = call.ringing_mut()?;
    let place = ringing.opening.iter().position(|opening| opening.stream == stream)?;
    Some((ringing.agent.clone(), ringing.opening.swap_remove(place)))
}

/// What a phone's refusal tells the distributor about the agent.
fn failure(cause: Cause) -> OfferFailure {
    match cause {
        Cause::Busy => OfferFailure::Busy,
        Cause::Declined => OfferFailure::Rejected,
        // A phone that was picked up just when the offer was taken back came too late.
        Cause::NoAnswer | Cause::AnsweredElsewhere => OfferFailure::NoAnswer,
        _ => OfferFailure::Unreachable,
    }
}
