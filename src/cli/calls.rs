//! `hotline calls`: what happened to each call.

use std::path::Path;

use super::args;
use super::{CannotRun, Exit};
use super::{print, sound, ticker};
use crate::call::record::CallRecord;
use crate::ids::{CallId, ReleaseId};
use crate::moment::Moment;
use crate::observe::pii::Masked;
use crate::store::Store;
use crate::store::calls::Filter;

pub(super) fn calls(args: &args::Calls) -> Result<Exit, CannotRun> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CannotRun::because("no runtime", error))?;
    runtime.block_on(async {
        let store = open(&args.data).await?;
        match args.call {
            Some(call) => one(&store, call, args.json).await,
            None => list(&store, args).await,
        }
    })
}

/// The database of a data folder, which must be there: a report must not make an empty one.
pub(super) async fn open(data: &Path) -> Result<Store, CannotRun> {
    let path = data.join("hotline.db");
    if !path.is_file() {
        let text =
            format!("{} is not there: no server has run with --data {}", path.display(), data.display());
        return Err(CannotRun(text));
    }
    Store::open_existing(&path).await.map_err(|error| CannotRun(error.to_string()))
}

async fn list(store: &Store, args: &args::Calls) -> Result<Exit, CannotRun> {
    let filter = Filter {
        agent: args.agent.as_deref().map(Into::into),
        queue: args.queue.as_deref().map(Into::into),
        release: args.release.map(ReleaseId),
        limit: args.limit,
        ..Filter::default()
    };
    let records = store.calls(&filter).await.map_err(|error| CannotRun(error.to_string()))?;
    if args.json {
        return print_json(&records);
    }
    print::line(&format!(
        "{:<11}  {:<19}  {:<14} {:<9} {:>7}  {:<9} {:<6} {:>7}  {:<16} {:>7}  path",
        "call", "arrived (UTC)", "from", "dialled", "lasted", "queue", "agent", "talked", "ended", "release"
    ));
    for record in &records {
        print::line(&row(record));
    }
    Ok(Exit::Fine)
}

fn row(record: &CallRecord) -> String {
    let lasted = record.ended.map_or_else(|| "live".to_owned(), |end| seconds(end.since(record.arrived)));
    let talked = std::time::Duration::from_millis(record.talk_ms);
    format!(
        "{:<11}  {:<19}  {:<14} {:<9} {:>7}  {:<9} {:<6} {:>7}  {:<16} {:>7}  {}",
        record.call.to_string(),
        utc(record.arrived),
        Masked(&record.from).to_string(),
        record.dialled,
        lasted,
        record.queue.as_ref().map_or("-", |queue| queue.as_str()),
        record.agent.as_ref().map_or("-", |agent| agent.as_str()),
        seconds(talked),
        record.cause.map_or("-", |cause| cause.word()),
        record.release.map_or_else(|| "-".to_owned(), |release| release.to_string()),
        record.path.join(" > "),
    )
}

fn seconds(time: std::time::Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// `2026-11-21 14:03:07`
pub(super) fn utc(at: Moment) -> String {
    let micros = i64::try_from(at.as_micros()).unwrap_or(i64::MAX);
    let stamp = jiff::Timestamp::from_microsecond(micros).unwrap_or(jiff::Timestamp::MAX);
    stamp.to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

async fn one(store: &Store, call: CallId, json: bool) -> Result<Exit, CannotRun> {
    let failed = |error: crate::store::StoreError| CannotRun(error.to_string());
    let Some(record) = store.call(call).await.map_err(failed)? else {
        eprintln!("hotline: no call {call}");
        return Ok(Exit::Bad);
    };
    let events = store.events_of(call).await.map_err(failed)?;
    if json {
        return print_json(&serde_json::json!({ "record": record, "events": events }));
    }
    print::line(&row(&record));
    for event in &events {
        if let Some(line) = ticker::line(event) {
            print::line(&format!("  {line}"));
        }
    }
    for line in record.legs.iter().flat_map(sound::lines) {
        print::line(&format!("  {line}"));
    }
    Ok(Exit::Fine)
}

pub(super) fn print_json(value: &impl serde::Serialize) -> Result<Exit, CannotRun> {
    let json = serde_json::to_string_pretty(value)
        .map_err(|error| CannotRun::because("the answer cannot be written", error))?;
    print::json(&json);
    Ok(Exit::Fine)
}
