//! Into a flow that another one calls, and back.

use std::sync::Arc;

use super::{Action, Held, Run, Suspended, Typed};
use crate::ivr::expression::Compared;
use crate::ivr::flow::{Flow, Kind, LanguageId, NodeId, Operand, Step, VariableId};
use crate::ivr::subflow::Call;

/// A flow's variables before anything is known.
pub(super) fn fresh(flow: &Flow) -> Vec<Held> {
    let empty = flow.variables.iter().map(|variable| match variable.kind {
        Kind::Text => Held::Text(String::new()),
        Kind::Number => Held::Number(0),
        Kind::Secret => Held::Secret(Typed::default()),
    });
    empty.collect()
}

impl Run {
    /// The first node of the flow called, whose parameters have their values.
    pub(super) fn call(&mut self, call: &Call) -> NodeId {
        let given: Vec<Held> = call.with.iter().map(|operand| self.held(operand)).collect();
        let mut variables = fresh(&call.flow);
        // Parameters are the first variables.
        for (variable, value) in variables.iter_mut().zip(given) {
            *variable = value;
        }
        self.language = self.same_language(&call.flow);
        let flow = std::mem::replace(&mut self.flow, call.flow.clone());
        let variables = std::mem::replace(&mut self.variables, variables);
        self.callers.push(Suspended { flow, variables, node: self.node });
        self.flow.start
    }

    /// Where the calling flow goes on, which keeps the results it wants. What else this flow knew is forgotten.
    pub(super) fn go_back(&mut self, results: &[Operand], actions: &mut Vec<Action>) -> Option<NodeId> {
        let results: Vec<Held> = results.iter().map(|operand| self.held(operand)).collect();
        let Some(caller) = self.callers.pop() else {
            // Begun here instead of being called, which the checker refuses for numbers.
            self.end(actions);
            return None;
        };
        self.language = self.same_language(&caller.flow);
        self.flow = caller.flow.clone();
        self.variables = caller.variables;
        self.node = caller.node;
        let Step::Call(call) = &caller.flow.node(caller.node).step else { return None };
        for (place, VariableId(variable)) in &call.into {
            if let Some(value) = results.get(*place) {
                self.variables[*variable] = value.clone();
            }
        }
        call.next
    }

    /// Flows that call each other speak the same languages, in whatever order.
    fn same_language(&self, flow: &Arc<Flow>) -> LanguageId {
        let spoken = flow.languages().position(|language| language == self.language());
        LanguageId(spoken.unwrap_or(0))
    }

    /// A value to keep. Only here a secret is read, and only where the checker allows it.
    pub(super) fn held(&self, operand: &Operand) -> Held {
        if let Operand::Variable(VariableId(place)) = operand {
            return self.variables[*place].clone();
        }
        match self.value(operand) {
            Compared::Text(text) => Held::Text(text.to_owned()),
            Compared::Number(number) => Held::Number(number),
        }
    }
}
