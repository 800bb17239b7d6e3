//! Tapes: which there are, whether they are whole, and their sound.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::error::{ApiError, ErrorBody};
use super::limits::rows;
use super::live::call_id;
use super::named::Named;
use super::role::Right;
use super::sound::{Part, Sound};
use super::who::Who;
use crate::engine::staff::Ask;
use crate::ids::CallId;
use crate::recording::shelf::{Shelf, ShelfError};
use crate::recording::timeline::Timeline;
use crate::recording::wav::wav_len;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// At most 1000; 100 unless told otherwise.
    limit: Option<u32>,
}

/// A tape.
#[derive(Serialize, ToSchema)]
pub struct Recording {
    call: String,
    /// When the call arrived.
    arrived: u64,
    /// Of the tape, not of its sound.
    bytes: u64,
}

#[derive(Serialize, ToSchema)]
pub struct Recordings {
    /// Newest first.
    recordings: Vec<Recording>,
}

/// The tapes there are, newest first.
#[utoipa::path(get, path = "/api/v1/recordings", tag = "recordings", params(Wanted), responses(
    (status = 200, body = Recordings),
    (status = 400, body = ErrorBody, description = "Not what was expected"),
    (status = 401, body = ErrorBody, description = "Not logged in"),
    (status = 403, body = ErrorBody, description = "Not your role"),
))]
pub async fn list(
    State(app): State<App>,
    who: Who,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<Recordings>, ApiError> {
    who.must(Right::SeeRecordings)?;
    let limit = rows(wanted?.0.limit)?;
    let tapes = read(&app, move |shelf| shelf.list(limit as usize)).await?;
    let recordings = tapes.into_iter().map(|tape| Recording {
        call: tape.call.to_string(),
        arrived: tape.arrived.as_micros(),
        bytes: tape.bytes,
    });
    Ok(Json(Recordings { recordings: recordings.collect() }))
}

/// What verification found, and where the sound is.
#[derive(Serialize, ToSchema)]
pub struct Verified {
    call: String,
    /// The address of the sound.
    audio: String,
    /// `whole`, `unfinished` or `damaged`; each side's time by what it holds; gaps by name; the tape's hash.
    #[schema(value_type = Object)]
    report: Map<String, Value>,
}

/// Verifies one tape: reads all of it.
#[utoipa::path(get, path = "/api/v1/recordings/{call}", tag = "recordings", params(("call" = String, Path)), responses(
    (status = 200, body = Verified),
    (status = 400, body = ErrorBody, description = "Not a call's id"),
    (status = 401, body = ErrorBody, description = "Not logged in"),
    (status = 403, body = ErrorBody, description = "Not your role"),
    (status = 404, body = ErrorBody, description = "No tape of it"),
))]
pub async fn one(State(app): State<App>, who: Who, Named(call): Named) -> Result<Json<Verified>, ApiError> {
    who.must(Right::SeeRecordings)?;
    let call = call_id(&call)?;
    let ended = app.doors.store.call(call).await?.and_then(|record| record.ended);
    let report = read(&app, move |shelf| shelf.verify(call, ended)).await?;
    let Ok(Value::Object(report)) = serde_json::to_value(&report) else {
        return Err(ApiError::Ours);
    };
    let audio = format!("/api/v1/recordings/{call}/audio");
    Ok(Json(Verified { call: call.to_string(), audio, report }))
}

/// The sound: WAV, 8 kHz, 16 bits, caller left, bank right. Who plays it is journalled.
#[utoipa::path(get, path = "/api/v1/recordings/{call}/audio", tag = "recordings", params(
    ("call" = String, Path), ("Range" = Option<String>, Header, description = "One range of bytes"),
), responses(
    (status = 200, content_type = "audio/wav", body = [u8], description = "All of it"),
    (status = 206, content_type = "audio/wav", body = [u8], description = "The range"),
    (status = 304, description = "As you have it (If-None-Match)"),
    (status = 400, body = ErrorBody, description = "Not a call's id"),
    (status = 401, body = ErrorBody, description = "Not logged in"),
    (status = 403, body = ErrorBody, description = "Not your role"),
    (status = 404, body = ErrorBody, description = "No tape of it"),
    (status = 416, body = ErrorBody, description = "No byte of the range exists"),
))]
pub async fn audio(
    State(app): State<App>,
    who: Who,
    Named(call): Named,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    who.must(Right::PlayRecordings)?;
    let call = call_id(&call)?;
    let bytes =
        read(&app, move |shelf| shelf.find(call).map(|path| std::fs::metadata(path).map(|m| m.len())))
            .await?
            .map_err(|_| ApiError::NotFound("recording"))?;
    // A tape only grows: its length says whether it is the same.
    let tag = format!("\"{call}-{bytes:x}\"");
    if field(&headers, header::IF_NONE_MATCH).is_some_and(|tags| tags == "*" || tags.contains(&tag)) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let timeline = timeline(&app, call, bytes).await?;
    let length = wav_len(&timeline);
    let part = match field(&headers, header::RANGE) {
        Some(range) if field(&headers, header::IF_RANGE).is_none_or(|known| known == tag) => {
            Part::of(range, length)
        }
        _ => Part::Whole,
    };
    if method != Method::HEAD && part != Part::Outside {
        note_playing(&app, &who, call).await?;
    }
    answer(timeline, part, length, &tag)
}

fn answer(timeline: Arc<Timeline>, part: Part, length: u64, tag: &str) -> Result<Response, ApiError> {
    let (status, start, end) = match part {
        Part::Whole => (StatusCode::OK, 0, length),
        Part::Range(start, end) => (StatusCode::PARTIAL_CONTENT, start, end),
        Part::Outside => return Err(ApiError::Range(length)),
    };
    let mut response = (status, Body::new(Sound::new(timeline, start, end))).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("audio/wav"));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(end - start));
    let text = |text: String| HeaderValue::from_str(&text).map_err(|_| ApiError::Ours);
    headers.insert(header::ETAG, text(tag.to_owned())?);
    if status == StatusCode::PARTIAL_CONTENT {
        headers.insert(header::CONTENT_RANGE, text(format!("bytes {start}-{}/{length}", end - 1))?);
    }
    Ok(response)
}

fn field(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

async fn timeline(app: &App, call: CallId, bytes: u64) -> Result<Arc<Timeline>, ApiError> {
    if let Some(kept) = app.sounds().find(call, bytes) {
        return Ok(kept);
    }
    let timeline = Arc::new(read(app, move |shelf| shelf.timeline(call)).await?);
    app.sounds().keep(call, bytes, Arc::clone(&timeline));
    Ok(timeline)
}

/// Journalled before the first byte is given, once while a session plays one call: players ask in many ranges.
async fn note_playing(app: &App, who: &Who, call: CallId) -> Result<(), ApiError> {
    if app.sessions().begins_to_play(who.session, call) {
        let user = who.person.user.clone();
        let note = Ask::Note { user, call: Some(call), action: "play_recording".to_owned() };
        app.doors.engine.ask(note).await?;
    }
    Ok(())
}

/// Asks the shelf off the runtime, a few at a time.
pub(super) async fn read<T: Send + 'static>(
    app: &App,
    ask: impl FnOnce(&Shelf) -> Result<T, ShelfError> + Send + 'static,
) -> Result<T, ApiError> {
    let turn = Arc::clone(&app.readings).acquire_owned().await.map_err(|_| ApiError::Stopping)?;
    let shelf = app.doors.shelf.clone();
    let reading = tokio::task::spawn_blocking(move || {
        let answer = ask(&shelf);
        drop(turn);
        answer
    });
    reading.await.map_err(|_| ApiError::Ours)?.map_err(ApiError::from)
}
