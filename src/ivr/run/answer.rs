//! Questions and what callers press: menus, entries, keys typed ahead, silence.

use super::{Action, Held, Run, State, TYPE_AHEAD, Typed};
use crate::ivr::flow::{Ask, Entry, NodeId, Step, VariableId, key_index};
use crate::media::prompts::PromptId;
use crate::moment::Moment;

/// Why a question was not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    NoInput,
    Invalid,
    /// An entry that the node's check turned down.
    Unfit,
}

impl Run {
    /// Puts a question. With `lead`, what went wrong is said first, and keys typed ahead are void:
    /// they followed a plan that has just failed.
    pub(super) fn ask(
        &mut self,
        now: Moment,
        ask: &Ask,
        failures: u8,
        lead: &[PromptId],
        actions: &mut Vec<Action>,
    ) -> Option<NodeId> {
        self.state = State::Asking { failures };
        let skipped = ask.barge_in && lead.is_empty() && !self.ahead.0.is_empty();
        let mut prompts = lead.to_vec();
        prompts.extend_from_slice(ask.prompts.of(self.language));
        if !skipped && !prompts.is_empty() {
            actions.push(Action::Play { prompts });
            return None;
        }
        self.listen(now, failures, actions)
    }

    /// The question has been asked: keys typed meanwhile first, then the time runs.
    pub(super) fn listen(&mut self, now: Moment, failures: u8, actions: &mut Vec<Action>) -> Option<NodeId> {
        let flow = self.flow.clone();
        let (Step::Menu { ask, .. }
        | Step::Collect { ask, .. }
        | Step::Survey { ask, .. }
        | Step::Language { ask, .. }) = &flow.node(self.node).step
        else {
            return None;
        };
        self.state = State::Listening { failures, until: now + ask.timeout };
        while matches!(self.state, State::Listening { .. } | State::Typing { .. }) {
            let key = self.ahead.first()?;
            if let Some(next) = self.answer(now, key, actions) {
                return Some(next);
            }
        }
        None
    }

    pub(super) fn digit(&mut self, now: Moment, key: char, actions: &mut Vec<Action>) {
        let key = key.to_ascii_uppercase();
        if key_index(key).is_none() {
            return;
        }
        self.alive = now;
        if key == '*' && self.is_assisted() {
            return self.cancelled(actions);
        }
        if let Some((terminator, until)) = self.late_terminator.take()
            && key == terminator
            && now <= until
        {
            return;
        }
        let next = match &self.state {
            State::Speaking { barge_in: true, next } => {
                let next = *next;
                actions.push(Action::StopPlaying);
                self.keep(key);
                Some(next)
            }
            State::Speaking { barge_in: false, .. }
            | State::Pausing { .. }
            | State::Requesting { .. }
            | State::Inquiring => {
                self.keep(key);
                None
            }
            State::Asking { failures } => {
                let failures = *failures;
                self.keep(key);
                if !self.asked_with_barge_in() {
                    return;
                }
                actions.push(Action::StopPlaying);
                self.listen(now, failures, actions)
            }
            State::Listening { .. } | State::Typing { .. } => self.answer(now, key, actions),
            State::Warned { level, until } => self.key_while_warned(key, *level, until.is_none(), actions),
            State::Recording { .. } => self.key_in_message(now, key, actions),
            State::Queued(_) => self.key_while_waiting(now, key, actions),
            State::Announcing | State::Cueing | State::Transferring | State::WithBot { .. } | State::Over => {
                None
            }
        };
        if let Some(next) = next {
            self.go(now, next, actions);
        }
    }

    pub(super) fn keep(&mut self, key: char) {
        if self.ahead.0.len() < TYPE_AHEAD {
            self.ahead.0.push(key);
        }
    }

    fn asked_with_barge_in(&self) -> bool {
        match &self.flow.node(self.node).step {
            Step::Menu { ask, .. }
            | Step::Collect { ask, .. }
            | Step::Survey { ask, .. }
            | Step::Language { ask, .. } => ask.barge_in,
            _ => false,
        }
    }

    /// A key for the question at hand. The next node, if it decides.
    fn answer(&mut self, now: Moment, key: char, actions: &mut Vec<Action>) -> Option<NodeId> {
        let flow = self.flow.clone();
        match &flow.node(self.node).step {
            Step::Menu { keys, .. } => match key_index(key).and_then(|place| keys[place]) {
                Some(next) => Some(next),
                None => self.failed(now, Failure::Invalid, actions),
            },
            Step::Language { keys, next, .. } => match key_index(key).and_then(|place| keys[place]) {
                Some(language) => {
                    self.speaks(language, actions);
                    Some(*next)
                }
                None => self.failed(now, Failure::Invalid, actions),
            },
            Step::Survey { scores, .. } => match scores.of(key) {
                Some(score) => {
                    actions.push(Action::Surveyed { score: Some(score) });
                    Some(scores.then(score))
                }
                None => self.failed(now, Failure::Invalid, actions),
            },
            Step::Collect { entry, next, .. } => self.type_key(now, key, entry, *next, actions),
            _ => None,
        }
    }

    fn type_key(
        &mut self,
        now: Moment,
        key: char,
        entry: &Entry,
        next: NodeId,
        actions: &mut Vec<Action>,
    ) -> Option<NodeId> {
        let (failures, mut typed) = match std::mem::replace(&mut self.state, State::Over) {
            State::Typing { failures, typed, .. } => (failures, typed),
            State::Asking { failures } | State::Listening { failures, .. } => (failures, Typed::default()),
            other => {
                self.state = other;
                return None;
            }
        };
        if Some(key) == entry.terminator {
            return self.entered(now, failures, typed, entry, next, actions);
        }
        match key {
            // A star takes back what was typed.
            '*' => typed = Typed::default(),
            '0'..='9' => typed.0.push(key),
            _ => {}
        }
        self.tells_progress(typed.0.len(), entry, actions);
        if typed.0.len() >= entry.max {
            self.late_terminator =
                entry.terminator.map(|terminator| (terminator, now + entry.between_digits));
            // The terminator may have been typed ahead as well.
            if entry.terminator.is_some_and(|terminator| self.ahead.0.starts_with(terminator)) {
                self.ahead.first();
                self.late_terminator = None;
            }
            return self.entered(now, failures, typed, entry, next, actions);
        }
        self.state = State::Typing { failures, typed, until: now + entry.between_digits };
        None
    }

    /// The entry is complete: by its terminator, its length, or silence.
    fn entered(
        &mut self,
        now: Moment,
        failures: u8,
        typed: Typed,
        entry: &Entry,
        next: NodeId,
        actions: &mut Vec<Action>,
    ) -> Option<NodeId> {
        let flow = self.flow.clone();
        if typed.0.len() < entry.min {
            self.state = State::Asking { failures };
            return self.failed(now, Failure::Invalid, actions);
        }
        if entry.check.as_ref().is_some_and(|check| !check.holds(&typed.0)) {
            self.state = State::Asking { failures };
            return self.failed(now, Failure::Unfit, actions);
        }
        let VariableId(place) = entry.into;
        self.variables[place] = Held::of_keys(flow.variables[place].kind, typed);
        Some(next)
    }

    /// Silence or a wrong key: the question again, or where the flow leads after the last try.
    pub(super) fn failed(&mut self, now: Moment, why: Failure, actions: &mut Vec<Action>) -> Option<NodeId> {
        let flow = self.flow.clone();
        let (Step::Menu { ask, .. }
        | Step::Collect { ask, .. }
        | Step::Survey { ask, .. }
        | Step::Language { ask, .. }) = &flow.node(self.node).step
        else {
            return None;
        };
        let failures = match &self.state {
            State::Asking { failures }
            | State::Listening { failures, .. }
            | State::Typing { failures, .. } => *failures,
            _ => 0,
        };
        let way = match why {
            Failure::NoInput => &ask.on_no_input,
            Failure::Invalid | Failure::Unfit => &ask.on_invalid,
        };
        let lead = match &flow.node(self.node).step {
            Step::Collect { entry: Entry { check: Some(check), .. }, .. } if why == Failure::Unfit => {
                Some(check.prompts.of(self.language)).filter(|prompts| !prompts.is_empty())
            }
            _ => None,
        };
        self.ahead = Typed::default();
        let surveyed = matches!(flow.node(self.node).step, Step::Survey { .. });
        if failures >= ask.retries || (surveyed && why == Failure::NoInput) {
            if surveyed {
                actions.push(Action::Surveyed { score: None });
            }
            if let Step::Language { default, .. } = &flow.node(self.node).step {
                self.speaks(*default, actions);
            }
            return Some(way.then);
        }
        let lead = lead.unwrap_or(way.prompts.of(self.language));
        self.ask(now, ask, failures + 1, lead, actions)
    }

    pub(super) fn silence_ends_entry(&mut self, now: Moment, actions: &mut Vec<Action>) -> Option<NodeId> {
        let flow = self.flow.clone();
        let Step::Collect { entry, next, .. } = &flow.node(self.node).step else { return None };
        let State::Typing { failures, typed, .. } = std::mem::replace(&mut self.state, State::Over) else {
            return None;
        };
        // Taken back with a star and then silence: nothing was entered.
        if typed.0.is_empty() {
            self.state = State::Asking { failures };
            return self.failed(now, Failure::NoInput, actions);
        }
        self.entered(now, failures, typed, entry, *next, actions)
    }
}
