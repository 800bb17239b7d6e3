//! From a file to a flow: the head, the nodes one by one, then the paths between them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::chart::{Chart, Ways};
use super::flow::{self, Flow, Kind, MAX_NODES, MAX_VARIABLES, NodeId, Operand, Step, Variable};
use super::humane::Rules;
use super::say::Words;
use super::scope::{BUILT_IN, By, Declared, Edge, LANGUAGES, Place, Scope};
use super::subflow::{Callees, Outcome, Slot};
use super::{Flows, World, assisted, digits, graph, nodes};
use crate::config::Constant;
use crate::diagnostic::fields::Fields;
use crate::diagnostic::yaml::{Key, Node, Value};
use crate::diagnostic::{Findings, Span, suggest};
use crate::ids::FlowId;

/// Words that stand beside variables in `set`, or mean something as a target.
const RESERVED: [&str; 2] = ["next", "repeat"];

/// Reads and checks `out`'s file, parsed to `root`. What is returned counts only if `out` has no errors.
///
/// With the flows as they were `checked` it is marked (`chart`): its paths are then not checked again, for marks are no
/// nodes.
pub(super) fn flow(
    root: &Node,
    out: &mut Findings,
    world: &World<'_>,
    callees: &Callees,
    checked: Option<&Flows>,
) -> Option<Flow> {
    // Nothing is there to point at if a field is missing at the top: the first letter of the file.
    let mut fields = Fields::of(root, Span::new(root.span.start, root.span.start), "the flow", out)?;
    let named = fields.need("flow");
    let id = named.and_then(|node| name(node, out));
    let languages = fields.need("languages").map(|node| languages(node, out));
    let start = fields.need("start");
    let head = Head::read(&mut fields, world, out);
    let humane = fields.take("humane");
    let node_list = fields.need("nodes").and_then(|node| out.entries(node, "nodes by their names"));
    fields.finish(out);
    let (languages, node_list) = (languages?, node_list?);

    let words: Vec<Words> = languages.iter().map(|language| Words::of(language, world)).collect();
    let ways = if checked.is_some() { Ways::marked(node_list.len().min(MAX_NODES)) } else { Ways::UNMARKED };
    let parameters = head.parameters;
    let mut scope = opened(out, world, callees, id.as_ref(), languages, head, ways);
    declare(node_list, &mut scope);
    let named = named.map(|node| node.span);
    let rules = Rules::read(humane, named.unwrap_or_default(), &mut scope);
    let nodes = read_nodes(node_list, &words, &mut scope);
    let start = start.and_then(|node| start_node(node, &mut scope));
    let steps: Vec<Option<&Step>> = nodes.iter().map(|node| node.as_ref().map(|n| &n.step)).collect();
    if checked.is_none() {
        graph::check(start, &steps, parameters, &mut scope);
    }
    unused(parameters, &mut scope);
    let named = named?;
    let (id, start, variables) = (id?, start?, kinds(&scope)?);
    let mut nodes = nodes.into_iter().collect::<Option<Vec<_>>>()?;
    let slot = |v: &Declared| v.kind.map(|kind| Slot { name: v.name.clone(), kind });
    // All kinds are known: the variables have been made of them.
    let taken = scope.variables[..parameters].iter().filter_map(slot).collect();
    let steps: Vec<&Step> = nodes.iter().map(|node| &node.step).collect();
    let outcome = Outcome::of(start, &steps, &scope.edges);
    only_called(&id, parameters, outcome, named, &mut scope);
    assisted::check(&id, named, outcome, &steps, &mut scope);
    if scope.out.errors() > 0 {
        return None;
    }
    let numbers = match checked {
        Some(flows) => flows.get(&id).map(|flow| flow.numbers.clone())?,
        None => digits::check(start, &steps, parameters, &mut scope)?,
    };
    assisted::hush(&mut nodes, &scope.edges, &variables);
    let chart = Chart::of(&id, &mut nodes, &scope);
    let (languages, results) = (scope.languages, scope.results);
    Some(Flow {
        id,
        languages,
        start,
        nodes,
        variables,
        words,
        parameters: taken,
        results,
        outcome,
        rules,
        numbers,
        chart,
    })
}

/// `None` if one has no kind, which has been reported.
fn kinds(scope: &Scope<'_>) -> Option<Vec<Variable>> {
    scope.variables.iter().map(|v| v.kind.map(|kind| Variable { kind })).collect()
}

/// What is known of names before the nodes are read.
fn opened<'a>(
    out: &'a mut Findings,
    world: &'a World<'a>,
    callees: &'a Callees,
    id: Option<&FlowId>,
    languages: Vec<Arc<str>>,
    head: Head,
    ways: Ways,
) -> Scope<'a> {
    Scope {
        out,
        world,
        callees,
        flow: id.map(FlowId::to_string).unwrap_or_default(),
        languages,
        results: head.results,
        constants: head.constants,
        variables: head.variables,
        places: Vec::new(),
        by_name: BTreeMap::new(),
        edges: Vec::new(),
        uses: Vec::new(),
        here: NodeId::default(),
        ways,
    }
}

/// What a flow says of itself before its nodes, apart from its languages.
struct Head {
    /// Parameters first.
    variables: Vec<Declared>,
    /// How many of the variables are parameters.
    parameters: usize,
    results: Vec<Slot>,
    constants: Vec<(Declared, Operand)>,
}

impl Head {
    fn read(fields: &mut Fields<'_>, world: &World<'_>, out: &mut Findings) -> Head {
        // They have been put where they are used; who misspells the word is told it.
        _ = fields.take("snippets");
        let constants = fields.take("constants").map(|node| variables(node, Vec::new(), out));
        let constants = constants.unwrap_or_default();
        let constants: Vec<_> =
            constants.into_iter().map(|declared| constant(declared, world, out)).collect();
        let mut list = Vec::new();
        if let Some(node) = fields.take("parameters") {
            list = variables(node, list, out);
        }
        let parameters = list.len();
        if let Some(node) = fields.take("vars") {
            list = variables(node, list, out);
        }
        for variable in &mut list {
            if let Some((constant, _)) = constants.iter().find(|(constant, _)| constant.name == variable.name)
            {
                taken(variable, constant.span, out);
                variable.used = true;
            }
        }
        let results = fields.take("results").map(|node| results(node, out)).unwrap_or_default();
        Head { variables: list, parameters, results, constants }
    }
}

fn taken(declared: &Declared, first: Span, out: &mut Findings) {
    let message = format!("`{}` is declared already", declared.name);
    out.error("flow-026", declared.span, message).see(first, "here");
}

fn results(node: &Node, out: &mut Findings) -> Vec<Slot> {
    let list = variables(node, Vec::new(), out);
    for result in list.iter().filter(|result| result.kind == Some(Kind::Secret)) {
        let message = format!("the result `{}` cannot be a secret", result.name);
        out.error("flow-019", result.span, message).label("secrets go into a flow, never out of it");
    }
    let open = list.into_iter().filter(|result| result.kind != Some(Kind::Secret));
    open.filter_map(|v| v.kind.map(|kind| Slot { name: v.name, kind })).collect()
}

/// The constant's value in this environment. Of a wrong one nothing more is said where it is used.
fn constant(mut declared: Declared, world: &World<'_>, out: &mut Findings) -> (Declared, Operand) {
    let (is, value) = match world.constants.get(&declared.name) {
        Some(Constant::Text(text)) => (Kind::Text, Operand::Text(text.as_str().into())),
        Some(Constant::Number(number)) => (Kind::Number, Operand::Number(*number)),
        None => {
            let guess = suggest::nearest(&declared.name, world.constants.keys().map(String::as_str));
            let message = format!("the configuration has no constant `{}`", declared.name);
            let added = out.error("flow-063", declared.span, message);
            match guess {
                Some(guess) => added.label(format!("did you mean `{guess}`?")),
                None => added.help("constants stand under `constants` in the configuration file"),
            };
            declared.used = true;
            return (declared, Operand::Text("".into()));
        }
    };
    if let Some(kind) = declared.kind.filter(|kind| *kind != is) {
        let message = format!("the constant `{}` is {is} in the configuration", declared.name);
        out.error("flow-063", declared.span, message).label(format!("declared as {}", kind.name()));
        (declared.kind, declared.used) = (Some(is), true);
    }
    (declared, value)
}

/// What is declared and used nowhere.
fn unused(parameters: usize, scope: &mut Scope<'_>) {
    let kind = |place: usize| if place < parameters { "parameter" } else { "variable" };
    let variables = scope.variables.iter().enumerate().map(|(place, declared)| (kind(place), declared));
    let constants = scope.constants.iter().map(|(declared, _)| ("constant", declared));
    for (what, declared) in variables.chain(constants).filter(|(_, declared)| !declared.used) {
        let message = format!("the {what} `{}` is never used", declared.name);
        scope.out.warning("flow-024", declared.span, message);
    }
}

/// A flow that takes parameters or returns cannot be where a call begins.
fn only_called(id: &FlowId, parameters: usize, outcome: Outcome, name: Span, scope: &mut Scope<'_>) {
    let why = match outcome.returns {
        _ if parameters > 0 => "it takes parameters",
        Some(_) => "it returns",
        None => return,
    };
    let leads = match () {
        () if scope.world.entries.contains(id) => "number",
        () if scope.world.surveys.contains(id) => "survey of a queue",
        () => return,
    };
    scope
        .out
        .error("flow-069", name, format!("a {leads} leads to `{id}`, which only flows can call"))
        .label(why)
        .help(format!("let the {leads} lead to a flow that calls this one"));
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

/// Adds to `list`; a name that it has already is a mistake.
fn variables(node: &Node, mut list: Vec<Declared>, out: &mut Findings) -> Vec<Declared> {
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
        let declared = Declared { name: key.text.clone(), kind, span: key.span, used: !known };
        if let Some(first) = list.iter().find(|first| first.name == declared.name) {
            taken(&declared, first.span, out);
            continue;
        }
        // A variable of an unknown kind is reported once, not again at every use.
        list.push(declared);
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
        step.map(|step| flow::Node { name: key.text.as_str().into(), step, quiet: false, returns: false })
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
