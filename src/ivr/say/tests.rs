//! What is said, word by word, against tables that a speaker of the language can read. The words are those of the
//! recordings, so a sentence that is right here is right on the telephone.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::civil::{Date, Time};

use super::super::run::Held;
use super::super::value::{Kind, Money, Quantity};
use super::super::{Catalogue, World};
use super::{Grammar, Manner, Word, Words};
use crate::ivr::expression::Compared;
use crate::media::prompts::PromptId;

const ROWS: [(Grammar, &str, &str); 2] =
    [(Grammar::Chinese, "zh-CN", include_str!("zh.txt")), (Grammar::English, "en", include_str!("en.txt"))];

/// Fewest rows of a language.
const LEAST_ROWS: usize = 300;

/// The words of the recordings by the name of the prompt.
fn recorded(language: &str) -> BTreeMap<&'static str, &'static str> {
    let mut texts = BTreeMap::new();
    let mut name = "";
    for line in include_str!("../../../prompts/texts.yaml").lines() {
        if let Some(id) = line.strip_suffix(':').filter(|id| !id.starts_with([' ', '#'])) {
            name = id;
        } else if let Some((_, text)) =
            line.split_once(": ").filter(|(key, _)| *key == format!("  {language}"))
        {
            texts.insert(name, text.trim_matches('"'));
        }
    }
    texts
}

fn said(grammar: Grammar, manner: Manner, text: &str) -> Vec<Word> {
    match manner.kind().read(text).unwrap_or_else(|| panic!("`{text}` is not {}", manner.kind())) {
        Held::Text(text) => grammar.words(Compared::Text(&text), manner),
        Held::Number(number) => grammar.words(Compared::Number(number), manner),
        Held::Quantity(quantity) => grammar.words(Compared::Quantity(quantity), manner),
        Held::Nothing | Held::Secret(_) => panic!("{manner:?} says no values"),
    }
}

#[test]
fn every_row_is_said_as_it_stands_in_the_table() {
    let mut wrong = Vec::new();
    for (grammar, language, table) in ROWS {
        let texts = recorded(language);
        let glue = if language == "en" { " " } else { "" };
        let mut seen = BTreeSet::new();
        for row in table.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (what, expected) = row.split_once(" = ").expect("a value and its words");
            let (field, value) = what.split_once(' ').expect("a manner and a value");
            let (_, manner) =
                Manner::ALL.into_iter().find(|(name, _)| *name == field).expect("a manner of saying");
            let words = said(grammar, manner, value);
            let heard: Vec<&str> =
                words.iter().map(|word| texts.get(word.0).copied().unwrap_or("(not recorded)")).collect();
            if heard.join(glue) != expected {
                wrong.push(format!("{language} {what}: {}, not {expected}", heard.join(glue)));
            }
            assert!(seen.insert(what), "{language} {what} stands there twice");
        }
        assert!(seen.len() >= LEAST_ROWS, "{language}: {} rows", seen.len());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Values that between them need every word there is.
fn values(manner: Manner) -> Vec<Compared<'static>> {
    let powers = (0..13).map(|power| 10_i64.pow(power)).flat_map(|n| [n, 2 * n, -n, n + 1, n + 2]);
    let numbers: Vec<i64> = (-100..1_000).chain(powers).chain([i64::MIN, i64::MAX]).collect();
    let quantities = |all: Vec<Quantity>| all.into_iter().map(Compared::Quantity).collect();
    match manner {
        Manner::Digits | Manner::Phone => vec![Compared::Text("+0123 456-789*")],
        Manner::Number => numbers.into_iter().map(Compared::Number).collect(),
        Manner::Money => {
            let fen = numbers.iter().flat_map(|n| [*n, n.saturating_mul(100), n.saturating_mul(97)]);
            quantities(fen.map(|fen| Quantity::Money(Money { fen })).collect())
        }
        Manner::Date => {
            let first = Date::constant(2024, 1, 1);
            let days = first.series(jiff::Span::new().days(1)).take(366);
            let years = (0..=9_999).map(|year| Date::constant(year, 2, 28));
            quantities(days.chain(years).map(Quantity::Date).collect())
        }
        Manner::Time => {
            let minutes = (0..24).flat_map(|hour| (0..60).map(move |minute| (hour, minute)));
            quantities(
                minutes.map(|(hour, minute)| Quantity::Time(Time::constant(hour, minute, 0, 0))).collect(),
            )
        }
        Manner::Duration => {
            let days = numbers.iter().map(|days| days.unsigned_abs().saturating_mul(86_400));
            let seconds = (0..90_000).step_by(7).chain(days).chain([0, u64::MAX]);
            quantities(seconds.map(|seconds| Quantity::Duration(Duration::from_secs(seconds))).collect())
        }
    }
}

#[test]
fn the_vocabulary_of_a_manner_is_every_word_it_says_and_no_other() {
    for (grammar, language, _) in ROWS {
        for (name, manner) in Manner::ALL {
            let declared: BTreeSet<Word> = grammar.vocabulary(manner).into_iter().collect();
            let said: BTreeSet<Word> =
                values(manner).into_iter().flat_map(|value| grammar.words(value, manner)).collect();
            assert_eq!(said, declared, "{language} {name}");
        }
    }
}

#[test]
fn every_word_of_the_grammars_is_recorded() {
    for (grammar, language, _) in ROWS {
        let texts = recorded(language);
        for word in Manner::ALL.into_iter().flat_map(|(_, manner)| grammar.vocabulary(manner)) {
            assert!(texts.contains_key(word.0), "{language}: {}", word.0);
        }
    }
}

/// All prompts but one.
struct AllBut(&'static str);

impl Catalogue for AllBut {
    fn find(&self, _: &str, name: &str) -> Option<PromptId> {
        (name != self.0).then_some(PromptId(0))
    }

    fn duration(&self, _: PromptId) -> Duration {
        Duration::ZERO
    }

    fn names(&self, _: &str) -> Vec<String> {
        Vec::new()
    }
}

#[test]
fn a_word_that_is_not_recorded_is_missed_by_every_manner_that_may_need_it() {
    for (grammar, language, _) in ROWS {
        for (_, manner) in Manner::ALL {
            for word in grammar.vocabulary(manner) {
                let catalogue = AllBut(word.0);
                let world = World {
                    queues: BTreeSet::new(),
                    agents: BTreeSet::new(),
                    numbers: BTreeMap::new(),
                    constants: Default::default(),
                    entries: Default::default(),
                    surveys: Default::default(),
                    hosts: BTreeMap::new(),
                    bots: BTreeSet::new(),
                    catalogue: &catalogue,
                };
                assert_eq!(Words::of(language, &world).missing(manner), [word.0], "{language} {manner:?}");
            }
        }
    }
}

#[test]
fn what_is_said_of_one_value_is_bounded() {
    let digits = "9".repeat(1_000);
    for (grammar, ..) in ROWS {
        assert_eq!(grammar.words(Compared::Text(&digits), Manner::Digits).len(), super::MAX_SYMBOLS);
        for (_, manner) in Manner::ALL {
            assert!(values(manner).into_iter().all(|value| grammar.words(value, manner).len() <= 40));
        }
    }
}

#[test]
fn a_variable_that_holds_nothing_yet_is_passed_over() {
    for (grammar, ..) in ROWS {
        assert_eq!(grammar.words(Compared::Nothing, Manner::Money), []);
        assert!(Kind::ALL.into_iter().all(|kind| kind == Kind::Secret || Manner::field_for(kind).is_some()));
    }
}
