//! From a file to a flow: the head, the nodes one by one, then the paths between them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::chart::{Chart, Ways};
use super::flow::{self, Flow, Kind, MAX_NODES, MAX_VARIABLES, NodeId, Step, Variable};
use super::say::Words;
use super::scope::{BUILT_IN, By, Declared, Edge, LANGUAGES, Place, Scope};
use super::{Flows, World, graph, nodes};
use crate::diagnostic::fields::Fields;
use crate::diagnostic::yaml::{self, Key, Node, Value};
use crate::diagnostic::{Findings, Span, suggest};
use crate::ids::FlowId;

/// Words that stand beside variables in `set`, or mean something as a target.
const RESERVED: [&str; 2] = ["next", "repeat"];

/// Reads and checks `out`'s file. What is returned counts only if `out` has no errors.
///
/// With the flows as they were `checked` it is marked (`chart`): its paths are then not checked again, for marks are no
/// nodes.
pub(super) fn flow(out: &mut Findings, world: &World<'_>, checked: Option<&Flows>) -> Option<Flow> {
    let root = yaml::parse(out)?;
    // Nothing is there to point at if a field is missing at the top: the first letter of the file.
    let mut fields = Fields::of(&root, Span::new(root.span.start, root.span.start), "the flow", out)?;
    let id = fields.need("flow").and_then(|node| name(node, out));
    let languages = fields.need("languages").map(|node| languages(node, out));
    let start = fields.need("start");
    let variables = fields.take("vars").map(|node| variables(node, out)).unwrap_or_default();
    let node_list = fields.need("nodes").and_then(|node| out.entries(node, "nodes by their names"));
    fields.finish(out);
    let (languages, node_list) = (languages?, node_list?);

    let words: Vec<Words> = languages.iter().map(|language| Words::of(language, world)).collect();
    let mut scope = Scope {
        out,
        world,
        languages,
        variables,
        places: Vec::new(),
        by_name: BTreeMap::new(),
        edges: Vec::new(),
        here: NodeId::default(),
        ways: if checked.is_some() { Ways::marked(node_list.len().min(MAX_NODES)) } else { Ways::UNMARKED },
    };
    declare(node_list, &mut scope);
    let nodes = read_nodes(node_list, &words, &mut scope);
    let start = start.and_then(|node| start_node(node, &mut scope));
    let steps: Vec<Option<&Step>> = nodes.iter().map(|node| node.as_ref().map(|n| &n.step)).collect();
    if checked.is_none() {
        graph::check(start, &steps, &mut scope);
    }
    for variable in scope.variables.iter().filter(|v| !v.used) {
        let message = format!("the variable `{}` is never used", variable.name);
        scope.out.warning("flow-024", variable.span, message);
    }
    let variables = scope.variables.iter().map(|v| v.kind.map(|kind| Variable { kind }));
    let variables = variables.collect::<Option<Vec<_>>>()?;
    let (id, start) = (id?, start?);
    let mut nodes = nodes.into_iter().collect::<Option<Vec<_>>>()?;
    let chart = Chart::of(&id, &mut nodes, &scope);
    Some(Flow { id, languages: scope.languages, start, nodes, variables, words, chart })
}

/// The flow's name must be the file's.
fn name(node: &Node, out: &mut Findings) -> Option<FlowId> {
    let name = out.text(node, "the flow's name")?;
    let file = out.source().name.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = file.strip_suffix(".yaml").or(file.strip_suffix(".yml")).unwrap_or(file).to_owned();
    if name != stem {
        out.error("flow-002", node.span, format!("the flow is called `{name}`, its file `{stem}`"))
            .label(format!("expected `{stem}`"));
        return None;
    }
    Some(name.into())
}

/// Unknown languages are reported and left out.
fn languages(node: &Node, out: &mut Findings) -> Vec<Arc<str>> {
    let mut list: Vec<Arc<str>> = Vec::new();
    for item in out.items(node, "a list of languages such as [zh-CN, en]").unwrap_or(&[]) {
        let Some(name) = out.text(item, "a language") else { continue };
        if LANGUAGES.contains(&name) {
            if !list.iter().any(|known| **known == *name) {
                list.push(name.into());
            }
            continue;
        }
        let guess = suggest::nearest(name, LANGUAGES);
        let added = out.error("flow-023", item.span, format!("there is no language `{name}`"));
        match guess {
            Some(guess) => added.label(format!("did you mean `{guess}`?")),
            None => added.help("the languages are zh-CN and en"),
        };
    }
    if list.is_empty() && matches!(&node.value, Value::List(items) if items.is_empty()) {
        out.error("flow-023", node.span, "a flow must speak at least one language");
    }
    list
}

fn variables(node: &Node, out: &mut Findings) -> Vec<Declared> {
    let mut list = Vec::new();
    if matches!(node.value, Value::Null) {
        return list;
    }
    for (key, node) in out.entries(node, "variables with their kinds, such as `account: text`").unwrap_or(&[])
    {
        if list.len() == MAX_VARIABLES {
            out.error("yaml-008", key.span, format!("more than {MAX_VARIABLES} variables"));
            break;
        }
        good_name(key, out);
        let reserved = BUILT_IN.contains(&key.text.as_str()) || RESERVED.contains(&key.text.as_str());
        if reserved {
            let message = format!("`{}` has a meaning already and cannot be a variable", key.text);
            out.error("flow-026", key.span, message);
        }
        let kinds = Kind::ALL.map(Kind::name);
        let Some(word) = out.text(node, "a kind such as text") else { continue };
        let kind = Kind::ALL.into_iter().find(|kind| kind.name() == word);
        if kind.is_none() {
            let guess = suggest::nearest(word, kinds);
            let label = guess.map_or_else(
                || format!("expected one of {}", kinds.join(", ")),
                |guess| format!("did you mean `{guess}`?"),
            );
            out.error("flow-010", node.span, format!("there is no kind of variable `{word}`")).label(label);
        }
        let known = kind.is_some() && !reserved;
        list.push(Declared { name: key.text.clone(), kind, span: key.span, used: !known });
    }
    list
}

fn good_name(key: &Key, out: &mut Findings) {
    let good = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    if key.text.is_empty() || !key.text.chars().all(good) {
        out.error("flow-026", key.span, format!("`{}` is not a name", key.text))
            .label("names have letters, digits, `_` and `-`");
    }
}

fn declare(nodes: &[(Key, Node)], scope: &mut Scope<'_>) {
    for (at, (key, _)) in nodes.iter().enumerate() {
        if at == MAX_NODES {
            scope.out.error("yaml-009", key.span, format!("more than {MAX_NODES} nodes in a flow"));
            break;
        }
        good_name(key, scope.out);
        scope.by_name.insert(key.text.clone(), NodeId(at));
        scope.places.push(Place { name: key.text.clone(), span: key.span, open: false });
    }
}

/// `None` for those that have been reported.
fn read_nodes(list: &[(Key, Node)], words: &[Words], scope: &mut Scope<'_>) -> Vec<Option<flow::Node>> {
    let read = list.iter().take(MAX_NODES).enumerate().map(|(at, (key, node))| {
        scope.here = NodeId(at);
        let step = step(key, node, words, scope);
        step.map(|step| flow::Node { name: key.text.as_str().into(), step })
    });
    read.collect()
}

/// One node: its only key is its kind.
fn step(name: &Key, node: &Node, words: &[Words], scope: &mut Scope<'_>) -> Option<Step> {
    let found = match &node.value {
        Value::Map(entries) if entries.len() == 1 => kind(name, &entries[0].0, &entries[0].1, words, scope),
        Value::Map(entries) if entries.len() > 1 => {
            let kinds: Vec<&str> = entries.iter().map(|(key, _)| key.text.as_str()).collect();
            let message = format!("`{}` has more than one kind: {}", name.text, kinds.join(", "));
            scope
                .out
                .error("flow-027", entries[1].0.span, message)
                .label("one node does one thing; is this indented too little?");
            None
        }
        Value::Refused => None,
        _ => {
            kindless(name, node, scope);
            None
        }
    };
    if found.is_none() {
        guess_edges(node, scope);
    }
    found
}

/// A name with nothing below it that says what the node does.
fn kindless(name: &Key, node: &Node, scope: &mut Scope<'_>) {
    let message = format!("`{}` does not say what it does", name.text);
    if let Value::Scalar(scalar) = &node.value
        && let Some((kind, _)) = scalar.text.split_once(':')
        && nodes::KINDS.contains(&kind)
    {
        let added = scope.out.error("flow-027", node.span, message);
        added.label(format!("a space is missing: `{kind}: ...`"));
        return;
    }
    let added = scope.out.error("flow-027", name.span, message);
    if nodes::KINDS.contains(&name.text.as_str()) {
        added.label("a kind of node, indented too little?");
    } else {
        added.help("write `name: { play: { ... } }` or another kind");
    }
}

fn kind(name: &Key, kind: &Key, node: &Node, words: &[Words], scope: &mut Scope<'_>) -> Option<Step> {
    if kind.text == "goto" {
        let next = scope.target(node, By::Itself, "`goto`")?;
        return Some(Step::Goto(next));
    }
    if !nodes::KINDS.contains(&kind.text.as_str()) {
        let guess = suggest::nearest(&kind.text, nodes::KINDS);
        let message = format!("there is no kind of node `{}`", kind.text);
        let added = scope.out.error("flow-001", kind.span, message);
        match guess {
            Some(guess) => added.label(format!("did you mean `{guess}`?")),
            None => added.help(format!("the kinds are: {}", nodes::KINDS.join(", "))),
        };
        return None;
    }
    let what = format!("`{}` of `{}`", kind.text, name.text);
    let mut fields = Fields::of(node, kind.span, what, scope.out)?;
    let step = nodes::read(&kind.text, &mut fields, words, scope);
    fields.finish(scope.out);
    step
}

/// A node that could not be read is taken to lead wherever it names a node, so that one mistake
/// is not followed by "unreachable" for everything behind it.
fn guess_edges(node: &Node, scope: &mut Scope<'_>) {
    match &node.value {
        Value::Scalar(scalar) => {
            if let Some(to) = scope.by_name.get(&scalar.text) {
                scope.edges.push(Edge { from: scope.here, to: *to, by: By::Key, span: node.span });
            }
        }
        Value::List(items) => items.iter().for_each(|item| guess_edges(item, scope)),
        Value::Map(entries) => entries.iter().for_each(|(_, node)| guess_edges(node, scope)),
        Value::Null | Value::Refused => {}
    }
}

fn start_node(node: &Node, scope: &mut Scope<'_>) -> Option<NodeId> {
    let name = scope.out.text(node, "the name of a node")?;
    if let Some(id) = scope.by_name.get(name) {
        return Some(*id);
    }
    let known: Vec<String> = scope.by_name.keys().cloned().collect();
    let message = format!("the flow starts at `{name}`, which does not exist");
    let guess = scope.unknown("flow-004", node.span, message, name, known.iter().map(String::as_str));
    guess.map(|guess| scope.by_name[guess])
}
