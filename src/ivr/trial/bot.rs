//! Stand-ins for bots: how a conversation ends for a flow on trial.
//!
//! ```yaml
//! mocks:
//!   - { bot: assistant, result: { intent: loss }, transfer: true, after: 20s }
//!   - { bot: assistant, failure: timeout, times: 1 }
//!   - { bot: assistant }                                # it closes without a result
//! ```

use std::time::Duration;

use super::Stage;
use super::mock::{LONGEST, json, times};
use crate::diagnostic::fields::Fields;
use crate::diagnostic::yaml::{Node, Value};
use crate::diagnostic::{Findings, Span, suggest};
use crate::ivr::bot::{BotEnd, BotFailure, BotRequest, BotResult};

/// How long a bot talks, if a test does not say.
const AFTER: Duration = Duration::from_secs(10);

/// One stand-in.
#[derive(Clone, Debug)]
pub struct BotMock {
    bot: String,
    pub(super) end: BotEnd,
    pub(super) after: Duration,
    /// Left out: always.
    times: Option<usize>,
}

impl BotMock {
    pub(super) fn fits(&self, request: &BotRequest, talked: usize) -> bool {
        self.bot == *request.bot && self.times.is_none_or(|times| talked < times)
    }
}

/// `item` has the field `bot`.
pub(super) fn read(item: &Node, out: &mut Findings, stage: &Stage<'_>) -> Option<BotMock> {
    let mut fields = Fields::of(item, Span::new(item.span.start, item.span.start), "a mock", out)?;
    let bot = fields.need("bot").and_then(|node| bot(node, out, stage));
    let end = end(&mut fields, out);
    let after = match fields.take("after") {
        Some(node) => out.duration(node, Duration::ZERO..=LONGEST),
        None => Some(AFTER),
    };
    let times = times(&mut fields, out);
    fields.finish(out);
    Some(BotMock { bot: bot?, end: end?, after: after?, times: times? })
}

fn bot(node: &Node, out: &mut Findings, stage: &Stage<'_>) -> Option<String> {
    let name = out.text(node, "the name of a bot")?;
    let bots = &stage.world.bots;
    if bots.contains(name) {
        return Some(name.to_owned());
    }
    let guess = suggest::nearest(name, bots.iter().map(String::as_str));
    let added = out.error("flow-123", node.span, format!("`{name}` is not a bot of the configuration"));
    if let Some(guess) = guess {
        added.label(format!("did you mean `{guess}`?"));
    }
    None
}

fn end(fields: &mut Fields<'_>, out: &mut Findings) -> Option<BotEnd> {
    let (result, failure) = (fields.take("result"), fields.take("failure"));
    let person = fields.take("transfer").map_or(Some(false), |node| out.truth(node))?;
    match (result, failure) {
        (Some(_), Some(node)) => {
            out.error("flow-124", node.span, "a bot that fails has no result");
            None
        }
        (None, Some(node)) if person => {
            out.error("flow-124", node.span, "a bot that fails hands nobody over");
            None
        }
        (None, Some(node)) => failure_of(node, out).map(BotEnd::Failed),
        (None, None) if !person => Some(BotEnd::Closed),
        (result, None) => {
            if let Some(node) = result.filter(|node| !matches!(node.value, Value::Map(_))) {
                out.error("flow-124", node.span, "the result of a bot is a map of slots with values");
                return None;
            }
            let slots = result.map_or_else(|| "{}".to_owned(), |node| json(node).to_string());
            Some(BotEnd::Result(Box::new(BotResult { slots, transcript: Vec::new(), person })))
        }
    }
}

fn failure_of(node: &Node, out: &mut Findings) -> Option<BotFailure> {
    let word = out.text(node, "a failure")?;
    let found = BotFailure::ALL.into_iter().find(|failure| failure.word() == word);
    if found.is_none() {
        let words = BotFailure::ALL.map(BotFailure::word);
        let label = suggest::nearest(word, words)
            .map_or(format!("expected {}", words.join(", ")), |guess| format!("did you mean `{guess}`?"));
        out.error("flow-124", node.span, format!("no bot fails by `{word}`")).label(label);
    }
    found
}
