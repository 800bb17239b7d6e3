//! The node `bot`: the caller talks with a program elsewhere, and the call goes on with what it found out.
//!
//! ```yaml
//! bot: { to: assistant, with: { account: $account }, into: { intent: $intent }, max: 5m, next: route,
//!        on_person: desk, on_failed: desk }
//! ```
//!
//! Here is what a bot is told and what it says at the end, as values. `read` types the fields; `net::bot` speaks with it.
//! Whoever carries it out compares `BotRequest::number` with `Run::talks()` before it hands the end in.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::flow::{NodeId, Operand, VariableId};
use super::http::Wanted;
use super::run::Held;

pub(super) mod read;

/// Longest results of a bot, bytes of JSON. A longer message is nonsense.
pub const MAX_RESULT: usize = 16_384;
/// Most lines of a transcript that are kept: the latest.
pub const MAX_LINES: usize = 200;
/// Longest line of a transcript, bytes; what is longer is cut.
pub const MAX_LINE: usize = 500;

/// A caller is to talk with a bot.
#[derive(Clone, PartialEq, Eq)]
pub struct BotRequest {
    /// Identifies the end; grows within one run.
    pub number: u64,
    /// A name of the configuration.
    pub bot: Arc<str>,
    /// What it is told at the beginning.
    pub parameters: Vec<(Arc<str>, String)>,
    /// The longest that it may last.
    pub max: Duration,
}

/// Without the parameters: they are the caller's.
impl fmt::Debug for BotRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BotRequest")
            .field("number", &self.number)
            .field("bot", &self.bot)
            .field("max", &self.max)
            .finish_non_exhaustive()
    }
}

/// How a conversation with a bot ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BotEnd {
    /// It closed without a word about it.
    Closed,
    /// It said what came of it.
    Result(Box<BotResult>),
    Failed(BotFailure),
}

/// What a bot says at the end.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct BotResult {
    /// A map, in JSON.
    pub slots: String,
    pub transcript: Vec<Line>,
    /// The caller is to be handed over to a person.
    pub person: bool,
}

/// What was said, and by whom.
#[derive(Clone, PartialEq, Eq)]
pub struct Line {
    pub who: String,
    pub text: String,
}

/// Without what was said: it is about the caller.
impl fmt::Debug for BotResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BotResult")
            .field("slots", &self.slots.len())
            .field("lines", &self.transcript.len())
            .field("person", &self.person)
            .finish()
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Line({} bytes)", self.text.len())
    }
}

impl BotResult {
    /// Bytes of all that was said.
    pub fn said(&self) -> usize {
        self.transcript.iter().map(|line| line.text.len()).sum()
    }
}

/// What a bot found out, kept with the call for the person who takes it.
#[derive(Clone, PartialEq, Eq)]
pub struct Handover {
    pub bot: Arc<str>,
    pub result: BotResult,
}

impl fmt::Debug for Handover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handover").field("bot", &self.bot).field("result", &self.result).finish()
    }
}

/// Why a conversation failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BotFailure {
    /// No connection, or it would not speak WebSocket.
    Unreachable,
    /// Its certificate is not one that we may trust.
    Untrusted,
    /// It was not there in time.
    Timeout,
    /// As many callers talk with it as may.
    Busy,
    /// The connection broke, or it took nothing any more.
    Broken,
    /// It said too much that means nothing.
    Nonsense,
    /// It went on for longer than the flow allows.
    TooLong,
    /// A reload took it away.
    UnknownBot,
    /// The caller hung up.
    Abandoned,
}

impl BotFailure {
    /// All that a test may play, and their words.
    pub const ALL: [BotFailure; 9] = [
        BotFailure::Unreachable,
        BotFailure::Untrusted,
        BotFailure::Timeout,
        BotFailure::Busy,
        BotFailure::Broken,
        BotFailure::Nonsense,
        BotFailure::TooLong,
        BotFailure::UnknownBot,
        BotFailure::Abandoned,
    ];

    /// The word that reports and figures show.
    pub fn word(self) -> &'static str {
        match self {
            BotFailure::Unreachable => "unreachable",
            BotFailure::Untrusted => "untrusted",
            BotFailure::Timeout => "timeout",
            BotFailure::Busy => "busy",
            BotFailure::Broken => "broken",
            BotFailure::Nonsense => "nonsense",
            BotFailure::TooLong => "too_long",
            BotFailure::UnknownBot => "unknown_bot",
            BotFailure::Abandoned => "abandoned",
        }
    }
}

/// A node `bot`, compiled.
#[derive(Debug)]
pub(super) struct Talk {
    pub bot: Arc<str>,
    pub with: Vec<(Arc<str>, Operand)>,
    pub into: Vec<Wanted>,
    pub max: Duration,
    pub next: NodeId,
    pub on_person: Option<NodeId>,
    pub on_failed: NodeId,
}

impl Talk {
    /// Where the call may go on.
    pub fn ways(&self) -> impl Iterator<Item = &NodeId> {
        [&self.next, &self.on_failed].into_iter().chain(&self.on_person)
    }

    /// Every slot wanted that is there and of its variable's kind; whether that is all of them.
    pub fn taken(&self, slots: &str) -> (Vec<(VariableId, Held)>, bool) {
        let json = serde_json::from_str(slots).unwrap_or_default();
        let found: Vec<_> =
            self.into.iter().filter_map(|wanted| Some((wanted.into, wanted.find(&json)?))).collect();
        let whole = found.len() == self.into.len();
        (found, whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_parameters_nor_slots_nor_what_was_said_is_printed() {
        let account: (Arc<str>, String) = ("account".into(), "6222021234".into());
        let request =
            BotRequest { number: 1, bot: "assistant".into(), parameters: vec![account], max: Duration::ZERO };
        let line = Line { who: "caller".into(), text: "my account is 6222021234".into() };
        let slots = r#"{"account": "6222021234"}"#.to_owned();
        let result = BotResult { slots, transcript: vec![line], person: true };
        let handover = Handover { bot: "assistant".into(), result: result.clone() };
        let printed = format!("{request:?}{:?}{handover:?}", BotEnd::Result(Box::new(result)));
        assert!(printed.contains("assistant") && !printed.contains("622202"), "{printed}");
    }
}
