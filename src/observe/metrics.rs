//! Figures for Prometheus: counts fed by what happens, and gauges read when somebody asks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::bots::BotTalks;
use super::flows::flows;
use super::hosts::HostAnswers;
use super::sound::{LegSounds, WorkerTimes};
use crate::acd::{AgentState, OfferFailure};
use crate::call::cause::Cause;
use crate::engine::happened::{Happened, OfferEnd, What};
use crate::engine::view::Snapshot;
use crate::media::stats::WorkerStats;
use crate::recording::recorder::Figures;
use crate::store::journal::{Health, JournalHandle};

/// One label. Its values come from closed lists or the configuration, never from callers.
pub(super) type Label = [(&'static str, String); 1];

/// The stages of a call, so that one without calls is zero and not absent.
const STAGES: [&str; 5] = ["menu", "waiting", "ringing", "talking", "verifying"];

/// The states of an agent.
const STATES: [&str; 6] = ["logged_out", "ready", "offered", "talking", "wrap_up", "not_ready"];

/// What is counted from the server's start.
#[derive(Clone, Default)]
pub struct Counts {
    arrived: Counter,
    /// As the engine last said: the journal, and so the stream of events, leaves out most of a flood.
    refused: Arc<AtomicU64>,
    /// Likewise; of these, those the server was too far behind for.
    turned_away: Arc<AtomicU64>,
    ended: Family<Label, Counter>,
    offers: Family<Label, Counter>,
    registrations: Counter,
    phones_vanished: Counter,
    /// Likewise.
    login_failures: Arc<AtomicU64>,
    recording_failures: Counter,
    missed: Counter,
    legs: LegSounds,
    hosts: HostAnswers,
    bots: BotTalks,
}

impl Counts {
    /// Counts from zero, with a line for every cause.
    pub fn new() -> Counts {
        let counts = Counts::default();
        for cause in Cause::ALL {
            // Made by being asked for.
            drop(counts.ended.get_or_create(&label("cause", cause.word())));
        }
        counts
    }

    pub fn count(&self, happened: &Happened) {
        if let What::LegMeasured(leg) = &happened.what {
            return self.legs.count(leg);
        }
        if let What::HostAnswered { host, outcome, ms, .. } = &happened.what {
            return self.hosts.count(host, *outcome, *ms);
        }
        if let What::BotLeft { bot, outcome, ms, .. } = &happened.what {
            return self.bots.count(bot, *outcome, *ms);
        }
        match &happened.what {
            What::CallArrived { .. } => self.arrived.inc(),
            What::CallEnded { cause, .. } => self.ended.get_or_create(&label("cause", cause.word())).inc(),
            What::OfferEnded { why, .. } => self.offers.get_or_create(&label("end", offer_word(*why))).inc(),
            What::PhoneRegistered => self.registrations.inc(),
            What::PhoneVanished => self.phones_vanished.inc(),
            What::RecordingFailed { .. } => self.recording_failures.inc(),
            _ => return,
        };
    }

    /// Events that could not be counted, because the counting was too slow.
    pub fn missed(&self, events: u64) {
        self.missed.inc_by(events);
    }

    /// What the engine counts itself. A snapshot that comes late takes nothing back.
    fn catch_up(&self, snapshot: &Snapshot) {
        self.refused.fetch_max(snapshot.calls_refused, Ordering::Relaxed);
        self.turned_away.fetch_max(snapshot.calls_turned_away, Ordering::Relaxed);
        self.login_failures.fetch_max(snapshot.login_failures, Ordering::Relaxed);
    }

    fn register(&self, registry: &mut Registry) {
        registry.register("calls_arrived", "Calls that arrived", self.arrived.clone());
        let (refused, wrong) = (&self.refused, &self.login_failures);
        counter(
            registry,
            "calls_refused",
            "Attempts that never became a call",
            refused.load(Ordering::Relaxed),
        );
        counter(
            registry,
            "calls_turned_away",
            "Calls refused because the server was behind",
            self.turned_away.load(Ordering::Relaxed),
        );
        counter(registry, "login_failures", "Wrong log-ins of API and phones", wrong.load(Ordering::Relaxed));
        registry.register("calls_ended", "Calls that ended, by cause", self.ended.clone());
        registry.register("offers_ended", "Offers to agents, by how they ended", self.offers.clone());
        registry.register("phone_registrations", "First registrations of phones", self.registrations.clone());
        registry.register("phones_vanished", "Phones that are gone", self.phones_vanished.clone());
        registry.register("recording_failures", "Tapes that failed", self.recording_failures.clone());
        self.legs.register(registry);
        self.hosts.register(registry);
        self.bots.register(registry);
        registry.register("events_uncounted", "Events missed by these counters", self.missed.clone());
    }
}

/// What is looked at when somebody asks.
pub struct Reading<'a> {
    /// None: the engine does not answer.
    pub snapshot: Option<&'a Snapshot>,
    pub media: &'a [Arc<WorkerStats>],
    pub tapes: &'a Figures,
    pub journal: &'a JournalHandle,
    pub sessions: usize,
    pub event_streams: usize,
}

/// All figures as OpenMetrics text.
pub fn text(counts: &Counts, reading: &Reading<'_>) -> Result<String, std::fmt::Error> {
    let mut registry = Registry::with_prefix("hotline");
    if let Some(snapshot) = reading.snapshot {
        counts.catch_up(snapshot);
    }
    counts.register(&mut registry);
    gauge(&mut registry, "up", "The engine answers", u64::from(reading.snapshot.is_some()));
    if let Some(snapshot) = reading.snapshot {
        live(&mut registry, snapshot);
        queues(&mut registry, snapshot);
        flows(&mut registry, &snapshot.flows);
    }
    media(&mut registry, reading.media);
    registry.register_collector(Box::new(WorkerTimes(reading.media.to_vec())));
    tapes(&mut registry, reading.tapes);
    journal(&mut registry, reading.journal);
    gauge(&mut registry, "api_sessions", "Sessions of the API", reading.sessions as u64);
    gauge(&mut registry, "api_event_streams", "Event streams open", reading.event_streams as u64);
    if let Some(bytes) = resident_bytes() {
        gauge(&mut registry, "process_resident_memory_bytes", "Memory of the process", bytes);
    }
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

pub(super) fn label(name: &'static str, value: &str) -> Label {
    [(name, value.to_owned())]
}

type Gauge64 = Gauge<u64, AtomicU64>;

pub(super) fn gauge(registry: &mut Registry, name: &str, help: &str, value: u64) {
    let gauge = Gauge64::default();
    gauge.set(value);
    registry.register(name, help, gauge);
}

fn counter(registry: &mut Registry, name: &str, help: &str, value: u64) {
    registry.register(name, help, ConstCounter::new(value));
}

pub(super) fn family(
    registry: &mut Registry,
    name: &str,
    help: &str,
    label_name: &'static str,
    values: impl IntoIterator<Item = (String, u64)>,
) {
    let family = Family::<Label, Gauge64>::default();
    for (value, number) in values {
        family.get_or_create(&label(label_name, &value)).inc_by(number);
    }
    registry.register(name, help, family);
}

fn live(registry: &mut Registry, snapshot: &Snapshot) {
    let zero = STAGES.iter().map(|stage| ((*stage).to_owned(), 0));
    let calls = zero.chain(snapshot.calls.iter().map(|call| (call.stage.to_owned(), 1)));
    family(registry, "calls_live", "Calls under way, by stage", "stage", calls);
    let zero = STATES.iter().map(|state| ((*state).to_owned(), 0));
    let agents = zero.chain(snapshot.agents.iter().map(|agent| (state_word(&agent.state).to_owned(), 1)));
    family(registry, "agents", "Agents, by state", "state", agents);
    gauge(registry, "draining", "The server takes no new calls", u64::from(snapshot.draining));
    gauge(
        registry,
        "overloaded",
        "The server is behind and turns new calls away",
        u64::from(snapshot.overloaded),
    );
    gauge(registry, "sip_transactions", "SIP transactions under way", snapshot.transactions as u64);
    gauge(registry, "sip_legs", "SIP dialogs under way", snapshot.legs as u64);
}

fn queues(registry: &mut Registry, snapshot: &Snapshot) {
    let waiting = snapshot.queues.iter().map(|queue| (queue.queue.to_string(), queue.waiting.len() as u64));
    family(registry, "queue_waiting", "Callers waiting", "queue", waiting);
    let longest = snapshot.queues.iter().map(|queue| {
        let waits = queue.waiting.iter().map(|waiting| snapshot.at.since(waiting.since).as_secs());
        (queue.queue.to_string(), waits.max().unwrap_or(0))
    });
    family(registry, "queue_longest_wait_seconds", "Longest wait of a caller", "queue", longest);
}

/// The word of a state: its name in JSON.
pub fn state_word(state: &AgentState) -> &'static str {
    match state {
        AgentState::LoggedOut => "logged_out",
        AgentState::Ready { .. } => "ready",
        AgentState::Offered { .. } => "offered",
        AgentState::Talking { .. } => "talking",
        AgentState::WrapUp { .. } => "wrap_up",
        AgentState::NotReady { .. } => "not_ready",
    }
}

fn offer_word(end: OfferEnd) -> &'static str {
    match end {
        OfferEnd::Answered => "answered",
        OfferEnd::CallerLeft => "caller_left",
        OfferEnd::Failed(OfferFailure::NoAnswer) => "no_answer",
        OfferEnd::Failed(OfferFailure::Rejected) => "rejected",
        OfferEnd::Failed(OfferFailure::Busy) => "busy",
        OfferEnd::Failed(OfferFailure::Unreachable) => "unreachable",
        OfferEnd::Failed(OfferFailure::NoPort) => "no_port",
    }
}

fn media(registry: &mut Registry, workers: &[Arc<WorkerStats>]) {
    let streams = workers.iter().map(|worker| worker.streams.get()).sum();
    gauge(registry, "media_streams", "RTP streams open", streams);
    let overloaded = workers.iter().map(|worker| worker.overloaded.get()).sum();
    gauge(registry, "media_workers_overloaded", "Media workers with more to do than they can", overloaded);
    for (name, help, read) in WORKER_COUNTS {
        let family = Family::<Label, Counter>::default();
        for (number, worker) in workers.iter().enumerate() {
            family.get_or_create(&label("worker", &number.to_string())).inc_by(read(worker));
        }
        registry.register(*name, *help, family);
    }
}

type WorkerCount = (&'static str, &'static str, fn(&WorkerStats) -> u64);

const WORKER_COUNTS: &[WorkerCount] = &[
    ("media_packets_received", "RTP packets received", |worker| worker.packets_received.get()),
    ("media_packets_sent", "RTP packets sent", |worker| worker.packets_sent.get()),
    ("media_packets_refused", "Packets from elsewhere or malformed", |worker| worker.packets_refused.get()),
    ("media_packets_stale", "Packets that came too late", |worker| worker.packets_stale.get()),
    ("media_packets_unauthentic", "Packets refused by SRTP", |worker| worker.packets_unauthentic.get()),
    ("media_send_errors", "Packets that could not be sent", |worker| worker.send_errors.get()),
    ("media_receive_errors", "Receives that failed", |worker| worker.receive_errors.get()),
    ("media_reports_sent", "RTCP reports sent", |worker| worker.reports_sent.get()),
    ("media_reports_received", "RTCP reports received", |worker| worker.reports_received.get()),
    ("media_commands_ignored", "Commands about unknown streams", |worker| worker.commands_ignored.get()),
    ("media_links_refused", "Listeners too many", |worker| worker.links_refused.get()),
    ("media_events_lost", "Events the engine did not take", |worker| worker.events_lost.get()),
    ("media_tape_frames_lost", "Frames lost before the tape", |worker| worker.tape_frames_lost.get()),
    ("media_packets_shed", "Packets dropped unread", |worker| worker.packets_shed.get()),
    ("media_slots_late", "Turns that began late", |worker| worker.slots_late.get()),
    ("media_legs_poor", "Times a leg became poor", |worker| worker.legs_poor.get()),
    ("media_slots_skipped", "Milliseconds passed over", |worker| worker.slots_skipped.get()),
];

fn tapes(registry: &mut Registry, figures: &Figures) {
    let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
    gauge(registry, "tapes_open", "Tapes being written", read(&figures.open_tapes));
    gauge(registry, "tapes_failing", "Tapes that cannot be written now", read(&figures.failing_tapes));
    counter(registry, "tape_frames_written", "Frames on tapes", read(&figures.frames_written));
    counter(registry, "tape_frames_strayed", "Frames of no open tape", read(&figures.frames_strayed));
    counter(registry, "tape_frames_lost", "Frames dropped while a tape failed", read(&figures.frames_lost));
    counter(registry, "tape_events_lost", "Events of tapes not fetched", read(&figures.events_lost));
}

fn journal(registry: &mut Registry, journal: &JournalHandle) {
    let well = *journal.health().borrow() == Health::Well;
    gauge(registry, "journal_healthy", "Events reach the disk", u64::from(well));
    gauge(registry, "journal_backlog", "Events not on disk yet", journal.backlog() as u64);
    counter(registry, "journal_written", "Events written", journal.written());
    counter(registry, "journal_lost", "Events lost", journal.lost());
}

/// Memory that the kernel counts for this process; none where there is no /proc.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::happened::Party;
    use crate::engine::releases::FlowsView;
    use crate::moment::Moment;

    #[test]
    fn what_happens_is_counted_by_cause_and_by_how_offers_end() {
        let counts = Counts::new();
        let count =
            |what| counts.count(&Happened { seq: 1, at: Moment::ZERO, call: None, agent: None, what });
        for _ in 0..2 {
            count(What::CallEnded { cause: Cause::Abandoned, by: Party::Caller, talk_ms: 0 });
        }
        count(What::OfferEnded { queue: "q".into(), why: OfferEnd::Failed(OfferFailure::Busy) });
        let mut registry = Registry::default();
        counts.register(&mut registry);
        let mut text = String::new();
        encode(&mut text, &registry).expect("text");
        assert!(text.contains("calls_ended_total{cause=\"abandoned\"} 2\n"), "{text}");
        assert!(text.contains("calls_ended_total{cause=\"busy\"} 0\n"), "causes that never came are zero");
        assert!(text.contains("offers_ended_total{end=\"busy\"} 1\n"));
    }

    #[test]
    fn refusals_and_wrong_log_ins_are_the_engines_own_count_and_never_fall() {
        let counts = Counts::new();
        let mut snapshot = Snapshot {
            at: Moment::ZERO,
            draining: false,
            calls: Vec::new(),
            agents: Vec::new(),
            queues: Vec::new(),
            flows: FlowsView::default(),
            transactions: 0,
            legs: 0,
            calls_refused: 1_000,
            calls_turned_away: 300,
            overloaded: true,
            login_failures: 7,
        };
        counts.catch_up(&snapshot);
        snapshot.calls_refused = 900;
        counts.catch_up(&snapshot);
        let mut registry = Registry::default();
        counts.register(&mut registry);
        let mut text = String::new();
        encode(&mut text, &registry).expect("text");
        assert!(text.contains("calls_refused_total 1000\n"), "{text}");
        assert!(text.contains("calls_turned_away_total 300\n"), "{text}");
        assert!(text.contains("login_failures_total 7\n"), "{text}");
    }

    #[test]
    fn the_process_knows_its_memory() {
        assert!(resident_bytes().is_some_and(|bytes| bytes > 1_000_000));
    }
}
