//! `callback`: the caller is to be called back, and it is written down. Who dials is not the flow's business.

use super::digits::How;
use super::flow::{Kind, NodeId, Operand, Step};
use super::nodes::next;
use super::scope::{By, Scope};
use crate::diagnostic::fields::Fields;
use crate::ids::QueueId;

/// Digits of a number that can be called: from the shortest of the bank's service numbers to the longest of E.164.
pub(super) const DIGITS: std::ops::RangeInclusive<usize> = 5..=15;

#[derive(Debug)]
pub(super) struct Wish {
    pub number: Operand,
    /// Whose agents are to call.
    pub queue: QueueId,
    pub next: NodeId,
    /// The number cannot be called.
    pub on_refused: NodeId,
}

pub(super) fn read(fields: &mut Fields<'_>, scope: &mut Scope<'_>) -> Option<Step> {
    let world = scope.world;
    let number = fields.need("number").and_then(|node| {
        let (operand, kind) = scope.reference(node, "called")?;
        if kind == Kind::Text {
            if let Operand::Variable(id) = operand {
                scope.goes(node.span, How::Called(id));
            }
            return Some(operand);
        }
        let message = format!("a telephone number is a text, and this is {kind}");
        scope.out.error("flow-010", node.span, message);
        None
    });
    let queue = fields.need("queue").and_then(|node| {
        scope.of_world("flow-005", "a queue", node, world.queues.iter().map(|queue| queue.as_str()))
    });
    let next_node = next("next", By::Itself, fields, scope);
    let on_refused = next("on_refused", By::Itself, fields, scope);
    let queue = queue?.as_str().into();
    Some(Step::Callback(Wish { number: number?, queue, next: next_node?, on_refused: on_refused? }))
}

/// The number as it is to be called; `None` for one that nobody can call: withheld, a name, too short or too long.
pub(super) fn plausible(number: &str) -> Option<String> {
    let plain: String =
        number.chars().filter(|symbol| !matches!(symbol, ' ' | '-' | '.' | '(' | ')')).collect();
    let digits = plain.strip_prefix('+').unwrap_or(&plain);
    let good = DIGITS.contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    good.then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_called_is_a_number_of_five_to_fifteen_digits() {
        for (number, called) in [
            ("13800138000", Some("13800138000")),
            ("+8613800138000", Some("+8613800138000")),
            ("95501", Some("95501")),
            ("(010) 6655-4433", Some("01066554433")),
            ("", None),
            ("anonymous", None),
            ("1001", None),
            ("1234567890123456", None),
            ("138001380x0", None),
            ("13800+138000", None),
        ] {
            assert_eq!(plausible(number).as_deref(), called, "{number}");
        }
    }
}
