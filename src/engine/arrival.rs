//! How a call begins: a caller who was let in knocks until the stream for the audio is open, and is answered then.
//!
//! Whoever is answered can be heard: ports that other programs hold cost time before the answer, never a call.

use std::time::Duration;

use bytes::Bytes;

use super::Engine;
use super::Role;
use super::admission::{Admitted, retry_after};
use super::happened::{Party as Who, What};
use super::releases::Leading;
use super::route::Destination;
use super::streams::{Lease, Owner};
use crate::call::cause::Cause;
use crate::call::customer::{Audio, Call, Party, Stage};
use crate::call::legs::{EndedBy, Invitation, LegEvent};
use crate::ids::{CallId, LegId, StreamId};
use crate::ivr::run::{Caller, Run};
use crate::media::command::Command;
use crate::moment::Moment;
use crate::recording::recorder::TapeCommand;

/// A caller who is not answered yet: the stream is being opened.
#[derive(Debug)]
pub(super) struct Knock {
    pub(super) leg: LegId,
    stream: StreamId,
    /// `None` if the caller wants ours.
    offer: Option<Bytes>,
    pub(super) who: Admitted,
    pub(super) arrived: Moment,
}

impl Engine {
    /// A caller who was let in: for the flow of the number, or for a star code's word.
    pub(super) fn arrive(&mut self, now: Moment, invitation: Invitation, who: Admitted) {
        match who.to {
            Destination::Hotline => self.arrive_at_flow(now, invitation, who),
            Destination::Star(code) => self.star(now, invitation, who.agent, code),
            Destination::Agent(_) | Destination::Nobody => {
                self.legs.hang_up(now, &mut self.endpoint, invitation.leg, Cause::UnknownNumber);
            }
        }
    }

    fn arrive_at_flow(&mut self, now: Moment, invitation: Invitation, who: Admitted) {
        let id = CallId(now.as_micros().max(self.last_call.0 + 1));
        self.last_call = id;
        let (from, dialled) = (who.from.clone(), who.dialled.clone());
        self.happened(now, Some(id), None, What::CallArrived { from, dialled });
        let Invitation { leg, offer, .. } = invitation;
        let opened = if who.shares_sockets {
            self.streams.join(now, Owner::Caller(id), &mut self.rng, &mut self.out)
        } else {
            self.streams.open(now, None, Owner::Caller(id), &mut self.rng, &mut self.out)
        };
        let Some(stream) = opened else {
            return self.turn_away(now, id, leg, Cause::Overloaded);
        };
        self.roles.insert(leg, Role::Caller(id));
        self.knocking.insert(id, Knock { leg, stream, offer, who, arrived: now });
    }

    /// The caller's stream is open: the call is answered, by the flow that the number has now.
    pub(super) fn let_in(&mut self, now: Moment, id: CallId, lease: Lease) {
        let Some(knock) = self.knocking.remove(&id) else {
            return;
        };
        let seed = self.rng.u64();
        let audio = self.first_description(lease, knock.offer.as_ref(), None);
        let answer = audio.and_then(|audio| {
            let party = Party { leg: knock.leg, lease, audio, version: 1 };
            Ok((party, self.leads(&knock.who.dialled, seed).ok_or(Cause::UnknownNumber)?))
        });
        match answer {
            Ok((caller, leading)) => self.answer_call(now, (id, seed), caller, knock, leading),
            Err(cause) => {
                self.streams.close(lease.stream, &mut self.out);
                self.roles.remove(&knock.leg);
                self.turn_away(now, id, knock.leg, cause);
            }
        }
    }

    fn answer_call(
        &mut self,
        now: Moment,
        (id, seed): (CallId, u64),
        caller: Party,
        knock: Knock,
        leading: Leading,
    ) {
        let Leading { name, flow, library, taken } = leading;
        if let Audio::Agreed { session, .. } = &caller.audio {
            self.connect(caller.lease, session.clone());
        }
        let ours = caller.ours().write();
        self.legs.accept(now, &mut self.endpoint, caller.leg, ours.into());
        self.happened(now, Some(id), None, What::CallAnswered { flow: name, release: taken.release });
        let Admitted { from, dialled, .. } = knock.who;
        let language = self.world.config.numbers[&dialled].language.clone();
        let run_caller = Caller { number: from.clone(), dialled: dialled.clone(), language };
        let (run, actions) = Run::start(now, flow, run_caller, seed);
        let mut call = Call {
            id,
            from,
            dialled,
            arrived: knock.arrived,
            caller,
            run,
            library,
            taken,
            stage: Stage::Menu { playing: None },
            recorded: false,
            hushed: false,
            taped_for_messages: false,
            tape_fails: false,
            message: None,
            messages: 0,
            survey: None,
            talked: Duration::ZERO,
            asking: None,
            warned: None,
            left: None,
            speaks_at: None,
            assist: None,
            with_bot: None,
            handover: None,
            number_transfers: 0,
            wake: None,
        };
        self.start_recording(now, &mut call);
        self.obey(now, call, actions);
    }

    fn start_recording(&mut self, now: Moment, call: &mut Call) {
        if !self.world.config.recording.enabled {
            return;
        }
        call.recorded = true;
        self.out.push(super::Output::Tape(TapeCommand::Open { call: call.id, started: now }));
        let stream = call.caller.lease.stream;
        self.out.media(call.caller.lease, Command::Record { stream, call: call.id });
        self.happened(now, Some(call.id), None, What::RecordingStarted);
    }

    /// Refuses a caller who still knocks.
    pub(super) fn end_knock(&mut self, now: Moment, id: CallId, cause: Cause, by: Who) {
        if let Some(knock) = self.knocking.remove(&id) {
            self.streams.close(knock.stream, &mut self.out);
            if self.roles.remove(&knock.leg).is_some() {
                self.refuse_leg(now, knock.leg, cause);
            }
            self.happened(now, Some(id), None, What::CallEnded { cause, by, talk_ms: 0 });
        }
    }

    fn turn_away(&mut self, now: Moment, id: CallId, leg: LegId, cause: Cause) {
        self.refuse_leg(now, leg, cause);
        let ended = What::CallEnded { cause, by: Who::Server, talk_ms: 0 };
        self.happened(now, Some(id), None, ended);
    }

    /// A final refusal; with 503 it says when to come again.
    pub(super) fn refuse_leg(&mut self, now: Moment, leg: LegId, cause: Cause) {
        let extra = if cause.sip_status() == 503 { retry_after().to_vec() } else { Vec::new() };
        self.legs.reject(now, &mut self.endpoint, leg, cause, &extra);
    }

    pub(super) fn knock_event(&mut self, now: Moment, id: CallId, leg: LegId, event: LegEvent) {
        match event {
            LegEvent::Ended { cause, by, .. } => {
                self.roles.remove(&leg);
                let (cause, who) = match by {
                    EndedBy::Peer => (Cause::Cancelled, Who::Caller),
                    EndedBy::Fault | EndedBy::Us => (cause, Who::Server),
                };
                self.end_knock(now, id, cause, who);
            }
            other => self.not_yet_answered(now, leg, &other),
        }
    }

    /// Whoever knocks and offers anew is told to wait for the answer to the first offer.
    pub(super) fn not_yet_answered(&mut self, now: Moment, leg: LegId, event: &LegEvent) {
        if matches!(event, LegEvent::Offered { .. } | LegEvent::OfferWanted) {
            self.legs.answer_offer(now, &mut self.endpoint, leg, Err(488));
        }
    }

    // Streams asked for.

    /// A worker has bound what it was asked to.
    pub(super) fn opened(&mut self, now: Moment, stream: StreamId) {
        match self.streams.opened(stream) {
            Some((Owner::Caller(call), lease)) => self.let_in(now, call, lease),
            Some((Owner::Phone(call), lease)) => self.ring(now, call, lease),
            Some((Owner::Service(leg), lease)) => self.confirm_star(now, leg, lease),
            Some((Owner::Nobody, _)) | None => {}
        }
    }

    /// No port could be had, in all tries: who wanted it is refused.
    pub(super) fn not_opened(&mut self, now: Moment, stream: StreamId, owner: Owner) {
        match owner {
            Owner::Caller(call) => self.end_knock(now, call, Cause::MediaFailed, Who::Server),
            Owner::Phone(call) => self.cannot_ring(now, call, stream),
            Owner::Service(leg) => self.refuse_leg(now, leg, Cause::MediaFailed),
            Owner::Nobody => {}
        }
    }

    /// Two far ends with one address on shared sockets: the one that came later cannot be heard, and is hung up on.
    pub(super) fn crossed(&mut self, now: Moment, stream: StreamId) {
        if let Owner::Caller(id) = self.streams.owner(stream)
            && let Some(call) = self.calls.remove(&id)
        {
            self.end_call(now, call, Cause::MediaFailed, Who::Server);
        }
    }

    /// New calls go to other workers, and if there is none that keeps up they are told to come later.
    pub(super) fn worker_overloaded(&mut self, now: Moment, worker: usize, overloaded: bool) {
        self.streams.set_overloaded(worker, overloaded);
        let text =
            "more audio than its core can move; packets are dropped, new calls go elsewhere or get 503";
        self.alarm(now, &format!("media-{worker}"), overloaded.then(|| text.to_owned()));
    }

    /// Workers that never said what came of an order.
    pub(super) fn give_up_openings(&mut self, now: Moment) {
        while let Some((stream, owner)) = self.streams.overdue(now, &mut self.out) {
            self.not_opened(now, stream, owner);
        }
    }
}
