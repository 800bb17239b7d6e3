//! What is wrong with a file, said like a good compiler: place, caret, suggestion, stable code.
//!
//! Flows and configuration share it: `yaml` reads a file into a tree that knows where everything stands,
//! `fields` types the tree and reports every mistake instead of the first, `codes` explains each code.

use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use serde::Serialize;

pub mod codes;
pub mod fields;
pub mod suggest;
pub mod yaml;

/// A file's name, as the user gave it, and its text.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    pub name: String,
    pub text: String,
    /// Files that pieces of this one were taken from. Offsets beyond the text lie in them, one after the other.
    after: Vec<Arc<Source>>,
}

impl Source {
    /// Control characters in the name are shown as their codes, wherever it is printed.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Source> {
        let name = name.into();
        let steers = name.chars().any(char::is_control);
        let name = if steers { name.escape_debug().to_string() } else { name };
        Arc::new(Source { name, text: text.into(), after: Vec::new() })
    }

    /// The same file with others behind it, and where each of those begins.
    pub fn followed_by(&self, others: &[Arc<Source>]) -> (Source, Vec<usize>) {
        let mut end = self.text.len() + 1;
        let begin = |other: &Arc<Source>| {
            let begin = end;
            end += other.text.len() + 1;
            begin
        };
        let begins = others.iter().map(begin).collect();
        (Source { name: self.name.clone(), text: self.text.clone(), after: others.to_vec() }, begins)
    }

    /// The file in which an offset lies, and where in it.
    fn locate(&self, offset: usize) -> (&Source, usize) {
        let (mut file, mut within) = (self, offset);
        for next in &self.after {
            if within <= file.text.len() {
                break;
            }
            (within, file) = (within - file.text.len() - 1, next);
        }
        (file, within)
    }

    /// `file:line` of an offset.
    pub fn place(&self, offset: usize) -> String {
        format!("{}:{}", self.locate(offset).0.name, self.position(offset).0)
    }

    /// Line and column of a byte offset, both from 1; columns count characters.
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let (file, offset) = self.locate(offset);
        file.position_within(offset)
    }

    fn position_within(&self, offset: usize) -> (usize, usize) {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    /// `span` moved to the nearest character boundaries inside the text.
    fn fit(&self, span: Span) -> std::ops::Range<usize> {
        let mut start = span.start.min(self.text.len());
        while !self.text.is_char_boundary(start) {
            start -= 1;
        }
        let mut end = span.end.clamp(start, self.text.len());
        while !self.text.is_char_boundary(end) {
            end += 1;
        }
        start..end
    }
}

/// A stretch of a file, in bytes from its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    pub start: usize,
    pub end: usize,
}

impl Span {
    pub const fn new(start: usize, end: usize) -> Span {
        Span { start, end }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// It can, but somebody should look.
    Warning,
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable; `codes::explain` has its text.
    pub code: &'static str,
    pub severity: Severity,
    pub message: String,
    pub source: Arc<Source>,
    pub span: Span,
    /// Beside the caret.
    pub label: String,
    /// A second place in the same file, with what it has to do with it.
    pub other: Option<(Span, String)>,
    /// What to do, if there is more to say than the label.
    pub help: Option<String>,
}

impl Diagnostic {
    pub fn error(
        code: &'static str,
        source: &Arc<Source>,
        span: Span,
        message: impl Into<String>,
    ) -> Diagnostic {
        Diagnostic {
            code,
            severity: Severity::Error,
            message: message.into(),
            source: source.clone(),
            span,
            label: String::new(),
            other: None,
            help: None,
        }
    }

    /// Beside the caret.
    pub fn label(&mut self, label: impl Into<String>) -> &mut Self {
        self.label = label.into();
        self
    }

    pub fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(help.into());
        self
    }

    /// A second place in the same file.
    pub fn see(&mut self, span: Span, label: impl Into<String>) -> &mut Self {
        self.other = Some((span, label.into()));
        self
    }

    /// The file that the place lies in: a piece of `source` may come from another one.
    pub fn file(&self) -> &str {
        &self.source.locate(self.span.start).0.name
    }

    /// Line and column, both from 1.
    pub fn position(&self) -> (usize, usize) {
        self.source.position(self.span.start)
    }

    /// As text with the source line and a caret; no colours, no final line break.
    pub fn render(&self) -> String {
        self.render_with(&Renderer::plain())
    }

    /// The same in colours.
    pub fn render_coloured(&self) -> String {
        self.render_with(&Renderer::styled())
    }

    fn render_with(&self, renderer: &Renderer) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let (file, start) = self.source.locate(self.span.start);
        let moved = self.span.start - start;
        let within = |span: Span| file.fit(Span::new(span.start - moved, span.end - moved));
        let here = |span: Span| std::ptr::eq(self.source.locate(span.start).0, file);
        let mut primary = AnnotationKind::Primary.span(within(self.span));
        if !self.label.is_empty() {
            primary = primary.label(&self.label);
        }
        let mut snippet = Snippet::source(file.text.as_str()).path(&file.name).annotation(primary);
        if let Some((span, label)) = self.other.as_ref().filter(|(span, _)| here(*span)) {
            snippet = snippet.annotation(AnnotationKind::Context.span(within(*span)).label(label));
        }
        let mut group = level.primary_title(&self.message).id(self.code).element(snippet);
        if let Some((span, label)) = self.other.as_ref().filter(|(span, _)| !here(*span)) {
            let place = self.source.place(span.start);
            group = group.element(Level::NOTE.message(format!("{label}: {place}")));
        }
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help));
        }
        renderer.render(&[group])
    }

    /// The form for machines (`--format json`).
    pub fn to_json(&self) -> Json<'_> {
        let (line, column) = self.position();
        Json {
            code: self.code,
            severity: self.severity,
            message: &self.message,
            file: self.file(),
            line,
            column,
            end: self.source.position(self.span.end),
            label: &self.label,
            other: self.other.as_ref().map(|(span, label)| {
                let (line, column) = self.source.position(span.start);
                JsonPlace { line, column, label }
            }),
            help: self.help.as_deref(),
        }
    }
}

/// A diagnostic as `--format json` prints it. Lines and columns count from 1, columns in characters.
#[derive(Debug, Serialize)]
pub struct Json<'a> {
    pub code: &'a str,
    pub severity: Severity,
    pub message: &'a str,
    pub file: &'a str,
    pub line: usize,
    pub column: usize,
    /// Line and column just behind the faulty stretch.
    pub end: (usize, usize),
    pub label: &'a str,
    pub other: Option<JsonPlace<'a>>,
    pub help: Option<&'a str>,
}

/// The second place involved.
#[derive(Debug, Serialize)]
pub struct JsonPlace<'a> {
    pub line: usize,
    pub column: usize,
    pub label: &'a str,
}

/// All of them as text, with an empty line between.
pub fn render_all(diagnostics: &[Diagnostic]) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics {
        text.push_str(&diagnostic.render());
        text.push_str("\n\n");
    }
    text
}

/// Most findings kept of one file: nobody reads more, and suggestions for more would take minutes.
/// The rest are counted, and said in a last one.
pub const MAX_FINDINGS: usize = 100;

/// Collects what is wrong with one file.
#[derive(Debug)]
pub struct Findings {
    source: Arc<Source>,
    list: Vec<Diagnostic>,
    /// Errors that came when the list was full.
    errors: Surplus,
    /// Warnings, likewise: however many there are, they are no errors.
    warnings: Surplus,
    /// Where the newest is.
    newest: Place,
}

/// What comes when the list is full: counted, and the last one kept.
#[derive(Debug, Default)]
struct Surplus {
    last: Option<Diagnostic>,
    count: usize,
}

#[derive(Debug)]
enum Place {
    List,
    Errors,
    Warnings,
}

impl Surplus {
    fn take(&mut self, added: Diagnostic) -> &mut Diagnostic {
        self.count += 1;
        self.last.insert(added)
    }
}

impl Findings {
    pub fn new(source: &Arc<Source>) -> Findings {
        let (errors, warnings) = (Surplus::default(), Surplus::default());
        Findings { source: source.clone(), list: Vec::new(), errors, warnings, newest: Place::List }
    }

    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// Adds an error; the result takes label, help and second place.
    pub fn error(&mut self, code: &'static str, span: Span, message: impl Into<String>) -> &mut Diagnostic {
        let added = Diagnostic::error(code, &self.source, span, message);
        self.add(added)
    }

    fn add(&mut self, added: Diagnostic) -> &mut Diagnostic {
        if self.is_full() {
            return if added.severity == Severity::Error {
                self.newest = Place::Errors;
                self.errors.take(added)
            } else {
                self.newest = Place::Warnings;
                self.warnings.take(added)
            };
        }
        self.list.push(added);
        self.list.last_mut().expect("one was pushed")
    }

    /// No more are kept: looking for suggestions is in vain.
    pub fn is_full(&self) -> bool {
        self.list.len() >= MAX_FINDINGS
    }

    pub fn warning(&mut self, code: &'static str, span: Span, message: impl Into<String>) -> &mut Diagnostic {
        let mut added = Diagnostic::error(code, &self.source, span, message);
        added.severity = Severity::Warning;
        self.add(added)
    }

    /// The one added last, to say more about it.
    pub fn last(&mut self) -> Option<&mut Diagnostic> {
        match self.newest {
            Place::List => self.list.last_mut(),
            Place::Errors => self.errors.last.as_mut(),
            Place::Warnings => self.warnings.last.as_mut(),
        }
    }

    /// The line of a place, from 1.
    pub fn line(&self, span: Span) -> usize {
        self.source.position(span.start).0
    }

    pub fn errors(&self) -> usize {
        self.list.iter().filter(|d| d.severity == Severity::Error).count() + self.errors.count
    }

    fn kept(&mut self) -> impl Iterator<Item = &mut Diagnostic> {
        self.list.iter_mut().chain(&mut self.errors.last).chain(&mut self.warnings.last)
    }

    /// Pieces of other files stand in this one from now on; where each of those begins.
    pub fn take_from(&mut self, others: &[Arc<Source>]) -> Vec<usize> {
        let (source, begins) = self.source.followed_by(others);
        self.source = Arc::new(source);
        let source = self.source.clone();
        self.kept().for_each(|diagnostic| diagnostic.source = source.clone());
        begins
    }

    /// Replaces stretches of the text by stars, in what has been found and what will be: nobody's password
    /// is shown because something else on its line is wrong. Lines stay where they are: a value's stretch reaches to
    /// where the next thing begins.
    pub fn mask(&mut self, spans: &[Span]) {
        let mut text = self.source.text.clone();
        for span in spans {
            let range = self.source.fit(*span);
            let stars: String = text[range.clone()]
                .trim_end()
                .bytes()
                .map(|byte| if byte == b'\n' { '\n' } else { '*' })
                .collect();
            text.replace_range(range.start..range.start + stars.len(), &stars);
        }
        self.source = Source::new(self.source.name.clone(), text);
        let source = self.source.clone();
        self.kept().for_each(|diagnostic| diagnostic.source = source.clone());
    }

    /// In the order of the file; of what did not find room the last one, an error if there is one.
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.list.sort_by_key(|d| d.span);
        let more = self.errors.count + self.warnings.count;
        if let Some(mut last) = self.errors.last.or(self.warnings.last) {
            if more > 1 {
                last.message = format!("{} (the last of {more} more in this file)", last.message);
            }
            self.list.push(last);
        }
        self.list
    }
}

/// Splits into (errors, warnings), each in its order.
pub fn split(diagnostics: Vec<Diagnostic>) -> (Vec<Diagnostic>, Vec<Diagnostic>) {
    diagnostics.into_iter().partition(|d| d.severity == Severity::Error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_the_caret_stands_under_the_word() {
        let source = Source::new("flows/主.yaml", "a: 你好 wrong\nb: 2\n");
        let at = source.text.find("wrong").expect("it is there");
        let mut findings = Findings::new(&source);
        findings.error("flow-003", Span::new(at, at + 5), "no such node").label("did you mean `right`?");
        let all = findings.into_sorted();
        assert_eq!(all[0].position(), (1, 7));
        let text = all[0].render();
        assert!(text.contains("error[flow-003]: no such node"), "{text}");
        assert!(text.contains("flows/主.yaml:1:7"), "{text}");
        assert!(text.contains("^^^^^ did you mean `right`?"), "{text}");
    }

    #[test]
    fn warnings_do_not_become_errors_by_their_number_and_hide_none() {
        let source = Source::new("a.yaml", "text");
        let mut findings = Findings::new(&source);
        for _ in 0..MAX_FINDINGS + 3 {
            findings.warning("flow-023", Span::default(), "doubtful").label("here");
        }
        assert_eq!(findings.last().map(|last| last.label.as_str()), Some("here"));
        assert_eq!(findings.errors(), 0);
        findings.error("flow-003", Span::default(), "wrong");
        findings.warning("flow-023", Span::default(), "doubtful");
        assert_eq!(findings.errors(), 1);
        let (errors, warnings) = split(findings.into_sorted());
        assert_eq!((errors.len(), warnings.len()), (1, MAX_FINDINGS));
        assert_eq!(errors[0].message, "wrong (the last of 5 more in this file)");

        let mut findings = Findings::new(&source);
        for _ in 0..MAX_FINDINGS + 2 {
            findings.warning("flow-023", Span::default(), "doubtful");
        }
        let (errors, warnings) = split(findings.into_sorted());
        assert!(errors.is_empty());
        assert_eq!(warnings[MAX_FINDINGS].message, "doubtful (the last of 2 more in this file)");
    }

    #[test]
    fn a_file_name_does_not_steer_the_terminal() {
        let source = Source::new("flows/\u{1b}[2J\nerror[flow-001].yaml", "a: b\n");
        let found = Diagnostic::error("yaml-004", &source, Span::new(0, 1), "bad");
        let text = found.render();
        assert!(text.contains("flows/\\u{1b}[2J\\nerror[flow-001].yaml:1:1"), "{text}");
        assert!(
            !text.contains('\u{1b}') && !text.lines().any(|line| line.starts_with("error[flow-001]")),
            "{text}"
        );
    }

    #[test]
    fn the_json_form_names_file_line_and_column() {
        let source = Source::new("a.yaml", "one\ntwo\n");
        let mut found = Diagnostic::error("yaml-004", &source, Span::new(4, 7), "bad");
        found.see(Span::new(0, 3), "first here");
        let json = serde_json::to_value(found.to_json()).expect("it serialises");
        assert_eq!(json["line"], 2);
        assert_eq!(json["column"], 1);
        assert_eq!(json["end"], serde_json::json!([2, 4]));
        assert_eq!(json["other"]["label"], "first here");
    }

    #[test]
    fn what_is_hidden_takes_no_line_with_it() {
        let text = "- presses: '123456'\n  - hears: pin\n";
        let source = Source::new("a.test.yaml", text);
        let mut findings = Findings::new(&source);
        let hears = text.find("hears").expect("it is there");
        findings.error("test-020", Span::new(hears, hears + 5), "not heard");
        // As a reader of YAML gives it: to where the next thing begins.
        findings.mask(&[Span::new(
            text.find('\'').expect("it is there"),
            text.find("- hears").expect("it is there"),
        )]);
        let said = render_all(&findings.into_sorted());
        assert!(
            said.contains("a.test.yaml:2:5") && said.contains("|   - hears: pin") && !said.contains("123"),
            "{said}"
        );
    }
}
