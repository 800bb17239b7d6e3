//! Callers in a queue: what they hear while they wait, the keys they press, who is announced to them.
//!
//! The flow says what is said and when (`ivr/run/waiting.rs`), the distributor knows places and estimates; here the one is
//! told the other, and what comes of it is played.

use super::Engine;
use super::happened::{OfferEnd, What};
use crate::acd;
use crate::call::cause::Cause;
use crate::call::customer::{Call, Party, Stage, Waiting};
use crate::ids::{AgentId, CallId, PlayId, QueueId};
use crate::ivr::run::Event as RunEvent;
use crate::media::command::Source;
use crate::media::prompts::PromptId;
use crate::moment::Moment;

impl Engine {
    /// Tells the flow of a caller in a queue what happened.
    pub(super) fn tell_waiting(&mut self, now: Moment, id: CallId, event: RunEvent) {
        let Some(mut call) = self.calls.remove(&id) else {
            return;
        };
        if !matches!(call.stage, Stage::Waiting(_)) {
            return self.keep(call);
        }
        let actions = call.run.handle(now, event);
        self.obey(now, call, actions);
    }

    /// The distributor tells a caller's place.
    pub(super) fn placed(&mut self, now: Moment, id: CallId, ahead: usize) {
        let Some(Stage::Waiting(waiting)) = self.calls.get_mut(&id).map(|call| &mut call.stage) else {
            return;
        };
        waiting.ahead = ahead;
        let estimate = self.acd.estimate(id);
        self.tell_waiting(now, id, RunEvent::Place { ahead, estimate });
    }

    /// Something is due to be said: with the newest of what is known.
    pub(super) fn wake_waiting(&mut self, now: Moment, id: CallId) {
        if let Some(ahead) = self.acd.ahead(id) {
            let estimate = self.acd.estimate(id);
            self.tell_waiting(now, id, RunEvent::Place { ahead, estimate });
        }
        self.tell_waiting(now, id, RunEvent::Time);
    }

    /// The queue's comfort message is due, and the place in the queue with it.
    pub(super) fn comfort(&mut self, now: Moment, id: CallId) {
        let Some(call) = self.calls.get(&id) else {
            return;
        };
        let Stage::Waiting(waiting) = &call.stage else {
            return;
        };
        let queue = self.world.config.queues.get(&waiting.queue);
        let comfort = queue.and_then(|queue| queue.comfort.as_deref());
        let place = (waiting.ahead == 0).then_some("q_next");
        let names = comfort.into_iter().chain(place);
        let prompts = names.filter_map(|name| call.library.find(call.run.language(), name)).collect();
        self.tell_waiting(now, id, RunEvent::Comfort { prompts });
    }

    /// Says something instead of the music. Nothing to say: the music again.
    pub(super) fn announce(&mut self, call: &mut Call, prompts: Vec<PromptId>) {
        let play = if prompts.is_empty() {
            let music = self.music(call);
            self.hear(call.caller.lease, music);
            None
        } else {
            Some(self.play(call, prompts))
        };
        if let Stage::Waiting(waiting) = &mut call.stage {
            waiting.announcing = play;
        }
    }

    /// What was said has ended.
    pub(super) fn announced(&mut self, now: Moment, id: CallId) {
        if let Some(mut call) = self.calls.remove(&id) {
            self.announce(&mut call, Vec::new());
            self.keep(call);
        }
        self.tell_waiting(now, id, RunEvent::Played);
    }

    /// A key leads out of the queue, also while a phone rings: only who has picked up has the caller.
    pub(super) fn leave_queue_by_key(&mut self, now: Moment, call: &mut Call) {
        let stage = std::mem::replace(&mut call.stage, Stage::Menu { playing: None });
        let Stage::Waiting(waiting) = stage else {
            call.stage = stage;
            return;
        };
        let queue = waiting.queue.clone();
        call.left = Some((queue.clone(), waiting.since));
        self.stop_waiting(now, call.id, waiting);
        self.happened(now, Some(call.id), None, What::QueueLeft { queue, why: "key".to_owned() });
        self.hear(call.caller.lease, Source::Silence);
    }

    /// The distributor forgets the caller, and the agent's phones are silent.
    pub(super) fn stop_waiting(&mut self, now: Moment, id: CallId, waiting: Waiting) {
        // It withdraws its offer, for a call that is no longer there.
        self.acd.handle(now, acd::Event::Leave(id));
        if let Some(ringing) = waiting.ringing {
            let ended = What::OfferEnded { queue: waiting.queue, why: OfferEnd::CallerLeft };
            self.happened(now, Some(id), Some(ringing.agent.clone()), ended);
            self.silence(now, ringing, Cause::Abandoned);
        }
    }

    pub(super) fn note_callback(&mut self, now: Moment, call: &Call, queue: QueueId, number: String) {
        let since = place_of(call, &queue).unwrap_or(call.arrived);
        self.happened(now, Some(call.id), None, What::CallbackWanted { queue, number, since });
    }

    /// Both hear who has picked up, if the flow says so; what must end before they are joined.
    pub(super) fn introduce(&mut self, call: &Call, phone: &Party, agent: &AgentId) -> Option<PlayId> {
        let words = call.run.introduces(agent);
        if words.is_empty() {
            return None;
        }
        let to_caller = self.play(call, words.clone());
        let prompts = words.into_iter().filter_map(|prompt| self.known_now(call, prompt)).collect();
        let play = PlayId(self.next_play);
        self.next_play += 1;
        self.hear(phone.lease, Source::Prompts { play, prompts });
        Some(to_caller)
    }

    /// The agent has been announced: now they talk.
    pub(super) fn introduced(&mut self, now: Moment, id: CallId) {
        if let Some(mut call) = self.calls.remove(&id) {
            if let Stage::Talking(talk) = &mut call.stage {
                (talk.introducing, talk.since) = (None, now);
            }
            self.bridge(&call);
            self.keep(call);
        }
    }
}

/// Since when the caller had waited in this queue before a key led them out of it: who comes back has their place.
pub(super) fn place_of(call: &Call, queue: &QueueId) -> Option<Moment> {
    call.left.as_ref().filter(|(left, _)| left == queue).map(|(_, since)| *since)
}
