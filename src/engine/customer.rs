//! A customer's call: the menu, the queue, the end. How it begins is in `arrival`, agents' phones are in `offers`.

use std::sync::Arc;

use super::Engine;
use super::happened::{Party as Who, What};
use super::limits::{NUMBER_TRANSFERS, TRANSFER_RING};
use super::releases::is_failure;
use super::waiting::place_of;
use crate::acd::{self, AgentState};
use crate::call::cause::Cause;
use crate::call::customer::{Call, Stage, Talk, Waiting};
use crate::call::legs::{EndedBy, LegEvent};
use crate::ids::{AgentId, CallId, LegId, PlayId};
use crate::ivr::bot::BotFailure;
use crate::ivr::http::HttpFailure;
use crate::ivr::run::{Action, Caller, ENDED, Event as RunEvent, QueueExit, Run, TransferTo};
use crate::media::command::Source;
use crate::media::prompts::PromptId;
use crate::moment::Moment;
use crate::recording::recorder::TapeCommand;

/// What became of a call while its flow was obeyed.
pub(super) enum Next {
    /// It goes on.
    Goes,
    /// The flow is over.
    Over,
    /// The flow must hear this at once.
    Tell(RunEvent),
}

impl Engine {
    /// Does what the flow asks, tells it what comes of it, and puts the call back on the table, or ends it.
    pub(super) fn obey(&mut self, now: Moment, mut call: Call, actions: Vec<Action>) {
        self.let_go_of_late(now, &mut call);
        self.let_go_of_bot(now, &mut call);
        let mut actions = std::collections::VecDeque::from(actions);
        while let Some(action) = actions.pop_front() {
            match self.perform(now, &mut call, action) {
                Next::Goes => {}
                Next::Over => return self.end_call(now, call, Cause::FlowEnded, Who::Flow),
                Next::Tell(event) => {
                    call.stage = Stage::Menu { playing: None };
                    call.taken.failed |= is_failure(&event);
                    actions = call.run.handle(now, event).into();
                }
            }
        }
        self.hush(now, &mut call);
        self.keep(call);
    }

    /// Back on the table, with its time to be woken.
    pub(super) fn keep(&mut self, mut call: Call) {
        self.timetable.put(&mut call);
        self.calls.insert(call.id, call);
    }

    fn perform(&mut self, now: Moment, call: &mut Call, action: Action) -> Next {
        match action {
            Action::Play { prompts } => {
                let play = self.play(call, prompts);
                call.stage = Stage::Menu { playing: Some(play) };
            }
            Action::StopPlaying => {
                self.hear(call.caller.lease, Source::Silence);
                call.stage = Stage::Menu { playing: None };
            }
            Action::Announce { prompts } => self.announce(call, prompts),
            Action::LeaveQueue => self.leave_queue_by_key(now, call),
            Action::Callback { queue, number } => self.note_callback(now, call, queue, number),
            Action::Queue { queue, priority, leave_when_empty } => {
                if leave_when_empty && !self.acd.is_staffed(&queue) {
                    return Next::Tell(RunEvent::QueueLeft(QueueExit::Empty));
                }
                let since = place_of(call, &queue).unwrap_or(now);
                self.enqueue(now, call, queue, priority, since);
            }
            Action::Transfer { to: TransferTo::Agent(agent) } => {
                return self.transfer_to_agent(now, call, agent);
            }
            Action::Transfer { to: TransferTo::Number(number) } => {
                return self.transfer_to_number(now, call, number);
            }
            Action::Http { request } => return self.ask_host(now, call, request),
            Action::AskBroadcast => return self.tell_broadcast(now, call),
            Action::Record { name } => return self.begin_message(now, call, name),
            Action::MessageOver { end } => self.message_over(now, call, end),
            Action::Surveyed { score } => self.surveyed(now, call, score),
            Action::AgentReturn { verdict, level } => return self.agent_return(now, call, verdict, level),
            Action::Typed { keys, of } => self.tell_progress(now, call, keys, of),
            Action::Bot { request } => return self.begin_talk(now, call, request),
            Action::Recall => return self.recall(now, call),
            Action::Remember { values } => self.remember(now, call, values),
            Action::Hangup => return Next::Over,
            Action::Entered { node } => {
                self.happened(now, Some(call.id), None, What::NodeEntered { node: node.to_string() });
            }
            Action::Remark { name, value } => {
                // The flow was at a loss.
                call.taken.failed |= &*name == ENDED;
                self.happened(now, Some(call.id), None, What::Remark { name: name.to_string(), value });
            }
        }
        Next::Goes
    }

    /// Starts playing and says under which number the end will be reported.
    pub(super) fn play(&mut self, call: &Call, prompts: Vec<PromptId>) -> PlayId {
        let play = PlayId(self.next_play);
        self.next_play += 1;
        let prompts = prompts.into_iter().filter_map(|prompt| self.known_now(call, prompt)).collect();
        self.hear(call.caller.lease, Source::Prompts { play, prompts });
        play
    }

    /// The prompt as it is counted since the last reload.
    pub(super) fn known_now(&self, call: &Call, prompt: PromptId) -> Option<PromptId> {
        let (began_with, now_has) = (&call.library, &self.world.library);
        if Arc::ptr_eq(began_with, now_has) { Some(prompt) } else { began_with.find_in(now_has, prompt) }
    }

    pub(super) fn enqueue(
        &mut self,
        now: Moment,
        call: &mut Call,
        queue: crate::ids::QueueId,
        priority: Option<u8>,
        since: Moment,
    ) {
        let default = self.world.config.queues.get(&queue).map_or(0, |queue| queue.priority);
        let entered = What::QueueEntered { queue: queue.clone(), priority: priority.unwrap_or(default) };
        self.happened(now, Some(call.id), None, entered);
        call.stage = Stage::Waiting(Waiting {
            queue: queue.clone(),
            priority,
            since,
            ahead: 0,
            announcing: None,
            ringing: None,
        });
        let music = self.music(call);
        self.hear(call.caller.lease, music);
        self.acd.handle(now, acd::Event::Enqueue { call: call.id, queue, priority, since });
    }

    fn transfer_to_agent(&mut self, now: Moment, call: &mut Call, agent: AgentId) -> Next {
        if !matches!(self.acd.agent(&agent), Some(AgentState::Ready { .. })) {
            return Next::Tell(RunEvent::TransferFailed);
        }
        self.acd.handle(now, acd::Event::Reserve { agent: agent.clone(), call: call.id });
        let to = agent.to_string();
        self.happened(now, Some(call.id), Some(agent.clone()), What::Transferred { to });
        let music = self.music(call);
        self.hear(call.caller.lease, music);
        match self.ring_phones(now, call, agent.clone()) {
            Ok(ringing) => {
                call.stage = Stage::Transferring { ringing, until: now + TRANSFER_RING };
                Next::Goes
            }
            Err(why) => {
                self.acd.handle(now, acd::Event::OfferFailed { agent, call: call.id, why });
                Next::Tell(RunEvent::TransferFailed)
            }
        }
    }

    fn transfer_to_number(&mut self, now: Moment, call: &mut Call, number: String) -> Next {
        call.number_transfers += 1;
        let leading = self.leads_on(&number, call);
        let Some(leading) = leading.filter(|_| call.number_transfers <= NUMBER_TRANSFERS) else {
            return Next::Tell(RunEvent::TransferFailed);
        };
        self.happened(now, Some(call.id), None, What::Transferred { to: number.clone() });
        let language = call.run.language().to_owned();
        let caller = Caller { number: call.from.clone(), dialled: number, language };
        let (run, actions) = Run::start(now, leading.flow, caller, self.rng.u64());
        call.run = run;
        call.library = leading.library;
        for action in actions {
            match self.perform(now, call, action) {
                Next::Goes => {}
                over_or_tell => return over_or_tell,
            }
        }
        Next::Goes
    }

    /// Tells the flow something that happened to the caller, if the flow is what has the caller.
    pub(super) fn tell(&mut self, now: Moment, id: CallId, event: RunEvent) {
        let Some(mut call) = self.calls.remove(&id) else {
            return;
        };
        let decided = call.assist.as_ref().is_some_and(|assist| assist.decided.is_some());
        if !matches!(call.stage, Stage::Menu { .. }) || decided {
            return self.keep(call);
        }
        call.taken.failed |= is_failure(&event);
        let actions = call.run.handle(now, event);
        self.obey(now, call, actions);
    }

    /// Sends a call whose queue or transfer came to nothing back to its flow.
    pub(super) fn back_to_flow(&mut self, now: Moment, mut call: Call, event: RunEvent) {
        call.stage = Stage::Menu { playing: None };
        self.hear(call.caller.lease, Source::Silence);
        call.taken.failed |= is_failure(&event);
        let actions = call.run.handle(now, event);
        self.obey(now, call, actions);
    }

    pub(super) fn digit(&mut self, now: Moment, call: CallId, symbol: char) {
        if self.key_for_bot(call, symbol) {
            return;
        }
        match self.calls.get(&call).map(|call| &call.stage) {
            Some(Stage::Waiting(_)) => self.tell_waiting(now, call, RunEvent::Digit(symbol)),
            _ => self.tell(now, call, RunEvent::Digit(symbol)),
        }
    }

    pub(super) fn played(&mut self, now: Moment, id: CallId, play: PlayId) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        match &mut call.stage {
            Stage::Menu { playing } if *playing == Some(play) => {
                *playing = None;
                if !self.told_verdict(now, id) {
                    self.tell(now, id, RunEvent::Played);
                }
            }
            Stage::Waiting(waiting) if waiting.announcing == Some(play) => {
                self.announced(now, id);
            }
            Stage::Talking(talk) if talk.introducing == Some(play) => self.introduced(now, id),
            _ => {}
        }
    }

    /// The time noted for this call has come.
    pub(super) fn wake_call(&mut self, now: Moment, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        call.wake = None;
        if now >= call.arrived + super::limits::CALL_LIFE {
            if let Some(call) = self.calls.remove(&id) {
                self.end_call(now, call, Cause::SessionExpired, Who::Server);
            }
            return;
        }
        match call.stage {
            Stage::Menu { .. } => {
                if !self.assist_is_over(now, id) {
                    self.tell(now, id, RunEvent::Time);
                }
            }
            Stage::Transferring { .. } => self.transfer_unanswered(now, id),
            // While a phone rings nothing new is said: it was only the tape's time.
            Stage::Waiting(Waiting { ringing: None, .. }) => self.wake_waiting(now, id),
            Stage::Waiting(_) | Stage::Talking(_) => {}
        }
        if let Some(mut call) = self.calls.remove(&id) {
            self.hush(now, &mut call);
            self.timetable.put(&mut call);
            self.calls.insert(id, call);
        }
    }

    pub(super) fn caller_event(&mut self, now: Moment, id: CallId, leg: LegId, event: LegEvent) {
        let Some(mut call) = self.calls.remove(&id) else {
            return self.knock_event(now, id, leg, event);
        };
        match self.negotiate(now, &mut call, leg, event) {
            Some(LegEvent::Digit { symbol, .. }) => {
                self.keep(call);
                self.digit(now, id, symbol);
            }
            Some(LegEvent::Ended { cause, by, .. }) => {
                self.roles.remove(&leg);
                let (cause, who) = match by {
                    EndedBy::Peer => (gave_up_in(&call), Who::Caller),
                    EndedBy::Fault | EndedBy::Us => (cause, Who::Server),
                };
                self.end_call(now, call, cause, who);
            }
            _ => self.keep(call),
        }
    }

    /// Ends a call that is off the table: every leg, stream, offer and tape of it, and its record.
    pub(super) fn end_call(&mut self, now: Moment, mut call: Call, cause: Cause, by: Who) {
        self.timetable.remove(&mut call);
        self.give_up_request(now, &mut call, HttpFailure::Abandoned);
        if by == Who::Caller && matches!(call.stage, Stage::Menu { .. }) {
            self.left_broadcast(now, &call);
        }
        self.last_words(now, &mut call);
        self.give_up_talk(now, &mut call, BotFailure::Abandoned);
        let id = call.id;
        self.abandon_assist(now, &mut call, cause);
        let stage = std::mem::replace(&mut call.stage, Stage::Menu { playing: None });
        match stage {
            Stage::Menu { .. } => {}
            Stage::Waiting(waiting) => {
                self.stop_waiting(now, id, waiting);
            }
            Stage::Transferring { ringing, .. } => {
                self.acd.handle(now, acd::Event::Leave(id));
                self.silence(now, ringing, Cause::Abandoned);
            }
            Stage::Talking(talk) => self.end_talk(now, &mut call, talk, cause),
        }
        if self.roles.remove(&call.caller.leg).is_some() {
            self.legs.hang_up(now, &mut self.endpoint, call.caller.leg, cause);
        }
        self.streams.close(call.caller.lease.stream, &mut self.out);
        if call.recorded || call.taped_for_messages {
            self.out.push(super::Output::Tape(TapeCommand::Close { call: id, at: now }));
        }
        let talk_ms = u64::try_from(call.talked.as_millis()).unwrap_or(u64::MAX);
        self.happened(now, Some(id), None, What::CallEnded { cause, by, talk_ms });
        self.count_ending(now, call.taken, cause);
    }

    /// The talk is over: the agent's phone is hung up on, wrap-up begins.
    pub(super) fn end_talk(&mut self, now: Moment, call: &mut Call, talk: Talk, cause: Cause) {
        if talk.introducing.is_none() {
            call.talked += now.since(talk.since);
        }
        self.acd.handle(now, acd::Event::TalkEnded { agent: talk.agent, call: call.id });
        self.hang_up_phone(now, talk.phone, cause);
    }
}

/// What it means that the caller hung up at this stage.
fn gave_up_in(call: &Call) -> Cause {
    match &call.stage {
        _ if call.talk().is_some() => Cause::CallerHungUp,
        // They were asked how the talk was.
        Stage::Menu { .. } if call.survey.is_some() => Cause::CallerHungUp,
        Stage::Menu { .. } => Cause::LeftMenu,
        Stage::Waiting(_) | Stage::Transferring { .. } => Cause::Abandoned,
        Stage::Talking(_) => Cause::CallerHungUp,
    }
}
