//! A compiled flow: every reference resolved to an index, nothing left to fail at run time.

use std::sync::Arc;
use std::time::Duration;

use super::assisted::Back;
use super::bot::Talk;
use super::callback::Wish;
use super::chart::Chart;
use super::check::Check;
use super::digits::Numbers;
use super::emergency::Emergency;
use super::expression::Expression;
use super::hours::Hours;
use super::http::Dip;
use super::humane::Rules;
use super::meanwhile::Meanwhile;
use super::message::Message;
use super::percent::Ways;
use super::profile::Profile;
use super::say::{Manner, Words};
use super::subflow::{Call, Outcome, Slot};
use super::sum::Sum;
use super::survey::Scores;
pub use super::value::Kind;
use super::value::Quantity;
use crate::ids::{AgentId, FlowId, QueueId};
use crate::media::prompts::PromptId;

/// Most nodes in a flow. The bank's largest has 40; the checks over paths grow with the square.
pub const MAX_NODES: usize = 500;
/// Most variables in a flow.
pub const MAX_VARIABLES: usize = 64;

/// A flow's graph. Built by `ivr::compile` only.
#[derive(Debug)]
pub struct Flow {
    pub(super) id: FlowId,
    /// At least one; the first is for callers who speak none of them.
    pub(super) languages: Vec<Arc<str>>,
    pub(super) start: NodeId,
    pub(super) nodes: Vec<Node>,
    pub(super) variables: Vec<Variable>,
    /// What values are said with, by language.
    pub(super) words: Vec<Words>,
    pub(super) chart: Chart,
    /// What a flow that calls this one gives: the first of the variables.
    pub(super) parameters: Vec<Slot>,
    /// What it gets back.
    pub(super) results: Vec<Slot>,
    pub(super) outcome: Outcome,
    /// How far a person may be.
    pub(super) rules: Rules,
    /// What becomes of numbers that are given to it, and where those come from that it gives.
    pub(super) numbers: Numbers,
}

impl Flow {
    pub fn id(&self) -> &FlowId {
        &self.id
    }

    /// The languages it speaks, the default first.
    pub fn languages(&self) -> impl Iterator<Item = &str> {
        self.languages.iter().map(|language| &**language)
    }

    /// The names of its nodes, in the order of the file.
    pub fn nodes(&self) -> impl Iterator<Item = &str> {
        self.nodes.iter().map(|node| &*node.name)
    }

    /// The names of the messages that callers may leave in it.
    pub(super) fn messages(&self) -> impl Iterator<Item = &str> {
        self.nodes.iter().filter_map(|node| match &node.step {
            Step::Record(message) => Some(&*message.name),
            _ => None,
        })
    }

    /// An agent can send callers into it and gets them back.
    pub fn is_assisted(&self) -> bool {
        self.outcome.assisted && self.outcome.returns.is_none() && self.parameters.is_empty()
    }

    /// A number may lead to it: nobody has to give it anything, and it never returns.
    pub fn takes_calls(&self) -> bool {
        self.parameters.is_empty() && self.outcome.returns.is_none()
    }

    pub(super) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }
}

/// A node's place in its flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeId(pub(super) usize);

/// A variable's place in its flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VariableId(pub(super) usize);

/// A language's place in its flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LanguageId(pub(super) usize);

#[derive(Debug)]
pub(super) struct Node {
    pub name: Arc<str>,
    pub step: Step,
    /// What is pressed here may be a secret.
    pub quiet: bool,
    /// What is pressed here may be kept for the flow that called this one.
    pub returns: bool,
}

#[derive(Debug)]
pub(super) struct Variable {
    pub kind: Kind,
}

/// Prompts in order, by language. All languages have the same number of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Spoken(pub Vec<Vec<PromptId>>);

impl Spoken {
    pub fn of(&self, language: LanguageId) -> &[PromptId] {
        self.0.get(language.0).map_or(&[], Vec::as_slice)
    }
}

/// What a node does.
#[derive(Debug)]
pub(super) enum Step {
    Play {
        prompts: Spoken,
        barge_in: bool,
        next: NodeId,
    },
    Menu {
        ask: Ask,
        keys: Keys,
    },
    Collect {
        ask: Ask,
        entry: Entry,
        next: NodeId,
    },
    Say {
        before: Spoken,
        what: Saying,
        after: Spoken,
        barge_in: bool,
        next: NodeId,
    },
    Set {
        language: Option<LanguageId>,
        values: Vec<(VariableId, Operand)>,
        next: NodeId,
    },
    Switch {
        cases: Vec<(Expression, NodeId)>,
        otherwise: NodeId,
    },
    Hours {
        hours: Hours,
        open: NodeId,
        closed: NodeId,
    },
    Queue(Waiting),
    Transfer {
        to: Destination,
        prompts: Spoken,
        on_failed: NodeId,
    },
    /// The caller wants to be called back.
    Callback(Wish),
    Http(Box<Dip>),
    /// The caller talks with a program elsewhere.
    Bot(Box<Talk>),
    /// Callers are parted by shares.
    Percent(Ways),
    Event {
        name: Arc<str>,
        value: Option<Operand>,
        next: NodeId,
    },
    /// Silence. Keys are kept for the next question.
    Wait {
        pause: Duration,
        next: NodeId,
    },
    /// Asks once; no answer means `default`.
    Language {
        ask: Ask,
        keys: [Option<LanguageId>; 16],
        default: LanguageId,
        next: NodeId,
    },
    /// The caller speaks a message.
    Record(Box<Message>),
    /// The caller is asked for a rating.
    Survey {
        ask: Ask,
        scores: Scores,
    },
    Call(Call),
    /// Back to the flow that called this one, with the results in the order of their declaration.
    Return(Vec<Operand>),
    /// Says the emergency broadcast, if one is on.
    Emergency(Emergency),
    /// Back to the agent who sent the caller here.
    AgentReturn {
        back: Back,
        prompts: Spoken,
    },
    /// Recalls or remembers something of the caller's number.
    Profile(Profile),
    Goto(NodeId),
    Hangup {
        prompts: Spoken,
    },
}

/// A question: what is common to menu and collect.
#[derive(Debug)]
pub(super) struct Ask {
    pub prompts: Spoken,
    pub barge_in: bool,
    /// Silence after the prompts until it counts as no input.
    pub timeout: Duration,
    /// How often the question is put again, silence and wrong keys counted together.
    pub retries: u8,
    pub on_no_input: Failed,
    pub on_invalid: Failed,
}

/// What happens when an answer fails.
#[derive(Debug)]
pub(super) struct Failed {
    /// Said before the question is put again.
    pub prompts: Spoken,
    /// Where the call goes when the retries are used up.
    pub then: NodeId,
}

/// The keys of a menu, by `key_index`.
pub(super) type Keys = [Option<NodeId>; 16];

/// What `collect` takes.
#[derive(Debug)]
pub(super) struct Entry {
    pub into: VariableId,
    pub min: usize,
    pub max: usize,
    /// The key that ends the entry.
    pub terminator: Option<char>,
    /// Silence after a digit that ends the entry.
    pub between_digits: Duration,
    /// What the entry must be besides.
    pub check: Option<Check>,
}

/// A value of the manner's kind.
#[derive(Debug)]
pub(super) struct Saying {
    pub value: Operand,
    pub manner: Manner,
}

/// What a caller's priority may be.
pub(super) const PRIORITIES: std::ops::RangeInclusive<i64> = 0..=100;

#[derive(Debug)]
pub(super) struct Waiting {
    pub queue: QueueId,
    /// 0 to 100; left out, the queue's own.
    pub priority: Option<Operand>,
    pub prompts: Spoken,
    pub on_timeout: NodeId,
    pub on_full: NodeId,
    pub on_empty: Option<NodeId>,
    pub meanwhile: Box<Meanwhile>,
}

#[derive(Debug)]
pub(super) enum Destination {
    Agent(AgentId),
    /// An agent held by a variable; if there is none of that name, the transfer fails.
    AgentIn(Operand),
    Number(String),
    /// A number held by a variable; if it is not the bank's own, the transfer fails.
    NumberIn(Operand),
}

/// A value or where to find it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Operand {
    /// The caller's number.
    Caller,
    /// The number they dialled.
    Dialled,
    Language,
    Variable(VariableId),
    Text(Arc<str>),
    Number(i64),
    Sum(Sum),
    Quantity(Quantity),
}

/// The keys of a telephone, in the order of `key_index`.
pub(super) const KEYS: &str = "0123456789*#ABCD";

/// The place of a key in `Keys`; `None` if a telephone has no such key.
pub(super) fn key_index(key: char) -> Option<usize> {
    KEYS.find(key.to_ascii_uppercase())
}
