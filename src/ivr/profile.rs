//! `profile`: a few things remembered of a caller's number from call to call, such as the language they chose.
//!
//! What callers type is never among them: numbers, fixed texts and the language alone, as in the journal.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::event;
use super::flow::{Kind, NodeId, Operand, Step, VariableId};
use super::nodes::next;
use super::scope::{By, Scope};
use crate::diagnostic::Span;
use crate::diagnostic::fields::Fields;
use crate::diagnostic::yaml::Node;

/// Most things that one node recalls or remembers, and that a flow may make up a profile of.
pub const MAX_NAMES: usize = 8;
/// Longest name, bytes.
const MAX_NAME: usize = 32;
/// Longest value that is kept, bytes. A longer one is not kept.
pub const MAX_VALUE: usize = 200;

/// What is remembered of a caller, by name.
pub type Remembered = BTreeMap<String, String>;

/// The node.
#[derive(Debug)]
pub(super) struct Profile {
    pub what: What,
    pub next: NodeId,
    /// Where callers go of whom nothing of this is known.
    pub on_unknown: Option<NodeId>,
}

#[derive(Debug)]
pub(super) enum What {
    Recall(Vec<(Arc<str>, Into)>),
    Remember(Vec<(Arc<str>, Operand)>),
}

/// Where what is recalled goes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Into {
    /// The call is in this language from here on.
    Language,
    Variable(VariableId, Kind),
}

pub(super) fn read(fields: &mut Fields<'_>, scope: &mut Scope<'_>) -> Option<Step> {
    let (recall, remember) = (fields.take("recall"), fields.take("remember"));
    let next = next("next", By::Itself, fields, scope);
    let on_unknown = match (fields.take("on_unknown"), recall) {
        (Some(node), Some(_)) => scope.target(node, By::Itself, "`on_unknown`").map(Some),
        (Some(node), None) => {
            let message = "`on_unknown` belongs to `recall`: what is remembered was known before";
            scope.out.error("flow-102", node.span, message);
            None
        }
        (None, _) => Some(None),
    };
    let what = match (recall, remember) {
        (Some(node), None) => named(node, scope, into).map(What::Recall),
        (None, Some(node)) => {
            named(node, scope, |_, node, scope| event::value(node, scope)).map(What::Remember)
        }
        (both, _) => {
            if both.is_some() || fields.rest().next().is_none() {
                let message = "`profile` needs exactly one of `recall` and `remember`";
                scope.out.error("yaml-010", fields.place("remember"), message);
            }
            None
        }
    };
    Some(Step::Profile(Profile { what: what?, next: next?, on_unknown: on_unknown? }))
}

fn named<T>(
    node: &Node,
    scope: &mut Scope<'_>,
    mut value: impl FnMut(&str, &Node, &mut Scope<'_>) -> Option<T>,
) -> Option<Vec<(Arc<str>, T)>> {
    let entries = scope.out.entries(node, "names with variables, such as `language: $language`")?;
    if entries.is_empty() || entries.len() > MAX_NAMES {
        scope.out.error(
            "yaml-008",
            node.span,
            format!("from 1 to {MAX_NAMES} things, and no more of a caller"),
        );
        return None;
    }
    let mut read = Vec::new();
    for (key, node) in entries {
        let good = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
        if key.text.is_empty() || key.text.len() > MAX_NAME || !key.text.chars().all(good) {
            let added = scope.out.error("flow-102", key.span, format!("`{}` is not a name", key.text));
            added.label(format!("names have letters, digits, `_` and `-`, and at most {MAX_NAME} bytes"));
            read.push(None);
            continue;
        }
        read.push(value(&key.text, node, scope).map(|value| (key.text.as_str().into(), value)));
    }
    read.into_iter().collect()
}

/// A variable that is set by what is recalled.
fn into(_: &str, node: &Node, scope: &mut Scope<'_>) -> Option<Into> {
    let text = scope.out.text(node, "a variable such as $visits")?;
    let Some(name) = text.strip_prefix('$') else {
        let added = scope.out.error("yaml-006", node.span, format!("expected a variable, found `{text}`"));
        added.label(format!("did you mean `${text}`?"));
        return None;
    };
    if name == "language" {
        return Some(Into::Language);
    }
    let (id, kind) = scope.variable(name, node.span)?;
    recallable(kind, node.span, scope).then_some(Into::Variable(id, kind))
}

/// Only numbers and texts are remembered.
fn recallable(kind: Kind, span: Span, scope: &mut Scope<'_>) -> bool {
    let kept = matches!(kind, Kind::Number | Kind::Text);
    if !kept {
        let added = scope.out.error("flow-102", span, format!("{kind} is never remembered of a caller"));
        added.label("expected a number, a text or $language");
    }
    kept
}
