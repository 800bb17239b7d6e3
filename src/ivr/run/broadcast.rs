//! The emergency broadcast on its way to one caller.

use std::time::Duration;

use super::{Action, Compared, Run, State, Typed};
use crate::ivr::emergency::{Level, Notice, Piece};
use crate::ivr::flow::{NodeId, Step};
use crate::ivr::say::Manner;
use crate::ivr::value::Kind;
use crate::media::prompts::PromptId;
use crate::moment::Moment;

/// The key that reports a loss.
const LOSS: char = '0';

/// How long a call that the broadcast ends still waits for that key: the prompt names it only at its end, and an old
/// hand needs its time.
pub const LAST_CHANCE: Duration = Duration::from_secs(5);

impl Run {
    /// Whether the caller is hearing a broadcast now, or has its last chance.
    pub fn hears_broadcast(&self) -> bool {
        matches!(self.state, State::Warned { .. })
    }

    pub(super) fn ask_broadcast(&mut self, actions: &mut Vec<Action>) -> Option<NodeId> {
        self.state = State::Inquiring;
        actions.push(Action::AskBroadcast);
        None
    }

    /// What is on, or that nothing is.
    pub(super) fn broadcast(&mut self, now: Moment, notice: Option<Notice>, actions: &mut Vec<Action>) {
        let flow = self.flow.clone();
        let (State::Inquiring, Step::Emergency(emergency)) = (&self.state, &flow.node(self.node).step) else {
            return;
        };
        let Some(notice) = notice else { return self.go(now, emergency.next, actions) };
        // Who has pressed the key already need not be told of it.
        if self.ahead.0.starts_with(LOSS) {
            self.ahead.first();
            return self.go(now, emergency.loss, actions);
        }
        self.state = State::Warned { level: notice.level, until: None };
        let prompts = notice.pieces.iter().flat_map(|piece| self.pronounced(piece)).collect();
        actions.push(Action::Play { prompts });
    }

    fn pronounced(&self, piece: &Piece) -> Vec<PromptId> {
        match piece {
            Piece::Prompt(prompt) => vec![*prompt],
            Piece::Time(text) => {
                let time = Kind::Time.quantity(text).map_or(Compared::Nothing, Compared::Quantity);
                self.flow.words[self.language.0].say(time, Manner::Time)
            }
        }
    }

    /// The broadcast has been heard to its end.
    pub(super) fn warned(&mut self, now: Moment, level: Level) -> Option<NodeId> {
        let flow = self.flow.clone();
        let Step::Emergency(emergency) = &flow.node(self.node).step else { return None };
        match level {
            Level::Info => Some(emergency.next),
            Level::Deflect => {
                // They were meant for a menu that is not coming.
                self.ahead = Typed::default();
                Some(emergency.deflect)
            }
            Level::Full => {
                self.state = State::Warned { level, until: Some(now + LAST_CHANCE) };
                None
            }
        }
    }

    /// Only the key for a loss is heard at once; others wait for the next question, if there is to be one.
    pub(super) fn key_while_warned(
        &mut self,
        key: char,
        level: Level,
        plays: bool,
        actions: &mut Vec<Action>,
    ) -> Option<NodeId> {
        let flow = self.flow.clone();
        let Step::Emergency(emergency) = &flow.node(self.node).step else { return None };
        if key != LOSS {
            if level == Level::Info {
                self.keep(key);
            }
            return None;
        }
        if plays {
            actions.push(Action::StopPlaying);
        }
        self.ahead = Typed::default();
        Some(emergency.loss)
    }
}
