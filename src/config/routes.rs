//! Numbers, queues and trunks.

use std::collections::BTreeMap;
use std::time::Duration;

use super::people::{Found, levels};
use super::{Number, Queue, Trunk, places};
use crate::diagnostic::fields::Fields;
use crate::diagnostic::yaml::{Key, Node, Value};
use crate::diagnostic::{Findings, suggest};
use crate::ids::{AgentId, FlowId, QueueId};

/// Languages of the flows and prompts.
const LANGUAGES: [&str; 2] = ["zh-CN", "en"];
/// The longest any time of a queue makes sense.
const HOUR: Duration = Duration::from_secs(3_600);
/// Most networks of a trunk.
const MAX_SOURCES: usize = 256;

/// `flows` are the names of those that exist; without them nothing is said about flows.
pub(super) fn numbers(node: &Node, flows: Option<&[String]>, out: &mut Findings) -> BTreeMap<String, Number> {
    let mut all = BTreeMap::new();
    for (key, node) in out.entries(node, "numbers with their flows").unwrap_or(&[]) {
        places::number(&key.text, key.span, out);
        if let Some(number) = number(key, node, flows, out) {
            all.insert(key.text.clone(), number);
        }
    }
    all
}

fn number(key: &Key, node: &Node, flows: Option<&[String]>, out: &mut Findings) -> Option<Number> {
    let mut fields = Fields::of(node, key.span, format!("number `{}`", key.text), out)?;
    let flow = fields.need("flow").and_then(|node| flow(node, flows, out));
    let language = match fields.take("language") {
        Some(node) => out.text(node, "a language").and_then(|text| {
            if LANGUAGES.contains(&text) {
                return Some(text.to_owned());
            }
            let label = suggest::nearest(text, LANGUAGES)
                .map_or("the languages are zh-CN and en".to_owned(), |guess| {
                    format!("did you mean `{guess}`?")
                });
            out.error("flow-023", node.span, format!("there is no language `{text}`")).label(label);
            None
        }),
        None => Some(LANGUAGES[0].to_owned()),
    };
    fields.finish(out);
    // With an error the configuration is refused; until then the number exists, so that trunks may name it.
    Some(Number {
        flow: flow.unwrap_or_else(|| "".into()),
        language: language.unwrap_or_else(|| LANGUAGES[0].to_owned()),
    })
}

/// The name of a flow; one that does not exist is reported.
fn flow(node: &Node, flows: Option<&[String]>, out: &mut Findings) -> Option<FlowId> {
    let name = out.text(node, "the name of a flow")?;
    if let Some(flows) = flows.filter(|flows| !flows.iter().any(|flow| flow == name)) {
        let guess = suggest::nearest(name, flows.iter().map(String::as_str));
        let added = out.error("config-003", node.span, format!("there is no flow `{name}`"));
        match guess {
            Some(guess) => added.label(format!("did you mean `{guess}`?")),
            None => added.label(format!("expected a file `{name}.yaml` in the folder of flows")),
        };
    }
    Some(name.into())
}

pub(super) fn queues(
    node: &Node,
    flows: Option<&[String]>,
    agents: &BTreeMap<AgentId, Found>,
    out: &mut Findings,
) -> BTreeMap<QueueId, Queue> {
    let mut all = BTreeMap::new();
    for (key, node) in out.entries(node, "queues by their names").unwrap_or(&[]) {
        if let Some(queue) = queue(key, node, flows, agents, out) {
            all.insert(key.text.as_str().into(), queue);
        }
    }
    all
}

fn queue(
    key: &Key,
    node: &Node,
    flows: Option<&[String]>,
    agents: &BTreeMap<AgentId, Found>,
    out: &mut Findings,
) -> Option<Queue> {
    let usual = Queue::default();
    let mut fields = Fields::of(node, key.span, format!("queue `{}`", key.text), out)?;
    let requires = fields.need("requires").map(|node| {
        let requires = levels(node, out);
        nobody_able(node, agents, out);
        requires
    });
    let priority = match fields.take("priority") {
        Some(node) => out.integer(node, "a priority", 0..=100).and_then(|p| u8::try_from(p).ok()),
        None => Some(usual.priority),
    };
    let mut time = |name, usual, least, out: &mut Findings| match fields.take(name) {
        Some(node) => out.duration(node, least..=HOUR),
        None => Some(usual),
    };
    let second = Duration::from_secs(1);
    let ring_timeout = time("ring_timeout", usual.ring_timeout, second, out);
    let wrap_up = time("wrap_up", usual.wrap_up, Duration::ZERO, out);
    let comfort_every = time("comfort_every", usual.comfort_every, second * 5, out);
    let max_wait = match fields.take("max_wait") {
        Some(node) => out.duration(node, second..=HOUR * 24).map(Some),
        None => Some(None),
    };
    let music = match fields.take("music") {
        Some(node) => out.text(node, "the name of a prompt").map(str::to_owned),
        None => Some(usual.music),
    };
    let comfort = match fields.take("comfort") {
        Some(node) => out
            .text(node, "the name of a prompt, or none")
            .map(|text| (text != "none").then(|| text.to_owned())),
        None => Some(usual.comfort),
    };
    let survey = fields.take("survey").map_or(Some(None), |node| flow(node, flows, out).map(Some));
    let max_waiting = match fields.take("max_waiting") {
        Some(node) => {
            out.integer(node, "the number of callers", 1..=100_000).and_then(|n| usize::try_from(n).ok())
        }
        None => Some(usual.max_waiting),
    };
    fields.finish(out);
    Some(Queue {
        requires: requires?,
        priority: priority?,
        ring_timeout: ring_timeout?,
        wrap_up: wrap_up?,
        music: music?,
        comfort: comfort?,
        comfort_every: comfort_every?,
        max_wait: max_wait?,
        survey: survey?,
        max_waiting: max_waiting?,
    })
}

/// Warns at the first skill, or level of it, that nobody has.
fn nobody_able(node: &Node, agents: &BTreeMap<AgentId, Found>, out: &mut Findings) {
    let Value::Map(entries) = &node.value else { return };
    for (key, level) in entries {
        let has: Vec<u8> =
            agents.values().filter_map(|a| a.agent.skills.get(&key.text.as_str().into()).copied()).collect();
        let needs = match &level.value {
            Value::Scalar(scalar) => scalar.text.parse::<u8>().unwrap_or(1),
            _ => 1,
        };
        let most = has.iter().max().copied();
        if most.is_some_and(|most| most >= needs) {
            continue;
        }
        let mut known: Vec<&str> =
            agents.values().flat_map(|a| a.agent.skills.keys().map(|skill| skill.as_str())).collect();
        known.sort_unstable();
        let guess = suggest::nearest(&key.text, known).map(str::to_owned);
        let added = out.warning(
            "config-004",
            key.span,
            format!("no agent has the skill `{}` at level {needs}", key.text),
        );
        match (most, guess) {
            (Some(most), _) => added.label(format!("the best has level {most}")),
            (None, Some(guess)) => added.label(format!("did you mean `{guess}`?")),
            (None, None) => added.label("callers would wait for nobody"),
        };
    }
}

/// `may_share`: there are ports that trunks can share.
pub(super) fn trunks(
    node: &Node,
    numbers: &BTreeMap<String, Number>,
    may_share: bool,
    out: &mut Findings,
) -> Vec<Trunk> {
    let Some(items) = out.items(node, "a list of trunks") else { return Vec::new() };
    items.iter().filter_map(|item| trunk(item, numbers, may_share, out)).collect()
}

fn trunk(
    node: &Node,
    numbers: &BTreeMap<String, Number>,
    may_share: bool,
    out: &mut Findings,
) -> Option<Trunk> {
    let mut fields = Fields::of(node, node.span, "a trunk", out)?;
    let name = fields.need("name").and_then(|node| out.text(node, "a name").map(str::to_owned));
    let sources = fields.need("sources").and_then(|node| {
        let items = out.items(node, "networks such as 192.0.2.0/24")?;
        if items.is_empty() || items.len() > MAX_SOURCES {
            out.error("yaml-008", node.span, format!("a trunk has from 1 to {MAX_SOURCES} networks"));
        }
        let all: Vec<_> = items.iter().map(|item| places::network(item, out)).collect();
        all.into_iter().collect::<Option<Vec<_>>>()
    });
    let reached = fields.need("numbers").and_then(|node| {
        let mut all = Vec::new();
        for item in out.items(node, "a list of the bank's numbers")? {
            let Some(text) = out.text(item, "a number") else { continue };
            if !numbers.contains_key(text) {
                let guess = suggest::nearest(text, numbers.keys().map(String::as_str));
                let added =
                    out.error("config-006", item.span, format!("`{text}` is not one of the bank's numbers"));
                if let Some(guess) = guess {
                    added.label(format!("did you mean `{guess}`?"));
                }
            }
            all.push(text.to_owned());
        }
        Some(all)
    });
    let shared_sockets = match fields.take("shared_sockets") {
        Some(node) => {
            let shared = out.truth(node);
            if shared == Some(true) && !may_share {
                out.error("config-005", node.span, "there are no ports to share")
                    .label("say which by `trunk_port` under `media`");
            }
            shared
        }
        None => Some(false),
    };
    fields.finish(out);
    let (name, sources, numbers) = (name?, sources?, reached?);
    Some(Trunk { name, sources, numbers, shared_sockets: shared_sockets? })
}
