//! What a run is told, and what it asks for.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::MessageEnd;
use crate::ids::{AgentId, QueueId};
use crate::ivr::assisted::Verdict;
use crate::ivr::bot::{BotEnd, BotRequest};
use crate::ivr::emergency::Notice;
use crate::ivr::http::{HttpFailure, HttpRequest, HttpResponse};
use crate::ivr::profile::Remembered;
use crate::media::prompts::PromptId;

#[derive(Clone, PartialEq, Eq)]
pub enum Event {
    Digit(char),
    /// The last `Action::Play` ended.
    Played,
    /// `next_deadline` has come.
    Time,
    /// The caller's place in the queue: how many are before them, and how long it will take, if that is known.
    Place {
        ahead: usize,
        estimate: Option<Duration>,
    },
    /// The queue's own comfort message is due.
    Comfort {
        prompts: Vec<PromptId>,
    },
    /// The call could not stay in the queue: why.
    QueueLeft(QueueExit),
    /// The number or agent of `Action::Transfer` could not be reached.
    TransferFailed,
    /// The message of `Action::Record` cannot be recorded, or not any further.
    MessageFailed,
    /// What came of the request that `Run::awaits` names.
    HttpDone(Result<HttpResponse, HttpFailure>),
    /// The answer to `Action::AskBroadcast`: what is on, if this caller is to hear it.
    Broadcast(Option<Notice>),
    /// The conversation that `Run::talks` names has ended.
    BotDone(BotEnd),
    /// The answer to `Action::Recall`.
    Recalled(Remembered),
}

/// Not which digit: it may belong to a secret.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Digit(_) => f.write_str("Digit(..)"),
            Event::Played => f.write_str("Played"),
            Event::Time => f.write_str("Time"),
            Event::Place { ahead, estimate } => write!(f, "Place({ahead}, {estimate:?})"),
            Event::Comfort { .. } => f.write_str("Comfort(..)"),
            Event::QueueLeft(why) => write!(f, "QueueLeft({why:?})"),
            Event::TransferFailed => f.write_str("TransferFailed"),
            Event::MessageFailed => f.write_str("MessageFailed"),
            Event::HttpDone(result) => write!(f, "HttpDone({result:?})"),
            Event::Broadcast(notice) => write!(f, "Broadcast({notice:?})"),
            Event::BotDone(end) => write!(f, "BotDone({end:?})"),
            Event::Recalled(_) => f.write_str("Recalled(..)"),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueExit {
    /// `max_wait` is over.
    Timeout,
    /// `max_waiting` reached.
    Full,
    /// Nobody with the skills is logged in (only when the node has `on_empty`).
    Empty,
}

/// What the run asks for; in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Play these in order, replacing what plays. `Event::Played` is due at the end.
    Play { prompts: Vec<PromptId> },
    /// The caller pressed a key: stop at once.
    StopPlaying,
    /// Play these instead of the queue's music, and then the music again; nothing to play: the music at once.
    /// `Event::Played` is due at the end.
    Announce { prompts: Vec<PromptId> },
    /// The caller leaves the queue by a key.
    LeaveQueue,
    /// The caller wants to be called back at this number.
    Callback { queue: QueueId, number: String },
    /// The run pauses; the call waits for an agent, and is told the place. Comes back by `QueueLeft` or a key.
    Queue { queue: QueueId, priority: Option<u8>, leave_when_empty: bool },
    /// The run pauses; comes back only by `TransferFailed`.
    Transfer { to: TransferTo },
    /// The run pauses; comes back by `HttpDone`, or by itself when the request's time is over.
    Http { request: Box<HttpRequest> },
    /// The run pauses; `Event::Broadcast` is due at once.
    AskBroadcast,
    /// What the caller says from now on is a message. `Event::MessageFailed` if it cannot be had.
    Record { name: Arc<str> },
    /// The message is over.
    MessageOver { end: MessageEnd },
    /// The caller's rating; `None` if they gave none.
    Surveyed { score: Option<u8> },
    /// The caller goes back to the agent who sent them here. The flow is over.
    AgentReturn { verdict: Verdict, level: Option<Arc<str>> },
    /// For the agent who waits: so many keys of a secret have been typed.
    Typed { keys: usize, of: usize },
    /// The run pauses while the caller talks with a bot; comes back by `BotDone`, or by itself when its time is over.
    Bot { request: Box<BotRequest> },
    /// The run pauses; `Event::Recalled` is due at once.
    Recall,
    /// Keep this of the caller's number.
    Remember { values: Remembered },
    /// The flow is over.
    Hangup,
    /// For the journal: the caller arrived at this node.
    Entered { node: Arc<str> },
    /// For the journal: an `event`-like remark such as the language chosen. Never holds what was typed.
    Remark { name: Arc<str>, value: String },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransferTo {
    Agent(AgentId),
    /// One of the bank's own numbers.
    Number(String),
}
