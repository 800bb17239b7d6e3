//! What the API shows, with numbers masked for those who may not see them. Times are microseconds since the Unix
//! epoch, as in `--json` of every command.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::legs::{self, Leg};
use super::role::{Reach, Right};
use super::who::Who;
use crate::acd::AgentState;
use crate::call::record::CallRecord;
use crate::config::Config;
use crate::engine::happened::Happened;
use crate::engine::view;
use crate::ids::AgentId;
use crate::observe::metrics::state_word;
use crate::observe::pii::Masked;

/// Whose eyes it is shown to.
#[derive(Clone, Copy)]
pub struct Eyes<'a> {
    config: &'a Config,
    whole: bool,
    /// What callers think of agents.
    ratings: bool,
    /// Set for those who see only what is theirs.
    only: Option<&'a AgentId>,
}

impl<'a> Eyes<'a> {
    pub fn of(who: &'a Who, config: &'a Config) -> Eyes<'a> {
        let only = match who.may(Right::SeeLive) {
            Ok(Reach::All) => None,
            _ => who.person.agent.as_ref(),
        };
        let (whole, ratings) = (who.may_all(Right::SeeNumbers), who.may_all(Right::SeeRatings));
        Eyes { config, whole, ratings, only }
    }

    /// A person's number; the bank's own numbers are no secret.
    pub fn number(&self, number: &str) -> String {
        let ours = || self.config.numbers.contains_key(number);
        if self.whole || ours() { number.to_owned() } else { Masked(number).to_string() }
    }

    /// How callers rate agents, and whatever tells it.
    pub(super) fn ratings(&self) -> bool {
        self.ratings
    }

    fn sees(&self, agent: Option<&AgentId>) -> bool {
        self.only.is_none_or(|only| agent == Some(only))
    }
}

/// A call under way.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LiveCall {
    pub call: String,
    pub from: String,
    pub dialled: String,
    pub arrived: u64,
    /// The release of the flows that it took; none before it is answered.
    pub release: Option<u64>,
    /// `menu`, `waiting`, `ringing`, `talking` or `verifying` (the agent waits while the caller types a secret).
    pub stage: String,
    /// The flow's node the caller is at, or was at before the queue.
    pub node: String,
    pub queue: Option<String>,
    pub agent: Option<String>,
    pub held: bool,
    pub recorded: bool,
    /// A direction of one of its legs sounds poor now (MOS under 3.6).
    pub poor: bool,
}

/// An agent.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Agent {
    pub agent: String,
    pub name: String,
    /// Skill → level, 1 to 10.
    pub skills: BTreeMap<String, u8>,
    /// `logged_out`, `ready`, `offered`, `talking`, `wrap_up` or `not_ready`.
    pub state: String,
    /// Since when; none while logged out.
    pub since: Option<u64>,
    /// When wrap-up ends by itself.
    pub until: Option<u64>,
    /// The call offered or talked in.
    pub call: Option<String>,
    /// Why not ready.
    pub reason: Option<String>,
    /// Phones registered now.
    pub phones: usize,
}

/// A queue.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Queue {
    pub queue: String,
    /// In the order they would be served.
    pub waiting: Vec<Waiting>,
    /// Agents with its skills are logged in.
    pub staffed: bool,
}

/// A caller who waits.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Waiting {
    pub call: String,
    pub priority: u8,
    pub since: u64,
    /// The agent whose phone rings for it.
    pub offered_to: Option<String>,
}

/// Everything at one moment.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Snapshot {
    pub at: u64,
    /// The server takes no new calls.
    pub draining: bool,
    pub calls: Vec<LiveCall>,
    pub agents: Vec<Agent>,
    pub queues: Vec<Queue>,
}

/// The record of a call.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Call {
    pub call: String,
    pub from: String,
    pub dialled: String,
    pub arrived: u64,
    pub answered: Option<u64>,
    /// The release of the flows that it took when it was answered; none in records of servers that kept none.
    pub release: Option<u64>,
    pub ended: Option<u64>,
    /// Why it ended, in a word of the table of endings.
    pub cause: Option<String>,
    /// `caller`, `agent`, `flow`, `staff` or `server`.
    #[schema(value_type = Option<String>)]
    pub ended_by: Option<crate::engine::happened::Party>,
    /// The flow's nodes passed, in order.
    pub path: Vec<String>,
    /// The last queue waited in.
    pub queue: Option<String>,
    pub queued: Option<u64>,
    /// The agent who talked last.
    pub agent: Option<String>,
    pub agent_answered: Option<u64>,
    /// Milliseconds with agents.
    pub talk_ms: u64,
    /// Offers that failed before one was answered.
    pub missed_offers: u32,
    pub recorded: bool,
    /// Frames that the tape lost, for named reasons.
    pub recording_gaps: u32,
    /// Why the tape failed, the last time it did.
    pub recording_failed: Option<String>,
    /// Messages that the caller left; not for agents.
    pub messages: Option<usize>,
    /// How the caller rated the talk; none if they were not asked, gave none, or you may not see it.
    pub score: Option<u8>,
    /// What its legs sounded like, in the order in which they ended.
    pub legs: Vec<Leg>,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Event {
    /// In a stream: 1, 2, 3 … since the server started. In a call's record: its number in the journal.
    pub seq: u64,
    pub at: u64,
    pub call: Option<String>,
    pub agent: Option<String>,
    /// `kind` says what happened (`call_arrived`, `offered`, `state_changed` …); what else there is depends on it.
    #[schema(value_type = Object)]
    pub event: Map<String, Value>,
}

fn text(id: &impl ToString) -> String {
    id.to_string()
}

pub fn live_call(call: &view::LiveCall, eyes: Eyes<'_>) -> LiveCall {
    LiveCall {
        call: text(&call.call),
        from: eyes.number(&call.from),
        dialled: eyes.number(&call.dialled),
        arrived: call.arrived.as_micros(),
        release: call.release.map(|release| release.0),
        stage: call.stage.to_owned(),
        node: call.node.clone(),
        queue: call.queue.as_ref().map(text),
        agent: call.agent.as_ref().map(text),
        held: call.held,
        recorded: call.recorded,
        poor: call.poor,
    }
}

pub fn agent(agent: &view::LiveAgent) -> Agent {
    let (since, until, call, reason) = match &agent.state {
        AgentState::LoggedOut => (None, None, None, None),
        AgentState::Ready { since } => (Some(since), None, None, None),
        AgentState::Offered { call, since } | AgentState::Talking { call, since } => {
            (Some(since), None, Some(call), None)
        }
        AgentState::WrapUp { since, until } => (Some(since), Some(until), None, None),
        AgentState::NotReady { reason, since } => (Some(since), None, None, Some(reason)),
    };
    Agent {
        agent: text(&agent.agent),
        name: agent.name.clone(),
        skills: agent.skills.iter().map(|(skill, level)| (text(skill), *level)).collect(),
        state: state_word(&agent.state).to_owned(),
        since: since.map(|at| at.as_micros()),
        until: until.map(|at| at.as_micros()),
        call: call.map(text),
        reason: reason.cloned(),
        phones: agent.phones,
    }
}

pub fn queue(queue: &view::LiveQueue) -> Queue {
    let waiting = queue.waiting.iter().map(|waiting| Waiting {
        call: text(&waiting.call),
        priority: waiting.priority,
        since: waiting.since.as_micros(),
        offered_to: waiting.offered_to.as_ref().map(text),
    });
    Queue { queue: text(&queue.queue), waiting: waiting.collect(), staffed: queue.staffed }
}

/// The snapshot, without what these eyes may not see.
pub fn snapshot(snapshot: &view::Snapshot, eyes: Eyes<'_>) -> Snapshot {
    let calls = snapshot.calls.iter().filter(|call| eyes.sees(call.agent.as_ref()));
    let agents = snapshot.agents.iter().filter(|live| eyes.sees(Some(&live.agent)));
    Snapshot {
        at: snapshot.at.as_micros(),
        draining: snapshot.draining,
        calls: calls.map(|call| live_call(call, eyes)).collect(),
        agents: agents.map(agent).collect(),
        queues: snapshot.queues.iter().map(queue).collect(),
    }
}

pub fn call(record: CallRecord, eyes: Eyes<'_>) -> Call {
    let survey = record.survey.as_ref();
    // Where a caller goes after the question tells what they answered.
    let nodes = survey.filter(|_| !eyes.ratings).map_or(record.path.len(), |survey| survey.nodes_before);
    Call {
        messages: eyes.ratings.then(|| record.messages_left(false).count()),
        score: survey.filter(|_| eyes.ratings).and_then(|survey| survey.score),
        call: text(&record.call),
        from: eyes.number(&record.from),
        dialled: eyes.number(&record.dialled),
        arrived: record.arrived.as_micros(),
        answered: record.answered.map(|at| at.as_micros()),
        release: record.release.map(|release| release.0),
        ended: record.ended.map(|at| at.as_micros()),
        cause: record.cause.map(|cause| cause.word().to_owned()),
        ended_by: record.ended_by,
        path: record.path.into_iter().take(nodes).collect(),
        queue: record.queue.as_ref().map(text),
        queued: record.queued.map(|at| at.as_micros()),
        agent: record.agent.as_ref().map(text),
        agent_answered: record.agent_answered.map(|at| at.as_micros()),
        talk_ms: record.talk_ms,
        missed_offers: record.missed_offers,
        recorded: record.recorded,
        recording_gaps: record.recording_gaps,
        recording_failed: record.recording_failed,
        legs: record.legs.iter().map(legs::leg).collect(),
    }
}

/// Fields of events that may hold a person's number.
const NUMBERS: [&str; 5] = ["from", "dialled", "to", "value", "number"];

pub fn event(happened: &Happened, eyes: Eyes<'_>) -> Event {
    let mut event = named(&happened.what);
    if !eyes.ratings {
        event.remove("score");
    }
    for field in NUMBERS {
        if let Some(Value::String(number)) = event.get_mut(field) {
            *number = eyes.number(number);
        }
    }
    Event {
        seq: happened.seq,
        at: happened.at.as_micros(),
        call: happened.call.as_ref().map(text),
        agent: happened.agent.as_ref().map(text),
        event,
    }
}

/// `{"call_arrived": {…}}`, or `"recording_started"`, as `{"kind": "call_arrived", …}`.
fn named(what: &impl Serialize) -> Map<String, Value> {
    let mut event = Map::new();
    match serde_json::to_value(what) {
        Ok(Value::String(kind)) => {
            event.insert("kind".to_owned(), Value::String(kind));
        }
        Ok(Value::Object(tagged)) => {
            for (kind, fields) in tagged {
                event.insert("kind".to_owned(), Value::String(kind));
                if let Value::Object(fields) = fields {
                    event.extend(fields);
                }
            }
        }
        // Events are strings or maps with one entry, always.
        _ => {}
    }
    event
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::session::{Person, TokenHash};
    use crate::config::Role;
    use crate::engine::happened::What;
    use crate::moment::Moment;

    fn who(role: Role) -> Who {
        let agent = (role == Role::Agent).then(|| "1001".into());
        Who { person: Person { user: "x".into(), role, agent }, session: TokenHash::of("x") }
    }

    fn shown(role: Role, what: What) -> Value {
        let config = crate::config::demo("data", 0, 0);
        let happened = Happened { seq: 1, at: Moment::ZERO, call: None, agent: None, what };
        Value::Object(event(&happened, Eyes::of(&who(role), &config)).event)
    }

    #[test]
    fn callers_numbers_are_masked_for_agents_and_the_banks_own_are_not() {
        let arrived = What::CallArrived { from: "13812341234".into(), dialled: "95500".into() };
        let expected = serde_json::json!({"kind": "call_arrived", "from": "138****1234", "dialled": "95500"});
        assert_eq!(shown(Role::Agent, arrived.clone()), expected);
        assert_eq!(shown(Role::Quality, arrived)["from"], "13812341234");
        let transferred = What::Transferred { to: "13812341234".into() };
        assert_eq!(shown(Role::Agent, transferred)["to"], "138****1234");
    }

    #[test]
    fn agents_do_not_see_how_they_were_rated_and_those_who_lead_them_do() {
        let surveyed = || What::Surveyed { queue: Some("cards".into()), score: Some(2) };
        let told = serde_json::json!({"kind": "surveyed", "queue": "cards"});
        assert_eq!(shown(Role::Agent, surveyed()), told);
        assert_eq!(shown(Role::Supervisor, surveyed())["score"], 2);
    }

    #[test]
    fn an_event_without_fields_is_its_kind() {
        let expected = serde_json::json!({"kind": "recording_started"});
        assert_eq!(shown(Role::Admin, What::RecordingStarted), expected);
    }
}
