//! The humane rules: whatever callers do, or cannot do, a person is near.
//!
//! Three callers walk on from every question: one who keeps silent, one who presses wrong keys, one who presses the key
//! for a person wherever they are asked. Each must reach a queue or a transfer within so many questions and so many
//! seconds of prompts, at worst over all cases and hours in which people work. What is said of values (numbers, dates)
//! is not counted.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use super::flow::{NodeId, Step, key_index};
use super::scope::Scope;
use crate::diagnostic::Span;
use crate::diagnostic::fields::{Fields, write_duration};
use crate::diagnostic::yaml::Node;
use crate::ids::FlowId;

mod knots;
mod walk;

use walk::{CALLERS, Caller, Outcome, Walker};

/// Questions until a person, if the flow does not say.
const QUESTIONS: usize = 3;
/// Prompts until a person, if the flow does not say.
const PROMPTS: Duration = Duration::from_secs(60);
/// The most that a flow may allow itself.
const QUESTIONS_MOST: i64 = 10;
const PROMPTS_RANGE: std::ops::RangeInclusive<Duration> = Duration::from_secs(10)..=Duration::from_secs(300);
/// Menus one behind the other: beyond three, people lose their way.
const DEPTH: usize = 3;
/// The key for a person, by `key_index`, if the flow does not say: 9.
const PERSON_KEY: usize = 9;

/// The limits of one flow: `humane:` at its top.
pub(super) struct Rules {
    questions: usize,
    prompts: Duration,
    /// By `key_index`.
    person_key: usize,
    complaints: Option<(NodeId, Span)>,
}

/// What it takes to reach a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Way {
    /// Questions put to the caller; one that is repeated counts once.
    pub questions: usize,
    /// Prompts that play, repeats and all.
    pub prompts: Duration,
}

/// The worst over all questions of a flow, and its depth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    pub flow: FlowId,
    /// `None`: from some question nobody is reached.
    pub silent: Option<Way>,
    pub confused: Option<Way>,
    pub asking: Option<Way>,
    /// Most menus one behind the other.
    pub depth: usize,
}

/// What is known of a flow, also to those that call it.
#[derive(Clone, Debug)]
pub(super) struct Near {
    pub reach: Reach,
    /// Where each of `CALLERS` comes from its start.
    at_start: [Outcome; 3],
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Reach { flow, depth, .. } = self;
        let [silent, confused, asking] = [self.silent, self.confused, self.asking]
            .map(|way| way.map_or_else(|| "never".to_owned(), |way| way.to_string()));
        write!(
            f,
            "{flow}: at worst a person is reached by silence {silent}, by wrong keys {confused}, by the key for a person \
             {asking}; menus {depth} deep"
        )
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.questions == 1 { "" } else { "s" };
        let seconds = self.prompts.as_secs_f64().round();
        write!(f, "after {} question{plural} and {seconds} s of prompts", self.questions)
    }
}

impl Way {
    fn worst(self, other: Way) -> Way {
        Way { questions: self.questions.max(other.questions), prompts: self.prompts.max(other.prompts) }
    }
}

impl Rules {
    /// `humane: { questions: 3, prompts: 60s, person_key: 9, complaints: node }`, all of it optional.
    pub fn read(node: Option<&Node>, scope: &mut Scope<'_>) -> Rules {
        let mut rules =
            Rules { questions: QUESTIONS, prompts: PROMPTS, person_key: PERSON_KEY, complaints: None };
        let Some(node) = node else { return rules };
        let Some(mut fields) = Fields::of(node, node.span, "`humane`", scope.out) else { return rules };
        if let Some(node) = fields.take("questions") {
            let most = scope.out.integer(node, "a number of questions", 1..=QUESTIONS_MOST);
            rules.questions = most.and_then(|n| usize::try_from(n).ok()).unwrap_or(QUESTIONS);
        }
        if let Some(node) = fields.take("prompts") {
            rules.prompts = scope.out.duration(node, PROMPTS_RANGE).unwrap_or(PROMPTS);
        }
        if let Some(node) = fields.take("person_key") {
            rules.person_key = person_key(node, scope).unwrap_or(PERSON_KEY);
        }
        if let Some(node) = fields.take("complaints") {
            rules.complaints = complaints(node, scope).map(|id| (id, node.span));
        }
        fields.finish(scope.out);
        rules
    }
}

fn person_key(node: &Node, scope: &mut Scope<'_>) -> Option<usize> {
    let text = scope.out.text(node, "a key")?;
    let mut symbols = text.chars();
    let key = symbols.next().filter(|_| symbols.next().is_none()).and_then(key_index);
    if key.is_none() {
        let added = scope.out.error("flow-011", node.span, format!("`{text}` is not a telephone key"));
        added.label("keys are 0 to 9, \"*\" and \"#\"");
    }
    key
}

fn complaints(node: &Node, scope: &mut Scope<'_>) -> Option<NodeId> {
    let name = scope.out.text(node, "the name of a node")?;
    if let Some(id) = scope.by_name.get(name) {
        return Some(*id);
    }
    let known: Vec<String> = scope.by_name.keys().cloned().collect();
    let message = format!("complaints lead to `{name}`, which does not exist");
    scope.unknown("flow-003", node.span, message, name, known.iter().map(String::as_str));
    None
}

/// Checks a flow that has no errors. `name`: where the flow says its name.
pub(super) fn check(
    flow: &FlowId,
    name: Span,
    start: NodeId,
    steps: &[&Step],
    rules: &Rules,
    scope: &mut Scope<'_>,
) -> Near {
    let walker = Walker::of(steps, rules.person_key, scope);
    let depths = walker.depths(start);
    let [silent, confused, asking] = people_are_near(&walker, start, rules, scope);
    deep_menus(&depths, scope);
    complaints_in_main_menu(flow, name, &walker, start, rules, scope);
    let depth = depths.iter().flatten().copied().max().unwrap_or(0);
    let reach = Reach { flow: flow.clone(), silent, confused, asking, depth };
    Near { reach, at_start: CALLERS.map(|caller| walker.outcomes(caller)[start.0]) }
}

/// What a caller suffers at a question.
enum Fault {
    NoPerson,
    Questions(usize),
    Prompts(Duration),
}

impl Fault {
    fn code(&self) -> &'static str {
        match self {
            Fault::NoPerson => "flow-070",
            Fault::Questions(_) => "flow-071",
            Fault::Prompts(_) => "flow-072",
        }
    }
}

/// Follows each caller from each question and from the start; returns how far a person is from them at worst. What is
/// wrong with a question is told once, of the first caller who suffers from it.
fn people_are_near(
    walker: &Walker<'_>,
    start: NodeId,
    rules: &Rules,
    scope: &mut Scope<'_>,
) -> [Option<Way>; 3] {
    let reached = walker.reached(start, |_| true);
    let in_hours = walker.reached(start, |way| !way.closed);
    let asked = |node: &usize| reached[*node] && (walker.asks(*node) || *node == start.0);
    let asked: Vec<usize> = (0..reached.len()).filter(asked).collect();
    let mut told = BTreeSet::new();
    CALLERS.map(|caller| {
        let outcomes = walker.outcomes(caller);
        let explained = walker.are_explained_further_on(caller, &outcomes);
        let mut worst = Some(Way::default());
        for node in &asked {
            worst = match outcomes[*node] {
                Outcome::Person(way) | Outcome::Back(way) => worst.map(|worst| worst.worst(way)),
                // Who is refused before any question, or after hours, is not lost.
                _ if walker.asks(*node) && in_hours[*node] => None,
                _ => worst,
            };
            for fault in faults(walker, *node, caller, &outcomes, in_hours[*node], explained[*node], rules) {
                if told.insert((*node, fault.code())) {
                    tell(*node, caller, &fault, rules, scope);
                }
            }
        }
        worst
    })
}

/// What is broken at a question and not already further on.
fn faults(
    walker: &Walker<'_>,
    node: usize,
    caller: Caller,
    outcomes: &[Outcome],
    in_hours: bool,
    explained: bool,
    rules: &Rules,
) -> Vec<Fault> {
    let way = match outcomes[node] {
        Outcome::Person(way) | Outcome::Back(way) => way,
        Outcome::Goodbye if !in_hours => return Vec::new(),
        _ if walker.asks(node) && !explained => {
            return vec![Fault::NoPerson];
        }
        _ => return Vec::new(),
    };
    let further = match walker.further(node, caller, outcomes) {
        Some(Outcome::Person(way) | Outcome::Back(way)) => way,
        _ => Way::default(),
    };
    let mut faults = Vec::new();
    if way.questions > rules.questions && further.questions <= rules.questions {
        faults.push(Fault::Questions(way.questions));
    }
    if way.prompts > rules.prompts && further.prompts <= rules.prompts {
        faults.push(Fault::Prompts(way.prompts));
    }
    faults
}

fn tell(node: usize, caller: Caller, fault: &Fault, rules: &Rules, scope: &mut Scope<'_>) {
    let (name, span) = (scope.places[node].name.clone(), scope.places[node].span);
    match fault {
        Fault::NoPerson => {
            let message = format!("at `{name}`, a caller {caller} reaches no person");
            let added = scope.out.warning(fault.code(), span, message);
            added.help("let silence, wrong keys and the key for a person lead to a queue or a transfer");
        }
        Fault::Questions(questions) => {
            let message = format!(
                "from `{name}`, a caller {caller} is asked {questions} times before a person answers"
            );
            let added = scope.out.warning(fault.code(), span, message);
            let plural = if rules.questions == 1 { "" } else { "s" };
            added.label(format!("more than {} question{plural}", rules.questions));
        }
        Fault::Prompts(prompts) => {
            let seconds = prompts.as_secs_f64();
            let message = format!(
                "from `{name}`, a caller {caller} hears {seconds:.0} s of prompts before a person answers"
            );
            let added = scope.out.warning(fault.code(), span, message);
            added.label(format!("more than {}", write_duration(rules.prompts)));
            added.help(
                "fewer retries or shorter prompts; or `humane: { prompts: ... }` at the top of the flow",
            );
        }
    }
}

fn deep_menus(depths: &[Option<usize>], scope: &mut Scope<'_>) {
    for (node, depth) in depths.iter().enumerate() {
        let Some(depth) = depth.filter(|depth| *depth > DEPTH) else { continue };
        let (name, span) = (scope.places[node].name.clone(), scope.places[node].span);
        let message = format!("at `{name}` callers are {depth} menus deep");
        scope
            .out
            .warning("flow-073", span, message)
            .label(format!("more than {DEPTH}: people lose their way"));
    }
}

/// The first menu that callers meet must have a key for complaints (PBoC Order 2020 No. 5).
fn complaints_in_main_menu(
    flow: &FlowId,
    name: Span,
    walker: &Walker<'_>,
    start: NodeId,
    rules: &Rules,
    scope: &mut Scope<'_>,
) {
    let Some(main) = walker.main_menu(start) else { return };
    let main_name = scope.places[main].name.clone();
    let Some((complaints, span)) = rules.complaints else {
        if scope.world.entries.contains(flow) {
            let message = format!("no way for complaints is named, and `{main_name}` is a main menu");
            let added = scope.out.warning("flow-074", name, message);
            added.help("write `humane: { complaints: NODE }`, and give the main menu a key that leads there");
        }
        return;
    };
    if !walker.has_key_for(main, complaints) {
        let message = format!("no key of the main menu `{main_name}` leads to complaints");
        let main = scope.places[main].span;
        scope.out.warning("flow-074", span, message).see(main, "the main menu");
    }
}
