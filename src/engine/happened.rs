//! Everything that happened, as it is journalled, streamed to the API and counted.
//!
//! Numbers are whole here (records need them); whatever prints a `Happened` for people masks them.
//! Digits that callers type are in none of these.

use serde::{Deserialize, Serialize};

pub use super::canary::{Measure, Tally};
pub use super::quality::{LegFigures, Side, Sound};
use crate::acd::{AgentState, OfferFailure, Reasons};
use crate::call::cause::Cause;
use crate::ids::{AgentId, CallId, QueueId, ReleaseId};
pub use crate::ivr::assisted::Verdict;
pub use crate::ivr::bot::BotFailure;
pub use crate::ivr::emergency::{Broadcast, Level};
pub use crate::ivr::http::HttpFailure;
use crate::ivr::profile::Remembered;
pub use crate::ivr::run::MessageEnd;
pub use crate::media::event::Way;
use crate::moment::Moment;

/// One entry of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happened {
    /// 1, 2, 3 … within one run of the server; the store numbers on across runs.
    pub seq: u64,
    pub at: Moment,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub call: Option<CallId>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub agent: Option<AgentId>,
    pub what: What,
}

/// Who ended a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    Caller,
    Agent,
    Flow,
    Staff,
    Server,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    // A call.
    CallArrived {
        from: String,
        dialled: String,
    },
    /// `release`: of the flows; 0 in what older servers wrote.
    CallAnswered {
        flow: String,
        #[serde(default)]
        release: ReleaseId,
    },
    NodeEntered {
        node: String,
    },
    Remark {
        name: String,
        value: String,
    },
    /// A host was asked by a flow at this node, and what came of it. Never what was asked or answered.
    HostAnswered {
        host: String,
        node: String,
        outcome: HttpOutcome,
        ms: u64,
    },
    /// The caller talks with a bot.
    BotJoined {
        bot: String,
        node: String,
    },
    /// No more. Never what was said or found out, only how many bytes of it; and how much audio was lost because one of the
    /// two was too slow.
    BotLeft {
        bot: String,
        node: String,
        outcome: BotOutcome,
        ms: u64,
        slots: usize,
        said: usize,
        unheard_ms: u64,
        unsaid_ms: u64,
    },
    QueueEntered {
        queue: QueueId,
        priority: u8,
    },
    QueueLeft {
        queue: QueueId,
        why: String,
    },
    Offered {
        queue: QueueId,
        reasons: Reasons,
    },
    OfferEnded {
        queue: QueueId,
        why: OfferEnd,
    },
    /// The caller wants to be called back by the queue's agents; they have waited since then. A second wish for the same
    /// number and queue while one is open is the same wish.
    CallbackWanted {
        queue: QueueId,
        number: String,
        since: Moment,
    },
    /// The wish that is stored under this number has been dealt with.
    CallbackDone {
        wish: u64,
        user: String,
    },
    /// `waited_ms`: from queue entry.
    AgentAnswered {
        queue: Option<QueueId>,
        waited_ms: u64,
    },
    Held {
        by: Party,
    },
    Resumed {
        by: Party,
    },
    Transferred {
        to: String,
    },
    /// An agent has sent the caller into this flow, to type a secret.
    VerifyStarted {
        flow: String,
    },
    /// So many keys of a secret are typed; never which. For the agent who waits.
    KeysTyped {
        keys: usize,
        of: usize,
    },
    /// What came of it, and what the caller has proven.
    VerifyEnded {
        result: Verdict,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        level: Option<String>,
    },
    /// `talk_ms`: with agents, in all.
    CallEnded {
        cause: Cause,
        by: Party,
        talk_ms: u64,
    },
    /// An attempt that never became a call: unknown number, forbidden, overload. `unnoted`: how many before it, since
    /// the last that was noted, came too fast to be noted.
    CallRefused {
        from: String,
        dialled: String,
        cause: Cause,
        #[serde(default)]
        unnoted: u64,
    },
    /// The tone is over, and the caller speaks. `number` counts within the call.
    MessageBegan {
        number: u32,
        name: String,
    },
    /// A message is on the tape, from when it began on.
    MessageLeft {
        number: u32,
        name: String,
        ms: u64,
        end: MessageEnd,
    },
    /// It was too short to be one.
    MessageShort {
        number: u32,
    },
    /// Somebody has dealt with a message.
    MessageMarked {
        number: u32,
        state: MessageState,
        user: String,
    },
    /// The agent hung up, and the caller is asked how it was.
    SurveyBegan {
        queue: QueueId,
        flow: String,
        /// With agents so far.
        talk_ms: u64,
    },
    /// The caller's score, or none given. The queue and the event's agent are those of the talk before.
    Surveyed {
        #[serde(skip_serializing_if = "Option::is_none", default)]
        queue: Option<QueueId>,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        score: Option<u8>,
    },
    RecordingStarted,
    RecordingGap {
        why: String,
        frames: u32,
    },
    RecordingFailed {
        why: String,
    },
    /// A direction of a leg sounds poor; it was told when it began, not again while it lasts.
    LegPoor {
        leg: Side,
        way: Way,
        mos_hundredths: u16,
    },
    /// It is better again.
    LegBetter {
        leg: Side,
        way: Way,
        mos_hundredths: u16,
    },
    /// A leg's audio has ended: what it was like. It comes after the call's end, when the worker has closed the stream.
    LegMeasured(Box<LegFigures>),
    // An agent.
    PhoneRegistered,
    PhoneVanished,
    StateChanged {
        state: AgentState,
    },
    // The server.
    ServerStarted {
        version: String,
    },
    ServerStopping,
    ConfigLoaded {
        flows: usize,
        agents: usize,
    },
    /// What calls take when the server starts; `trial` is a release that a share of them takes.
    FlowsInForce {
        release: ReleaseId,
        trial: Option<ReleaseId>,
    },
    /// Calls take this release of the flows from now on, or `percent` of them if it is on trial.
    FlowsPublished(Box<Published>),
    /// Somebody wants a release published; another person must agree.
    FlowsProposed {
        release: ReleaseId,
        author: String,
        comment: String,
    },
    /// Somebody ended the trial of a release.
    CanaryAborted {
        release: ReleaseId,
        author: String,
    },
    /// A release on trial did worse than the one in force, and was taken back at once.
    CanaryTakenBack {
        release: ReleaseId,
        measure: Measure,
        new: Tally,
        old: Tally,
    },
    /// A new configuration was bad; the old one stays. What was wrong is in the log.
    ConfigRefused,
    /// Somebody gave a wrong password to the API or for a phone, or went on while slowed down for it. `unnoted`: as in
    /// `CallRefused`.
    LoginFailed {
        source: String,
        #[serde(default)]
        unnoted: u64,
    },
    /// Somebody did something by the API.
    StaffAction {
        user: String,
        action: String,
    },
    /// An emergency broadcast is on until then. `number` is what later entries call it.
    EmergencyStarted {
        number: u64,
        user: String,
        broadcast: Broadcast,
        until: Moment,
    },
    /// This call's caller begins to hear it.
    EmergencyHeard {
        number: u64,
        level: Level,
    },
    /// And hung up while hearing it.
    EmergencyLeft {
        number: u64,
    },
    /// Something is kept of this call's caller. What, is for the store and not for the journal, which forgets nothing.
    ProfileRemembered {
        names: Vec<String>,
        #[serde(skip)]
        kept: Option<Box<Kept>>,
    },
    /// Nothing is known of a number any more; of which, the journal does not tell.
    ProfileForgotten {
        why: Forgotten,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        user: Option<String>,
        #[serde(skip)]
        number: String,
    },
    /// `user`: who ended it, if somebody did.
    EmergencyEnded {
        number: u64,
        why: EmergencyEnd,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        user: Option<String>,
        heard: u64,
        left: u64,
    },
    Alarm {
        name: String,
        text: String,
    },
    AlarmCleared {
        name: String,
    },
}

/// What is remembered of a caller's number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub number: String,
    /// When something was remembered last.
    pub since: Moment,
    pub values: Remembered,
}

/// Why a number was forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Forgotten {
    /// Somebody wished it.
    Asked,
    /// Nothing was remembered of it for too long.
    Old,
    /// There are too many, and of all others something was remembered later.
    NoRoom,
}

/// Why an emergency broadcast is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmergencyEnd {
    Stopped,
    Expired,
    /// Another one took its place.
    Replaced,
    /// A reload took its prompts, or the last place where it is heard.
    Unsayable,
}

/// How far a message has been dealt with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageState {
    /// Nobody has listened to it.
    #[default]
    New,
    Heard,
    /// What it asked for has been done.
    Done,
}

impl MessageState {
    /// As reports print it; also its name in JSON.
    pub fn word(self) -> &'static str {
        match self {
            MessageState::New => "new",
            MessageState::Heard => "heard",
            MessageState::Done => "done",
        }
    }
}

/// A release of the flows, as it came into force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    pub release: ReleaseId,
    pub origin: Origin,
    pub author: String,
    pub comment: String,
    /// The release that it replaces, or is on trial beside.
    pub parent: Option<ReleaseId>,
    /// Who agreed, where two must.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub approved_by: Option<String>,
    /// The share of the calls that take it, if it is on trial.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub percent: Option<u8>,
}

/// How a release of the flows came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The folder as a server found it that knew no release.
    FirstStart,
    Publish,
    /// An earlier release's content again.
    Rollback,
    /// The folder, with a configuration read anew.
    Reload,
    /// The folder, because a file in it changed.
    Watch,
}

/// How a request to a host ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HttpOutcome {
    /// It answered with this status.
    Status(u16),
    Failed(HttpFailure),
}

/// How a conversation with a bot ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BotOutcome {
    /// It closed without a result.
    Closed,
    Result,
    /// It handed the caller over to a person.
    Person,
    Failed(BotFailure),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OfferEnd {
    Answered,
    CallerLeft,
    Failed(OfferFailure),
}
