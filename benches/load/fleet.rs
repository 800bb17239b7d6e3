//! Many phones on one SIP socket, each with an RTP socket of its own, driven by one loop.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use bytes::Bytes;
use hotline::call::cause::Cause;
use hotline::call::legs::{Invite, LegEvent, Legs};
use hotline::ids::LegId;
use hotline::media::command::{Codec, Direction};
use hotline::moment::Moment;
use hotline::net::clock::Clock;
use hotline::rng::Rng;
use hotline::sdp::negotiate::{self, Local, Terms};
use hotline::sdp::session::SessionDescription;
use hotline::sip::endpoint::{ClientTx, Endpoint, Happening};
use hotline::sip::transport::{Flow, Transport};
use hotline::sip::uri::{SipUri, Uri};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::socket::{setsockopt, sockopt};

use super::line::{Counts, Line};
use super::register::Login;

/// Parts of the 20 ms over which the phones' packets are spread.
const SLOTS: usize = 20;

/// One part.
const SLOT: Duration = Duration::from_millis(1);

/// A frame sent so much after its slot was sent late: the machine did not let the generator keep time.
pub const LATE: Duration = Duration::from_millis(10);

/// Kernel buffer of the SIP socket, bytes.
const SIP_BUFFER: usize = 4 << 20;

/// The SIP socket's mark among the epoll events; lines have their leg's number, from 1.
const SIP: u64 = 0;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Calling,
    Ringing,
    Talking,
    Ended { cause: Cause, status: Option<u16> },
}

/// One phone's call.
#[derive(Debug)]
pub struct Talk {
    /// The agent rung, or the caller's own number.
    pub who: String,
    pub is_agent: bool,
    pub stage: Stage,
    ours: SessionDescription,
    version: u64,
    /// When the INVITE was sent, or came.
    pub began: Moment,
    /// When the 200 came, or was sent.
    pub answered: Option<Moment>,
    pub line: Option<Line>,
    pub counts: Counts,
}

/// What a fleet has seen.
#[derive(Debug, Default)]
pub struct Seen {
    /// INVITE to 200 of each answered call, microseconds.
    pub setup_micros: Vec<u64>,
    /// One-way, of each packet of the window, microseconds.
    pub latency_micros: Vec<u64>,
    /// How late each slot of the generator was served, microseconds; slots without phones too.
    pub slot_micros: Vec<u64>,
}

pub struct Fleet {
    clock: Clock,
    pub host: IpAddr,
    server: SocketAddr,
    ours: SocketAddr,
    socket: UdpSocket,
    epoll: Epoll,
    endpoint: Endpoint,
    legs: Legs,
    rng: Rng,
    pub talks: BTreeMap<LegId, Talk>,
    pub logins: BTreeMap<String, Login>,
    logging_in: BTreeMap<ClientTx, String>,
    /// When ringing agents pick up.
    pickups: BTreeSet<(Moment, LegId)>,
    /// How long an agent lets the phone ring.
    pub ring: Duration,
    wheel: Vec<Vec<LegId>>,
    turn: u64,
    next_slot: Moment,
    window_open: bool,
    pub seen: Seen,
}

const CODECS: [Codec; 1] = [Codec::Pcma];

impl Fleet {
    /// Phones at `host` that call, and are registered with, `server`.
    pub fn new(host: Ipv4Addr, server: SocketAddr) -> io::Result<Fleet> {
        let clock = Clock::start();
        let socket = UdpSocket::bind((host, 0))?;
        socket.set_nonblocking(true)?;
        setsockopt(&socket, sockopt::RcvBuf, &SIP_BUFFER)?;
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        epoll.add(&socket, EpollEvent::new(EpollFlags::EPOLLIN, SIP))?;
        let mut rng = Rng::seeded(clock.now().as_micros());
        Ok(Fleet {
            host: host.into(),
            server,
            ours: socket.local_addr()?,
            socket,
            epoll,
            endpoint: Endpoint::new("Load", rng.fork()),
            legs: Legs::new(rng.fork()),
            rng,
            talks: BTreeMap::new(),
            logins: BTreeMap::new(),
            logging_in: BTreeMap::new(),
            pickups: BTreeSet::new(),
            ring: Duration::from_millis(100),
            wheel: vec![Vec::new(); SLOTS],
            turn: 0,
            next_slot: clock.now(),
            window_open: false,
            seen: Seen::default(),
            clock,
        })
    }

    pub fn now(&self) -> Moment {
        self.clock.now()
    }

    // What people do.

    /// An agent's phone logs in.
    pub fn registers(&mut self, user: &str, password: &str) {
        self.logins.insert(user.to_owned(), Login::new(user, password));
        self.send_register(user, None);
    }

    fn send_register(&mut self, user: &str, challenge: Option<&super::register::Challenge>) {
        let Some(login) = self.logins.get_mut(user) else {
            return;
        };
        let request = login.request(self.ours, self.server, challenge);
        let tx = self.endpoint.request(self.clock.now(), request, flow(self.ours, self.server));
        self.logging_in.insert(tx, user.to_owned());
        self.settle();
    }

    /// A caller dials.
    pub fn dials(&mut self, from: &str, number: &str) -> io::Result<LegId> {
        let now = self.clock.now();
        let line = Line::bind(self.host, self.rng.u32())?;
        let target = Uri::Sip(SipUri::new(Some(number), self.server));
        let ours = negotiate::offer(&self.local(line.port, 1));
        let invite = Invite {
            to: target.clone(),
            target,
            from_display: None,
            from: Uri::Sip(SipUri::new(Some(from), self.ours)),
            flow: flow(self.ours, self.server),
            offer: ours.write().into(),
            extra: Vec::new(),
        };
        let leg = self.legs.invite(now, &mut self.endpoint, invite);
        self.put(leg, from, false, ours, line)?;
        self.settle();
        Ok(leg)
    }

    pub fn presses(&mut self, leg: LegId, key: char) {
        if let Some(line) = self.talks.get_mut(&leg).and_then(|talk| talk.line.as_mut()) {
            line.press(key);
        }
    }

    pub fn hangs_up(&mut self, leg: LegId) {
        self.legs.hang_up(self.clock.now(), &mut self.endpoint, leg, Cause::CallerHungUp);
        self.settle();
    }

    pub fn everybody_hangs_up(&mut self) {
        let live: Vec<LegId> = self.live().map(|(leg, _)| leg).collect();
        for leg in live {
            self.hangs_up(leg);
        }
    }

    // What is seen.

    pub fn live(&self) -> impl Iterator<Item = (LegId, &Talk)> {
        let live = self.talks.iter().filter(|(_, talk)| !matches!(talk.stage, Stage::Ended { .. }));
        live.map(|(leg, talk)| (*leg, talk))
    }

    pub fn callers(&self) -> impl Iterator<Item = (LegId, &Talk)> {
        self.talks.iter().filter(|(_, talk)| !talk.is_agent).map(|(leg, talk)| (*leg, talk))
    }

    pub fn talking(&self, agents: bool) -> usize {
        let talking = self.talks.values().filter(|talk| talk.stage == Stage::Talking);
        talking.filter(|talk| talk.is_agent == agents).count()
    }

    pub fn registered(&self) -> usize {
        self.logins.values().filter(|login| login.registered).count()
    }

    /// Whether the phone hears another phone, not prompts or music.
    pub fn hears_voice(&self, leg: LegId) -> bool {
        self.talks.get(&leg).and_then(|talk| talk.line.as_ref()).is_some_and(|line| line.voice_ever > 0)
    }

    /// What the phones of one side counted in the window, together.
    pub fn counts(&self, agents: bool) -> Counts {
        let mut sum = Counts::default();
        for talk in self.talks.values().filter(|talk| talk.is_agent == agents) {
            let counts = talk.line.as_ref().map_or(talk.counts, |line| line.counts);
            sum.sent += counts.sent;
            sum.received += counts.received;
            sum.heard += counts.heard;
            sum.spanned += counts.spanned;
        }
        sum
    }

    /// From now on packets count.
    pub fn open_window(&mut self) {
        self.window_open = true;
        self.seen.slot_micros.clear();
        self.seen.latency_micros.clear();
        for line in self.talks.values_mut().filter_map(|talk| talk.line.as_mut()) {
            line.open_window();
        }
    }

    /// Packets sent from now on do not count; those on their way still do.
    pub fn close_window(&mut self) {
        self.window_open = false;
    }

    // The loop.

    pub fn run(&mut self, time: Duration) {
        let end = self.clock.now() + time;
        while self.clock.now() < end {
            self.turn(end);
        }
    }

    /// Runs until `seen`, at most `limit`; whether it was seen.
    pub fn run_until(&mut self, limit: Duration, mut seen: impl FnMut(&Fleet) -> bool) -> bool {
        let end = self.clock.now() + limit;
        while self.clock.now() < end {
            if seen(self) {
                return true;
            }
            self.turn(end.min(self.clock.now() + SLOT));
        }
        seen(self)
    }

    fn turn(&mut self, end: Moment) {
        let now = self.clock.now();
        let due = [
            self.endpoint.next_deadline(),
            self.legs.next_deadline(),
            self.pickups.first().map(|(at, _)| *at),
        ];
        let due = due.into_iter().flatten().chain([end, self.next_slot]).min().unwrap_or(end);
        // Rounded up: a wait of zero would spin.
        let millis = due.since(now).as_micros().div_ceil(1_000) as u16;
        let mut events = [EpollEvent::empty(); 128];
        let count = self.epoll.wait(&mut events, EpollTimeout::from(millis)).unwrap_or(0);
        for event in &events[..count] {
            match event.data() {
                SIP => self.read_sip(),
                leg => self.read_line(LegId(leg)),
            }
        }
        self.serve_slots();
        self.serve_time();
    }

    fn read_sip(&mut self) {
        let mut buffer = [0; 65_536];
        while let Ok((bytes, remote)) = self.socket.recv_from(&mut buffer) {
            let bytes = Bytes::copy_from_slice(&buffer[..bytes]);
            self.endpoint.receive(self.clock.now(), flow(self.ours, remote), bytes);
            self.settle();
        }
    }

    fn read_line(&mut self, leg: LegId) {
        let now = self.clock.now();
        let (open, latencies) = (self.window_open, &mut self.seen.latency_micros);
        if let Some(line) = self.talks.get_mut(&leg).and_then(|talk| talk.line.as_mut()) {
            line.receive(now, open, |micros| latencies.push(micros));
        }
    }

    fn serve_slots(&mut self) {
        loop {
            let now = self.clock.now();
            if now < self.next_slot {
                return;
            }
            let slot = (self.turn % SLOTS as u64) as usize;
            for leg in &self.wheel[slot] {
                if let Some(line) = self.talks.get_mut(leg).and_then(|talk| talk.line.as_mut()) {
                    line.send(self.clock.now(), self.window_open);
                }
            }
            if self.window_open {
                self.seen.slot_micros.push(now.since(self.next_slot).as_micros() as u64);
            }
            self.turn += 1;
            self.next_slot = self.next_slot + SLOT;
        }
    }

    fn serve_time(&mut self) {
        let now = self.clock.now();
        self.endpoint.handle_time(now);
        self.legs.handle_time(now, &mut self.endpoint);
        while let Some(&(at, leg)) = self.pickups.first()
            && at <= now
        {
            self.pickups.pop_first();
            if let Some(talk) = self.talks.get_mut(&leg).filter(|talk| talk.stage == Stage::Ringing) {
                (talk.stage, talk.answered) = (Stage::Talking, Some(now));
                let answer = talk.ours.write().into();
                self.legs.accept(now, &mut self.endpoint, leg, answer);
            }
        }
        self.settle();
    }

    fn local(&self, port: u16, version: u64) -> Local<'static> {
        Local {
            address: self.host,
            port,
            session: 1,
            version,
            codecs: &CODECS,
            prefer: None,
            direction: Direction::SendRecv,
            telephone_event: true,
            srtp: Terms::PLAIN,
        }
    }

    fn put(
        &mut self,
        leg: LegId,
        who: &str,
        is_agent: bool,
        ours: SessionDescription,
        line: Line,
    ) -> io::Result<()> {
        self.epoll.add(line.socket(), EpollEvent::new(EpollFlags::EPOLLIN, leg.0))?;
        let lightest = self.wheel.iter_mut().min_by_key(|slot| slot.len()).expect("the wheel has slots");
        lightest.push(leg);
        let stage = if is_agent { Stage::Ringing } else { Stage::Calling };
        let talk = Talk {
            who: who.to_owned(),
            is_agent,
            stage,
            ours,
            version: 1,
            began: self.clock.now(),
            answered: None,
            line: Some(line),
            counts: Counts::default(),
        };
        self.talks.insert(leg, talk);
        Ok(())
    }

    fn settle(&mut self) {
        loop {
            if let Some(happening) = self.endpoint.poll() {
                self.happening(happening);
            } else if let Some(invitation) = self.legs.poll_invitation() {
                let who = invitation.request.uri.user().unwrap_or_default().into_owned();
                self.rung(invitation.leg, &who, invitation.offer);
            } else if let Some((leg, event)) = self.legs.poll_event() {
                self.event(leg, event);
            } else {
                return;
            }
        }
    }

    fn happening(&mut self, happening: Happening) {
        let now = self.clock.now();
        match happening {
            Happening::Transmit { flow, bytes } => {
                // What the kernel refuses is lost, as on any network.
                let _ = self.socket.send_to(&bytes, flow.remote);
            }
            Happening::Response { tx, response, .. } if self.logging_in.contains_key(&tx) => {
                if response.is_provisional() {
                    return;
                }
                let user = self.logging_in.remove(&tx).unwrap_or_default();
                let login = self.logins.get_mut(&user);
                let challenge = login.and_then(|login| login.answered(response.status, &response.headers));
                if let Some(challenge) = challenge {
                    self.send_register(&user, Some(&challenge));
                }
            }
            other => {
                if let Some(Happening::Request { tx, request, .. }) =
                    self.legs.handle(now, &mut self.endpoint, other)
                {
                    self.endpoint.respond(now, tx, request.response(405).with_to_tag("load"));
                }
            }
        }
    }

    fn rung(&mut self, leg: LegId, who: &str, offer: Option<Bytes>) {
        let now = self.clock.now();
        let taken = self.line_for(offer);
        let Some((ours, line)) = taken else {
            return self.legs.hang_up(now, &mut self.endpoint, leg, Cause::NotAcceptable);
        };
        self.legs.ring(now, &mut self.endpoint, leg);
        if self.put(leg, who, true, ours, line).is_ok() {
            self.pickups.insert((now + self.ring, leg));
        }
    }

    fn line_for(&mut self, offer: Option<Bytes>) -> Option<(SessionDescription, Line)> {
        let mut line = Line::bind(self.host, self.rng.u32()).ok()?;
        let offer = SessionDescription::parse(&offer?).ok()?;
        let (ours, session) = negotiate::answer(&offer, &self.local(line.port, 1)).ok()?;
        line.connect(session).ok()?;
        Some((ours, line))
    }

    fn event(&mut self, leg: LegId, event: LegEvent) {
        let now = self.clock.now();
        let host = self.host;
        let Some(talk) = self.talks.get_mut(&leg) else {
            return;
        };
        match event {
            LegEvent::Ringing => talk.stage = Stage::Ringing,
            LegEvent::EarlyMedia { answer } | LegEvent::OfferAnswered { answer } => talk.take_answer(&answer),
            LegEvent::Answered { answer } => {
                (talk.stage, talk.answered) = (Stage::Talking, Some(now));
                self.seen.setup_micros.push(now.since(talk.began).as_micros() as u64);
                if let Some(answer) = answer {
                    talk.take_answer(&answer);
                }
            }
            LegEvent::Offered { offer } => {
                let answer = talk.reoffered(&offer, host);
                self.legs.answer_offer(now, &mut self.endpoint, leg, answer.ok_or(488));
            }
            LegEvent::OfferWanted => self.legs.answer_offer(now, &mut self.endpoint, leg, Err(488)),
            LegEvent::Ended { cause, status, .. } => {
                talk.stage = Stage::Ended { cause, status };
                if let Some(line) = talk.line.take() {
                    talk.counts = line.counts;
                }
                for slot in &mut self.wheel {
                    slot.retain(|other| *other != leg);
                }
            }
            LegEvent::Confirmed { .. } | LegEvent::OfferRefused { .. } | LegEvent::Digit { .. } => {}
        }
    }
}

impl Talk {
    fn take_answer(&mut self, answer: &[u8]) {
        let session = SessionDescription::parse(answer)
            .ok()
            .and_then(|answer| negotiate::accept_answer(&self.ours, &answer).ok());
        if let (Some(session), Some(line)) = (session, &mut self.line) {
            // An address that cannot be sent to shows as loss.
            let _ = line.connect(session);
        }
    }

    /// The server offers anew: taken as it is.
    fn reoffered(&mut self, offer: &[u8], host: IpAddr) -> Option<Bytes> {
        let line = self.line.as_mut()?;
        self.version += 1;
        let local = Local {
            address: host,
            port: line.port,
            session: 1,
            version: self.version,
            codecs: &CODECS,
            prefer: None,
            direction: Direction::SendRecv,
            telephone_event: true,
            srtp: Terms::PLAIN,
        };
        let offer = SessionDescription::parse(offer).ok()?;
        let (ours, session) = negotiate::answer(&offer, &local).ok()?;
        line.connect(session).ok()?;
        self.ours = ours;
        Some(Bytes::from(self.ours.write()))
    }
}

fn flow(local: SocketAddr, remote: SocketAddr) -> Flow {
    Flow { transport: Transport::Udp, local, remote, connection: None }
}
