//! The menus: YAML compiled to a graph, run one event at a time.
//!
//! `compile` checks everything a flow can get wrong and says it like a good compiler (`crate::diagnostic`);
//! what it returns cannot fail at run time. A running call keeps the `Arc<Flow>` it began with, so new flows
//! are published without touching it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::config::{Config, Constant, HttpHost};
use crate::diagnostic::{self, Diagnostic, Findings, Source, yaml};
use crate::ids::{AgentId, FlowId, QueueId};
use crate::media::prompts::{Library, PromptId};

pub mod assisted;
pub mod bot;
mod call;
mod callback;
mod chart;
mod check;
mod counts;
mod digits;
pub mod emergency;
mod event;
mod expression;
pub mod flow;
mod graph;
mod hours;
pub mod http;
pub mod humane;
mod input;
mod knots;
mod language;
mod load;
mod meanwhile;
mod message;
mod nodes;
mod percent;
pub mod profile;
pub mod run;
mod say;
mod scope;
mod snippet;
pub mod subflow;
mod sum;
mod survey;
pub mod trial;
mod unfolded;
mod value;

use flow::Flow;
use humane::Reach;
use snippet::Shared;
use subflow::{Callees, Draft};

/// The prompts that exist, as the checker needs to know them.
pub trait Catalogue {
    /// `language` is `zh-CN` or `en`; `name` the prompt's file without its ending.
    fn find(&self, language: &str, name: &str) -> Option<PromptId>;
    /// How long it plays.
    fn duration(&self, prompt: PromptId) -> Duration;
    /// All names in a language, for suggestions.
    fn names(&self, language: &str) -> Vec<String>;
}

impl Catalogue for Library {
    fn find(&self, language: &str, name: &str) -> Option<PromptId> {
        Library::find(self, language, name)
    }

    fn duration(&self, prompt: PromptId) -> Duration {
        Library::duration(self, prompt)
    }

    fn names(&self, language: &str) -> Vec<String> {
        Library::names(self, language).map(str::to_owned).collect()
    }
}

/// What a flow must know of a host it asks.
#[derive(Clone, Copy, Debug)]
pub struct HostTerms {
    /// It may be sent secrets.
    pub secrets: bool,
    /// The longest that one answer may be waited for.
    pub timeout: Duration,
}

/// What flows may refer to.
pub struct World<'a> {
    pub queues: BTreeSet<QueueId>,
    pub agents: BTreeSet<AgentId>,
    /// The bank's own numbers, and the flows that they lead to.
    pub numbers: BTreeMap<String, FlowId>,
    /// The flows that those numbers lead to.
    pub entries: BTreeSet<FlowId>,
    /// The flows that callers of queues come to when the agent has hung up.
    pub surveys: BTreeSet<FlowId>,
    pub constants: BTreeMap<String, Constant>,
    /// The hosts that may be asked.
    pub hosts: BTreeMap<String, HostTerms>,
    /// The bots that callers may talk with.
    pub bots: BTreeSet<String>,
    pub catalogue: &'a dyn Catalogue,
}

impl<'a> World<'a> {
    pub fn of(config: &Config, catalogue: &'a dyn Catalogue) -> World<'a> {
        World {
            queues: config.queues.keys().cloned().collect(),
            agents: config.agents.keys().cloned().collect(),
            numbers: config.numbers.iter().map(|(number, to)| (number.clone(), to.flow.clone())).collect(),
            entries: config.numbers.values().map(|number| number.flow.clone()).collect(),
            surveys: config.queues.values().filter_map(|queue| queue.survey.clone()).collect(),
            constants: config.constants.clone(),
            hosts: config.http.hosts.iter().map(|(name, host)| (name.clone(), HostTerms::of(host))).collect(),
            bots: config.bots.keys().cloned().collect(),
            catalogue,
        }
    }
}

impl HostTerms {
    fn of(host: &HttpHost) -> HostTerms {
        HostTerms { secrets: host.secrets, timeout: host.timeout }
    }
}

/// Compiled flows by name.
pub type Flows = BTreeMap<FlowId, Arc<Flow>>;

/// What `compile` made.
#[derive(Debug)]
pub struct Compiled {
    pub flows: Flows,
    /// Nothing that keeps the flows from running.
    pub warnings: Vec<Diagnostic>,
    /// How far a person is at worst, by flow.
    pub reaches: Vec<Reach>,
}

/// Compiles flows, all or none.
///
/// # Errors
/// Everything that is wrong in any of the files, file by file in the order given, then by place;
/// warnings among them.
pub fn compile(sources: &[Arc<Source>], world: &World<'_>) -> Result<Compiled, Vec<Diagnostic>> {
    compile_as(sources, world, None)
}

/// As `compile`. With the flows as they were `checked` they are marked (`chart`), and their paths not checked again.
fn compile_as(
    sources: &[Arc<Source>],
    world: &World<'_>,
    checked: Option<&Flows>,
) -> Result<Compiled, Vec<Diagnostic>> {
    let mut flows = Flows::new();
    let mut first: BTreeMap<FlowId, &Arc<Source>> = BTreeMap::new();
    let (mut found, mut told) = (Vec::new(), BTreeSet::new());
    let (files, reaches) = each(sources, world, checked);
    for (source, (out, flow)) in sources.iter().zip(files) {
        for diagnostic in out.into_sorted() {
            // What is wrong with a snippet is wrong wherever it is used, and is told once.
            if told.insert((diagnostic.code, diagnostic.file().to_owned(), diagnostic.position())) {
                found.push(diagnostic);
            }
        }
        let Some(flow) = flow else { continue };
        if let Some(other) = first.insert(flow.id.clone(), source) {
            let message = format!("the flow `{}` is already defined in {}", flow.id, other.name);
            found.push(Diagnostic::error("flow-028", source, diagnostic::Span::default(), message));
        }
        flows.insert(flow.id.clone(), flow);
    }
    let (errors, warnings) = diagnostic::split(found);
    if errors.is_empty() {
        return Ok(Compiled { flows, warnings, reaches });
    }
    let mut all = errors;
    all.extend(warnings);
    Err(all)
}

/// The names of the flows that a flow calls, whatever else is wrong with it.
pub fn called_by(source: &Arc<Source>) -> Vec<String> {
    let root = yaml::parse(&mut Findings::new(source));
    root.map(|root| Draft::of(&root).into_calls()).unwrap_or_default()
}

/// Whether a file holds no flow but snippets for those beside it.
pub fn is_shared(source: &Arc<Source>) -> bool {
    yaml::parse(&mut Findings::new(source)).is_some_and(|root| snippet::is_shared(&root))
}

/// What was found in a file, and its flow if that is right.
type Examined = (Findings, Option<Arc<Flow>>);

/// What comes of each file, in the order given, and how far a person is in the flows that are right, by their names.
fn each(sources: &[Arc<Source>], world: &World<'_>, checked: Option<&Flows>) -> (Vec<Examined>, Vec<Reach>) {
    let parse = |source| {
        let mut out = Findings::new(source);
        let root = yaml::parse(&mut out);
        (out, root)
    };
    let mut files: Vec<_> = sources.iter().map(parse).collect();
    let shared = Shared::of(&mut files);
    for (out, root) in &mut files {
        if let Some(root) = root {
            shared.put_into(root, out);
        }
    }
    let draft = |root: &Option<yaml::Node>| root.as_ref().map(Draft::of).unwrap_or_default();
    let mut callees = Callees::new(files.iter().map(|(_, root)| draft(root)).collect());
    let order = callees.order();
    // Each file after those it calls.
    for place in &order {
        let (out, root) = &mut files[*place];
        let flow = root.as_ref().filter(|root| !snippet::is_shared(root));
        let flow = flow.and_then(|root| load::flow(root, out, world, &callees, checked));
        callees.compiled(*place, flow.filter(|_| out.errors() == 0).map(Arc::new));
    }
    let flows = callees.into_compiled();
    let mut files: Vec<_> = files.into_iter().zip(flows).map(|((out, _), flow)| (out, flow)).collect();
    let reaches = if checked.is_none() { reaches(&mut files, &order, world) } else { Vec::new() };
    (files, reaches)
}

/// Judges the flows that are right, all of them together: calls are handed on from one to another.
fn reaches(files: &mut [Examined], order: &[usize], world: &World<'_>) -> Vec<Reach> {
    let mut places = vec![0; files.len()];
    order.iter().enumerate().for_each(|(at, place)| places[*place] = at);
    let mut right: Vec<_> = files
        .iter_mut()
        .zip(places)
        .filter_map(|((out, flow), place)| Some((place, flow.as_ref()?, out)))
        .collect();
    right.sort_by_key(|(place, ..)| *place);
    let mut reaches = humane::judge(right.into_iter().map(|(_, flow, out)| (flow, out)), world);
    reaches.sort_by(|one, other| one.flow.cmp(&other.flow));
    reaches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loaded_library_is_a_catalogue() {
        let library = Library::builder().prompt("en", "welcome", &[0; 8_000]).build();
        let catalogue: &dyn Catalogue = &library;
        let prompt = catalogue.find("en", "welcome").expect("it is there");
        assert_eq!(catalogue.duration(prompt), Duration::from_secs(1));
        assert_eq!(catalogue.find("zh-CN", "welcome"), None);
        assert_eq!(catalogue.names("en"), ["welcome"]);
    }
}
