//! Snippets: fields that many nodes have alike, written once.
//!
//! ```yaml
//! snippets:
//!   failures: { retries: 1, on_no_input: { prompts: noinput, then: agent }, on_invalid: { prompts: invalid, then: agent } }
//! nodes:
//!   choice: { menu: { use: failures, prompts: main, keys: { 9: agent } } }
//! ```
//!
//! They stand in the flow, or in a file beside it that has `snippets` alone. Not YAML's anchors: those end with the file,
//! and are replaced before anybody knows where they stood. Here each field keeps its place, so that a mistake in a snippet
//! is shown in the snippet. What a node writes itself comes before what it uses.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::diagnostic::yaml::{Key, MAX_VALUES, Node, Value};
use crate::diagnostic::{Findings, Source, Span, suggest};
use crate::grammar::flow::{USE, WITHOUT_SNIPPETS};

/// Where they stand.
const SNIPPETS: &str = "snippets";

/// A file of snippets and no flow.
pub(super) fn is_shared(root: &Node) -> bool {
    field(root, SNIPPETS).is_some() && field(root, "flow").is_none()
}

fn field<'t>(node: &'t Node, name: &str) -> Option<&'t Node> {
    match &node.value {
        Value::Map(entries) => entries.iter().find(|(key, _)| key.text == name).map(|(_, node)| node),
        _ => None,
    }
}

/// The snippets of all files that have nothing else.
#[derive(Default)]
pub(super) struct Shared {
    files: Vec<Arc<Source>>,
    /// With the file each stands in.
    list: Vec<(usize, Key, Node)>,
}

impl Shared {
    /// Reports what is wrong in the files of snippets themselves.
    pub fn of(files: &mut [(Findings, Option<Node>)]) -> Shared {
        let mut shared = Shared::default();
        for (out, root) in files {
            let Some(root) = root.as_ref().filter(|root| is_shared(root)) else { continue };
            let Value::Map(entries) = &root.value else { continue };
            for (key, _) in entries.iter().filter(|(key, _)| key.text != SNIPPETS) {
                let message = format!("a file of snippets has nothing else, and here is `{}`", key.text);
                let added = out.error("yaml-014", key.span, message);
                added.help("a flow begins with `flow: NAME`, and may have snippets of its own");
            }
            let file = shared.files.len();
            shared.files.push(out.source().clone());
            for (key, node) in read(root, out) {
                if shared.list.iter().any(|(_, known, _)| known.text == key.text) {
                    let message = format!("the snippet `{}` is there already, in another file", key.text);
                    out.error("yaml-014", key.span, message);
                    continue;
                }
                shared.list.push((file, key, node));
            }
        }
        shared
    }

    /// Puts snippets in the place of every `use` of a flow, and takes the flow's own off it.
    pub fn put_into(&self, root: &mut Node, out: &mut Findings) {
        if is_shared(root) {
            return;
        }
        let mut known = BTreeMap::new();
        for (key, node) in read(root, out) {
            known.insert(key.text, (key.span, node));
        }
        let begins = if self.files.is_empty() { Vec::new() } else { out.take_from(&self.files) };
        for (file, key, node) in &self.list {
            let mut moved = (key.span, node.clone());
            shift(&mut moved.0, begins[*file]);
            shift_all(&mut moved.1, begins[*file]);
            if let Some((own, _)) = known.get(&key.text) {
                let message = format!("the snippet `{}` is there already, beside the flow", key.text);
                out.error("yaml-014", *own, message).see(moved.0, "the other one");
                continue;
            }
            known.insert(key.text.clone(), moved);
        }
        let Value::Map(entries) = &mut root.value else { return };
        entries.retain(|(key, _)| key.text != SNIPPETS);
        let nodes =
            entries.iter_mut().find(|(key, _)| key.text == "nodes").map(|(_, nodes)| &mut nodes.value);
        let Some(Value::Map(nodes)) = nodes else { return };
        let mut putting = Putting { known: &known, out, inside: Vec::new(), put: 0 };
        for (_, node) in nodes {
            // A node's one field is its kind; a node may well be called `use`.
            if let Value::Map(kinds) = &mut node.value {
                let kinds =
                    kinds.iter_mut().filter(|(kind, _)| !WITHOUT_SNIPPETS.contains(&kind.text.as_str()));
                kinds.for_each(|(_, fields)| putting.put(fields));
            }
        }
    }
}

/// The snippets that a file declares.
fn read(root: &Node, out: &mut Findings) -> Vec<(Key, Node)> {
    let Some(list) = field(root, SNIPPETS) else { return Vec::new() };
    let mut all = Vec::new();
    for (key, node) in out.entries(list, "snippets by their names").unwrap_or(&[]) {
        all.push((key.clone(), node.clone()));
        if !matches!(node.value, Value::Map(_)) && !matches!(node.value, Value::Refused) {
            let message = format!("the snippet `{}` has no fields", key.text);
            out.error("yaml-014", node.span, message).label("expected fields, such as `retries: 1`");
        }
    }
    all
}

/// In the place of what could not be put: nobody complains about what it may have brought.
fn refused(span: Span) -> (Key, Node) {
    (Key { span, text: USE.to_owned() }, Node { span, value: Value::Refused })
}

fn shift(span: &mut Span, by: usize) {
    *span = Span::new(span.start + by, span.end + by);
}

fn shift_all(node: &mut Node, by: usize) {
    shift(&mut node.span, by);
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(|item| shift_all(item, by)),
        Value::Map(entries) => {
            for (key, node) in entries {
                shift(&mut key.span, by);
                shift_all(node, by);
            }
        }
        Value::Scalar(_) | Value::Null | Value::Refused => {}
    }
}

/// How many values a node is made of, itself among them.
fn values(node: &Node) -> usize {
    1 + match &node.value {
        Value::List(items) => items.iter().map(values).sum::<usize>(),
        Value::Map(entries) => entries.iter().map(|(_, node)| values(node)).sum(),
        Value::Scalar(_) | Value::Null | Value::Refused => 0,
    }
}

struct Putting<'p> {
    known: &'p BTreeMap<String, (Span, Node)>,
    out: &'p mut Findings,
    /// Snippets being put in each other now.
    inside: Vec<String>,
    /// Values put so far.
    put: usize,
}

impl Putting<'_> {
    fn put(&mut self, node: &mut Node) {
        match &mut node.value {
            Value::List(items) => items.iter_mut().for_each(|item| self.put(item)),
            Value::Map(entries) => {
                let used = entries.iter().position(|(key, _)| key.text == USE).map(|at| entries.remove(at).1);
                for (key, node) in entries.iter_mut() {
                    if !WITHOUT_SNIPPETS.contains(&key.text.as_str()) {
                        self.put(node);
                    }
                }
                if let Some(used) = used {
                    self.add(&used, entries);
                }
            }
            Value::Scalar(_) | Value::Null | Value::Refused => {}
        }
    }

    /// Counts what is about to be put; `false`, reported the first time, when it is too much.
    fn has_room_for(&mut self, values: usize, at: Span) -> bool {
        let fitted = self.put <= MAX_VALUES;
        self.put = self.put.saturating_add(values);
        let fits = self.put <= MAX_VALUES;
        if fitted && !fits {
            let message = format!("snippets put more than {MAX_VALUES} values into this flow");
            self.out.error("yaml-009", at, message);
        }
        fits
    }

    /// Adds the fields of the snippets that `used` names, as far as they are not there yet.
    fn add(&mut self, used: &Node, entries: &mut Vec<(Key, Node)>) {
        if self.put > MAX_VALUES {
            return;
        }
        for item in self.out.items(used, "the name of a snippet").unwrap_or(&[]) {
            let Some(name) = self.out.text(item, "the name of a snippet") else { continue };
            let Some((_, snippet)) = self.known.get(name) else {
                let guess = suggest::nearest(name, self.known.keys().map(String::as_str));
                let added = self.out.error("yaml-012", item.span, format!("there is no snippet `{name}`"));
                if let Some(guess) = guess {
                    added.label(format!("did you mean `{guess}`?"));
                }
                entries.push(refused(item.span));
                continue;
            };
            if let Some(first) = self.inside.iter().position(|outer| outer == name) {
                let way = [&self.inside[first..], &[name.to_owned()]].concat().join(", ");
                self.out.error("yaml-013", item.span, format!("snippets use each other in a circle: {way}"));
                entries.push(refused(item.span));
                continue;
            }
            // All that stands in it, and before it is copied: a long list is one field, and each copy costs its length.
            if !self.has_room_for(values(snippet), item.span) {
                return;
            }
            let mut snippet = snippet.clone();
            self.inside.push(name.to_owned());
            self.put(&mut snippet);
            self.inside.pop();
            let Value::Map(fields) = snippet.value else {
                // That it has no fields has been said where it stands.
                entries.push(refused(item.span));
                continue;
            };
            for (key, node) in fields {
                if !entries.iter().any(|(known, _)| known.text == key.text) {
                    entries.push((key, node));
                }
            }
        }
    }
}
