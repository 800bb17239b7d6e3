//! What a media worker tells the control plane. Carried by a bounded ring, in order.

use std::net::SocketAddr;

use nix::errno::Errno;
use serde::{Deserialize, Serialize};

use super::command::Codec;
use super::histogram::Passage;
use super::quality::Rating;
use crate::ids::{CallId, PlayId, StreamId};

/// How a digit came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DigitBy {
    /// RFC 4733 telephone-event.
    Event,
    /// Tones in the audio (ITU-T Q.23/Q.24).
    Tone,
}

/// One leg's figures, from RTP and RTCP (RFC 3550 §6.4, RFC 3611). What each means is in docs/quality.md.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    pub packets_received: u64,
    pub packets_sent: u64,
    /// Never came, over the stream's life.
    pub packets_lost: u64,
    /// Came more than `PLAYOUT` later than the fastest: no use to a listener.
    pub packets_late: u64,
    /// Of those lost: dropped by the system because the worker did not read them in time (`SOCKET_BYTES`), not by the
    /// network. On sockets that are shared nobody knows whose they were.
    pub packets_shed: u64,
    /// Came once more.
    pub packets_repeated: u64,
    /// Stretches of heavy loss (RFC 3611 §4.7.2), packets in them, and those of them that were lost or late.
    pub bursts: u64,
    pub burst_packets: u64,
    pub burst_missing: u64,
    /// From a wrong source, unknown payload type, or malformed: counted and dropped.
    pub packets_refused: u64,
    /// Inter-arrival jitter (RFC 3550 §6.4.1), microseconds.
    pub jitter_us: u32,
    /// The most that it ever was.
    pub jitter_max_us: u32,
    /// Loss that the peer reports of what we sent, in 1/256, of its last interval.
    pub peer_loss_fraction: u8,
    /// What it reports as lost in all; none without a report.
    pub peer_packets_lost: Option<u64>,
    /// Jitter that it reports, microseconds.
    pub peer_jitter_us: u32,
    /// Round trip by the peer's last report block, microseconds.
    pub round_trip_us: Option<u32>,
    pub round_trip_max_us: u32,
    /// What was negotiated last.
    pub codec: Option<Codec>,
    /// What came from the peer sounds like this over all, and at its worst over `REPORT_INTERVAL` or so.
    pub heard: Option<Rating>,
    pub heard_worst: Option<Rating>,
    /// What the peer gets of ours, by its reports.
    pub told: Option<Rating>,
    pub told_worst: Option<Rating>,
    /// Time that the peer's packets spent inside the server before they went on to the other leg.
    pub passage: Passage,
}

/// Which direction of a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// From the peer to us.
    Heard,
    /// From us to the peer, by its reports.
    Told,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Both ports are bound: `Open` was obeyed.
    Opened { stream: StreamId },
    /// The ports could not be had; the stream is closed. See `blames_port`.
    OpenFailed { stream: StreamId, port: u16, errno: i32 },
    /// A digit was pressed: reported once, at its start (RFC 4733 §2.5) or when the tone is certain.
    Digit { stream: StreamId, symbol: char, by: DigitBy },
    /// The prompts of `play` have all been sent.
    Played { stream: StreamId, play: PlayId },
    /// Audio comes from an address other than the signalled one, and is accepted (safe latching).
    Latched { stream: StreamId, remote: SocketAddr },
    /// Nothing came for `command` limits' MEDIA_SILENCE; once per silence, and again after each `Connect`.
    Silent { stream: StreamId },
    /// This direction became worse than `POOR` in the last interval, or is better again: told when it changes.
    Quality { stream: StreamId, way: Way, rating: Rating, poor: bool },
    /// Another stream on the same shared sockets has the same far end: this one hears nobody.
    Crossed { stream: StreamId },
    /// The stream is closed, its ports are free after quarantine.
    Closed { stream: StreamId, figures: Box<Figures> },
    /// The tape ring is full: audio goes on, the tape has a gap of `frames` packets.
    TapeGap { call: CallId, frames: u32 },
    /// The worker of this number has more to do than its core can (`load`): no new calls for it. What it has goes on,
    /// with packets dropped where they cannot be read in time.
    Overloaded { worker: usize },
    /// It keeps up again.
    Eased { worker: usize },
}

/// Whether `errno` of `OpenFailed` speaks against that one port, so that another may do. Otherwise it is our address
/// or some resource of ours, which every port would want.
pub fn blames_port(errno: i32) -> bool {
    let ours =
        [Errno::EAGAIN, Errno::EMFILE, Errno::ENFILE, Errno::ENOMEM, Errno::ENOBUFS, Errno::EADDRNOTAVAIL];
    !ours.contains(&Errno::from_raw(errno))
}
