//! The humane rules: whatever callers do, or cannot do, a person is near.
//!
//! Three callers walk on from every question: one who keeps silent, one who presses wrong keys, one who presses the key
//! for a person wherever they are asked. Each must reach a queue or a transfer within so many questions and so many
//! seconds of prompts, at worst over all cases and hours in which people work. What is said of values (numbers, dates)
//! is not counted.

use std::fmt;
use std::time::Duration;

use super::flow::{NodeId, key_index};
use super::scope::Scope;
use crate::diagnostic::Span;
use crate::diagnostic::fields::Fields;
use crate::diagnostic::yaml::Node;
use crate::ids::FlowId;

mod country;
mod judge;
mod outcome;
mod rings;
mod walk;
mod ways;

pub(super) use country::judge;

/// Questions until a person, if the flow does not say.
const QUESTIONS: usize = 3;
/// Prompts until a person, if the flow does not say.
const PROMPTS: Duration = Duration::from_secs(60);
/// The most that a flow may allow itself.
const QUESTIONS_MOST: i64 = 10;
const PROMPTS_RANGE: std::ops::RangeInclusive<Duration> = Duration::from_secs(10)..=Duration::from_secs(300);
/// Menus one behind the other: beyond three, people lose their way.
const DEPTH: usize = 3;
/// The key for a person, by `key_index`, if the flow does not say: 9.
const PERSON_KEY: usize = 9;

/// The limits of one flow: `humane:` at its top.
#[derive(Debug)]
pub(super) struct Rules {
    /// Where the flow says its name.
    name: Span,
    questions: usize,
    prompts: Duration,
    /// By `key_index`.
    person_key: usize,
    complaints: Option<(NodeId, Span)>,
}

/// What it takes to reach a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Way {
    /// Questions put to the caller; one that is repeated counts once.
    pub questions: usize,
    /// Prompts that play, repeats and all.
    pub prompts: Duration,
}

/// The worst over all questions of a flow, and its depth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    pub flow: FlowId,
    /// `None`: from some question nobody is reached.
    pub silent: Option<Way>,
    pub confused: Option<Way>,
    pub asking: Option<Way>,
    /// Most menus one behind the other.
    pub depth: usize,
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Reach { flow, depth, .. } = self;
        let [silent, confused, asking] = [self.silent, self.confused, self.asking]
            .map(|way| way.map_or_else(|| "never".to_owned(), |way| way.to_string()));
        write!(
            f,
            "{flow}: at worst a person is reached by silence {silent}, by wrong keys {confused}, by the key for a person \
             {asking}; menus {depth} deep"
        )
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.questions == 1 { "" } else { "s" };
        let seconds = self.prompts.as_secs_f64().round();
        write!(f, "after {} question{plural} and {seconds} s of prompts", self.questions)
    }
}

impl Way {
    fn worst(self, other: Way) -> Way {
        Way { questions: self.questions.max(other.questions), prompts: self.prompts.max(other.prompts) }
    }
}

impl Rules {
    /// `humane: { questions: 3, prompts: 60s, person_key: 9, complaints: node }`, all of it optional.
    /// `name`: where the flow says its own.
    pub fn read(node: Option<&Node>, name: Span, scope: &mut Scope<'_>) -> Rules {
        let mut rules =
            Rules { name, questions: QUESTIONS, prompts: PROMPTS, person_key: PERSON_KEY, complaints: None };
        let Some(node) = node else { return rules };
        let Some(mut fields) = Fields::of(node, node.span, "`humane`", scope.out) else { return rules };
        if let Some(node) = fields.take("questions") {
            let most = scope.out.integer(node, "a number of questions", 1..=QUESTIONS_MOST);
            rules.questions = most.and_then(|n| usize::try_from(n).ok()).unwrap_or(QUESTIONS);
        }
        if let Some(node) = fields.take("prompts") {
            rules.prompts = scope.out.duration(node, PROMPTS_RANGE).unwrap_or(PROMPTS);
        }
        if let Some(node) = fields.take("person_key") {
            rules.person_key = person_key(node, scope).unwrap_or(PERSON_KEY);
        }
        if let Some(node) = fields.take("complaints") {
            rules.complaints = complaints(node, scope).map(|id| (id, node.span));
        }
        fields.finish(scope.out);
        rules
    }
}

fn person_key(node: &Node, scope: &mut Scope<'_>) -> Option<usize> {
    let text = scope.out.text(node, "a key")?;
    let mut symbols = text.chars();
    let key = symbols.next().filter(|_| symbols.next().is_none()).and_then(key_index);
    if key.is_none() {
        let added = scope.out.error("flow-011", node.span, format!("`{text}` is not a telephone key"));
        added.label("keys are 0 to 9, \"*\" and \"#\"");
    }
    key
}

fn complaints(node: &Node, scope: &mut Scope<'_>) -> Option<NodeId> {
    let name = scope.out.text(node, "the name of a node")?;
    if let Some(id) = scope.by_name.get(name) {
        return Some(*id);
    }
    let known: Vec<String> = scope.by_name.keys().cloned().collect();
    let message = format!("complaints lead to `{name}`, which does not exist");
    scope.unknown("flow-003", node.span, message, name, known.iter().map(String::as_str));
    None
}
