//! The record of a call: what is kept of it for good. Folded from what happened, by one function.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::cause::Cause;
use crate::engine::happened::{Happened, LegFigures, MessageEnd, MessageState, Party, What};
use crate::ids::{AgentId, CallId, QueueId, ReleaseId};
use crate::moment::Moment;

/// One call, from arrival to end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallRecord {
    pub call: CallId,
    pub from: String,
    pub dialled: String,
    pub arrived: Moment,
    pub answered: Option<Moment>,
    /// The release of the flows that it took when it was answered. None where it was not, or by a server that knew none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<ReleaseId>,
    pub ended: Option<Moment>,
    pub cause: Option<Cause>,
    pub ended_by: Option<Party>,
    /// The nodes the caller passed, in order; at most `PATH`.
    pub path: Vec<String>,
    /// The last queue the call waited in.
    pub queue: Option<QueueId>,
    pub queued: Option<Moment>,
    /// The agent who talked last.
    pub agent: Option<AgentId>,
    pub agent_answered: Option<Moment>,
    /// Milliseconds with agents.
    pub talk_ms: u64,
    /// Offers that failed before one was answered.
    pub missed_offers: u32,
    pub recorded: bool,
    /// Frames that the tape lost, for named reasons.
    pub recording_gaps: u32,
    /// Why the tape failed, the last time it did. The call went on; what the tape lacks is in `recording_gaps` or cut off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording_failed: Option<String>,
    /// Messages that the caller left, in order; one without an end is being spoken. At most `MESSAGES`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<VoiceMessage>,
    /// What the caller said of the talk, if they were asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub survey: Option<Survey>,
    /// What its legs sounded like, in the order in which they ended; at most `LEGS`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub legs: Vec<LegFigures>,
}

/// A message that the caller left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoiceMessage {
    /// 1, 2, 3 … within the call; those that were too short have no entry.
    pub number: u32,
    /// What the flow calls it.
    pub name: String,
    pub began: Moment,
    /// How long it is; `None` while it is being spoken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<MessageEnd>,
    pub state: MessageState,
}

impl VoiceMessage {
    pub fn id(&self, call: CallId) -> MessageId {
        MessageId { call, number: self.number }
    }
}

/// A message among all: its call, and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageId {
    pub call: CallId,
    pub number: u32,
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.call, self.number)
    }
}

/// A text that names no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a message: expected a call's id, a hyphen and a number")]
pub struct NotAMessageId;

impl FromStr for MessageId {
    type Err = NotAMessageId;

    fn from_str(text: &str) -> Result<MessageId, NotAMessageId> {
        let (call, number) = text.rsplit_once('-').ok_or(NotAMessageId)?;
        let number = number.parse().map_err(|_| NotAMessageId)?;
        Ok(MessageId { call: call.parse().map_err(|_| NotAMessageId)?, number })
    }
}

/// How a caller rated a talk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Survey {
    pub agent: Option<AgentId>,
    pub queue: Option<QueueId>,
    /// `None`: none was given.
    pub score: Option<u8>,
    /// How many nodes the caller had passed before they were asked.
    pub nodes_before: usize,
}

/// Messages kept in a record: as many as a call may begin.
pub const MESSAGES: usize = 20;

/// Nodes kept in a record's path. A caller who wanders further is only counted in the journal.
pub const PATH: usize = 64;

/// Legs whose figures are kept in a record: the caller's and those of fifteen agents. More are in the journal only.
pub const LEGS: usize = 16;

impl CallRecord {
    /// The record at a call's arrival; `None` for any other event.
    pub fn open(event: &Happened) -> Option<CallRecord> {
        let (Some(call), What::CallArrived { from, dialled }) = (event.call, &event.what) else {
            return None;
        };
        Some(CallRecord {
            call,
            from: from.clone(),
            dialled: dialled.clone(),
            arrived: event.at,
            answered: None,
            release: None,
            ended: None,
            cause: None,
            ended_by: None,
            path: Vec::new(),
            queue: None,
            queued: None,
            agent: None,
            agent_answered: None,
            talk_ms: 0,
            missed_offers: 0,
            recorded: false,
            recording_gaps: 0,
            recording_failed: None,
            messages: Vec::new(),
            survey: None,
            legs: Vec::new(),
        })
    }

    /// Folds a later event of the same call in.
    pub fn apply(&mut self, event: &Happened) {
        match &event.what {
            What::CallAnswered { release, .. } => {
                self.answered = Some(event.at);
                self.release = release.published();
            }
            What::NodeEntered { node } if self.path.len() < PATH => self.path.push(node.clone()),
            What::QueueEntered { queue, .. } => {
                self.queue = Some(queue.clone());
                self.queued = Some(event.at);
            }
            What::OfferEnded { why: crate::engine::happened::OfferEnd::Failed(_), .. } => {
                self.missed_offers += 1
            }
            What::AgentAnswered { .. } => {
                self.agent.clone_from(&event.agent);
                self.agent_answered = Some(event.at);
            }
            What::RecordingStarted => self.recorded = true,
            What::RecordingGap { frames, .. } => self.recording_gaps += frames,
            What::RecordingFailed { why } => self.recording_failed = Some(why.clone()),
            What::MessageBegan { number, name } if self.messages.len() < MESSAGES => {
                self.messages.push(VoiceMessage {
                    number: *number,
                    name: name.clone(),
                    began: event.at,
                    ms: None,
                    end: None,
                    state: MessageState::New,
                });
            }
            What::MessageLeft { number, ms, end, .. } => {
                if let Some(message) = self.message_mut(*number) {
                    (message.ms, message.end) = (Some(*ms), Some(*end));
                }
            }
            What::MessageShort { number } => self.messages.retain(|message| message.number != *number),
            What::MessageMarked { number, state, .. } => {
                if let Some(message) = self.message_mut(*number) {
                    message.state = *state;
                }
            }
            What::SurveyBegan { queue, talk_ms, .. } => {
                let (agent, queue) = (event.agent.clone(), Some(queue.clone()));
                self.survey = Some(Survey { agent, queue, score: None, nodes_before: self.path.len() });
                self.talk_ms = *talk_ms;
            }
            What::Surveyed { queue, score } => {
                let (agent, queue) = (event.agent.clone(), queue.clone());
                // A flow may ask without a talk before.
                let nodes_before = self.survey.as_ref().map_or(self.path.len(), |asked| asked.nodes_before);
                self.survey = Some(Survey { agent, queue, score: *score, nodes_before });
            }
            What::LegMeasured(figures) if self.legs.len() < LEGS => self.legs.push(*figures.clone()),
            What::CallEnded { cause, by, talk_ms } => {
                self.ended = Some(event.at);
                self.cause = Some(*cause);
                self.ended_by = Some(*by);
                self.talk_ms = *talk_ms;
            }
            _ => {}
        }
    }

    /// The messages that are not being spoken any more; with `open` those that are not done.
    pub fn messages_left(&self, open: bool) -> impl Iterator<Item = &VoiceMessage> {
        let done = |message: &VoiceMessage| message.state == MessageState::Done;
        self.messages.iter().filter(move |message| message.ms.is_some() && !(open && done(message)))
    }

    fn message_mut(&mut self, number: u32) -> Option<&mut VoiceMessage> {
        self.messages.iter_mut().find(|message| message.number == number)
    }
}
