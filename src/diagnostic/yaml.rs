//! A YAML file as a tree that knows where everything stands.
//!
//! Built from the parser's events rather than by serde, because serde stops at the first mistake of type
//! and an operator wants all of them at once. Scalars stay text: `0123` is the telephone number it looks like,
//! `no` is a word, until a field says what it expects.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_saphyr::granit_parser::{self, Event, Options, Parser, ScalarStyle};

use super::{Findings, Source, Span};

/// Largest file read, bytes: a thousand times an ordinary flow. Larger: `yaml-009`.
pub const MAX_BYTES: usize = 1 << 20;
/// Most values in a file; a flow of 500 nodes has some 10,000. More: `yaml-009`.
pub const MAX_VALUES: usize = 50_000;
/// Deepest nesting; flows need 7. Deeper: `yaml-009`.
pub const MAX_DEPTH: usize = 32;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct Node {
    pub span: Span,
    pub value: Value,
}

#[derive(Clone, Debug)]
pub enum Value {
    /// Something that has been refused already: nobody complains about it again.
    Refused,
    /// Nothing, `~` or `null`.
    Null,
    Scalar(Scalar),
    List(Vec<Node>),
    /// In the order of the file; a repeated key is reported and left out.
    Map(Vec<(Key, Node)>),
}

#[derive(Clone, Debug)]
pub struct Scalar {
    pub text: String,
    /// Without quotes: it may be a number or a truth value.
    pub plain: bool,
}

/// A key of a map.
#[derive(Clone, Debug)]
pub struct Key {
    pub span: Span,
    pub text: String,
}

impl Node {
    /// What it is, for messages.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Refused => "something refused",
            Value::Null => "nothing",
            Value::Scalar(_) => "a single value",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }
}

/// A collection that is still being read.
struct Open {
    start: usize,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map { entries: Vec<(Key, Node)>, first: BTreeMap<String, Span>, key: Option<Key> },
}

/// Reads `findings`' file. `None` if it is not YAML at all, which has then been reported.
pub fn parse(findings: &mut Findings) -> Option<Node> {
    let source = findings.source().clone();
    if source.text.len() > MAX_BYTES {
        findings.error("yaml-009", Span::default(), format!("the file is larger than {MAX_BYTES} bytes"));
        return None;
    }
    let mut options = Options::default();
    options.set_emit_comments(false);
    options.emit_unresolved_aliases = true;
    options.emit_anchor_events = true;
    let mut tree = Tree { findings, open: Vec::new(), root: None, values: 0, documents: 0 };
    for event in Parser::new_from_str_with_options(&source.text, options) {
        match event {
            Ok((event, span)) => tree.event(event, bytes(&source, &span))?,
            Err(error) => {
                let (span, message) = place_of(&source, &error);
                let added = tree.findings.error("yaml-001", span, message);
                added.label("reading stopped here");
                if let Some(hint) = hint(source.text.get(span.start..).unwrap_or(""), &error.info()) {
                    added.help(hint);
                }
                return None;
            }
        }
    }
    Some(tree.root.unwrap_or(Node { span: Span::default(), value: Value::Null }))
}

struct Tree<'f> {
    findings: &'f mut Findings,
    open: Vec<Open>,
    root: Option<Node>,
    values: usize,
    documents: usize,
}

impl Tree<'_> {
    /// `None` when reading must stop.
    fn event(&mut self, event: Event<'_>, span: Span) -> Option<()> {
        match event {
            Event::Scalar(text, style, _, tag) => {
                self.no_tag(tag.is_some(), span);
                let plain = style == ScalarStyle::Plain;
                let value = match &*text {
                    "" | "~" | "null" if plain => Value::Null,
                    _ => Value::Scalar(Scalar { text: text.into_owned(), plain }),
                };
                self.place(Node { span, value })?;
            }
            Event::SequenceStart(_, _, tag) => {
                self.no_tag(tag.is_some(), span);
                self.open(span, Content::List(Vec::new()))?;
            }
            Event::MappingStart(_, _, tag) => {
                self.no_tag(tag.is_some(), span);
                let content = Content::Map { entries: Vec::new(), first: BTreeMap::new(), key: None };
                self.open(span, content)?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let open = self.open.pop()?;
                let value = match open.content {
                    Content::List(items) => Value::List(items),
                    Content::Map { entries, .. } => Value::Map(entries),
                };
                self.place(Node { span: Span::new(open.start, span.end.max(open.start)), value })?;
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.findings
                    .error("yaml-003", span, "aliases (`*name`) are not used here")
                    .help("write the value out; to write a star, quote it: \"*\"");
                self.place(Node { span, value: Value::Refused })?;
            }
            Event::Anchor(..) => {
                self.findings.error("yaml-003", span, "anchors (`&name`) are not used here");
            }
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    self.findings
                        .error("yaml-003", span, "a second document in one file")
                        .help("one file, one flow");
                    return None;
                }
            }
            _ => {}
        }
        Some(())
    }

    fn no_tag(&mut self, tagged: bool, span: Span) {
        if tagged {
            self.findings
                .error("yaml-003", span, "tags (`!name`) are not used here")
                .help("quote the text if `!` belongs to it");
        }
    }

    fn open(&mut self, span: Span, content: Content) -> Option<()> {
        if self.open.len() >= MAX_DEPTH {
            self.findings.error("yaml-009", span, format!("nested deeper than {MAX_DEPTH} levels"));
            return None;
        }
        self.open.push(Open { start: span.start, content });
        Some(())
    }

    fn place(&mut self, node: Node) -> Option<()> {
        self.values += 1;
        if self.values > MAX_VALUES {
            self.findings.error("yaml-009", node.span, format!("more than {MAX_VALUES} values in one file"));
            return None;
        }
        match self.open.last_mut().map(|open| &mut open.content) {
            None => self.root = Some(node),
            Some(Content::List(items)) => items.push(node),
            Some(Content::Map { entries, first, key }) => match key.take() {
                None => *key = Some(key_from(node, self.findings)),
                Some(name) => match first.get(&name.text) {
                    Some(earlier) => {
                        let message = format!("the key `{}` stands here twice", name.text);
                        self.findings
                            .error("yaml-002", name.span, message)
                            .label("second time")
                            .see(*earlier, "first time");
                    }
                    None => {
                        first.insert(name.text.clone(), name.span);
                        entries.push((name, node));
                    }
                },
            },
        }
        Some(())
    }
}

fn key_from(node: Node, findings: &mut Findings) -> Key {
    let text = match node.value {
        Value::Scalar(scalar) => scalar.text,
        Value::Null => "null".to_owned(),
        Value::Refused => String::new(),
        Value::List(_) | Value::Map(_) => {
            findings
                .error("yaml-003", node.span, "a key must be a single word")
                .help("braces or brackets inside braces need a key before them");
            String::new()
        }
    };
    Key { span: node.span, text }
}

fn bytes(source: &Source, span: &granit_parser::Span) -> Span {
    let range = span.byte_range().unwrap_or(0..0);
    let text = source.text.get(range.clone()).unwrap_or("");
    Span::new(range.start, range.start + text.trim_end().len())
}

/// Where the parser gave up and why. Two cases are put where the hand slipped rather than where the parser noticed.
fn place_of(source: &Arc<Source>, error: &granit_parser::ScanError) -> (Span, String) {
    let mut start = 0;
    for (number, line) in source.text.split_inclusive('\n').enumerate() {
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        if let Some(tab) = line[..indent].find('\t')
            && number < error.marker().line() + 1
            && !line.trim().is_empty()
        {
            let span = Span::new(start + tab, start + tab + 1);
            return (span, "YAML is indented with spaces; this is a tab".to_owned());
        }
        start += line.len();
    }
    let offset = error.marker().byte_offset().unwrap_or(0);
    let end = source
        .text
        .get(offset..)
        .and_then(|rest| rest.chars().next())
        .map_or(offset, |c| offset + c.len_utf8());
    (Span::new(offset, end), format!("this is not YAML: {}", error.info()))
}

/// What people usually meant, told from what stands where reading stopped.
fn hint(rest: &str, info: &str) -> Option<&'static str> {
    if rest.starts_with('*') {
        return Some("a star must be quoted: \"*\"");
    }
    if rest.starts_with('%') || rest.starts_with('@') || rest.starts_with('`') {
        return Some("texts that begin with this sign must be quoted");
    }
    let hints = [
        (
            "mapping values",
            "look for a missing colon or wrong indentation just above; a text with `: ` in it must be quoted",
        ),
        ("expected key", "the lines of one map begin in the same column"),
        ("',' or '}'", "look for a missing comma between fields, or a brace that does not end"),
        ("',' or ']'", "look for a missing comma between items, or a bracket that does not end"),
        ("expected ':'", "a colon and a space stand between a name and its value"),
        ("comments must", "look for a quote that ends in the wrong place on this line or the one above"),
    ];
    hints.iter().find(|(words, _)| info.contains(words)).map(|(_, hint)| *hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<Node>, Vec<(&'static str, usize, usize)>) {
        let source = Source::new("t.yaml", text);
        let mut findings = Findings::new(&source);
        let node = parse(&mut findings);
        let found = findings.into_sorted();
        (node, found.iter().map(|d| (d.code, d.position().0, d.position().1)).collect())
    }

    #[test]
    fn values_know_where_they_stand_and_stay_text() {
        let (node, found) = read("a: 0123\nb: { no: [x, 'y'] }\n");
        assert_eq!(found, []);
        let Some(Node { value: Value::Map(entries), .. }) = node else { panic!("a map") };
        assert_eq!(entries[0].1.span, Span::new(3, 7));
        assert!(matches!(&entries[0].1.value, Value::Scalar(s) if s.text == "0123" && s.plain));
        let Value::Map(inner) = &entries[1].1.value else { panic!("a map") };
        assert_eq!((inner[0].0.text.as_str(), inner[0].0.span), ("no", Span::new(13, 15)));
        let Value::List(items) = &inner[0].1.value else { panic!("a list") };
        assert!(matches!(&items[1].value, Value::Scalar(s) if s.text == "y" && !s.plain));
    }

    #[test]
    fn a_repeated_key_is_reported_where_it_repeats() {
        assert_eq!(read("a: 1\nb: 2\na: 3\n").1, [("yaml-002", 3, 1)]);
    }

    #[test]
    fn what_yaml_can_do_but_flows_do_not_use_is_refused() {
        assert_eq!(read("a: &x 1\nb: *x\nc: !t 1\n").1.len(), 3);
        assert_eq!(read("a: 1\n---\nb: 1\n").1[0].0, "yaml-003");
        let deep: String = (0..40).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
        assert_eq!(read(&deep).1[0].0, "yaml-009");
        assert_eq!(read(&"[".repeat(100)).1.len(), 1);
        assert_eq!(read(&"a: {".repeat(5_000)).1.len(), 1);
    }

    #[test]
    fn a_syntax_error_is_reported_on_its_own_line() {
        assert_eq!(read("a: 1\nb:\n\tc: 1\n").1, [("yaml-001", 3, 1)]);
        assert_eq!(read("a: 1\nb: ]\n").1[0].1, 2);
    }
}
