//! What callers in a queue hear and may press until somebody answers.
//!
//! ```yaml
//! queue:
//!   ...
//!   music: music/hold | none                  # left out: the queue's own
//!   comfort: { prompts: [comfort, antifraud], every: 30s } | none   # one after the other; left out: the queue's own
//!   tell: { position: true, estimate: true, every: 60s }
//!   keys: { "*": node }                       # leave the queue
//!   offer: { prompts, after: 60s, estimate: 120s, keys: { 1: node }, stay: 2 }
//!   agent_id: true                            # who has picked up is announced
//! ```
//!
//! What is said of places and agents is put together of recorded words with fixed names, as numbers are.

use std::time::Duration;

use super::flow::{Keys, Spoken, key_index};
use super::input;
use super::say::{self, Manner, Words};
use super::scope::{By, Scope};
use crate::diagnostic::Span;
use crate::diagnostic::fields::Fields;
use crate::diagnostic::yaml::{Node, Value};
use crate::media::prompts::PromptId;

/// How often something is said again: more often nobody hears the music, less often they think the line is dead.
const INTERVALS: std::ops::RangeInclusive<Duration> = Duration::from_secs(10)..=Duration::from_secs(600);
/// Of the wait that an offer is made after, and of the one that is still to come.
const WAITS: std::ops::RangeInclusive<Duration> = Duration::from_secs(10)..=Duration::from_secs(3_600);

#[derive(Debug)]
pub(super) struct Meanwhile {
    pub music: Music,
    pub comfort: Comfort,
    pub tell: Option<Tell>,
    /// They leave the queue, at any time.
    pub keys: Keys,
    pub offer: Option<Offer>,
    /// What is said before and after an agent's number.
    pub agent_id: Option<[Spoken; 2]>,
}

#[derive(Debug)]
pub(super) enum Music {
    /// As the configuration has it.
    OfQueue,
    Silence,
    /// A prompt for each language.
    Own(Spoken),
}

#[derive(Debug)]
pub(super) enum Comfort {
    /// As the configuration has it.
    OfQueue,
    None,
    /// The messages take turns.
    Own {
        messages: Spoken,
        every: Duration,
    },
}

/// What callers are told of their place.
#[derive(Debug)]
pub(super) struct Tell {
    pub position: bool,
    pub estimate: bool,
    /// Also if nothing has changed.
    pub every: Option<Duration>,
    /// Nobody is before the caller.
    pub next: Spoken,
    pub one: Spoken,
    /// Before and after a number.
    pub ahead: [Spoken; 2],
    /// Before a duration.
    pub wait: Spoken,
    /// Before a wait that is longer than the one told last.
    pub busier: Spoken,
}

/// Something else that the caller may choose, such as to be called back. It is made once.
#[derive(Debug)]
pub(super) struct Offer {
    pub prompts: Spoken,
    /// Made after so long a wait.
    pub after: Option<Duration>,
    /// Made when more than so long a wait is still to come.
    pub estimate: Option<Duration>,
    /// Good once the offer is made.
    pub keys: Keys,
    /// The key that declines, by `key_index`.
    pub stay: Option<usize>,
}

/// The fields of a `queue` for the wait.
pub(super) fn read(fields: &mut Fields<'_>, words: &[Words], scope: &mut Scope<'_>) -> Option<Meanwhile> {
    let music = fields.take("music").map_or(Some(Music::OfQueue), |node| music(node, scope));
    let comfort = fields.take("comfort").map_or(Some(Comfort::OfQueue), |node| comfort(node, scope));
    let tell = optional(fields.take("tell"), |node| tell(node, words, scope));
    let keys_node = fields.take("keys");
    let keys = keys_node.map_or(Some([None; 16]), |node| keys(node, scope));
    let offer_node = fields.take("offer");
    let offer = optional(offer_node, |node| offer(node, scope));
    let agent_id = match fields.take("agent_id") {
        Some(node) => scope.out.truth(node).and_then(|wanted| match wanted {
            true => agent_id(node, words, scope).map(Some),
            false => Some(None),
        }),
        None => Some(None),
    };
    let read = Meanwhile {
        music: music?,
        comfort: comfort?,
        tell: tell?,
        keys: keys?,
        offer: offer?,
        agent_id: agent_id?,
    };
    keys_clash(&read, offer_node, keys_node, scope);
    drowned_comfort(&read, fields, scope);
    Some(read)
}

/// Left out: `Some(None)`. `None` only after a report.
fn optional<'t, T>(node: Option<&'t Node>, read: impl FnOnce(&'t Node) -> Option<T>) -> Option<Option<T>> {
    node.map_or(Some(None), |node| read(node).map(Some))
}

fn is_none(node: &Node) -> bool {
    matches!(&node.value, Value::Scalar(scalar) if scalar.text == "none")
}

fn music(node: &Node, scope: &mut Scope<'_>) -> Option<Music> {
    if is_none(node) {
        return Some(Music::Silence);
    }
    scope.out.text(node, "the name of a sound, or none")?;
    scope.prompts(node).map(Music::Own)
}

fn comfort(node: &Node, scope: &mut Scope<'_>) -> Option<Comfort> {
    if is_none(node) {
        return Some(Comfort::None);
    }
    let mut fields = Fields::of(node, node.span, "`comfort`", scope.out)?;
    let prompts = fields.need("prompts").and_then(|node| scope.prompts(node));
    let every = fields.need("every").and_then(|node| scope.out.duration(node, INTERVALS));
    fields.finish(scope.out);
    Some(Comfort::Own { messages: prompts?, every: every? })
}

fn tell(node: &Node, words: &[Words], scope: &mut Scope<'_>) -> Option<Tell> {
    let mut fields = Fields::of(node, node.span, "`tell`", scope.out)?;
    let position = fields.take("position").map_or(Some(true), |node| scope.out.truth(node));
    let estimate = fields.take("estimate").map_or(Some(true), |node| scope.out.truth(node));
    let every = optional(fields.take("every"), |node| scope.out.duration(node, INTERVALS));
    fields.finish(scope.out);
    let (position, estimate) = (position?, estimate?);
    if !position && !estimate {
        scope
            .out
            .error("flow-086", node.span, "callers are told neither their position nor the wait")
            .label("leave `tell` out, or say which");
        return None;
    }
    let mut named = |wanted: bool, name: &str| match wanted {
        true => fixed(name, "places", node.span, scope),
        false => Some(Spoken::default()),
    };
    let next = named(position, "q_next");
    let one = named(position, "q_ahead_one");
    let ahead = [named(position, "q_ahead_pre"), named(position, "q_ahead_post")];
    let (wait, busier) = (named(estimate, "q_wait"), named(estimate, "q_busier"));
    // Two callers ahead are counted with a word that durations have and numbers have not.
    for manner in [Manner::Number, Manner::Duration] {
        say::check(words, &scope.languages, manner, node.span, scope.out);
    }
    let [before, after] = ahead;
    Some(Tell {
        position,
        estimate,
        every: every?,
        next: next?,
        one: one?,
        ahead: [before?, after?],
        wait: wait?,
        busier: busier?,
    })
}

fn agent_id(node: &Node, words: &[Words], scope: &mut Scope<'_>) -> Option<[Spoken; 2]> {
    let [before, after] =
        ["agent_id_pre", "agent_id_post"].map(|name| fixed(name, "agents", node.span, scope));
    say::check(words, &scope.languages, Manner::Digits, node.span, scope.out);
    Some([before?, after?])
}

/// A prompt that has its name from the server.
fn fixed(name: &str, of: &str, span: Span, scope: &mut Scope<'_>) -> Option<Spoken> {
    let mut spoken = Vec::new();
    let mut missing = Vec::new();
    for language in &scope.languages {
        match scope.world.catalogue.find(language, name) {
            Some(prompt) => spoken.push(vec![prompt]),
            None => missing.push(&**language),
        }
    }
    if missing.is_empty() {
        return Some(Spoken(spoken));
    }
    let message = format!("to tell of {of}, the prompt `{name}` is missing in {}", missing.join(" and "));
    scope.out.error("flow-087", span, message).label("a caller in that language would hear half a sentence");
    None
}

fn keys(node: &Node, scope: &mut Scope<'_>) -> Option<Keys> {
    input::keys(node, "keys with their targets, such as `\"*\": menu`", scope, |key, node, scope| {
        scope.target(node, By::Key, &format!("key `{}`", key.text))
    })
}

fn offer(node: &Node, scope: &mut Scope<'_>) -> Option<Offer> {
    let mut fields = Fields::of(node, node.span, "`offer`", scope.out)?;
    let prompts = fields.need("prompts").and_then(|node| scope.prompts(node));
    let after = optional(fields.take("after"), |node| scope.out.duration(node, WAITS));
    let estimate = optional(fields.take("estimate"), |node| scope.out.duration(node, WAITS));
    let keys = fields.need("keys").and_then(|node| keys(node, scope));
    let stay = optional(fields.take("stay"), |node| key(node, scope));
    fields.finish(scope.out);
    let (after, estimate) = (after?, estimate?);
    if after.is_none() && estimate.is_none() {
        let added = scope.out.error("flow-088", node.span, "the offer is never made");
        added.help("say after which wait (`after: 60s`), or from which estimate on (`estimate: 120s`)");
        return None;
    }
    Some(Offer { prompts: prompts?, after, estimate, keys: keys?, stay: stay? })
}

fn key(node: &Node, scope: &mut Scope<'_>) -> Option<usize> {
    let text = scope.out.text(node, "a key")?;
    let mut symbols = text.chars();
    let key = symbols.next().filter(|_| symbols.next().is_none()).and_then(key_index);
    if key.is_none() {
        let added = scope.out.error("flow-011", node.span, format!("`{text}` is not a telephone key"));
        added.label("keys are 0 to 9, \"*\" and \"#\"");
    }
    key
}

/// A key means one thing, whenever it is pressed.
fn keys_clash(read: &Meanwhile, offer_node: Option<&Node>, keys: Option<&Node>, scope: &mut Scope<'_>) {
    let (Some(offer), Some(node)) = (&read.offer, offer_node) else { return };
    for (place, symbol) in super::flow::KEYS.chars().enumerate() {
        let stays = offer.stay == Some(place);
        let uses = [read.keys[place].is_some(), offer.keys[place].is_some(), stays];
        if uses.iter().filter(|used| **used).count() < 2 {
            continue;
        }
        let message = format!("while the caller waits, the key `{symbol}` means two things");
        let added = scope.out.error("flow-085", node.span, message);
        if let (true, Some(keys)) = (uses[0], keys) {
            added.see(keys.span, "here it leaves the queue");
        }
    }
}

/// Whatever is said counts as comfort: a message that comes no sooner than the place is told never comes.
fn drowned_comfort(read: &Meanwhile, fields: &Fields<'_>, scope: &mut Scope<'_>) {
    let (Comfort::Own { messages, every }, tell) = (&read.comfort, &read.tell) else { return };
    let told = tell.as_ref().and_then(|tell| tell.every);
    if told.is_some_and(|told| told <= *every) {
        scope
            .out
            .warning("flow-089", fields.place("comfort"), "the comfort messages are never heard")
            .label("the place is told as often, and nothing else is said in between");
        return;
    }
    let longest =
        |list: &Vec<PromptId>| list.iter().map(|prompt| scope.world.catalogue.duration(*prompt)).max();
    if messages.0.iter().filter_map(longest).any(|plays| plays >= *every) {
        scope
            .out
            .warning(
                "flow-089",
                fields.place("comfort"),
                "a comfort message takes longer than the pause before it",
            )
            .label("the caller hears no music, and the same words without end");
    }
}
