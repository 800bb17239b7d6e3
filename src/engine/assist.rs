//! Secrets typed during a talk: the agent sends the caller into a flow and waits; both come together again when it ends,
//! however it ends. Meanwhile neither hears the other, the agent stays in the talk for everybody else, and the tape rests.

use std::sync::Arc;

use super::Engine;
use super::customer::Next;
use super::happened::{Verdict, What};
use super::limits::{ASSIST_TIME, HUSH_TAIL, STAR_TIME, VERDICT_TIME};
use super::output::Output;
use super::staff::Answer;
use crate::call::cause::Cause;
use crate::call::customer::{Assist, Call, Stage};
use crate::ids::{AgentId, CallId, FlowId, StreamId};
use crate::ivr::bot::BotFailure;
use crate::ivr::run::{Action, Caller, Event as RunEvent, Run};
use crate::media::command::Command;
use crate::moment::Moment;
use crate::recording::block::Mark;
use crate::recording::recorder::TapeCommand;

/// The flow that `*5` on an agent's phone starts.
const STAR_FLOW: &str = "secure_pin";
/// The digit of that code.
const STAR_DIGIT: char = '5';

impl Engine {
    pub(super) fn verify_by_staff(
        &mut self,
        now: Moment,
        user: String,
        only: Option<&AgentId>,
        id: CallId,
        flow: &FlowId,
    ) -> Answer {
        let Some(call) = self.calls.get(&id) else { return Answer::NotFound };
        if only.is_some() && call.agent() != only {
            return Answer::NotFound;
        }
        let answer = self.verify(now, id, flow);
        if answer == Answer::Done {
            let action = format!("verify:{flow}");
            self.happened(now, Some(id), None, What::StaffAction { user, action });
        }
        answer
    }

    /// The caller leaves the agent for the flow.
    fn verify(&mut self, now: Moment, id: CallId, name: &FlowId) -> Answer {
        let Some(mut call) = self.calls.remove(&id) else { return Answer::NotFound };
        let Some((flow, library)) = self.flow_for(&call, name).filter(|(flow, _)| flow.is_assisted()) else {
            self.keep(call);
            return Answer::Refused("there is no such flow for agents to start");
        };
        let talk = match std::mem::replace(&mut call.stage, Stage::Menu { playing: None }) {
            // Who is being announced does not talk yet.
            Stage::Talking(talk) if talk.introducing.is_none() => talk,
            other => {
                call.stage = other;
                self.keep(call);
                return Answer::Refused("nobody talks with this caller now");
            }
        };
        let (agent, phone) = (talk.agent.clone(), talk.phone.lease);
        let started = What::VerifyStarted { flow: name.to_string() };
        self.happened(now, Some(id), Some(agent.clone()), started);
        let language = call.run.language().to_owned();
        let caller = Caller { number: call.from.clone(), dialled: call.dialled.clone(), language };
        let (run, actions) = Run::start(now, flow, caller, self.rng.u64());
        call.assist = Some(Box::new(Assist {
            agent,
            from_queue: talk.from_queue.clone(),
            talk: Some(talk),
            run: std::mem::replace(&mut call.run, run),
            library: std::mem::replace(&mut call.library, library),
            until: now + ASSIST_TIME,
            decided: None,
        }));
        let music = self.music(&call);
        self.hear(phone, music);
        // Before a word is said: who knows what is coming types ahead.
        self.hush(now, &mut call);
        self.obey(now, call, actions);
        Answer::Done
    }

    /// The agent pressed a key while they talk.
    pub(super) fn agents_digit(&mut self, now: Moment, id: CallId, stream: StreamId, symbol: char) {
        let talks =
            |call: &Call| matches!(&call.stage, Stage::Talking(talk) if talk.phone.lease.stream == stream);
        if self.calls.get(&id).is_some_and(talks)
            && let Some(call) = self.calls.remove(&id)
        {
            self.agent_pressed(now, call, symbol);
        }
    }

    pub(super) fn agent_pressed(&mut self, now: Moment, mut call: Call, symbol: char) {
        let id = call.id;
        let mut code = false;
        if let Stage::Talking(talk) = &mut call.stage {
            let star = talk.star.take().is_some_and(|at| now <= at + STAR_TIME);
            code = star && symbol == STAR_DIGIT;
            talk.star = (symbol == '*').then_some(now);
        }
        self.keep(call);
        if code {
            // Refused, the talk just goes on: there is nobody to tell but by a tone that the caller would hear too.
            let _ = self.verify(now, id, &STAR_FLOW.into());
        }
    }

    pub(super) fn tell_progress(&mut self, now: Moment, call: &Call, keys: usize, of: usize) {
        let agent = call.agent().cloned();
        self.happened(now, Some(call.id), agent, What::KeysTyped { keys, of });
    }

    /// The flow is over: it has told the caller itself, or it was broken off and the caller is told now.
    pub(super) fn agent_return(
        &mut self,
        now: Moment,
        call: &mut Call,
        verdict: Verdict,
        level: Option<Arc<str>>,
    ) -> Next {
        self.give_up_talk(now, call, BotFailure::Abandoned);
        let prompt = match verdict {
            Verdict::Cancelled => "sv_cancel",
            Verdict::Timeout => "sv_timeout",
            Verdict::Ok | Verdict::Fail | Verdict::Hangup => return self.rejoin(now, call, verdict, level),
        };
        let found = self.world.library.find(call.run.language(), prompt);
        let told = call.assist.as_ref().is_some_and(|assist| assist.decided.is_some());
        let (Some(prompt), false) = (found, told) else { return self.rejoin(now, call, verdict, level) };
        call.library = self.world.library.clone();
        let play = self.play(call, vec![prompt]);
        call.stage = Stage::Menu { playing: Some(play) };
        if let Some(assist) = &mut call.assist {
            (assist.decided, assist.until) = (Some(verdict), now + VERDICT_TIME);
        }
        Next::Goes
    }

    /// Caller and agent hear each other again. If the agent has gone the caller goes to the head of the queue they came
    /// from, or on in the flow that sent them to that agent.
    fn rejoin(&mut self, now: Moment, call: &mut Call, result: Verdict, level: Option<Arc<str>>) -> Next {
        // The checker lets nobody come here without an agent.
        let Some(assist) = call.assist.take() else { return Next::Over };
        let Assist { agent, talk, from_queue, run, library, .. } = *assist;
        (call.run, call.library) = (run, library);
        let ended = What::VerifyEnded { result, level: level.map(|level| level.to_string()) };
        self.happened(now, Some(call.id), Some(agent), ended);
        match (talk, from_queue) {
            (Some(talk), _) => {
                call.stage = Stage::Talking(talk);
                self.note_holds(now, call);
                Next::Goes
            }
            (None, Some(from)) => {
                // What was being said when the agent picked up has not been heard to its end.
                call.run.handle(now, RunEvent::Played);
                self.enqueue(now, call, from.queue, from.priority, from.since);
                Next::Goes
            }
            (None, None) => Next::Tell(RunEvent::TransferFailed),
        }
    }

    /// What was said ended. True if it was the verdict of a flow broken off.
    pub(super) fn told_verdict(&mut self, now: Moment, id: CallId) -> bool {
        let decided = self.calls.get(&id).and_then(|call| call.assist.as_ref()?.decided);
        decided.is_some_and(|verdict| self.break_off(now, id, verdict))
    }

    /// Ends what has taken too long. False if it may go on.
    pub(super) fn assist_is_over(&mut self, now: Moment, id: CallId) -> bool {
        let assist = self.calls.get(&id).and_then(|call| call.assist.as_ref());
        let Some(assist) = assist.filter(|assist| assist.until <= now) else { return false };
        let verdict = assist.decided.unwrap_or(Verdict::Timeout);
        self.break_off(now, id, verdict)
    }

    fn break_off(&mut self, now: Moment, id: CallId, verdict: Verdict) -> bool {
        let Some(mut call) = self.calls.remove(&id) else { return false };
        self.give_up_request(now, &mut call, crate::ivr::http::HttpFailure::Abandoned);
        self.obey(now, call, vec![Action::AgentReturn { verdict, level: None }]);
        true
    }

    /// The call ends in the middle of it.
    pub(super) fn abandon_assist(&mut self, now: Moment, call: &mut Call, cause: Cause) {
        let Some(assist) = call.assist.take() else { return };
        let ended = What::VerifyEnded { result: assist.decided.unwrap_or(Verdict::Hangup), level: None };
        self.happened(now, Some(call.id), Some(assist.agent.clone()), ended);
        if let Some(talk) = assist.talk {
            self.end_talk(now, call, talk, cause);
        }
    }

    /// Pauses the tape while the caller may type a secret, whose tones may be in the audio, and until the last has faded.
    pub(super) fn hush(&mut self, now: Moment, call: &mut Call) {
        if !call.recorded {
            return;
        }
        let in_flow = matches!(call.stage, Stage::Menu { .. });
        // Who is told that it was broken off may be typing still.
        let told = |assist: &Assist| assist.decided.is_none() && call.run.announces();
        let secret = match &call.assist {
            Some(assist) => !told(assist),
            None => in_flow && call.run.is_quiet(),
        };
        if !secret && call.hushed {
            let until = *call.speaks_at.get_or_insert(now + HUSH_TAIL);
            if until > now {
                return;
            }
        }
        call.speaks_at = None;
        if secret == call.hushed {
            return;
        }
        call.hushed = secret;
        let stream = call.caller.lease.stream;
        let (command, mark) = if secret {
            (Command::StopRecording { stream }, Mark::Pause { reason: "secret digits".to_owned() })
        } else {
            (Command::Record { stream, call: call.id }, Mark::Resume)
        };
        self.out.media(call.caller.lease, command);
        self.out.push(Output::Tape(TapeCommand::Mark { call: call.id, at: now, mark }));
    }
}
