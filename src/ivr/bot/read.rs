//! The fields of a node `bot`, checked: bots by name only, and no secret for any of them.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use super::Talk;
use crate::diagnostic::fields::Fields;
use crate::diagnostic::yaml::{Node, Value};
use crate::ivr::flow::Operand;
use crate::ivr::http::read::{Taken, wanted};
use crate::ivr::nodes::next;
use crate::ivr::scope::{By, Scope};

/// How long a bot may have a caller, if the flow does not say.
const MAX: Duration = Duration::from_secs(300);
/// What a flow may write: below it nobody has said a word, beyond it a person should have helped.
const MAXES: RangeInclusive<Duration> = Duration::from_secs(5)..=Duration::from_secs(1_800);
/// Most values that a bot is told.
const MAX_WITH: usize = 16;
/// Most slots taken from its result.
const MAX_INTO: usize = 16;
/// Longest name of a value, bytes.
const MAX_NAME: usize = 64;
/// Longest text written for a bot, bytes.
const MAX_TEXT: usize = 200;

const RESULT: Taken = Taken {
    code: "flow-122",
    most: MAX_INTO,
    expected: "slots with variables, such as `intent: $intent`",
    many: "slots of a bot",
    one: "a slot",
};

pub(in crate::ivr) fn read(fields: &mut Fields<'_>, scope: &mut Scope<'_>) -> Option<Talk> {
    let bot = fields.need("to").and_then(|node| bot(node, scope));
    let with = fields.take("with").map_or(Some(Vec::new()), |node| with(node, scope));
    let into = fields.take("into").map_or(Some(Vec::new()), |node| wanted(node, &RESULT, scope));
    let max = fields.take("max").map_or(Some(MAX), |node| scope.out.duration(node, MAXES));
    let next_node = next("next", By::Itself, fields, scope);
    let on_person = match fields.take("on_person") {
        Some(node) => scope.target(node, By::Itself, "`on_person`").map(Some),
        None => Some(None),
    };
    let on_failed = next("on_failed", By::Itself, fields, scope);
    Some(Talk {
        bot: bot?.into(),
        with: with?,
        into: into?,
        max: max?,
        next: next_node?,
        on_person: on_person?,
        on_failed: on_failed?,
    })
}

fn bot(node: &Node, scope: &mut Scope<'_>) -> Option<String> {
    let world = scope.world;
    let name = scope.out.text(node, "the name of a bot")?;
    if world.bots.contains(name) {
        return Some(name.to_owned());
    }
    let message = format!("`{name}` is not a bot of the configuration");
    let known = world.bots.iter().map(String::as_str);
    if scope.unknown("flow-120", node.span, message, name, known).is_none()
        && let Some(added) = scope.out.last()
    {
        added.help("bots are named under `bots` in the configuration; a flow cannot give an address");
    }
    None
}

fn with(node: &Node, scope: &mut Scope<'_>) -> Option<Vec<(Arc<str>, Operand)>> {
    let entries = scope.out.entries(node, "names with values, such as `account: $account`")?;
    if entries.len() > MAX_WITH {
        scope.out.error("flow-121", node.span, format!("more than {MAX_WITH} values for a bot"));
        return None;
    }
    let (mut all, mut whole): (Vec<(Arc<str>, Operand)>, bool) = (Vec::new(), true);
    for (key, node) in entries {
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if key.text.is_empty() || key.text.len() > MAX_NAME || !key.text.chars().all(good) {
            let label = format!("names have letters, digits, `_` and `-`, and at most {MAX_NAME} of them");
            scope
                .out
                .error("flow-121", key.span, format!("`{}` is not a name for a bot's value", key.text))
                .label(label);
            whole = false;
        }
        match told(node, scope) {
            Some(operand) => all.push((key.text.as_str().into(), operand)),
            None => whole = false,
        }
    }
    whole.then_some(all)
}

/// A value for the bot: all arrive as texts.
fn told(node: &Node, scope: &mut Scope<'_>) -> Option<Operand> {
    let Value::Scalar(scalar) = &node.value else {
        scope.out.text(node, "a value or a variable such as $account")?;
        return None;
    };
    if let Some(name) = scalar.text.strip_prefix('$') {
        return scope.readable(name, node.span, "told to a bot").map(|(operand, _)| operand);
    }
    if scalar.text.len() > MAX_TEXT {
        scope.out.error("flow-121", node.span, format!("a text of more than {MAX_TEXT} bytes"));
        return None;
    }
    Some(Operand::Text(scalar.text.as_str().into()))
}
