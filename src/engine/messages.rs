//! What callers leave behind: messages after the tone, and ratings when the agent has hung up.

use std::sync::Arc;

use super::Engine;
use super::customer::Next;
use super::happened::{MessageState, Party as Who, What};
use super::limits::MESSAGES_PER_CALL;
use super::output::Output;
use super::staff::Answer;
use crate::call::cause::Cause;
use crate::call::customer::{Call, FromQueue, Message, Stage, Survey};
use crate::ids::{AgentId, CallId, FlowId};
use crate::ivr::flow::Flow;
use crate::ivr::run::{Action, Caller, Event as RunEvent, MessageEnd, Run};
use crate::media::command::{Command, Source};
use crate::media::prompts::Library;
use crate::moment::Moment;
use crate::recording::block::Mark;
use crate::recording::recorder::TapeCommand;

impl Engine {
    /// From now on the caller speaks a message. It is on the call's tape; a call that is not recorded gets one for it.
    pub(super) fn begin_message(&mut self, now: Moment, call: &mut Call, name: Arc<str>) -> Next {
        // Packets that a worker drops, or the disk refuses, would be missing in what the caller was promised to be heard.
        let overloaded = self.streams.is_overloaded(call.caller.lease.worker);
        // The tape rests while an agent waits for the caller.
        if call.assist.is_some() || call.tape_fails || overloaded || call.messages >= MESSAGES_PER_CALL {
            return Next::Tell(RunEvent::MessageFailed);
        }
        call.messages += 1;
        let number = call.messages;
        if !call.recorded {
            if std::mem::replace(&mut call.taped_for_messages, true) {
                self.mark_tape(now, call.id, Mark::Resume);
            } else {
                self.out.push(Output::Tape(TapeCommand::Open { call: call.id, started: now }));
                self.happened(now, Some(call.id), None, What::RecordingStarted);
            }
            let stream = call.caller.lease.stream;
            self.out.media(call.caller.lease, Command::Record { stream, call: call.id });
        }
        let mark = Mark::Message { number, name: name.to_string() };
        self.mark_tape(now, call.id, mark);
        let began = What::MessageBegan { number, name: name.to_string() };
        self.happened(now, Some(call.id), None, began);
        call.message = Some(Message { number, name, since: now });
        Next::Goes
    }

    /// The message under way is over; nothing if none could be begun.
    pub(super) fn message_over(&mut self, now: Moment, call: &mut Call, end: MessageEnd) {
        let Some(Message { number, name, since }) = call.message.take() else { return };
        self.mark_tape(now, call.id, Mark::MessageOver { number, why: end.word().to_owned() });
        if !call.recorded {
            let stream = call.caller.lease.stream;
            self.out.media(call.caller.lease, Command::StopRecording { stream });
            self.mark_tape(now, call.id, Mark::Pause { reason: "not recorded".to_owned() });
        }
        let what = match end {
            MessageEnd::Short => What::MessageShort { number },
            _ => {
                let ms = u64::try_from(now.since(since).as_millis()).unwrap_or(u64::MAX);
                What::MessageLeft { number, name: name.to_string(), ms, end }
            }
        };
        self.happened(now, Some(call.id), None, what);
    }

    fn mark_tape(&mut self, now: Moment, call: CallId, mark: Mark) {
        self.out.push(Output::Tape(TapeCommand::Mark { call, at: now, mark }));
    }

    /// The disk refuses a call's tape, or takes it again. A caller who is speaking a message is told at once.
    pub(super) fn tape_fails(&mut self, now: Moment, id: CallId, fails: bool) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        call.tape_fails = fails;
        if fails && call.message.is_some() {
            self.tell(now, id, RunEvent::MessageFailed);
        }
    }

    /// A call that is ending: a message under way is closed, a rating that was not given is noted as such.
    pub(super) fn last_words(&mut self, now: Moment, call: &mut Call) {
        for action in call.run.hung_up(now) {
            if let Action::MessageOver { end } = action {
                self.message_over(now, call, end);
            }
        }
        if call.survey.as_ref().is_some_and(|survey| !survey.answered) {
            self.surveyed(now, call, None);
        }
    }

    /// The agent hung up. Who waited in a queue that asks for ratings is asked, once in a call; otherwise the call is
    /// over. Whoever has put us on hold would not hear the question.
    pub(super) fn agent_hung_up(
        &mut self,
        now: Moment,
        mut call: Call,
        agent: AgentId,
        from: Option<FromQueue>,
    ) {
        let survey = from.and_then(|from| Some((self.survey_of(&call, &from)?, from.queue)));
        let Some(((name, flow, library), queue)) =
            survey.filter(|_| call.survey.is_none() && !call.caller.holds_us())
        else {
            return self.end_call(now, call, Cause::AgentHungUp, Who::Agent);
        };
        let talk_ms = u64::try_from(call.talked.as_millis()).unwrap_or(u64::MAX);
        let began = What::SurveyBegan { queue: queue.clone(), flow: name.to_string(), talk_ms };
        self.happened(now, Some(call.id), Some(agent.clone()), began);
        call.survey = Some(Survey { agent, queue, answered: false });
        let language = call.run.language().to_owned();
        let caller = Caller { number: call.from.clone(), dialled: call.dialled.clone(), language };
        let (run, actions) = Run::start(now, flow, caller, self.rng.u64());
        (call.run, call.library) = (run, library);
        call.stage = Stage::Menu { playing: None };
        self.hear(call.caller.lease, Source::Silence);
        self.obey(now, call, actions);
    }

    fn survey_of(&self, call: &Call, from: &FromQueue) -> Option<(FlowId, Arc<Flow>, Arc<Library>)> {
        let name = self.world.config.queues.get(&from.queue)?.survey.clone()?;
        let (flow, library) = self.flow_for(call, &name)?;
        Some((name, flow, library))
    }

    /// The caller's rating of the talk before, or that they gave none.
    pub(super) fn surveyed(&mut self, now: Moment, call: &mut Call, score: Option<u8>) {
        let (agent, queue) = match &mut call.survey {
            Some(survey) => {
                survey.answered = true;
                (Some(survey.agent.clone()), Some(survey.queue.clone()))
            }
            None => (None, None),
        };
        self.happened(now, Some(call.id), agent, What::Surveyed { queue, score });
    }

    /// Somebody has listened to a message, or has done what it asked for. That it exists is known to who asks.
    pub(super) fn mark_message(
        &mut self,
        now: Moment,
        user: String,
        (call, number): (CallId, u32),
        state: MessageState,
    ) -> Answer {
        self.happened(now, Some(call), None, What::MessageMarked { number, state, user });
        Answer::Done
    }
}
