//! Records of calls, and what happened to each.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::error::{ApiError, ErrorBody};
use super::limits::rows;
use super::live::call_id;
use super::named::Named;
use super::role::{Reach, Right};
use super::shown::{self, Call, Event, Eyes};
use super::who::Who;
use crate::call::record::CallRecord;
use crate::engine::happened::{Happened, What};
use crate::ids::{CallId, ReleaseId};
use crate::moment::Moment;
use crate::store::calls::Filter;

/// Which calls.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Arrived then or later: RFC 3339, or microseconds since the Unix epoch.
    since: Option<String>,
    /// Arrived before.
    until: Option<String>,
    /// The agent who talked last. Agents get their own calls whatever they say here.
    agent: Option<String>,
    queue: Option<String>,
    /// Took this release of the flows.
    release: Option<u64>,
    /// The end of the caller's or the dialled number. Not for agents.
    number: Option<String>,
    /// At most 1000; 100 unless told otherwise.
    limit: Option<u32>,
    /// Calls to pass over.
    offset: Option<u32>,
}

#[derive(Serialize, ToSchema)]
pub struct Calls {
    /// Newest first.
    calls: Vec<Call>,
    limit: u32,
    offset: u32,
}

/// Records of calls, newest first.
#[utoipa::path(get, path = "/api/v1/calls", tag = "calls", params(Wanted), responses(
    (status = 200, body = Calls),
    (status = 400, body = ErrorBody, description = "Not what was expected"),
    (status = 401, body = ErrorBody, description = "Not logged in"),
    (status = 403, body = ErrorBody, description = "Not your role"),
))]
pub async fn list(
    State(app): State<App>,
    who: Who,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<Calls>, ApiError> {
    let reach = who.may(Right::ReadCalls)?;
    let Query(wanted) = wanted?;
    let mut filter = filter(wanted)?;
    if reach == Reach::Own {
        // By asking for endings one could find out what the mask hides.
        if filter.number.is_some() {
            return Err(ApiError::Forbidden);
        }
        filter.agent = who.person.agent.clone();
    }
    let config = app.config();
    let eyes = Eyes::of(&who, &config);
    let records = app.doors.store.calls(&filter).await?;
    let calls = records.into_iter().map(|record| shown::call(record, eyes)).collect();
    Ok(Json(Calls { calls, limit: filter.limit, offset: filter.offset }))
}

fn filter(wanted: Wanted) -> Result<Filter, ApiError> {
    let limit = rows(wanted.limit)?;
    Ok(Filter {
        since: wanted.since.as_deref().map(moment).transpose()?,
        until: wanted.until.as_deref().map(moment).transpose()?,
        agent: wanted.agent.as_deref().map(Into::into),
        queue: wanted.queue.as_deref().map(Into::into),
        release: wanted.release.map(ReleaseId),
        number: wanted.number.filter(|number| !number.is_empty()),
        limit,
        offset: wanted.offset.unwrap_or(0),
    })
}

fn moment(text: &str) -> Result<Moment, ApiError> {
    let bad = || ApiError::Bad(format!("not a time: {text:?}; write 2026-11-18T09:30:00Z, or microseconds"));
    let micros = match text.parse::<u64>() {
        Ok(micros) => micros,
        Err(_) => {
            let time: jiff::Timestamp = text.parse().map_err(|_| bad())?;
            u64::try_from(time.as_microsecond()).map_err(|_| bad())?
        }
    };
    // What the database cannot hold is later than everything.
    Ok(Moment::from_micros(micros.min(i64::MAX as u64)))
}

/// The record, if the asker may read it. An agent is not told that a call of another exists.
async fn record(app: &App, who: &Who, call: CallId) -> Result<CallRecord, ApiError> {
    let reach = who.may(Right::ReadCalls)?;
    let record = app.doors.store.call(call).await?.ok_or(ApiError::NotFound("call"))?;
    if reach == Reach::Own && (record.agent.is_none() || record.agent != who.person.agent) {
        return Err(ApiError::NotFound("call"));
    }
    Ok(record)
}

/// The record of one call.
#[utoipa::path(get, path = "/api/v1/calls/{call}", tag = "calls", params(("call" = String, Path)), responses(
    (status = 200, body = Call),
    (status = 400, body = ErrorBody, description = "Not a call's id"),
    (status = 401, body = ErrorBody, description = "Not logged in"),
    (status = 404, body = ErrorBody, description = "No such call, or not yours"),
))]
pub async fn one(State(app): State<App>, who: Who, Named(call): Named) -> Result<Json<Call>, ApiError> {
    let record = record(&app, &who, call_id(&call)?).await?;
    Ok(Json(shown::call(record, Eyes::of(&who, &app.config()))))
}

#[derive(Serialize, ToSchema)]
pub struct Events {
    call: String,
    /// In order.
    events: Vec<Event>,
}

/// What happened to one call.
#[utoipa::path(get, path = "/api/v1/calls/{call}/events", tag = "calls", params(("call" = String, Path)), responses(
    (status = 200, body = Events),
    (status = 400, body = ErrorBody, description = "Not a call's id"),
    (status = 401, body = ErrorBody, description = "Not logged in"),
    (status = 404, body = ErrorBody, description = "No such call, or not yours"),
))]
pub async fn events(State(app): State<App>, who: Who, Named(call): Named) -> Result<Json<Events>, ApiError> {
    let id = call_id(&call)?;
    record(&app, &who, id).await?;
    let config = app.config();
    let eyes = Eyes::of(&who, &config);
    let events = app.doors.store.events_of(id).await?;
    // For the agent the call is over when its caller is asked how it was; an end is told all the same.
    let asked = |happened: &Happened| matches!(happened.what, What::SurveyBegan { .. });
    let over = events.iter().position(asked).filter(|_| !eyes.ratings()).unwrap_or(events.len());
    let told = events.iter().enumerate().filter(|(place, happened)| {
        *place <= over || matches!(happened.what, What::CallEnded { .. } | What::LegMeasured(_))
    });
    let events = told.map(|(_, happened)| shown::event(happened, eyes)).collect();
    Ok(Json(Events { call: id.to_string(), events }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_rfc_3339_or_microseconds() {
        assert_eq!(moment("1970-01-01T00:00:01Z"), Ok(Moment::from_micros(1_000_000)));
        assert_eq!(moment("1970-01-01T08:00:01+08:00"), Ok(Moment::from_micros(1_000_000)));
        assert_eq!(moment("17"), Ok(Moment::from_micros(17)));
        for bad in ["", "yesterday", "-5", "1969-12-31T00:00:00Z"] {
            assert!(moment(bad).is_err(), "{bad}");
        }
    }
}
