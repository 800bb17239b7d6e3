//! A tap on the room's loopback: every RTP packet with the kernel's time of it. Neither the server's word nor a
//! phone's is needed to say what was sent and when.

use std::io::IoSliceMut;
use std::ops::Range;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use nix::sys::socket::{
    AddressFamily, ControlMessageOwned, LinkAddr, MsgFlags, SockFlag, SockProtocol, SockType, recvmsg,
    setsockopt, socket, sockopt,
};
use nix::sys::time::{TimeSpec, TimeVal};

use super::sound::{self, RATE};

/// Ports of the server's streams.
pub const SERVER: Range<u16> = 16_384..32_768;

/// `PACKET_OUTGOING` of packet(7): on loopback each packet passes twice.
const OUTGOING: u8 = 4;

#[derive(Clone, Debug)]
pub struct Packet {
    /// Seconds since the epoch.
    pub at: f64,
    pub from: u16,
    pub to: u16,
    pub payload: Vec<u8>,
}

pub struct Tap {
    done: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Packet>>,
}

impl Tap {
    pub fn opens() -> Tap {
        let kind = SockType::Datagram;
        let flags = SockFlag::SOCK_CLOEXEC;
        let tap = socket(AddressFamily::Packet, kind, flags, SockProtocol::EthAll).expect("a packet socket");
        setsockopt(&tap, sockopt::ReceiveTimestampns, &true).expect("the kernel keeps time");
        setsockopt(&tap, sockopt::ReceiveTimeout, &TimeVal::new(0, 100_000)).expect("waits can be short");
        // Less than asked for is still much.
        let _ = setsockopt(&tap, sockopt::RcvBuf, &(8 << 20));
        let done = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&done);
        Tap { done, thread: std::thread::spawn(move || listen(&tap, &until)) }
    }

    /// Everything that passed.
    pub fn closes(self) -> Vec<Packet> {
        self.done.store(true, Ordering::Relaxed);
        self.thread.join().expect("the tap does not panic")
    }
}

fn listen(tap: &OwnedFd, done: &AtomicBool) -> Vec<Packet> {
    let mut packets = Vec::new();
    let mut buffer = [0; 2_048];
    let mut control = nix::cmsg_space!(TimeSpec);
    while !done.load(Ordering::Relaxed) {
        let mut parts = [IoSliceMut::new(&mut buffer)];
        let read = recvmsg::<LinkAddr>(tap.as_raw_fd(), &mut parts, Some(&mut control), MsgFlags::empty());
        let Ok(message) = read else { continue };
        let outgoing = message.address.is_some_and(|address| address.pkttype() == OUTGOING);
        let at = message.cmsgs().ok().and_then(|mut all| {
            all.find_map(|one| match one {
                ControlMessageOwned::ScmTimestampns(time) => Some(time),
                _ => None,
            })
        });
        let length = message.bytes;
        let Some(at) = at else { continue };
        let at = at.tv_sec() as f64 + at.tv_nsec() as f64 / 1e9;
        packets.extend((!outgoing).then(|| packet(at, &buffer[..length])).flatten());
    }
    packets
}

/// An IPv4 UDP datagram that looks like RTP.
fn packet(at: f64, ip: &[u8]) -> Option<Packet> {
    let udp = ip.get(usize::from(ip.first()? & 15) * 4..)?;
    let rtp = udp.get(8..)?;
    let port = |place: usize| u16::from_be_bytes([udp[place], udp[place + 1]]);
    let looks = ip[0] >> 4 == 4 && ip[9] == 17 && rtp.len() > 12 && rtp[0] >> 6 == 2;
    looks.then(|| Packet { at, from: port(0), to: port(2), payload: rtp.to_vec() })
}

/// The audio of one stream, on the kernel's clock.
pub struct Passed {
    /// When its first sample passed, in seconds since the epoch.
    pub from: f64,
    pub samples: Vec<i16>,
}

impl Passed {
    /// G.711 from one of `from` to one of `to`, put together by its RTP timestamps.
    pub fn between(packets: &[Packet], from: &Range<u16>, to: &Range<u16>) -> Passed {
        let audio: Vec<(&Packet, u32)> = packets
            .iter()
            .filter(|packet| from.contains(&packet.from) && to.contains(&packet.to))
            .filter(|packet| matches!(packet.payload[1] & 127, 0 | 8))
            .map(|packet| {
                let stamp = packet.payload[4..8].try_into().expect("four bytes");
                (packet, u32::from_be_bytes(stamp))
            })
            .collect();
        let first = audio.first().expect("audio passed").1;
        let mut passed = Passed { from: 0.0, samples: Vec::new() };
        let mut offsets = Vec::new();
        for (packet, stamp) in audio {
            let place = stamp.wrapping_sub(first) as usize;
            assert!(place < 600 * RATE, "a timestamp leaps from {first} to {stamp}");
            let law = if packet.payload[1] & 127 == 8 { sound::decode_alaw } else { sound::decode_ulaw };
            let payload = &packet.payload[12..];
            passed.samples.resize(passed.samples.len().max(place + payload.len()), 0);
            for (sample, byte) in passed.samples[place..].iter_mut().zip(payload) {
                *sample = law(*byte);
            }
            offsets.push(packet.at - place as f64 / RATE as f64);
        }
        offsets.sort_by(f64::total_cmp);
        passed.from = offsets[offsets.len() / 2];
        passed
    }

    /// What passed in a time.
    pub fn during(&self, from: f64, to: f64) -> &[i16] {
        let place =
            |time: f64| (((time - self.from).max(0.0) * RATE as f64) as usize).min(self.samples.len());
        &self.samples[place(from)..place(to)]
    }

    /// When sample `at` passed.
    pub fn time(&self, at: usize) -> f64 {
        self.from + at as f64 / RATE as f64
    }
}

/// The kernel's time, in seconds since the epoch, as packets have it.
#[expect(clippy::disallowed_methods, reason = "compared with the kernel's time of packets")]
pub fn clock() -> f64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.expect("after 1970").as_secs_f64()
}
