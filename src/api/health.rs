//! For those who look after the server: is it alive, is it ready, what are its figures. No log-in needed.

use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;

use super::App;
use super::error::ApiError;
use super::limits::{ENGINE_ANSWERS, SOCKETS};
use crate::engine::view::Snapshot;
use crate::observe::metrics::{self, Reading};
use crate::store::journal::Health as JournalHealth;

#[derive(Serialize, ToSchema)]
pub struct Health {
    /// `alive`.
    status: String,
    version: String,
}

/// The process is alive.
#[utoipa::path(get, path = "/healthz", tag = "health", security(()), responses((status = 200, body = Health)))]
pub async fn healthz() -> Json<Health> {
    Json(Health { status: "alive".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() })
}

#[derive(Serialize, ToSchema)]
pub struct Ready {
    ready: bool,
    /// Why not, each in a sentence.
    reasons: Vec<String>,
}

/// The server takes calls.
#[utoipa::path(get, path = "/readyz", tag = "health", security(()), responses(
    (status = 200, body = Ready), (status = 503, body = Ready, description = "It does not, and why"),
))]
pub async fn readyz(State(app): State<App>) -> Response {
    let reasons = reasons_against(&app).await;
    let status = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Ready { ready: reasons.is_empty(), reasons })).into_response()
}

async fn reasons_against(app: &App) -> Vec<String> {
    let mut reasons = Vec::new();
    match prompt_snapshot(app).await {
        None => reasons.push(format!("the engine did not answer within {} s", ENGINE_ANSWERS.as_secs())),
        Some(snapshot) if snapshot.draining => {
            reasons.push("the server is draining: no new calls".to_owned());
        }
        Some(_) => {}
    }
    if let JournalHealth::Failing { why } = &*app.doors.journal.health().borrow() {
        reasons.push(format!("the journal cannot be written: {why}"));
    }
    if app.doors.journal.crowded() {
        reasons.push("the journal is behind: the disk is too slow".to_owned());
    }
    let failing = app.doors.tapes.failing_tapes.load(Ordering::Relaxed);
    if failing > 0 {
        reasons.push(format!("{failing} tapes cannot be written"));
    }
    reasons
}

async fn prompt_snapshot(app: &App) -> Option<Box<Snapshot>> {
    timeout(ENGINE_ANSWERS, app.snapshot()).await.ok()?.ok()
}

/// Figures for Prometheus (OpenMetrics text).
#[utoipa::path(get, path = "/metrics", tag = "health", security(()), responses(
    (status = 200, content_type = "application/openmetrics-text", body = String),
))]
pub async fn metrics(State(app): State<App>) -> Result<Response, ApiError> {
    let snapshot = prompt_snapshot(&app).await;
    let sessions = app.sessions().count();
    let reading = Reading {
        snapshot: snapshot.as_deref(),
        media: &app.doors.media,
        tapes: &app.doors.tapes,
        journal: &app.doors.journal,
        sessions,
        event_streams: SOCKETS - app.sockets.available_permits(),
    };
    let text = metrics::text(&app.counts, &reading).map_err(|_| ApiError::Ours)?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}
