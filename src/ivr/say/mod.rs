//! Saying values with recorded words, in the grammar of each language.
//!
//! A grammar turns a value into words; what is recorded of them is looked up when a flow is compiled, so that the
//! checker, and not a caller, finds out what is missing.

use std::collections::BTreeMap;

use super::World;
use super::expression::Compared;
use super::value::{Kind, Quantity};
use crate::diagnostic::{Findings, Span};
use crate::media::prompts::PromptId;

mod chinese;
mod english;
#[cfg(test)]
mod tests;

/// Most symbols said of one value: longer than any account number.
const MAX_SYMBOLS: usize = 40;
/// Numbers from here on are said as digits: nobody follows the name of a trillion.
const MAX_WHOLE: u64 = 1_000_000_000_000;

/// Units of durations, in seconds.
const MINUTE: u64 = 60;
const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;

/// A word that is recorded, by the name of its prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Word(&'static str);

const DIGITS: [Word; 10] = [
    Word("num_0"),
    Word("num_1"),
    Word("num_2"),
    Word("num_3"),
    Word("num_4"),
    Word("num_5"),
    Word("num_6"),
    Word("num_7"),
    Word("num_8"),
    Word("num_9"),
];

/// How a value is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// One by one.
    Digits,
    /// One by one, as telephone numbers are read.
    Phone,
    Number,
    Money,
    Date,
    Time,
    Duration,
}

impl Manner {
    /// With their fields in `say`.
    pub const ALL: [(&'static str, Manner); 7] = [
        ("digits", Manner::Digits),
        ("phone", Manner::Phone),
        ("number", Manner::Number),
        ("money", Manner::Money),
        ("date", Manner::Date),
        ("time", Manner::Time),
        ("duration", Manner::Duration),
    ];

    /// The kind of value that can be said in this manner.
    pub fn kind(self) -> Kind {
        match self {
            Manner::Digits | Manner::Phone => Kind::Text,
            Manner::Number => Kind::Number,
            Manner::Money => Kind::Money,
            Manner::Date => Kind::Date,
            Manner::Time => Kind::Time,
            Manner::Duration => Kind::Duration,
        }
    }

    /// The field of `say` for values of this kind; `None` for secrets.
    pub fn field_for(kind: Kind) -> Option<&'static str> {
        Manner::ALL.into_iter().find(|(_, manner)| manner.kind() == kind).map(|(field, _)| field)
    }
}

#[derive(Clone, Copy, Debug)]
enum Grammar {
    Chinese,
    English,
}

impl Grammar {
    fn vocabulary(self, manner: Manner) -> Vec<Word> {
        match self {
            Grammar::Chinese => chinese::vocabulary(manner),
            Grammar::English => english::vocabulary(manner),
        }
    }

    /// A variable that holds nothing yet is passed over in silence.
    fn words(self, value: Compared<'_>, manner: Manner) -> Vec<Word> {
        use Grammar::{Chinese, English};
        match (self, value) {
            (_, Compared::Nothing) => Vec::new(),
            (Chinese, Compared::Text(text)) if manner == Manner::Phone => {
                each_digit(text, &chinese::PHONE_DIGITS)
            }
            (Chinese | English, Compared::Text(text)) => each_digit(text, &DIGITS),
            (Chinese, Compared::Number(number)) => chinese::number(number),
            (English, Compared::Number(number)) => english::number(number),
            (Chinese, Compared::Quantity(Quantity::Money(money))) => chinese::money(money),
            (English, Compared::Quantity(Quantity::Money(money))) => english::money(money),
            (Chinese, Compared::Quantity(Quantity::Date(date))) => chinese::date(date),
            (English, Compared::Quantity(Quantity::Date(date))) => english::date(date),
            (Chinese, Compared::Quantity(Quantity::Time(time))) => chinese::time(time),
            (English, Compared::Quantity(Quantity::Time(time))) => english::time(time),
            (Chinese, Compared::Quantity(Quantity::Duration(duration))) => chinese::duration(duration),
            (English, Compared::Quantity(Quantity::Duration(duration))) => english::duration(duration),
        }
    }
}

/// Anything that is not a digit is passed over.
fn each_digit(text: &str, digits: &[Word; 10]) -> Vec<Word> {
    let values = text.chars().filter_map(|symbol| symbol.to_digit(10));
    values.take(MAX_SYMBOLS).map(|digit| digits[digit as usize]).collect()
}

/// The words of one language, found before the flow runs.
#[derive(Debug)]
pub(super) struct Words {
    grammar: Grammar,
    recorded: BTreeMap<Word, PromptId>,
}

impl Words {
    pub fn of(language: &str, world: &World<'_>) -> Words {
        let grammar = if language.starts_with("zh") { Grammar::Chinese } else { Grammar::English };
        let words = Manner::ALL.into_iter().flat_map(|(_, manner)| grammar.vocabulary(manner));
        let recorded = words.filter_map(|word| Some((word, world.catalogue.find(language, word.0)?)));
        Words { grammar, recorded: recorded.collect() }
    }

    /// The prompts that say it. The checker saw to it that every word is recorded.
    pub fn say(&self, value: Compared<'_>, manner: Manner) -> Vec<PromptId> {
        let words = self.grammar.words(value, manner);
        words.iter().filter_map(|word| self.recorded.get(word).copied()).collect()
    }

    /// So many of what is counted. Its words are those of numbers and durations.
    pub fn count(&self, number: usize) -> Vec<PromptId> {
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        let words = match (self.grammar, number) {
            (Grammar::Chinese, 2) => vec![chinese::LIANG],
            _ => self.grammar.words(Compared::Number(number), Manner::Number),
        };
        words.iter().filter_map(|word| self.recorded.get(word).copied()).collect()
    }

    /// The words that `manner` may need and that are not recorded.
    fn missing(&self, manner: Manner) -> Vec<&'static str> {
        let needed = self.grammar.vocabulary(manner).into_iter();
        needed.filter(|word| !self.recorded.contains_key(word)).map(|word| word.0).collect()
    }
}

/// Reports the words that saying in this manner needs and a language lacks, once per node.
pub(super) fn check(
    words: &[Words],
    languages: &[std::sync::Arc<str>],
    manner: Manner,
    span: Span,
    out: &mut Findings,
) {
    for (words, language) in words.iter().zip(languages) {
        let missing = words.missing(manner);
        if !missing.is_empty() {
            let message = format!("to say this in {language}, prompts are missing: {}", missing.join(", "));
            out.error("flow-008", span, message);
        }
    }
}
