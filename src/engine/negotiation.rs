//! The audio of a leg under way: offers and answers in both directions, and what hold means for the other side.

use bytes::Bytes;

use super::Engine;
use super::happened::{Party as Who, What};
use super::streams::{Lease, Owner};
use crate::call::cause::Cause;
use crate::call::customer::{Audio, Call, Party, Stage};
use crate::call::legs::LegEvent;
use crate::ids::{LegId, StreamId};
use crate::ivr::run::Music;
use crate::media::command::{Codec, Command, Session, Source};
use crate::moment::Moment;
use crate::sdp::negotiate;
use crate::sdp::session::SessionDescription;

impl Engine {
    /// Our first description for a new stream: an answer to `offer`, or an offer of our own.
    pub(super) fn first_description(
        &mut self,
        lease: Lease,
        offer: Option<&Bytes>,
        prefer: Option<Codec>,
    ) -> Result<Audio, Cause> {
        let local = self.streams.local(lease, 1, prefer, None, &mut self.rng);
        let Some(offer) = offer else {
            return Ok(Audio::Offered(negotiate::offer(&local)));
        };
        let offer = SessionDescription::parse(offer).map_err(|_| Cause::NotAcceptable)?;
        let (ours, session) = negotiate::answer(&offer, &local).map_err(|_| Cause::NotAcceptable)?;
        Ok(Audio::Agreed { ours, session })
    }

    pub(super) fn connect(&mut self, lease: Lease, session: Session) {
        self.out.media(lease, Command::Connect { stream: lease.stream, session });
    }

    pub(super) fn hear(&mut self, lease: Lease, source: Source) {
        self.out.media(lease, Command::Hear { stream: lease.stream, source });
    }

    /// The answer to an offer of ours arrived on `party`'s leg.
    pub(super) fn answered_with(&mut self, party: &mut Party, answer: &Bytes) -> Result<(), Cause> {
        let answer = SessionDescription::parse(answer).map_err(|_| Cause::NotAcceptable)?;
        let session = negotiate::accept_answer(party.ours(), &answer).map_err(|_| Cause::NotAcceptable)?;
        self.connect(party.lease, session.clone());
        party.audio = Audio::Agreed { ours: party.ours().clone(), session };
        Ok(())
    }

    /// The peer wants other audio: a new address, hold, resume.
    fn reoffered(&mut self, now: Moment, party: &mut Party, offer: &Bytes) {
        let session = match &party.audio {
            Audio::Agreed { session, .. } => Some(session),
            Audio::Offered(_) => None,
        };
        let codec = session.map(|session| session.codec);
        let keys = session.and_then(|session| session.srtp.as_deref());
        party.version += 1;
        let local = self.streams.local(party.lease, party.version, codec, keys, &mut self.rng);
        let agreed =
            SessionDescription::parse(offer).ok().and_then(|offer| negotiate::answer(&offer, &local).ok());
        let Some((ours, session)) = agreed else {
            return self.legs.answer_offer(now, &mut self.endpoint, party.leg, Err(488));
        };
        let answer = Bytes::from(ours.write());
        self.legs.answer_offer(now, &mut self.endpoint, party.leg, Ok(answer));
        self.connect(party.lease, session.clone());
        party.audio = Audio::Agreed { ours, session };
    }

    /// The peer asks what we would like: the same as before.
    fn offer_wanted(&mut self, now: Moment, party: &mut Party) {
        party.version += 1;
        let mut local = self.streams.local(party.lease, party.version, None, None, &mut self.rng);
        local.srtp.security = local.srtp.security.max(negotiate::security_of(party.ours()));
        let ours = negotiate::offer(&local);
        let offer = Bytes::from(ours.write());
        party.audio = match std::mem::replace(&mut party.audio, Audio::Offered(ours.clone())) {
            Audio::Agreed { session, .. } => Audio::Agreed { ours, session },
            offered @ Audio::Offered(_) => offered,
        };
        self.legs.answer_offer(now, &mut self.endpoint, party.leg, Ok(offer));
    }

    /// Handles the events that mean the same on every leg: descriptions that cross. Gives back the others.
    pub(super) fn negotiate(
        &mut self,
        now: Moment,
        call: &mut Call,
        leg: LegId,
        event: LegEvent,
    ) -> Option<LegEvent> {
        let Some(party) = call.party_mut(leg) else {
            return Some(event);
        };
        let other = self.descriptions(now, party, event);
        if other.is_none() {
            self.note_holds(now, call);
        }
        other
    }

    /// As `negotiate`, for one party.
    pub(super) fn descriptions(
        &mut self,
        now: Moment,
        party: &mut Party,
        event: LegEvent,
    ) -> Option<LegEvent> {
        match event {
            LegEvent::Offered { offer } => self.reoffered(now, party, &offer),
            LegEvent::OfferWanted => self.offer_wanted(now, party),
            LegEvent::OfferAnswered { answer } | LegEvent::Confirmed { answer: Some(answer) } => {
                self.agreed_or_hung_up(now, party, &answer);
            }
            LegEvent::OfferRefused { .. } | LegEvent::Confirmed { answer: None } => {}
            other => return Some(other),
        }
        None
    }

    /// An answer that cannot be used leaves the session as it was. Where there was none, nobody would ever hear
    /// anything: the leg is hung up, and its end follows as an event.
    fn agreed_or_hung_up(&mut self, now: Moment, party: &mut Party, answer: &Bytes) {
        if let Err(cause) = self.answered_with(party, answer)
            && matches!(party.audio, Audio::Offered(_))
        {
            self.legs.hang_up(now, &mut self.endpoint, party.leg, cause);
        }
    }

    /// Compares who is on hold with what was so far; the other side hears music meanwhile.
    pub(super) fn note_holds(&mut self, now: Moment, call: &mut Call) {
        let held_by_caller = call.caller.holds_us();
        let Stage::Talking(talk) = &mut call.stage else {
            return;
        };
        let held_by_agent = talk.phone.holds_us();
        let changes = [
            (Who::Caller, talk.held_by_caller, held_by_caller),
            (Who::Agent, talk.held_by_agent, held_by_agent),
        ];
        (talk.held_by_caller, talk.held_by_agent) = (held_by_caller, held_by_agent);
        let agent = talk.agent.clone();
        for (by, before, after) in changes {
            if before != after {
                let what = if after { What::Held { by } } else { What::Resumed { by } };
                self.happened(now, Some(call.id), Some(agent.clone()), what);
            }
        }
        self.bridge(call);
    }

    /// Lets caller and agent hear each other, or music where one has put the other on hold.
    pub(super) fn bridge(&mut self, call: &Call) {
        let Stage::Talking(talk) = &call.stage else {
            return;
        };
        if talk.introducing.is_some() {
            return;
        }
        let music = self.music(call);
        let or_music = |held: bool, peer: Source| if held { music.clone() } else { peer };
        let to_caller = Source::Peer { stream: talk.phone.lease.stream, digits: false };
        let to_agent = Source::Peer { stream: call.caller.lease.stream, digits: true };
        let (to_caller, to_agent) =
            (or_music(talk.held_by_agent, to_caller), or_music(talk.held_by_caller, to_agent));
        self.hear(call.caller.lease, to_caller);
        self.hear(talk.phone.lease, to_agent);
    }

    /// What a waiting or held person hears: the node's music or the queue's, or silence if it has gone from the prompts.
    pub(super) fn music(&self, call: &Call) -> Source {
        let queue = call.stage.queue();
        match call.run.music() {
            Music::Silence if queue.is_some() => return Source::Silence,
            Music::Prompt(prompt) if queue.is_some() => {
                return self.known_now(call, prompt).map_or(Source::Silence, Source::Loop);
            }
            _ => {}
        }
        let waits = call.assist.as_ref().and_then(|assist| assist.from_queue.as_ref());
        let queue = waits.map(|from| &from.queue).or(queue);
        let name = queue.and_then(|queue| self.world.config.queues.get(queue));
        let name = name.map_or("music/hold", |queue| queue.music.as_str());
        self.world.library.find(call.run.language(), name).map_or(Source::Silence, Source::Loop)
    }

    /// No audio for long: ask the peer, by offering what it has, whether it is still there.
    pub(super) fn silent(&mut self, now: Moment, stream: StreamId) {
        let (Owner::Caller(id) | Owner::Phone(id)) = self.streams.owner(stream) else {
            return;
        };
        let Some(call) = self.calls.get(&id) else {
            return;
        };
        let party = match () {
            _ if call.caller.lease.stream == stream => &call.caller,
            _ => match call.talk() {
                Some(talk) if talk.phone.lease.stream == stream => &talk.phone,
                _ => return,
            },
        };
        let offer = Bytes::from(party.ours().write());
        self.legs.offer(now, &mut self.endpoint, party.leg, offer);
    }
}
