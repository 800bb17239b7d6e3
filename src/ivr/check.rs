//! What an entry must be besides long enough: a card number without a slip, a day that there is, a number in a range.
//!
//! The keys are looked at where they were typed and nowhere else, so a secret can be checked as well.

use std::ops::RangeInclusive;

use jiff::civil::Date;

use super::callback::{DIGITS, plausible};
use super::flow::{Kind, Spoken};
use super::nodes::optional_prompts;
use super::scope::Scope;
use crate::diagnostic::fields::Fields;
use crate::diagnostic::yaml::{Node, Value};
use crate::diagnostic::{Span, suggest};

/// Checks that can stand alone, as `check: luhn`.
const ALONE: [&str; 4] = ["luhn", "date", "day", "phone"];
/// Most entries of a list.
const MAX_LISTED: usize = 50;
/// A leap year, so that the 29th of February is a day.
const ANY_YEAR: i16 = 2000;

#[derive(Debug)]
pub(super) struct Check {
    rule: Rule,
    /// Said in place of those of `on_invalid`, if there are any.
    pub prompts: Spoken,
}

#[derive(Debug, PartialEq, Eq)]
enum Rule {
    /// The last digit must fit the others (ISO/IEC 7812-1 annex B), of entries of so many digits and more: a bank's
    /// cards have it, its account numbers are shorter and do not.
    Luhn {
        from: usize,
    },
    /// `YYYYMMDD`
    Date,
    /// `MMDD`
    Day,
    /// A number that can be called back: told apart from other numbers, because it may be in the journal.
    Phone,
    Range(RangeInclusive<i64>),
    OneOf(Vec<String>),
}

impl Check {
    pub fn holds(&self, keys: &str) -> bool {
        self.rule.holds(keys)
    }

    pub fn is_phone(&self) -> bool {
        self.rule == Rule::Phone
    }
}

impl Rule {
    fn holds(&self, keys: &str) -> bool {
        match self {
            Rule::Luhn { from } => keys.len() < *from || luhn(keys),
            Rule::Date => keys.len() == 8 && day(keys.get(..4), keys.get(4..)),
            Rule::Phone => plausible(keys).is_some(),
            Rule::Day => keys.len() == 4 && day(None, Some(keys)),
            Rule::Range(range) => keys.parse().is_ok_and(|number| range.contains(&number)),
            Rule::OneOf(list) => list.iter().any(|entry| entry == keys),
        }
    }
}

fn luhn(keys: &str) -> bool {
    let digits = keys.bytes().rev().map(|key| u32::from(key.wrapping_sub(b'0')));
    let sum: u32 = digits
        .enumerate()
        .map(|(place, digit)| match (place % 2, digit) {
            (0, digit) => digit,
            (_, digit @ 5..) => digit * 2 - 9,
            (_, digit) => digit * 2,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Whether there is this day. Without a year: in some year.
fn day(year: Option<&str>, rest: Option<&str>) -> bool {
    let year = year.map_or(Some(ANY_YEAR), |year| year.parse().ok());
    let part = |range| rest.and_then(|rest| rest.get(range)).and_then(|part: &str| part.parse().ok());
    match (year, part(0..2), part(2..4)) {
        (Some(year), Some(month), Some(day)) => Date::new(year, month, day).is_ok(),
        _ => false,
    }
}

/// What `check` of a `collect` into a variable of this kind says. `lengths`: of the entry. `None` only after a report.
pub(super) fn read(node: &Node, kind: Kind, lengths: (usize, usize), scope: &mut Scope<'_>) -> Option<Check> {
    if let Value::Scalar(scalar) = &node.value {
        let rule = alone(&scalar.text, node.span, scope)?;
        fits(&rule, kind, lengths, node.span, scope)?;
        return Some(Check { rule, prompts: Spoken::default() });
    }
    let mut fields = Fields::of(node, node.span, "`check`", scope.out)?;
    let prompts = optional_prompts("prompts", &mut fields, scope);
    let given: Vec<(&str, &Node)> = ["luhn", "date", "one_of"]
        .into_iter()
        .filter_map(|name| fields.take(name).map(|node| (name, node)))
        .collect();
    let ends = (fields.take("from"), fields.take("to"));
    let unknown = fields.rest().next().is_some();
    fields.finish(scope.out);
    let (rule, span) = match (&given[..], ends) {
        ([(name, node)], (None, None)) => (named(name, node, scope)?, node.span),
        ([], (Some(from), to)) => (range(Some(from), to, scope)?, from.span),
        ([], (None, Some(to))) => (range(None, Some(to), scope)?, to.span),
        _ => {
            // Misspelled, it is reported as an unknown field.
            if !given.is_empty() || !unknown {
                let message = "`check` needs exactly one of `luhn`, `date`, `one_of`, and `from` or `to`";
                scope.out.error("yaml-010", node.span, message);
            }
            return None;
        }
    };
    fits(&rule, kind, lengths, span, scope)?;
    Some(Check { rule, prompts: prompts? })
}

fn alone(word: &str, span: Span, scope: &mut Scope<'_>) -> Option<Rule> {
    match word {
        "luhn" => Some(Rule::Luhn { from: 0 }),
        "date" => Some(Rule::Date),
        "day" => Some(Rule::Day),
        "phone" => Some(Rule::Phone),
        _ => {
            let guess = suggest::nearest(word, ALONE);
            let label = guess.map_or_else(
                || "expected luhn, date, day, phone, or fields".to_owned(),
                |guess| format!("did you mean `{guess}`?"),
            );
            scope.out.error("flow-101", span, format!("there is no check `{word}`")).label(label);
            None
        }
    }
}

fn named(name: &str, node: &Node, scope: &mut Scope<'_>) -> Option<Rule> {
    match name {
        "luhn" => {
            let from = scope.out.integer(node, "the length from which entries are checked", 2..=32)?;
            Some(Rule::Luhn { from: usize::try_from(from).ok()? })
        }
        "date" => match scope.out.text(node, "yyyymmdd or mmdd")? {
            "yyyymmdd" => Some(Rule::Date),
            "mmdd" => Some(Rule::Day),
            other => {
                let message = format!("a date is not typed as `{other}`");
                scope.out.error("flow-101", node.span, message).label("expected yyyymmdd or mmdd");
                None
            }
        },
        _ => list(node, scope),
    }
}

fn list(node: &Node, scope: &mut Scope<'_>) -> Option<Rule> {
    let items = scope.out.items(node, "a list of entries")?;
    if items.is_empty() || items.len() > MAX_LISTED {
        scope.out.error("yaml-008", node.span, format!("from 1 to {MAX_LISTED} entries are listed"));
        return None;
    }
    let mut entries = Vec::new();
    for item in items {
        let text = scope.out.text(item, "an entry such as 100000")?;
        if text.is_empty() || !text.bytes().all(|key| key.is_ascii_digit()) {
            scope.out.error("flow-101", item.span, format!("nobody can type `{text}`")).label("digits alone");
            return None;
        }
        entries.push(text.to_owned());
    }
    Some(Rule::OneOf(entries))
}

fn range(from: Option<&Node>, to: Option<&Node>, scope: &mut Scope<'_>) -> Option<Rule> {
    let mut end = |node: Option<&Node>, left_out: i64| match node {
        Some(node) => scope.out.integer(node, "the end of a range", 0..=i64::MAX),
        None => Some(left_out),
    };
    let (least, most) = (end(from, 0), end(to, i64::MAX));
    let (least, most) = (least?, most?);
    if least > most {
        let span = from.map_or(Span::default(), |node| node.span);
        let added = scope.out.error("flow-101", span, "no entry is in this range");
        added.label(format!("{least} is more than {most}"));
        return None;
    }
    Some(Rule::Range(least..=most))
}

/// Whether some entry can pass, and one of this kind may be looked at so.
fn fits(
    rule: &Rule,
    kind: Kind,
    (min, max): (usize, usize),
    span: Span,
    scope: &mut Scope<'_>,
) -> Option<()> {
    let counted = matches!(kind, Kind::Number | Kind::Money);
    let wrong = match rule {
        Rule::Range(_) if !counted => Some(format!("a range is of numbers and amounts, and this is {kind}")),
        Rule::Phone if kind == Kind::Secret => Some("a secret is called by nobody".to_owned()),
        Rule::Phone if *DIGITS.start() > max || *DIGITS.end() < min => {
            let (least, most) = (DIGITS.start(), DIGITS.end());
            Some(format!("a telephone number has from {least} to {most} digits, and no entry has"))
        }
        Rule::Luhn { .. } | Rule::Date | Rule::Day | Rule::Phone if counted => {
            Some(format!("this checks digits as they were typed, and {kind} does not keep them"))
        }
        Rule::OneOf(_) if kind == Kind::Secret => Some("a secret's values stand in no flow".to_owned()),
        Rule::Luhn { from } if *from > max => Some(format!("no entry has {from} digits: {max} is the most")),
        Rule::Date if !(min..=max).contains(&8) => Some("a date has 8 digits, and no entry has".to_owned()),
        Rule::Day if !(min..=max).contains(&4) => Some("a day has 4 digits, and no entry has".to_owned()),
        Rule::OneOf(list) => list
            .iter()
            .find(|entry| !(min..=max).contains(&entry.len()))
            .map(|entry| format!("`{entry}` is never an entry: they have from {min} to {max} digits")),
        _ => None,
    };
    match wrong {
        Some(message) => {
            scope.out.error("flow-101", span, message);
            None
        }
        None => Some(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_number_with_one_slip_is_no_card_number() {
        // A card of 16 digits and one of 19.
        for card in ["6222020000000007", "6222021234567890128", "79927398713", "0"] {
            assert!(luhn(card), "{card}");
            for place in 0..card.len() {
                let mut slip = card.as_bytes().to_vec();
                slip[place] = b'0' + (slip[place] - b'0' + 1) % 10;
                assert!(!luhn(std::str::from_utf8(&slip).expect("digits")), "{card}, place {place}");
            }
        }
        let rule = Rule::Luhn { from: 16 };
        assert!(rule.holds("10020031") && rule.holds("6222020000000007") && !rule.holds("6222020000000008"));
    }

    #[test]
    fn neighbours_that_were_swapped_are_noticed() {
        let card = b"6222021234567890128";
        assert!(luhn("6222021234567890128"));
        for place in 1..card.len() {
            let mut swapped = *card;
            swapped.swap(place - 1, place);
            // The one pair that this sum does not tell apart is nought and nine.
            let same = swapped == *card || swapped[place - 1..=place].iter().all(|key| b"09".contains(key));
            assert_eq!(luhn(std::str::from_utf8(&swapped).expect("digits")), same, "place {place}");
        }
    }

    #[test]
    fn days_that_there_are_not_are_refused() {
        let date = |keys| Rule::Date.holds(keys);
        assert!(date("20280229") && date("19560101"));
        for wrong in ["20270229", "20261301", "20260631", "2026061", "202606311", "00000000"] {
            assert!(!date(wrong), "{wrong}");
        }
        let day = |keys| Rule::Day.holds(keys);
        assert!(day("0229") && day("1231") && !day("0230") && !day("1301") && !day("229"));
    }

    #[test]
    fn ranges_hold_both_ends_and_lists_their_entries() {
        let range = Rule::Range(1..=50_000);
        assert!(range.holds("1") && range.holds("50000") && !range.holds("0") && !range.holds("50001"));
        let list = Rule::OneOf(vec!["01".to_owned(), "1".to_owned()]);
        assert!(list.holds("01") && list.holds("1") && !list.holds("001"));
    }
}
