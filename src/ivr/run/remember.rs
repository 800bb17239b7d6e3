//! What is remembered of the caller: asked for, taken into variables, and given to be kept.

use super::{Action, Compared, Held, Run, State};
use crate::ivr::flow::{LanguageId, NodeId, Step, VariableId};
use crate::ivr::profile::{Into, MAX_VALUE, Profile, Remembered, What};
use crate::moment::Moment;

impl Run {
    /// Recalling waits for the answer; remembering goes on.
    pub(super) fn profile(&mut self, profile: &Profile, actions: &mut Vec<Action>) -> Option<NodeId> {
        match &profile.what {
            What::Recall(_) => {
                self.state = State::Inquiring;
                actions.push(Action::Recall);
                None
            }
            What::Remember(values) => {
                let text = |operand| match self.value(operand) {
                    Compared::Text(text) => text.to_owned(),
                    Compared::Number(number) => number.to_string(),
                    // The checker takes neither.
                    Compared::Quantity(_) | Compared::Nothing => String::new(),
                };
                let values = values.iter().map(|(name, operand)| (name.to_string(), text(operand)));
                let values = values.filter(|(_, value)| value.len() <= MAX_VALUE).collect();
                actions.push(Action::Remember { values });
                Some(profile.next)
            }
        }
    }

    pub(super) fn recalled(&mut self, now: Moment, known: &Remembered, actions: &mut Vec<Action>) {
        let flow = self.flow.clone();
        let (State::Inquiring, Step::Profile(profile)) = (&self.state, &flow.node(self.node).step) else {
            return;
        };
        let What::Recall(wanted) = &profile.what else { return };
        let mut any = false;
        for (name, into) in wanted {
            let Some(value) = known.get(&**name) else { continue };
            any |= self.take_recalled(*into, value, actions);
        }
        let next = if any { profile.next } else { profile.on_unknown.unwrap_or(profile.next) };
        self.go(now, next, actions);
    }

    /// False if it does not fit: another version of the flow may have remembered something else by that name.
    fn take_recalled(&mut self, into: Into, value: &str, actions: &mut Vec<Action>) -> bool {
        match into {
            Into::Language => {
                let spoken = self.flow.languages().position(|language| language == value);
                if let Some(spoken) = spoken {
                    self.speaks(LanguageId(spoken), actions);
                }
                spoken.is_some()
            }
            Into::Variable(VariableId(place), kind) => match kind.read(value) {
                Some(held @ (Held::Text(_) | Held::Number(_))) => {
                    self.variables[place] = held;
                    true
                }
                _ => false,
            },
        }
    }
}
