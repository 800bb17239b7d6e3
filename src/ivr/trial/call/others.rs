//! What is not the caller's to decide: hosts, bots, queues, agents, transfers, tapes.

use std::time::Duration;

use super::{Asked, Call, Standing};
use crate::ids::AgentId;
use crate::ivr::bot::BotEnd;
use crate::ivr::http::{HttpFailure, HttpResponse};
use crate::ivr::run::{Event, QueueExit};
use crate::ivr::trial::path::Rung;

impl Call<'_> {
    /// The host answers now.
    pub fn host_answers(&mut self, answer: Result<HttpResponse, HttpFailure>) {
        self.answered(Event::HttpDone(answer));
    }

    /// It is a bot, and no host, that nobody stands for.
    pub fn awaits_bot(&self) -> bool {
        matches!(self.asked, Asked::Unanswered { by_bot: true, .. })
    }

    /// The bot that the caller talks with ends so.
    pub fn bot_ends(&mut self, end: BotEnd) {
        self.answered(Event::BotDone(end));
    }

    pub(super) fn answered(&mut self, event: Event) {
        match &event {
            Event::HttpDone(answer) => {
                let told = answer.as_ref().map(|response| response.status).map_err(|why| *why);
                self.note(Rung::Answered(told));
            }
            Event::BotDone(end) => self.note(Rung::of_bot(end)),
            _ => {}
        }
        self.asked = Asked::Nothing;
        let actions = self.run.handle(self.now, event);
        self.obey(actions);
    }

    /// The message cannot be recorded. False if there is none.
    pub fn message_fails(&mut self) -> bool {
        self.listens();
        let records = self.records();
        if records {
            self.acts();
            self.note(Rung::MessageFails);
            let actions = self.run.handle(self.now, Event::MessageFailed);
            self.obey(actions);
        }
        records
    }

    /// Comes back from the queue. False if the caller is in none.
    pub fn leaves_queue(&mut self, why: QueueExit) -> bool {
        let waits = matches!(self.standing, Standing::InQueue { .. });
        if waits {
            self.acts();
            self.note(Rung::Leaves(why));
            self.comes_back(Event::QueueLeft(why));
        }
        waits
    }

    /// Comes back from a transfer. False if there is none.
    pub fn transfer_fails(&mut self) -> bool {
        let waits = matches!(self.standing, Standing::Transferred(_));
        if waits {
            self.acts();
            self.note(Rung::TransferFails);
            self.comes_back(Event::TransferFailed);
        }
        waits
    }

    /// So many are before the caller in the queue. False if they are in none.
    pub fn is_at(&mut self, ahead: usize) -> bool {
        self.placed(ahead, self.place.1)
    }

    /// So long a wait is still expected; `None`: nobody knows. False if the caller is in no queue.
    pub fn expects(&mut self, wait: Option<Duration>) -> bool {
        self.placed(self.place.0, wait)
    }

    fn placed(&mut self, ahead: usize, estimate: Option<Duration>) -> bool {
        let waits = matches!(self.standing, Standing::InQueue { .. });
        if waits {
            self.acts();
            self.place = (ahead, estimate);
            let actions = self.run.handle(self.now, Event::Place { ahead, estimate });
            self.obey(actions);
        }
        waits
    }

    /// An agent picks up. False if the caller waits for none.
    pub fn agent_answers(&mut self, agent: &AgentId) -> bool {
        let waits = matches!(self.standing, Standing::InQueue { .. });
        if waits {
            self.acts();
            self.note(Rung::AgentAnswers(agent.clone()));
            self.playing = None;
            self.standing = Standing::WithAgent(agent.clone());
            self.plays_now(self.run.introduces(agent).into());
        }
        waits
    }

    fn comes_back(&mut self, event: Event) {
        self.standing = Standing::InFlow;
        self.playing = None;
        let actions = self.run.handle(self.now, event);
        self.obey(actions);
    }
}
