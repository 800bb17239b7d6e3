//! The conditions of `switch`: typed comparisons, `and`, `or`, `not`. They cannot fail at run time.

use super::flow::{Kind, Operand};
use super::scope::Scope;
use crate::diagnostic::Span;
use crate::diagnostic::yaml::{Node, Value};

/// Longest condition, bytes: what a person still reads.
const MAX_LENGTH: usize = 500;
/// How deep two conditions are taken apart to compare them: bounds the work at some thousand steps a pair.
const COVER_DEPTH: usize = 6;
/// Deepest nesting of parentheses and `not`.
const MAX_DEPTH: usize = 16;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expression {
    Compare { left: Operand, comparison: Comparison, right: Operand },
    Not(Box<Expression>),
    And(Box<Expression>, Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    StartsWith,
    EndsWith,
}

use Comparison::*;

const COMPARISONS: [(&str, Comparison); 8] = [
    ("==", Equal),
    ("!=", NotEqual),
    ("<=", LessOrEqual),
    (">=", GreaterOrEqual),
    ("<", Less),
    (">", Greater),
    ("starts_with", StartsWith),
    ("ends_with", EndsWith),
];

impl Expression {
    /// `text` and `number` give an operand's value; both sides have one type, the compiler saw to it.
    pub fn holds<'v>(&'v self, value: &impl Fn(&'v Operand) -> Compared<'v>) -> bool {
        match self {
            Expression::Not(inner) => !inner.holds(value),
            Expression::And(a, b) => a.holds(value) && b.holds(value),
            Expression::Or(a, b) => a.holds(value) || b.holds(value),
            Expression::Compare { left, comparison, right } => match (value(left), value(right)) {
                (Compared::Text(left), Compared::Text(right)) => comparison.texts(left, right),
                (Compared::Number(left), Compared::Number(right)) => comparison.numbers(left, right),
                _ => false,
            },
        }
    }

    /// Whether everything that satisfies `later` satisfies this: then a later case never applies.
    /// Finds what people write by accident, not every implication.
    pub fn covers(&self, later: &Expression) -> bool {
        self.covers_within(later, COVER_DEPTH)
    }

    fn covers_within(&self, later: &Expression, depth: usize) -> bool {
        if self == later {
            return true;
        }
        let Some(depth) = depth.checked_sub(1) else { return false };
        let split = match self {
            Expression::Or(a, b) => a.covers_within(later, depth) || b.covers_within(later, depth),
            Expression::And(a, b) => a.covers_within(later, depth) && b.covers_within(later, depth),
            _ => false,
        };
        split
            || match later {
                Expression::And(a, b) => self.covers_within(a, depth) || self.covers_within(b, depth),
                Expression::Or(a, b) => self.covers_within(a, depth) && self.covers_within(b, depth),
                _ => self.covers_comparison(later),
            }
    }

    fn covers_comparison(&self, later: &Expression) -> bool {
        let (
            Expression::Compare { left, comparison, right },
            Expression::Compare { left: later_left, comparison: later_comparison, right: later_right },
        ) = (self, later)
        else {
            return false;
        };
        left == later_left
            && match (right, later_right) {
                (Operand::Text(wide), Operand::Text(narrow)) => match (comparison, later_comparison) {
                    (StartsWith, StartsWith | Equal) => narrow.starts_with(&**wide),
                    (EndsWith, EndsWith | Equal) => narrow.ends_with(&**wide),
                    (NotEqual, Equal) => narrow != wide,
                    _ => false,
                },
                (Operand::Number(wide), Operand::Number(narrow)) => {
                    comparison.covers_numbers(*wide, *later_comparison, *narrow)
                }
                _ => false,
            }
    }
}

/// An operand's value while comparing.
#[derive(Clone, Copy, Debug)]
pub(super) enum Compared<'v> {
    Text(&'v str),
    Number(i64),
}

impl Comparison {
    fn texts(self, left: &str, right: &str) -> bool {
        match self {
            Equal => left == right,
            NotEqual => left != right,
            StartsWith => left.starts_with(right),
            EndsWith => left.ends_with(right),
            Less | LessOrEqual | Greater | GreaterOrEqual => false,
        }
    }

    fn numbers(self, left: i64, right: i64) -> bool {
        match self {
            Equal => left == right,
            NotEqual => left != right,
            Less => left < right,
            LessOrEqual => left <= right,
            Greater => left > right,
            GreaterOrEqual => left >= right,
            StartsWith | EndsWith => false,
        }
    }

    /// `x self wide` holds whenever `x later narrow` does.
    fn covers_numbers(self, wide: i64, later: Comparison, narrow: i64) -> bool {
        match (self, later) {
            (_, Equal) => self.numbers(narrow, wide),
            (Greater, Greater) | (GreaterOrEqual, Greater | GreaterOrEqual) => narrow >= wide,
            (Greater, GreaterOrEqual) => narrow > wide,
            (Less, Less) | (LessOrEqual, Less | LessOrEqual) => narrow <= wide,
            (Less, LessOrEqual) => narrow < wide,
            _ => false,
        }
    }
}

/// Reads a condition; what is wrong with it is reported at the word that is wrong.
pub(super) fn read(node: &Node, scope: &mut Scope<'_>) -> Option<Expression> {
    let text = scope.out.text(node, "a condition such as \"$caller starts_with '138'\"")?;
    let raw = scope.out.source().text.get(node.span.start..node.span.end).unwrap_or("");
    // Inside quotes the text starts one byte later; with escapes or folded lines places are lost, not the message.
    let quoted = matches!(&node.value, Value::Scalar(scalar) if !scalar.plain);
    let start = node.span.start + usize::from(quoted);
    let exact = raw.get(usize::from(quoted)..).is_some_and(|raw| raw.starts_with(text));
    let place = |from: usize, to: usize| if exact { Span::new(start + from, start + to) } else { node.span };
    if text.len() > MAX_LENGTH {
        scope.out.error("flow-022", node.span, format!("a condition of more than {MAX_LENGTH} characters"));
        return None;
    }
    let result = words(text).and_then(|words| {
        let mut reader = Reader { words: &words, at: 0, end: text.len(), scope, place: &place };
        let expression = reader.either(0)?;
        match reader.words.get(reader.at) {
            None => Ok(expression),
            Some(word) => Err(Fault::new(word.from, word.to, "nothing more is expected here")),
        }
    });
    match result {
        Ok(expression) => Some(expression),
        Err(fault) => {
            if let Some(message) = fault.message {
                let span = place(fault.from, fault.to);
                scope.out.error("flow-022", span, "this condition cannot be read").label(message);
            }
            None
        }
    }
}

/// What is wrong where; no message if it has been reported already.
struct Fault {
    from: usize,
    to: usize,
    message: Option<String>,
}

impl Fault {
    fn new(from: usize, to: usize, message: impl Into<String>) -> Fault {
        Fault { from, to, message: Some(message.into()) }
    }

    const REPORTED: Fault = Fault { from: 0, to: 0, message: None };
}

#[derive(Debug, PartialEq)]
enum Token {
    Name(String),
    Text(String),
    Number(i64),
    Compare(Comparison),
    Open,
    Close,
}

struct Word {
    token: Token,
    from: usize,
    to: usize,
}

fn words(text: &str) -> Result<Vec<Word>, Fault> {
    let mut all = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let (token, length) = word(rest, first).map_err(|(length, why)| Fault::new(at, at + length, why))?;
        all.push(Word { token, from: at, to: at + length });
        at += length;
    }
    Ok(all)
}

fn word(rest: &str, first: char) -> Result<(Token, usize), (usize, String)> {
    match first {
        '(' => return Ok((Token::Open, 1)),
        ')' => return Ok((Token::Close, 1)),
        '\'' | '"' => {
            let Some(length) = rest[1..].find(first) else {
                return Err((rest.len(), "this quote does not end".to_owned()));
            };
            return Ok((Token::Text(rest[1..=length].to_owned()), length + 2));
        }
        _ => {}
    }
    if let Some((symbol, comparison)) = COMPARISONS[..6].iter().find(|(symbol, _)| rest.starts_with(symbol)) {
        return Ok((Token::Compare(*comparison), symbol.len()));
    }
    let name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '$');
    let length = rest.find(|c| !name(c)).unwrap_or(rest.len());
    let (word, comparison) =
        (&rest[..length], COMPARISONS.iter().find(|(symbol, _)| *symbol == &rest[..length]));
    if let Some((_, comparison)) = comparison {
        return Ok((Token::Compare(*comparison), length));
    }
    if first.is_ascii_digit() || first == '-' {
        return match word.parse() {
            Ok(number) => Ok((Token::Number(number), length)),
            Err(_) => Err((length, "not a whole number; texts stand in quotes".to_owned())),
        };
    }
    if length == 0 {
        let hint = if first == '=' { "; equality is `==`" } else { "" };
        return Err((first.len_utf8(), format!("`{first}` has no meaning here{hint}")));
    }
    Ok((Token::Name(word.to_owned()), length))
}

/// Or before and before not before comparison.
struct Reader<'r, 's, 'w> {
    words: &'r [Word],
    at: usize,
    end: usize,
    scope: &'s mut Scope<'w>,
    place: &'r dyn Fn(usize, usize) -> Span,
}

impl Reader<'_, '_, '_> {
    fn accept(&mut self, name: &str) -> bool {
        let found = self.words.get(self.at).is_some_and(|w| matches!(&w.token, Token::Name(n) if n == name));
        self.at += usize::from(found);
        found
    }

    fn either(&mut self, depth: usize) -> Result<Expression, Fault> {
        let mut left = self.both(depth)?;
        while self.accept("or") {
            left = Expression::Or(Box::new(left), Box::new(self.both(depth)?));
        }
        Ok(left)
    }

    fn both(&mut self, depth: usize) -> Result<Expression, Fault> {
        let mut left = self.one(depth)?;
        while self.accept("and") {
            left = Expression::And(Box::new(left), Box::new(self.one(depth)?));
        }
        Ok(left)
    }

    fn one(&mut self, depth: usize) -> Result<Expression, Fault> {
        let from = self.words.get(self.at).map_or(self.end, |w| w.from);
        if depth > MAX_DEPTH {
            return Err(Fault::new(from, self.end, format!("nested deeper than {MAX_DEPTH}")));
        }
        if self.accept("not") {
            return Ok(Expression::Not(Box::new(self.one(depth + 1)?)));
        }
        if self.words.get(self.at).is_some_and(|w| w.token == Token::Open) {
            self.at += 1;
            let inner = self.either(depth + 1)?;
            if self.words.get(self.at).is_none_or(|w| w.token != Token::Close) {
                return Err(Fault::new(from, from + 1, "this parenthesis does not end"));
            }
            self.at += 1;
            return Ok(inner);
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Expression, Fault> {
        let (left, left_kind, from, _) = self.operand()?;
        let Some(word) = self.words.get(self.at) else {
            return Err(Fault::new(from, self.end, "a comparison such as `== '1'` is missing"));
        };
        let Token::Compare(comparison) = word.token else {
            return Err(Fault::new(word.from, word.to, "expected == != < <= > >= starts_with or ends_with"));
        };
        self.at += 1;
        let (right, right_kind, right_from, to) = self.operand()?;
        let (Some(left_kind), Some(right_kind)) = (left_kind, right_kind) else {
            return Err(Fault::REPORTED);
        };
        if left_kind != right_kind {
            let span = (self.place)(right_from, to);
            let message = format!("a {left_kind} is compared with a {right_kind}");
            let added = self.scope.out.error("flow-010", span, message);
            if let (Kind::Text, Operand::Number(number)) = (left_kind, &right) {
                added.label(format!("texts stand in quotes: did you mean `'{number}'`?"));
            } else {
                added.label(format!("this is a {right_kind}"));
            }
            return Err(Fault::REPORTED);
        }
        let ordered = matches!(comparison, Less | LessOrEqual | Greater | GreaterOrEqual);
        let fits =
            if left_kind == Kind::Text { !ordered } else { !matches!(comparison, StartsWith | EndsWith) };
        if !fits {
            let span = (self.place)(word.from, word.to);
            let message = format!("a {left_kind} cannot be compared in this way");
            self.scope.out.error("flow-010", span, message);
            return Err(Fault::REPORTED);
        }
        self.known_language(&left, &right, right_from, to)?;
        Ok(Expression::Compare { left, comparison, right })
    }

    /// A comparison with a language that the flow does not speak never holds.
    fn known_language(
        &mut self,
        left: &Operand,
        right: &Operand,
        from: usize,
        to: usize,
    ) -> Result<(), Fault> {
        if let (Operand::Language, Operand::Text(text)) = (left, right)
            && self.scope.language(text).is_none()
        {
            let span = (self.place)(from, to);
            self.scope.unknown_language(text, span);
            return Err(Fault::REPORTED);
        }
        Ok(())
    }

    /// The kind is missing if the operand has been reported.
    fn operand(&mut self) -> Result<(Operand, Option<Kind>, usize, usize), Fault> {
        let Some(word) = self.words.get(self.at) else {
            return Err(Fault::new(self.end.saturating_sub(1), self.end, "something is missing at the end"));
        };
        self.at += 1;
        let (from, to) = (word.from, word.to);
        Ok(match &word.token {
            Token::Text(text) => (Operand::Text(text.as_str().into()), Some(Kind::Text), from, to),
            Token::Number(number) => (Operand::Number(*number), Some(Kind::Number), from, to),
            Token::Name(name) if !matches!(name.as_str(), "and" | "or" | "not") => {
                let span = (self.place)(from, to);
                let name = name.strip_prefix('$').unwrap_or(name);
                match self.scope.readable(name, span, "compared") {
                    Some((operand, kind)) => (operand, Some(kind), from, to),
                    None => (Operand::Number(0), None, from, to),
                }
            }
            _ => return Err(Fault::new(from, to, "expected a variable, a number or a text in quotes")),
        })
    }
}
