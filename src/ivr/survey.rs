//! `survey`: one question for a rating. Silence is an answer too (none), and a wrong key is forgiven once.

use std::time::Duration;

use super::flow::{Ask, Failed, NodeId, Spoken, Step};
use super::input;
use super::nodes::{barge_in, next};
use super::scope::{By, Scope};
use crate::diagnostic::fields::Fields;
use crate::diagnostic::yaml::Node;

/// The scores if the flow does not say: from very dissatisfied to very satisfied.
const SCORES: (u8, u8) = (1, 5);
/// How often the question is put again after a key that is no score.
const RETRIES: u8 = 1;

/// What keys mean in a survey, and where they lead.
#[derive(Debug)]
pub(super) struct Scores {
    /// The keys that are scores, the first and the last.
    pub keys: (u8, u8),
    /// Up to this score the call goes elsewhere.
    pub low: Option<(u8, NodeId)>,
    pub next: NodeId,
}

impl Scores {
    /// The score of a key.
    pub fn of(&self, key: char) -> Option<u8> {
        let score = u8::try_from(key.to_digit(10)?).ok()?;
        (self.keys.0..=self.keys.1).contains(&score).then_some(score)
    }

    /// Where the call goes on.
    pub fn then(&self, score: u8) -> NodeId {
        self.low.filter(|(most, _)| score <= *most).map_or(self.next, |(_, then)| then)
    }
}

pub(super) fn read(fields: &mut Fields<'_>, scope: &mut Scope<'_>) -> Option<Step> {
    let prompts = fields.need("prompts").and_then(|node| scope.prompts(node));
    let keys = fields.take("scores").map_or(Some(SCORES), |node| keys(node, scope));
    let timeout = input::duration("timeout", Duration::from_secs(5), fields, scope);
    let barge_in = barge_in(fields, scope);
    let next = next("next", By::Itself, fields, scope);
    let low = fields.take("on_low").map_or(Some(None), |node| low(node, keys, scope).map(Some));
    let unanswered = match fields.take("on_no_answer") {
        Some(node) => scope.target(node, By::Itself, "`on_no_answer`"),
        None => next,
    };
    let unanswered = unanswered?;
    let on = || Failed { prompts: Spoken::default(), then: unanswered };
    let ask = Ask {
        prompts: prompts?,
        barge_in: barge_in?,
        timeout: timeout?,
        retries: RETRIES,
        on_no_input: on(),
        on_invalid: on(),
    };
    Some(Step::Survey { ask, scores: Scores { keys: keys?, low: low?, next: next? } })
}

/// `1-5`: the keys that are scores.
fn keys(node: &Node, scope: &mut Scope<'_>) -> Option<(u8, u8)> {
    let text = scope.out.text(node, "scores such as 1-5")?;
    let digit = |text: &str| text.parse::<u8>().ok().filter(|digit| *digit <= 9 && text.len() == 1);
    let read = text.split_once('-').and_then(|(first, last)| digit(first).zip(digit(last)));
    let read = read.filter(|(first, last)| first < last);
    if read.is_none() {
        scope
            .out
            .error("flow-096", node.span, format!("`{text}` are no scores"))
            .label("expected two keys, the lower first, such as 1-5");
    }
    read
}

/// `{ up_to: 2, then: why }`.
fn low(node: &Node, keys: Option<(u8, u8)>, scope: &mut Scope<'_>) -> Option<(u8, NodeId)> {
    let mut inner = Fields::of(node, node.span, "`on_low`", scope.out)?;
    let most = inner.need("up_to").and_then(|node| {
        let most = scope.out.integer(node, "a score", 0..=i64::MAX)?;
        let (first, last) = keys?;
        let within = u8::try_from(most).ok().filter(|most| (first..last).contains(most));
        if within.is_none() {
            let message = format!("{most} does not part the scores {first} to {last}");
            scope.out.error("flow-097", node.span, message).label("every caller would go one way");
        }
        within
    });
    let then = match inner.need("then") {
        Some(node) => scope.target(node, By::Key, "`on_low`"),
        None => {
            scope.places[scope.here.0].open = true;
            None
        }
    };
    inner.finish(scope.out);
    most.zip(then)
}
