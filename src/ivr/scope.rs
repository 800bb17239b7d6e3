//! What names mean in one flow: nodes, variables, languages, prompts, and the world's queues, agents and numbers.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::World;
use super::chart::Ways;
use super::digits::{How, Use};
use super::flow::{Kind, LanguageId, NodeId, Operand, Spoken, VariableId};
use super::run::Held;
use super::subflow::{Callees, Slot};
use crate::diagnostic::yaml::Node;
use crate::diagnostic::{Findings, Span, suggest};

/// Most prompts in one list.
const MAX_PROMPTS: usize = 16;
/// The languages that numbers can be said in.
pub(super) const LANGUAGES: [&str; 2] = ["zh-CN", "en"];
/// Names that mean something everywhere; no variable may take them.
pub(super) const BUILT_IN: [&str; 3] = ["caller", "dialled", "language"];

/// What makes a call take an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// The caller pressed something.
    Key,
    /// Nothing the caller did; at once, or after their silence.
    Itself,
    /// Waiting in a queue came to its end.
    Waiting,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    pub from: NodeId,
    pub to: NodeId,
    pub by: By,
    pub span: Span,
}

pub(super) struct Declared {
    pub name: String,
    /// `None` if what is written there is no kind.
    pub kind: Option<Kind>,
    pub span: Span,
    pub used: bool,
}

/// Where a node stands and how far it could be read.
pub(super) struct Place {
    pub name: String,
    pub span: Span,
    /// Some of its edges are not known: what lies behind it must not be judged.
    pub open: bool,
}

pub(super) struct Scope<'a> {
    pub out: &'a mut Findings,
    pub world: &'a World<'a>,
    pub callees: &'a Callees,
    /// The flow's name, as written.
    pub flow: String,
    pub results: Vec<Slot>,
    /// What the configuration says for this environment.
    pub constants: Vec<(Declared, Operand)>,
    pub languages: Vec<Arc<str>>,
    pub variables: Vec<Declared>,
    pub places: Vec<Place>,
    pub by_name: BTreeMap<String, NodeId>,
    pub edges: Vec<Edge>,
    /// Where values go that callers may have typed.
    pub uses: Vec<Use>,
    /// The node being read.
    pub here: NodeId,
    pub ways: Ways,
}

impl Scope<'_> {
    /// Reports an unknown name, with the nearest known one. The guess is returned.
    pub fn unknown<'k>(
        &mut self,
        code: &'static str,
        span: Span,
        message: String,
        word: &str,
        known: impl Iterator<Item = &'k str>,
    ) -> Option<&'k str> {
        let guess = if self.out.is_full() { None } else { suggest::nearest(word, known) };
        let added = self.out.error(code, span, message);
        if let Some(guess) = guess {
            added.label(format!("did you mean `{guess}`?"));
        }
        guess
    }

    /// The node that `node` names, as the end of an edge from here. `what` begins the message: "key `2`".
    pub fn target(&mut self, node: &Node, by: By, what: &str) -> Option<NodeId> {
        let Some(name) = self.out.text(node, "the name of a node") else {
            self.places[self.here.0].open = true;
            return None;
        };
        let found = self.by_name.get(name).copied();
        if found.is_none() {
            let known = self.by_name.keys().map(String::as_str).filter(|_| !self.out.is_full());
            let guess = suggest::nearest(name, known).map(|guess| (guess.to_owned(), self.by_name[guess]));
            let message = format!("{what} leads to `{name}`, which does not exist");
            let line = guess.as_ref().map(|(_, id)| self.out.line(self.places[id.0].span));
            let added = self.out.error("flow-003", node.span, message);
            match (&guess, line) {
                (Some((guess, _)), Some(line)) => {
                    added.label(format!("did you mean `{guess}` (line {line})?"));
                }
                _ => {
                    added.label("no node of this name");
                }
            }
            // The guess keeps one slip from being reported as an unreachable node too.
            match guess {
                Some((_, to)) => self.edges.push(Edge { from: self.here, to, by, span: node.span }),
                None => self.places[self.here.0].open = true,
            }
            return None;
        }
        let to = found?;
        self.edges.push(Edge { from: self.here, to, by, span: node.span });
        Some(self.ways.through(self.here, to, node.span, what))
    }

    /// A list of prompts, found in every language of the flow.
    pub fn prompts(&mut self, node: &Node) -> Option<Spoken> {
        let items = self.out.items(node, "a prompt or a list of prompts")?;
        if items.len() > MAX_PROMPTS {
            self.out.error("yaml-008", node.span, format!("more than {MAX_PROMPTS} prompts in one list"));
            return None;
        }
        let mut spoken = Spoken(vec![Vec::new(); self.languages.len()]);
        let mut whole = true;
        for item in items {
            let Some(name) = self.out.text(item, "the name of a prompt") else {
                whole = false;
                continue;
            };
            let found: Vec<_> =
                self.languages.iter().map(|language| self.world.catalogue.find(language, name)).collect();
            for (list, prompt) in spoken.0.iter_mut().zip(&found) {
                list.extend(*prompt);
            }
            if found.iter().any(Option::is_none) {
                whole = false;
                self.missing_prompt(name, item.span, &found.iter().map(Option::is_some).collect::<Vec<_>>());
            }
        }
        whole.then_some(spoken)
    }

    fn missing_prompt(&mut self, name: &str, span: Span, found: &[bool]) {
        if found.contains(&true) {
            let missing: Vec<&str> =
                self.languages.iter().zip(found).filter(|(_, f)| !**f).map(|(l, _)| &**l).collect();
            let message = format!("the prompt `{name}` is missing in {}", missing.join(" and "));
            self.out.error("flow-008", span, message).label("a caller in that language would hear silence");
            return;
        }
        let names: Vec<String> =
            self.languages.iter().flat_map(|language| self.world.catalogue.names(language)).collect();
        let message = format!("there is no prompt `{name}`");
        self.unknown("flow-008", span, message, name, names.iter().map(String::as_str));
    }

    pub fn language(&self, name: &str) -> Option<LanguageId> {
        self.languages.iter().position(|language| **language == *name).map(LanguageId)
    }

    pub fn unknown_language(&mut self, name: &str, span: Span) {
        let known: Vec<String> = self.languages.iter().map(|l| l.to_string()).collect();
        let message = format!("the flow does not speak `{name}`");
        let guess = self.unknown("flow-023", span, message, name, known.iter().map(String::as_str));
        if guess.is_none()
            && let Some(added) = self.out.last()
        {
            added.help(format!("it speaks: {}", known.join(", ")));
        }
    }

    /// A declared variable, marked as used. One of an unknown kind is reported once, not again at every use.
    pub fn variable(&mut self, name: &str, span: Span) -> Option<(VariableId, Kind)> {
        if let Some(at) = self.variables.iter().position(|v| v.name == name) {
            self.variables[at].used = true;
            return self.variables[at].kind.map(|kind| (VariableId(at), kind));
        }
        if let Some((constant, _)) = self.constants.iter_mut().find(|(constant, _)| constant.name == name) {
            constant.used = true;
            let message = format!("`{name}` is a constant and cannot be changed");
            self.out.error("flow-063", span, message).see(constant.span, "declared here");
            return None;
        }
        let known: Vec<String> =
            self.constants.iter().map(|(c, _)| c).chain(&self.variables).map(|v| v.name.clone()).collect();
        let message = format!("there is no variable `{name}`");
        let known = known.iter().map(String::as_str).chain(BUILT_IN);
        if self.unknown("flow-009", span, message, name, known).is_none()
            && let Some(added) = self.out.last()
        {
            added.help("variables are declared under `vars`; caller, dialled and language are always there");
        }
        None
    }

    /// A variable whose value is used: anything but a secret. `used` completes "a secret cannot be ...".
    pub fn readable(&mut self, name: &str, span: Span, used: &str) -> Option<(Operand, Kind)> {
        match name {
            "caller" => return Some((Operand::Caller, Kind::Text)),
            "dialled" => return Some((Operand::Dialled, Kind::Text)),
            "language" => return Some((Operand::Language, Kind::Text)),
            _ => {}
        }
        if let Some((constant, value)) = self.constants.iter_mut().find(|(constant, _)| constant.name == name)
        {
            constant.used = true;
            return constant.kind.map(|kind| (value.clone(), kind));
        }
        let (id, kind) = self.variable(name, span)?;
        if kind == Kind::Secret {
            let declared = self.variables[id.0].span;
            self.out
                .error("flow-019", span, format!("`{name}` is a secret and cannot be {used}"))
                .label("secret")
                .see(declared, "declared here");
            return None;
        }
        Some((Operand::Variable(id), kind))
    }

    /// Notes that a value goes somewhere from here, for the check over paths.
    pub fn goes(&mut self, span: Span, how: How) {
        self.uses.push(Use { node: self.here, span, how });
    }

    /// `$name`: a variable's value.
    pub fn reference(&mut self, node: &Node, used: &str) -> Option<(Operand, Kind)> {
        let text = self.out.text(node, "a variable such as $account")?;
        let Some(name) = text.strip_prefix('$') else {
            self.out
                .error("yaml-006", node.span, format!("expected a variable, found `{text}`"))
                .label(format!("did you mean `${text}`?"));
            return None;
        };
        self.readable(name, node.span, used)
    }

    /// A literal of a kind that has a notation of its own.
    pub fn literal(&mut self, kind: Kind, text: &str, span: Span) -> Option<Operand> {
        match kind.read(text) {
            Some(Held::Number(number)) => Some(Operand::Number(number)),
            Some(Held::Quantity(quantity)) => Some(Operand::Quantity(quantity)),
            _ => {
                self.out
                    .error("flow-040", span, format!("`{text}` is not {kind}"))
                    .label(format!("expected {}", kind.example()));
                None
            }
        }
    }

    /// One of a set of names of the world.
    pub fn of_world<T: AsRef<str>>(
        &mut self,
        code: &'static str,
        what: &str,
        node: &Node,
        known: impl Iterator<Item = T>,
    ) -> Option<String> {
        let name = self.out.text(node, &format!("the name of {what}"))?;
        let known: Vec<T> = known.collect();
        if known.iter().any(|k| k.as_ref() == name) {
            return Some(name.to_owned());
        }
        let message = format!("`{name}` is not {what} of the configuration");
        self.unknown(code, node.span, message, name, known.iter().map(AsRef::as_ref));
        None
    }
}
