//! Setting variables and the language.

use super::{Action, Run};
use crate::ivr::flow::{LanguageId, Operand, VariableId};

impl Run {
    pub(super) fn set(
        &mut self,
        language: Option<LanguageId>,
        values: &[(VariableId, Operand)],
        actions: &mut Vec<Action>,
    ) {
        if let Some(language) = language {
            self.speaks(language, actions);
        }
        for (VariableId(place), operand) in values {
            self.variables[*place] = self.held(operand);
        }
    }

    /// From here on the call is in this language.
    pub(super) fn speaks(&mut self, language: LanguageId, actions: &mut Vec<Action>) {
        self.language = language;
        let value = self.language().to_owned();
        actions.push(Action::Remark { name: "language".into(), value });
    }
}
