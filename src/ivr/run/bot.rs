//! Talking with a bot: begun, ended, and what it found out taken into variables.

use super::{Action, Compared, Run, State};
use crate::ivr::bot::{BotEnd, BotFailure, BotRequest, Talk};
use crate::ivr::flow::{NodeId, Step};
use crate::moment::Moment;

impl Run {
    /// The number of the conversation that goes on. The end of any other means nothing.
    pub fn talks(&self) -> Option<u64> {
        match &self.state {
            State::WithBot { number, .. } => Some(*number),
            _ => None,
        }
    }

    pub(super) fn begin_talk(
        &mut self,
        now: Moment,
        talk: &Talk,
        actions: &mut Vec<Action>,
    ) -> Option<NodeId> {
        self.requests += 1;
        let told = |operand| match self.value(operand) {
            Compared::Text(text) => text.to_owned(),
            Compared::Number(number) => number.to_string(),
            Compared::Quantity(quantity) => quantity.to_string(),
            Compared::Nothing => String::new(),
        };
        let parameters = talk.with.iter().map(|(name, operand)| (name.clone(), told(operand))).collect();
        let request = BotRequest { number: self.requests, bot: talk.bot.clone(), parameters, max: talk.max };
        self.state = State::WithBot { number: request.number, until: now + talk.max };
        // Keys pressed before were meant for somebody else.
        self.ahead = super::Typed::default();
        actions.push(Action::Bot { request: Box::new(request) });
        None
    }

    /// It has ended. Means nothing while nobody talks with a bot.
    pub(super) fn bot_done(&mut self, now: Moment, end: &BotEnd, actions: &mut Vec<Action>) {
        let flow = self.flow.clone();
        let (State::WithBot { .. }, Step::Bot(talk)) = (&self.state, &flow.node(self.node).step) else {
            return;
        };
        let next = match end {
            BotEnd::Closed => talk.next,
            BotEnd::Failed(BotFailure::TooLong) => {
                let value = "the bot's time is over".to_owned();
                actions.push(Action::Remark { name: "bot".into(), value });
                talk.on_failed
            }
            BotEnd::Failed(_) => talk.on_failed,
            BotEnd::Result(result) => {
                let (found, whole) = talk.taken(&result.slots);
                match (result.person, whole) {
                    // Who is to talk with a person does, whatever else the bot forgot.
                    (true, _) => {
                        self.fill(found);
                        talk.on_person.unwrap_or(talk.next)
                    }
                    (false, true) => {
                        self.fill(found);
                        talk.next
                    }
                    (false, false) => {
                        let value = "the result lacks what the flow wants".to_owned();
                        actions.push(Action::Remark { name: "bot".into(), value });
                        talk.on_failed
                    }
                }
            }
        };
        self.alive = now;
        self.state = State::Over;
        self.go(now, next, actions);
    }
}
