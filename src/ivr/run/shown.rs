//! What of a run may be shown to those who try a flow.

use std::borrow::Cow;
use std::fmt;

use super::{Held, Run, State};

/// A variable's value. Of a secret only how many keys were typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown<'r> {
    /// Amounts, days and the like as flows write them; nothing for one that nobody has set.
    Text(Cow<'r, str>),
    Number(i64),
    /// Keys typed into a secret.
    Typed(usize),
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Shown::Text(text) => f.write_str(text),
            Shown::Number(number) => write!(f, "{number}"),
            Shown::Typed(keys) => write!(f, "{keys} keys"),
        }
    }
}

/// Without variables and numbers: they are the caller's.
impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("flow", self.flow.id())
            .field("node", &self.node())
            .field("language", &self.language())
            .field("state", &self.state)
            .field("ahead", &self.ahead)
            .finish_non_exhaustive()
    }
}

impl Run {
    /// The variables of the flow the caller is in, in their order.
    pub(in crate::ivr) fn shown(&self) -> impl Iterator<Item = (&str, Shown<'_>)> {
        let names = self.flow.chart.variables.iter().map(|(name, _)| name.as_str());
        names.zip(self.variables.iter().map(|held| match held {
            Held::Text(text) => Shown::Text(text.as_str().into()),
            Held::Number(number) => Shown::Number(*number),
            Held::Nothing => Shown::Text(Cow::Borrowed("")),
            Held::Quantity(quantity) => Shown::Text(quantity.to_string().into()),
            Held::Secret(typed) => Shown::Typed(typed.0.len()),
        }))
    }

    /// A question is being asked, or has been and waits for its answer; so does a broadcast that ends the call.
    pub(in crate::ivr) fn asks(&self) -> bool {
        let asks = matches!(
            self.state,
            State::Asking { .. } | State::Listening { .. } | State::Typing { .. } | State::Recording { .. }
        );
        asks || matches!(self.state, State::Warned { until: Some(_), .. })
    }

    /// How many keys are kept for a question that is yet to come.
    pub(in crate::ivr) fn keys_kept(&self) -> usize {
        self.ahead.0.len()
    }
}
