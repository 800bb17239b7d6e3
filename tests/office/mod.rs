//! An office on a virtual clock: the engine, a network, callers and agents with telephones.
//!
//! Tests read like telephone calls. Everything that happens, happens in `step`, in the order of its time;
//! the same seed gives the same bytes.

pub mod ladder;
pub mod network;
pub mod phone;
pub mod sound;
pub mod world;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use hotline::acd::AgentState;
use hotline::call::cause::Cause;
use hotline::call::record::CallRecord;
use hotline::engine::Engine;
use hotline::engine::bot::BotFigures;
use hotline::engine::happened::{Happened, What};
use hotline::engine::input::{AskId, Input, World};
use hotline::engine::output::{BotOrder, Output};
use hotline::engine::staff::{Answer, Ask};
use hotline::engine::view::Snapshot;
use hotline::ids::{AgentId, CallId, RequestId, TalkId};
use hotline::ivr::bot::BotEnd;
use hotline::ivr::http::{HttpFailure, HttpRequest, HttpResponse};
use hotline::media::event::Event as MediaEvent;
use hotline::moment::Moment;
use hotline::recording::block::Mark;
use hotline::recording::recorder::TapeCommand;
use hotline::rng::Rng;
use hotline::sip::transport::{Flow, Transport};

use network::{Datagram, Faults, Network};
use phone::{Manner, Phone};
use sound::Sound;

pub const REALM: &str = "127.0.0.1";

/// Where an office day begins: a Monday morning in 2026.
const START: Moment = Moment::from_micros(1_793_000_000_000_000);

/// No test waits longer for anything.
const PATIENCE: Duration = Duration::from_secs(300);

pub const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

pub struct Office {
    pub now: Moment,
    pub engine: Engine,
    pub network: Network,
    pub sound: Sound,
    pub phones: BTreeMap<String, Phone>,
    pub journal: Vec<Happened>,
    pub records: BTreeMap<CallId, CallRecord>,
    pub tapes: BTreeMap<CallId, bool>,
    /// Everything the disk thread was told.
    pub taped: Vec<TapeCommand>,
    /// Pauses, resumes and gaps, of all tapes.
    pub marks: Vec<Mark>,
    world: World,
    server: SocketAddr,
    rng: Rng,
    answers: Vec<Answer>,
    /// How long each message is said to have waited for its turn.
    pub waited: Duration,
    /// Inputs the engine has had.
    pub turns: u64,
    /// What hosts have been asked and not answered yet.
    pub requests: Vec<(RequestId, HttpRequest)>,
    /// What was asked of who speaks with bots.
    pub bots: Vec<BotOrder>,
    /// Every output as text, for comparing runs.
    pub trace: Option<String>,
}

impl Office {
    /// The demo bank, with sound of one second a prompt, and a network without faults.
    pub fn seeded(seed: u64) -> Office {
        Office::with(seed, world::demo(), Faults::NONE)
    }

    pub fn with(seed: u64, world: World, faults: Faults) -> Office {
        let mut rng = Rng::seeded(seed);
        let engine = Engine::new(START, world.clone(), rng.fork());
        let mut office = Office {
            now: START,
            engine,
            network: Network::new(rng.fork(), faults),
            sound: Sound::new(world.library.clone()),
            phones: BTreeMap::new(),
            journal: Vec::new(),
            records: BTreeMap::new(),
            tapes: BTreeMap::new(),
            taped: Vec::new(),
            marks: Vec::new(),
            server: SocketAddr::from((Ipv4Addr::LOCALHOST, 5060)),
            world,
            rng,
            answers: Vec::new(),
            waited: Duration::ZERO,
            turns: 0,
            requests: Vec::new(),
            bots: Vec::new(),
            trace: None,
        };
        office.perform();
        office
    }

    pub fn world(&self) -> &World {
        &self.world
    }

    /// A telephone outside: the trunk's side.
    pub fn caller(&mut self, number: &str) {
        let host = 1 + self.phones.len() as u8;
        let address = SocketAddr::from((Ipv4Addr::new(127, 0, 1, host), 5060));
        let phone = Phone::new(number, address, self.server, None, self.rng.fork());
        self.phones.insert(number.to_owned(), phone);
    }

    /// An agent's telephone; registers at once.
    pub fn agent(&mut self, name: &str, manner: Manner) {
        self.agent_phone(name, &format!("demo-{name}"), manner);
        self.registers(name, 3_600);
        let who = name.to_owned();
        self.until("the phone is registered", |office| office.phones[&who].is_registered());
    }

    pub fn agent_phone(&mut self, name: &str, password: &str, manner: Manner) {
        self.extra_phone(name, name, password, manner);
    }

    /// One more telephone of the agent `user`, known to the test as `name`.
    pub fn extra_phone(&mut self, name: &str, user: &str, password: &str, manner: Manner) {
        let host = 1 + self.phones.len() as u8;
        let address = SocketAddr::from((Ipv4Addr::new(127, 0, 2, host), 5060));
        let mut phone = Phone::new(user, address, self.server, Some(password), self.rng.fork());
        phone.manner = manner;
        self.phones.insert(name.to_owned(), phone);
    }

    pub fn phone(&mut self, name: &str) -> &mut Phone {
        self.phones.get_mut(name).unwrap_or_else(|| panic!("no phone {name}"))
    }

    // What people do.

    /// `expires` of zero takes the registration back.
    pub fn registers(&mut self, name: &str, expires: u32) {
        let now = self.now;
        self.phone(name).registers(now, expires);
        self.flush(name);
    }

    pub fn dials(&mut self, name: &str, number: &str) {
        let now = self.now;
        self.phone(name).dials(now, number);
        self.flush(name);
    }

    pub fn hangs_up(&mut self, name: &str) {
        let now = self.now;
        self.phone(name).hangs_up(now);
        self.flush(name);
    }

    pub fn picks_up(&mut self, name: &str) {
        let now = self.now;
        self.phone(name).answers_now(now);
        self.flush(name);
    }

    pub fn holds(&mut self, name: &str, hold: bool) {
        let now = self.now;
        self.phone(name).holds(now, hold);
        self.flush(name);
    }

    pub fn presses(&mut self, name: &str, symbol: char) {
        let port = self.phone(name).remote_port().expect("is in a call");
        self.sound.press(port, symbol);
        self.step_to(self.now);
    }

    /// The phone is gone, cable and all.
    pub fn vanishes(&mut self, name: &str) {
        let address = self.phone(name).address;
        self.network.dead.push(address);
    }

    pub fn ask(&mut self, ask: Ask) -> Answer {
        self.input(Input::Ask { id: AskId(1), ask });
        self.answers.pop().expect("every question is answered at once")
    }

    pub fn snapshot(&mut self) -> Snapshot {
        match self.ask(Ask::Snapshot) {
            Answer::Snapshot(snapshot) => *snapshot,
            other => panic!("not a snapshot: {other:?}"),
        }
    }

    // What tests see.

    pub fn agent_state(&mut self, name: &str) -> AgentState {
        let agent = AgentId::from(name);
        let agents = self.snapshot().agents;
        agents.into_iter().find(|live| live.agent == agent).expect("a known agent").state
    }

    pub fn is_ready(&mut self, name: &str) -> bool {
        matches!(self.agent_state(name), AgentState::Ready { .. })
    }

    /// Whether the two hear each other.
    pub fn talk_together(&self, one: &str, other: &str) -> bool {
        let port = |name: &str| self.phones[name].remote_port();
        let (Some(one), Some(other)) = (port(one), port(other)) else {
            return false;
        };
        self.sound.hears_peer(one, other) && self.sound.hears_peer(other, one)
    }

    /// The call on whose tape the phone's talk is being recorded.
    pub fn taped(&self, name: &str) -> Option<CallId> {
        self.sound.at(self.phones[name].remote_port()?)?.recorded
    }

    /// Whether the phone hears this prompt, in any language.
    pub fn hears(&self, name: &str, prompt: &str) -> bool {
        let library = &self.world.library;
        let wanted: Vec<_> =
            ["zh-CN", "en"].iter().filter_map(|language| library.find(language, prompt)).collect();
        let port = self.phones[name].remote_port();
        port.is_some_and(|port| self.sound.hears_any(port, &wanted))
    }

    pub fn last_record(&self) -> &CallRecord {
        self.records.values().next_back().expect("a call has been made")
    }

    pub fn last_cause(&self) -> Option<Cause> {
        self.last_record().cause
    }

    /// The host asked first answers.
    pub fn host_answers(&mut self, status: u16, body: &str) {
        let (id, _) = self.requests.remove(0);
        self.host_ends(id, Ok(HttpResponse { status, body: body.to_owned() }));
    }

    pub fn host_ends(&mut self, id: RequestId, result: Result<HttpResponse, HttpFailure>) {
        self.input(Input::HttpDone { id, result });
    }

    pub fn bot_ends(&mut self, id: TalkId, end: BotEnd) {
        self.input(Input::BotDone { id, end, figures: BotFigures::default() });
    }

    // Time.

    pub fn run(&mut self, time: Duration) {
        self.step_to(self.now + time);
    }

    /// Lets time pass until `seen`, or fails with the ladder.
    pub fn until(&mut self, what: &str, mut seen: impl FnMut(&mut Office) -> bool) {
        let limit = self.now + PATIENCE;
        while !seen(self) {
            match self.next_event() {
                Some(at) if at <= limit => self.step_to(at),
                _ => {
                    let ladder = ladder::print(&self.network);
                    let journal: Vec<String> =
                        self.journal.iter().map(|entry| format!("{entry:?}")).collect();
                    panic!("waited in vain until {what}\n{ladder}\n{}", journal.join("\n"));
                }
            }
        }
    }

    /// When something happens next.
    pub fn next_event(&self) -> Option<Moment> {
        let phones = self.phones.values().filter_map(Phone::next_deadline).min();
        let all = [self.engine.next_deadline(), self.network.next(), self.sound.next(self.now), phones];
        all.into_iter().flatten().min().map(|at| at.max(self.now))
    }

    /// Everything up to `end`, in order.
    pub fn step_to(&mut self, end: Moment) {
        while let Some(at) = self.next_event() {
            if at > end {
                break;
            }
            let quiet = self.now == at;
            self.now = self.now.max(at);
            let worked = self.step();
            assert!(worked || !quiet, "a deadline at {at:?} that nobody serves");
        }
        self.now = self.now.max(end);
    }

    fn step(&mut self) -> bool {
        let mut worked = false;
        while let Some(datagram) = self.network.arrived(self.now) {
            worked = true;
            self.deliver(datagram);
        }
        for event in self.sound.events(self.now) {
            worked = true;
            self.input(Input::Media { event });
        }
        let due: Vec<String> = self
            .phones
            .iter()
            .filter(|(_, phone)| phone.next_deadline().is_some_and(|at| at <= self.now))
            .map(|(name, _)| name.clone())
            .collect();
        for name in due {
            worked = true;
            let now = self.now;
            self.phone(&name).handle_time(now);
            self.flush(&name);
        }
        if self.engine.next_deadline().is_some_and(|at| at <= self.now) {
            worked = true;
            self.input(Input::Time);
        }
        worked
    }

    fn deliver(&mut self, datagram: Datagram) {
        if datagram.to == self.server {
            let flow = Flow {
                transport: Transport::Udp,
                local: datagram.to,
                remote: datagram.from,
                connection: None,
            };
            return self.input(Input::Received { flow, bytes: datagram.bytes, waited: self.waited });
        }
        let found = self.phones.iter().find(|(_, phone)| phone.address == datagram.to);
        if let Some(name) = found.map(|(name, _)| name.clone()) {
            let now = self.now;
            self.phone(&name).receive(now, datagram);
            self.flush(&name);
        }
    }

    fn flush(&mut self, name: &str) {
        for datagram in self.phone(name).outgoing() {
            self.network.send(self.now, datagram);
        }
    }

    pub fn input(&mut self, input: Input) {
        self.turns += 1;
        self.engine.handle(self.now, input);
        self.perform();
    }

    /// A new configuration takes effect.
    pub fn reload(&mut self, world: World) {
        self.world = world.clone();
        self.input(Input::Configure(Box::new(world)));
    }

    /// One datagram from anywhere; the answers, by their first line.
    pub fn forge(&mut self, source: SocketAddr, text: &str) -> Vec<String> {
        let remote = source;
        let flow = Flow { transport: Transport::Udp, local: self.server, remote, connection: None };
        self.network.ladder.clear();
        self.input(Input::Received { flow, bytes: text.to_owned().into(), waited: self.waited });
        for event in self.sound.events(self.now) {
            self.input(Input::Media { event });
        }
        let answers = self.network.ladder.iter().filter(|(_, datagram, _)| datagram.to == source);
        let first = |bytes: &[u8]| String::from_utf8_lossy(bytes).lines().next().unwrap_or("").to_owned();
        answers.map(|(_, datagram, _)| first(&datagram.bytes)).collect()
    }

    pub fn media_event(&mut self, event: MediaEvent) {
        self.input(Input::Media { event });
    }

    fn perform(&mut self) {
        while let Some(output) = self.engine.poll_output() {
            if let Some(trace) = &mut self.trace {
                use std::fmt::Write as _;
                let _ = writeln!(trace, "{:?} {output:?}", self.now);
            }
            if let Output::Tape(command) = &output {
                self.taped.push(command.clone());
            }
            match output {
                Output::Transmit { flow, bytes } => {
                    let datagram = Datagram { from: self.server, to: flow.remote, bytes };
                    self.network.send(self.now, datagram);
                }
                Output::Media { command, .. } => self.sound.command(self.now, command),
                Output::Tape(TapeCommand::Open { call, .. }) => {
                    assert!(self.tapes.insert(call, true).is_none(), "{call:?} taped twice");
                }
                Output::Tape(TapeCommand::Close { call, .. }) => {
                    assert_eq!(self.tapes.insert(call, false), Some(true), "{call:?} was not open");
                }
                Output::Tape(TapeCommand::Mark { mark, .. }) => self.marks.push(mark),
                Output::Tape(TapeCommand::Stop) => {}
                Output::Http { id, request, .. } => self.requests.push((id, *request)),
                Output::Bot(order) => self.bots.push(order),
                Output::Happened(happened) => self.note(happened),
                Output::Answer { answer, .. } => self.answers.push(answer),
            }
        }
    }

    fn note(&mut self, happened: Happened) {
        if let Some(record) = CallRecord::open(&happened) {
            self.records.insert(record.call, record);
        } else if let Some(record) = happened.call.and_then(|call| self.records.get_mut(&call)) {
            assert!(
                record.ended.is_none()
                    || matches!(happened.what, What::RecordingGap { .. } | What::LegMeasured(_)),
                "after its end: {happened:?}"
            );
            record.apply(&happened);
        }
        self.journal.push(happened);
    }
}
