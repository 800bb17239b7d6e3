//! `hotline messages`: what callers have left, and how it sounds.

use std::path::PathBuf;

use super::args;
use super::calls::{open, print_json, utc};
use super::recordings::shelf;
use super::{CannotRun, Exit, print};
use crate::call::record::{CallRecord, MessageId, VoiceMessage};
use crate::observe::pii::Masked;
use crate::recording::shelf::ShelfError;

pub(super) fn list(args: &args::ListMessages) -> Result<Exit, CannotRun> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CannotRun::because("no runtime", error))?;
    let records = runtime.block_on(async {
        let store = open(&args.data).await?;
        let records = store.calls_with_messages(args.open, args.limit).await;
        records.map_err(|error| CannotRun(error.to_string()))
    })?;
    let left = records.iter().flat_map(|record| record.messages_left(args.open).map(move |m| (record, m)));
    let left: Vec<_> = left.take(args.limit as usize).collect();
    if args.json {
        let json: Vec<_> = left.iter().map(|(record, message)| json(record, message)).collect();
        return print_json(&json);
    }
    print::line(&format!(
        "{:<14}  {:<19}  {:<14} {:>7}  {:<5}  {:<10}  name",
        "message", "left (UTC)", "from", "lasts", "state", "ended"
    ));
    for (record, message) in left {
        print::line(&row(record, message));
    }
    Ok(Exit::Fine)
}

fn json(record: &CallRecord, message: &VoiceMessage) -> serde_json::Value {
    serde_json::json!({
        "id": message.id(record.call).to_string(),
        "call": record.call,
        "from": record.from,
        "dialled": record.dialled,
        "message": message,
    })
}

fn row(record: &CallRecord, message: &VoiceMessage) -> String {
    format!(
        "{:<14}  {:<19}  {:<14} {:>5.1} s  {:<5}  {:<10}  {}",
        message.id(record.call).to_string(),
        utc(message.began),
        Masked(&record.from).to_string(),
        message.ms.unwrap_or(0) as f64 / 1_000.0,
        message.state.word(),
        message.end.map_or("-", |end| end.word()),
        message.name,
    )
}

pub(super) fn export(args: &args::ExportMessage) -> Result<Exit, CannotRun> {
    let MessageId { call, number } = args.id;
    let out = args.out.clone().unwrap_or_else(|| PathBuf::from(format!("{}.wav", args.id)));
    let bytes = match shelf(&args.data, args.key_file.as_ref())?.export_message(call, number, &out) {
        Ok(bytes) => bytes,
        Err(error @ (ShelfError::NoTape(_) | ShelfError::NoMessage(..))) => {
            eprintln!("hotline: {error}");
            return Ok(Exit::Bad);
        }
        Err(error) => return Err(CannotRun(error.to_string())),
    };
    if args.json {
        let id = args.id.to_string();
        return print_json(&serde_json::json!({ "id": id, "file": out, "bytes": bytes }));
    }
    print::line(&format!("{}: {bytes} bytes", out.display()));
    Ok(Exit::Fine)
}
