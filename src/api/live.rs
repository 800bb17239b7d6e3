//! What is under way now: calls, queues, agents, and orders to them.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::App;
use super::error::{ApiError, ErrorBody};
use super::limits::REASON;
use super::named::Named;
use super::role::{Reach, Right};
use super::shown::{self, Agent, Eyes, LiveCall, Queue, Snapshot};
use super::who::Who;
use crate::engine::staff::{Answer, Ask};
use crate::ids::{AgentId, CallId};

/// Everything at one moment, as far as the asker may see it.
#[utoipa::path(get, path = "/api/v1/snapshot", tag = "live", responses(
    (status = 200, body = Snapshot),
    (status = 401, body = ErrorBody, description = "Not logged in"),
))]
pub async fn snapshot(State(app): State<App>, who: Who) -> Result<Json<Snapshot>, ApiError> {
    who.may(Right::SeeLive)?;
    Ok(Json(see(&app, &who).await?))
}

async fn see(app: &App, who: &Who) -> Result<Snapshot, ApiError> {
    let snapshot = app.snapshot().await?;
    Ok(shown::snapshot(&snapshot, Eyes::of(who, &app.config())))
}

/// Calls under way. Agents see their own.
#[derive(Serialize, ToSchema)]
pub struct LiveCalls {
    at: u64,
    calls: Vec<LiveCall>,
}

#[utoipa::path(get, path = "/api/v1/calls/live", tag = "live", responses(
    (status = 200, body = LiveCalls),
    (status = 401, body = ErrorBody, description = "Not logged in"),
))]
pub async fn calls(State(app): State<App>, who: Who) -> Result<Json<LiveCalls>, ApiError> {
    who.may(Right::SeeLive)?;
    let Snapshot { at, calls, .. } = see(&app, &who).await?;
    Ok(Json(LiveCalls { at, calls }))
}

#[derive(Serialize, ToSchema)]
pub struct Queues {
    at: u64,
    queues: Vec<Queue>,
}

/// Queues and who waits in them.
#[utoipa::path(get, path = "/api/v1/queues", tag = "live", responses(
    (status = 200, body = Queues),
    (status = 401, body = ErrorBody, description = "Not logged in"),
))]
pub async fn queues(State(app): State<App>, who: Who) -> Result<Json<Queues>, ApiError> {
    who.may(Right::SeeQueues)?;
    let Snapshot { at, queues, .. } = see(&app, &who).await?;
    Ok(Json(Queues { at, queues }))
}

#[derive(Serialize, ToSchema)]
pub struct Agents {
    at: u64,
    agents: Vec<Agent>,
}

/// Agents and their states. Agents see themselves.
#[utoipa::path(get, path = "/api/v1/agents", tag = "agents", responses(
    (status = 200, body = Agents),
    (status = 401, body = ErrorBody, description = "Not logged in"),
))]
pub async fn agents(State(app): State<App>, who: Who) -> Result<Json<Agents>, ApiError> {
    who.may(Right::SeeAgents)?;
    let Snapshot { at, agents, .. } = see(&app, &who).await?;
    Ok(Json(Agents { at, agents }))
}

/// One agent.
#[utoipa::path(get, path = "/api/v1/agents/{agent}", tag = "agents", params(("agent" = String, Path)), responses(
    (status = 200, body = Agent),
    (status = 400, body = ErrorBody, description = "Not a name"),
    (status = 401, body = ErrorBody, description = "Not logged in"),
    (status = 403, body = ErrorBody, description = "Not you"),
    (status = 404, body = ErrorBody, description = "No such agent"),
))]
pub async fn agent(State(app): State<App>, who: Who, Named(agent): Named) -> Result<Json<Agent>, ApiError> {
    who.may_for(Right::SeeAgents, &agent.as_str().into())?;
    let Snapshot { agents, .. } = see(&app, &who).await?;
    agents.into_iter().find(|known| known.agent == agent).map(Json).ok_or(ApiError::NotFound("agent"))
}

/// What an agent's state shall be.
#[derive(Deserialize, ToSchema)]
#[serde(tag = "state", rename_all = "snake_case", deny_unknown_fields)]
pub enum Order {
    // With braces, or unknown fields would be let pass.
    Ready {},
    /// Takes effect after the talk and its wrap-up, if there is one now.
    NotReady {
        /// One word or a few: `lunch`, `training`. Default `api`.
        #[serde(default)]
        reason: Option<String>,
    },
    /// Wrap-up ends now.
    WrapUpDone {},
}

/// Changes an agent's state. Agents change their own.
#[utoipa::path(post, path = "/api/v1/agents/{agent}/state", tag = "agents", params(("agent" = String, Path)),
    request_body = Order, responses(
    (status = 204, description = "Done; what came of it is in the events"),
    (status = 400, body = ErrorBody, description = "Not what was expected"),
    (status = 401, body = ErrorBody, description = "Not logged in"),
    (status = 403, body = ErrorBody, description = "Not you, or not your role"),
    (status = 404, body = ErrorBody, description = "No such agent"),
    (status = 409, body = ErrorBody, description = "The agent's phone is not registered"),
    (status = 413, body = ErrorBody, description = "Too long"),
))]
pub async fn order(
    State(app): State<App>,
    who: Who,
    Named(agent): Named,
    body: Result<Json<Order>, JsonRejection>,
) -> Result<StatusCode, ApiError> {
    let agent = AgentId::from(agent.as_str());
    who.may_for(Right::OrderAgents, &agent)?;
    let Json(order) = body?;
    let user = who.person.user;
    let ask = match order {
        Order::Ready {} => Ask::SetReady { user, agent },
        Order::NotReady { reason } => Ask::SetNotReady { user, agent, reason: reason_word(reason)? },
        Order::WrapUpDone {} => Ask::WrapUpDone { user, agent },
    };
    done(app.doors.engine.ask(ask).await?, "agent")
}

fn reason_word(reason: Option<String>) -> Result<String, ApiError> {
    let reason = reason.unwrap_or_default();
    let reason = reason.trim();
    if reason.chars().count() > REASON || reason.chars().any(char::is_control) {
        return Err(ApiError::Bad(format!("reason: at most {REASON} symbols, in one line")));
    }
    Ok(if reason.is_empty() { "api".to_owned() } else { reason.to_owned() })
}

/// Ends a call.
#[utoipa::path(delete, path = "/api/v1/calls/live/{call}", tag = "live", params(("call" = String, Path)), responses(
    (status = 204, description = "It is over"),
    (status = 400, body = ErrorBody, description = "Not a call's id"),
    (status = 401, body = ErrorBody, description = "Not logged in"),
    (status = 403, body = ErrorBody, description = "Not your role"),
    (status = 404, body = ErrorBody, description = "No such call now"),
))]
pub async fn hang_up(State(app): State<App>, who: Who, Named(call): Named) -> Result<StatusCode, ApiError> {
    who.must(Right::EndCalls)?;
    let ask = Ask::HangUp { user: who.person.user, call: call_id(&call)? };
    done(app.doors.engine.ask(ask).await?, "call")
}

/// Which flow.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Verify {
    /// One that goes back to the agent (`agent_return`), such as `secure_pin`.
    flow: String,
}

/// The caller leaves the agent for a flow, types a secret there, and comes back. Agents do it in their own talks. How far
/// the caller is, and what came of it, is in the events: `keys_typed`, `verify_ended`.
#[utoipa::path(post, path = "/api/v1/calls/{call}/verify", tag = "live", params(("call" = String, Path)),
    request_body = Verify, responses(
    (status = 204, description = "The caller is in the flow"),
    (status = 400, body = ErrorBody, description = "Not what was expected"),
    (status = 401, body = ErrorBody, description = "Not logged in"),
    (status = 403, body = ErrorBody, description = "Not your role"),
    (status = 404, body = ErrorBody, description = "No such call now, or not yours"),
    (status = 409, body = ErrorBody, description = "Nobody talks with the caller now, or there is no such flow"),
))]
pub async fn verify(
    State(app): State<App>,
    who: Who,
    Named(call): Named,
    body: Result<Json<Verify>, JsonRejection>,
) -> Result<StatusCode, ApiError> {
    let reach = who.may(Right::Verify)?;
    let call = call_id(&call)?;
    let Json(Verify { flow }) = body?;
    let only =
        if reach == Reach::Own { Some(who.person.agent.ok_or(ApiError::NotFound("call"))?) } else { None };
    let ask = Ask::Verify { user: who.person.user, only, call, flow: flow.as_str().into() };
    done(app.doors.engine.ask(ask).await?, "call")
}

/// A call's id in an address.
pub fn call_id(text: &str) -> Result<CallId, ApiError> {
    text.parse().map_err(|error: crate::ids::NotACallId| ApiError::Bad(error.to_string()))
}

pub(super) fn done(answer: Answer, what: &'static str) -> Result<StatusCode, ApiError> {
    match answer {
        Answer::Done => Ok(StatusCode::NO_CONTENT),
        Answer::NotFound => Err(ApiError::NotFound(what)),
        Answer::Refused(why) => Err(ApiError::NotNow(why)),
        Answer::Wrong(why) => Err(ApiError::Bad(why)),
        Answer::Snapshot(_) | Answer::Emergency(_) | Answer::Flows(_) | Answer::Handover { .. } => {
            Err(ApiError::Ours)
        }
    }
}
