//! A phone's audio: one RTP socket, paced by the fleet, every packet numbered and stamped.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};

use hotline::media::command::{Direction, Session};
use hotline::media::rtp::{HEADER_BYTES, Header, Packet};
use hotline::moment::Moment;

/// Bytes of 20 ms of G.711.
const FRAME_BYTES: usize = 160;

/// Begins the payload of a packet of ours.
const MARK: &[u8; 4] = b"HLLT";

/// A-law's quietest value: the rest of a frame.
const A_LAW_SILENCE: u8 = 0xD5;

/// 20 ms packets of one pressed key, and how often its end is repeated (RFC 4733 §2.5.1.4).
const KEY_PACKETS: u16 = 5;
const KEY_ENDS: u16 = 3;

/// Ports tried for an even one before giving up.
const PORT_TRIES: usize = 200;

/// What a line has counted, in the window of measurement.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Packets of ours sent in the window.
    pub sent: u64,
    /// Packets of the other phone's window that reached us.
    pub received: u64,
    /// Packets of any kind received in the window, and how many its sequence numbers span.
    pub heard: u64,
    pub spanned: u64,
}

/// A phone's end of its audio.
#[derive(Debug)]
pub struct Line {
    socket: UdpSocket,
    pub port: u16,
    session: Option<Session>,
    sequence: u16,
    timestamp: u32,
    ssrc: u32,
    keys: VecDeque<char>,
    /// The key under way: symbol, its packet number, its timestamp.
    pressed: Option<(char, u16, u32)>,
    pub counts: Counts,
    /// Lowest and highest extended sequence number heard in the window.
    span: Option<(u64, u64)>,
    /// Packets heard, ever.
    pub heard_ever: u64,
    /// Packets of another phone heard, ever.
    pub voice_ever: u64,
}

impl Line {
    pub fn bind(host: IpAddr, ssrc: u32) -> io::Result<Line> {
        let even = |_| UdpSocket::bind((host, 0)).ok().filter(is_even);
        let socket = (0..PORT_TRIES).find_map(even).ok_or(io::ErrorKind::AddrNotAvailable)?;
        socket.set_nonblocking(true)?;
        Ok(Line {
            port: socket.local_addr()?.port(),
            socket,
            session: None,
            sequence: 1,
            timestamp: ssrc,
            ssrc,
            keys: VecDeque::new(),
            pressed: None,
            counts: Counts::default(),
            span: None,
            heard_ever: 0,
            voice_ever: 0,
        })
    }

    pub fn socket(&self) -> &UdpSocket {
        &self.socket
    }

    /// What was agreed on: where we send from now on.
    pub fn connect(&mut self, session: Session) -> io::Result<()> {
        self.socket.connect(session.remote)?;
        self.session = Some(session);
        Ok(())
    }

    pub fn remote(&self) -> Option<SocketAddr> {
        self.session.as_ref().map(|session| session.remote)
    }

    /// Presses a key, after those that are waiting.
    pub fn press(&mut self, symbol: char) {
        self.keys.push_back(symbol);
    }

    pub fn open_window(&mut self) {
        self.counts = Counts::default();
        self.span = None;
    }

    /// Sends this slot's 20 ms. `counted`: the window of measurement is open.
    pub fn send(&mut self, now: Moment, counted: bool) {
        let Some(session) = &self.session else {
            return;
        };
        if !matches!(session.direction, Direction::SendRecv | Direction::SendOnly) {
            return;
        }
        let mut packet = [A_LAW_SILENCE; HEADER_BYTES + FRAME_BYTES];
        if self.pressed.is_none() {
            self.pressed = self.keys.pop_front().map(|key| (key, 0, self.timestamp));
        }
        let bytes = match (self.pressed, session.telephone_event) {
            (Some((key, number, began)), Some(payload_type)) => {
                self.pressed =
                    if number + 1 < KEY_PACKETS + KEY_ENDS { Some((key, number + 1, began)) } else { None };
                let header = Header {
                    marker: number == 0,
                    payload_type,
                    sequence: self.sequence,
                    timestamp: began,
                    ssrc: self.ssrc,
                };
                write_header(&header, &mut packet);
                packet[HEADER_BYTES..HEADER_BYTES + 4].copy_from_slice(&event(key, number));
                HEADER_BYTES + 4
            }
            _ => {
                let header = Header {
                    marker: false,
                    payload_type: session.payload_type,
                    sequence: self.sequence,
                    timestamp: self.timestamp,
                    ssrc: self.ssrc,
                };
                write_header(&header, &mut packet);
                stamp(&mut packet[HEADER_BYTES..], now, counted);
                self.counts.sent += u64::from(counted);
                packet.len()
            }
        };
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(FRAME_BYTES as u32);
        // A full buffer or a peer that is gone is loss, and counted as such by the other end.
        let _ = self.socket.send(&packet[..bytes]);
    }

    /// Takes everything that has come; tells the one-way latency of each of the window's packets, in microseconds.
    pub fn receive(&mut self, now: Moment, open: bool, mut latency: impl FnMut(u64)) {
        let mut buffer = [0; 2_048];
        // An error (nothing there, or an ICMP of an earlier packet) ends this look; there will be another.
        while let Ok(bytes) = self.socket.recv(&mut buffer) {
            let Ok(packet) = Packet::parse(&buffer[..bytes]) else {
                continue;
            };
            self.heard_ever += 1;
            if open {
                self.counts.heard += 1;
                self.span(packet.sequence);
            }
            if let Some((sent, counted)) = read_stamp(packet.payload) {
                self.voice_ever += 1;
                if counted {
                    self.counts.received += 1;
                    latency(now.since(sent).as_micros() as u64);
                }
            }
        }
    }

    fn span(&mut self, sequence: u16) {
        let (low, high) =
            *self.span.get_or_insert((u64::from(sequence) + (1 << 16), u64::from(sequence) + (1 << 16)));
        let step = i64::from(sequence.wrapping_sub(high as u16).cast_signed());
        let extended = high.saturating_add_signed(step);
        let span = (low.min(extended), high.max(extended));
        self.span = Some(span);
        self.counts.spanned = span.1 - span.0 + 1;
    }
}

fn is_even(socket: &UdpSocket) -> bool {
    socket.local_addr().is_ok_and(|address| address.port() % 2 == 0)
}

fn write_header(header: &Header, packet: &mut [u8]) {
    let fixed = packet.first_chunk_mut::<HEADER_BYTES>().expect("a packet has room for its header");
    header.write(fixed);
}

/// RFC 4733 §2.3: event, end bit and volume, duration in samples.
fn event(key: char, number: u16) -> [u8; 4] {
    let code = match key {
        '*' => 10,
        '#' => 11,
        digit => digit.to_digit(10).unwrap_or(0) as u8,
    };
    let end = if number >= KEY_PACKETS { 0x80 } else { 0 };
    let duration = (number.min(KEY_PACKETS - 1) + 1) * FRAME_BYTES as u16;
    let [high, low] = duration.to_be_bytes();
    [code, end | 10, high, low]
}

fn stamp(payload: &mut [u8], now: Moment, counted: bool) {
    payload[..4].copy_from_slice(MARK);
    payload[4] = u8::from(counted);
    payload[5..13].copy_from_slice(&now.as_micros().to_be_bytes());
}

/// When the packet was sent, and whether it counts. `None` if it is not one of ours.
fn read_stamp(payload: &[u8]) -> Option<(Moment, bool)> {
    let rest = payload.strip_prefix(MARK.as_slice())?;
    let (counted, rest) = rest.split_first()?;
    let sent = u64::from_be_bytes(*rest.first_chunk()?);
    Some((Moment::from_micros(sent), *counted == 1))
}
