//! The emergency broadcast: what all callers are told, by whom, until when.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::App;
use super::error::{ApiError, ErrorBody};
use super::role::Right;
use super::who::Who;
use crate::diagnostic::fields::parse_duration;
use crate::engine::emergency::{OnAir, Over, Status};
use crate::engine::happened::{Broadcast, EmergencyEnd, Level};
use crate::engine::staff::{Answer, Ask};
use crate::moment::Moment;

/// Where the time is told that a broadcast says if nobody gave one.
const ZONE: &str = "Asia/Shanghai";

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// `info`: callers go on as ever; `deflect`: with the reduced menu; `full`: the call ends, but key 0 still reports a loss.
    #[schema(value_type = String)]
    level: Level,
    /// By name, in order; each must be there in every language of the flows that have an `emergency` node.
    prompts: Vec<String>,
    /// How long it is on, such as `2h`, from `1m` to `24h`. This or `until` must be given.
    #[serde(default)]
    r#for: Option<String>,
    /// When it ends by itself, at the latest 24 hours from now.
    #[serde(default)]
    until: Option<u64>,
    /// The time of day that is said, such as `14:30`, where a prompt says one. Default: when the broadcast ends.
    #[serde(default)]
    time: Option<String>,
}

/// What is on now, and what was on last.
#[derive(Serialize, ToSchema)]
pub struct Emergency {
    on: Option<OnNow>,
    last: Option<Last>,
}

#[derive(Serialize, ToSchema)]
pub struct OnNow {
    number: u64,
    #[schema(value_type = String)]
    level: Level,
    prompts: Vec<String>,
    time: Option<String>,
    /// Who started it.
    user: String,
    since: u64,
    until: u64,
    /// Callers who began to hear it.
    heard: u64,
    /// Of these, those who hung up while hearing it.
    hung_up: u64,
}

#[derive(Serialize, ToSchema)]
pub struct Last {
    #[serde(flatten)]
    was: OnNow,
    ended: u64,
    /// `stopped`, `expired`, `replaced`, or `unsayable`: a reload took its prompts.
    #[schema(value_type = String)]
    why: EmergencyEnd,
    /// Who ended it, if somebody did.
    by: Option<String>,
}

impl From<OnAir> for OnNow {
    fn from(on: OnAir) -> OnNow {
        OnNow {
            number: on.number,
            level: on.broadcast.level,
            prompts: on.broadcast.prompts,
            time: on.broadcast.time,
            user: on.user,
            since: on.since.as_micros(),
            until: on.until.as_micros(),
            heard: on.heard,
            hung_up: on.left,
        }
    }
}

impl From<Over> for Last {
    fn from(over: Over) -> Last {
        Last { was: over.was.into(), ended: over.at.as_micros(), why: over.why, by: over.by }
    }
}

impl From<Status> for Emergency {
    fn from(status: Status) -> Emergency {
        Emergency { on: status.on.map(Into::into), last: status.last.map(Into::into) }
    }
}

/// Tells what is broadcast to callers, and what was last.
#[utoipa::path(get, path = "/api/v1/emergency", tag = "emergency", responses(
    (status = 200, body = Emergency),
    (status = 401, body = ErrorBody, description = "Not logged in"),
))]
pub async fn status(State(app): State<App>, who: Who) -> Result<Json<Emergency>, ApiError> {
    who.may(Right::SeeQueues)?;
    ask(&app, Ask::Emergency).await
}

/// From the answer on every caller hears it, in place of what is on; calls that are past its place are not disturbed.
#[utoipa::path(post, path = "/api/v1/emergency", tag = "emergency", request_body = Start, responses(
    (status = 200, body = Emergency, description = "It is on"),
    (status = 400, body = ErrorBody, description = "Not what was expected; no end, or one too far; a prompt that is not there"),
    (status = 401, body = ErrorBody, description = "Not logged in"),
    (status = 403, body = ErrorBody, description = "Not your role"),
    (status = 413, body = ErrorBody, description = "Too long"),
))]
pub async fn start(
    State(app): State<App>,
    who: Who,
    body: Result<Json<Start>, JsonRejection>,
) -> Result<Json<Emergency>, ApiError> {
    who.must(Right::Broadcast)?;
    let Json(start) = body?;
    let now = app.now();
    let lasts = lasts(&start, now)?;
    let time = start.time.or_else(|| time_of_day(now + lasts));
    let broadcast = Broadcast { level: start.level, prompts: start.prompts, time };
    ask(&app, Ask::StartEmergency { user: who.person.user, broadcast, lasts }).await
}

/// It is over. Who is hearing it hears it to its end.
#[utoipa::path(delete, path = "/api/v1/emergency", tag = "emergency", responses(
    (status = 200, body = Emergency, description = "Nothing is on"),
    (status = 401, body = ErrorBody, description = "Not logged in"),
    (status = 403, body = ErrorBody, description = "Not your role"),
))]
pub async fn stop(State(app): State<App>, who: Who) -> Result<Json<Emergency>, ApiError> {
    who.must(Right::Broadcast)?;
    ask(&app, Ask::StopEmergency { user: who.person.user }).await
}

async fn ask(app: &App, ask: Ask) -> Result<Json<Emergency>, ApiError> {
    match app.doors.engine.ask(ask).await? {
        Answer::Emergency(status) => Ok(Json((*status).into())),
        Answer::Wrong(why) => Err(ApiError::Bad(why)),
        _ => Err(ApiError::Ours),
    }
}

fn lasts(start: &Start, now: Moment) -> Result<Duration, ApiError> {
    match (&start.r#for, start.until) {
        (Some(text), None) => parse_duration(text)
            .ok_or_else(|| ApiError::Bad(format!("for: `{text}` is not a duration such as 2h or 1h30m"))),
        (None, Some(until)) => Ok(Moment::from_micros(until).since(now)),
        _ => {
            Err(ApiError::Bad("a broadcast has an end: give either `for`, such as 2h, or `until`".to_owned()))
        }
    }
}

/// To the minute, the next one begun.
fn time_of_day(at: Moment) -> Option<String> {
    let micros = i64::try_from((at + Duration::from_secs(59)).as_micros()).ok()?;
    let there = Timestamp::from_microsecond(micros).ok()?.to_zoned(TimeZone::get(ZONE).ok()?);
    Some(format!("{:02}:{:02}", there.hour(), there.minute()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_said_is_the_minute_in_which_all_will_be_well() {
        let at = |seconds: u64| time_of_day(Moment::from_micros((1_795_000_000 + seconds) * 1_000_000));
        // 2026-11-18 19:06:40 in Shanghai.
        assert_eq!(at(0).as_deref(), Some("19:07"));
        assert_eq!(at(20).as_deref(), Some("19:07"));
        assert_eq!(at(21).as_deref(), Some("19:08"));
    }
}
