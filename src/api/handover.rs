//! What a bot found out of a caller, for the person who takes the call.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::App;
use super::error::{ApiError, ErrorBody};
use super::live::call_id;
use super::named::Named;
use super::role::{Reach, Right};
use super::who::Who;
use crate::engine::staff::{Answer, Ask};

/// What the last bot of a call found out.
#[derive(Serialize, ToSchema)]
pub struct Handover {
    call: String,
    /// The bot, by its name in the configuration; none if there was none, or it said nothing.
    bot: Option<String>,
    /// What it found out, as it said it.
    #[schema(value_type = Object)]
    slots: Map<String, Value>,
    /// In order; the end of a long one.
    transcript: Vec<Line>,
}

/// What was said.
#[derive(Serialize, ToSchema)]
pub struct Line {
    /// `bot`, `caller`, or whatever the bot calls them.
    who: String,
    text: String,
}

/// What a bot found out of a caller who is on the line now. Agents see it of the call that they have or are offered.
#[utoipa::path(get, path = "/api/v1/calls/live/{call}/handover", tag = "live", params(("call" = String, Path)),
    responses(
    (status = 200, body = Handover),
    (status = 400, body = ErrorBody, description = "Not a call's id"),
    (status = 401, body = ErrorBody, description = "Not logged in"),
    (status = 403, body = ErrorBody, description = "Not your role"),
    (status = 404, body = ErrorBody, description = "No such call now, or not yours"),
))]
pub async fn handover(
    State(app): State<App>,
    who: Who,
    Named(call): Named,
) -> Result<Json<Handover>, ApiError> {
    let reach = who.may(Right::SeeLive)?;
    let answer = app.doors.engine.ask(Ask::Handover { call: call_id(&call)? }).await?;
    let (agent, handover) = match answer {
        Answer::Handover { agent, handover } => (agent, handover),
        _ => return Err(ApiError::NotFound("call")),
    };
    if reach == Reach::Own && (agent.is_none() || agent != who.person.agent) {
        return Err(ApiError::NotFound("call"));
    }
    let Some(handover) = handover else {
        return Ok(Json(Handover { call, bot: None, slots: Map::new(), transcript: Vec::new() }));
    };
    let transcript = handover.result.transcript.into_iter();
    Ok(Json(Handover {
        call,
        bot: Some(handover.bot.to_string()),
        slots: serde_json::from_str(&handover.result.slots).unwrap_or_default(),
        transcript: transcript.map(|line| Line { who: line.who, text: line.text }).collect(),
    }))
}
