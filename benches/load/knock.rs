//! Callers that come by the thousand a second: INVITE, ACK, a short stay, BYE, by texts with blanks.
//!
//! The fleet's SIP core does much more than a load of set-ups needs; this costs the generator a tenth of it, so that the server
//! gives out first. Lost requests are repeated (RFC 3261 §17.1.1.2, T1 500 ms); answers are read by their first line,
//! Call-ID, To and Contact.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};

use hdrhistogram::Histogram;
use nix::sys::socket::{setsockopt, sockopt};

use super::audio;
use super::window::histogram;

/// Kernel buffer, bytes.
const BUFFER: usize = 16 << 20;

/// When a request without any answer is repeated, nanoseconds, and how often.
const REPEAT: u64 = 500_000_000;
const REPEATS: u8 = 4;

const LINE: &str = "\r\n";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Calling,
    /// Something provisional came.
    Proceeding,
    Talking,
    Leaving,
    Done,
}

#[derive(Debug)]
struct Caller {
    state: State,
    began: u64,
    /// When the last request was sent, and how often it was repeated.
    asked: u64,
    repeats: u8,
    /// `To` with its tag, and where requests within the dialog go.
    to: String,
    target: String,
}

/// What came of them.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub dialled: u64,
    pub answered: u64,
    /// BYE answered with 200.
    pub done: u64,
    pub refused: BTreeMap<u16, u64>,
    /// Of the 503 those that said when to come again.
    pub retry_after: u64,
    /// Requests repeated, and callers that gave up.
    pub repeated: u64,
    pub unanswered: u64,
    /// INVITE to 200 and to refusal, nanoseconds.
    pub setup: Histogram<u64>,
    pub refusal: Histogram<u64>,
    /// How late calls were dialled, nanoseconds.
    pub late: Histogram<u64>,
}

impl Default for Outcome {
    fn default() -> Outcome {
        Outcome {
            dialled: 0,
            answered: 0,
            done: 0,
            refused: BTreeMap::new(),
            retry_after: 0,
            repeated: 0,
            unanswered: 0,
            setup: histogram(),
            refusal: histogram(),
            late: histogram(),
        }
    }
}

impl Outcome {
    pub fn refusals(&self) -> u64 {
        self.refused.values().sum()
    }
}

/// A stream of callers to one number.
pub struct Knock {
    socket: UdpSocket,
    ours: SocketAddr,
    server: SocketAddr,
    number: String,
    media: SocketAddrV4,
    /// Nanoseconds between two calls, and how long an answered one lasts.
    gap: u64,
    stay: u64,
    next: u64,
    last: u64,
    callers: Vec<Caller>,
    /// Answered callers by the time they leave; waiting ones by the time they ask again.
    partings: VecDeque<(u64, usize)>,
    repeats: VecDeque<(u64, usize)>,
    pub outcome: Outcome,
}

impl Knock {
    /// `rate` calls a second for `seconds` to `number` at `server`; what they hear goes to `media`.
    pub fn new(
        host: Ipv4Addr,
        server: SocketAddr,
        number: &str,
        media: SocketAddrV4,
        rate: u64,
        seconds: u64,
        stay: u64,
    ) -> io::Result<Knock> {
        let socket = UdpSocket::bind((host, 0))?;
        socket.set_nonblocking(true)?;
        if setsockopt(&socket, sockopt::RcvBufForce, &BUFFER).is_err() {
            setsockopt(&socket, sockopt::RcvBuf, &BUFFER)?;
        }
        let now = audio::now();
        Ok(Knock {
            ours: socket.local_addr()?,
            socket,
            server,
            number: number.to_owned(),
            media,
            gap: 1_000_000_000 / rate,
            stay,
            next: now,
            last: now + seconds * 1_000_000_000,
            callers: Vec::new(),
            partings: VecDeque::new(),
            repeats: VecDeque::new(),
            outcome: Outcome::default(),
        })
    }

    /// Nobody dials or waits any more.
    pub fn is_over(&self) -> bool {
        self.next >= self.last && self.partings.is_empty() && self.repeats.is_empty()
    }

    /// Nobody dials any more.
    pub fn is_dialled(&self) -> bool {
        self.next >= self.last
    }

    /// What is due now: a call, one who leaves, answers that came.
    pub fn turn(&mut self) {
        let now = audio::now();
        if self.next <= now && self.next < self.last {
            self.outcome.late.saturating_record(now - self.next);
            self.next += self.gap;
            self.dial(now);
        }
        while let Some(&(at, caller)) = self.partings.front()
            && at <= now
        {
            self.partings.pop_front();
            self.leave(caller, now);
        }
        while let Some(&(at, caller)) = self.repeats.front()
            && at <= now
        {
            self.repeats.pop_front();
            self.repeat(caller, now);
        }
        let mut buffer = [0; 4_096];
        for _ in 0..4 {
            let Ok(length) = self.socket.recv(&mut buffer) else { break };
            let bytes = std::mem::take(&mut buffer[..length].to_vec());
            self.answered(&String::from_utf8_lossy(&bytes), now);
        }
    }

    fn send(&self, text: &str) {
        // What the kernel refuses is lost, and repeated.
        let _ = self.socket.send_to(text.as_bytes(), self.server);
    }

    fn dial(&mut self, now: u64) {
        let caller = self.callers.len();
        let target = format!("sip:{}@{}", self.number, self.server);
        let to = format!("<{target}>");
        self.callers.push(Caller { state: State::Calling, began: now, asked: now, repeats: 0, to, target });
        self.outcome.dialled += 1;
        self.invite(caller);
        self.repeats.push_back((now + REPEAT, caller));
    }

    fn invite(&self, caller: usize) {
        let (address, port) = (self.media.ip(), self.media.port());
        let body = format!(
            "v=0\r\no=k 1 1 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\nm=audio {port} RTP/AVP 8 101\r\n\
             a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n"
        );
        let head = self.head("INVITE", caller, 1, &format!("i{caller}"));
        let kind = "Content-Type: application/sdp";
        self.send(&format!("{head}{kind}{LINE}Content-Length: {}{LINE}{LINE}{body}", body.len()));
    }

    /// The request line and the headers that all requests have.
    fn head(&self, method: &str, caller: usize, cseq: u32, branch: &str) -> String {
        let Caller { to, target, .. } = &self.callers[caller];
        let ours = self.ours;
        format!(
            "{method} {target} SIP/2.0\r\nVia: SIP/2.0/UDP {ours};rport;branch=z9hG4bK{branch}\r\n\
             From: <sip:13900000000@{ours}>;tag=k{caller}\r\nTo: {to}\r\nCall-ID: k{caller}@{host}\r\nCSeq: {cseq} {method}\r\n\
             Contact: <sip:13900000000@{ours}>\r\nMax-Forwards: 70\r\n",
            host = ours.ip(),
        )
    }

    fn bare(&self, method: &str, caller: usize, cseq: u32, branch: &str) {
        let head = self.head(method, caller, cseq, branch);
        self.send(&format!("{head}Content-Length: 0{LINE}{LINE}"));
    }

    fn leave(&mut self, caller: usize, now: u64) {
        let one = &mut self.callers[caller];
        (one.state, one.asked, one.repeats) = (State::Leaving, now, 0);
        self.bare("BYE", caller, 2, &format!("b{caller}"));
        self.repeats.push_back((now + REPEAT, caller));
    }

    fn repeat(&mut self, caller: usize, now: u64) {
        let one = &mut self.callers[caller];
        let waits = matches!(one.state, State::Calling | State::Leaving);
        if !waits || now.saturating_sub(one.asked) < REPEAT {
            // A caller who proceeds is waited for; its end is looked for again.
            if matches!(one.state, State::Proceeding) && one.repeats < REPEATS * 4 {
                one.repeats += 1;
                self.repeats.push_back((now + REPEAT, caller));
            }
            return;
        }
        if one.repeats >= REPEATS {
            one.state = State::Done;
            self.outcome.unanswered += 1;
            return;
        }
        one.repeats += 1;
        self.outcome.repeated += 1;
        if one.state == State::Calling {
            self.invite(caller)
        } else {
            self.bare("BYE", caller, 2, &format!("b{caller}"))
        }
        self.repeats.push_back((now + REPEAT, caller));
    }

    fn answered(&mut self, text: &str, now: u64) {
        let Some(answer) = Answer::read(text) else { return };
        let Some(one) = self.callers.get_mut(answer.caller) else { return };
        let caller = answer.caller;
        match (one.state, answer.status) {
            (State::Calling, 100..=199) => one.state = State::Proceeding,
            (State::Calling | State::Proceeding, 200..=299) => {
                self.outcome.answered += 1;
                self.outcome.setup.saturating_record(now - one.began);
                one.state = State::Talking;
                (one.to, one.target) =
                    (answer.to.to_owned(), answer.contact.unwrap_or(&one.target).to_owned());
                self.bare("ACK", caller, 1, &format!("a{caller}"));
                self.partings.push_back((now + self.stay, caller));
            }
            (State::Calling | State::Proceeding, 300..) => {
                *self.outcome.refused.entry(answer.status).or_default() += 1;
                self.outcome.retry_after += u64::from(answer.status == 503 && answer.retry_after);
                self.outcome.refusal.saturating_record(now - one.began);
                one.state = State::Done;
                one.to = answer.to.to_owned();
                self.bare("ACK", caller, 1, &format!("i{caller}"));
            }
            // A 200 that comes again wants its ACK again.
            (State::Talking, 200..=299) if !answer.is_bye => {
                self.bare("ACK", caller, 1, &format!("a{caller}"))
            }
            (State::Leaving, 200..) if answer.is_bye => {
                self.outcome.done += u64::from(answer.status == 200);
                one.state = State::Done;
            }
            _ => {}
        }
    }
}

/// What matters of an answer.
struct Answer<'a> {
    status: u16,
    caller: usize,
    to: &'a str,
    contact: Option<&'a str>,
    is_bye: bool,
    retry_after: bool,
}

impl<'a> Answer<'a> {
    fn read(text: &'a str) -> Option<Answer<'a>> {
        let mut lines = text.split(LINE);
        let status = lines.next()?.strip_prefix("SIP/2.0 ")?.split(' ').next()?.parse().ok()?;
        let mut answer =
            Answer { status, caller: usize::MAX, to: "", contact: None, is_bye: false, retry_after: false };
        for line in lines.take_while(|line| !line.is_empty()) {
            let Some((name, value)) = line.split_once(':') else { continue };
            let value = value.trim();
            match name {
                "Call-ID" => answer.caller = value.strip_prefix('k')?.split('@').next()?.parse().ok()?,
                "To" => answer.to = value,
                "Contact" => answer.contact = value.split_once('<')?.1.split('>').next(),
                "CSeq" => answer.is_bye = value.ends_with("BYE"),
                "Retry-After" => answer.retry_after = true,
                _ => {}
            }
        }
        Some(answer)
    }
}
