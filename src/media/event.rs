//! What a media worker tells the control plane. Carried by a bounded ring, in order.

use std::net::SocketAddr;

use nix::errno::Errno;

use crate::ids::{CallId, PlayId, StreamId};

/// How a digit came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DigitBy {
    /// RFC 4733 telephone-event.
    Event,
    /// Tones in the audio (ITU-T Q.23/Q.24).
    Tone,
}

/// One side's figures, from RTP and RTCP (RFC 3550 §6.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    pub packets_received: u64,
    pub packets_sent: u64,
    /// Expected less received, over the stream's life.
    pub packets_lost: u64,
    /// From a wrong source, unknown payload type, or malformed: counted and dropped.
    pub packets_refused: u64,
    /// Inter-arrival jitter (RFC 3550 §6.4.1), microseconds.
    pub jitter_us: u32,
    /// Loss that the peer reports of what we sent, in 1/256.
    pub peer_loss_fraction: u8,
    /// Round trip by the peer's last report block, microseconds.
    pub round_trip_us: Option<u32>,
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
    /// Another stream on the same shared sockets has the same far end: this one hears nobody.
    Crossed { stream: StreamId },
    /// The stream is closed, its ports are free after quarantine.
    Closed { stream: StreamId, figures: Figures },
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
