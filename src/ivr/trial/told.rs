//! What came of a test, as `hotline test` and who publishes tell it.

use serde::Serialize;

use super::Stage;
use super::play::Outcome;
use super::script::Test;
use crate::diagnostic::Diagnostic;
use crate::ivr::flow::Flow;

/// One test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Told {
    pub file: String,
    pub line: usize,
    pub name: String,
    pub flow: String,
    pub passed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<serde_json::Value>,
    /// What happened, if it failed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<String>,
    /// For people; empty if it passed.
    #[serde(skip)]
    pub text: String,
}

impl Told {
    /// `on` is the flow that the test began in.
    pub fn of(test: &Test, outcome: &Outcome, stage: &Stage<'_>, on: &Flow) -> Told {
        let path = outcome.failure.as_ref().map_or(Vec::new(), |_| outcome.path.lines(stage, on));
        let text = outcome.failure.as_ref().map_or(String::new(), |failure| {
            format!("{}\nWhat happened:\n{}\n", failure.render(), path.join("\n"))
        });
        Told {
            file: test.source.name.clone(),
            line: test.source.position(test.span.start).0,
            name: test.name.clone(),
            flow: test.flow.to_string(),
            passed: outcome.failure.is_none(),
            failure: outcome.failure.as_ref().and_then(json),
            path,
            text,
        }
    }
}

/// A diagnostic as `--json` has it.
pub fn json(diagnostic: &Diagnostic) -> Option<serde_json::Value> {
    serde_json::to_value(diagnostic.to_json()).ok()
}
