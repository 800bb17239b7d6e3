//! Voice messages: which there are, how they sound, and who has dealt with them.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::error::{ApiError, ErrorBody};
use super::limits::rows;
use super::named::Named;
use super::recordings::read;
use super::role::Right;
use super::shown::Eyes;
use super::who::Who;
use crate::call::record::{CallRecord, MessageId, VoiceMessage};
use crate::engine::happened::MessageState;
use crate::engine::staff::Ask;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Only those that are not done.
    open: Option<bool>,
    /// At most 1000; 100 unless told otherwise.
    limit: Option<u32>,
}

/// A message that a caller left.
#[derive(Serialize, ToSchema)]
pub struct Message {
    /// The call's id, and the message's number in it.
    id: String,
    call: String,
    from: String,
    dialled: String,
    /// What the flow calls messages like it.
    name: String,
    began: u64,
    ms: u64,
    /// How it came to its end: `key`, `longest`, `call_ended` or `failed`.
    end: Option<String>,
    /// `new`, `heard` or `done`.
    state: String,
    /// The address of the sound.
    audio: String,
}

#[derive(Serialize, ToSchema)]
pub struct Messages {
    /// Newest first.
    messages: Vec<Message>,
}

/// The messages that callers left, newest first.
#[utoipa::path(get, path = "/api/v1/messages", tag = "messages", params(Wanted), responses(
    (status = 200, body = Messages),
    (status = 400, body = ErrorBody, description = "Not what was expected"),
    (status = 401, body = ErrorBody, description = "Not logged in"),
    (status = 403, body = ErrorBody, description = "Not your role"),
))]
pub async fn list(
    State(app): State<App>,
    who: Who,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<Messages>, ApiError> {
    who.must(Right::SeeMessages)?;
    let Query(wanted) = wanted?;
    let limit = rows(wanted.limit)?;
    let open = wanted.open.unwrap_or(false);
    let config = app.config();
    let eyes = Eyes::of(&who, &config);
    let records = app.doors.store.calls_with_messages(open, limit).await?;
    let messages = records
        .iter()
        .flat_map(|record| record.messages_left(open).map(move |message| shown(record, message, eyes)));
    Ok(Json(Messages { messages: messages.take(limit as usize).collect() }))
}

fn shown(record: &CallRecord, message: &VoiceMessage, eyes: Eyes<'_>) -> Message {
    let id = message.id(record.call).to_string();
    Message {
        audio: format!("/api/v1/messages/{id}/audio"),
        id,
        call: record.call.to_string(),
        from: eyes.number(&record.from),
        dialled: eyes.number(&record.dialled),
        name: message.name.clone(),
        began: message.began.as_micros(),
        ms: message.ms.unwrap_or(0),
        end: message.end.map(|end| end.word().to_owned()),
        state: message.state.word().to_owned(),
    }
}

/// What has become of a message.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// `new`, `heard` or `done`.
    #[schema(value_type = String)]
    state: MessageState,
}

/// Says that a message was heard, or done.
#[utoipa::path(post, path = "/api/v1/messages/{id}", tag = "messages", params(("id" = String, Path)),
    request_body = Mark, responses(
    (status = 204, description = "Journalled; the list tells it within a second"),
    (status = 400, body = ErrorBody, description = "Not what was expected"),
    (status = 401, body = ErrorBody, description = "Not logged in"),
    (status = 403, body = ErrorBody, description = "Not your role"),
    (status = 404, body = ErrorBody, description = "No such message"),
    (status = 413, body = ErrorBody, description = "Too long"),
))]
pub async fn mark(
    State(app): State<App>,
    who: Who,
    Named(id): Named,
    body: Result<Json<Mark>, JsonRejection>,
) -> Result<StatusCode, ApiError> {
    who.must(Right::MarkMessages)?;
    let Json(Mark { state }) = body?;
    let MessageId { call, number } = left(&app, &id).await?;
    let ask = Ask::MarkMessage { user: who.person.user, call, number, state };
    app.doors.engine.ask(ask).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The message, if somebody left it.
async fn left(app: &App, id: &str) -> Result<MessageId, ApiError> {
    let id: MessageId = id.parse().map_err(|_| ApiError::Bad(format!("not a message's id: {id:?}")))?;
    let record = app.doors.store.call(id.call).await?;
    let there = record.is_some_and(|record| record.messages_left(false).any(|m| m.number == id.number));
    if there { Ok(id) } else { Err(ApiError::NotFound("message")) }
}

/// The sound of the message and nothing before or after it: WAV, 8 kHz, 16 bits, the caller. Who plays it is journalled.
#[utoipa::path(get, path = "/api/v1/messages/{id}/audio", tag = "messages", params(("id" = String, Path)), responses(
    (status = 200, content_type = "audio/wav", body = [u8]),
    (status = 400, body = ErrorBody, description = "Not a message's id"),
    (status = 401, body = ErrorBody, description = "Not logged in"),
    (status = 403, body = ErrorBody, description = "Not your role"),
    (status = 404, body = ErrorBody, description = "No such message, or no tape of it"),
))]
pub async fn audio(State(app): State<App>, who: Who, Named(id): Named) -> Result<Response, ApiError> {
    who.must(Right::PlayRecordings)?;
    let MessageId { call, number } = left(&app, &id).await?;
    let sound = read(&app, move |shelf| shelf.message(call, number)).await?;
    let action = format!("play_message:{number}");
    let note = Ask::Note { user: who.person.user, call: Some(call), action };
    app.doors.engine.ask(note).await?;
    let wav = [(header::CONTENT_TYPE, HeaderValue::from_static("audio/wav"))];
    Ok((wav, sound).into_response())
}
