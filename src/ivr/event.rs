//! `event`: a remark of the flow in the journal, for reports and alarms.

use super::digits::How;
use super::flow::{Kind, Operand, Step};
use super::nodes::next;
use super::scope::{By, Scope};
use crate::diagnostic::fields::Fields;
use crate::diagnostic::yaml::Node;

/// Longest name of an event, bytes.
const MAX_NAME: usize = 64;
/// Longest text of an event, bytes.
const MAX_TEXT: usize = 200;
/// What the server itself remarks under; a flow must not seem to be it.
const OURS: [&str; 3] = ["language", "way", super::run::ENDED];

pub(super) fn read(fields: &mut Fields<'_>, scope: &mut Scope<'_>) -> Option<Step> {
    let name = fields.need("name").and_then(|node| name(node, scope));
    let value = match fields.take("value") {
        Some(node) => value(node, scope).map(Some),
        None => Some(None),
    };
    let next = next("next", By::Itself, fields, scope);
    Some(Step::Event { name: name?.into(), value: value?, next: next? })
}

fn name<'t>(node: &'t Node, scope: &mut Scope<'_>) -> Option<&'t str> {
    let name = word(node, "the event's name", scope)?;
    if OURS.contains(&name) {
        let message = format!("`{name}` has a meaning already and cannot be an event");
        scope.out.error("flow-026", node.span, message);
        return None;
    }
    Some(name)
}

/// A name that stands in the journal.
pub(super) fn word<'t>(node: &'t Node, expected: &str, scope: &mut Scope<'_>) -> Option<&'t str> {
    let name = scope.out.text(node, expected)?;
    let good = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(good) {
        scope
            .out
            .error("flow-026", node.span, format!("`{name}` is not a name"))
            .label(format!("names have letters, digits, `_` and `-`, and at most {MAX_NAME} of them"));
        return None;
    }
    Some(name)
}

/// What callers type is text or secret: of variables, numbers alone are written down.
pub(super) fn value(node: &Node, scope: &mut Scope<'_>) -> Option<Operand> {
    let text = scope.out.text(node, "a value or a variable such as $tries")?;
    if text.len() > MAX_TEXT {
        scope.out.error("yaml-008", node.span, format!("a text of more than {MAX_TEXT} bytes"));
        return None;
    }
    let Some(name) = text.strip_prefix('$') else { return Some(Operand::Text(text.into())) };
    let (operand, kind) = scope.readable(name, node.span, "written to the journal")?;
    if let Operand::Variable(id) = operand {
        scope.goes(node.span, How::Told(id));
    }
    match (&operand, kind) {
        (_, Kind::Number) | (Operand::Language | Operand::Text(_), _) => Some(operand),
        _ => {
            scope
                .out
                .error(
                    "flow-062",
                    node.span,
                    format!("`{name}` may hold what a caller typed or is called by"),
                )
                .label("the journal takes numbers, fixed texts and $language");
            None
        }
    }
}
