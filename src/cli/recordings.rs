//! `hotline recordings`: list, export, verify.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::args;
use super::calls::{open, print_json, utc};
use super::{CannotRun, Exit, print};
use crate::ids::CallId;
use crate::moment::Moment;
use crate::recording::shelf::{Shelf, ShelfError, Verified};
use crate::recording::verify::{Report, Verdict};
use crate::server;
use crate::store::calls::{Filter, ROWS};

/// The tapes of a data folder, which must be there: "0 tapes, 0 bad" of a folder misspelt would be a false proof.
fn shelf(data: &Path, key_file: Option<&PathBuf>) -> Result<Shelf, CannotRun> {
    if !data.is_dir() {
        return Err(CannotRun(format!("{} is not there, or no folder", data.display())));
    }
    let key = key_file.map(|path| server::read_key(path)).transpose();
    Ok(Shelf::new(data, key.map_err(|error| CannotRun(error.to_string()))?))
}

fn failed(error: ShelfError) -> CannotRun {
    CannotRun(error.to_string())
}

pub(super) fn list(args: &args::ListRecordings) -> Result<Exit, CannotRun> {
    let entries = shelf(&args.data, None)?.list(args.limit).map_err(failed)?;
    if args.json {
        return print_json(&entries);
    }
    print::line(&format!("{:<11}  {:<19}  {:>10}", "call", "arrived (UTC)", "bytes"));
    for entry in entries {
        print::line(&format!(
            "{:<11}  {:<19}  {:>10}",
            entry.call.to_string(),
            utc(entry.arrived),
            entry.bytes
        ));
    }
    Ok(Exit::Fine)
}

pub(super) fn export(args: &args::ExportRecording) -> Result<Exit, CannotRun> {
    let out = args.out.clone().unwrap_or_else(|| PathBuf::from(format!("{}.wav", args.call)));
    let bytes = match shelf(&args.data, args.key_file.as_ref())?.export(args.call, &out) {
        Ok(bytes) => bytes,
        Err(error @ ShelfError::NoTape(_)) => {
            eprintln!("hotline: {error}");
            return Ok(Exit::Bad);
        }
        Err(error) => return Err(failed(error)),
    };
    if args.json {
        return print_json(&serde_json::json!({ "call": args.call, "file": out, "bytes": bytes }));
    }
    print::line(&format!("{}: {bytes} bytes, left the caller, right the bank", out.display()));
    Ok(Exit::Fine)
}

pub(super) fn verify(args: &args::VerifyRecordings) -> Result<Exit, CannotRun> {
    let shelf = shelf(&args.data, args.key_file.as_ref())?;
    let ends = call_ends(&args.data)?;
    let verified = match args.call {
        Some(call) => match shelf.verify(call, ends.get(&call).copied()) {
            Ok(report) => vec![Verified::Report(Box::new(report))],
            Err(error) => vec![Verified::Unreadable { call, why: error.to_string() }],
        },
        None => shelf.verify_all(|call| ends.get(&call).copied()).map_err(failed)?,
    };
    let is_bad = |verified: &Verified| match verified {
        Verified::Report(report) => report.verdict == Verdict::Damaged,
        Verified::Unreadable { .. } => true,
    };
    let bad = verified.iter().filter(|verified| is_bad(verified)).count();
    if args.json {
        print_json(&verified)?;
    } else {
        for one in &verified {
            print::line(&line(one));
        }
        print::line(&format!("{} tapes, {bad} bad", verified.len()));
    }
    Ok(if bad == 0 { Exit::Fine } else { Exit::Bad })
}

fn line(verified: &Verified) -> String {
    match verified {
        Verified::Report(report) => report_line(report),
        Verified::Unreadable { call, why } => format!("{call}  UNREADABLE: {why}"),
    }
}

fn report_line(report: &Report) -> String {
    let side = |name: &str, side: &crate::recording::verify::Account| {
        format!(
            "{name} {} audio, {} silence, {} lost, {} gap, {} pause",
            side.audio_ms, side.silence_ms, side.loss_ms, side.gap_ms, side.pause_ms
        )
    };
    format!(
        "{}  {:<10} {:>8} ms, missing {} ms; {}; {}{}{}",
        report.call,
        format!("{:?}", report.verdict).to_lowercase(),
        report.length_ms,
        report.missing_ms,
        side("caller", &report.caller),
        side("bank", &report.bank),
        if report.remarks.is_empty() { "" } else { "; " },
        report.remarks.join("; ")
    )
}

/// When each call ended by its record; nothing if there is no database.
fn call_ends(data: &Path) -> Result<BTreeMap<CallId, Moment>, CannotRun> {
    if !data.join("hotline.db").is_file() {
        return Ok(BTreeMap::new());
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CannotRun::because("no runtime", error))?;
    runtime.block_on(async {
        let store = open(data).await?;
        let mut ends = BTreeMap::new();
        let mut filter = Filter { limit: ROWS, ..Filter::default() };
        loop {
            let records = store.calls(&filter).await.map_err(|error| CannotRun(error.to_string()))?;
            let is_last = records.len() < ROWS as usize;
            ends.extend(records.into_iter().filter_map(|record| Some((record.call, record.ended?))));
            if is_last {
                return Ok(ends);
            }
            filter.offset += ROWS;
        }
    })
}
