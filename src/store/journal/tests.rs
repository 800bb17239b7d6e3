use super::*;
use crate::call::cause::Cause;
use crate::engine::happened::{Party, What};
use crate::store::calls::Filter;
use crate::store::made::{Folder, arrived, call, event, talks, write};

fn ended(n: u64, seconds: u64) -> Happened {
    let what = What::CallEnded { cause: Cause::CallerHungUp, by: Party::Caller, talk_ms: 20_000 };
    event(n, seconds, what)
}

#[tokio::test]
async fn ten_thousand_events_are_written_in_order_chained_and_folded() {
    let folder = Folder::new();
    let store = folder.store().await;
    let story = (0..2_500).flat_map(|n| [arrived(n), talks(n, "1001"), ended(n, 30), event(n, 31, late())]);
    let story: Vec<_> = story.zip(1..).map(|(event, seq)| Happened { seq, ..event }).collect();
    write(&store, story.clone()).await;
    let proof = store.verify_journal().await.expect("readable");
    assert_eq!((proof.events, proof.missing, proof.first_bad), (10_000, 0, None));
    assert_eq!(store.events_since(0, 0).await.expect("readable"), story);
    let record = store.call(call(77)).await.expect("readable").expect("recorded");
    assert_eq!((record.cause, record.talk_ms), (Some(Cause::CallerHungUp), 20_000));
    assert_eq!(record.recording_gaps, 3, "what came after the end is folded in too");
    let all = Filter { limit: 3, ..Filter::default() };
    let newest: Vec<_> = store.calls(&all).await.expect("readable").iter().map(|r| r.call).collect();
    assert_eq!(newest, [call(2_499), call(2_498), call(2_497)]);
}

fn late() -> What {
    What::RecordingGap { why: "ring full".into(), frames: 3 }
}

#[tokio::test]
async fn an_event_about_a_call_of_an_earlier_run_finds_its_record() {
    let folder = Folder::new();
    let store = folder.store().await;
    write(&store, [arrived(1), ended(1, 5)]).await;
    let full = What::RecordingFailed { why: "no space".into() };
    write(&store, [event(1, 9, late()), event(1, 9, full)]).await;
    let record = store.call(call(1)).await.expect("readable").expect("recorded");
    assert_eq!((record.recording_gaps, record.ended.is_some()), (3, true));
    assert_eq!(record.recording_failed.as_deref(), Some("no space"));
}

#[tokio::test]
async fn numbers_go_on_across_runs_and_a_lost_event_leaves_a_hole_that_is_counted() {
    let folder = Folder::new();
    let store = folder.store().await;
    let numbered = |seq, event: Happened| Happened { seq, ..event };
    write(&store, [numbered(1, arrived(1)), numbered(2, ended(1, 5))]).await;
    store.close().await;
    let store = folder.store().await;
    write(&store, [numbered(1, arrived(2)), numbered(3, ended(2, 5))]).await;
    let seqs: Vec<_> = store.events_since(1, 0).await.expect("readable").iter().map(|e| e.seq).collect();
    assert_eq!(seqs, [2, 3, 5]);
    let proof = store.verify_journal().await.expect("readable");
    assert_eq!((proof.events, proof.missing, proof.first_bad), (4, 1, None));
}

/// Lets the database file grow by so many pages and no further: what a full disk looks like to SQLite.
async fn room(store: &Store, pages: i64) {
    let used: i64 = sqlx::query_scalar("PRAGMA page_count").fetch_one(&store.writer).await.expect("a number");
    let limit = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {}", used + pages));
    sqlx::query(limit).execute(&store.writer).await.expect("set");
}

#[tokio::test]
async fn a_full_disk_holds_events_back_in_order_and_says_so_until_there_is_room() {
    let folder = Folder::new();
    let store = folder.store().await;
    let (journal, handle) = Journal::spawn(&store, 1_000).await.expect("started");
    let mut health = handle.health();
    room(&store, 2).await;
    let mut sent = 0;
    while handle.record(arrived(sent)).is_ok() {
        sent += 1;
        // Lets the writer take what it can hold.
        tokio::task::yield_now().await;
    }
    assert!(sent >= 1_000 && handle.crowded());
    assert_eq!(handle.lost(), 1);
    let failing = health.wait_for(|health| *health != Health::Well).await.expect("running").clone();
    assert!(matches!(&failing, Health::Failing { why } if why.contains("full")), "{failing:?}");
    room(&store, 1_000_000).await;
    health.wait_for(|health| *health == Health::Well).await.expect("running");
    journal.close().await;
    assert_eq!((handle.written(), handle.backlog(), handle.crowded()), (sent, 0, false));
    let stored = store.events_since(0, 0).await.expect("readable");
    let calls: Vec<_> = stored.iter().filter_map(|event| event.call).collect();
    assert_eq!(calls, (0..sent).map(call).collect::<Vec<_>>());
    assert_eq!(store.verify_journal().await.expect("readable").first_bad, None);
}

#[tokio::test]
async fn a_server_that_stops_with_a_full_disk_gives_up_and_counts_what_is_lost() {
    let folder = Folder::new();
    let store = folder.store().await;
    room(&store, 0).await;
    let (journal, handle) = Journal::spawn(&store, 1_000).await.expect("started");
    (0..200).for_each(|n| handle.record(arrived(n)).expect("room"));
    journal.close().await;
    assert_eq!(handle.lost() + handle.written(), 200);
    assert!(handle.lost() > 0);
    assert!(handle.record(arrived(200)).is_err(), "a closed journal takes nothing");
}

#[tokio::test]
async fn however_often_a_full_disk_refused_a_batch_once_it_is_taken_everybody_sees_it() {
    let folder = Folder::new();
    let store = folder.store().await;
    let (mut seq, mut hash) =
        last_event(&mut store.writer.acquire().await.expect("free")).await.expect("read");
    let mut refused = 0;
    for round in 0..30 {
        let mut batch =
            Batch { rows: Vec::new(), records: Vec::new(), callbacks: Vec::new(), profiles: Vec::new() };
        // Of growing size, so that the room ends at one statement as well as at another.
        for n in 0..=round {
            seq += 1;
            let event = Happened { seq: seq as u64, ..arrived(round * 100 + n) };
            batch.rows.push(JournalRow::new(&event, &hash));
            hash = batch.rows[n as usize].hash;
            let record = CallRecord::open(&event).expect("a call that arrived");
            batch.records.push(record);
        }
        let mut taken = false;
        for pages in 0..4 {
            room(&store, pages).await;
            if !taken {
                taken = commit(&store, &batch).await.is_ok();
                refused += u32::from(!taken);
            }
        }
        room(&store, 1_000_000).await;
        if !taken {
            commit(&store, &batch).await.expect("there is room");
        }
        let proof = store.verify_journal().await.expect("readable");
        assert_eq!((proof.events, proof.missing, proof.first_bad), (seq as u64, 0, None));
    }
    assert!(refused > 0);
}

#[tokio::test]
async fn what_a_leg_sounded_like_comes_after_the_calls_end_and_is_in_its_record() {
    let folder = Folder::new();
    let store = folder.store().await;
    let figures = serde_json::json!({
        "leg": "caller", "codec": "PCMA", "packets_received": 980, "packets_sent": 1000, "packets_lost": 20,
        "packets_late": 0, "packets_repeated": 0, "packets_refused": 0, "bursts": 1, "jitter_us": 4000,
        "jitter_max_us": 9000, "round_trip_max_us": 0, "peer_jitter_us": 0,
        "heard": {"r_tenths": 861, "mos_hundredths": 421, "worst_mos_hundredths": 250},
        "passed": 980, "inside_p50_us": 20, "inside_p99_us": 60, "inside_max_us": 900,
    });
    let leg: crate::engine::happened::LegFigures = serde_json::from_value(figures).expect("as it is written");
    let measured = What::LegMeasured(Box::new(leg.clone()));
    write(&store, [arrived(1), ended(1, 5), event(1, 5, measured.clone())]).await;
    let record = store.call(call(1)).await.expect("readable").expect("recorded");
    assert_eq!(record.legs, [leg]);
    let last = store.events_of(call(1)).await.expect("readable").pop().expect("an event");
    assert_eq!(last.what, measured);
    assert_eq!(store.verify_journal().await.expect("readable").first_bad, None);
}
