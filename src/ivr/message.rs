//! `record`: the caller leaves a message after the tone.

use std::sync::Arc;
use std::time::Duration;

use super::event;
use super::flow::{NodeId, Spoken, Step};
use super::nodes::{next, optional_prompts};
use super::scope::{By, Scope};
use crate::diagnostic::fields::Fields;
use crate::diagnostic::yaml::Node;
use crate::media::prompts::PromptId;

/// The tone that says: speak now. The same in every language.
pub(super) const TONE: &str = "music/beep";
/// How long a message may be allowed to be: nobody listens to a longer one, and under a second nothing is said.
const LONGEST: std::ops::RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(300);
/// Longest message if the flow does not say.
const LONGEST_USUAL: Duration = Duration::from_secs(60);
/// What a message may have to last at least to be one.
const SHORTEST: std::ops::RangeInclusive<Duration> = Duration::from_millis(500)..=Duration::from_secs(10);
/// A shorter one is none, if the flow does not say.
const SHORTEST_USUAL: Duration = Duration::from_secs(1);

/// What a `record` node does.
#[derive(Debug)]
pub(super) struct Message {
    /// What the bank calls messages like this one.
    pub name: Arc<str>,
    /// Said before the tone.
    pub prompts: Spoken,
    pub tone: PromptId,
    /// A shorter one counts as none.
    pub min: Duration,
    pub max: Duration,
    /// The key that ends it; every other one means nothing.
    pub end: Option<char>,
    pub next: NodeId,
    pub on_short: NodeId,
    /// It cannot be recorded.
    pub on_failed: NodeId,
}

pub(super) fn read(fields: &mut Fields<'_>, scope: &mut Scope<'_>) -> Option<Step> {
    let name_node = fields.need("name");
    let name = name_node.and_then(|node| event::word(node, "the message's name", scope));
    let prompts = optional_prompts("prompts", fields, scope);
    let min_node = fields.take("min");
    let min = min_node.map_or(Some(SHORTEST_USUAL), |node| scope.out.duration(node, SHORTEST));
    let max_node = fields.take("max");
    let max = max_node.map_or(Some(LONGEST_USUAL), |node| scope.out.duration(node, LONGEST));
    let end = end(fields, scope);
    let next = next("next", By::Itself, fields, scope);
    // Only who presses the key at once is too short.
    let on_short = super::nodes::next("on_short", By::Key, fields, scope);
    let on_failed = super::nodes::next("on_failed", By::Itself, fields, scope);
    let tone = tone(name_node.map_or(fields.place(""), |node| node.span), scope);
    let (min, max) = (min?, max?);
    if min >= max {
        let span = min_node.or(max_node).map_or(fields.place(""), |node| node.span);
        let added = scope.out.error("flow-093", span, "no message can be as long as it must be");
        added.label("the shortest must be shorter than the longest");
        if let Some(max) = max_node.filter(|_| min_node.is_some()) {
            added.see(max.span, "the longest");
        }
        return None;
    }
    Some(Step::Record(Box::new(Message {
        name: name?.into(),
        prompts: prompts?,
        tone: tone?,
        min,
        max,
        end: end?,
        next: next?,
        on_short: on_short?,
        on_failed: on_failed?,
    })))
}

fn tone(span: crate::diagnostic::Span, scope: &mut Scope<'_>) -> Option<PromptId> {
    let language = scope.languages.first()?.clone();
    let found = scope.world.catalogue.find(&language, TONE);
    if found.is_none() {
        scope
            .out
            .error("flow-094", span, format!("the tone before messages is missing: `{TONE}`"))
            .label("callers would not know when to speak")
            .help("put a file `beep.wav` into the folder `music` of the prompts");
    }
    found
}

/// The outer `None` only after a report. Default `#`; `none` for messages that end by their length or a hang-up alone.
fn end(fields: &mut Fields<'_>, scope: &mut Scope<'_>) -> Option<Option<char>> {
    let Some(node): Option<&Node> = fields.take("end") else { return Some(Some('#')) };
    match scope.out.text(node, "a key, or `none`")? {
        "none" => Some(None),
        "#" => Some(Some('#')),
        "*" => Some(Some('*')),
        other => {
            let message = format!("`{other}` cannot end a message");
            scope.out.error("flow-095", node.span, message).label("expected \"#\", \"*\" or none");
            None
        }
    }
}
