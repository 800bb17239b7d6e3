//! The journal's writer: a task that takes events from the engine and puts them on disk in batches.
//!
//! The engine never waits. When the disk refuses, the batch is kept and tried again, and events queue up behind it
//! in order; half a queue is the sign to take no new calls.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx::SqliteConnection;
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::rows::{Hash, JournalRow, last_event, put_events, put_records};
use super::{Store, StoreError, callbacks, profiles};
use crate::call::record::CallRecord;
use crate::engine::happened::{Happened, What};
use crate::ids::CallId;

/// Events that may wait: about a minute at 50 calls/s, 20 MB. When full, events are handed back and counted as lost.
pub const CAPACITY: usize = 65_536;

/// Most events in one transaction.
pub const BATCH: usize = 512;

/// Longest wait for a batch to fill; with the commit an event is on disk within 100 ms.
const GATHER: Duration = Duration::from_millis(50);

/// A batch that the disk refused is tried again this often.
const RETRY_EVERY: Duration = Duration::from_millis(500);

/// Tries for a batch when the server is stopping.
const LAST_TRIES: u32 = 4;

/// Records of calls under way kept in memory, 30 MB. Beyond this the oldest are read back from disk when needed.
const OPEN_RECORDS: usize = 65_536;

/// Whether events reach the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    Well,
    /// Nothing is being written; worth an alarm.
    Failing {
        why: String,
    },
}

#[derive(Debug, Default)]
struct Gauges {
    /// Taken from the queue and not on disk yet.
    in_hand: AtomicU64,
    written: AtomicU64,
    lost: AtomicU64,
}

/// The engine's end: give it events. Cheap to clone.
#[derive(Clone, Debug)]
pub struct JournalHandle {
    events: mpsc::Sender<Happened>,
    gauges: Arc<Gauges>,
    health: watch::Receiver<Health>,
    first: u64,
}

impl JournalHandle {
    /// Never blocks. `Err` hands the event back: the queue is full, or the journal was closed. It is counted as lost.
    pub fn record(&self, event: Happened) -> Result<(), Box<Happened>> {
        self.events.try_send(event).map_err(|error| {
            self.gauges.lost.fetch_add(1, Ordering::Relaxed);
            let (TrySendError::Full(event) | TrySendError::Closed(event)) = error;
            Box::new(event)
        })
    }

    /// Events that are not on disk yet.
    pub fn backlog(&self) -> usize {
        let queued = self.events.max_capacity() - self.events.capacity();
        queued + self.gauges.in_hand.load(Ordering::Relaxed) as usize
    }

    /// More than half of the queue is taken: take no new calls until it is not.
    pub fn crowded(&self) -> bool {
        self.backlog() > self.events.max_capacity() / 2
    }

    /// The writer has ended: nothing is written any more.
    pub fn is_gone(&self) -> bool {
        self.events.is_closed()
    }

    /// Events written since the start.
    pub fn written(&self) -> u64 {
        self.gauges.written.load(Ordering::Relaxed)
    }

    /// Events lost since the start: the queue was full.
    pub fn lost(&self) -> u64 {
        self.gauges.lost.load(Ordering::Relaxed)
    }

    /// Changes when the disk refuses and when it takes events again.
    pub fn health(&self) -> watch::Receiver<Health> {
        self.health.clone()
    }

    /// Why nothing is being written, while that is so.
    pub fn failing(&self) -> Option<String> {
        match &*self.health.borrow() {
            Health::Well => None,
            Health::Failing { why } => Some(why.clone()),
        }
    }

    /// The number under which the run's event 1 is stored.
    pub fn first_seq(&self) -> u64 {
        self.first
    }
}

/// The running writer. Dropped, it takes no more events and ends when those that wait are written.
#[must_use = "the journal takes events as long as this lives"]
pub struct Journal {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Journal {
    /// Starts the writer. Numbers go on from the last event stored. `capacity`: `CAPACITY`, less in tests.
    /// Errors: the last event cannot be read.
    pub async fn spawn(store: &Store, capacity: usize) -> Result<(Journal, JournalHandle), StoreError> {
        let (last, hash) = last_event(&mut *store.writer.acquire().await?).await?;
        let (events, inbox) = mpsc::channel(capacity);
        let (say, health) = watch::channel(Health::Well);
        let (stop, stopping) = watch::channel(false);
        let gauges = Arc::<Gauges>::default();
        let writer = Writer {
            store: store.clone(),
            inbox,
            stopping,
            health: say,
            gauges: Arc::clone(&gauges),
            base: last as u64,
            last: last as u64,
            hash,
            open: BTreeMap::new(),
        };
        let task = tokio::spawn(writer.run());
        Ok((Journal { stop, task }, JournalHandle { events, gauges, health, first: last as u64 + 1 }))
    }

    /// Takes no more events, writes those that wait, and ends. Gives up after some tries if the disk refuses.
    pub async fn close(self) {
        self.stop.send_replace(true);
        // A task that panicked has nothing left to write.
        let _ = self.task.await;
    }
}

struct Writer {
    store: Store,
    inbox: mpsc::Receiver<Happened>,
    stopping: watch::Receiver<bool>,
    health: watch::Sender<Health>,
    gauges: Arc<Gauges>,
    /// Stored number of this run's event 0.
    base: u64,
    last: u64,
    hash: Hash,
    open: BTreeMap<CallId, CallRecord>,
}

/// What one transaction writes.
struct Batch {
    rows: Vec<JournalRow>,
    /// As they are after the last of the rows.
    records: Vec<CallRecord>,
    callbacks: Vec<callbacks::Change>,
    profiles: Vec<profiles::Change>,
}

impl Writer {
    async fn run(mut self) {
        let mut events = Vec::with_capacity(BATCH);
        while self.gather(&mut events).await {
            self.gauges.in_hand.store(events.len() as u64, Ordering::Relaxed);
            if !self.write(&mut events).await {
                self.gauges.lost.fetch_add(events.len() as u64, Ordering::Relaxed);
            }
            events.clear();
            self.gauges.in_hand.store(0, Ordering::Relaxed);
        }
    }

    /// Fills a batch; false when all has been taken and nothing more will come.
    ///
    /// After the first event it does not look for `GATHER`: who listens is woken by each event, and at thousands a
    /// second being woken would cost more than writing.
    async fn gather(&mut self, events: &mut Vec<Happened>) -> bool {
        let asked = async {
            // A sender that is gone asks as well.
            let _ = self.stopping.wait_for(|stop| *stop).await;
        };
        tokio::select! {
            biased;
            taken = self.inbox.recv_many(events, BATCH) => if taken == 0 { return false },
            () = asked, if !self.inbox.is_closed() => {
                self.inbox.close();
                return self.inbox.recv_many(events, BATCH).await > 0;
            }
        }
        let waiting = events.len() + self.inbox.len();
        if waiting < BATCH && !self.inbox.is_closed() {
            // That the time is over is what is waited for; a server that stops waits for nothing.
            let _ = timeout(GATHER, self.stopping.wait_for(|stop| *stop)).await;
        }
        while events.len() < BATCH
            && let Ok(event) = self.inbox.try_recv()
        {
            events.push(event);
        }
        true
    }

    /// Writes a batch however often it takes; false if the server is stopping and the disk still refuses.
    #[expect(clippy::disallowed_methods, reason = "this task has nothing to do but to wait for its disk")]
    async fn write(&mut self, events: &mut [Happened]) -> bool {
        let mut tries = 0;
        let mut batch = None;
        loop {
            let written = match &batch {
                Some(batch) => commit(&self.store, batch).await,
                None => match self.read_back(events).await {
                    Ok(()) => {
                        batch = Some(self.fold(events));
                        continue;
                    }
                    Err(error) => Err(error),
                },
            };
            let Err(error) = written else { break };
            self.say(Health::Failing { why: error.to_string() });
            tries += 1;
            if tries >= LAST_TRIES && *self.stopping.borrow() {
                return false;
            }
            sleep(RETRY_EVERY).await;
        }
        self.say(Health::Well);
        self.gauges.written.fetch_add(events.len() as u64, Ordering::Relaxed);
        for record in batch.iter().flat_map(|batch| &batch.records).filter(|record| record.ended.is_some()) {
            self.open.remove(&record.call);
        }
        while self.open.len() > OPEN_RECORDS {
            self.open.pop_first();
        }
        true
    }

    /// Fetches the records of calls that these events speak of and that are not in memory: something late about
    /// a call that has ended.
    async fn read_back(&mut self, events: &[Happened]) -> Result<(), StoreError> {
        let mut known = BTreeSet::new();
        for event in events {
            let Some(call) = event.call else { continue };
            if !known.insert(call) || self.open.contains_key(&call) {
                continue;
            }
            // A call that arrives has no record yet.
            if !matches!(event.what, What::CallArrived { .. })
                && let Some(record) = self.store.call(call).await?
            {
                self.open.insert(call, record);
            }
        }
        Ok(())
    }

    /// Numbers and chains the events, and folds them into the records.
    fn fold(&mut self, events: &mut [Happened]) -> Batch {
        let mut rows = Vec::with_capacity(events.len());
        let mut touched = BTreeSet::new();
        let mut callbacks = Vec::new();
        let profiles = events.iter().filter_map(profiles::Change::of).collect();
        for event in events {
            // Events that were lost leave their numbers free, so that the loss can be seen.
            event.seq = (self.base + event.seq).max(self.last + 1);
            let row = JournalRow::new(event, &self.hash);
            self.last = event.seq;
            self.hash = row.hash;
            rows.push(row);
            callbacks.extend(callbacks::Change::of(event));
            let Some(call) = event.call else { continue };
            match (CallRecord::open(event), self.open.get_mut(&call)) {
                (Some(record), _) => drop(self.open.insert(call, record)),
                (None, Some(record)) => record.apply(event),
                (None, None) => continue,
            }
            touched.insert(call);
        }
        let records = touched.iter().filter_map(|call| self.open.get(call)).cloned().collect();
        Batch { rows, records, callbacks, profiles }
    }

    /// Tells whoever watches; the log gets a line when it begins and one when it is over.
    fn say(&self, health: Health) {
        self.health.send_if_modified(|known| {
            match (&*known, &health) {
                (Health::Well, Health::Failing { why }) => {
                    tracing::error!(%why, "the journal cannot be written: events wait in memory");
                }
                (Health::Failing { .. }, Health::Well) => {
                    tracing::warn!("the journal is written again: every event that waited is on disk");
                }
                _ => {}
            }
            let changed = *known != health;
            *known = health;
            changed
        });
    }
}

/// Writes all of a batch or nothing of it; after an error it may be given again.
///
/// The transaction is said in plain SQL. SQLite ends one by itself when the disk is full, but not always; a count of
/// open transactions kept elsewhere goes wrong by that, and from then on a commit would end an inner one only, with
/// the outer one open for ever and nothing on disk.
async fn commit(store: &Store, batch: &Batch) -> Result<(), StoreError> {
    let mut connection = store.writer.acquire().await?;
    let written = put(&mut connection, batch).await;
    if written.is_err() {
        // Refused where SQLite has rolled back already; were it still open, the next BEGIN would say so.
        let _ = sqlx::query("ROLLBACK").execute(&mut *connection).await;
    }
    Ok(written?)
}

async fn put(connection: &mut SqliteConnection, batch: &Batch) -> Result<(), sqlx::Error> {
    sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await?;
    put_events(connection, &batch.rows).await?;
    put_records(connection, &batch.records).await?;
    callbacks::put(connection, &batch.callbacks).await?;
    profiles::put(connection, &batch.profiles).await?;
    sqlx::query("COMMIT").execute(connection).await?;
    Ok(())
}

#[cfg(test)]
mod tests;
