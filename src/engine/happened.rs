//! Everything that happened, as it is journalled, streamed to the API and counted.
//!
//! Numbers are whole here (records need them); whatever prints a `Happened` for people masks them.
//! Digits that callers type are in none of these.

use serde::{Deserialize, Serialize};

pub use super::quality::{LegFigures, Side, Sound};
use crate::acd::{AgentState, OfferFailure, Reasons};
use crate::call::cause::Cause;
use crate::ids::{AgentId, CallId, QueueId};
pub use crate::ivr::emergency::{Broadcast, Level};
pub use crate::ivr::http::HttpFailure;
use crate::ivr::profile::Remembered;
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
    CallAnswered {
        flow: String,
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

/// How a request to a host ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HttpOutcome {
    /// It answered with this status.
    Status(u16),
    Failed(HttpFailure),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OfferEnd {
    Answered,
    CallerLeft,
    Failed(OfferFailure),
}
