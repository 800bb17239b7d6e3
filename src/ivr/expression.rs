//! The conditions of `switch`: typed comparisons, `and`, `or`, `not`. They cannot fail at run time.

use std::cmp::Ordering;

use super::flow::{Kind, Operand};
use super::scope::Scope;
use super::value::Quantity;
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
    /// `value` gives an operand's value; both sides have one kind, the compiler saw to it. With what holds nothing
    /// no comparison holds.
    pub fn holds<'v>(&'v self, value: &impl Fn(&'v Operand) -> Compared<'v>) -> bool {
        match self {
            Expression::Not(inner) => !inner.holds(value),
            Expression::And(a, b) => a.holds(value) && b.holds(value),
            Expression::Or(a, b) => a.holds(value) || b.holds(value),
            Expression::Compare { left, comparison, right } => match (value(left), value(right)) {
                (Compared::Text(left), Compared::Text(right)) => comparison.texts(left, right),
                (Compared::Number(left), Compared::Number(right)) => comparison.ordered(left.cmp(&right)),
                (Compared::Quantity(left), Compared::Quantity(right)) => {
                    left.order(right).is_some_and(|order| comparison.ordered(order))
                }
                _ => false,
            },
        }
    }

    /// As `holds`, where `value` gives only what is known before anybody calls; `None` if it hangs on anything else.
    pub fn decided<'v>(&'v self, value: &impl Fn(&'v Operand) -> Option<Compared<'v>>) -> Option<bool> {
        match self {
            Expression::Not(inner) => inner.decided(value).map(|holds| !holds),
            Expression::And(a, b) => match (a.decided(value), b.decided(value)) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (a, b) => a.and(b),
            },
            Expression::Or(a, b) => match (a.decided(value), b.decided(value)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (a, b) => a.and(b),
            },
            Expression::Compare { left, right, .. } => (value(left).is_some() && value(right).is_some())
                .then(|| self.holds(&|operand| value(operand).unwrap_or(Compared::Nothing))),
        }
    }

    /// What is compared with what, in both orders.
    pub fn each_compared<'e>(&'e self, each: &mut impl FnMut(&'e Operand, &'e Operand)) {
        match self {
            Expression::Not(inner) => inner.each_compared(each),
            Expression::And(a, b) | Expression::Or(a, b) => {
                a.each_compared(each);
                b.each_compared(each);
            }
            Expression::Compare { left, right, .. } => {
                each(left, right);
                each(right, left);
            }
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
                    comparison.covers_ordered(*later_comparison, narrow.cmp(wide))
                }
                (Operand::Quantity(wide), Operand::Quantity(narrow)) => narrow
                    .order(*wide)
                    .is_some_and(|order| comparison.covers_ordered(*later_comparison, order)),
                _ => false,
            }
    }
}

/// An operand's value while comparing.
#[derive(Clone, Copy, Debug)]
pub(super) enum Compared<'v> {
    /// Of a variable that has not been set.
    Nothing,
    Text(&'v str),
    Number(i64),
    Quantity(Quantity),
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

    /// `order` is how the left side stands to the right one.
    fn ordered(self, order: Ordering) -> bool {
        match self {
            Equal => order.is_eq(),
            NotEqual => order.is_ne(),
            Less => order.is_lt(),
            LessOrEqual => order.is_le(),
            Greater => order.is_gt(),
            GreaterOrEqual => order.is_ge(),
            StartsWith | EndsWith => false,
        }
    }

    /// `x self wide` holds whenever `x later narrow` does; `order` is how `narrow` stands to `wide`.
    fn covers_ordered(self, later: Comparison, order: Ordering) -> bool {
        match (self, later) {
            (_, Equal) => self.ordered(order),
            (Greater, Greater) | (GreaterOrEqual, Greater | GreaterOrEqual) => order.is_ge(),
            (Greater, GreaterOrEqual) => order.is_gt(),
            (Less, Less) | (LessOrEqual, Less | LessOrEqual) => order.is_le(),
            (Less, LessOrEqual) => order.is_lt(),
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
    /// A value without quotes, whose kind the other side decides.
    Literal(String),
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
    let literal = first.is_ascii_digit() || first == '-';
    let name =
        |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '$') || (literal && matches!(c, '.' | ':'));
    let length = rest.find(|c| !name(c)).unwrap_or(rest.len());
    let (word, comparison) =
        (&rest[..length], COMPARISONS.iter().find(|(symbol, _)| *symbol == &rest[..length]));
    if let Some((_, comparison)) = comparison {
        return Ok((Token::Compare(*comparison), length));
    }
    if literal {
        return Ok((Token::Literal(word.to_owned()), length));
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
        let left = self.side()?;
        let Some(word) = self.words.get(self.at) else {
            return Err(Fault::new(left.from, self.end, "a comparison such as `== '1'` is missing"));
        };
        let Token::Compare(comparison) = word.token else {
            return Err(Fault::new(word.from, word.to, "expected == != < <= > >= starts_with or ends_with"));
        };
        self.at += 1;
        let right = self.side()?;
        let (left_is, right_is) = (left.adopt(&right), right.adopt(&left));
        let (left, left_kind) = self.operand(&left, left_is)?;
        let (from, to) = (right.from, right.to);
        let (right, right_kind) = self.operand(&right, right_is)?;
        if left_kind != right_kind {
            self.different(left_kind, right_kind, &right, from, to);
            return Err(Fault::REPORTED);
        }
        let fits = match comparison {
            Equal | NotEqual => true,
            Less | LessOrEqual | Greater | GreaterOrEqual => left_kind.is_ordered(),
            StartsWith | EndsWith => left_kind == Kind::Text,
        };
        if !fits {
            let span = (self.place)(word.from, word.to);
            let message = format!("{left_kind} cannot be compared in this way");
            self.scope.out.error("flow-010", span, message);
            return Err(Fault::REPORTED);
        }
        self.known_language(&left, &right, from, to)?;
        Ok(Expression::Compare { left, comparison, right })
    }

    fn different(&mut self, left: Kind, right: Kind, operand: &Operand, from: usize, to: usize) {
        let span = (self.place)(from, to);
        let added = self.scope.out.error("flow-010", span, format!("{left} is compared with {right}"));
        match operand {
            Operand::Text(text) if left.read(text).is_some() => {
                added.label(format!("written without quotes: did you mean `{text}`?"))
            }
            _ => added.label(format!("this is {right}")),
        };
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

    /// One side of a comparison: a variable or something written out.
    fn side(&mut self) -> Result<Side, Fault> {
        let Some(word) = self.words.get(self.at) else {
            return Err(Fault::new(self.end.saturating_sub(1), self.end, "something is missing at the end"));
        };
        self.at += 1;
        let (from, to) = (word.from, word.to);
        let what = match &word.token {
            Token::Text(text) => What::Known(Operand::Text(text.as_str().into()), Kind::Text),
            Token::Literal(text) => What::Literal(text.clone()),
            Token::Name(name) if !matches!(name.as_str(), "and" | "or" | "not") => {
                let span = (self.place)(from, to);
                let name = name.strip_prefix('$').unwrap_or(name);
                let found = self.scope.readable(name, span, "compared");
                found.map_or(What::Reported, |(operand, kind)| What::Known(operand, kind))
            }
            _ => return Err(Fault::new(from, to, "expected a variable, a number or a text in quotes")),
        };
        Ok(Side { what, from, to })
    }

    fn operand(&mut self, side: &Side, kind: Option<Kind>) -> Result<(Operand, Kind), Fault> {
        match &side.what {
            What::Reported => Err(Fault::REPORTED),
            What::Known(operand, kind) => Ok((operand.clone(), *kind)),
            What::Literal(text) => match kind {
                Some(Kind::Text) => Err(self.unquoted(text, (self.place)(side.from, side.to))),
                Some(kind) => {
                    let span = (self.place)(side.from, side.to);
                    let operand = self.scope.literal(kind, text, span).ok_or(Fault::REPORTED)?;
                    Ok((operand, kind))
                }
                None => {
                    let why =
                        "neither a number nor money, a date, a time or a duration; texts stand in quotes";
                    Err(Fault::new(side.from, side.to, why))
                }
            },
        }
    }

    fn unquoted(&mut self, text: &str, span: Span) -> Fault {
        let is = Kind::of_literal(text).map_or_else(|| "this".to_owned(), |kind| kind.to_string());
        let added = self.scope.out.error("flow-010", span, format!("a text is compared with {is}"));
        added.label(format!("texts stand in quotes: did you mean `'{text}'`?"));
        Fault::REPORTED
    }
}

struct Side {
    what: What,
    from: usize,
    to: usize,
}

enum What {
    Known(Operand, Kind),
    /// Its kind is that of the other side, or the one it looks like.
    Literal(String),
    Reported,
}

impl Side {
    /// The kind to read a literal as.
    fn adopt(&self, other: &Side) -> Option<Kind> {
        match (&self.what, &other.what) {
            (_, What::Known(_, kind)) => Some(*kind),
            (What::Literal(text), _) => Kind::of_literal(text),
            _ => None,
        }
    }
}
