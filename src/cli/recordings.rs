//! `hotline recordings`: list, export, verify.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::args;
use super::calls::{open, print_json, utc};
use super::{CannotRun, Exit, print};
use crate::call::cause::Cause;
use crate::call::record::CallRecord;
use crate::ids::CallId;
use crate::recording::index::LISTED;
use crate::recording::shelf::{Shelf, ShelfError, Verified};
use crate::recording::verify::{Report, Verdict};
use crate::server;
use crate::store::calls::{Filter, ROWS};

/// The tapes of a data folder, which must be there: "0 tapes, 0 bad" of a folder misspelt would be a false proof.
pub(super) fn shelf(data: &Path, key_file: Option<&PathBuf>) -> Result<Shelf, CannotRun> {
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
    let records = records(&args.data)?;
    let ended = |call| records.get(&call).and_then(|record| record.ended);
    let verified = match args.call {
        Some(call) => match shelf.verify(call, ended(call)) {
            Ok(report) => vec![Verified::Report(Box::new(report))],
            Err(ShelfError::NoTape(_)) => vec![Verified::Missing { call }],
            Err(error) => vec![Verified::Unreadable { call, why: error.to_string() }],
        },
        None => {
            let mut verified = shelf.verify_all(ended).map_err(failed)?;
            let missing = missing(&verified, &records);
            verified.extend(missing);
            verified
        }
    };
    let bad = verified.iter().filter(|verified| is_bad(verified, &records)).count();
    if args.json {
        print_json(&verified)?;
    } else {
        for one in &verified {
            print::line(&line(one));
        }
        print::line(&format!("{} tapes, {bad} bad", verified.len()));
        if verified.len() >= LISTED {
            print::line(&format!("only the newest {LISTED} were looked at"));
        }
    }
    Ok(if bad == 0 { Exit::Fine } else { Exit::Bad })
}

/// A tape without an end is what a killed server leaves, and nothing else may.
fn is_bad(verified: &Verified, records: &BTreeMap<CallId, CallRecord>) -> bool {
    match verified {
        Verified::Report(report) => match report.verdict {
            Verdict::Whole => false,
            Verdict::Unfinished => records.get(&report.call).is_some_and(ended_in_order),
            Verdict::Damaged => true,
        },
        Verified::Unreadable { .. } | Verified::Missing { .. } => true,
    }
}

/// The call ended while the server ran, and its recording did not fail: its tape must be there, with its end.
fn ended_in_order(record: &CallRecord) -> bool {
    let killed = record.cause == Some(Cause::ServerRestarted);
    record.recorded && record.ended.is_some() && record.recording_failed.is_none() && !killed
}

/// Calls whose records promise a tape that is not among `verified`. Those before the oldest tape looked at are not
/// asked for if the listing was full.
fn missing(verified: &[Verified], records: &BTreeMap<CallId, CallRecord>) -> Vec<Verified> {
    let call = |verified: &Verified| match verified {
        Verified::Report(report) => report.call,
        Verified::Unreadable { call, .. } | Verified::Missing { call } => *call,
    };
    let there: BTreeSet<CallId> = verified.iter().map(call).collect();
    let oldest = there.first().copied().filter(|_| there.len() >= LISTED);
    let promised = records.values().filter(|record| ended_in_order(record)).map(|record| record.call);
    let absent = promised.filter(|call| !there.contains(call) && oldest.is_none_or(|oldest| *call > oldest));
    absent.map(|call| Verified::Missing { call }).collect()
}

fn line(verified: &Verified) -> String {
    match verified {
        Verified::Report(report) => report_line(report),
        Verified::Unreadable { call, why } => format!("{call}  UNREADABLE: {why}"),
        Verified::Missing { call } => format!("{call}  MISSING: the call was recorded, and there is no tape"),
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

/// All records; none if there is no database.
fn records(data: &Path) -> Result<BTreeMap<CallId, CallRecord>, CannotRun> {
    if !data.join("hotline.db").is_file() {
        return Ok(BTreeMap::new());
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CannotRun::because("no runtime", error))?;
    runtime.block_on(async {
        let store = open(data).await?;
        let mut all = BTreeMap::new();
        let mut filter = Filter { limit: ROWS, ..Filter::default() };
        loop {
            let records = store.calls(&filter).await.map_err(|error| CannotRun(error.to_string()))?;
            let is_last = records.len() < ROWS as usize;
            all.extend(records.into_iter().map(|record| (record.call, record)));
            if is_last {
                return Ok(all);
            }
            filter.offset += ROWS;
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::happened::{Happened, Party, What};
    use crate::moment::Moment;

    fn ended(call: u64, cause: Cause) -> (CallId, CallRecord) {
        let happened = |what| Happened {
            seq: 1,
            at: Moment::from_micros(call),
            call: Some(CallId(call)),
            agent: None,
            what,
        };
        let arrived = happened(What::CallArrived { from: "1".into(), dialled: "2".into() });
        let mut record = CallRecord::open(&arrived).expect("an arrival");
        record.apply(&happened(What::RecordingStarted));
        record.apply(&happened(What::CallEnded { cause, by: Party::Server, talk_ms: 0 }));
        (CallId(call), record)
    }

    #[test]
    fn a_deleted_tape_is_missed_and_one_that_a_killed_server_never_wrote_is_not() {
        let records = BTreeMap::from([ended(1, Cause::FlowEnded), ended(2, Cause::ServerRestarted)]);
        let missed = missing(&[], &records);
        assert!(matches!(missed[..], [Verified::Missing { call: CallId(1) }]), "{missed:?}");
        assert!(is_bad(&missed[0], &records));
        let there = Verified::Unreadable { call: CallId(1), why: "any".into() };
        assert!(missing(&[there], &records).is_empty());
    }
}
