//! Accounts for a tape: nothing changed, and every moment of both sides is audio, silence, loss, a gap or a pause.

use serde::Serialize;

use super::block::Mark;
use super::frame::Side;
use super::read::{Tape, hex};
use super::timeline::{RATE, Timeline, samples_between};
use crate::ids::CallId;
use crate::moment::Moment;

/// A hole shorter than this (10 ms, in samples) is a clock being followed, not something missing.
const SLIP: i64 = 80;

/// A hole in a running RTP stream of somebody else's up to this long (300 ms) is loss; a longer one is a sender who paused.
const LOSS: i64 = 2_400;

/// A gap's packets may have been lost so much after it was reported, in samples (the report overtakes the tape).
const GAP_SLACK: i64 = 4_000;

/// What verification says in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Unchanged from header to end.
    Whole,
    /// Unchanged, but it was never ended: the server died, or the tape is still being written.
    Unfinished,
    /// Something is not as it was written.
    Damaged,
}

/// One side's time, in milliseconds; together they are the tape's length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Account {
    pub audio_ms: u64,
    /// Nothing was sent.
    pub silence_ms: u64,
    /// Sent, as the RTP time tells, and never received.
    pub loss_ms: u64,
    /// Had, but not put on the tape, for the reasons in `gaps`.
    pub gap_ms: u64,
    /// Not recorded on purpose.
    pub pause_ms: u64,
    /// Packets that came twice.
    pub duplicates: u64,
}

/// A named gap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NamedGap {
    pub at: Moment,
    pub why: String,
    pub frames: u32,
}

/// What was found out about a tape.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    pub call: CallId,
    pub verdict: Verdict,
    /// What is wrong, or unusual, in words.
    pub remarks: Vec<String>,
    pub sealed: bool,
    pub bytes: u64,
    pub blocks: u64,
    pub packets: u64,
    /// The last good block's; compare it with the one told when the tape was closed.
    pub hash: String,
    pub started: Moment,
    pub ended: Option<Moment>,
    /// Why it ended.
    pub ending: Option<String>,
    pub length_ms: u64,
    pub caller: Account,
    pub bank: Account,
    pub gaps: Vec<NamedGap>,
    /// From the tape's last moment to the call's recorded end, where that is known and later.
    pub missing_ms: u64,
}

/// Accounts for `tape`. `call_ended`: the end that the call's record tells.
pub fn verify(tape: Tape, call_ended: Option<Moment>) -> Report {
    let timeline = Timeline::new(tape);
    let tape = timeline.tape();
    let figures = &tape.figures;
    let end = tape.end();
    let verdict = match (&figures.damage, end) {
        (Some(_), _) => Verdict::Damaged,
        (None, None) if tape.opened => Verdict::Unfinished,
        (None, None) if figures.torn_bytes > 0 => Verdict::Unfinished,
        (None, _) => Verdict::Whole,
    };
    let missing = |ended: Moment| ended.since(tape.last_heard()).as_millis() as u64;
    let [caller, bank] = account(&timeline);
    Report {
        call: tape.header.call,
        verdict,
        remarks: remarks(tape),
        sealed: tape.header.key.is_some(),
        bytes: figures.bytes,
        blocks: figures.blocks,
        packets: tape.packets.len() as u64,
        hash: hex(&figures.hash),
        started: tape.header.started,
        ended: end.map(|(at, _)| at),
        ending: end.map(|(_, why)| why.to_owned()),
        length_ms: millis(timeline.samples() as i64),
        caller,
        bank,
        gaps: gaps(tape).collect(),
        missing_ms: call_ended.filter(|_| tape.opened).map_or(0, missing),
    }
}

fn remarks(tape: &Tape) -> Vec<String> {
    let mut remarks = Vec::new();
    if let Some(damage) = &tape.figures.damage {
        remarks.push(damage.to_string());
    }
    if tape.figures.torn_bytes > 0 {
        remarks.push(format!("torn tail: {} bytes ignored", tape.figures.torn_bytes));
    }
    if !tape.opened {
        remarks.push("sealed: only the chain was checked, its key was not given".into());
    } else if tape.end().is_none() {
        remarks.push("no end: cut short, or still being written".into());
    }
    remarks
}

fn gaps(tape: &Tape) -> impl Iterator<Item = NamedGap> {
    tape.marks.iter().filter_map(|(at, mark)| match mark {
        Mark::Gap { why, frames } => Some(NamedGap { at: *at, why: why.clone(), frames: *frames }),
        _ => None,
    })
}

const SIDES: [Side; 2] = [Side::Caller, Side::Bank];

/// A stretch of one side without a packet.
struct Hole {
    side: usize,
    from: i64,
    to: i64,
    /// Between two packets of one RTP stream that somebody else sent: what is missing was lost on its way to us.
    running: bool,
    pause: i64,
    gap: i64,
}

fn account(timeline: &Timeline) -> [Account; 2] {
    let mut holes = Vec::new();
    let mut accounts = [Account::default(); 2];
    let end = timeline.samples() as i64;
    for (side, account) in accounts.iter_mut().enumerate() {
        let placed = timeline.side(SIDES[side]);
        account.duplicates =
            placed.windows(2).filter(|p| p[0].start == p[1].start && p[0].run == p[1].run).count() as u64;
        find_holes(timeline, side, end, &mut holes);
    }
    name_pauses(timeline, &mut holes);
    name_gaps(timeline, &mut holes);
    for (side, account) in accounts.iter_mut().enumerate() {
        let holes = || holes.iter().filter(|hole| hole.side == side);
        let lost = |hole: &&Hole| hole.running && hole.to - hole.from <= LOSS;
        let rest = |hole: &Hole| hole.to - hole.from - hole.pause - hole.gap;
        account.pause_ms = millis(holes().map(|hole| hole.pause).sum());
        account.gap_ms = millis(holes().map(|hole| hole.gap).sum());
        account.loss_ms = millis(holes().filter(lost).map(rest).sum());
        account.silence_ms = millis(holes().filter(|hole| !lost(hole)).map(rest).sum());
        let named = account.pause_ms + account.gap_ms + account.loss_ms + account.silence_ms;
        account.audio_ms = millis(end).saturating_sub(named);
    }
    accounts
}

fn find_holes(timeline: &Timeline, side: usize, end: i64, holes: &mut Vec<Hole>) {
    let placed = timeline.side(SIDES[side]);
    let mut covered = 0;
    let mut run = None;
    let mut hole = |from: i64, to: i64, running| {
        let (from, to) = (from.max(0), to.min(end));
        if to - from > if running { SLIP } else { 0 } {
            holes.push(Hole { side, from, to, running, pause: 0, gap: 0 });
        }
    };
    for packet in placed {
        if packet.start > covered {
            // A frame of our own that is missing was late for its slot, and then never sent.
            let running = run == Some(packet.run) && !timeline.kept(packet).made;
            hole(covered, packet.start, running);
        }
        covered = covered.max(packet.end());
        run = Some(packet.run);
    }
    hole(covered, end, false);
}

fn name_pauses(timeline: &Timeline, holes: &mut [Hole]) {
    let tape = timeline.tape();
    let mut since = None;
    let mut pauses = Vec::new();
    for (at, mark) in &tape.marks {
        let at = samples_between(tape.header.started, *at);
        match mark {
            Mark::Pause { .. } => since = since.or(Some(at)),
            Mark::Resume | Mark::End { .. } => pauses.extend(since.take().map(|from| (from, at))),
            Mark::Gap { .. } | Mark::Message { .. } | Mark::MessageOver { .. } => {}
        }
    }
    pauses.extend(since.map(|from| (from, timeline.samples() as i64)));
    for hole in holes {
        let within = pauses.iter().map(|(from, to)| (hole.to.min(*to) - hole.from.max(*from)).max(0));
        hole.pause = within.sum::<i64>().min(hole.to - hole.from);
    }
}

/// A gap tells how many packets are missing up to its time, not of which side: it names the holes that end
/// nearest to it, of both sides, until all its packets are accounted for.
fn name_gaps(timeline: &Timeline, holes: &mut [Hole]) {
    let tape = timeline.tape();
    let packet = 20 * i64::from(RATE) / 1_000;
    for gap in gaps(tape) {
        let at = samples_between(tape.header.started, gap.at);
        let mut left = i64::from(gap.frames) * packet;
        holes.sort_by_key(|hole| (hole.to - at).abs());
        for hole in holes.iter_mut().filter(|hole| hole.from < at + GAP_SLACK) {
            let named = left.min(hole.to - hole.from - hole.pause - hole.gap);
            hole.gap += named;
            left -= named;
        }
    }
}

fn millis(samples: i64) -> u64 {
    (samples.max(0) * 1_000 / i64::from(RATE)) as u64
}
