//! Many phones on one SIP socket, their audio in `audio`, all driven by one loop.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::time::Duration;

use bytes::Bytes;
use hdrhistogram::Histogram;
use hotline::call::cause::Cause;
use hotline::call::legs::{Invite, LegEvent, Legs};
use hotline::ids::LegId;
use hotline::media::command::{Codec, Direction};
use hotline::media::srtp::keying::KeySeed;
use hotline::moment::Moment;
use hotline::net::clock::Clock;
use hotline::rng::Rng;
use hotline::sdp::negotiate::{self, Keys, Local, Security, Terms};
use hotline::sdp::session::SessionDescription;
use hotline::sip::endpoint::{ClientTx, Endpoint, Happening};
use hotline::sip::message::HeaderName;
use hotline::sip::transport::{Flow, Transport};
use hotline::sip::uri::{SipUri, Uri};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::socket::{setsockopt, sockopt};

use super::audio::{self, Audio, Phone, Side};
use super::register::Login;
use super::window::{Counts, Window, histogram};

/// How often timers are looked at, at most.
const TICK: Duration = Duration::from_millis(1);

/// How often a busy fleet looks for SIP: a hundredth of what a call's set-up takes.
const SIP_EVERY: Duration = Duration::from_micros(20);

/// How often RTCP is thrown away.
const SINKS_EVERY: Duration = Duration::from_millis(100);

/// Kernel buffer of the SIP socket, bytes.
const SIP_BUFFER: usize = 4 << 20;

/// Marks among the epoll events.
const SIP: u64 = 0;
const AUDIO: u64 = 1;

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
    pub line: Option<Phone>,
    habit: Habit,
}

/// What a phone can and wants.
#[derive(Clone, Copy, Debug)]
struct Habit {
    codecs: &'static [Codec],
    /// It insists on SRTP, with keys drawn from this.
    keys: Option<KeySeed>,
}

/// What a fleet has seen of SIP.
#[derive(Debug)]
pub struct Seen {
    /// INVITE to 200 of each answered call, nanoseconds.
    pub setup: Histogram<u64>,
    /// INVITE to its refusal, nanoseconds.
    pub refusal: Histogram<u64>,
    /// Final refusals by status; 0 where nothing came.
    pub refused: BTreeMap<u16, u64>,
    /// Of the 503 those that said when to come again.
    pub retry_after: u64,
}

impl Default for Seen {
    fn default() -> Seen {
        Seen { setup: histogram(), refusal: histogram(), refused: BTreeMap::new(), retry_after: 0 }
    }
}

pub struct Fleet {
    clock: Clock,
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
    pub audio: Audio,
    /// What callers and agents have.
    pub codecs: [&'static [Codec]; 2],
    /// Phones insist on SRTP.
    pub secure: bool,
    /// Spins instead of sleeping, so that the server's sends wake nobody and slots are kept to the microsecond.
    pub busy: bool,
    /// Ended calls are forgotten.
    pub forgetful: bool,
    next_sip: Moment,
    next_tick: Moment,
    next_sinks: Moment,
    pub seen: Seen,
}

const A_LAW: [Codec; 1] = [Codec::Pcma];

impl Fleet {
    /// Phones at `host` that call, and are registered with, `server`.
    pub fn new(host: Ipv4Addr, server: SocketAddr) -> io::Result<Fleet> {
        let clock = Clock::start();
        let socket = UdpSocket::bind((host, 0))?;
        socket.set_nonblocking(true)?;
        setsockopt(&socket, sockopt::RcvBuf, &SIP_BUFFER)?;
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        epoll.add(&socket, EpollEvent::new(EpollFlags::EPOLLIN, SIP))?;
        let audio = Audio::new()?;
        audio.watch(&epoll, AUDIO)?;
        let mut rng = Rng::seeded(clock.now().as_micros());
        Ok(Fleet {
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
            audio,
            codecs: [&A_LAW; 2],
            secure: false,
            busy: false,
            forgetful: false,
            next_sip: clock.now(),
            next_tick: clock.now(),
            next_sinks: clock.now(),
            seen: Seen::default(),
            clock,
        })
    }

    pub fn now(&self) -> Moment {
        self.clock.now()
    }

    /// Where phones take SIP.
    pub fn sip(&self) -> SocketAddr {
        self.ours
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
        let (phone, habit) = (self.audio.open(Side::Caller, self.rng.u32()), self.habit(Side::Caller));
        let target = Uri::Sip(SipUri::new(Some(number), self.server));
        let ours = negotiate::offer(&local(self.audio.address(phone), 1, habit));
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
        self.put(leg, from, false, ours, phone, habit);
        self.settle();
        Ok(leg)
    }

    pub fn presses(&mut self, leg: LegId, key: char) {
        if let Some(phone) = self.talks.get(&leg).and_then(|talk| talk.line) {
            self.audio.press(phone, key);
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

    /// Packets of another phone, not of prompts or music, that it has heard.
    pub fn voice(&self, leg: LegId) -> u64 {
        let phone = self.talks.get(&leg).and_then(|talk| talk.line);
        phone.and_then(|phone| self.audio.heard(phone)).map_or(0, |heard| heard.voice)
    }

    /// Whether the phone hears another phone.
    pub fn hears_voice(&self, leg: LegId) -> bool {
        self.voice(leg) > 0
    }

    /// What the phones of one side counted in the window, together.
    pub fn counts(&self, agents: bool) -> Counts {
        if agents { self.audio.window.agents } else { self.audio.window.callers }
    }

    pub fn window(&self) -> &Window {
        &self.audio.window
    }

    /// From now on packets count.
    pub fn open_window(&mut self) {
        self.audio.open_window();
    }

    /// Packets sent from now on do not count; those on their way still do.
    pub fn close_window(&mut self) {
        self.audio.close_window();
    }

    // The loop.

    pub fn run(&mut self, time: Duration) {
        let end = self.clock.now() + time;
        while self.clock.now() < end {
            self.turn(end);
        }
    }

    /// Runs with something else in each turn.
    pub fn run_beside(&mut self, time: Duration, mut other: impl FnMut()) {
        let end = self.clock.now() + time;
        while self.clock.now() < end {
            self.turn(end);
            other();
        }
    }

    /// The same, until the other says that it is over, at most `limit`.
    pub fn run_until_beside(&mut self, limit: Duration, mut other: impl FnMut() -> bool) -> bool {
        let end = self.clock.now() + limit;
        while self.clock.now() < end {
            self.turn(end);
            if other() {
                return true;
            }
        }
        false
    }

    /// Runs until `seen`, at most `limit`; whether it was seen.
    pub fn run_until(&mut self, limit: Duration, mut seen: impl FnMut(&Fleet) -> bool) -> bool {
        let end = self.clock.now() + limit;
        while self.clock.now() < end {
            if seen(self) {
                return true;
            }
            self.turn(end.min(self.clock.now() + TICK));
        }
        seen(self)
    }

    fn turn(&mut self, end: Moment) {
        if !self.busy {
            self.sleep(end);
        }
        self.audio.turn();
        let now = self.clock.now();
        if now >= self.next_sip || !self.busy {
            self.next_sip = now + SIP_EVERY;
            self.read_sip();
        }
        if now >= self.next_tick {
            self.next_tick = now + TICK;
            self.serve_time();
        }
        if now >= self.next_sinks {
            self.next_sinks = now + SINKS_EVERY;
            self.audio.empty_sinks();
        }
    }

    /// Until something is there to do, or a frame or `end` is due.
    fn sleep(&self, end: Moment) {
        let now = self.clock.now();
        let frame = Duration::from_nanos(self.audio.due().saturating_sub(audio::now()));
        // Rounded up: a wait of zero would spin.
        let wait = frame.min(end.since(now)).min(TICK).as_micros().div_ceil(1_000) as u16;
        let mut events = [EpollEvent::empty(); 8];
        // What is there is looked for in any case.
        let _ = self.epoll.wait(&mut events, EpollTimeout::from(wait));
    }

    fn read_sip(&mut self) {
        let mut buffer = [0; 65_536];
        while let Ok((bytes, remote)) = self.socket.recv_from(&mut buffer) {
            let bytes = Bytes::copy_from_slice(&buffer[..bytes]);
            self.endpoint.receive(self.clock.now(), flow(self.ours, remote), bytes);
            self.settle();
            if self.busy {
                // Between two messages frames may have come due.
                self.audio.turn();
            }
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

    fn habit(&mut self, side: Side) -> Habit {
        let keys = self.secure.then(|| KeySeed::drawn(&mut self.rng));
        Habit { codecs: self.codecs[side as usize], keys }
    }

    fn put(
        &mut self,
        leg: LegId,
        who: &str,
        is_agent: bool,
        ours: SessionDescription,
        phone: Phone,
        habit: Habit,
    ) {
        let stage = if is_agent { Stage::Ringing } else { Stage::Calling };
        let talk = Talk {
            who: who.to_owned(),
            is_agent,
            stage,
            ours,
            version: 1,
            began: self.clock.now(),
            answered: None,
            line: Some(phone),
            habit,
        };
        self.talks.insert(leg, talk);
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
                if let Happening::Response { response, .. } = &other
                    && response.status == 503
                {
                    let says_when = response.headers.get(&HeaderName::RetryAfter).is_some();
                    self.seen.retry_after += u64::from(says_when);
                }
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
        let (phone, habit) = (self.audio.open(Side::Agent, self.rng.u32()), self.habit(Side::Agent));
        let local = local(self.audio.address(phone), 1, habit);
        let Some(ours) = answer(offer.as_deref(), &local, &mut self.audio, phone) else {
            self.audio.close(phone);
            return self.legs.hang_up(now, &mut self.endpoint, leg, Cause::NotAcceptable);
        };
        self.legs.ring(now, &mut self.endpoint, leg);
        self.put(leg, who, true, ours, phone, habit);
        self.pickups.insert((now + self.ring, leg));
    }

    fn event(&mut self, leg: LegId, event: LegEvent) {
        let now = self.clock.now();
        let Some(talk) = self.talks.get_mut(&leg) else {
            return;
        };
        match event {
            LegEvent::Ringing => talk.stage = Stage::Ringing,
            LegEvent::EarlyMedia { answer } | LegEvent::OfferAnswered { answer } => {
                talk.take_answer(&answer, &mut self.audio);
            }
            LegEvent::Answered { answer } => {
                (talk.stage, talk.answered) = (Stage::Talking, Some(now));
                self.seen.setup.saturating_record(nanos(now.since(talk.began)));
                if let Some(answer) = answer {
                    talk.take_answer(&answer, &mut self.audio);
                }
            }
            LegEvent::Offered { offer } => {
                let answer = talk.reoffered(&offer, &mut self.audio);
                self.legs.answer_offer(now, &mut self.endpoint, leg, answer.ok_or(488));
            }
            LegEvent::OfferWanted => self.legs.answer_offer(now, &mut self.endpoint, leg, Err(488)),
            LegEvent::Ended { cause, status, .. } => {
                if talk.answered.is_none() && !talk.is_agent {
                    self.seen.refusal.saturating_record(nanos(now.since(talk.began)));
                    *self.seen.refused.entry(status.unwrap_or(0)).or_default() += 1;
                }
                talk.stage = Stage::Ended { cause, status };
                if let Some(phone) = talk.line.take() {
                    self.audio.close(phone);
                }
                if self.forgetful {
                    self.talks.remove(&leg);
                }
            }
            LegEvent::Confirmed { .. } | LegEvent::OfferRefused { .. } | LegEvent::Digit { .. } => {}
        }
    }
}

impl Talk {
    fn take_answer(&mut self, answer: &[u8], audio: &mut Audio) {
        let session = SessionDescription::parse(answer)
            .ok()
            .and_then(|answer| negotiate::accept_answer(&self.ours, &answer).ok());
        // An address that cannot be sent to shows as loss.
        if let (Some(session), Some(phone)) = (session, self.line) {
            let _ = audio.join(phone, &session);
        }
    }

    /// The server offers anew: taken as it is.
    fn reoffered(&mut self, offer: &[u8], audio: &mut Audio) -> Option<Bytes> {
        let phone = self.line?;
        self.version += 1;
        let local = local(audio.address(phone), self.version, self.habit);
        self.ours = answer(Some(offer), &local, audio, phone)?;
        Some(Bytes::from(self.ours.write()))
    }
}

/// The phone's answer to an offer, which it then keeps to.
fn answer(
    offer: Option<&[u8]>,
    local: &Local,
    audio: &mut Audio,
    phone: Phone,
) -> Option<SessionDescription> {
    let offer = SessionDescription::parse(offer?).ok()?;
    let (ours, session) = negotiate::answer(&offer, local).ok()?;
    audio.join(phone, &session)?;
    Some(ours)
}

fn local(at: SocketAddrV4, version: u64, habit: Habit) -> Local<'static> {
    let srtp = habit.keys.map_or(Terms::PLAIN, |seed| Terms {
        security: Security::Required,
        keys: Keys::Drawn { seed, current: None },
    });
    Local {
        address: (*at.ip()).into(),
        port: at.port(),
        session: 1,
        version,
        codecs: habit.codecs,
        prefer: None,
        direction: Direction::SendRecv,
        telephone_event: true,
        srtp,
    }
}

fn flow(local: SocketAddr, remote: SocketAddr) -> Flow {
    Flow { transport: Transport::Udp, local, remote, connection: None }
}

fn nanos(time: Duration) -> u64 {
    time.as_nanos() as u64
}
