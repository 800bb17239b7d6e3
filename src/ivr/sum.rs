//! Counting in flows: `tries: $tries + 1`. Added and subtracted from left to right; what does not fit stays at the end of the scale.

use super::flow::{Kind, Operand, VariableId};
use super::scope::Scope;
use crate::diagnostic::Span;
use crate::diagnostic::yaml::Node;

/// Most numbers in one sum: what a person still reads.
const MAX_TERMS: usize = 16;

/// Numbers with their signs; at least one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sum(Vec<(Sign, Operand)>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Plus,
    Minus,
}

impl Sum {
    pub fn operands(&self) -> impl Iterator<Item = &Operand> {
        self.0.iter().map(|(_, operand)| operand)
    }

    #[cfg(test)]
    pub fn of(id: VariableId, by: i64) -> Sum {
        Sum(vec![(Sign::Plus, Operand::Variable(id)), (Sign::Plus, Operand::Number(by))])
    }

    /// The one variable that is counted on, and by how much: of `$tries + 1`.
    pub fn step(&self) -> Option<(VariableId, i64)> {
        let mut counted = None;
        let mut by: i64 = 0;
        for (sign, operand) in &self.0 {
            match (sign, operand) {
                (Sign::Plus, Operand::Number(number)) => by = by.checked_add(*number)?,
                (Sign::Minus, Operand::Number(number)) => by = by.checked_sub(*number)?,
                (Sign::Plus, Operand::Variable(id)) if counted.is_none() => counted = Some(*id),
                _ => return None,
            }
        }
        counted.map(|id| (id, by))
    }

    pub fn total<'v>(&'v self, value: impl Fn(&'v Operand) -> i64) -> i64 {
        self.0.iter().fold(0, |total: i64, (sign, operand)| match sign {
            Sign::Plus => total.saturating_add(value(operand)),
            Sign::Minus => total.saturating_sub(value(operand)),
        })
    }
}

/// Whether an unquoted value is meant as a sum rather than as one number or variable.
pub(super) fn is_one(text: &str) -> bool {
    text.chars().skip(1).any(|c| c == '+') || text.split_whitespace().nth(1).is_some()
}

/// `text` is what stands in `node`, without quotes.
pub(super) fn read(text: &str, node: &Node, scope: &mut Scope<'_>) -> Option<Sum> {
    // Of a folded line the places are lost, not the message.
    let exact = scope.out.source().text.get(node.span.start..node.span.end) == Some(text);
    let mut terms = Vec::new();
    let (mut sign, mut at) = (Some(Sign::Plus), 0);
    for word in text.split(' ') {
        let from = node.span.start + at;
        let span = if exact { Span::new(from, from + word.len()) } else { node.span };
        at += word.len() + 1;
        match (word, sign.take()) {
            ("", before) => sign = before,
            ("+", None) => sign = Some(Sign::Plus),
            ("-", None) => sign = Some(Sign::Minus),
            (word, Some(sign)) => terms.push((sign, term(word, span, scope)?)),
            (_, None) => return fault(span, "expected + or -, with spaces around it", scope),
        }
    }
    if sign.is_some() {
        let end = if exact { Span::new(node.span.end - 1, node.span.end) } else { node.span };
        return fault(end, "a number is missing behind this", scope);
    }
    if terms.len() > MAX_TERMS {
        scope.out.error("yaml-008", node.span, format!("a sum of more than {MAX_TERMS} numbers"));
        return None;
    }
    Some(Sum(terms))
}

fn term(word: &str, span: Span, scope: &mut Scope<'_>) -> Option<Operand> {
    if let Ok(number) = word.parse() {
        return Some(Operand::Number(number));
    }
    let name = word.strip_prefix('$').filter(|name| !name.contains('+'));
    let Some(name) = name else {
        return fault(span, "expected a whole number or a variable such as $tries", scope);
    };
    let (operand, kind) = scope.readable(name, span, "counted with")?;
    if kind != Kind::Number {
        scope.out.error("flow-010", span, format!("`{name}` is {kind}, and sums are made of numbers"));
        return None;
    }
    Some(operand)
}

fn fault<T>(span: Span, label: &str, scope: &mut Scope<'_>) -> Option<T> {
    scope.out.error("flow-060", span, "this sum cannot be read").label(label);
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_stays_at_the_end_of_the_scale() {
        let sum = |terms: &[(Sign, i64)]| {
            let terms = terms.iter().map(|(sign, number)| (*sign, Operand::Number(*number)));
            Sum(terms.collect())
                .total(|operand| if let Operand::Number(number) = operand { *number } else { 0 })
        };
        assert_eq!(sum(&[(Sign::Plus, 5), (Sign::Minus, 7), (Sign::Plus, 1)]), -1);
        assert_eq!(sum(&[(Sign::Plus, i64::MAX), (Sign::Plus, 1)]), i64::MAX);
        assert_eq!(sum(&[(Sign::Minus, i64::MIN)]), i64::MAX);
        assert_eq!(sum(&[(Sign::Plus, i64::MIN), (Sign::Minus, i64::MAX)]), i64::MIN);
    }

    #[test]
    fn a_number_with_a_sign_is_no_sum() {
        for text in ["5", "-5", "+5", "$tries", "$my-tries"] {
            assert!(!is_one(text), "{text}");
        }
        for text in ["$tries + 1", "$tries+1", "$tries -1", "1 - $tries"] {
            assert!(is_one(text), "{text}");
        }
    }
}
