//! A telephone on sockets of its own, that speaks without a pause and types in one of three ways.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use hotline::media::codec::Law;
use hotline::net::clock::Clock;
use md5::{Digest as _, Md5};

use super::PATIENCE;
use crate::interop::sound;

/// Bytes of 20 ms of G.711.
const FRAME: usize = 160;
/// How long that is.
const SLOT: Duration = Duration::from_millis(20);
/// Payload type of telephone-event.
const EVENT: u8 = 101;
/// A-law's.
const AUDIO: u8 = 8;

/// How keys are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// RFC 4733.
    Event,
    Info,
    /// As tones in the audio, of a phone that knows nothing else.
    Tones,
}

/// What goes out in a slot.
enum Sound {
    Audio(Vec<u8>),
    Event { code: u8, packets: u16 },
}

/// What the phone and its audio thread share.
struct Line {
    to: Option<SocketAddr>,
    queue: VecDeque<Sound>,
    /// A-law that came, all of it.
    heard: Vec<u8>,
    /// Packets with keys that came.
    events: usize,
    /// Slots that have passed.
    slots: u64,
    over: bool,
}

pub struct Phone {
    socket: UdpSocket,
    here: SocketAddr,
    server: SocketAddr,
    audio: SocketAddr,
    user: String,
    way: Way,
    sequence: u32,
    call_id: String,
    /// The server's To and Contact, or From, in the dialog.
    remote: String,
    target: String,
    line: Arc<Mutex<Line>>,
    speaks: Option<JoinHandle<()>>,
}

impl Phone {
    pub fn new(server: SocketAddr, at: IpAddr, user: &str, way: Way) -> Phone {
        let socket = UdpSocket::bind((at, 0)).expect("a port");
        socket.set_read_timeout(Some(PATIENCE)).expect("a time");
        let rtp = UdpSocket::bind((at, 0)).expect("a port");
        let (here, audio) = (socket.local_addr().expect("bound"), rtp.local_addr().expect("bound"));
        let line =
            Line { to: None, queue: VecDeque::new(), heard: Vec::new(), events: 0, slots: 0, over: false };
        let line = Arc::new(Mutex::new(line));
        let (shared, seed) = (Arc::clone(&line), u64::from(here.port()));
        Phone {
            socket,
            here,
            server,
            audio,
            user: user.to_owned(),
            way,
            sequence: 0,
            call_id: format!("{user}-{}", here.port()),
            remote: String::new(),
            target: String::new(),
            line,
            speaks: Some(std::thread::spawn(move || speak(&rtp, &shared, seed))),
        }
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything heard so far, as samples.
    pub fn heard(&self) -> Vec<i16> {
        self.line().heard.iter().map(|byte| sound::decode_alaw(*byte)).collect()
    }

    /// Packets with keys that came.
    pub fn events(&self) -> usize {
        self.line().events
    }

    /// Lets so much of the talk pass.
    pub fn talks(&self, time: Duration) {
        let until = self.line().slots + (time.as_millis() / SLOT.as_millis()) as u64;
        self.waits(|line| line.slots >= until);
    }

    fn waits(&self, done: impl Fn(&Line) -> bool) {
        let clock = Clock::start();
        let began = clock.now();
        while !done(&self.line()) {
            assert!(clock.now().since(began) < PATIENCE, "the audio stands still");
            std::thread::yield_now();
            std::thread::park_timeout(SLOT);
        }
    }

    pub fn registers(&mut self, password: &str) {
        let uri = format!("sip:{}", self.server);
        let to = format!("To: <sip:{}@{}>", self.user, self.server);
        let challenge = self.sends("REGISTER", &uri, &to, "Expires: 600\r\n", "");
        let line = challenge.lines().find(|l| l.starts_with("WWW-Authenticate") && l.contains("MD5"));
        let line = line.unwrap_or_else(|| panic!("{challenge}")).to_owned();
        let parameter = |name: &str| {
            let from = line.find(&format!("{name}=\"")).expect("a parameter") + name.len() + 2;
            line[from..].split('"').next().unwrap_or_default().to_owned()
        };
        let (realm, nonce, user) = (parameter("realm"), parameter("nonce"), &self.user);
        let md5 = |text: String| -> String {
            Md5::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
        };
        let secret = md5(format!("{user}:{realm}:{password}"));
        let asked = md5(format!("REGISTER:{uri}"));
        let answer = md5(format!("{secret}:{nonce}:00000001:abc:auth:{asked}"));
        let proof = format!(
            "Expires: 600\r\nAuthorization: Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", \
             uri=\"{uri}\", response=\"{answer}\", algorithm=MD5, qop=auth, nc=00000001, cnonce=\"abc\"\r\n"
        );
        let registered = self.sends("REGISTER", &uri, &to, &proof, "");
        assert!(registered.starts_with("SIP/2.0 200"), "{registered}");
    }

    fn description(&self) -> String {
        let (address, port) = (self.audio.ip(), self.audio.port());
        let event = match self.way {
            Way::Event => format!(" {EVENT}\r\na=rtpmap:{EVENT} telephone-event/8000\r\na=fmtp:{EVENT} 0-15"),
            Way::Info | Way::Tones => String::new(),
        };
        format!(
            "v=0\r\no=- 1 1 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\nm=audio {port} RTP/AVP {AUDIO}{event}\r\n"
        )
    }

    pub fn dials(&mut self, number: &str) {
        let uri = format!("sip:{number}@{}", self.server);
        let body = self.description();
        let to = format!("To: <{uri}>");
        let answer = self.sends("INVITE", &uri, &to, "Content-Type: application/sdp\r\n", &body);
        assert!(answer.starts_with("SIP/2.0 200"), "{answer}");
        self.remote = field(&answer, "To:");
        self.target = in_angles(&field(&answer, "Contact:"));
        let ack = self.message("ACK", &self.target, &self.remote, "", "");
        self.socket.send_to(ack.as_bytes(), self.server).expect("sent");
        self.line().to = Some(audio_of(&answer));
    }

    /// Waits until it rings, and picks up.
    pub fn answers(&mut self) {
        let invite = self.receives(|text| text.starts_with("INVITE "));
        let body = self.description();
        let head = ["Via:", "From:", "Call-ID:", "CSeq:"].map(|name| field(&invite, name)).join("\r\n");
        let answer = format!(
            "SIP/2.0 200 OK\r\n{head}\r\n{};tag=agent{}\r\nContact: <sip:{}@{}>\r\n\
             Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
            field(&invite, "To:"),
            self.sequence,
            self.user,
            self.here,
            body.len()
        );
        self.sequence += 1;
        self.line().to = Some(audio_of(&invite));
        self.socket.send_to(answer.as_bytes(), self.server).expect("sent");
        self.receives(|text| text.starts_with("ACK "));
    }

    /// Types, and lets the last key fade.
    pub fn types(&mut self, keys: &str) {
        for key in keys.chars() {
            match self.way {
                Way::Info => {
                    let body = format!("Signal={key}\r\nDuration=100\r\n");
                    let (target, remote) = (self.target.clone(), self.remote.clone());
                    let kind = "Content-Type: application/dtmf-relay\r\n";
                    let answer = self.sends("INFO", &target, &remote, kind, &body);
                    assert!(answer.starts_with("SIP/2.0 200"), "{answer}");
                    self.talks(SLOT * 2);
                }
                Way::Event => {
                    let code = if key == '#' { 11 } else { key.to_digit(10).expect("a key") as u8 };
                    let press = (0..8).map(|packets| Sound::Event { code, packets });
                    let pause = self.voice(4);
                    self.line().queue.extend(press.chain(pause));
                }
                Way::Tones => {
                    let tone = sound::tones(&tones(key), 0.1);
                    let mut payload = vec![0; tone.len()];
                    Law::A.encode(&tone, &mut payload);
                    let press =
                        payload.chunks(FRAME).map(|frame| Sound::Audio(frame.to_vec())).collect::<Vec<_>>();
                    let pause = self.voice(4);
                    self.line().queue.extend(press.into_iter().chain(pause));
                }
            }
        }
        self.waits(|line| line.queue.is_empty());
    }

    /// So many frames of nearly nothing.
    fn voice(&self, frames: usize) -> Vec<Sound> {
        (0..frames).map(|_| Sound::Audio(vec![0xD5; FRAME])).collect()
    }

    pub fn hangs_up(&mut self) {
        let (target, remote) = (self.target.clone(), self.remote.clone());
        let answer = self.sends("BYE", &target, &remote, "", "");
        assert!(answer.starts_with("SIP/2.0 200"), "{answer}");
        self.line().to = None;
    }

    /// The bank hangs up on it.
    pub fn is_hung_up_on(&mut self) {
        let bye = self.receives(|text| text.starts_with("BYE "));
        let head = ["Via:", "From:", "To:", "Call-ID:", "CSeq:"].map(|name| field(&bye, name)).join("\r\n");
        let answer = format!("SIP/2.0 200 OK\r\n{head}\r\nContent-Length: 0\r\n\r\n");
        self.socket.send_to(answer.as_bytes(), self.server).expect("sent");
        self.line().to = None;
    }

    fn sends(&mut self, method: &str, uri: &str, to: &str, extra: &str, body: &str) -> String {
        self.sequence += 1;
        let request = self.message(method, uri, to, extra, body);
        self.socket.send_to(request.as_bytes(), self.server).expect("sent");
        let cseq = format!("CSeq: {} {method}", self.sequence);
        self.receives(|text| {
            text.starts_with("SIP/2.0 ") && !text.starts_with("SIP/2.0 1") && text.contains(&cseq)
        })
    }

    fn receives(&self, wanted: impl Fn(&str) -> bool) -> String {
        let mut datagram = [0; 65_536];
        loop {
            let (length, _) = self.socket.recv_from(&mut datagram).expect("a message");
            let text = String::from_utf8_lossy(&datagram[..length]).into_owned();
            if wanted(&text) {
                return text;
            }
        }
    }

    fn message(&self, method: &str, uri: &str, to: &str, extra: &str, body: &str) -> String {
        let Phone { here, server, user, sequence, call_id, .. } = self;
        format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bK{}{method}{sequence};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{user}@{server}>;tag=t{user}\r\n{to}\r\nCall-ID: {call_id}\r\n\
             CSeq: {sequence} {method}\r\nContact: <sip:{user}@{here}>\r\n{extra}Content-Length: {}\r\n\r\n{body}",
            here.port(),
            body.len()
        )
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        self.line().over = true;
        if let Some(speaks) = self.speaks.take() {
            // A thread that panicked has said so.
            let _ = speaks.join();
        }
    }
}

/// The two tones of a key (ITU-T Q.23).
pub fn tones(key: char) -> [f64; 2] {
    const KEYS: &str = "123A456B789C*0#D";
    let place = KEYS.find(key).expect("a key");
    [[697.0, 770.0, 852.0, 941.0][place / 4], [1_209.0, 1_336.0, 1_477.0, 1_633.0][place % 4]]
}

fn field(message: &str, name: &str) -> String {
    let line = message.lines().find(|line| line.starts_with(name));
    line.unwrap_or_else(|| panic!("no {name} in {message}")).to_owned()
}

fn in_angles(field: &str) -> String {
    field.split('<').nth(1).and_then(|rest| rest.split('>').next()).expect("an address").to_owned()
}

fn audio_of(message: &str) -> SocketAddr {
    let value = |start: &str| message.lines().find_map(|line| line.strip_prefix(start)).expect("audio");
    let port = value("m=audio ").split(' ').next().and_then(|port| port.parse().ok()).expect("a port");
    SocketAddr::new(value("c=IN IP4 ").trim().parse().expect("an address"), port)
}

/// Sends a frame in each slot: what is queued, otherwise noise as of a voice. Keeps what comes.
fn speak(socket: &UdpSocket, line: &Mutex<Line>, seed: u64) {
    let clock = Clock::start();
    let noise = sound::noise(seed, 4.0);
    let mut voice = vec![0; noise.len()];
    Law::A.encode(&noise, &mut voice);
    let (mut sequence, mut stamp, mut began) = (seed as u16 & 0x7FFF, 4_000_u32, 0_u32);
    let mut due = clock.now();
    loop {
        let mut shared = line.lock().unwrap_or_else(PoisonError::into_inner);
        if shared.over {
            return;
        }
        shared.slots += 1;
        if let Some(to) = shared.to {
            let place = stamp as usize % (voice.len() - FRAME);
            let sound = shared.queue.pop_front();
            let (kind, at, payload) = match sound {
                None => (AUDIO, stamp, voice[place..place + FRAME].to_vec()),
                Some(Sound::Audio(frame)) => (AUDIO, stamp, frame),
                Some(Sound::Event { code, packets }) => {
                    began = if packets == 0 { stamp } else { began };
                    let [high, low] = ((packets.min(4) + 1) * FRAME as u16).to_be_bytes();
                    (EVENT, began, vec![code, if packets >= 5 { 0x8A } else { 0x0A }, high, low])
                }
            };
            let mut packet = vec![0x80, kind];
            packet.extend(sequence.to_be_bytes());
            packet.extend(at.to_be_bytes());
            packet.extend((seed as u32).to_be_bytes());
            packet.extend(payload);
            // What the kernel refuses is lost, as on any network.
            let _ = socket.send_to(&packet, to);
            sequence = sequence.wrapping_add(1);
        }
        stamp = stamp.wrapping_add(FRAME as u32);
        due = due + SLOT;
        drop(shared);
        listen(socket, line, clock, due);
    }
}

fn listen(socket: &UdpSocket, line: &Mutex<Line>, clock: Clock, until: hotline::moment::Moment) {
    let mut packet = [0; 2_048];
    loop {
        let left = until.since(clock.now());
        if left.is_zero() {
            return;
        }
        socket.set_read_timeout(Some(left)).expect("a time");
        let Ok(length) = socket.recv(&mut packet) else { continue };
        let mut line = line.lock().unwrap_or_else(PoisonError::into_inner);
        match packet[1] & 0x7F {
            AUDIO if length > 12 => line.heard.extend(&packet[12..length]),
            EVENT => line.events += 1,
            _ => {}
        }
    }
}
